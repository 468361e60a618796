"""What keeps the host from trying a release, and is none of the release's doing: it is said, and the release is tried again."""

import errno
import unittest
from unittest.mock import patch

import converge
import gate
import hindrance
import state
from command import Failed
from hosts import HostCase
from state import load

REFUSED = "docker run: Error response from daemon: dial unix /run/containerd/containerd.sock: connection refused"
KEPT = "docker run: driver failed programming external connectivity: Bind for 127.0.0.1:20512 failed: port is already allocated."
FULL = "docker run: Error response from daemon: mkdir /var/lib/docker/overlay2/1: no space left on device"


class Hindrance(HostCase):
    def setUp(self) -> None:
        super().setUp()
        self.wish()
        self.turn()
        self.wish(number=8)

    def test_an_engine_that_ends_meanwhile_is_not_held_against_the_release(self) -> None:
        with patch.object(self.engine, "do_run", side_effect=Failed(REFUSED)), patch.object(
            hindrance, "call", side_effect=["1", "2"]
        ):
            self.turn()
        report = self.bucket.reports[-1]
        self.assertEqual((report["release"], report["status"], report["serves"]), (8, "starting", 7))
        self.assertEqual(report["trouble"], f"the host's Docker engine ended meanwhile: {REFUSED}; tried again soon")
        self.assertIsNone(load("failed.json"))
        self.clock.now += 2
        self.turn()
        self.assertEqual(self.said()[-1], (8, "serving"))
        self.assertNotIn("trouble", self.bucket.reports[-1])

    def test_an_end_that_systemd_hears_of_a_moment_later_counts_too(self) -> None:
        with patch.object(gate, "pass_gate", side_effect=Failed("EOF")), patch.object(
            hindrance, "call", side_effect=["1", "1", "2"]
        ):
            self.turn()
        self.assertEqual(self.said()[-1], (8, "starting"))

    def test_an_engine_that_keeps_a_port_which_nothing_uses_is_started_anew(self) -> None:
        with patch.object(self.engine, "do_run", side_effect=Failed(KEPT)), patch.object(
            hindrance, "call", side_effect=["1", "", ""]
        ) as called:
            self.turn()
        self.assertEqual(called.call_args_list[1].args[-1], "publish=20512")
        self.assertEqual(called.call_args_list[2].args, ("systemctl", "restart", "docker.service"))
        self.assertIn("kept a port that nothing uses, and was started anew", self.bucket.reports[-1]["trouble"])
        self.assertIsNone(load("failed.json"))

    def test_a_port_that_a_container_has_restarts_no_engine(self) -> None:
        with patch.object(self.engine, "do_run", side_effect=Failed(KEPT)), patch.object(
            hindrance, "call", side_effect=["1", "0123456789ab\n", "1", "1"]
        ):
            self.turn()
        self.assertEqual(self.said()[-1], (8, "failed"))

    def test_an_engine_that_lives_and_says_no_fails_the_release(self) -> None:
        with patch.object(self.engine, "do_run", side_effect=Failed("docker run: Error: no")):
            self.turn()
        self.assertEqual(self.said()[-1], (8, "failed"))
        self.assertEqual((load("failed.json") or {})["release"], 8)

    def test_a_gate_that_fails_as_the_engine_ends_is_passed_again(self) -> None:
        with patch.object(gate, "pass_gate", side_effect=Failed("app-8-0 stopped by itself")), patch.object(
            hindrance, "call", side_effect=["1", "2"]
        ):
            self.turn()
        self.assertEqual(self.said()[-1], (8, "starting"))

    def test_the_command_that_was_begun_is_kept_and_waited_for(self) -> None:
        self.wish(number=8, releaseCommand=["migrate"])
        with patch.object(gate, "pass_gate", side_effect=Failed("EOF")), patch.object(
            hindrance, "call", side_effect=["1", "2"]
        ):
            self.turn()
        self.assertEqual(self.engine.containers["release-8"], "exited")
        self.clock.now += 2
        self.turn()
        self.assertEqual(self.said()[-1], (8, "serving"))

    def test_a_full_disk_is_said_whatever_words_the_engine_finds(self) -> None:
        with patch.object(self.engine, "do_run", side_effect=Failed(FULL)):
            self.turn()
        self.assertEqual(self.bucket.reports[-1]["trouble"], f"the host's disk is full: {FULL}; tried again soon")

    def test_an_app_that_ends_on_a_full_disk_is_not_blamed(self) -> None:
        self.free_bytes = (16 << 20) - 1
        with patch.object(gate, "pass_gate", side_effect=Failed("app-8-0 stopped by itself: exit code 1")):
            self.turn()
        self.assertIn("the host's disk is full: app-8-0 stopped", self.bucket.reports[-1]["trouble"])
        self.free_bytes += 1
        self.clock.now += 2
        self.turn(503)
        self.assertEqual(self.said()[-1], (8, "failed"))

    def test_a_state_that_cannot_be_written_leaves_the_old_release_and_is_tried_again(self) -> None:
        full = OSError(errno.ENOSPC, "No space left on device")
        with patch.object(state, "write", side_effect=full), patch.object(converge, "write", side_effect=full):
            self.turn()
        report = self.bucket.reports[-1]
        self.assertEqual((report["status"], report["serves"]), ("starting", 7))
        self.assertIn("the host's disk is full", report["trouble"])
        self.clock.now += 2
        self.turn()
        self.assertEqual(self.said()[-1], (8, "serving"))

    def test_what_stays_in_the_way_fails_the_release_after_five_tries_and_is_tried_all_the_same(self) -> None:
        self.free_bytes = 0
        with patch.object(gate, "pass_gate", side_effect=Failed("exit code 1")):
            for _ in range(4):
                self.turn()
                self.clock.now += 300
            self.assertEqual(self.said()[-1], (8, "starting"))
            self.turn()
        report = self.bucket.reports[-1]
        self.assertEqual((report["status"], report["cause"], report["serves"]), ("failed", "disk", 7))
        self.assertEqual(report["reason"], "the host's disk is full: exit code 1")
        self.clock.now += 300
        self.turn()
        self.assertEqual(self.said()[-1], (8, "serving"))


