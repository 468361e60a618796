"""What is done to the data volume's disk: which one it is, when it is formatted, and what is never."""

import os
import pathlib
import subprocess
import unittest
from typing import Any
from unittest.mock import patch

import data
import state
from command import Failed
from stand_ins import Case
from state import load, save

VOLUME = "vol-0123456789abcdef0"


def ended(reason: str, exit_code: int) -> Failed:
    failure = Failed(reason)
    failure.exit_code = exit_code
    return failure


class Disk(Case):
    """A file in place of the disk, and commands that act on it as the real ones do."""

    def setUp(self) -> None:
        super().setUp()
        self.calls: list[tuple[str, ...]] = []
        self.disk = self.folder / "disk"
        self.disk.write_bytes(bytes(4096))
        self.found: str | Failed = ended("blkid --probe: nothing", 2)
        self.root = self.folder / "mounted"
        self.is_mounted = False
        self.enter(patch.object(data, "call", self.call))
        self.enter(patch.object(data, "ROOT", self.root))
        self.enter(patch.object(data, "find_device", lambda volume: self.disk))
        self.enter(patch.object(data, "sectors", lambda device: 8))
        self.enter(patch.object(os.path, "ismount", lambda path: self.is_mounted))

    def call(self, *command: str, **_: Any) -> str:
        self.calls.append(command)
        if command[0] == "blkid":
            if isinstance(self.found, Failed):
                raise self.found
            return self.found
        if command[0] == "mkfs.ext4":
            self.found = "TYPE=ext4\nLABEL=berth-data\n"
        if command[0] == "tune2fs":
            return "Block count: 0\nBlock size: 4096\n"
        return ""

    def programs(self) -> list[str]:
        return [call[0] for call in self.calls if call[0] not in ("blkid", "tune2fs")]

    def test_a_blank_disk_is_formatted_once_and_mounted_without_devices_or_privileges(self) -> None:
        data.mount(VOLUME, str(self.disk))
        self.assertEqual(self.programs(), ["mkfs.ext4", "mount"])
        self.assertIn("nosuid,nodev", self.calls[-1])
        self.assertIsNone(load("formatting.json"))
        self.calls.clear()
        data.mount(VOLUME, str(self.disk))
        self.assertEqual(self.programs(), ["mount"])

    def test_what_holds_anything_else_is_left_as_it_is(self) -> None:
        for found in ("TYPE=ext4\nLABEL=home\n", "TYPE=ext4\n", "TYPE=xfs\nLABEL=berth-data\n", "PTTYPE=gpt\n"):
            self.found = found
            with self.assertRaisesRegex(Failed, "left as it is"):
                data.mount(VOLUME, str(self.disk))
        self.assertEqual(self.programs(), [])

    def test_a_disk_that_can_not_be_read_is_no_blank_one(self) -> None:
        for code in (1, 4, 8):
            self.found = ended("blkid --probe: error", code)
            with self.assertRaisesRegex(Failed, "blkid"):
                data.mount(VOLUME, str(self.disk))
        self.assertEqual(self.programs(), [])

    def test_bytes_that_nothing_knows_are_left_as_they_are(self) -> None:
        self.disk.write_bytes(bytes(4000) + b"x")
        with self.assertRaisesRegex(Failed, "left as it is"):
            data.mount(VOLUME, str(self.disk))
        self.assertEqual(self.programs(), [])

    def test_a_disk_that_was_half_formatted_is_formatted_again_but_no_other(self) -> None:
        self.disk.write_bytes(bytes(2048) + b"half")
        save("formatting.json", {"volume": "vol-another"})
        with self.assertRaisesRegex(Failed, "left as it is"):
            data.mount(VOLUME, str(self.disk))
        save("formatting.json", {"volume": VOLUME})
        data.mount(VOLUME, str(self.disk))
        self.assertEqual(self.programs(), ["mkfs.ext4", "mount"])

    def test_a_disk_that_was_formatted_is_never_again_whatever_is_noted(self) -> None:
        self.found = "TYPE=ext4\nLABEL=berth-data\n"
        save("formatting.json", {"volume": VOLUME})
        data.mount(VOLUME, str(self.disk))
        self.assertEqual(self.programs(), ["mount"])

    def test_it_is_written_down_before_it_is_begun(self) -> None:
        def die(*command: str, **_: Any) -> str:
            if command[0] == "mkfs.ext4":
                self.assertEqual(load("formatting.json"), {"volume": VOLUME})
                raise KeyboardInterrupt
            return self.call(*command)

        with patch.object(data, "call", die), self.assertRaises(KeyboardInterrupt):
            data.mount(VOLUME, str(self.disk))

    def test_each_folder_goes_to_the_user_and_the_folder_itself_last(self) -> None:
        (self.root / "uploads" / "deep").mkdir(parents=True)
        (self.root / "uploads" / "deep" / "file").write_text("x")
        (self.root / "uploads" / "link").symlink_to("/etc/passwd")
        given: list[str] = []

        def chown(path: str, user: int, group: int, **how: Any) -> None:
            self.assertEqual((user, group, how["follow_symlinks"]), (1234, 1234, False))
            given.append(path)

        with patch.object(os, "chown", chown):
            data.make_folders({"uploads": [1234, 1234], "other": [1234, 1234]})
        self.assertEqual(sorted(given[:3]), ["deep", "file", "link"])
        self.assertEqual(given[3:], ["uploads", "other"])

    def test_a_folder_that_is_the_users_already_is_not_gone_through(self) -> None:
        (self.root / "uploads").mkdir(parents=True)
        with patch.object(os, "fwalk", side_effect=AssertionError):
            data.make_folders({"uploads": [os.getuid(), os.getgid()]})

    def test_a_link_in_place_of_a_folder_is_refused(self) -> None:
        self.root.mkdir()
        (self.root / "uploads").symlink_to("/etc")
        with self.assertRaisesRegex(Failed, "isn't a folder"):
            data.make_folders({"uploads": [1234, 1234]})


