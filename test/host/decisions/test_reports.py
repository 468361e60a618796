"""What the host tells the bucket, and when."""

import json
import unittest
from unittest.mock import patch

import converge
import state
from hosts import HostCase

COUNTED = {"tries": 10, "errors": 1}


class Reports(HostCase):
    def test_a_release_is_starting_then_serving(self) -> None:
        self.wish()
        self.turn()
        self.assertEqual(self.said(), [(7, "starting"), (7, "serving")])
        self.assertEqual(self.bucket.keys, {"hosts/i-1.json"})

    def test_a_report_says_who_what_and_when(self) -> None:
        self.wish()
        self.turn()
        report = self.bucket.reports[-1]
        self.assertRegex(report.pop("at"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertRegex(report["upstream"].pop("at"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        none = {"tries": 0, "errors": 0}
        upstream = {**none, "lastMinute": none, "lastHour": none}
        serving = {"instance": "i-1", "release": 7, "status": "serving", "serves": 7, "upstream": upstream}
        self.assertEqual(report, {**serving, "https": {"wanted": []}})

    def test_what_serves_while_another_starts_is_said(self) -> None:
        self.wish()
        self.turn()
        self.wish(number=8)
        self.turn()
        self.assertEqual([report.get("serves") for report in self.bucket.reports], [None, 7, 7, 8])

    def test_no_news_is_no_report(self) -> None:
        self.wish()
        for _ in range(5):
            self.turn()
        self.assertEqual(len(self.bucket.reports), 2)

    def test_a_report_that_was_lost_is_written_next_turn(self) -> None:
        self.wish()
        self.bucket.is_silent = True
        self.turn()
        self.bucket.is_silent = False
        self.turn()
        self.assertEqual(self.said(), [(7, "serving")])

    def test_a_bucket_that_was_made_anew_is_told_again(self) -> None:
        self.wish()
        self.turn()
        self.bucket.reports = []
        self.wish(at="later")
        self.turn()
        self.assertEqual(self.said(), [(7, "serving")])

    def test_tries_are_told_every_ten_minutes_and_not_sooner(self) -> None:
        self.wish()
        self.turn()
        self.edge.counted = {"tries": 10, "errors": 0}
        self.clock.now += 599
        self.turn()
        self.assertEqual(len(self.bucket.reports), 2)
        self.clock.now += 1
        self.turn()
        self.assertEqual(self.counted(), (10, 0))
        self.assertNotIn("log", self.bucket.reports[-1])

    def test_the_first_failure_is_told_at_once_and_others_once_a_minute(self) -> None:
        self.wish()
        self.turn()
        for errors, wait_s, told in [(1, 0, 1), (2, 59, 1), (3, 1, 3), (3, 300, 3), (4, 0, 4)]:
            self.edge.counted = {"tries": 10, "errors": errors}
            self.clock.now += wait_s
            self.turn()
            self.assertEqual(self.counted(), (10, told))

    def test_an_answer_of_the_edges_own_is_a_failure_too(self) -> None:
        self.wish()
        self.turn()
        self.edge.counted = {"tries": 10, "errors": 0, "failures": {"late": 1}}
        self.turn()
        self.assertEqual(self.bucket.reports[-1]["upstream"]["failures"], {"late": 1})

    def test_a_failure_is_told_with_the_last_words_of_each_replica(self) -> None:
        self.wish()
        self.turn()
        self.edge.counted = COUNTED
        with patch.object(converge.replicas, "tail", lambda name: ["", *[f"{name} {at}" for at in range(9)]]):
            self.turn()
        said = [f"app-7-{index}: app-7-{index} {at}" for index in range(2) for at in range(4, 9)]
        self.assertEqual(self.bucket.reports[-1]["log"], said)

    def test_figures_that_stay_are_no_news(self) -> None:
        self.wish()
        self.turn()
        for _ in range(3):
            self.clock.now += 199
            self.turn()
        self.assertEqual(len(self.bucket.reports), 2)

    def test_what_failed_an_hour_ago_is_no_rate_of_the_last_hour_though_nothing_more_is_counted(self) -> None:
        self.wish()
        self.turn()
        self.edge.counted = {"tries": 10, "errors": 9}
        self.edge.rates.add(10, 9)
        self.turn()
        self.clock.now += 3_600
        self.turn()
        upstream = self.bucket.reports[-1]["upstream"]
        self.assertEqual((upstream["errors"], upstream["lastHour"]), (9, {"tries": 0, "errors": 0}))

    def test_who_asks_is_told_at_once_and_again_after_half_a_minute(self) -> None:
        self.wish()
        self.turn()
        for tries, wait_s, is_asked, told in [
            (1, 1, False, 0),
            (2, 1, True, 2),
            (3, 1, True, 2),
            (4, 28, False, 2),
            (5, 1, False, 5),
            (6, 60, False, 5),
        ]:
            self.edge.counted, self.edge.is_asked = {"tries": tries, "errors": 0}, is_asked
            self.clock.now += wait_s
            self.turn()
            self.assertEqual(self.counted(), (told, 0), tries)

    def test_a_host_without_news_says_every_ten_minutes_that_it_is_there(self) -> None:
        self.wish()
        self.turn()
        self.clock.now += 599
        self.turn()
        self.assertEqual(len(self.bucket.reports), 2)
        self.clock.now += 1
        self.turn()
        self.turn()
        self.assertEqual(self.said(), [(7, "starting"), (7, "serving"), (7, "serving")])

    def test_a_host_whose_release_failed_says_so_too(self) -> None:
        self.wish()
        self.turn(500)
        self.clock.now += 600
        self.turn()
        self.assertEqual(self.said(), [(7, "starting"), (7, "failed"), (7, "failed")])

    def test_counters_of_a_new_release_begin_with_it(self) -> None:
        self.wish()
        self.turn()
        self.host.figures.told = {"upstream": {"tries": 99, "errors": 9}}
        self.wish(number=8)
        with patch.object(self.edge, "count_tries", lambda: setattr(self.edge, "counted", COUNTED)):
            self.turn()
        self.assertEqual(self.counted(), (10, 1))

    def counted(self) -> tuple[int, int]:
        upstream = self.bucket.reports[-1]["upstream"]
        return upstream["tries"], upstream["errors"]

    def test_the_edge_is_counted_every_turn(self) -> None:
        for _ in range(3):
            self.turn()
        self.assertEqual(self.edge.counts, 3)

    def test_a_failure_is_told_with_the_last_lines_of_its_container(self) -> None:
        self.wish()
        with patch.object(converge.replicas, "tail", lambda name: [f"last words of {name}"]):
            self.turn(500)
        self.assertEqual(self.bucket.reports[-1]["log"], ["last words of app-7-0"])

    def test_an_old_failure_says_nothing_of_another_wish(self) -> None:
        self.wish()
        self.turn(500)
        self.wish(number=8)
        self.turn()
        self.assertEqual(self.said()[-1], (8, "serving"))

    def test_without_a_wish_what_serves_is_kept_and_told(self) -> None:
        self.wish()
        self.turn()
        self.bucket.wanted = None
        self.engine.containers["app-7-1"] = "exited"
        self.turn()
        self.assertEqual(self.engine.containers["app-7-1"], "running")
        self.assertEqual(self.said()[-1], (7, "serving"))

    def test_nothing_is_told_before_anything_is_wished(self) -> None:
        self.turn()
        self.assertEqual(self.bucket.reports, [])


class Loop(HostCase):
    def test_whatever_one_turn_meets_the_next_one_comes_two_seconds_later(self) -> None:
        (self.folder / "settings.json").write_text(json.dumps({"bucket": "b"}))
        troubles = [converge.Failed("no"), KeyError("number"), None, SystemExit()]
        with patch.object(state, "SETTINGS", self.folder / "settings.json"):
            with patch.object(converge.Host, "turn", side_effect=troubles), self.assertRaises(SystemExit):
                converge.main()
        self.assertEqual(self.clock.slept, [2, 2, 2])


if __name__ == "__main__":
    unittest.main()
