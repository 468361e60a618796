"""Whatever one part of a turn meets: it is reported, tried again ever more seldom, and the other parts go on."""

import unittest
from unittest.mock import patch

import gate
import replicas
from command import Failed, call
from hosts import HostCase
from stand_ins import RELEASE
from state import load

class Wishes(HostCase):
    def test_a_value_that_no_process_can_be_started_with_fails_the_release_and_says_so(self) -> None:
        for value in ("a\0b", "x" * (1 << 20)):
            with self.assertRaisesRegex(Failed, "^printf %s: .*(null byte|Argument list too long)"):
                call("printf", "%s", value)
        with self.assertRaisesRegex(Failed, "^/no/such/program a: .*No such file"):
            call("/no/such/program", "a")

    def test_what_nobody_thought_of_is_reported_and_what_serves_goes_on(self) -> None:
        self.wish()
        self.turn()
        self.wish(number=8)
        self.engine.containers["app-7-1"] = "exited"
        with patch.object(replicas, "start", side_effect=ZeroDivisionError("by zero")):
            self.turn()
        report = self.bucket.reports[-1]
        self.assertEqual((report["release"], report["status"], report["serves"]), (8, "failed", 7))
        self.assertEqual(report["reason"], "the host couldn't try it: ZeroDivisionError: by zero")
        self.assertEqual(report["cause"], "host")
        self.assertEqual(self.engine.containers["app-7-1"], "running")

    def test_it_is_tried_again_ever_more_seldom_and_serves_when_it_works(self) -> None:
        self.wish()
        begun, tries = self.clock.now, []
        with patch.object(replicas, "start", side_effect=ZeroDivisionError("by zero")) as start:
            for _ in range(2000):
                before = start.call_count
                self.turn()
                tries += [self.clock.now - begun] * (start.call_count - before)
                self.clock.now += 0.5
        pauses = [later - earlier for earlier, later in zip(tries, tries[1:])]
        self.assertEqual(pauses[:9], [2, 4, 8, 16, 32, 64, 128, 256, 300])
        self.assertEqual(self.said()[:2], [(7, "starting"), (7, "failed")])
        self.assertEqual(set(self.said()[2:]), {(7, "failed")})
        self.assertIsNone(load("failed.json"), "a reboot tries again")
        self.clock.now += 300
        self.turn()
        self.assertEqual(self.said()[-1], (7, "serving"))

    def test_a_release_that_fails_its_gate_after_that_is_not_tried_again(self) -> None:
        self.wish()
        with patch.object(replicas, "start", side_effect=ZeroDivisionError("by zero")):
            self.turn()
        self.clock.now += 2
        self.turn(503)
        self.clock.now += 3600
        self.assertNotIn("run", [call[0] for call in self.turn()])

    def test_fields_of_any_kind_fail_the_release_and_nothing_else(self) -> None:
        self.wish()
        self.turn()
        for number, wrong in enumerate(({"environment": ["A=1"]}, {"image": 7}, {"image": None}, {"command": "rm"}), 8):
            self.wish(number=number, **wrong)
            self.turn()
            field = next(iter(wrong))
            self.assertEqual(self.said()[-1], (number, "failed"))
            self.assertIn(f"out of bounds in {field}", self.bucket.reports[-1]["reason"])

    def test_a_document_that_is_no_release_is_told_of_and_what_serves_is_kept(self) -> None:
        self.wish()
        self.turn()
        for wanted in ([], 7, {"image": "registry/app@sha256:08"}, {"number": "8"}, {"number": True}, {"number": None}):
            self.clock.now += 60
            self.bucket.wanted = wanted
            self.engine.containers["app-7-0"] = "exited"
            self.turn()
            report = self.bucket.reports[-1]
            self.assertEqual((report["release"], report["status"], report["serves"]), (7, "serving", 7))
            self.assertIn("the desired release: release.json in the state bucket is no release", report["trouble"])
            self.assertEqual(self.engine.containers["app-7-0"], "running")
        self.wish(number=8)
        self.clock.now += 60
        self.turn()
        self.assertEqual(self.said()[-1], (8, "serving"))
        self.assertNotIn("trouble", self.bucket.reports[-1])

    def test_a_bucket_that_answers_with_nonsense_is_told_of_too(self) -> None:
        self.wish()
        self.turn()
        with patch.object(self.bucket, "release", side_effect=ValueError("Expecting value")):
            self.turn()
        self.assertEqual(self.bucket.reports[-1]["trouble"], "the desired release: ValueError: Expecting value")


