"""Takes 40 s to start, as an app that fills its caches does."""

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GREETING = "release one"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = GREETING.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


time.sleep(40)
ThreadingHTTPServer(("", 8080), Handler).serve_forever()
