"""The page that visitors see in place of the app: from the release into a file, and into the report."""

import hashlib
import unittest

import maintenance
from hosts import HostCase
from stand_ins import RELEASE

PAGE = "<h1>closed</h1>\r\n\u00e9"
ON = {"maintenance": {"since": "then", "by": "ann", "page": PAGE}}


class Page(HostCase):
    def shown(self) -> bytes | None:
        path = self.folder / maintenance.PAGE
        return path.read_bytes() if path.exists() else None

    def test_it_is_there_as_long_as_it_is_wanted_and_nothing_is_started_for_it(self) -> None:
        self.wish()
        self.turn()
        self.assertEqual(self.shown(), None)
        self.assertNotIn("maintenance", self.bucket.reports[-1])
        self.wish(**ON)
        self.assertNotIn("run", [call[0] for call in self.turn()])
        self.assertEqual(self.shown(), PAGE.encode())
        self.assertEqual(self.bucket.reports[-1]["maintenance"], hashlib.sha256(PAGE.encode()).hexdigest())
        self.assertEqual(self.said()[-1], (7, "serving"))
        self.wish()
        self.turn()
        self.assertEqual(self.shown(), None)
        self.assertNotIn("maintenance", self.bucket.reports[-1])

    def test_it_outlives_a_converger_and_a_bucket_that_tells_nothing(self) -> None:
        self.wish(**ON)
        self.turn()
        self.restart()
        self.bucket.wanted = None
        self.turn()
        self.assertEqual(self.shown(), PAGE.encode())

    def test_another_page_takes_its_place(self) -> None:
        self.wish(**ON)
        self.turn()
        self.wish(maintenance={**ON["maintenance"], "page": "other"})
        self.turn()
        self.assertEqual(self.shown(), b"other")

    def test_a_host_that_begins_shows_it_before_anything_serves(self) -> None:
        self.wish(**ON)
        self.turn(None)
        self.assertEqual(self.shown(), PAGE.encode())
        self.assertIn("maintenance", self.bucket.reports[-1])

    def test_a_new_release_goes_on_behind_it(self) -> None:
        self.wish(**ON)
        self.turn()
        self.wish(number=8, **ON)
        self.turn()
        self.assertEqual(self.said()[-1], (8, "serving"))
        self.assertEqual(self.shown(), PAGE.encode())

    def test_what_no_command_would_write_changes_nothing_and_is_told(self) -> None:
        self.wish(**ON)
        self.turn()
        largest = "x" * maintenance.MOST_BYTES
        for told in (None, 7, "page", {}, {"page": 7}, {"page": ""}, {"page": largest + "x"}, {"page": "\u00e9" * 40000}):
            self.wish(maintenance=told)
            self.turn()
            self.clock.now += 60
            self.assertEqual(self.shown(), PAGE.encode(), told)
            self.assertIn("the page for visitors: ", self.bucket.reports[-1]["trouble"])
        self.wish(maintenance={"page": largest})
        self.turn()
        self.assertEqual(self.shown(), largest.encode())
        self.assertNotIn("trouble", self.bucket.reports[-1])


if __name__ == "__main__":
    unittest.main()
