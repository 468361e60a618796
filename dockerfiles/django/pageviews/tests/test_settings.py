import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from unittest import TestCase

from django.conf import settings

SHOW = """
import json
from django.conf import settings as s
print(json.dumps(default=str, obj={
    "database": s.DATABASES["default"], "middleware": s.MIDDLEWARE, "nosniff": s.SECURE_CONTENT_TYPE_NOSNIFF,
    "referrer": s.SECURE_REFERRER_POLICY, "frames": s.X_FRAME_OPTIONS, "static": s.STORAGES["staticfiles"]["BACKEND"],
    "debug": s.DEBUG, "hosts": s.ALLOWED_HOSTS, "engine": s.DATABASES["default"]["ENGINE"],
    "checks": s.DATABASES["default"].get("CONN_HEALTH_CHECKS"), "age": s.DATABASES["default"].get("CONN_MAX_AGE"),
    "key": s.SECRET_KEY, "redirect": s.SECURE_SSL_REDIRECT,
    "csrf": s.CSRF_TRUSTED_ORIGINS, "proxy": s.SECURE_PROXY_SSL_HEADER, "admin": s.ADMIN,
}))
"""


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@cache
def show(**variables: str) -> dict:
    result = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "site_settings.settings", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(result.stdout)


class SettingsTests(TestCase):
    def test_safe_without_being_told_anything(self):
        shown = show()
        self.assertEqual((shown["debug"], shown["admin"], shown["redirect"]), (False, False, False))
        self.assertIsNone(shown["proxy"])
        self.assertEqual(shown["hosts"], ["localhost", "127.0.0.1", "[::1]"])
        self.assertEqual(shown["csrf"], [])
        self.assertEqual((shown["engine"], shown["checks"]), ("django.db.backends.postgresql", True))
        self.assertEqual(shown["age"], 600)

    def test_waits_for_the_database_have_an_end(self):
        database = show(DB_PASSWORD_FILE=os.environ["DB_PASSWORD_FILE"], DB_SSLMODE="")["database"]
        limits = "-c statement_timeout=10000 -c lock_timeout=8000 -c idle_in_transaction_session_timeout=10000"
        expected = {
            "connect_timeout": 3,
            "application_name": "web",
            "sslmode": "prefer",
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
            "options": limits,
        }
        self.assertEqual(database["OPTIONS"], expected)

    def test_each_layer_stands_where_it_must(self):
        expected = """pageviews.health.HealthMiddleware
            django.middleware.security.SecurityMiddleware whitenoise.middleware.WhiteNoiseMiddleware
            django.middleware.common.CommonMiddleware django.middleware.csrf.CsrfViewMiddleware
            django.middleware.clickjacking.XFrameOptionsMiddleware pageviews.health.DatabaseDownMiddleware"""
        self.assertEqual(show()["middleware"], expected.split())

    def test_what_browsers_are_told(self):
        shown = show()
        self.assertEqual((shown["nosniff"], shown["referrer"], shown["frames"]), (True, "same-origin", "DENY"))
        self.assertEqual(shown["static"], "whitenoise.storage.CompressedManifestStaticFilesStorage")

    def test_a_variable_that_is_empty_is_not_set(self):
        names = ("DJANGO_ALLOWED_HOSTS", "PUBLIC_SCHEME", "DJANGO_DEVELOPMENT", "DB_CONN_MAX_AGE", "LOG_LEVEL")
        self.assertEqual(show(**dict.fromkeys(names, "")), show())

    def test_hosts_are_those_that_are_named_and_no_others(self):
        shown = show(DJANGO_ALLOWED_HOSTS=" a.example, b.example,", DJANGO_CSRF_TRUSTED_ORIGINS="https://a.example")
        self.assertEqual((shown["hosts"], shown["csrf"]), (["a.example", "b.example"], ["https://a.example"]))

    def test_a_secret_in_the_environment_is_none(self):
        shown = show(DJANGO_SECRET_KEY="from-the-environment", DB_PASSWORD="from-the-environment")
        self.assertNotIn("from-the-environment", json.dumps(shown))

    def test_one_variable_makes_it_a_laptop(self):
        shown = show(DJANGO_DEVELOPMENT="1", DJANGO_SECRET_KEY_FILE="/nowhere", DB_PASSWORD_FILE="/nowhere")
        self.assertEqual((shown["debug"], shown["engine"]), (True, "django.db.backends.sqlite3"))

    def test_deployment_checks_are_clean_with_tls(self):
        result = manage("check", "--deploy", "--fail-level", "WARNING", PUBLIC_SCHEME="https")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("no issues", result.stdout)

    def test_deployment_checks_are_clean_with_tls_and_admin(self):
        result = manage("check", "--deploy", "--fail-level", "WARNING", PUBLIC_SCHEME="https", DJANGO_ADMIN="1")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_no_migration_is_missing(self):
        result = manage("makemigrations", "--check", "--dry-run")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_the_secret_comes_from_its_file_without_the_line_end(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("a-secret\n")
            file.flush()
            self.assertEqual(show(DJANGO_SECRET_KEY_FILE=file.name)["key"], "a-secret")

    def test_a_missing_or_empty_secret_is_named(self):
        missing = manage("check", DJANGO_SECRET_KEY_FILE="/nowhere/key")
        self.assertNotEqual(missing.returncode, 0)
        self.assertIn("the secret /nowhere/key can't be read (No such file or directory)", missing.stderr)
        with tempfile.NamedTemporaryFile() as file:
            self.assertIn("is empty", manage("check", DB_PASSWORD_FILE=file.name).stderr)

    def test_a_mistyped_variable_is_named(self):
        for name, value in (("DJANGO_ADMIN", "maybe"), ("PUBLIC_SCHEME", "htps"), ("DB_CONN_MAX_AGE", "ten")):
            self.assertIn(f"{name} is '{value}'", manage("check", **{name: value}).stderr)


class SqliteTests(TestCase):
    def test_migrates_and_counts_on_sqlite(self):
        count = "from pageviews.models import PageView; print([PageView.objects.record('x').number for _ in 'ab'])"
        with tempfile.TemporaryDirectory() as folder:
            # settings.BASE_DIR may be read-only, as in the image.
            script = (
                "import django; from django.conf import settings; "
                f"settings.DATABASES['default']['NAME'] = {str(Path(folder) / 'db.sqlite3')!r}; "
                "django.setup(); from django.core.management import call_command; "
                f"call_command('migrate', verbosity=0); {count}"
            )
            result = subprocess.run(
                [sys.executable, "-c", script],
                cwd=settings.BASE_DIR,
                env={**os.environ, "DJANGO_SETTINGS_MODULE": "site_settings.settings", "DJANGO_DEVELOPMENT": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
        self.assertEqual(result.stdout.strip(), "[1, 2]", result.stderr)
