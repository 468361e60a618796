"""What the launcher does with an agent that is wanted, with one that fails, and after an end in the middle."""

from __future__ import annotations

import contextlib
import itertools
import json
import unittest
from collections.abc import Callable, Iterator
from unittest.mock import patch

import launcher
from bundles import AGENT, hash_of
from fetch import Refused
from hosts_of_agents import LauncherCase, Off, agent

OLD = agent("good 1", gone="only the old one has it", same="x")
NEW = agent("good 2", same="x", added="only the new one has it")
BAD = agent("raises", same="y", bad="only the bad one has it")
STUCK = agent("turns never")


class Installing(LauncherCase):
    def test_nothing_is_wanted_yet_and_nothing_is_done(self) -> None:
        with self.assertRaisesRegex(Refused, "NoSuchKey"):
            self.launcher.turn()
        self.assertEqual(self.machine.calls, [])

    def test_the_first_agent_is_installed_and_started(self) -> None:
        self.bucket.publish(OLD)
        self.launcher.turn()
        self.expect(OLD)

    def test_the_first_agent_is_not_waited_for_as_nothing_could_take_its_place(self) -> None:
        self.bucket.publish(BAD)
        self.launcher.turn()
        self.expect(BAD)
        self.assertEqual(self.clock.slept, [])

    def test_it_is_downloaded_once_and_the_pointer_asked_for_by_its_etag(self) -> None:
        self.bucket.publish(OLD)
        for _ in range(3):
            self.launcher.turn()
        pointer = hash_of(self.bucket.objects["agent.json"])
        self.assertEqual(
            self.bucket.asked,
            [("agent.json", ""), (f"agent/{hash_of(OLD)}.tar.gz", ""), ("agent.json", pointer), ("agent.json", pointer)],
        )
        self.assertEqual(self.machine.calls.count("systemctl start --no-block berth.service"), 1)

    def test_after_a_reboot_it_is_started_without_the_bucket_and_with_nothing_written(self) -> None:
        self.bucket.publish(OLD)
        self.launcher.turn()
        self.bucket.objects, self.machine.calls = {}, []
        with self.assertRaises(Refused):
            self.reboot().turn()
        self.expect(OLD)
        self.assertEqual(self.machine.calls, ["systemctl daemon-reload", "systemctl start --no-block berth.service"])

    def test_a_file_that_somebody_changed_is_put_right_at_the_next_start(self) -> None:
        self.bucket.publish(OLD)
        self.launcher.turn()
        (self.machine.root / AGENT).write_text("something else")
        self.reboot().turn()
        self.expect(OLD)

    def test_a_copy_that_the_disk_damaged_is_fetched_again(self) -> None:
        self.bucket.publish(OLD)
        self.launcher.turn()
        (self.folder / f"{hash_of(OLD)}.tar.gz").write_bytes(b"x")
        self.reboot().turn()
        self.expect(OLD)

    def test_a_memory_that_the_disk_damaged_is_made_anew(self) -> None:
        self.bucket.publish(OLD)
        self.launcher.turn()
        (self.folder / "state.json").write_bytes(b"\0\0")
        self.reboot().turn()
        self.expect(OLD)

    def test_a_pointer_to_no_agent_is_refused(self) -> None:
        self.bucket.publish(OLD)
        self.launcher.turn()
        for body in (b"", b"[]", b'"x"', b'{"sha256":1,"at":"1"}', b'{"sha256":"../../x","at":"1"}', b'{"at":"1"}'):
            self.bucket.objects["agent.json"] = body
            with self.assertRaisesRegex(Refused, "names no agent"):
                self.launcher.turn()
        self.expect(OLD)

    def test_a_bundle_that_is_not_the_named_one_is_refused_before_anything_is_touched(self) -> None:
        self.bucket.publish(OLD)
        self.launcher.turn()
        key = f"agent/{self.bucket.publish(NEW)}.tar.gz"
        self.bucket.objects[key] = BAD
        self.machine.calls = []
        with self.assertRaisesRegex(Refused, "has the hash"):
            self.launcher.turn()
        self.expect(OLD)
        self.assertEqual(self.machine.calls, [])
        self.assertEqual(self.state()["failed"]["sha256"], hash_of(NEW))
        self.assertRegex(self.state()["failed"]["reason"], "has the hash")
        self.bucket.asked = []
        self.launcher.turn()
        self.assertNotIn(key, [asked for asked, _ in self.bucket.asked], "it would be the same")
        self.bucket.publish(NEW, at="2")
        self.launcher.turn()
        self.expect(NEW)
        self.assertNotIn("failed", self.state())

    def test_a_first_bundle_that_is_refused_is_asked_for_until_it_is_the_named_one(self) -> None:
        key = f"agent/{self.bucket.publish(NEW)}.tar.gz"
        self.bucket.objects[key] = BAD
        with self.assertRaisesRegex(Refused, "has the hash"):
            self.launcher.turn()
        self.bucket.objects[key] = NEW
        self.launcher.turn()
        self.expect(NEW)


