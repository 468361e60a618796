"""The settings as they are shipped, on a database that needs no server: for the tests that run without an engine."""

from pathlib import Path

from site_settings import environment
from site_settings.settings import *  # noqa: F403
from site_settings.settings import SQLITE

FOLDER = Path(environment.text("DJANGO_TEST_FOLDER", "/tmp"))
# A file, not memory: several connections at once are what some of the tests are about. It needn't outlive a power cut.
DATABASES = {
    "default": {
        **SQLITE,
        "NAME": FOLDER / "app.sqlite3",
        "OPTIONS": {**SQLITE["OPTIONS"], "init_command": "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY"},
        "TEST": {"NAME": FOLDER / "test.sqlite3"},
    }
}