class Devices(Case):
    def device(self, *names: str) -> pathlib.Path:
        for name in names:
            path = self.folder / "dev" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return self.folder

    def test_it_is_found_by_its_serial_number(self) -> None:
        name = "disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0"
        root = self.device(name, "nvme0n1", "xvdf")
        self.assertEqual(data.find_device(VOLUME, root), root / "dev" / name)

    def test_another_volume_is_not_taken_for_it(self) -> None:
        root = self.device("disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0fffffffffffffff0", "nvme0n1", "xvdf")
        with self.assertRaisesRegex(data.Absent, "isn't attached"):
            data.find_device(VOLUME, root)

    def test_types_without_nvme_disks_show_the_name_of_the_attachment(self) -> None:
        root = self.device("xvda")
        with self.assertRaises(data.Absent):
            data.find_device(VOLUME, root)
        self.device("xvdf")
        self.assertEqual(data.find_device(VOLUME, root), root / "dev" / "xvdf")


class RealDisk(Case):
    """The real programs, on a file in place of a disk."""

    def test_blkid_tells_a_blank_disk_from_one_of_ours_and_one_of_others(self) -> None:
        disk = self.folder / "disk"
        disk.write_bytes(bytes(4 << 20))
        self.assertIsNone(data.file_system(str(disk)))
        self.assertTrue(data.is_blank(str(disk)))
        data.format_blank(VOLUME, str(disk))
        self.assertEqual(data.file_system(str(disk)), ("ext4", "berth-data"))
        before = disk.read_bytes()
        data.format_blank(VOLUME, str(disk))
        self.assertEqual(disk.read_bytes(), before)
        subprocess.run(["tune2fs", "-L", "other", disk], check=True, stdout=subprocess.DEVNULL)
        (state.STATE / "formatting.json").unlink()
        with self.assertRaisesRegex(Failed, "left as it is"):
            data.format_blank(VOLUME, str(disk))

    def test_a_file_system_follows_a_disk_that_has_grown(self) -> None:
        disk = self.folder / "disk"
        disk.write_bytes(bytes(4 << 20))
        data.format_blank(VOLUME, str(disk))
        os.truncate(disk, 8 << 20)
        self.assertLess(data.size_of_file_system(str(disk)), data.sectors(str(disk)))
        data.call("e2fsck", "-f", "-p", str(disk), fine=(0, 1))
        data.call("resize2fs", str(disk))
        self.assertGreaterEqual(data.size_of_file_system(str(disk)), data.sectors(str(disk)))


if __name__ == "__main__":
    unittest.main()
