"""An app that answers with the very bytes that a request asks for. Usage: answering-app.py PORT.

GET /bytes/BASE64URL[/BASE64URL...]: each part is sent on its own, 20 ms after the one before. Connections stay open until
the other side closes. Every request that reaches any replica is a line of /tmp/seen, as is the end of a body that broke off.
"""

import base64
import socketserver
import sys
import time

SEEN = "/tmp/seen"


def note(line: str) -> None:
    with open(SEEN, "a") as seen:
        seen.write(f"{line}\n")


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while request := self.rfile.readline().decode("latin1").split():
            headers = {}
            while line := self.rfile.readline().decode("latin1").strip():
                name, value = line.split(":", 1)
                headers[name.lower()] = value.strip()
            if not self.answer(request[0], request[1], int(headers.get("content-length", "0"))):
                return

    def answer(self, method: str, path: str, length: int) -> bool:
        note(f"{method} {path[:40]}")
        came = len(self.rfile.read(length))
        if length:
            note(f"{method} {path[:40]} {came} of {length}")
        if path.startswith("/bytes/"):
            for part in path.removeprefix("/bytes/").removesuffix("?close").split("/"):
                self.wfile.write(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
                time.sleep(0.02)
            return not path.endswith("?close")
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        return True


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 256


Server(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
