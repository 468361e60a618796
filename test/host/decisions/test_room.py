"""What the launcher does when the host's disk is full: the old agent goes on, and the new one comes when there is room."""

from __future__ import annotations

import errno
import itertools
import json
import os
import pathlib
import tempfile
import types
import unittest
from unittest.mock import patch

import launcher
import room
from hosts_of_agents import LauncherCase, agent

OLD = agent("good 1", gone="only the old one has it")
NEW = agent("good 2", added="only the new one has it")
BAD = agent("raises")
FULL = "the host's disk is full, less than 16 MiB are free"


class Disk:
    """Has so many bytes left, of which a reserve takes its part. What is written over a file takes nothing anew."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.left = folder, 1 << 30
        self.write = launcher.bundle.write

    def free(self) -> int:
        return self.left - (room.ROOM if room.reserved(self.folder).exists() else 0)

    def write_if_room(self, path: pathlib.Path, data: bytes, mode: int = 0o644) -> None:
        if path != launcher.WAITING and self.free() < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        self.write(path, data, mode)

    def allocate(self, file: int, offset: int, length: int) -> None:
        if self.free() < 0:  # by then the file is there
            raise OSError(errno.ENOSPC, "No space left on device")

    def look(self, path: pathlib.Path) -> types.SimpleNamespace:
        return types.SimpleNamespace(f_bfree=max(self.free(), 0), f_frsize=1)


class FullDisk(LauncherCase):
    def setUp(self) -> None:
        super().setUp()
        self.disk = Disk(self.folder)
        for thing, name, value in (
            (launcher.bundle, "write", self.disk.write_if_room),
            (os, "posix_fallocate", self.disk.allocate),
            (os, "statvfs", self.disk.look),
        ):
            changed = patch.object(thing, name, value)
            changed.start()
            self.addCleanup(changed.stop)
        self.bucket.publish(OLD)
        self.launcher.turn()
        self.machine.calls = []

    def told(self) -> object:
        return json.loads(launcher.WAITING.read_text()) if launcher.WAITING.exists() else None

    def postpone(self) -> None:
        with self.assertRaisesRegex(room.Postponed, FULL):
            self.launcher.turn()

    def test_the_old_agent_is_not_touched_the_user_is_told_and_the_new_one_comes_when_there_is_room(self) -> None:
        sha256 = self.bucket.publish(NEW)
        # Nothing, less than the bundle, less than the way back, less than the way there.
        for left in (0, 100, room.ROOM // 2, room.ROOM + room.ROOM // 2):
            self.disk.left = left
            self.postpone()
            self.expect(OLD)
            self.assertEqual(self.told(), {"sha256": sha256, "at": "1", "reason": FULL})
            self.assertFalse(room.reserved(self.folder).exists())
        self.assertEqual(self.machine.calls, [])
        self.disk.left = 1 << 30
        self.launcher.turn()
        self.expect(NEW)
        self.assertEqual((self.told(), "failed" in self.state()), (None, False))
        self.assertFalse(room.reserved(self.folder).exists())

    def test_there_is_room_for_the_way_back_whatever_fills_the_disk_during_the_trial(self) -> None:
        for program in ("raises", "turns never"):
            with self.subTest(program):
                self.doCleanups()
                self.setUp()
                sha256 = self.bucket.publish(agent(program, **{"systemd/x": "a new one"}))
                self.fill_when_started()
                self.launcher.turn()
                self.expect(OLD)
                self.assertEqual(self.told(), {"sha256": sha256, "at": "1", "reason": FULL})
                self.assertNotIn("failed", self.state())

    def fill_when_started(self, to: int = room.ROOM) -> None:
        """Unless it is told otherwise, only what is reserved is left."""
        call = self.machine.call

        def call_and_fill(*command: str, **rest: object) -> str:
            if command[:2] == ("systemctl", "start") and "trying" in self.state():
                self.disk.left = to
            return call(*command, **rest)

        changed = patch.object(launcher, "call", call_and_fill)
        changed.start()
        self.addCleanup(changed.stop)

    def test_one_that_failed_for_want_of_room_is_tried_again_ever_later(self) -> None:
        self.bucket.publish(BAD)
        self.fill_when_started()
        tried: list[float] = []
        for _ in range(12_000):
            self.disk.left, self.machine.calls = 1 << 30, []
            self.launcher.turn()
            if "systemctl stop berth.service" in self.machine.calls:
                tried.append(self.clock.now)
            self.clock.now += 1
        pauses = [later - earlier for earlier, later in itertools.pairwise(tried[:9])]
        self.assertEqual([round(pause / 60) for pause in pauses], [1, 2, 4, 8, 16, 32, 60, 60])
        self.expect(OLD)

    def test_the_next_one_does_not_wait_for_the_one_before(self) -> None:
        self.bucket.publish(BAD)
        self.fill_when_started()
        self.launcher.turn()
        self.fill_when_started(to=1 << 30)
        self.disk.left = 1 << 30
        self.bucket.publish(NEW)
        self.launcher.turn()
        self.expect(NEW)

    def test_the_end_of_a_trial_is_remembered_on_a_full_disk(self) -> None:
        self.bucket.publish(NEW)
        self.fill_when_started()
        self.launcher.turn()
        self.expect(NEW)

    def test_a_broken_agent_is_refused_while_there_is_room(self) -> None:
        self.bucket.publish(BAD)
        self.launcher.turn()
        self.expect(OLD)
        self.assertEqual((self.told(), self.state()["failed"]["reason"][:13]), (None, "it ended 3 ti"))

    def test_a_disk_that_takes_nothing_is_told_as_what_it_is(self) -> None:
        self.bucket.publish(NEW)
        broken = OSError(errno.EROFS, "Read-only file system")
        with patch.object(os, "posix_fallocate", side_effect=broken), self.assertRaises(room.Postponed):
            self.launcher.turn()
        self.assertEqual((self.told() or {})["reason"], "the host can't write: [Errno 30] Read-only file system")
        self.expect(OLD)

    def test_room_that_a_killed_launcher_kept_is_given_back(self) -> None:
        room.reserved(self.folder).touch()
        self.reboot().turn()
        self.assertFalse(room.reserved(self.folder).exists())


class Reserve(unittest.TestCase):
    def test_it_takes_room_on_a_real_disk(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            room.reserve(folder)
            self.assertEqual(room.reserved(folder).stat().st_blocks * 512 // room.ROOM, 1)
            room.give_back(folder)
            self.assertEqual(list(folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
