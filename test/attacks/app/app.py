"""The app under attack: it tells what reached it byte by byte, and runs what an attack wants to try as "the app".

Its own HTTP is as trusting as an app's may be: it believes any header, and takes what follows a body for the next request.
"""

from __future__ import annotations

import collections
import hmac
import json
import os
import re
import socketserver
import subprocess
import sys

heads: collections.deque[str] = collections.deque(maxlen=5000)


class Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while self.answer_one():
            pass

    def answer_one(self) -> bool:
        head = self.read_head()
        if not head.strip():
            return False
        heads.append(head)
        if re.search(r"^upgrade: *h2c", head, re.I | re.M):
            return self.speak_freely()
        body = self.read_body(head)
        target = (head.split(" ") + ["", ""])[1]
        if target.startswith("/seen/"):
            answer = json.dumps([one for one in heads if target[6:] in one and "/seen/" not in one])
        elif target == "/exec" and self.is_trusted(head):
            answer = run(body)
        else:
            answer = json.dumps({"head": head, "body": len(body)})
        self.send(f"{answer}\n".encode(), with_body=not head.startswith("HEAD "))
        return True

    def read_head(self) -> str:
        lines = []
        while True:
            line = self.rfile.readline(1 << 20)
            lines.append(line)
            if line in (b"\r\n", b"\n", b""):
                return b"".join(lines).decode("latin-1")

    def read_body(self, head: str) -> bytes:
        if re.search(r"^transfer-encoding:.*chunked", head, re.I | re.M):
            return b"".join(iter(self.read_chunk, b""))
        length = re.search(r"^content-length: *(\d+)", head, re.I | re.M)
        return self.rfile.read(int(length[1])) if length else b""

    def read_chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0] or b"0", 16)
        chunk = self.rfile.read(size)
        self.rfile.readline()
        return chunk

    def speak_freely(self) -> bool:
        """As an app that accepts h2c: whatever comes on this connection now is for it alone."""
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        heads.append(f"unchecked: {self.connection.recv(4096)!r}")
        self.wfile.write(b"taken")
        return False

    def is_trusted(self, head: str) -> bool:
        said = re.search(r"^x-secret: *(\S+)", head, re.I | re.M)
        return hmac.compare_digest(said[1] if said else "", os.environ["SECRET"])

    def send(self, body: bytes, with_body: bool) -> None:
        length = len(body)
        self.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode())
        if with_body:
            self.wfile.write(body)


def run(source: bytes) -> str:
    """Output of a Python program, run by the app in its container; it leaves nothing behind."""
    command = [sys.executable, "-c", source.decode()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, start_new_session=True)
    return done.stdout + done.stderr if done.returncode >= 0 else f"{done.stdout}killed by signal {-done.returncode}"


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 512


if __name__ == "__main__":
    with Server(("", 8080), Connection) as server:
        server.serve_forever()
