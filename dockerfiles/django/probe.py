"""The health check of the container: exit 0 if the app says that it is ready, else 1 with what it said.

Only sockets, because it runs every few seconds: a whole HTTP client takes three times as long to import.
"""

import os
import socket
import sys

with socket.create_connection(("127.0.0.1", int(os.environ.get("PORT") or 8000)), timeout=4) as wire:
    wire.sendall(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
    reply = b"".join(iter(lambda: wire.recv(4096), b"")).decode("utf-8", "replace")

head, _, body = reply.partition("\r\n\r\n")
status_line = head.partition("\r\n")[0]
print(status_line, body.strip())
sys.exit(0 if status_line.split(" ")[1:2] == ["200"] else 1)
