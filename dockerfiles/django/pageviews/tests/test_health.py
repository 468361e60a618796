from contextlib import contextmanager

from django.core.management import call_command
from django.db import connection
from django.test import TestCase, TransactionTestCase, override_settings

from pageviews.models import PageView


@contextmanager
def wrong_password():
    connection.close()
    right = connection.settings_dict["PASSWORD"]
    connection.settings_dict["PASSWORD"] = "wrong"
    try:
        yield
    finally:
        connection.settings_dict["PASSWORD"] = right
        connection.close()


class HealthTests(TestCase):
    def test_probes_count_nothing(self):
        self.assertEqual(self.client.get("/livez").json(), {"status": "alive"})
        self.assertEqual(self.client.get("/readyz").json(), {"status": "ready", "database": "reachable"})
        self.assertEqual(PageView.objects.count(), 0)

    @override_settings(SECURE_SSL_REDIRECT=True)
    def test_probes_need_neither_tls_nor_a_public_host(self):
        for path in ("/livez", "/readyz"):
            self.assertEqual(self.client.get(path, headers={"Host": "10.0.0.7"}).status_code, 200)


class TroubleTests(TransactionTestCase):
    def test_missing_migrations_are_named(self):
        call_command("migrate", "pageviews", "zero", verbosity=0)
        self.addCleanup(call_command, "migrate", "pageviews", verbosity=0)
        answer = self.client.get("/readyz")
        self.assertEqual(answer.status_code, 503)
        self.assertEqual(answer.json()["migrations_missing"], ["pageviews.0001_initial"])

    def test_a_refused_login_is_not_ready_but_alive_and_tells_a_stranger_no_names(self):
        with wrong_password(), self.assertLogs("pageviews.health", "WARNING") as log:
            answer = self.client.get("/readyz")
            self.assertEqual(self.client.get("/livez").status_code, 200)
        self.assertEqual(answer.status_code, 503)
        self.assertEqual(answer.json(), {"status": "unready", "database": "unreachable"})
        self.assertIn("password authentication failed", log.output[0])
        self.assertEqual(self.client.get("/readyz").status_code, 200)

    def test_a_page_without_its_database_is_503_and_says_when_to_come_back(self):
        with wrong_password():
            answer = self.client.get("/")
        self.assertEqual((answer.status_code, answer["Retry-After"]), (503, "5"))
        self.assertEqual(self.client.get("/")["X-Page-Views"], "1")