class Keeping(HostCase):
    def setUp(self) -> None:
        super().setUp()
        self.wish()
        self.turn()

    def test_one_replica_that_cannot_be_brought_back_keeps_none_of_the_others_down(self) -> None:
        self.engine.containers = {"app-7-0": "dead", "app-7-1": "exited"}
        self.engine.refused = {"run": "docker run: Error: no"}
        self.turn()
        self.assertEqual(self.engine.containers, {"app-7-1": "running"})
        self.assertEqual(self.bucket.reports[-1]["trouble"], "the replicas: docker run: Error: no")
        self.assertEqual(self.said()[-1], (7, "serving"))

    def test_a_step_that_fails_is_tried_again_after_2_4_8_16_and_at_most_30_seconds(self) -> None:
        begun, tries = self.clock.now, []
        with patch.object(replicas, "states", side_effect=OSError("no engine")) as states:
            for _ in range(200):
                before = states.call_count
                self.host.steps.attempt("the replicas", self.host.look_after, self.host.serving)
                tries += [self.clock.now - begun] * (states.call_count - before)
                self.clock.now += 0.5
        self.assertEqual([later - earlier for earlier, later in zip(tries, tries[1:])], [2, 4, 8, 16, 30, 30])

    def test_an_engine_that_is_away_is_told_of_once_and_forgotten_when_it_is_back(self) -> None:
        count = len(self.bucket.reports)
        with patch.object(replicas, "states", side_effect=OSError("no engine")):
            for _ in range(3):
                self.clock.now += 30
                self.turn()
        self.assertEqual(len(self.bucket.reports), count + 1)
        self.assertIn("the replicas: OSError: no engine", self.bucket.reports[-1]["trouble"])
        self.clock.now += 30
        self.turn()
        self.assertNotIn("trouble", self.bucket.reports[-1])

    def test_an_edge_that_does_not_turn_keeps_no_replica_down_and_no_report_back(self) -> None:
        self.wish(number=8)
        self.edge.refusal = "the switch kept its old replicas"
        self.turn()
        self.assertEqual(self.bucket.reports[-1]["trouble"], "the edge: the switch kept its old replicas")
        self.assertEqual(self.said()[-1], (8, "starting"), "it doesn't serve before the edge has turned")
        self.engine.containers["app-8-0"] = "exited"
        self.turn()
        self.assertEqual(self.engine.containers["app-8-0"], "running")

    def test_a_log_that_cannot_be_counted_is_told_of(self) -> None:
        with patch.object(self.edge, "count_tries", side_effect=OSError("disk")):
            self.turn()
        self.assertEqual(self.bucket.reports[-1]["trouble"], "the edge's log: OSError: disk")

    def test_a_file_that_is_not_whole_ends_nothing(self) -> None:
        for name in ("serving.json", "failed.json", "launcher.json"):
            (self.folder / name).write_text('{"number"')
        self.restart()
        self.clock.now += 60
        self.turn()
        self.assertEqual(self.said()[-1], (7, "serving"))


