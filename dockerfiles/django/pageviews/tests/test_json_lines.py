import json
import logging
import sys
from types import SimpleNamespace
from unittest import TestCase

from site_settings.json_lines import JsonLines


def make_record(name: str, **extra: object) -> logging.LogRecord:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord(name, logging.ERROR, __file__, 1, "broke %s", ("it",), sys.exc_info())
    record.__dict__.update(extra)
    return record


class JsonLinesTests(TestCase):
    def test_one_record_is_one_line_with_its_exception_and_request_id(self):
        request = SimpleNamespace(headers={"X-Request-ID": "abcd1234"}, path="/")
        text = JsonLines().format(make_record("app", request=request, status_code=500))
        self.assertNotIn("\n", text)
        line = json.loads(text)
        self.assertEqual((line["message"], line["level"], line["request_id"]), ("broke it", "error", "abcd1234"))
        self.assertEqual(line["status"], 500)
        self.assertIn("ValueError", line["exception"])

    def test_a_wrong_host_is_a_line_without_a_traceback(self):
        line = json.loads(JsonLines().format(make_record("django.security.DisallowedHost")))
        self.assertNotIn("exception", line)
