"""How the launcher asks the bucket: real requests, against servers that answer as S3 and the metadata service do, or worse."""

from __future__ import annotations

import http.client
import http.server
import json
import threading
import time
import unittest
from typing import Any
from unittest.mock import patch

import fetch
from fetch import Bucket, Refused

SETTINGS = {"bucket": "berth-hello", "account": "123456789012", "region": "eu-central-1", "domain": "amazonaws.com"}
KEYS = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "secret", "Token": "token"}
ROLE = "/latest/meta-data/iam/security-credentials/"
ERROR = b"<?xml version='1.0'?><Error><Code>%s</Code><Message>no</Message></Error>"


class Served(http.server.BaseHTTPRequestHandler):
    """Both services at once. `answers` holds what each path is answered with: status, headers and body, in pieces."""

    answers: dict[str, tuple[int, dict[str, str], list[bytes]]] = {}
    requests: list[tuple[str, str, dict[str, str]]] = []
    written = 0

    def do_GET(self) -> None:
        self.requests.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
        status, headers, body = self.answers.get(self.path, (404, {}, [ERROR % b"NoSuchKey"]))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for piece in body:
                self.wfile.write(piece)
                self.wfile.flush()
                Served.written += 1
                time.sleep(0.01)
        except OSError:  # the asker has heard enough
            pass

    do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        pass