class Health(HostCase):
    """Replicas of a release that says what is healthy, while it serves."""

    HEALTH = {"path": "/healthz", "status": "200-299", "timeoutSeconds": 2}
    FIRST, SECOND = replicas.ports(RELEASE)

    def setUp(self) -> None:
        super().setUp()
        self.wish(health=self.HEALTH)
        self.turn()
        self.answers: dict[int, int | None] = {self.FIRST: 200, self.SECOND: 200}
        self.asked: list[tuple[int, object]] = []

    def check(self, first: "int | None", second: "int | None" = 200, seconds: float = 5) -> "list[int]":
        """One turn after a while, with replicas that answer so. Returns the ports that the edge points at."""
        answers = {self.FIRST: first, self.SECOND: second}

        def probe(port: int, health: object) -> "int | None":
            self.asked.append((port, health))
            return answers[port]

        self.clock.now += seconds
        with patch.object(gate, "probe", probe):
            self.host.turn()
        return self.edge.pointed[-1]

    def test_three_failures_in_a_row_take_a_replica_out_and_one_success_brings_it_back(self) -> None:
        both = [self.FIRST, self.SECOND]
        pointed = [self.check(first) for first in (500, None, 200, 500, 404, None, 500, 204)]
        self.assertEqual(pointed, [both] * 5 + [[self.SECOND]] * 2 + [both])

    def test_it_is_told_of_with_its_answer_and_no_longer_when_it_is_well(self) -> None:
        for _ in range(3):
            self.check(503)
        report = self.bucket.reports[-1]
        self.assertEqual(report["trouble"], "app-7-0 is unhealthy: GET /healthz is answered with 503")
        self.assertEqual((report["status"], report["serves"]), ("serving", 7))
        self.check(200)
        self.assertNotIn("trouble", self.bucket.reports[-1])

    def test_when_none_is_healthy_all_go_on(self) -> None:
        for _ in range(4):
            pointed = self.check(None, 500)
        self.assertEqual(pointed, [self.FIRST, self.SECOND])
        self.assertIn("app-7-1 is unhealthy: GET /healthz is answered with 500", self.bucket.reports[-1]["trouble"])

    def test_every_five_seconds_and_as_the_release_says(self) -> None:
        self.check(200)
        for _ in range(2):
            self.check(200, seconds=2)
        self.assertEqual(sorted(self.asked), [(self.FIRST, self.HEALTH), (self.SECOND, self.HEALTH)])
        self.check(200, seconds=1)
        self.assertEqual(len(self.asked), 4)

    def test_a_release_that_says_nothing_of_health_is_not_asked(self) -> None:
        self.wish(number=8)
        self.turn()
        self.check(500)
        self.assertEqual(self.asked, [])

    def test_the_figures_of_the_release_go_on(self) -> None:
        self.edge.counted = {"tries": 10, "errors": 1}
        for _ in range(3):
            self.check(503)
        self.assertEqual(self.edge.counted, {"tries": 10, "errors": 1})

    def test_a_new_release_begins_healthy_and_with_its_own_figures(self) -> None:
        for _ in range(3):
            self.check(503)
        self.edge.counted = {"tries": 10, "errors": 1}
        self.wish(number=8, health=self.HEALTH)
        self.turn()
        self.assertEqual(self.edge.pointed[-1], replicas.ports({**RELEASE, "number": 8}))
        self.assertEqual(self.edge.counted, {"tries": 0, "errors": 0})


class Restarts(HostCase):
    def setUp(self) -> None:
        super().setUp()
        self.wish()
        self.turn()

    def end(self, name: str, count: int, code: int, at: str) -> None:
        self.engine.restarts[name] = count
        self.engine.ends[name] = {"FinishedAt": f"2026-11-26T{at}.123456789Z"}
        self.engine.events[name] = [{"Action": "die", "Actor": {"Attributes": {"exitCode": str(code)}}}]

    def told(self) -> "dict[str, object] | None":
        self.clock.now += 60
        self.turn()
        return self.bucket.reports[-1].get("restarts")

    def test_none_is_nothing_to_tell(self) -> None:
        self.assertIsNone(self.told())

    def test_they_are_counted_over_all_replicas_and_the_last_is_explained(self) -> None:
        self.end("app-7-0", 2, 3, "10:00:02")
        self.end("app-7-1", 1, 139, "10:00:01")
        last = {"at": "2026-11-26T10:00:02Z", "reason": "app-7-0 stopped by itself: exit code 3", "cause": "exit"}
        self.assertEqual(self.told(), {"count": 3, "last": last})
        self.assertEqual(self.told(), {"count": 3, "last": last})
        self.end("app-7-1", 2, 139, "10:00:03")
        told = self.told() or {}
        self.assertEqual(told["count"], 4)
        self.assertIn("SIGSEGV", str(told["last"]))

    def test_one_that_the_host_starts_again_counts_once(self) -> None:
        self.end("app-7-0", 2, 3, "10:00:02")
        self.told()
        self.engine.containers["app-7-0"] = "exited"
        self.end("app-7-0", 2, 137, "10:00:04")
        self.told()
        self.end("app-7-0", 0, 137, "10:00:04")
        self.assertEqual((self.told() or {})["count"], 3)
        self.end("app-7-0", 1, 3, "10:00:06")
        self.assertEqual((self.told() or {})["count"], 4)

    def test_a_crash_loop_writes_one_report_a_minute(self) -> None:
        before = len(self.bucket.reports)
        for second in range(120):
            self.end("app-7-0", second + 1, 3, f"10:{second // 60:02}:{second % 60:02}")
            self.turn()
            self.clock.now += 1
        self.assertEqual(len(self.bucket.reports) - before, 2)

    def test_a_new_release_begins_with_none(self) -> None:
        self.end("app-7-0", 2, 3, "10:00:02")
        self.told()
        self.wish(number=8)
        self.turn()
        self.assertEqual(self.said()[-1], (8, "serving"))
        self.assertNotIn("restarts", self.bucket.reports[-1])

    def test_they_are_known_to_the_next_converger_too(self) -> None:
        self.end("app-7-0", 2, 3, "10:00:02")
        self.restart()
        self.assertEqual((self.told() or {})["count"], 2)


if __name__ == "__main__":
    unittest.main()
