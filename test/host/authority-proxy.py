"""Stands between a host and its authority, and does to its answers what the file /run/authority-fault says.

Usage: authority-proxy.py CERTIFICATE KEY GATEWAY. When each request came, and its path, goes into /run/authority-log.
"""

import http.client
import json
import pathlib
import socket
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = "acme-v02.api.letsencrypt.org"
FAULT, LOG = pathlib.Path("/run/authority-fault"), pathlib.Path("/run/authority-log")
certificate, key, gateway = sys.argv[1:]


class Upstream(http.client.HTTPSConnection):
    def connect(self) -> None:
        self.sock = self._context.wrap_socket(socket.create_connection((gateway, 443)), server_hostname=NAME)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with LOG.open("a") as log:
            log.write(f"{time.time()} {self.path}\n")
        fault = FAULT.read_text().strip() if FAULT.exists() else ""
        if fault == "limited" and self.path == "/order-plz":
            self.refuse()
            return
        upstream = Upstream(NAME, context=ssl.create_default_context())
        upstream.request(self.command, self.path, body, dict(self.headers))
        answer = upstream.getresponse()
        content = answer.read()
        # What was decided isn't told.
        if fault == "pending" and self.path.startswith("/authZ/"):
            content = json.dumps({**json.loads(content), "status": "pending"}).encode()
        self.answer(answer.status, answer.getheaders(), content)
        upstream.close()

    do_HEAD = do_POST = do_GET

    def refuse(self) -> None:
        """As https://letsencrypt.org/docs/rate-limits/ has it. The nonce that came with the request stays unused."""
        problem = {"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many new orders recently", "status": 429}
        headers = [("Content-Type", "application/problem+json"), ("Retry-After", "12")]
        self.answer(429, headers, json.dumps(problem).encode())

    def answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", 14443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
