"""Why a container ended or can't be reached, in words, from what the engine and the kernel say."""

import unittest
from unittest.mock import patch

import ends
import gate
import replicas
from command import Failed
from stand_ins import RELEASE, Case, answering

NAME = "app-7-0"
ONE = {**RELEASE, "replicas": 1}
PORT = replicas.ports(ONE)[0]


class Ended(Case):
    def setUp(self) -> None:
        super().setUp()
        self.engine.containers = {NAME: "restarting"}

    def explain(self, **end: object) -> Failed:
        self.engine.ends[NAME] = end
        return ends.explain(ends.look_at([NAME])[0], ONE)

    def test_the_exit_code_is_said_and_a_signal_by_its_name(self) -> None:
        for code, cause, words in (
            (1, "exit", "app-7-0 stopped by itself: exit code 1"),
            (128, "exit", "app-7-0 stopped by itself: exit code 128"),
            (139, "signal", "app-7-0 stopped by itself: exit code 139, SIGSEGV"),
            (137, "signal", "app-7-0 stopped by itself: exit code 137, SIGKILL"),
            (143, "signal", "app-7-0 stopped by itself: exit code 143, SIGTERM"),
            (255, "exit", "app-7-0 stopped by itself: exit code 255"),
        ):
            failure = self.explain(ExitCode=code)
            self.assertEqual((str(failure), failure.cause, failure.container), (words, cause, NAME))

    def test_no_error_is_an_end_all_the_same(self) -> None:
        failure = self.explain(ExitCode=0)
        self.assertEqual(failure.cause, "done")
        self.assertEqual(str(failure), "app-7-0 ended by itself with exit code 0, as if its work were done")

    def test_too_little_memory_is_said_with_its_limit(self) -> None:
        failure = self.explain(ExitCode=137, OOMKilled=True)
        self.assertEqual(failure.cause, "memory")
        expected = "app-7-0 was killed for memory: app.memoryMib allows 64 MiB (exit code 137, SIGKILL)"
        self.assertEqual(str(failure), expected)

    def test_a_kill_for_memory_of_which_the_engine_hears_after_the_end_is_waited_for(self) -> None:
        killed = {"Action": "die", "Actor": {"Attributes": {"exitCode": "137"}}}
        self.engine.events[NAME] = [killed]

        def hear(seconds: float) -> None:
            self.clock.now += seconds
            if self.clock.now >= 1001:
                self.engine.events[NAME] = [killed, {"Action": "oom"}]

        with patch.object(self.clock, "sleep", hear):
            failure = self.explain(ExitCode=137)

        self.assertEqual(failure.cause, "memory")
        self.assertLess(self.clock.now, 1002)

    def test_one_that_runs_again_is_explained_by_what_the_engine_told_of_its_end(self) -> None:
        self.engine.containers[NAME] = "running"
        died = {"Action": "die", "Actor": {"Attributes": {"exitCode": "3"}}}
        killed = {"Action": "die", "Actor": {"Attributes": {"exitCode": "137"}}}
        memory = "app-7-0 was killed for memory: app.memoryMib allows 64 MiB (exit code 137, SIGKILL)"
        for events, words in (
            ([died, {"Action": "oom"}, killed], memory),
            ([killed, {"Action": "oom"}], memory),
            ([{"Action": "oom"}, killed, died], "app-7-0 stopped by itself: exit code 3"),
            ([died], "app-7-0 stopped by itself: exit code 3"),
            ([], "app-7-0 stopped by itself: its exit code is no longer known"),
        ):
            self.engine.events[NAME] = events
            self.assertEqual(str(self.explain(ExitCode=0)), words)

    def test_only_this_containers_ends_are_asked_for(self) -> None:
        self.engine.containers[NAME] = "running"
        self.explain()
        filters = ("--filter", f"container={NAME}", "--filter", "event=die", "--filter", "event=oom")
        expected = ("events", "--since", "24h", "--until", "1000.000000000", *filters, "--format", "{{json .}}")
        self.assertEqual(self.engine.calls[-1], expected)

    def test_the_gate_notices_one_that_was_already_started_again(self) -> None:
        self.engine.containers[NAME] = "running"
        self.engine.restarts[NAME] = 1
        self.engine.events[NAME] = [{"Action": "die", "Actor": {"Attributes": {"exitCode": "3"}}}]
        with answering({PORT: [200]}), self.assertRaisesRegex(Failed, "stopped by itself: exit code 3"):
            gate.pass_gate(ONE)

    def test_a_program_for_another_processor_is_said_whatever_code_it_ends_with(self) -> None:
        """The runtime's words, and those of a shell or an app that starts such a program."""
        for line in ("exec /app: exec format error", "sh: 1: /app/worker: Exec format error"):
            self.engine.ends[NAME] = {"ExitCode": 255}
            self.engine.logs[NAME] = ["hello", line]
            with answering({PORT: [None]}), self.assertRaises(Failed) as failure:
                gate.pass_gate(ONE)
            expected = "app-7-0 can't run: its program, or one that it starts, is for another processor"
            self.assertEqual((str(failure.exception), failure.exception.cause), (expected, "architecture"))
        self.engine.logs[NAME] = ["an Exec of a format, in error"]
        with answering({PORT: [None]}), self.assertRaisesRegex(Failed, "exit code 255"):
            gate.pass_gate(ONE)

    def test_a_part_that_is_killed_for_memory_is_said_though_the_rest_runs(self) -> None:
        for answer in (None, 502):
            self.engine.containers[NAME] = "running"
            self.engine.events[NAME] = [{"Action": "oom"}]
            with answering({PORT: [answer]}), self.assertRaises(Failed) as failure:
                gate.pass_gate(ONE)
            expected = "a process of app-7-0 was killed for memory: app.memoryMib allows 64 MiB"
            self.assertEqual((str(failure.exception), failure.exception.cause), (expected, "memory"))


