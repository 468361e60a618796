"""Keeps what is sent to /files/NAME in a volume, and tells how the volume is mounted."""

import http.server
import json
import os
import pathlib

FILES = pathlib.Path("/app/uploads")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        length = int(self.headers["Content-Length"])
        (FILES / pathlib.Path(self.path).name).write_bytes(self.rfile.read(length))
        os.sync()
        self.answer("kept")

    def do_GET(self) -> None:
        if self.path == "/mount":
            mounts = [line.split() for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
            options = next(mount[3] for mount in mounts if mount[1] == str(FILES))
            space = os.statvfs(FILES)
            mib = space.f_blocks * space.f_frsize >> 20
            self.answer({"options": options.split(","), "owner": FILES.stat().st_uid, "mib": mib})
            return
        path = FILES / pathlib.Path(self.path).name
        self.answer(path.read_text() if path.is_file() else f"{os.environ.get('MODE', '')} nothing")

    def answer(self, said: object) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *words: object) -> None:
        pass


http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