class Updating(LauncherCase):
    def setUp(self) -> None:
        super().setUp()
        self.bucket.publish(OLD)
        self.launcher.turn()
        self.machine.calls = []

    def test_another_agent_takes_the_place_of_the_first(self) -> None:
        self.bucket.publish(NEW)
        self.launcher.turn()
        self.expect(NEW)
        self.assertEqual(self.state(), {"installed": hash_of(NEW), "at": "1"})
        self.assertEqual(self.launcher.kept(), [hash_of(NEW)])

    def test_a_publication_of_the_installed_agent_is_answered_only_after_a_trial_of_another(self) -> None:
        self.bucket.publish(STUCK, at="2")
        with self.at(1020, lambda: self.bucket.publish(OLD, at="3")):
            self.launcher.turn()
        self.assertEqual(self.state()["at"], "1")
        self.launcher.turn()
        self.expect(OLD)
        self.assertEqual(self.state(), {"installed": hash_of(OLD), "at": "3"})

    def test_a_publication_of_the_installed_agent_is_answered(self) -> None:
        self.bucket.publish(OLD, at="9")
        self.launcher.turn()
        self.assertEqual(self.state()["at"], "9")

    def test_a_file_of_a_package_comes_back_with_the_agent_that_had_none_there(self) -> None:
        place = self.machine.root / "etc/bad"
        place.write_text("from a package")
        self.bucket.publish(BAD)
        self.launcher.turn()
        self.assertEqual(place.read_text(), "from a package")
        place.unlink()
        self.expect(OLD)

    def test_a_file_of_a_package_outlives_an_end_at_each_moment_of_a_roll_back(self) -> None:
        for number in range(2):
            with self.subTest(number):
                self.doCleanups()
                self.setUp()
                place = self.machine.root / "etc/bad"
                place.write_text("from a package")
                self.bucket.publish(BAD)
                left = number

                def put_back_or_end(path, put_back=launcher.put_back):
                    nonlocal left
                    put_back(path)
                    left -= 1
                    if left < 0:
                        raise Off

                with patch.object(launcher, "put_back", put_back_or_end), contextlib.suppress(Off):
                    self.launcher.turn()
                self.reboot().turn()
                self.assertEqual(place.read_text(), "from a package")

    def test_an_agent_that_does_not_stop_is_killed(self) -> None:
        self.machine.stops_late = True
        self.bucket.publish(NEW)
        self.launcher.turn()
        self.expect(NEW)
        self.assertIn("systemctl kill --signal=SIGKILL berth.service", self.machine.calls)

    def test_the_old_one_is_stopped_before_a_file_of_it_is_touched(self) -> None:
        self.bucket.publish(NEW)
        self.machine.off_at = "systemctl stop"
        with self.assertRaises(Off):
            self.launcher.turn()
        self.assertEqual(self.files()[AGENT], "good 1")

    def test_an_agent_that_ends_again_and_again_is_taken_back(self) -> None:
        bad = self.bucket.publish(BAD)
        self.launcher.turn()
        self.expect(OLD)
        reason = "it ended 3 times: raise it; NameError: last words"
        self.assertEqual(self.state()["failed"], {"sha256": bad, "at": "1", "reason": reason})
        self.assertLess(self.clock.now, 1010, "without waiting for a turn that can't come")

    def test_an_agent_that_completes_no_turn_is_taken_back(self) -> None:
        self.bucket.publish(STUCK)
        self.launcher.turn()
        self.expect(OLD)
        self.assertRegex(self.state()["failed"]["reason"], "completed no turn in 90 s$")

    def test_an_agent_that_ends_soon_after_its_turn_is_taken_back(self) -> None:
        self.bucket.publish(agent("good for 20 s"))
        self.launcher.turn()
        self.expect(OLD)
        self.assertRegex(self.state()["failed"]["reason"], "^it ended 3 times")

    def test_an_agent_that_ends_for_good_is_not_waited_for(self) -> None:
        self.bucket.publish(agent("fails"))
        self.launcher.turn()
        self.expect(OLD)
        self.assertLess(self.clock.now, 1010)

    def test_last_words_are_those_of_this_trial(self) -> None:
        self.clock.now = 5000.5
        self.bucket.publish(BAD)
        self.launcher.turn()
        said = [call for call in self.machine.calls if call.startswith("journalctl")]
        self.assertEqual([word for call in said for word in call.split() if "since" in word], ["--since=@5000"])

    def test_an_agent_with_a_file_in_the_place_of_a_folder_is_taken_back(self) -> None:
        (self.machine.root / "etc/systemd/network").mkdir()
        self.bucket.publish(agent("good 3", **{"systemd/network": "a file"}))
        self.launcher.turn()
        self.expect(OLD)
        self.assertRegex(self.state()["failed"]["reason"], "Is a directory")

    def test_one_on_trial_makes_way_for_the_next_one(self) -> None:
        for program in ("installs", "turns never"):
            with self.subTest(program):
                self.doCleanups()
                self.setUp()
                self.bucket.publish(agent(program))
                with self.at(1020, lambda: self.bucket.publish(NEW)):
                    self.launcher.turn()
                self.expect(OLD)
                self.assertLess(self.clock.now, 1030)
                self.launcher.turn()
                self.expect(NEW)

    def test_the_time_in_which_the_bucket_does_not_answer_does_not_count(self) -> None:
        self.bucket.publish(NEW)
        objects = dict(self.bucket.objects)
        with patch.object(self.machine, "is_bucket_away", True), self.at(1001, self.bucket.objects.clear):
            with self.at(1400, lambda: self.bucket.objects.update(objects), self.machine.hear):
                self.launcher.turn()
        self.expect(NEW)
        self.assertNotIn("failed", self.state())

    @contextlib.contextmanager
    def at(self, second: float, *things: Callable[[], object]) -> Iterator[None]:
        """Does these things once the clock has got there."""
        sleep, left = self.clock.sleep, list(things)

        def sleep_and_do(seconds: float) -> None:
            sleep(seconds)
            while left and self.clock.now >= second:
                left.pop(0)()

        with patch.object(self.clock, "sleep", sleep_and_do):
            yield

    def test_an_agent_whose_set_up_never_ends_is_taken_back(self) -> None:
        self.bucket.publish(agent("installs"))
        self.launcher.turn()
        self.expect(OLD)
        self.assertRegex(self.state()["failed"]["reason"], "did not start in 900 s$")

    def test_the_sign_of_the_old_one_does_not_count_for_the_new_one(self) -> None:
        self.bucket.publish(STUCK)
        with patch.object(self.machine, "stop", lambda: setattr(self.machine, "running", None)):
            self.launcher.turn()
        self.assertIn("failed", self.state())

    def test_a_unit_that_systemd_refuses_is_taken_back(self) -> None:
        self.bucket.publish(NEW)
        self.machine.refuses = "systemctl daemon-reload"
        with self.assertRaises(Refused):
            self.launcher.turn()
        self.machine.refuses = ""
        self.launcher.turn()
        self.expect(OLD)

    def test_a_failed_agent_is_not_tried_again_until_it_is_wanted_anew(self) -> None:
        self.bucket.publish(BAD)
        self.launcher.turn()
        self.machine.calls = []
        for _ in range(3):
            self.launcher.turn()
        self.reboot().turn()
        self.assertEqual(self.machine.calls, ["systemctl daemon-reload", "systemctl start --no-block berth.service"])
        self.bucket.publish(BAD, at="2")
        self.launcher.turn()
        self.assertEqual(self.state()["failed"]["at"], "2")
        self.expect(OLD)

    def test_the_next_one_is_tried_after_one_that_failed(self) -> None:
        for packed in (BAD, NEW):
            self.bucket.publish(packed)
            self.launcher.turn()
        self.expect(NEW)
        self.assertNotIn("failed", self.state())

    def test_a_failure_is_forgotten_when_the_old_one_is_wanted_again(self) -> None:
        for packed in (BAD, OLD):
            self.bucket.publish(packed)
            self.launcher.turn()
        self.expect(OLD)
        self.assertNotIn("failed", self.state())

    def test_without_a_way_back_nothing_is_tried(self) -> None:
        (self.folder / f"{hash_of(OLD)}.tar.gz").unlink()
        del self.bucket.objects[f"agent/{hash_of(OLD)}.tar.gz"]
        self.bucket.publish(NEW)
        with self.assertRaises(Refused):
            self.launcher.turn()
        self.assertEqual(self.files()[AGENT], "good 1")
        self.assertEqual(self.machine.calls, [])

    def test_a_reason_is_bounded(self) -> None:
        self.bucket.publish(BAD)
        with patch.object(launcher, "last_words", lambda since: "x" * 9999):
            self.launcher.turn()
        self.assertEqual(len(self.state()["failed"]["reason"]), 500)


