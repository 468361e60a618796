import os
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import TestCase
from unittest.mock import patch

from django.test import tag

from site_settings.first_secrets import MODES, find_unreadable, main, write_if_absent


class FirstSecretsTests(TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_made_once_and_kept_after(self):
        file = self.folder / "db_password"
        self.assertTrue(write_if_absent(file, 0o440))
        value = file.read_text()
        self.assertGreaterEqual(len(value), 64)
        self.assertFalse(write_if_absent(file, 0o440))
        self.assertEqual(file.read_text(), value)
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o440)

    def test_many_at_once_agree_on_one_and_leave_no_drafts(self):
        file = self.folder / "db_password"
        with ThreadPoolExecutor(8) as makers:
            made = list(makers.map(lambda _: write_if_absent(file, 0o440), range(32)))
        self.assertEqual(made.count(True), 1)
        self.assertEqual([entry.name for entry in self.folder.iterdir()], ["db_password"])

    def test_the_database_may_read_its_password_and_the_app_alone_its_key(self):
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        main(str(self.folder))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in self.folder.iterdir()}
        self.assertEqual(modes, {"db_password": 0o440, "django_secret_key": 0o400})
        self.assertEqual(modes, MODES)

    def test_nobody_else_reads_one_while_it_is_written(self):
        seen = []
        chmod = Path.chmod

        def note(file: Path, mode: int) -> None:
            seen.append(stat.S_IMODE(file.stat().st_mode))
            chmod(file, mode)

        before = os.umask(0)
        self.addCleanup(os.umask, before)
        with patch.object(Path, "chmod", note):
            write_if_absent(self.folder / "db_password", 0o440)
        self.assertEqual(seen, [0o600])

    def test_no_two_are_alike(self):
        main(str(self.folder))
        self.assertEqual(len({file.read_text() for file in self.folder.iterdir()}), 2)

    @tag("unprivileged")
    def test_what_others_could_not_read_is_named_before_any_secret_is_made(self):
        mounted = self.folder / "nginx"
        mounted.mkdir()
        (mounted / "open.conf").touch(0o644)
        (mounted / "closed.conf").touch(0o000)
        self.assertEqual(find_unreadable([mounted]), [mounted / "closed.conf"])
        with self.assertRaisesRegex(SystemExit, "closed.conf.*chmod -R go"):
            main(str(self.folder), str(mounted))
        self.assertFalse((self.folder / "db_password").exists())
