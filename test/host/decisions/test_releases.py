"""What becomes of a wish: when it is due, in which order it is carried out, and what is left when it fails."""

import unittest

import bounds
import replicas
from edge_settings import DEFAULTS
from hosts import HostCase
from stand_ins import RELEASE
from state import load


class Due(HostCase):
    def test_each_field_that_the_app_depends_on_makes_it_another_release(self) -> None:
        self.wish()
        self.turn()
        changes = {
            "number": 8,
            "image": "registry/app@sha256:08",
            "port": 9090,
            "replicas": 3,
            "environment": {"PLAIN": "y"},
            "memoryMib": 128,
            "user": "1000",
            "writable": True,
            "tmpMib": 65,
            "command": ["serve"],
            "releaseCommand": ["migrate"],
            "rollbackWhenWorse": True,
            "health": {"path": "/", "status": "200", "timeoutSeconds": 5},
            "volumes": {"uploads": "/data"},
            "dataVolume": "vol-0123456789abcdef0",
            "stopSeconds": 20,
            "logGroup": "/berth/shop",
            "shell": True,
            "secrets": {"TOKEN": "ssm:/token:1"},
            "edge": {"bodyMib": 20},
        }
        for field, value in changes.items():
            self.assertTrue(self.host.is_due({**RELEASE, field: value}), field)
        self.assertFalse(self.host.is_due({**RELEASE, "at": "later", "by": "another", "startSeconds": 9}))
        self.assertEqual(sorted(changes), sorted(bounds.CONTENT))

    def test_the_same_release_is_left_alone_by_every_further_turn(self) -> None:
        self.wish()
        self.turn()
        self.assertEqual({call[0] for call in self.turn()}, {"ps", "inspect"})


class Asking(HostCase):
    """Each question to the bucket costs."""

    def asked_within(self, seconds: int) -> int:
        asked, until = self.bucket.asked, self.clock.now + seconds
        while self.clock.now < until:
            self.turn()
            self.clock.now += 2
        return self.bucket.asked - asked

    def test_each_turn_while_there_is_news_and_less_often_at_rest(self) -> None:
        self.assertEqual(self.asked_within(600), 300)
        self.assertEqual(self.asked_within(600), 100)
        self.wish()
        self.asked_within(6)
        self.assertEqual(self.asked_within(590), 295)

    def test_a_wish_at_rest_is_heard_within_six_seconds(self) -> None:
        self.wish()
        self.asked_within(700)
        self.wish(number=8)
        self.asked_within(6)
        self.assertEqual(self.said()[-1], (8, "serving"))

    def test_what_serves_is_looked_after_all_the_same(self) -> None:
        self.wish()
        self.asked_within(700)
        for _ in range(3):
            self.engine.containers = {}
            self.turn()
            self.assertEqual(sorted(self.engine.containers), ["app-7-0", "app-7-1"])


class Settings(HostCase):
    def test_the_switch_and_the_edge_get_what_the_serving_release_says(self) -> None:
        self.wish()
        self.turn()
        self.assertEqual(self.edge.settings, DEFAULTS)
        self.wish(number=8, edge={"bodyMib": 300, "drainSeconds": 5})
        self.turn()
        wanted = {**DEFAULTS, "bodyMib": 300, "drainSeconds": 5}
        self.assertEqual(self.edge.settings, wanted)
        self.assertEqual(self.edge.configured, [DEFAULTS, wanted])

    def test_the_first_release_serves_with_its_settings_from_its_first_answer(self) -> None:
        self.wish(edge={"bodyMib": 300})
        self.turn()
        self.assertEqual(self.edge.configured_while, [False], "before the edge has a client to wait for")

    def test_those_of_a_later_one_are_written_down_before_it_serves_for_a_set_up_that_comes_first(self) -> None:
        self.wish()
        self.turn()
        self.edge.settings_refusal = "systemctl start: no"
        self.wish(number=8, edge={"bodyMib": 300})
        self.turn()
        self.assertEqual(load("edge.json"), {**DEFAULTS, "bodyMib": 300})
        self.assertEqual(self.edge.configured, [DEFAULTS])
        self.assertEqual(self.bucket.reports[-1]["trouble"], "the edge's settings: systemctl start: no")

    def test_those_of_a_release_that_fails_change_nothing(self) -> None:
        self.wish()
        self.turn()
        self.wish(number=8, edge={"bodyMib": 300})
        self.turn(status=None)
        self.assertEqual((self.edge.configured, load("edge.json")), ([DEFAULTS], DEFAULTS))


