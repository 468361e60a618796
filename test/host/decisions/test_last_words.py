"""What a host that failed leaves in the bucket: real requests, against servers that answer as S3 and the metadata service do."""

from __future__ import annotations

import http.client
import http.server
import io
import json
import os
import pathlib
import tempfile
import threading
import unittest
from contextlib import redirect_stdout
from typing import Any
from unittest.mock import patch

import fetch
import last_words
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SETTINGS = {"bucket": "berth-hello", "account": "123456789012", "region": "eu-central-1", "domain": "amazonaws.com"}
KEYS = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "secret", "Token": "token"}
ROLE = "/latest/meta-data/iam/security-credentials/"
KEY = "/hosts/i-1.journal.json"
METADATA = {"/latest/api/token": b"a-token", ROLE: b"hello", f"{ROLE}hello": json.dumps(KEYS).encode()}
JOURNAL = """#!/bin/sh
echo "$*" >"$0.arguments"
cat "$0.journal"
"""


class Served(http.server.BaseHTTPRequestHandler):
    """Both services at once. The metadata service wants its token."""

    puts: list[tuple[str, dict[str, str], bytes]] = []
    status = 200

    def do_PUT(self) -> None:
        if self.path == "/latest/api/token":
            return self.answer(200, METADATA[self.path])
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.puts.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        self.answer(self.status, b"")

    def do_GET(self) -> None:
        known = self.headers["X-aws-ec2-metadata-token"] == "a-token"
        self.answer(200 if known else 401, METADATA[self.path])

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class LastWords(unittest.TestCase):
    def setUp(self) -> None:
        Served.puts, Served.status = [], 200
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Served)
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        for clean in (server.server_close, thread.join, server.shutdown):
            self.addCleanup(clean)
        address = f"127.0.0.1:{server.server_port}"
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name, text in (("settings", json.dumps(SETTINGS)), ("id", "i-1\n"), ("journalctl", JOURNAL)):
            (self.folder / name).write_text(text)
        (self.folder / "journalctl").chmod(0o755)
        self.journal = self.folder / "journalctl.journal"
        self.journal.write_text("E: Unable to locate package docker.io\n")
        self.change(fetch, "METADATA", address)
        self.change(last_words, "SETTINGS", self.folder / "settings")
        self.change(last_words, "INSTANCE_ID", self.folder / "id")
        self.change(last_words, "MARK", self.folder / "mark")
        self.change(fetch, "connect", lambda host: http.client.HTTPConnection(address, timeout=120))
        result = {"SERVICE_RESULT": "exit-code", "PATH": f"{self.folder}:{os.environ['PATH']}"}
        environment = patch.dict(os.environ, result)
        environment.start()
        self.addCleanup(environment.stop)

    def change(self, module: Any, name: str, value: Any) -> None:
        changed = patch.object(module, name, value)
        changed.start()
        self.addCleanup(changed.stop)

    def told(self) -> list[str]:
        last_words.main()
        lines: list[str] = json.loads(Served.puts[-1][2])["lines"]
        return lines

    def test_the_end_of_what_set_up_and_converger_wrote_is_put_beside_the_report(self) -> None:
        self.assertEqual(self.told(), ["E: Unable to locate package docker.io"])
        self.assertEqual(Served.puts[-1][0], KEY)
        asked = (self.folder / "journalctl.arguments").read_text().split()
        self.assertEqual(asked[-4:], ["--unit", "berth.service", "--unit", "berth-launcher.service"])

    def test_s3_would_take_the_signature(self) -> None:
        last_words.main()
        path, headers, body = Served.puts[-1]
        proof = headers.pop("authorization")
        names = proof.split("SignedHeaders=")[1].split(",")[0].split(";")
        self.assertIn("x-amz-expected-bucket-owner", names)
        signed = {name: headers[name] for name in names}
        request = AWSRequest("PUT", f"https://{headers['host']}{path}", signed, body)
        request.context["timestamp"] = headers["x-amz-date"]
        auth = S3SigV4Auth(Credentials("ASIAEXAMPLE", "secret", "token"), "s3", "eu-central-1")
        text = auth.string_to_sign(request, auth.canonical_request(request))
        self.assertEqual(proof.split("Signature=")[1], auth.signature(text, request))

    def test_it_stays_small_whatever_was_written(self) -> None:
        self.journal.write_bytes(b"\xff" * 5000 + b"\n" + b"x\f\r\x1c" * 400 + b"\n" + b"y\n" * 500)
        lines = self.told()
        self.assertEqual((len(lines), max(map(len, lines))), (50, 1))
        self.journal.write_bytes(b"\xff" * 5000 + b"\n")
        self.assertEqual(self.told_again(), ["\ufffd" * 500])

    def told_again(self) -> list[str]:
        (self.folder / "mark").unlink()
        return self.told()

    def test_it_is_told_once_a_minute_at_most(self) -> None:
        for _ in range(3):
            last_words.main()
        self.assertEqual(len(Served.puts), 1)
        os.utime(self.folder / "mark", (0, 0))
        last_words.main()
        self.assertEqual(len(Served.puts), 2)

    def test_an_end_that_was_asked_for_is_no_failure(self) -> None:
        with patch.dict(os.environ, {"SERVICE_RESULT": "success"}):
            last_words.main()
        self.assertEqual(Served.puts, [])

    def test_a_refusal_is_said(self) -> None:
        Served.status = 403
        with redirect_stdout(io.StringIO()) as said:
            last_words.main()
        self.assertIn("403", said.getvalue())


if __name__ == "__main__":
    unittest.main()