class Interrupted(LauncherCase):
    """The machine goes off, or the launcher is killed, at each moment of an update: one whole agent is there in the end."""

    def steps(self, packed: bytes) -> list[str]:
        """The moments of an update, by what is about to be done."""
        self.bucket.publish(OLD)
        self.launcher.turn()
        self.machine.calls = []
        noted: list[str] = []
        with self.noting(noted):
            self.bucket.publish(packed)
            self.launcher.turn()
        return noted

    def noting(self, noted: list[str], off_after: int = -1):
        """Every write, removal and command is one moment."""
        write, unlink, call = launcher.bundle.write, launcher.pathlib.Path.unlink, self.machine.call

        def moment(what: str) -> None:
            if len(noted) == off_after:
                raise Off
            noted.append(what)

        def noting_write(path, *rest):
            moment(f"write {path.name}")
            write(path, *rest)

        def noting_unlink(path, missing_ok=False):
            moment(f"unlink {path.name}")
            unlink(path, missing_ok=missing_ok)

        def noting_call(*command, **rest):
            moment(" ".join(command))
            return call(*command, **rest)

        return Together(
            patch.object(launcher.bundle, "write", noting_write),
            patch.object(launcher.pathlib.Path, "unlink", noting_unlink),
            patch.object(launcher, "call", noting_call),
        )

    def test_an_update_ends_in_the_new_agent_whenever_the_machine_goes_off(self) -> None:
        self.try_all(NEW, NEW)

    def test_a_roll_back_ends_in_the_old_agent_whenever_the_machine_goes_off(self) -> None:
        self.try_all(BAD, OLD)

    def try_all(self, packed: bytes, expected: bytes) -> None:
        moments = self.steps(packed)
        self.assertGreater(len(moments), 12)
        for number, what in itertools.product(range(len(moments)), ("reboot", "restart")):
            with self.subTest(f"{what} before {moments[number]} ({number})"):
                self.doCleanups()
                self.setUp()
                self.bucket.publish(OLD)
                self.launcher.turn()
                self.bucket.publish(packed)
                with self.noting([], number), self.assertRaises(Off):
                    self.launcher.turn()
                getattr(self, what)().turn()
                self.expect(expected)

    def test_an_agent_that_takes_the_machine_down_is_given_up_after_two_tries(self) -> None:
        self.bucket.publish(OLD)
        self.launcher.turn()
        self.bucket.publish(STUCK)
        for _ in range(2):
            self.machine.off_at = "systemctl show"
            with self.assertRaises(Off):
                self.launcher.turn()
            self.reboot()
        self.launcher.turn()
        self.expect(OLD)
        self.assertRegex(self.state()["failed"]["reason"], "ended while it was tried")


