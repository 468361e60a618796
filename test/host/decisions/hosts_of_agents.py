"""A machine whose agents do as their program says, and a launcher that looks after it."""

from __future__ import annotations

import json
import pathlib
import tempfile
import unittest
from typing import Any
from unittest.mock import patch

import bundle
import launcher
from bundles import AGENT, UNIT, bundle_of, hash_of
from fetch import Refused
from stand_ins import Clock


class Off(BaseException):
    """The machine lost its power, or the launcher was killed."""


class Bucket:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []

    def publish(self, packed: bytes, at: str = "1") -> str:
        sha256 = hash_of(packed)
        self.objects[f"agent/{sha256}.tar.gz"] = packed
        self.objects["agent.json"] = json.dumps({"sha256": sha256, "at": at, "by": "somebody"}).encode()
        return sha256

    def get(self, key: str, most_bytes: int, etag: str = "") -> tuple[bytes, str] | None:
        self.asked.append((key, etag))
        if key not in self.objects:
            raise Refused(f"{key}: 404 NoSuchKey")
        body = self.objects[key]
        if len(body) > most_bytes:
            raise Refused("too long")
        return None if etag == hash_of(body) else (body, hash_of(body))


class Machine:
    """systemd, for one service: what the agent's program says is what it does."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.root, self.turn = folder / "root", folder / "turn"
        self.calls: list[str] = []
        self.running: str | None = None
        self.loaded = ""
        self.is_bucket_away = False
        self.ends = self.looks = 0
        self.off_at = ""
        self.refuses = ""
        self.stops_late = False

    def call(self, *command: str, may_fail: bool = False, timeout_s: int = 300) -> str:
        text = " ".join(command)
        self.calls.append(text)
        if self.off_at and text.startswith(self.off_at):
            raise Off
        if self.refuses and text.startswith(self.refuses):
            raise Refused(f"{text}: no")
        if text.startswith("systemctl show"):
            return self.show()
        if text.startswith("journalctl"):
            return "    raise it\nNameError: last words\n" if self.running == "raises" else ""
        if text.startswith("systemctl kill --signal=SIGKILL"):
            self.stops_late = False
        if text == "systemctl stop berth.service":
            if self.stops_late:
                raise Refused(f"{text}: no end in {timeout_s} s")
            self.stop()
        if text == "systemctl daemon-reload":
            self.loaded = (self.root / UNIT).read_text()
        if text == "systemctl start --no-block berth.service" and self.running is None:
            self.running, self.ends = (self.root / AGENT).read_text(), 0
            if self.running.startswith("good") and not self.is_bucket_away:
                self.turn.write_text("")
        return ""

    def show(self) -> str:
        self.looks += 1
        self.ends += self.running == "raises"
        if self.running == "good for 20 s" and self.looks % 40 == 0:
            self.ends += 1
        state = {"raises": "activating", "installs": "activating", "fails": "failed"}.get(self.running or "", "active")
        return f"NRestarts={self.ends}\nActiveState={state}\n"

    def hear(self) -> None:
        """The bucket answers again, so that the agent completes its turn."""
        self.turn.write_text("")

    def stop(self) -> None:
        self.running = None
        self.turn.unlink(missing_ok=True)


def agent(program: str, **more: str) -> bytes:
    """The unit differs with the program, as a changed one would."""
    return bundle_of({AGENT: program, UNIT: f"[Service] of {program}", **{f"etc/{name}": text for name, text in more.items()}})


class LauncherCase(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.machine, self.bucket, self.clock = Machine(self.folder), Bucket(), Clock()
        for name, value in {
            "ROOT": self.machine.root,
            "STATE": self.folder,
            "TURN": self.machine.turn,
            "WAITING": self.folder / "run" / "waiting.json",
            "call": self.machine.call,
            "time": self.clock,
        }.items():
            changed = patch.object(launcher, name, value)
            changed.start()
            self.addCleanup(changed.stop)
        self.enter_log()
        self.launcher = self.restart()

    def enter_log(self) -> None:
        disabled = patch.object(launcher.log, "disabled", True)
        disabled.start()
        self.addCleanup(disabled.stop)

    def restart(self) -> launcher.Launcher:
        """A launcher that remembers what is written down, and nothing else. The machine goes on."""
        self.machine.off_at = ""
        self.launcher = launcher.Launcher(self.bucket)
        return self.launcher

    def reboot(self) -> launcher.Launcher:
        self.machine.stop()
        unit = self.machine.root / UNIT
        self.machine.loaded = unit.read_text() if unit.exists() else ""
        return self.restart()

    def state(self) -> dict[str, Any]:
        return json.loads((self.folder / "state.json").read_text())

    def files(self) -> dict[str, str]:
        root = self.machine.root
        return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}

    def expect(self, packed: bytes) -> None:
        """This whole agent is there, and no file of another; it runs, with its own unit."""
        wanted = bundle.unpack(packed, hash_of(packed))
        self.assertEqual(self.files(), {path: data.decode() for path, (data, _) in wanted.items()})
        self.assertEqual(self.machine.running, wanted[AGENT][0].decode())
        self.assertEqual(self.machine.loaded, wanted[UNIT][0].decode())
        self.assertEqual(self.state()["installed"], hash_of(packed))
        self.assertNotIn("trying", self.state())