class Away(HostCase):
    def fail_pulls(self, count: int) -> None:
        self.engine.refused = {"pull": "docker pull: timeout"}
        for _ in range(count):
            self.turn()
            self.clock.now += 300

    def test_a_pull_that_fails_is_told_from_the_first_time_on(self) -> None:
        self.wish()
        self.fail_pulls(1)
        self.assertEqual(self.said()[-1], (7, "starting"))
        self.assertEqual(self.bucket.reports[-1]["trouble"], "docker pull: timeout; tried again soon")

    def test_what_could_not_be_fetched_is_tried_at_once_when_the_bucket_is_back(self) -> None:
        self.wish()
        self.turn()
        self.wish(number=8, image="registry/app@sha256:08")
        self.fail_pulls(7)
        self.assertEqual(self.said()[-1], (8, "failed"))
        self.engine.refused = {}
        self.host.retry.until = self.clock.now + 300
        self.come_back(was_long=True)
        self.turn()
        self.assertEqual(self.said()[-2:], [(8, "starting"), (8, "serving")])

    def come_back(self, was_long: bool) -> None:
        """The bucket was silent until now, and answers the next question."""
        self.bucket.is_silent, self.bucket.was_silent_for_long = True, was_long
        release = self.bucket.release

        def answer() -> object:
            self.bucket.is_silent = False
            return release()

        self.enter(patch.object(self.bucket, "release", answer))

    def test_a_short_silence_changes_no_pause(self) -> None:
        self.wish()
        self.fail_pulls(5)
        self.host.retry.until = self.clock.now + 300
        self.come_back(was_long=False)
        self.assertNotIn("pull", [call[0] for call in self.turn()])
        self.assertEqual(self.said()[-1], (7, "failed"))


class Proof(HostCase):
    def test_a_release_that_cannot_be_kept_does_not_keep_the_next_one_away_for_ever(self) -> None:
        self.wish()
        self.turn()
        self.restart()
        self.wish(number=8)
        with patch.object(self.host.secrets, "ensure", side_effect=self.refuse_old):
            self.turn()
            self.clock.now += 179
            self.turn()
            self.assertEqual(self.said()[-1], (8, "starting"))
            self.clock.now += 1
            self.turn()
        self.assertEqual(self.said()[-1], (8, "serving"))

    @staticmethod
    def refuse_old(release: "state.Release") -> None:
        if release["number"] == 7:
            raise Failed("the value is gone", cause="secret")


class EngineLife(unittest.TestCase):
    def test_both_parts_of_the_engine_are_looked_at(self) -> None:
        asked = []
        with patch.object(hindrance, "call", lambda *command: asked.append(command) or "x"):
            hindrance.look_at_engine()
        self.assertEqual(
            asked,
            [("systemctl", "show", "--property=ActiveState,InvocationID", "docker.service", "containerd.service")],
        )


if __name__ == "__main__":
    unittest.main()
