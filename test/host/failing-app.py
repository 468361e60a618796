"""An app that fails one request in ten, each decided on its own, and by request in other ways. Usage: failing-app.py PORT.

Every try that reaches any replica is a line of /tmp/seen.
"""

import hashlib
import http.server
import json
import os
import random
import socket
import sys
import time

SEEN = "/tmp/seen"
MEBIBYTE = b"x" * (1 << 20)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with open(SEEN, "a") as seen:
            seen.write(f"{self.command} {self.path}\n")
        if self.headers.get("Upgrade") == "websocket":
            self.upgrade()
        elif self.headers.get("Upgrade") == "h2c":
            self.speak_h2c()
        elif self.path == "/headers":
            own = {"X-Frame-Options": "DENY", "X-Request-ID": "mine", "X-Berth-Tries": "500, 500", "X-Berth-Replicas": "forged"}
            self.answer(200, dict(self.headers), own)
        elif self.path == "/die":
            os._exit(1)
        elif self.path == "/drop":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif self.path == "/hang":
            time.sleep(120)
        elif self.path == "/fail":
            self.answer(500, "the app's own words")
        elif self.path == "/again":
            self.answer(200, "once", {"X-Accel-Redirect": "/again", "X-Accel-Limit-Rate": "1"})
        elif self.path == "/large":
            self.answer_large(32)
        elif self.path.startswith("/status/"):
            self.answer(int(self.path[8:]), "the app's own words")
        elif self.path.startswith("/header/"):
            self.answer(200, "hello", {"X-Long": "x" * int(self.path[8:])})
        elif self.path == "/garbled":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n")
            self.close_connection = True
        else:
            self.answer(500 if random.random() < 0.1 else 200, "hello")

    do_HEAD = do_OPTIONS = do_GET

    def do_POST(self) -> None:
        if self.path == "/upload":
            self.take_upload(int(self.headers["Content-Length"]))
            return
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with open(SEEN, "a") as seen:
            seen.write(f"{self.command} {self.path} {json.dumps(body[:80])}\n")
        if self.path == "/drop":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif self.path == "/again":
            self.answer(200, "once", {"X-Accel-Redirect": "/again", "X-Accel-Limit-Rate": "1"})
        elif self.path.startswith("/sleep/"):
            time.sleep(float(self.path[7:]))
            self.answer(200, "awake")
        elif self.path.startswith("/status/"):
            self.answer(int(self.path[8:]), "the app's own words")
        elif self.path.startswith("/header/"):
            self.answer(200, "hello", {"X-Long": "x" * int(self.path[8:])})
        else:
            self.answer(500 if random.random() < 0.5 or self.path == "/fail" else 200, "taken")

    do_PUT = do_DELETE = do_PATCH = do_REFUND = do_POST

    def take_upload(self, length: int) -> None:
        digest, left = hashlib.sha256(), length
        while left and (part := self.rfile.read(min(left, 1 << 20))):
            digest.update(part)
            left -= len(part)
        self.answer(200, digest.hexdigest())

    def upgrade(self) -> None:
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.end_headers()
        self.wfile.write(self.rfile.read(4)[::-1])
        self.close_connection = True

    def speak_h2c(self) -> None:
        """Real HTTP/2: what a client asks for on this connection from now on, no proxy sees."""
        import h2.connection, h2.config, h2.events

        talk = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        talk.initiate_upgrade_connection(self.headers.get("HTTP2-Settings", "").encode())
        self.send_response(101)
        self.send_header("Upgrade", "h2c")
        self.send_header("Connection", "Upgrade")
        self.end_headers()
        self.respond_h2(talk, 1, "upgraded")
        self.close_connection = True
        while received := self.connection.recv(65536):
            for event in talk.receive_data(received):
                if isinstance(event, h2.events.RequestReceived):
                    self.respond_h2(talk, event.stream_id, dict(event.headers)[":path"])
            self.connection.sendall(talk.data_to_send())

    def respond_h2(self, talk: object, stream: int, text: str) -> None:
        talk.send_headers(stream, [(":status", "200")])
        talk.send_data(stream, text.encode(), end_stream=True)
        self.connection.sendall(talk.data_to_send())

    def answer_large(self, mebibytes: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(mebibytes << 20))
        self.end_headers()
        for _ in range(mebibytes):
            self.wfile.write(MEBIBYTE)

    def answer(self, status: int, document: object, headers: "dict[str, str] | None" = None) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


http.server.ThreadingHTTPServer.request_queue_size = 256
http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
