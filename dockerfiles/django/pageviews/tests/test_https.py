"""With https in front: nginx says so by X-Forwarded-Proto, and whoever came without is sent there."""

import json
import os
import subprocess
import sys
from functools import cache
from unittest import TestCase

from django.conf import settings

ASK = """
import json, sys, django
django.setup()
from django.conf import settings
from django.contrib import admin
from django.test import Client
from pageviews.models import PageView
answers = {"session": [settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY]}
for name, (path, headers) in json.loads(sys.argv[1]).items():
    answer = Client().get(path, headers=headers)
    cookies = {name: [bool(morsel["secure"]), bool(morsel["httponly"])] for name, morsel in answer.cookies.items()}
    answers[name] = [answer.status_code, answer.get("Location"), answer.get("Strict-Transport-Security"), cookies]
if settings.ADMIN:
    import pageviews.admin
    views = admin.site._registry[PageView]
    asked = (views.has_add_permission, views.has_change_permission, views.has_delete_permission)
    answers["permissions"] = [one(None) for one in asked]
print(json.dumps(answers))
"""
HERE, ELSEWHERE, HTTPS = {"Host": "localhost"}, {"Host": "evil.example"}, {"X-Forwarded-Proto": "https"}
# None of them needs the database.
REQUESTS = {
    "secure": ("/nowhere", HERE | HTTPS),
    "plain": ("/nowhere?a=1", HERE),
    "said to be plain": ("/nowhere?a=1", HERE | {"X-Forwarded-Proto": "http"}),
    "other header": ("/nowhere?a=1", HERE | {"X-Forwarded-Ssl": "on"}),
    "another header": ("/nowhere?a=1", HERE | {"X-Forwarded-Scheme": "https"}),
    "probe": ("/livez", {"Host": "10.0.0.7"}),
    "elsewhere": ("/", ELSEWHERE),
    "elsewhere, secure": ("/", ELSEWHERE | HTTPS),
    "login": ("/admin/login/", HERE | HTTPS),
    "admin": ("/admin/pageviews/pageview/", HERE | HTTPS),
}
HSTS = "max-age=31536000; includeSubDomains; preload"


@cache
def ask(**variables: str) -> dict:
    """What an app with these settings, which are read once at its start, answers: status, Location, HSTS and cookies."""
    result = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(REQUESTS)],
        cwd=settings.BASE_DIR,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    # The app's log comes before.
    return json.loads(result.stdout.splitlines()[-1])


class HttpsTests(TestCase):
    def test_who_came_by_https_is_served_and_told_to_stay_there(self):
        self.assertEqual(ask(PUBLIC_SCHEME="https")["secure"], [404, None, HSTS, {}])

    def test_who_did_not_is_sent_there(self):
        for name in ("plain", "said to be plain", "other header", "another header"):
            answer = ask(PUBLIC_SCHEME="https")[name]
            self.assertEqual(answer, [301, "https://localhost/nowhere?a=1", None, {}], name)

    def test_probes_are_answered_without(self):
        self.assertEqual(ask(PUBLIC_SCHEME="https")["probe"], [200, None, None, {}])

    def test_without_https_in_front_nobody_is_believed_to_have_come_by_it(self):
        for name in ("secure", "plain"):
            self.assertEqual(ask()[name], [404, None, None, {}])

    def test_a_host_that_is_not_ours_is_sent_nowhere(self):
        for name in ("elsewhere", "elsewhere, secure"):
            self.assertEqual(ask(PUBLIC_SCHEME="https")[name][:2], [400, None], name)

    def test_how_long_browsers_remember_can_be_shortened(self):
        shorter = ask(PUBLIC_SCHEME="https", DJANGO_HSTS_SECONDS="60", DJANGO_ADMIN="1")
        self.assertEqual(shorter["secure"][2], "max-age=60; includeSubDomains; preload")

    def test_cookies_are_sent_by_https_alone_and_hidden_from_scripts(self):
        secure = ask(PUBLIC_SCHEME="https", DJANGO_HSTS_SECONDS="60", DJANGO_ADMIN="1")
        self.assertEqual((secure["login"][3], secure["session"]), ({"csrftoken": [True, True]}, [True, True]))
        plain = ask(DJANGO_ADMIN="1")
        self.assertEqual((plain["login"][3], plain["session"]), ({"csrftoken": [False, True]}, [False, True]))


class AdminTests(TestCase):
    def test_views_can_be_looked_at_and_no_more(self):
        self.assertEqual(ask(DJANGO_ADMIN="1")["permissions"], [False, False, False])

    def test_a_stranger_is_asked_for_a_login(self):
        expected = [302, "/admin/login/?next=/admin/pageviews/pageview/", None, {}]
        self.assertEqual(ask(DJANGO_ADMIN="1")["admin"], expected)
        self.assertEqual(ask()["admin"][0], 404)