class Starting(Case):
    SAID = 'Error response from daemon: OCI runtime create failed: exec: "/nope": stat /nope: no such file or directory: unknown'

    def refuse(self, code: int, said: str = SAID) -> Failed:
        refusal = Failed(f"docker run: docker: {said}")
        refusal.exit_code = code
        self.engine.refused = {"run": refusal}
        with self.assertRaises(Failed) as failure:
            replicas.start(ONE, 0)
        return failure.exception

    def test_a_program_that_is_not_there_is_told_from_one_that_cannot_be_run(self) -> None:
        missing = self.refuse(127)
        self.assertEqual(missing.cause, "not-found")
        expected = 'app-7-0 can\'t start: the image has no such program: exec: "/nope": stat /nope: no such file or directory'
        self.assertEqual(str(missing), expected)
        refused = self.refuse(126, 'exec: "/app": permission denied: unknown')
        self.assertEqual(refused.cause, "not-executable")
        self.assertEqual(str(refused), 'app-7-0 can\'t start: the image can\'t run its program: exec: "/app": permission denied')

    def test_a_volume_at_a_file_of_the_image_is_said_in_one_sentence(self) -> None:
        began = 'failed to create shim task: OCI runtime create failed: error during container init: error mounting "/var/lib/berth-data/a" to rootfs at'
        file = f'{began} "/app/app.ini": mount /var/lib/berth-data/a:/app/app.ini (via /proc/self/fd/6), flags: 0x5000: not a directory: unknown: Are you'
        found = self.refuse(125, file)
        self.assertEqual(str(found), "app-7-0 can't start: app.volumes: /app/app.ini is a file in the image, and a volume is a folder")
        self.assertEqual(found.cause, "volume")
        link = self.refuse(125, f'{began} "/app/link": "/x/proc/1" cannot be mounted because it is inside /proc: unknown')
        self.assertRegex(str(link), "nothing can be mounted at /app/link: .* inside /proc$")

    def test_anything_else_is_said_as_the_engine_says_it(self) -> None:
        failure = self.refuse(125, "Error response from daemon: port is already allocated")
        self.assertEqual((failure.cause, str(failure)), ("", "docker run: docker: Error response from daemon: port is already allocated"))

    def test_an_image_for_another_processor_is_not_started(self) -> None:
        self.engine.architecture = "arm64"
        with self.assertRaises(Failed) as failure:
            replicas.start(ONE, 0)
        expected = ("the image is for arm64, and this host is amd64", "architecture")
        self.assertEqual((str(failure.exception), failure.exception.cause), expected)
        self.assertNotIn("run", self.engine.verbs())

    def test_a_processor_that_is_not_known_here_is_left_to_the_engine(self) -> None:
        with patch.object(replicas.platform, "machine", lambda: "riscv64"):
            replicas.start(ONE, 0)
        self.assertIn("run", self.engine.verbs())


