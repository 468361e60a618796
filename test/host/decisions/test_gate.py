"""The gate: no release serves before each of its replicas has answered."""

import unittest
from unittest.mock import patch

import ends
import gate
import replicas
from command import Failed
from stand_ins import RELEASE, Case, answering

FIRST, SECOND = replicas.ports(RELEASE)


class Gate(Case):
    def setUp(self) -> None:
        super().setUp()
        self.engine.containers = {"app-7-0": "running", "app-7-1": "running"}

    def refuse(self, release: dict = RELEASE) -> Failed:
        with self.assertRaises(Failed) as refusal:
            gate.pass_gate(release)
        return refusal.exception

    def test_each_replica_has_to_answer(self) -> None:
        with answering({FIRST: [200], SECOND: [200]}) as asked:
            gate.pass_gate(RELEASE)
        self.assertEqual(asked, [FIRST, SECOND])

    def test_one_that_answers_does_not_speak_for_the_other(self) -> None:
        for statuses in ({FIRST: [200], SECOND: [None]}, {FIRST: [None], SECOND: [200]}):
            with answering(statuses):
                self.assertIn("answered nothing", str(self.refuse()))

    def test_only_below_500_is_an_answer(self) -> None:
        for status in (200, 204, 301, 404, 429, 499):
            with answering({FIRST: [status], SECOND: [status]}):
                gate.pass_gate(RELEASE)
        for status in (500, 502, 503, 504, 599):
            with answering({FIRST: [status], SECOND: [status]}):
                self.assertIn(f"answered {status} in", str(self.refuse()))

    def test_failures_before_the_answer_do_not_count(self) -> None:
        with answering({FIRST: [None, 500, 503, 200], SECOND: [200]}) as asked:
            gate.pass_gate(RELEASE)
        self.assertEqual(asked, [FIRST] * 4 + [SECOND])

    def test_a_release_may_say_what_an_answer_is(self) -> None:
        for wanted, well, badly in (("200", (200,), (199, 201, 404, 500)), ("200-399", (200, 399), (199, 400)), ("500-599", (500,), (200,))):
            release = {**RELEASE, "health": {"path": "/up", "status": wanted, "timeoutSeconds": 9}}
            for status in well:
                with answering({FIRST: [status], SECOND: [status]}):
                    gate.pass_gate(release)
            for status in badly:
                with answering({FIRST: [status], SECOND: [status]}):
                    failure = self.refuse(release)
                self.assertIn(f"answered {status} to GET /up, expected {wanted}, in", str(failure))
                self.assertEqual(failure.cause, "unhealthy")

    def test_each_replica_is_asked_as_the_release_says(self) -> None:
        health = {"path": "/up", "status": "200", "timeoutSeconds": 9}
        with patch.object(gate, "probe", return_value=200) as probe:
            gate.pass_gate({**RELEASE, "health": health})
            gate.pass_gate(RELEASE)
        today = {"path": "/", "status": "100-499", "timeoutSeconds": 5}
        self.assertEqual([call.args for call in probe.call_args_list], [(FIRST, health), (SECOND, health), (FIRST, today), (SECOND, today)])

    def test_a_replica_that_stopped_is_named_at_once(self) -> None:
        for state in ("exited", "restarting", "dead", "created"):
            self.engine.containers["app-7-1"] = state
            self.engine.ends["app-7-1"] = {"ExitCode": 3}
            with answering({FIRST: [200], SECOND: [200]}):
                failure = self.refuse()
            self.assertEqual((str(failure), failure.container), ("app-7-1 stopped by itself: exit code 3", "app-7-1"))
        self.assertEqual(self.clock.slept, [0] * 4)

    def test_a_host_that_stood_still_asks_before_it_gives_up(self) -> None:
        def look_late(names: list[str]) -> list[ends.Look]:
            self.clock.now += 100
            return look_at(names)

        look_at = ends.look_at
        with answering({FIRST: [200], SECOND: [200]}) as asked, patch.object(ends, "look_at", look_late):
            gate.pass_gate(RELEASE)
        self.assertEqual(asked, [FIRST, SECOND])

    def test_one_that_stops_while_it_is_asked_is_noticed(self) -> None:
        def end(*_: object) -> None:
            self.engine.containers["app-7-0"] = "exited"

        with answering({FIRST: [500], SECOND: [200]}), patch.object(gate, "probe", end):
            self.assertIn("app-7-0 ended by itself with exit code 0", str(self.refuse()))

    def test_a_minute_is_enough_unless_the_release_asks_for_more_or_less(self) -> None:
        for wish, seconds in (({}, 60), ({"startSeconds": 5}, 5), ({"startSeconds": 300}, 300)):
            begun = self.clock.now
            with answering({FIRST: [503], SECOND: [200]}):
                failure = self.refuse({**RELEASE, **wish})
            self.assertRegex(str(failure), rf"^app-7-0 on port 8080 answered 503 in \d+ tries within {seconds} s$")
            self.assertEqual(failure.container, "app-7-0")
            self.assertTrue(seconds < self.clock.now - begun <= seconds + 1.1, self.clock.now - begun)

    def test_the_replicas_share_that_time(self) -> None:
        begun = self.clock.now
        with answering({FIRST: [503] * 50 + [200], SECOND: [503]}):
            self.refuse()
        self.assertLessEqual(self.clock.now - begun, 61.1)

    def test_it_asks_ever_more_seldom_once_a_second_in_the_end(self) -> None:
        with answering({FIRST: [503], SECOND: [200]}):
            self.refuse()
        expected = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1, 1]
        for slept, pause in zip(self.clock.slept, expected):
            self.assertAlmostEqual(slept, pause)
        self.assertEqual(max(self.clock.slept), 1)

    def test_what_was_answered_is_said_each_status_once(self) -> None:
        with answering({FIRST: [None, 502, 503, 502], SECOND: [200]}):
            self.assertIn("answered 502, 503 in", str(self.refuse()))


if __name__ == "__main__":
    unittest.main()
