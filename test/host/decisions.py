"""The converger's decisions, without an engine, an edge or a bucket."""

import sys
import unittest

sys.path += ["/usr/local/lib/berth", "/usr/local/lib/berth-launcher"]  # as a host has them; PYTHONPATH goes first
sys.dont_write_bytecode = True

import bounds
import converge
import edge
import replicas
import users
from command import Failed, call, wait

RELEASE = {
    "number": 7,
    "image": "registry/app@sha256:00",
    "port": 8080,
    "replicas": 2,
    "memoryMib": 64,
    "startSeconds": 60,
    "environment": {"PLAIN": "x", "LINES": "one\ntwo $HOME `id` 'q' \"d\""},
}


ROOTS = ("", "root", "0", "00", "0:0", "+0", "-0")


class Upstreams(unittest.TestCase):
    def test_each_replica_is_listed_and_never_taken_out_of_service(self) -> None:
        text = edge.upstreams([20000, 20001])
        for name in ("fresh", "kept"):
            self.assertRegex(text, rf"(?s)upstream {name} {{\s+server \S+:20000 max_fails=0;\s+server \S+:20001 max_fails=0;")


class Tries(unittest.TestCase):
    def test_hidden_failures_count(self) -> None:
        log = b'{"tries":"500 : 502 : 200"}\n{"tries":"200"}\n{"tries":""}\n{"tries":"504"}\n{"tries":"404"}\n'
        self.assertEqual(edge.count_tries(log), (6, 3))


class Replicas(unittest.TestCase):
    def test_ports_are_those_of_no_release_nearby(self) -> None:
        taken = [port for number in range(1, 181) for port in replicas.ports({"number": number, "replicas": 64})]
        self.assertEqual(len(set(taken)), len(taken))
        self.assertTrue(1024 < min(taken) and max(taken) < 32768, "outside the kernel's own choice of ports")

    def test_the_environment_is_taken_as_it_is(self) -> None:
        arguments = replicas.run_arguments(RELEASE, 1, "")
        self.assertIn("LINES=" + RELEASE["environment"]["LINES"], arguments)
        self.assertEqual(arguments[-1], RELEASE["image"])

    def test_a_wish_beyond_what_a_configuration_may_is_refused(self) -> None:
        self.assertEqual(bounds.find_excess(RELEASE), "")
        for change in ({"replicas": 11}, {"replicas": 0}, {"port": "80 --privileged"}, {"number": True}, {"memoryMib": 0}):
            self.assertIn(next(iter(change)), bounds.find_excess({**RELEASE, **change}))

    def test_nobody_is_root(self) -> None:
        for user in (*ROOTS, "root:root", "0:5"):
            self.assertEqual(users.choose(RELEASE, user), "65532:65532", user)
        arguments = replicas.run_arguments(RELEASE, 0, "5:5")
        self.assertEqual(arguments[arguments.index("--user") + 1], "5:5")

    def test_only_this_machine_reaches_a_replica(self) -> None:
        arguments = replicas.run_arguments(RELEASE, 1, "")
        self.assertEqual(arguments[arguments.index("--publish") + 1], "127.0.0.1:20449:8080")


class Commands(unittest.TestCase):
    def test_a_failure_says_what_the_command_said(self) -> None:
        with self.assertRaisesRegex(Failed, "^sh -c: Error: no$"):
            call("sh", "-c", "echo before >&2; echo Error: no >&2; echo 'See help' >&2; exit 1")

    def test_no_command_takes_for_ever(self) -> None:
        with self.assertRaisesRegex(Failed, "took longer than 1 s"):
            call("sleep", "9", timeout_s=1)

    def test_a_wait_ends_with_its_reason(self) -> None:
        with self.assertRaisesRegex(Failed, "not yet"):
            wait(0.2, lambda: False, "not yet")


class Wishes(unittest.TestCase):
    def host(self, serving: int, failed: int) -> converge.Host:
        host = converge.Host.__new__(converge.Host)
        host.serving = {**RELEASE, "number": serving} if serving else None
        host.failed = {"release": failed} if failed else None
        host.retry = converge.Backoff()
        return host

    def test_a_release_is_due_once(self) -> None:
        self.assertTrue(self.host(0, 0).is_due(RELEASE))
        self.assertTrue(self.host(6, 0).is_due(RELEASE))
        self.assertFalse(self.host(7, 0).is_due(RELEASE))

    def test_a_wish_that_starts_counting_anew_is_heard(self) -> None:
        self.assertTrue(self.host(7, 0).is_due({**RELEASE, "image": "registry/app@sha256:01"}))
        self.assertFalse(self.host(7, 0).is_due({**RELEASE, "at": "another time"}))

    def test_a_release_that_failed_is_not_tried_again_and_the_next_one_is(self) -> None:
        self.assertFalse(self.host(6, 7).is_due(RELEASE))
        self.assertTrue(self.host(6, 7).is_due({**RELEASE, "number": 8}))

    def test_a_failed_pull_is_tried_again_later(self) -> None:
        host = self.host(6, 0)
        host.retry.about(7)
        host.retry.failed("no")
        self.assertFalse(host.is_due(RELEASE))
        host.retry.until = 0
        self.assertTrue(host.is_due(RELEASE))
        self.assertTrue(host.is_due({**RELEASE, "number": 8}), "another release needn't wait for this one")


if __name__ == "__main__":
    unittest.main()