class FetchCase(unittest.TestCase):
    def setUp(self) -> None:
        metadata = {
            "/latest/api/token": (200, {}, [b"a-token"]),
            ROLE: (200, {}, [b"hello"]),
            f"{ROLE}hello": (200, {}, [json.dumps(KEYS).encode()]),
        }
        Served.answers, Served.requests, Served.written = metadata, [], 0
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Served)
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        for clean in (server.server_close, thread.join, server.shutdown):
            self.addCleanup(clean)
        self.address = f"127.0.0.1:{server.server_port}"
        self.change(fetch, "METADATA", self.address)
        self.change(fetch, "TIMEOUT_S", 120)
        self.change(fetch, "connect", lambda host: http.client.HTTPConnection(self.address, timeout=fetch.TIMEOUT_S))
        self.bucket = Bucket(SETTINGS)

    def change(self, module: Any, name: str, value: Any) -> None:
        changed = patch.object(module, name, value)
        changed.start()
        self.addCleanup(changed.stop)

    def serve(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        Served.answers[path] = (status, {"content-length": str(len(body)), **headers}, [body])

    def refuse(self, pattern: str, most: int = 100) -> None:
        with self.assertRaisesRegex(Refused, pattern):
            self.bucket.get("agent.json", most)

    def asked(self) -> list[str]:
        return [path for _, path, _ in Served.requests]


class Asking(FetchCase):
    def test_an_object_comes_with_its_etag(self) -> None:
        self.serve("/agent.json", b"hello", etag='"1"')
        self.assertEqual(self.bucket.get("agent.json", 100), (b"hello", '"1"'))

    def test_each_request_is_signed_and_names_the_owner_of_the_bucket(self) -> None:
        self.serve("/agent.json", b"hello")
        self.bucket.get("agent.json", 100)
        headers = Served.requests[-1][2]
        self.assertEqual(headers["host"], "berth-hello.s3.eu-central-1.amazonaws.com")
        self.assertEqual(headers["x-amz-expected-bucket-owner"], "123456789012")
        self.assertEqual(headers["x-amz-security-token"], "token")
        self.assertRegex(headers["authorization"], "^AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/.*expected-bucket-owner")

    def test_an_unchanged_object_is_not_sent_again(self) -> None:
        self.serve("/agent.json", b"", 304)
        self.assertIsNone(self.bucket.get("agent.json", 100, '"1"'))
        self.assertEqual(Served.requests[-1][2]["if-none-match"], '"1"')

    def test_nobody_answers_unchanged_to_an_unconditional_request(self) -> None:
        self.serve("/agent.json", b"", 304)
        self.refuse("agent.json: 304")

    def test_the_role_s_credentials_are_asked_for_with_a_token_and_kept(self) -> None:
        self.serve("/agent.json", b"hello")
        for _ in range(3):
            self.bucket.get("agent.json", 100)
        self.assertEqual(self.asked(), ["/latest/api/token", ROLE, f"{ROLE}hello", *["/agent.json"] * 3])
        self.assertEqual(Served.requests[0][0], "PUT")
        for _, _, headers in Served.requests[1:3]:
            self.assertEqual(headers["x-aws-ec2-metadata-token"], "a-token")

    def test_they_are_read_anew_after_five_minutes_and_after_a_failure(self) -> None:
        self.serve("/agent.json", b"hello")
        self.bucket.get("agent.json", 100)
        self.assertLessEqual(self.bucket.until, time.monotonic() + 300)
        self.serve("/agent.json", ERROR % b"ExpiredToken", 400)
        self.refuse("ExpiredToken")
        self.serve("/agent.json", b"hello")
        self.bucket.get("agent.json", 100)
        self.assertEqual(self.asked().count(f"{ROLE}hello"), 2)

    def test_a_bucket_is_asked_over_tls_with_a_certificate_that_is_checked(self) -> None:
        self.doCleanups()
        connection = fetch.connect("berth-hello.s3.eu-central-1.amazonaws.com")
        self.assertIsInstance(connection, http.client.HTTPSConnection)
        context = connection._context
        self.assertEqual((context.check_hostname, context.verify_mode.name), (True, "CERT_REQUIRED"))


class Hostile(FetchCase):
    def test_a_refusal_is_told_by_its_code(self) -> None:
        for status, code in ((403, "AccessDenied"), (404, "NoSuchKey"), (500, "InternalError"), (503, "SlowDown")):
            self.serve("/agent.json", ERROR % code.encode(), status)
            self.refuse(f"^agent.json: {status} {code}$")

    def test_a_refusal_without_a_code_is_told_by_its_reason_and_no_body_is_repeated(self) -> None:
        self.serve("/agent.json", b"<html>\x1b[31m a proxy", 502)
        self.refuse("^agent.json: 502 Bad Gateway$")

    def test_nobody_is_followed_elsewhere(self) -> None:
        self.serve("/agent.json", b"", 302, location=f"http://{self.address}/other")
        self.serve("/other", b"hello")
        self.refuse("302")
        self.assertNotIn("/other", self.asked())

    def test_what_is_too_long_is_not_read_to_its_end(self) -> None:
        self.serve("/agent.json", b"x" * 101)
        self.refuse("longer than 100 bytes")
        Served.answers["/agent.json"] = (200, {}, [b"x" * 65536] * 1000)
        self.refuse("longer than 100 bytes")
        self.assertLess(Served.written, 1000)

    def test_as_long_as_allowed_is_taken(self) -> None:
        self.serve("/agent.json", b"x" * 100)
        self.assertEqual(self.bucket.get("agent.json", 100), (b"x" * 100, ""))

    def test_what_ends_too_soon_is_not_taken(self) -> None:
        Served.answers["/agent.json"] = (200, {"content-length": "10"}, [b"hello"])
        self.refuse("ended after 5 of 10 bytes")

    def test_what_never_ends_is_given_up(self) -> None:
        self.change(fetch, "LONGEST_S", 0.1)
        Served.answers["/agent.json"] = (200, {}, [b"x"] * 10_000)
        self.refuse("took longer than", 1_000_000)

    def test_silence_is_given_up(self) -> None:
        self.change(fetch, "TIMEOUT_S", 0.1)
        Served.answers["/agent.json"] = (200, {"content-length": "10"}, [])
        with patch.object(Served, "finish", lambda _: time.sleep(0.5)), self.assertRaises(OSError):
            self.bucket.get("agent.json", 100)

    def test_no_role_no_request(self) -> None:
        for path in ("/latest/api/token", ROLE, f"{ROLE}hello"):
            kept = Served.answers.pop(path)
            self.refuse(f"metadata service answered 404 for {path}$")
            Served.answers[path] = kept
        self.assertNotIn("/agent.json", self.asked())

    def test_credentials_that_are_none_are_trouble_like_any(self) -> None:
        self.serve(f"{ROLE}hello", b'{"Code":"Failed"}')
        with self.assertRaises(KeyError):
            self.bucket.get("agent.json", 100)


if __name__ == "__main__":
    unittest.main()
