import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import TestCase

from django.conf import settings

SHOW = """
import json
from django.conf import settings as s
print(json.dumps({
    "debug": s.DEBUG, "hosts": s.ALLOWED_HOSTS, "engine": s.DATABASES["default"]["ENGINE"],
    "checks": s.DATABASES["default"].get("CONN_HEALTH_CHECKS"), "age": s.DATABASES["default"].get("CONN_MAX_AGE"),
    "key": s.SECRET_KEY, "redirect": s.SECURE_SSL_REDIRECT, "proxy": s.SECURE_PROXY_SSL_HEADER, "admin": s.ADMIN,
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
        self.assertNotIn("*", shown["hosts"])
        self.assertEqual((shown["engine"], shown["checks"]), ("django.db.backends.postgresql", True))
        self.assertGreater(shown["age"], 0)

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
