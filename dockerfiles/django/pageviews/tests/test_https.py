"""With https in front: nginx says so by X-Forwarded-Proto, and whoever came without is sent there."""

import json
import os
import subprocess
import sys
from unittest import TestCase

from django.conf import settings

ASK = """
import json, sys, django
django.setup()
from django.test import Client
answers = []
for path, headers in json.loads(sys.argv[1]):
    answer = Client().get(path, headers=headers)
    cookies = {name: [bool(morsel["secure"]), bool(morsel["httponly"])] for name, morsel in answer.cookies.items()}
    answers.append([answer.status_code, answer.headers.get("Location"), answer.headers.get("Strict-Transport-Security"), cookies])
print(json.dumps(answers))
"""
HTTPS = {"X-Forwarded-Proto": "https"}
HSTS = "max-age=31536000; includeSubDomains; preload"


def run(script: str, *arguments: str, **variables: str) -> str:
    """What a script writes in a process of its own: settings are read once, at its start."""
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return result.stdout


def ask(*requests: tuple[str, dict[str, str]], **variables: str) -> list:
    """Status, Location, HSTS and cookies of each answer. The app's log comes before."""
    wanted = [[path, {"Host": "localhost", **headers}] for path, headers in requests]
    return json.loads(run(ASK, json.dumps(wanted), **variables).splitlines()[-1])


class HttpsTests(TestCase):
    def test_who_came_by_https_is_served_and_told_to_stay_there(self):
        self.assertEqual(ask(("/nowhere", HTTPS), PUBLIC_SCHEME="https"), [[404, None, HSTS, {}]])

    def test_who_did_not_is_sent_there(self):
        claims = ({}, {"X-Forwarded-Proto": "http"}, {"X-Forwarded-Ssl": "on"}, {"X-Forwarded-Scheme": "https"})
        answers = ask(*(("/nowhere?a=1", headers) for headers in claims), PUBLIC_SCHEME="https")
        self.assertEqual(answers, [[301, "https://localhost/nowhere?a=1", None, {}]] * len(claims))

    def test_probes_are_answered_without(self):
        self.assertEqual(ask(("/livez", {"Host": "10.0.0.7"}), PUBLIC_SCHEME="https"), [[200, None, None, {}]])

    def test_without_https_in_front_nobody_is_believed_to_have_come_by_it(self):
        self.assertEqual(ask(("/nowhere", HTTPS), ("/nowhere", {})), [[404, None, None, {}]] * 2)

    def test_a_host_that_is_not_ours_is_sent_nowhere(self):
        answers = ask(("/", {"Host": "evil.example"}), ("/", {"Host": "evil.example", **HTTPS}), PUBLIC_SCHEME="https")
        self.assertEqual([(status, location) for status, location, *_ in answers], [(400, None)] * 2)

    def test_how_long_browsers_remember_can_be_shortened(self):
        answers = ask(("/nowhere", HTTPS), PUBLIC_SCHEME="https", DJANGO_HSTS_SECONDS="60")
        self.assertEqual(answers[0][2], "max-age=60; includeSubDomains; preload")

    def test_cookies_are_sent_by_https_alone_and_hidden_from_scripts(self):
        login = ("/admin/login/", HTTPS)
        self.assertEqual(ask(login, PUBLIC_SCHEME="https", DJANGO_ADMIN="1")[0][3], {"csrftoken": [True, True]})
        self.assertEqual(ask(login, DJANGO_ADMIN="1")[0][3], {"csrftoken": [False, True]})

    def test_so_is_the_cookie_of_a_session(self):
        show = "from django.conf import settings as s; print(s.SESSION_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY)"
        self.assertEqual(run(show, PUBLIC_SCHEME="https"), "True True\n")


class AdminTests(TestCase):
    def test_views_can_be_looked_at_and_no_more(self):
        look = (
            "import django; django.setup(); from django.contrib import admin; from pageviews.models import PageView;"
            "import pageviews.admin; one = admin.site._registry[PageView];"
            "print(one.has_add_permission(None), one.has_change_permission(None), one.has_delete_permission(None))"
        )
        self.assertEqual(run(look, DJANGO_ADMIN="1"), "False False False\n")

    def test_a_stranger_is_asked_for_a_login(self):
        answers = ask(("/admin/", {}), ("/admin/pageviews/pageview/", {}), DJANGO_ADMIN="1")
        self.assertEqual(
            [(status, location) for status, location, *_ in answers],
            [(302, "/admin/login/?next=/admin/"), (302, "/admin/login/?next=/admin/pageviews/pageview/")],
        )