class Bounds(unittest.TestCase):
    def test_the_most_is_allowed_and_one_more_is_not(self) -> None:
        numbers = {
            "number": (1, 1000000000),
            "replicas": (1, 10),
            "port": (1, 65535),
            "memoryMib": (16, 65536),
            "startSeconds": (1, 300),
            "tmpMib": (1, 65536),
            "stopSeconds": (1, 120),
        }
        for field, (least, most) in numbers.items():
            for value in (least, most):
                self.assertEqual(bounds.find_excess({**RELEASE, field: value}), "")
            for value in (least - 1, 0, -1, most + 1, str(most), most / 1.0, True, *([None] if field in RELEASE else [])):
                self.assertEqual(
                    bounds.find_excess({**RELEASE, field: value}), f"the desired release is out of bounds in {field}"
                )

    def test_a_number_that_is_missing_is_named(self) -> None:
        for field in ("number", "replicas", "port", "memoryMib", "startSeconds"):
            release = {key: value for key, value in RELEASE.items() if key != field}
            self.assertIn(f"out of bounds in {field}", bounds.find_excess(release))

    def test_all_that_is_out_of_bounds_is_named(self) -> None:
        self.assertIn("replicas, port", bounds.find_excess({**RELEASE, "port": 0, "replicas": 11}))


class Deploying(HostCase):
    def test_first_comes_the_pull_then_all_replicas_then_the_gate(self) -> None:
        self.engine.user = "1000"
        self.wish()
        calls = [call[0] for call in self.turn()]
        self.assertEqual(calls[:7], ["image", "pull", "ps", "image", "run", "image", "run"])
        self.assertEqual(self.engine.patience["pull"], 900)
        self.assertEqual(self.edge.pointed, [replicas.ports(RELEASE)])

    def test_an_image_is_pulled_by_its_digest(self) -> None:
        self.wish()
        self.assertEqual(self.turn()[1], ("pull", "--quiet", "registry/app@sha256:07"))

    def test_the_old_replicas_run_until_the_edge_has_turned_and_are_written_off_before(self) -> None:
        self.wish()
        self.turn()
        self.wish(number=8)
        self.turn()
        self.assertEqual(self.edge.seen[1], (["app-7-0", "app-7-1", "app-8-0", "app-8-1"], 8))
        self.assertEqual(sorted(self.engine.containers), ["app-8-0", "app-8-1"])

    def test_an_edge_that_does_not_turn_keeps_the_old_replicas(self) -> None:
        self.wish()
        self.turn()
        self.wish(number=8)
        self.edge.refusal = "the switch kept its old replicas"
        self.turn()
        self.assertIn("app-7-0", self.engine.containers)
        self.assertEqual(self.said()[-1], (8, "starting"))
        self.edge.refusal = ""
        self.clock.now += 2
        self.turn()
        self.assertEqual(self.said()[-1], (8, "serving"))
        self.assertEqual(self.edge.pointed[-1], replicas.ports({**RELEASE, "number": 8}))

    def test_what_a_killed_converger_left_half_made_is_made_anew(self) -> None:
        self.engine.containers = {"app-7-0": "running"}
        self.wish()
        self.turn()
        self.assertEqual(self.said()[-1], (7, "serving"))
        self.assertIn(("rm", "--force", "--volumes", "app-7-0"), self.engine.calls)

    def test_a_first_release_that_fails_leaves_nothing_running(self) -> None:
        self.wish()
        self.turn(503)
        self.assertEqual((self.said()[-1], self.engine.containers), ((7, "failed"), {}))

    def test_a_restart_remembers_what_serves_and_what_failed(self) -> None:
        self.wish()
        self.turn()
        self.wish(number=8)
        self.turn(503)
        self.restart()
        self.assertEqual((self.host.serving["number"], self.host.failed["release"]), (7, 8))
        self.assertNotIn("pull", [call[0] for call in self.turn()])


