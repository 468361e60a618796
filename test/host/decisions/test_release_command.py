"""What a release has done once before its replicas start."""

import unittest
from unittest.mock import patch

import release_command
import replicas
import state
from command import Failed
from hosts import HostCase
from stand_ins import RELEASE
from state import load

WORDS = ["migrate", "--all", "two words"]


class ReleaseCommand(HostCase):
    def setUp(self) -> None:
        super().setUp()
        self.wish()
        self.turn()
        self.wish(number=8, releaseCommand=WORDS)
        self.boot = state.name_boot()
        self.enter(patch.object(replicas, "tail", lambda name: [f"the log of {name}"]))

    def runs(self) -> "list[tuple[str, ...]]":
        return [call for call in self.engine.calls if call[0] == "run"]

    def test_it_ends_well_before_any_replica_starts(self) -> None:
        self.turn()
        names = [call[call.index("--name") + 1] for call in self.runs()]
        self.assertEqual(names, ["release-8", "app-8-0", "app-8-1"])
        self.assertEqual(self.said()[-1], (8, "serving"))
        self.assertNotIn("release-8", self.engine.containers)

    def test_one_that_a_rollback_publishes_again_is_not_run(self) -> None:
        self.wish(number=9, releaseCommand=WORDS, rolledBack={"from": 8, "to": 7})
        self.turn()
        names = [call[call.index("--name") + 1] for call in self.runs()]
        self.assertEqual(names, ["app-9-0", "app-9-1"])
        self.assertEqual(self.said()[-1], (9, "serving"))

    def test_it_has_what_a_replica_has_but_a_port_and_a_restart(self) -> None:
        self.turn()
        command, replica = self.runs()[:2]
        self.assertEqual(command[-4:], ("registry/app@sha256:07", *WORDS))
        own = [word for word in command if word not in replica]
        self.assertEqual(own[:2] + own[3:], ["release-8", "berth.command=8", "berth.begun=1", *WORDS])
        self.assertRegex(own[2], "^berth.boot=")
        lacks = [word for word in replica if word not in command]
        self.assertEqual(lacks[1:3], ["--restart", "unless-stopped"])
        self.assertEqual([word for word in lacks if word.startswith("--")], ["--restart", "--publish"])

    def test_one_that_fails_fails_the_release_with_its_exit_code_and_its_log(self) -> None:
        self.engine.ends = {"release-8": {"ExitCode": 3}}
        self.turn()
        report = self.bucket.reports[-1]
        self.assertEqual((report["release"], report["status"], report["serves"]), (8, "failed", 7))
        self.assertEqual(report["reason"], "app.releaseCommand failed: exit code 3")
        self.assertEqual((report["cause"], report["log"]), ("command", ["the log of release-8"]))
        self.assertEqual(sorted(self.engine.containers), ["app-7-0", "app-7-1"])
        self.assertEqual(len(self.runs()), 1)
        self.assertEqual((load("failed.json") or {})["release"], 8)

    def test_one_that_failed_is_not_run_again(self) -> None:
        self.engine.ends = {"release-8": {"ExitCode": 3}}
        self.turn()
        self.clock.now += 1000
        self.turn()
        self.restart()
        self.turn()
        self.turn()
        self.assertEqual(self.runs(), [])

    def test_one_that_does_not_end_is_killed_and_fails_the_release(self) -> None:
        self.engine.command_ends_as = "running"
        begun = self.clock.now
        self.turn()
        self.assertIn(("kill", "release-8"), self.engine.calls)
        self.assertEqual(self.bucket.reports[-1]["reason"], "app.releaseCommand took longer than 300 s")
        self.assertEqual(self.bucket.reports[-1]["serves"], 7)
        self.assertEqual(round(self.clock.now - begun - 1), 300, "and a second to hear of an end of the engine")
        self.assertNotIn("release-8", self.engine.containers)

    def test_memory_that_is_too_small_is_named(self) -> None:
        self.engine.ends = {"release-8": {"ExitCode": 137, "OOMKilled": True}}
        self.turn()
        self.assertIn("app.memoryMib allows 64 MiB", self.bucket.reports[-1]["reason"])

    def test_a_program_that_is_not_there_fails_the_release(self) -> None:
        refusal = Failed('docker run: Error: exec: "migrate": executable file not found in $PATH: unknown')
        refusal.exit_code = 127
        self.engine.refused = {"run": refusal}
        self.turn()
        self.assertEqual((self.said()[-1], self.bucket.reports[-1]["cause"]), ((8, "failed"), "not-found"))

    def test_what_a_killed_agent_began_is_waited_for_and_not_begun_again(self) -> None:
        self.engine.containers["release-8"] = "exited"
        self.turn()
        names = [call[call.index("--name") + 1] for call in self.runs()]
        self.assertEqual(names, ["app-8-0", "app-8-1"])

    def test_what_a_killed_agent_made_and_did_not_start_is_made_anew(self) -> None:
        self.engine.containers["release-8"] = "created"
        self.turn()
        self.assertEqual(len(self.runs()), 3)
        self.assertEqual(self.said()[-1], (8, "serving"))

    def test_what_an_earlier_agent_began_has_no_labels_and_is_waited_for_too(self) -> None:
        self.engine.containers["release-8"], self.engine.labels = "running", {}
        self.assertIsNone(release_command.count_begun("release-8"))

    def test_what_the_engine_made_and_did_not_start_counts_as_not_begun(self) -> None:
        self.interrupt(2, self.boot)
        self.engine.containers["release-8"] = "created"
        self.assertEqual(release_command.count_begun("release-8"), 1)

    def interrupt(self, begun: int, boot: str) -> None:
        """A command of a machine that went down, as the engine finds it afterwards."""
        self.engine.containers["release-8"] = "exited"
        self.engine.labels["release-8"] = {"berth.boot": boot, "berth.begun": str(begun)}
        self.engine.ends = {"release-8": {"ExitCode": 255}}

    def test_one_that_ended_with_the_machine_begins_anew_and_what_is_left_of_it_is_gone_first(self) -> None:
        self.interrupt(1, "another-boot")
        do_run = self.engine.do_run

        def run(*arguments: str) -> str:
            self.assertNotIn("release-8", self.engine.containers, "never two at once")
            self.engine.ends = {}
            return do_run(*arguments)

        with patch.object(self.engine, "do_run", run):
            release_command.run({**RELEASE, "number": 8, "releaseCommand": WORDS})
        command = self.runs()[-1]
        self.assertIn("berth.begun=2", command)
        self.assertIn(f"berth.boot={self.boot}", command)

    def test_one_that_ended_well_with_the_machine_may_have_been_told_to_leave_and_begins_anew(self) -> None:
        self.interrupt(1, "another-boot")
        self.engine.ends = {}
        self.turn()
        self.assertEqual(self.runs()[0][self.runs()[0].index("--name") + 1], "release-8")
        self.assertEqual(self.said()[-1], (8, "serving"))

    def test_one_that_takes_the_machine_down_each_time_fails_its_release_and_says_so(self) -> None:
        self.interrupt(3, "another-boot")
        self.turn()
        report = self.bucket.reports[-1]
        self.assertEqual((report["status"], report["cause"], report["serves"]), ("failed", "interrupted", 7))
        self.assertEqual(report["reason"], "app.releaseCommand was interrupted 3 times, as the host started anew")
        self.assertEqual(report["log"], ["the log of release-8"])
        self.assertEqual(self.runs(), [])

    def test_a_boot_has_a_name_of_its_own_in_a_container_too(self) -> None:
        kernel, first = self.folder / "boot_id", self.folder / "stat"
        names = set()
        for boot, begun in (("a", "1"), ("a", "2"), ("b", "1")):
            kernel.write_text(f"{boot}\n")
            first.write_text(f"1 (sys) temd) S {' '.join('0' * 18)} {begun} 99\n")
            with patch.object(state, "BOOT_ID", kernel), patch.object(state, "FIRST_PROCESS", first):
                names.add(state.name_boot())
        self.assertEqual(names, {"a.1", "a.2", "b.1"})

    def test_the_replicas_that_serve_are_kept_without_it(self) -> None:
        self.engine.containers["release-8"] = "running"
        self.host.keep(RELEASE)
        self.assertIn("release-8", self.engine.containers)

    def test_none_is_no_container(self) -> None:
        self.engine.calls = []
        release_command.run(RELEASE)
        self.assertEqual(self.engine.calls, [])


if __name__ == "__main__":
    unittest.main()
