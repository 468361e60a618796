"""What a host takes for a bundle, and how its files come to their places."""

from __future__ import annotations

import gzip
import os
import pathlib
import tarfile
import tempfile
import unittest
from unittest.mock import patch

import bundle
from bundles import AGENT, archive, bundle_of, hash_of, member
from fetch import Refused

GOOD = bundle_of({AGENT: "1"})


class Unpacking(unittest.TestCase):
    def refuse(self, packed: bytes, pattern: str) -> None:
        with self.assertRaisesRegex(Refused, pattern):
            bundle.unpack(packed, hash_of(packed))

    def test_each_file_comes_with_content_and_mode(self) -> None:
        packed = archive((member(AGENT), b"1"), (member("usr/local/lib/berth/setup.sh", mode=0o4777), b"2"))
        self.assertEqual(
            bundle.unpack(packed, hash_of(packed)),
            {AGENT: (b"1", 0o644), "usr/local/lib/berth/setup.sh": (b"2", 0o755)},
        )

    def test_another_content_than_the_named_one_is_refused(self) -> None:
        with self.assertRaisesRegex(Refused, "has the hash"):
            bundle.unpack(bundle_of({AGENT: "2"}), hash_of(GOOD))
        with self.assertRaisesRegex(Refused, "has the hash"):
            bundle.unpack(GOOD[:-1], hash_of(GOOD))

    def test_what_leads_elsewhere_is_refused(self) -> None:
        for name in (
            "/etc/passwd",
            "../etc/passwd",
            "etc/../../x",
            "etc/./x",
            "etc/systemd/../../usr/bin/x",
            "usr/bin/python3",
            "usr/local/lib/berth-launcher/launcher.py",
            "usr/local/lib/berth",
            "var/lib/berth-launcher/state.json",
            "etc/.hidden",
            "etc/x\n",
            "etc/x\x1b[31m",
            "etc//x",
            "",
        ):
            self.refuse(archive((member(AGENT), b"1"), (member(name), b"x")), "has no place on a host")

    def test_what_is_no_file_is_refused(self) -> None:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            self.refuse(archive((member("etc/x", kind, target="/etc/passwd"), b"")), "or is no file")

    def test_a_name_is_told_without_what_a_terminal_would_obey(self) -> None:
        self.refuse(archive((member("\x1b[31m"), b"")), r"^'\\x1b\[31m' has no place")

    def test_what_is_no_archive_is_refused(self) -> None:
        self.refuse(b"", "ends too soon")
        self.refuse(b"hello", "is no archive")
        self.refuse(GOOD[: len(GOOD) // 2], "ends too soon")
        self.refuse(gzip.compress(b"hello" * 999), "is no archive")
        self.refuse(gzip.compress(gzip.decompress(GOOD)[:700]), "is no archive")

    def test_what_grows_beyond_measure_is_refused_before_it_is_there(self) -> None:
        with patch.object(bundle, "UNPACKED_MOST", 20_000):
            bundle.unpack(GOOD, hash_of(GOOD))
            self.refuse(gzip.compress(bytes(20_001)), "unpacks to more than 20000 bytes")


class Writing(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "a" / "b"

    def test_a_file_is_the_same_by_content_and_mode(self) -> None:
        self.assertFalse(bundle.is_same(self.path, (b"1", 0o644)))
        bundle.write(self.path, b"1", 0o755)
        self.assertTrue(bundle.is_same(self.path, (b"1", 0o755)))
        self.assertFalse(bundle.is_same(self.path, (b"2", 0o755)))
        self.assertFalse(bundle.is_same(self.path, (b"1", 0o644)))

    def test_a_folder_in_the_way_is_not_the_same(self) -> None:
        self.path.mkdir(parents=True)
        self.assertFalse(bundle.is_same(self.path, (b"1", 0o644)))

    def test_a_write_that_ends_in_the_middle_leaves_the_old_file(self) -> None:
        bundle.write(self.path, b"old")
        with patch.object(os, "fsync", side_effect=OSError("power cut")), self.assertRaises(OSError):
            bundle.write(self.path, b"new")
        self.assertEqual(self.path.read_bytes(), b"old")
        bundle.write(self.path, b"new")
        self.assertEqual([one.name for one in self.path.parent.iterdir()], ["b"])


if __name__ == "__main__":
    unittest.main()