class Failing(HostCase):
    def setUp(self) -> None:
        super().setUp()
        self.wish()
        self.turn()
        self.wish(number=8)

    def test_a_release_that_fails_its_gate_leaves_the_old_one_and_nothing_of_its_own(self) -> None:
        self.turn(503)
        self.assertEqual(sorted(self.engine.containers), ["app-7-0", "app-7-1"])
        self.assertEqual((load("serving.json") or {})["number"], 7)
        self.assertEqual((load("failed.json") or {})["release"], 8)
        self.assertEqual(self.edge.pointed, [replicas.ports(RELEASE)])
        report = self.bucket.reports[-1]
        self.assertEqual((report["release"], report["status"], report["serves"]), (8, "failed", 7))
        self.assertIn("app-8-0 on port 8080 answered 503", report["reason"])

    def test_it_is_not_tried_again_until_it_has_another_number(self) -> None:
        self.turn(503)
        self.assertNotIn("pull", [call[0] for call in self.turn()])
        self.wish(number=9)
        self.turn()
        self.assertEqual(self.said()[-1], (9, "serving"))

    def test_a_container_that_cannot_be_started_fails_the_release(self) -> None:
        self.engine.refused = {"run": "docker run: Error: no"}
        self.turn()
        self.assertEqual(self.bucket.reports[-1]["reason"], "docker run: Error: no")
        self.assertEqual(self.host.serving["number"], 7)

    def test_a_wish_out_of_bounds_touches_nothing(self) -> None:
        self.wish(number=8, replicas=11)
        calls = self.turn()
        self.assertEqual({call[0] for call in calls}, {"ps", "inspect"})
        self.assertEqual(self.said()[-1], (8, "failed"))
        self.assertEqual((load("failed.json") or {})["reason"], "the desired release is out of bounds in replicas")


class Pulling(HostCase):
    def setUp(self) -> None:
        super().setUp()
        self.wish()
        self.engine.refused = {"pull": "docker pull: Error: denied"}

    def pause(self) -> float:
        """The seconds until the next pull."""
        begun = self.clock.now
        while not any(call[0] == "pull" for call in self.turn()):
            self.clock.now += 0.5
        return self.clock.now - begun

    def test_each_failure_doubles_the_pause_up_to_five_minutes(self) -> None:
        self.turn()
        pauses = [self.pause() for _ in range(10)]
        self.assertEqual(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300])

    def test_the_fifth_failure_is_reported_and_none_before(self) -> None:
        self.turn()
        for _ in range(3):
            self.pause()
        self.assertEqual(self.said(), [(7, "starting")] * 2)
        self.assertEqual(self.bucket.reports[-1]["trouble"], "docker pull: Error: denied; tried again soon")
        self.pause()
        self.assertEqual(self.said()[2:], [(7, "failed")])
        self.assertEqual(self.bucket.reports[-1]["reason"], "docker pull: Error: denied")
        self.assertIsNone(load("failed.json"), "a reboot tries again")

    def test_a_pull_that_works_in_the_end_serves(self) -> None:
        self.turn()
        for _ in range(5):
            self.pause()
        self.engine.refused = {}
        self.pause()
        self.assertEqual(self.said()[-1], (7, "serving"))
        self.assertEqual(self.host.retry.failures, 0)

    def test_another_release_starts_counting_anew(self) -> None:
        self.turn()
        for _ in range(4):
            self.pause()
        self.wish(number=8)
        self.turn()
        self.assertEqual(self.pause(), 2)


if __name__ == "__main__":
    unittest.main()
