"""The edge as the converger sees it: turned only when it must be, drained, and counted from its log."""

import os
import pathlib
import subprocess
import unittest
from unittest.mock import patch

import command
import edge
import state
from command import Failed
from edge_settings import DEFAULTS
from stand_ins import Case

EDGE = ("systemctl", "start", "berth-edge.service")
RELOAD = ("systemctl", "reload-or-restart", "berth-switch.service")
REOPEN = ("systemctl", "kill", "--kill-who=main", "--signal=USR1", "nginx.service")


class EdgeCase(Case):
    def setUp(self) -> None:
        super().setUp()
        self.commands: list[tuple[str, ...]] = []
        self.workers: dict[int, bool] = {1: True, 2: True}
        self.after = {3: True}
        self.enter(patch.object(edge, "call", self.call))
        self.enter(patch.object(command, "time", self.clock))
        self.refusal = ""
        self.edge = edge.Edge()
        self.edge.workers = lambda: self.workers

    def point_at(self, *ports: int, **changes: object) -> None:
        self.edge.point_at(list(ports), {**DEFAULTS, **changes})

    def restart(self) -> None:
        self.edge = edge.Edge()
        self.edge.workers = lambda: self.workers

    def call(self, *arguments: str, timeout_s: int = 120) -> str:
        self.commands.append(arguments)
        self.patience = timeout_s
        if self.refusal:
            raise Failed(self.refusal)
        if arguments == RELOAD:
            self.workers = self.after
        return ""


class Turning(EdgeCase):
    def test_the_switch_reads_both_pools_from_one_file(self) -> None:
        self.point_at(20000, 20001)
        servers = "    server 127.0.0.1:20000 max_fails=0;\n    server 127.0.0.1:20001 max_fails=0;\n"
        limits = """proxy_buffer_size 32k;
proxy_buffers 16 4k;
proxy_busy_buffers_size 32k;
large_client_header_buffers 8 12288;
proxy_send_timeout 60s;
proxy_read_timeout 60s;
"""
        expected = f"{limits}upstream fresh {{\n{servers}}}\nupstream kept {{\n{servers}}}\n"
        self.assertEqual((self.folder / "upstreams.conf").read_text(), expected)
        self.assertEqual(self.commands, [RELOAD])

    def test_the_same_replicas_need_no_reload(self) -> None:
        for _ in range(3):
            self.point_at(20000)
        self.assertEqual(self.commands, [RELOAD])

    def test_nor_does_a_restart_of_the_converger(self) -> None:
        self.point_at(20000)
        self.restart()
        self.point_at(20000)
        self.assertEqual(self.commands, [RELOAD])

    def test_other_settings_do_and_so_do_files_that_are_not_what_was_read(self) -> None:
        changes: list[dict[str, object]] = [{}, {"answerSeconds": 61}, {"idleSeconds": 61}, {"drainSeconds": 31}, {"headerKib": 33}]
        for pid, change in enumerate(changes, 10):
            self.workers, self.after = {pid: True}, {pid + 1: True}
            self.commands.clear()
            self.point_at(20000, **change)
            self.assertEqual(self.commands, [RELOAD], change)
        (self.folder / "upstreams.conf").write_text("another's")
        self.restart()
        self.workers, self.after = {20: True}, {21: True}
        self.point_at(20000, headerKib=33)
        self.assertEqual(self.commands, [RELOAD, RELOAD])

    def test_a_converger_that_ends_during_a_drain_drains_again(self) -> None:
        self.after = {1: False, 3: True}
        with self.assertRaises(KeyboardInterrupt), patch.object(edge, "wait", side_effect=[None, KeyboardInterrupt]):
            self.point_at(20000)
        (self.folder / "switch.json").unlink(missing_ok=True)  # a kill leaves no time to write it
        self.restart()
        self.after = {1: False, 3: False, 4: True}
        with self.assertRaisesRegex(Failed, "outlived the drain"):
            self.point_at(20000)
        self.assertEqual(self.commands, [RELOAD, RELOAD])

    def test_a_switch_that_keeps_its_old_workers_is_given_ten_seconds(self) -> None:
        self.after = self.workers
        begun = self.clock.now
        with self.assertRaisesRegex(Failed, "^the switch kept its old replicas$"):
            self.point_at(20000)
        self.assertAlmostEqual(self.clock.now - begun, 10, delta=0.2)
        self.after = {3: True}
        self.point_at(20000)
        self.assertEqual(self.commands, [RELOAD, RELOAD])

    def test_old_workers_drain_for_35_seconds_at_most(self) -> None:
        self.after = {1: False, 3: True}
        begun = self.clock.now
        with self.assertRaisesRegex(Failed, "^some requests outlived the drain$"):
            self.point_at(20000)
        self.assertAlmostEqual(self.clock.now - begun, 35, delta=0.2)
        self.point_at(20000)
        self.assertEqual(self.commands, [RELOAD], "new requests go to the new replicas already")

    def test_the_drain_is_as_long_as_the_release_said_that_is_drained(self) -> None:
        for drain_s in (5, 300, 1):
            self.workers, self.after = {9: True}, {8: True}
            self.point_at(20000, drainSeconds=drain_s)
            self.workers, self.after = {1: True}, {1: False, 3: True}
            begun = self.clock.now
            with self.assertRaises(Failed):
                self.point_at(20001, drainSeconds=60)
            self.assertAlmostEqual(self.clock.now - begun, drain_s + 5, delta=0.2)

    def test_it_returns_when_the_old_workers_have_gone(self) -> None:
        waited = []
        self.after = {1: False, 2: False, 3: True}

        def workers() -> dict[int, bool]:
            if RELOAD in self.commands:
                waited.append(1)
            if len(waited) > 6:
                self.workers = {3: True}
            return self.workers

        self.edge.workers = workers
        self.point_at(20000)
        self.assertGreater(len(waited), 6)

    def test_counters_begin_anew_with_the_replicas(self) -> None:
        self.edge.counted = {"tries": 5, "errors": 1}
        self.point_at(20000)
        self.assertEqual(self.edge.counted, {"tries": 0, "errors": 0})


