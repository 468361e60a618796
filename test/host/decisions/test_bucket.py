"""The bucket as the host asks it: the requests of the real client, against a server that keeps objects and their ETags."""

from __future__ import annotations

import http.server
import os
import threading
import unittest
from unittest.mock import patch

import bucket
from stand_ins import Clock

SETTINGS = {"bucket": "berth-hello", "account": "123456789012", "region": "eu-central-1"}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_CONFIG_FILE": "/dev/null"}
# One for all: each would read botocore's data anew.
SESSION = bucket.session.Session()
ERROR = "<Error><Code>{}</Code><Message>no</Message></Error>"


class Storage(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects: dict[str, tuple[bytes, str]] = {}
    requests: list[tuple[str, str, dict[str, str]]] = []
    refusal: tuple[int, str] | None = None

    def do_GET(self) -> None:
        self.note()
        if self.refusal:
            self.answer(self.refusal[0], ERROR.format(self.refusal[1]).encode())
        elif self.path not in self.objects:
            self.answer(404, ERROR.format("NoSuchKey").encode())
        elif self.headers["If-None-Match"] == self.objects[self.path][1]:
            self.answer(304, b"")
        else:
            self.answer(200, *self.objects[self.path])

    def do_PUT(self) -> None:
        self.note()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.refusal:
            return self.answer(self.refusal[0], ERROR.format(self.refusal[1]).encode())
        self.objects[self.path] = (body, '"put"')
        self.answer(200, b"", '"put"')

    def note(self) -> None:
        self.requests.append((self.command, self.path, {key.lower(): value for key, value in self.headers.items()}))

    def answer(self, status: int, body: bytes, etag: str = "") -> None:
        self.send_response(status)
        if etag:
            self.send_header("ETag", etag)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Asking(unittest.TestCase):
    def setUp(self) -> None:
        Storage.objects, Storage.requests, Storage.refusal = {}, [], None
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Storage)
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        for clean in (server.server_close, thread.join, server.shutdown):
            self.addCleanup(clean)
        self.clock = Clock()
        address = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "NO_PROXY": "127.0.0.1"}
        environment = patch.dict(os.environ, {**KEYS, **address})
        session = patch.object(bucket.session, "Session", lambda: SESSION)
        for each in (environment, session, patch.object(bucket, "time", self.clock)):
            each.start()
            self.addCleanup(each.stop)
        self.bucket = bucket.Bucket(SETTINGS)

    def wish(self, number: int) -> None:
        Storage.objects["/berth-hello/release.json"] = (b'{"number": %d}' % number, f'"{number}"')

    def headers(self) -> dict[str, str]:
        return Storage.requests[-1][2]

    def test_each_request_is_signed_and_names_the_owner_of_the_bucket(self) -> None:
        self.bucket.release()
        self.bucket.put("hosts/i-1.json", {"a": 1})
        for _, _, headers in Storage.requests:
            self.assertEqual(headers["x-amz-expected-bucket-owner"], "123456789012")
            self.assertRegex(headers["authorization"], "AKIDEXAMPLE/.*/eu-central-1/s3/.*expected-bucket-owner")

    def test_a_report_is_put_whole_as_json(self) -> None:
        self.assertIs(self.bucket.put("hosts/i-1.json", {"a": "ü"}), True)
        self.assertEqual(Storage.requests[-1][:2], ("PUT", "/berth-hello/hosts/i-1.json"))
        self.assertEqual(self.headers()["content-type"], "application/json")
        self.assertEqual(Storage.objects["/berth-hello/hosts/i-1.json"][0], b'{"a": "\\u00fc"}')

    def test_an_unchanged_wish_is_asked_for_by_its_etag_and_kept(self) -> None:
        self.wish(1)
        self.assertEqual(self.bucket.release(), {"number": 1})
        self.assertNotIn("if-none-match", self.headers())
        self.assertEqual(self.bucket.release(), {"number": 1})
        self.assertEqual(self.headers()["if-none-match"], '"1"')
        self.assertEqual(self.bucket.silence_s, 0)

    def test_a_changed_wish_is_heard(self) -> None:
        for number in (1, 2):
            self.wish(number)
            self.assertEqual(self.bucket.release(), {"number": number})

    def test_no_wish_is_no_trouble_and_the_last_one_is_kept(self) -> None:
        self.assertIsNone(self.bucket.release())
        self.wish(1)
        self.bucket.release()
        Storage.objects = {}
        self.assertEqual(self.bucket.release(), {"number": 1})
        self.assertEqual(len(Storage.requests), 3, "and no silence in between")

    def test_an_answer_that_never_comes_is_silence_too(self) -> None:
        self.wish(1)
        self.bucket.release()
        trouble = bucket.exceptions.ReadTimeoutError(endpoint_url="https://s3", error="timed out")
        with patch.object(self.bucket.client, "get_object", side_effect=trouble):
            self.assertEqual((self.bucket.release(), self.bucket.silence_s), ({"number": 1}, 2))

    def test_only_a_silence_of_some_length_says_that_the_network_was_away(self) -> None:
        for silence_s, is_away in ((0, False), (2, False), (4, False), (8, True), (30, True)):
            self.bucket.silence_s = silence_s
            self.assertIs(self.bucket.is_away(), is_away, silence_s)

    def test_trouble_is_met_with_ever_longer_silence_and_one_warning(self) -> None:
        self.wish(1)
        self.bucket.release()
        Storage.refusal = (403, "AccessDenied")
        with self.assertLogs("berth", "WARNING") as warnings:
            silences = [self.silence() for _ in range(6)]
        self.assertEqual(silences, [2, 4, 8, 16, 30, 30])
        self.assertEqual(len(warnings.output), 1)
        self.assertIn("AccessDenied", warnings.output[0])
        Storage.refusal = None
        self.assertEqual(self.bucket.release(), {"number": 1})
        self.assertEqual(self.bucket.silence_s, 0)

    def silence(self) -> float:
        """The seconds after this failure in which nothing is asked."""
        before = len(Storage.requests)
        self.assertEqual(self.bucket.release(), {"number": 1})
        self.assertEqual(len(Storage.requests), before + 1, "one attempt")
        self.assertIsNone(self.bucket.client, "credentials are read anew")
        begun = self.clock.now
        while self.clock.now < self.bucket.silent_until:
            self.assertFalse(self.bucket.put("hosts/i-1.json", {}))
            self.clock.now += 1
        self.assertEqual(len(Storage.requests), before + 1)
        return self.clock.now - begun

    def test_which_answers_are_trouble(self) -> None:
        for status, code in ((403, "AccessDenied"), (404, "NoSuchBucket"), (500, "InternalError"), (503, "SlowDown")):
            Storage.refusal, before = (status, code), len(Storage.requests)
            asked = bucket.Bucket(SETTINGS)
            with self.assertLogs("berth", "WARNING"):
                self.assertFalse(asked.put("hosts/i-1.json", {}))
            self.assertEqual((asked.silence_s, len(Storage.requests) - before), (2, 1), code)

    def test_a_bucket_out_of_reach_is_trouble_too(self) -> None:
        with patch.dict(os.environ, {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}), self.assertLogs("berth", "WARNING"):
            self.assertIsNone(self.bucket.release())
        self.assertEqual(self.bucket.silence_s, 2)

    def test_no_answer_is_waited_for_longer_than_five_seconds(self) -> None:
        options = self.bucket.connect().meta.config
        self.assertEqual((options.connect_timeout, options.read_timeout), (3, 5))
        self.assertEqual(options.retries["total_max_attempts"], 1)

    def test_the_metadata_service_may_take_its_time_too(self) -> None:
        self.bucket.connect()
        limits = [SESSION.get_config_variable(f"metadata_service_{name}") for name in ("timeout", "num_attempts")]
        self.assertEqual(limits, [5, 3])

    def test_it_asks_the_region_of_the_bucket(self) -> None:
        with patch.dict(os.environ, {"AWS_ENDPOINT_URL": ""}):
            for region in ("us-east-1", "eu-central-1"):
                client = bucket.Bucket({**SETTINGS, "region": region}).connect()
                self.assertEqual(client.meta.endpoint_url, f"https://s3.{region}.amazonaws.com")


if __name__ == "__main__":
    unittest.main()
