from contextlib import contextmanager
from unittest.mock import patch

from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError, connection
from django.test import TestCase, TransactionTestCase, override_settings, tag

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

    def test_being_alive_asks_no_database(self):
        with self.assertNumQueries(0):
            self.assertEqual(self.client.get("/livez").status_code, 200)

    def test_nobody_keeps_an_answer_of_a_probe(self):
        for path in ("/livez", "/readyz"):
            self.assertEqual(self.client.get(path)["Cache-Control"], "no-store")

    def test_only_these_two_addresses_are_probes(self):
        for path in ("/livez/", "/readyz2", "/x/livez", "/LIVEZ"):
            self.assertEqual(self.client.get(path).status_code, 404, path)


class UnavailableTests(TestCase):
    """What a visitor sees of trouble with the database, whatever database it is."""

    def ask(self, problem: type[Exception]):
        self.client.raise_request_exception = False
        with patch("pageviews.models.PageViews.record", side_effect=problem("host=db user=pageviews")):
            return self.client.get("/")

    def test_a_database_out_of_reach_is_503_for_a_while_and_names_nobody(self):
        for problem in (OperationalError, InterfaceError):
            answer = self.ask(problem)
            self.assertEqual((answer.status_code, answer["Retry-After"]), (503, "5"))
            self.assertEqual(answer["Cache-Control"], "no-store")
            self.assertNotContains(answer, "user=pageviews", status_code=503)

    def test_a_mistake_of_ours_is_500(self):
        for problem in (ProgrammingError, ValueError):
            self.assertEqual(self.ask(problem).status_code, 500)

    def test_not_ready_names_nobody(self):
        with patch("pageviews.health.MigrationExecutor", side_effect=DatabaseError("host=db user=pageviews")):
            answer = self.client.get("/readyz")
        self.assertEqual(answer.status_code, 503)
        self.assertEqual(answer.json(), {"status": "unready", "database": "unreachable"})


class TroubleTests(TransactionTestCase):
    def test_missing_migrations_are_named(self):
        call_command("migrate", "pageviews", "zero", verbosity=0)
        self.addCleanup(call_command, "migrate", "pageviews", verbosity=0)
        answer = self.client.get("/readyz")
        self.assertEqual(answer.status_code, 503)
        self.assertEqual(answer.json()["migrations_missing"], ["pageviews.0001_initial"])

    @tag("postgres")
    def test_a_refused_login_is_not_ready_but_alive_and_tells_a_stranger_no_names(self):
        with wrong_password(), self.assertLogs("pageviews.health", "WARNING") as log:
            answer = self.client.get("/readyz")
            self.assertEqual(self.client.get("/livez").status_code, 200)
        self.assertEqual(answer.status_code, 503)
        self.assertEqual(answer.json(), {"status": "unready", "database": "unreachable"})
        self.assertIn("password authentication failed", log.output[0])
        self.assertEqual(self.client.get("/readyz").status_code, 200)

    @tag("postgres")
    def test_a_page_without_its_database_is_503_and_says_when_to_come_back(self):
        with wrong_password():
            answer = self.client.get("/")
        self.assertEqual((answer.status_code, answer["Retry-After"]), (503, "5"))
        self.assertEqual(self.client.get("/")["X-Page-Views"], "1")