class Together:
    def __init__(self, *managers) -> None:
        self.managers = managers

    def __enter__(self) -> None:
        for manager in self.managers:
            manager.__enter__()

    def __exit__(self, *how) -> None:
        for manager in reversed(self.managers):
            manager.__exit__(*how)


class Loop(LauncherCase):
    def run_main(self, *troubles: object) -> list[float]:
        (self.folder / "settings.json").write_text(json.dumps({"bucket": "b", "region": "r", "domain": "d", "account": "1"}))
        with patch.object(launcher, "SETTINGS", self.folder / "settings.json"):
            with patch.object(launcher.Launcher, "turn", side_effect=[*troubles, Off()]), self.assertRaises(Off):
                launcher.main()
        return self.clock.slept

    def test_whatever_one_turn_meets_the_next_one_comes_ever_later(self) -> None:
        troubles = [Refused("no"), OSError("no"), KeyError("x"), ValueError(), *[Refused("no")] * 4]
        self.assertEqual(self.run_main(*troubles), [1, 2, 4, 8, 16, 30, 30, 30])

    def test_every_five_seconds_while_all_is_well_and_soon_after_a_trouble(self) -> None:
        self.assertEqual(self.run_main(None, None, Refused("no"), None), [5, 5, 1, 5])


if __name__ == "__main__":
    unittest.main()
