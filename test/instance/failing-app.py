"""An app that fails one request in ten, each decided on its own. Usage: failing-app.py PORT."""

import http.server
import json
import random
import sys

posts: dict[str, int] = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.headers.get("Upgrade") == "echo":
            self.upgrade()
        elif self.path == "/posts":
            self.answer(200, posts)
        elif self.path == "/headers":
            self.answer(200, dict(self.headers), {"X-Frame-Options": "DENY", "X-Request-ID": "mine"})
        else:
            self.answer(500 if random.random() < 0.1 else 200, "hello")

    def do_POST(self) -> None:
        key = self.rfile.read(int(self.headers["Content-Length"])).decode()
        posts[key] = posts.get(key, 0) + 1
        self.answer(500 if random.random() < 0.5 else 200, "taken")

    def upgrade(self) -> None:
        self.send_response(101)
        self.send_header("Upgrade", "echo")
        self.send_header("Connection", "Upgrade")
        self.end_headers()
        self.wfile.write(self.rfile.read(4)[::-1])
        self.close_connection = True

    def answer(self, status: int, document: object, headers: "dict[str, str] | None" = None) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
