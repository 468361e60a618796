"""A new release's first minute: when it is worse than the one before, and what the host does then."""

import unittest
from typing import Any

import trial
from hosts import HostCase
from state import load


def share(errors: int, tries: int) -> dict[str, int]:
    return {"errors": errors, "tries": tries}


class Rule(unittest.TestCase):
    def test_it_takes_enough_tries_enough_failures_and_a_difference_beyond_chance(self) -> None:
        for now, before, worse in (
            (share(1, 20), share(0, 1000), False),
            (share(4, 20), share(0, 1000), False),
            (share(5, 20), share(0, 1000), True),
            (share(19, 19), share(0, 1000), False),
            (share(20, 20), share(0, 19), False),
            (share(20, 20), share(0, 20), True),
            (share(10, 100), share(100, 1000), False),
            (share(18, 100), share(100, 1000), False),
            (share(30, 100), share(100, 1000), True),
            (share(50, 100), share(500, 1000), False),
            (share(400, 10_000), share(0, 10_000), False),
            (share(500, 10_000), share(0, 10_000), True),
            (share(0, 100), share(100, 100), False),
            (share(100, 100), share(100, 100), False),
            (share(0, 0), share(0, 0), False),
        ):
            self.assertEqual(trial.is_worse(now, before), worse, (now, before))


class FirstMinute(HostCase):
    def ship(self, number: int, **fields: Any) -> None:
        self.wish(number=number, image=f"registry/app@sha256:0{number}", rollbackWhenWorse=True, **fields)
        self.turn()

    def count(self, errors: int, tries: int) -> None:
        self.edge.counted = share(errors, tries)
        self.turn()

    def test_a_release_that_is_as_good_serves_when_its_minute_is_over_and_not_before(self) -> None:
        self.ship(7)
        self.assertEqual(self.said()[-1], (7, "serving"), "a first release has none to be compared with")
        self.count(100, 1000)
        self.ship(8)
        self.clock.now += 59
        self.count(60, 600)
        self.assertEqual(self.said()[-1], (8, "starting"))
        self.assertEqual(self.bucket.reports[-1]["serves"], 8)
        self.clock.now += 1
        self.count(60, 600)
        self.assertEqual(self.said()[-1], (8, "serving"))
        self.count(600, 1200)
        self.assertEqual(self.said()[-1], (8, "serving"), "later nothing is judged")
        self.assertIsNone(load("trial.json"))

    def worsen(self) -> None:
        self.ship(7)
        self.count(100, 1000)
        self.ship(8)
        self.count(1, 10)
        self.assertEqual(self.said()[-1], (8, "starting"))
        self.edge.counted = share(30, 60)

    def assert_back(self) -> None:
        report = self.bucket.reports[-1]
        self.assertEqual((report["release"], report["status"], report["serves"]), (8, "failed", 7))
        self.assertEqual(report["cause"], "worse")
        self.assertRegex(report["reason"], r"^30 of its first 60 tries failed, and 100 of 1000 of release 7: clearly worse ")
        self.assertEqual(sorted(self.engine.containers), ["app-7-0", "app-7-1"])
        self.assertEqual(self.edge.pointed[0], self.edge.pointed[-1])
        self.assertEqual(load("serving.json")["number"], 7)

    def test_a_worse_one_gives_way_to_the_one_before_and_is_not_tried_again(self) -> None:
        self.worsen()
        self.turn()
        self.assert_back()
        self.clock.now += 3600
        self.assertNotIn("run", [call[0] for call in self.turn()])
        self.restart()
        self.assertNotIn("run", [call[0] for call in self.turn()])
        self.assert_back()
        self.ship(9)
        self.assertEqual(self.said()[-1], (9, "starting"))

    def test_the_one_before_gets_traffic_by_its_gate_alone(self) -> None:
        self.worsen()
        self.turn(None)
        self.assertEqual((self.bucket.reports[-1]["serves"], load("serving.json")["number"]), (8, 8))
        self.assertIn("the release before: ", self.bucket.reports[-1]["trouble"])
        self.clock.now += 60
        self.turn()
        self.assert_back()

    def test_a_converger_that_was_killed_on_the_way_goes_on_there(self) -> None:
        self.worsen()
        self.turn(None)
        self.restart()
        self.turn()
        self.assert_back()

    def test_no_release_is_judged_that_does_not_ask_for_it(self) -> None:
        self.ship(7)
        self.count(0, 1000)
        self.wish(number=8)
        self.turn()
        self.count(500, 500)
        self.assertEqual(self.said()[-1], (8, "serving"))

    def test_the_next_release_ends_the_minute_of_the_one_before(self) -> None:
        self.worsen()
        self.edge.counted = share(0, 60)
        self.wish(number=9)
        self.turn()
        self.assertEqual(self.said()[-1], (9, "serving"))


if __name__ == "__main__":
    unittest.main()
