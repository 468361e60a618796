import os
import runpy
from unittest import TestCase
from unittest.mock import patch

from django.conf import settings


def read(**variables: str) -> dict:
    names = ("PORT", "WEB_CONCURRENCY", "WEB_THREADS", "WEB_TIMEOUT", "WEB_GRACEFUL_TIMEOUT", "WEB_KEEPALIVE")
    others = {name: value for name, value in os.environ.items() if name not in (*names, "WEB_MAX_REQUESTS")}
    with patch.dict(os.environ, {**others, **variables}, clear=True):
        return runpy.run_path(str(settings.BASE_DIR / "gunicorn.conf.py"))


class GunicornTests(TestCase):
    def test_what_it_does_without_being_told_anything(self):
        expected = {
            "bind": "0.0.0.0:8000",
            "workers": 2,
            "threads": 4,
            "worker_class": "gthread",
            "preload_app": True,
            "timeout": 30,
            # Compose kills after 30 s.
            "graceful_timeout": 25,
            # nginx hangs up after 60 s: never the app first.
            "keepalive": 75,
            "max_requests": 20_000,
            "max_requests_jitter": 2_000,
            "worker_tmp_dir": "/dev/shm",
            "control_socket_disable": True,
            "forwarded_allow_ips": "*",
            "accesslog": None,
        }
        conf = read()
        self.assertEqual({name: conf[name] for name in expected}, expected)

    def test_a_variable_changes_it_and_an_empty_one_does_not(self):
        self.assertEqual(read(WEB_CONCURRENCY="3", PORT="9000")["workers"], 3)
        self.assertEqual(read(PORT="9000")["bind"], "0.0.0.0:9000")
        self.assertEqual(read(WEB_THREADS="")["threads"], 4)