class Configuring(EdgeCase):
    def applied(self) -> None:
        """What setup.sh does when the edge has read its settings."""
        (self.folder / "applied").mkdir(exist_ok=True)
        (self.folder / "applied/edge.json").write_text((self.folder / "edge.json").read_text())

    def test_the_edge_is_told_once_and_waited_for(self) -> None:
        self.edge.configure(DEFAULTS)
        self.assertEqual(state.load("edge.json"), DEFAULTS)
        self.assertEqual((self.commands, self.patience), ([EDGE], 300))
        self.applied()
        self.edge.configure(DEFAULTS)
        self.restart()
        self.edge.configure(DEFAULTS)
        self.assertEqual(self.commands, [EDGE])
        self.edge.configure({**DEFAULTS, "bodyMib": 11})
        self.assertEqual(self.commands, [EDGE, EDGE])

    def test_an_edge_that_refuses_is_said_and_asked_again(self) -> None:
        self.refusal = "systemctl start: Job for berth-edge.service failed"
        with self.assertRaisesRegex(Failed, "berth-edge.service failed"):
            self.edge.configure(DEFAULTS)
        self.refusal = ""
        self.edge.configure(DEFAULTS)
        self.assertEqual(self.commands, [EDGE, EDGE])


class Workers(Case):
    def test_those_that_shut_down_take_no_connections(self) -> None:
        script = "bash -c 'exec -a \"nginx: worker process is shutting down\" sleep 60' & exec -a nginx sleep 60 & echo; wait"
        master = subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
        self.addCleanup(master.wait)
        self.addCleanup(os.killpg, master.pid, 9)
        if master.stdout:
            self.addCleanup(master.stdout.close)
            master.stdout.readline()
        (self.folder / "pid").write_text(f"{master.pid}\n")
        with patch.object(edge, "SWITCH_PID", self.folder / "pid"):
            command.wait(20, lambda: sorted(edge.Edge().workers().values()) == [False, True], "both are seen")

    def test_a_switch_that_does_not_run_has_none(self) -> None:
        for text in ("", "4194999"):
            (self.folder / "pid").write_text(text)
            with patch.object(edge, "SWITCH_PID", self.folder / "pid"):
                self.assertEqual(edge.Edge().workers(), {})


