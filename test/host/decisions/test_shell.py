"""Whether a host runs the agent of Session Manager, and what it does to get it."""

from __future__ import annotations

import http.client
import http.server
import json
import pathlib
import threading
import types
import unittest
from typing import Any
from unittest.mock import patch

import shell
import shell_agent
import state
from command import Failed
from hosts import HostCase
from stand_ins import Case


class System:
    """systemd and the package managers: keeps what is installed, enabled and running, and notes each command."""

    def __init__(self, installed: bool = False, running: bool = False) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.installed, self.enabled, self.running = installed, running, running
        self.package = ["Package:", "amazon-ssm-agent", "Architecture:", "amd64"]
        self.refused = ""

    def call(self, *command: str, timeout_s: int = 120, fine: tuple[int, ...] = (0,)) -> str:
        self.calls.append(command)
        verb = command[1] if command[0] == "systemctl" else command[0]
        if verb == self.refused:
            raise Failed(f"{verb}: Error: no")
        if verb in ("env", "dnf"):
            self.installed = True
        elif verb in ("start", "restart") and "berth-shell.service" not in command:
            if not self.enabled:
                raise AssertionError("started and not enabled")
            self.running = True
        elif verb in ("enable", "disable"):
            self.enabled = verb == "enable"
        elif verb == "stop":
            self.running = False
        answers = {
            "is-active": "active\n" if self.running else "inactive\n",
            "dpkg-query": "installed" if self.installed else "",
            "rpm": "amazon-ssm-agent-3.3.1.0-1.amzn2023.x86_64\n" if self.installed else "package is not installed\n",
            "list-unit-files": "amazon-ssm-agent.service enabled enabled\n" if self.installed else "0 unit files listed.\n",
            "dpkg-deb": " ".join(self.package),
        }
        return answers.get(verb, "")

    def verbs(self) -> list[str]:
        return [command[1] if command[0] == "systemctl" else command[0] for command in self.calls]


class ShellCase(Case):
    def setUp(self) -> None:
        super().setUp()
        self.system = System()
        for module in (shell, shell_agent):
            self.enter(patch.object(module, "call", self.system.call))
            self.enter(patch.object(module, "RESULT", self.folder / "result.json"))
        self.enter(patch.object(shell, "time", self.clock))
        self.enter(patch.object(shell_agent.log, "disabled", True))
        self.os("ID=debian")

    def os(self, *lines: str) -> None:
        (self.folder / "os-release").write_text("\n".join(["NAME=x", *lines, ""]))
        self.enter(patch.object(shell_agent, "OS_RELEASE", self.folder / "os-release"))

    def result(self) -> Any:
        return json.loads((self.folder / "result.json").read_text())

    def serve(self, wanted: bool) -> None:
        """What berth-shell.service does."""
        state.save("shell.json", {"wanted": wanted})
        shell_agent.main()


class Wishes(ShellCase):
    ON, OFF = {"number": 7, "shell": True}, {"number": 8}

    def setUp(self) -> None:
        super().setUp()
        self.shell, self.system.installed = shell.Shell(), True

    def turn(self, release: Any, seconds: int = 0) -> list[str]:
        self.clock.now += seconds
        self.system.calls = []
        self.shell.turn(release)
        return self.system.verbs()

    def test_a_host_that_was_never_asked_for_a_shell_asks_nothing_of_its_system(self) -> None:
        for release in (None, self.OFF, {"number": 9, "shell": False}):
            self.assertEqual(self.turn(release, 60), [])
        self.assertFalse((self.folder / "shell.json").exists())
        self.assertEqual(self.shell.told(), [])

    def test_a_service_is_started_for_it_once_and_then_looked_after_now_and_then(self) -> None:
        self.assertEqual(self.turn(self.ON), ["start"])
        self.assertIn("--no-block", self.system.calls[0])
        self.serve(True)
        self.assertEqual(self.turn(self.ON, 2), [])
        self.assertEqual(self.turn(self.ON, 30), ["is-active"])
        self.system.running = False
        self.assertEqual(self.turn(self.ON, 30), ["is-active", "start"])

    def test_what_keeps_it_from_running_is_told_and_tried_again_less_and_less_often(self) -> None:
        self.turn(self.ON)
        self.system.refused = "enable"
        self.serve(True)
        self.assertEqual(self.shell.told(), ["the shell: enable: Error: no"])
        tries = []
        for second in range(3600):
            if self.turn(self.ON, 1):
                tries.append(second)
                self.serve(True)
        self.assertLess(len(tries), 9)
        self.assertGreater(len(tries), 4)
        self.system.refused = ""
        self.serve(True)
        self.assertEqual(self.shell.told(), [])

    def test_it_is_ended_at_once_when_a_release_has_none_and_then_forgotten(self) -> None:
        self.turn(self.ON)
        self.serve(True)
        self.assertEqual(self.turn(self.OFF), ["start"])
        self.serve(False)
        self.assertEqual((self.system.enabled, self.system.running), (False, False))
        self.assertEqual(self.turn(self.OFF, 30), [])
        self.assertFalse((self.folder / "shell.json").exists())

    def test_trouble_about_an_earlier_wish_is_not_told(self) -> None:
        self.turn(self.ON)
        self.system.refused = "enable"
        self.serve(True)
        self.turn(self.OFF)
        self.assertEqual(self.shell.told(), [])


