"""Keeps what is sent to /files/NAME in a volume, and tells how the volume is mounted."""

import http.server
import json
import os
import pathlib

FILES = pathlib.Path("/app/uploads")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        try:
            (FILES / pathlib.Path(self.path).name).write_bytes(body)
            os.sync()
        except OSError as error:
            self.answer(str(error.strerror), 507)
            return
        self.answer("kept")

    def do_DELETE(self) -> None:
        (FILES / pathlib.Path(self.path).name).unlink()
        self.answer("gone")

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

    def answer(self, said: object, status: int = 200) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *words: object) -> None:
        pass


http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