class Counting(EdgeCase):
    def log(self, *tries: str) -> None:
        with edge.LOG.open("a") as lines:
            lines.write("".join(f'{{"status":200,"tries":"{each}"}}\n' for each in tries))

    def test_each_try_counts_and_each_5xx_is_an_error(self) -> None:
        for tries, expected in {
            "200": (1, 0),
            "500 : 200": (2, 1),
            "500 : 502 : 504": (3, 3),
            "502, 200": (2, 1),
            "404 : 499": (2, 0),
            "": (0, 0),
            "-": (0, 0),
            "599": (1, 1),
        }.items():
            self.assertEqual(edge.count_tries(f'{{"tries":"{tries}"}}\n'.encode()), expected, tries)

    def test_each_line_is_counted_once_and_only_when_it_is_whole(self) -> None:
        self.log("200", "500 : 200")
        with edge.LOG.open("a") as lines:
            lines.write('{"tries":"5')
        self.edge.count_tries()
        self.edge.count_tries()
        self.assertEqual(self.edge.counted, {"tries": 3, "errors": 1})
        with edge.LOG.open("a") as lines:
            lines.write('03"}\n')
        self.edge.count_tries()
        self.assertEqual(self.edge.counted, {"tries": 4, "errors": 2})

    def test_each_failure_counts_by_its_name(self) -> None:
        for failure in ("", "late", "cut", "late"):
            with edge.LOG.open("a") as lines:
                lines.write(f'{{"failure":"{failure}","tries":"504"}}\n')
            self.edge.count_tries()
        self.assertEqual(self.edge.counted, {"tries": 4, "errors": 4, "failures": {"late": 2, "cut": 1}})
        self.point_at(20000)
        self.assertEqual(self.edge.counted, {"tries": 0, "errors": 0})

    def test_nobody_gives_a_failure_a_name_of_their_own(self) -> None:
        line = b'{"path":"/\\"failure\\":\\"forged\\"","failure":"","tries":"200"}\n'
        self.assertEqual(edge.count_failures(line), {})
        self.assertEqual(edge.count_failures(b'{"failure":"one","failure":"' + b"a" * 500 + b'"}\n'), {"one": 1})

    def test_a_request_asks_for_the_figures_by_its_id_alone_and_once(self) -> None:
        self.log("200")
        with edge.LOG.open("a") as lines:
            lines.write('{"id":"0123456789abcdef","path":"/\\"id\\":\\"berth-figures\\"","tries":"200"}\n')
        self.edge.count_tries()
        self.assertFalse(self.edge.take_asked())
        with edge.LOG.open("a") as lines:
            lines.write('{"id":"berth-figures","path":"/","tries":"200"}\n')
        self.edge.count_tries()
        self.log("200")
        self.edge.count_tries()
        self.assertEqual([self.edge.take_asked(), self.edge.take_asked()], [True, False])

    def test_what_was_logged_before_the_start_belongs_to_nobody(self) -> None:
        self.log("500")
        started = edge.Edge()
        self.log("200")
        started.count_tries()
        self.assertEqual(started.counted, {"tries": 1, "errors": 0})

    def test_no_log_is_no_trouble(self) -> None:
        self.edge.count_tries()
        self.assertEqual(self.edge.counted, {"tries": 0, "errors": 0})

    def test_the_log_is_turned_over_above_32_mib_and_one_old_one_kept(self) -> None:
        line = b'{"tries":"200"}'.ljust(1023) + b"\n"
        edge.LOG.write_bytes(line * (32 * 1024))
        for _ in range(2):
            self.edge.count_tries()
        self.assertEqual((self.edge.counted["tries"], self.commands), (32 * 1024, []))
        with edge.LOG.open("ab") as lines:
            lines.write(line)
        self.edge.count_tries()
        self.assertEqual(self.commands, [REOPEN])
        self.assertEqual(sorted(path.name for path in self.folder.glob("edge*")), ["edge.log.1"])
        self.log("500")
        self.edge.count_tries()
        self.assertEqual(self.edge.counted, {"tries": 32 * 1024 + 2, "errors": 1})

    def test_no_turn_reads_more_than_16_mib(self) -> None:
        edge.LOG.write_bytes(b'{"tries":"200"}'.ljust(1023) + b"\n" + b" " * (40 << 20))
        self.edge.count_tries()
        self.assertLessEqual(self.edge.offset, 16 << 20)

    def test_it_looks_where_nginx_writes(self) -> None:
        self.doCleanups()
        self.assertEqual(edge.LOG, pathlib.Path("/var/log/berth/edge.log"))
        self.assertEqual(state.STATE, pathlib.Path("/var/lib/berth"))


if __name__ == "__main__":
    unittest.main()