HEADER = "  sl  local_address rem_address   st tx_queue\n"


class Ports(Case):
    """The kernel's lists, as /proc shows them: a socket that listens has the state 0A."""

    def setUp(self) -> None:
        super().setUp()
        self.enter(patch.object(ends, "PROC", self.folder))
        self.engine.containers = {NAME: "running"}
        self.engine.ends[NAME] = {"Pid": 7}
        self.lists = self.folder / "7" / "net"
        self.lists.mkdir(parents=True)

    def silence(self, tcp: str, tcp6: "str | None" = None) -> Failed:
        for name, lines in (("tcp", tcp), ("tcp6", tcp6)):
            if lines is not None:
                (self.lists / name).write_text(HEADER + "".join(f"   0: {line} 00000000\n" for line in lines.split(",") if line))
        with answering({PORT: [None]}), self.assertRaises(Failed) as failure:
            gate.pass_gate(ONE)
        return failure.exception

    def test_no_port_at_all(self) -> None:
        failure = self.silence("", "")
        self.assertEqual(str(failure), "app-7-0 never opened port 8080 (app.port) within 60 s: it listens on no port")
        self.assertEqual((failure.cause, failure.container), ("no-port", NAME))

    def test_another_port(self) -> None:
        failure = self.silence("00000000:0BB8 00000000:0000 0A,0100007F:0016 00000000:0000 0A", "0" * 32 + ":0BB8 0:0 0A")
        self.assertRegex(str(failure), r"within 60 s: it listens on 3000$")
        self.assertEqual(failure.cause, "other-port")

    def test_the_port_for_itself_only(self) -> None:
        for tcp, tcp6 in (
            ("0100007F:1F90 00000000:0000 0A", ""),
            ("", "00000000000000000000000001000000:1F90 0:0 0A"),
            ("", "0000000000000000FFFF00000100007F:1F90 0:0 0A"),
        ):
            failure = self.silence(tcp, tcp6)
            self.assertIn("listens on it for the container itself only (127.0.0.1)", str(failure))
            self.assertEqual(failure.cause, "loopback-port")

    def test_an_open_port_that_answers_nothing(self) -> None:
        for tcp, tcp6 in (
            ("00000000:1F90 00000000:0000 0A", None),
            ("", "0" * 32 + ":1F90 0:0 0A"),
            ("020011AC:1F90 00000000:0000 0A,0100007F:1F90 00000000:0000 0A", ""),
        ):
            failure = self.silence(tcp, tcp6)
            self.assertRegex(str(failure), r"^app-7-0 on port 8080 answered nothing in \d+ tries within 60 s$")
            self.assertEqual(failure.cause, "no-answer")

    def test_a_connection_is_no_open_port(self) -> None:
        self.assertEqual(self.silence("00000000:1F90 00000000:0000 01", "").cause, "no-port")

    def test_a_kernel_that_does_not_say_is_not_guessed_at(self) -> None:
        self.engine.ends[NAME] = {"Pid": 8}
        self.assertEqual(self.silence("", "").cause, "no-answer")

    def test_what_was_answered_counts_more_than_any_port(self) -> None:
        with answering({PORT: [503]}), self.assertRaises(Failed) as failure:
            gate.pass_gate(ONE)
        self.assertEqual(failure.exception.cause, "unhealthy")


if __name__ == "__main__":
    unittest.main()