class Hosts(HostCase):
    def test_trouble_with_the_shell_is_in_the_report_and_keeps_neither_release_nor_agent_from_going_on(self) -> None:
        system = System()
        with patch.object(shell, "call", system.call), patch.object(shell, "RESULT", self.folder / "result.json"):
            state.write(self.folder / "result.json", json.dumps({"wanted": True, "error": "no way"}))
            self.wish(shell=True)
            self.turn()
            self.turn()
        self.assertEqual(self.said()[-1], (7, "serving"))
        self.assertEqual(self.bucket.reports[-1]["trouble"], "the shell: no way")
        self.assertTrue((self.folder / "turn").exists())


class Agents(ShellCase):
    def test_on_debian_it_comes_from_the_region_s_own_bucket_over_tls_and_is_installed_as_that(self) -> None:
        asked: list[Any] = []
        with patch.object(shell_agent, "download", lambda settings, file: asked.append((settings, file))):
            with patch.object(shell_agent, "read_settings", lambda: {"region": "eu-central-1"}):
                self.serve(True)
        self.assertEqual(self.result(), {"wanted": True})
        self.assertEqual(asked[0][0], {"region": "eu-central-1"})
        install = next(command for command in self.system.calls if command[0] == "env")
        self.assertEqual(install[-1], str(asked[0][1]))
        self.assertIn("DPkg::Lock::Timeout=300", install)
        self.assertEqual(self.system.verbs()[-3:], ["env", "enable", "restart"])
        self.assertFalse(asked[0][1].exists())

    def test_another_package_is_not_installed(self) -> None:
        self.system.package = ["Package:", "evil", "Architecture:", "amd64"]
        with patch.object(shell_agent, "download", lambda *_: None), patch.object(shell_agent, "read_settings", dict):
            self.serve(True)
        self.assertEqual(self.result()["wanted"], True)
        self.assertIn("is another package", self.result()["error"])
        self.assertNotIn("env", self.system.verbs())

    def test_on_amazon_linux_it_is_the_system_s_and_only_installed_if_it_is_missing(self) -> None:
        self.os('ID="amzn"')
        self.serve(True)
        self.assertEqual(self.system.verbs(), ["rpm", "dnf", "enable", "restart"])
        self.system.calls = []
        self.serve(True)
        self.assertEqual(self.system.verbs(), ["rpm", "enable", "start"])

    def test_ended_it_leaves_no_open_session_behind(self) -> None:
        self.system = System(installed=True, running=True)
        for module in (shell, shell_agent):
            self.enter(patch.object(module, "call", self.system.call))
        self.serve(False)
        self.assertEqual(self.system.verbs(), ["list-unit-files", "disable", "kill", "stop"])
        self.assertIn("--signal=KILL", self.system.calls[2])

    def test_what_is_not_there_is_not_ended(self) -> None:
        self.serve(False)
        self.assertEqual(self.system.verbs(), ["list-unit-files"])
        self.assertEqual(self.result(), {"wanted": False})


class Downloads(Case):
    """Over HTTP, from a server that behaves as told."""

    def setUp(self) -> None:
        super().setUp()
        self.answer: tuple[int, dict[str, str], bytes] = (200, {}, b"a package")
        self.asked: list[str] = []
        case = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                case.asked.append(self.path)
                status, headers, body = case.answer
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.hosts: list[str] = []
        self.enter(patch.object(shell_agent, "fetch", types.SimpleNamespace(connect=self.connect)))

    def connect(self, host: str) -> http.client.HTTPConnection:
        self.hosts.append(host)
        return http.client.HTTPConnection("127.0.0.1", self.server.server_address[1], timeout=10)

    def fetch(self) -> pathlib.Path:
        file = self.folder / "agent.deb"
        shell_agent.download({"region": "cn-north-1", "domain": "amazonaws.com.cn"}, file)
        return file

    def test_the_place_is_aws_s_in_the_region_and_partition(self) -> None:
        self.assertEqual(self.fetch().read_bytes(), b"a package")
        self.assertEqual(self.hosts, ["s3.cn-north-1.amazonaws.com.cn"])
        self.assertEqual(self.asked, ["/amazon-ssm-cn-north-1/latest/debian_amd64/amazon-ssm-agent.deb"])

    def test_no_redirect_is_followed_and_no_refusal_is_taken_for_a_package(self) -> None:
        for status in (301, 403, 404, 503):
            self.answer = (status, {"Location": "/evil"}, b"<xml>")
            with self.assertRaisesRegex(Failed, f"answered {status}"):
                self.fetch()
        self.assertEqual(len(self.asked), 4)

    def test_one_that_breaks_off_or_never_ends_is_refused(self) -> None:
        self.answer = (200, {"Content-Length": "100"}, b"half")
        with self.assertRaises(Failed):
            self.fetch()
        self.answer = (200, {}, b"x" * 5000)
        with patch.object(shell_agent, "MOST_BYTES", 4000), self.assertRaisesRegex(Failed, "longer than 4000"):
            self.fetch()


if __name__ == "__main__":
    unittest.main()
