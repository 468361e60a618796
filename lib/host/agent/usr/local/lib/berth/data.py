"""Mounts the data volume that /var/lib/berth/data.json names, and makes a folder in it for each of the app's volumes.

Runs as berth-data.service, which may do what the converger may not. It says what came of it in RESULT. It may be killed at
any moment and run again. It formats a disk only if the disk bears the serial number of the volume and is blank.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import stat
import sys
from typing import Any

from bounds import VOLUME_NAME
from command import Failed, call
import state
from state import load, save, write
from volumes import ABSENT, RESULT, ROOT, WISH

LABEL = "berth-data"
FORMATTING = "formatting.json"
# Nitro types show the serial number. Older ones have no NVMe disks, and show the device name of the attachment.
BY_SERIAL = "dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{serial}"
BY_NAME = "dev/xvdf"
BLANK_BYTES = 1 << 20
VOLUME = re.compile(r"vol-[0-9a-f]{8,17}")


class Absent(Failed):
    """AWS hasn't attached the volume yet."""


def find_device(volume: str, root: pathlib.Path = pathlib.Path("/")) -> pathlib.Path:
    by_serial = root / BY_SERIAL.format(serial=volume.replace("-", ""))
    if by_serial.exists():
        return by_serial.resolve()
    if not list((root / "dev").glob("nvme*n*")) and (root / BY_NAME).exists():
        return root / BY_NAME
    raise Absent(f"data volume {volume} isn't attached")


def file_system(device: str) -> tuple[str, str] | None:
    """Its type and label; None if nothing is found on the disk."""
    try:
        said = call("blkid", "--probe", "--output", "export", device)
    except Failed as failure:
        if failure.exit_code == 2:  # nothing found; everything else, such as a read error, is no reason to format
            return None
        raise
    found = dict(line.partition("=")[::2] for line in said.splitlines())
    return found.get("TYPE", "?"), found.get("LABEL", "")


def is_blank(device: str) -> bool:
    with open(device, "rb") as disk:
        return not disk.read(BLANK_BYTES).strip(b"\0")


def format_blank(volume: str, device: str) -> None:
    """Writes down first that it formats this blank disk: one that was half formatted when the host went down isn't blank."""
    begun = load(FORMATTING) == {"volume": volume}
    if file_system(device) == ("ext4", LABEL):
        return
    if not begun and (file_system(device) or not is_blank(device)):
        raise Failed(f"data volume {volume} isn't blank, and what it holds isn't Berth's: it is left as it is")
    save(FORMATTING, {"volume": volume})
    call("mkfs.ext4", "-q", "-F", "-L", LABEL, "-E", "nodiscard", device, timeout_s=900)


def mount(volume: str, device: str) -> None:
    if os.path.ismount(ROOT):
        if os.stat(ROOT).st_dev == os.stat(device).st_rdev:
            return
        unmount()
    format_blank(volume, device)
    if size_of_file_system(device) < sectors(device):
        # Also done while it is mounted; but a kernel may refuse that, and between two mounts it may not.
        call("e2fsck", "-f", "-p", device, timeout_s=3600, fine=(0, 1))
        call("resize2fs", device, timeout_s=900)
    ROOT.mkdir(exist_ok=True, parents=True)
    call("mount", "-t", "ext4", "-o", "nosuid,nodev", device, str(ROOT), timeout_s=900)
    (state.STATE / FORMATTING).unlink(missing_ok=True)


def unmount() -> None:
    if os.path.ismount(ROOT):
        call("umount", str(ROOT))


def make_folders(folders: dict[str, list[int]]) -> None:
    top = os.open(ROOT, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name, (user, group) in folders.items():
            if not re.fullmatch(VOLUME_NAME, name):
                raise Failed(f"{name!r} is no name of a volume")
            try:
                os.mkdir(name, 0o755, dir_fd=top)
            except FileExistsError:
                pass
            give(top, name, user, group)
    finally:
        os.close(top)


def give(top: int, name: str, user: int, group: int) -> None:
    """To the app's user, with all that is in it. The folder itself comes last: until it is done, it is done again."""
    folder = os.stat(name, dir_fd=top, follow_symlinks=False)
    if not stat.S_ISDIR(folder.st_mode):
        raise Failed(f"{name} on the data volume isn't a folder")
    if (folder.st_uid, folder.st_gid) == (user, group):
        return
    for _, folders, files, at in os.fwalk(name, dir_fd=top, follow_symlinks=False):
        for entry in (*folders, *files):
            os.chown(entry, user, group, dir_fd=at, follow_symlinks=False)
    os.chown(name, user, group, dir_fd=top, follow_symlinks=False)


def grow(device: str) -> None:
    """The file system follows its disk while it is in use. If that is refused, it follows at the next mount."""
    try:
        call("resize2fs", device, timeout_s=900)
    except Failed as failure:
        print(failure, "- it grows at the next start of the host")


def size_of_file_system(device: str) -> int:
    """In sectors; rounded up to the blocks that its end may leave over."""
    said = dict(line.partition(":")[::2] for line in call("tune2fs", "-l", device).splitlines())
    block = int(said["Block size"])
    return (int(said["Block count"]) + 1) * block // 512


def sectors(device: str) -> int:
    with open(device, "rb") as disk:
        return disk.seek(0, os.SEEK_END) // 512


def fulfil(wish: dict[str, Any]) -> dict[str, Any]:
    volume = wish["volume"]
    if volume is None:
        unmount()
        return {}
    if not VOLUME.fullmatch(volume):
        raise Failed(f"{volume!r} is no id of a volume")
    device = str(find_device(volume))
    mount(volume, device)
    size = sectors(device)
    grow(device)
    make_folders(wish["folders"])
    node = os.stat(device).st_rdev
    return {"node": f"{os.major(node)}:{os.minor(node)}", "sectors": size}


def main() -> int:
    wish = load(WISH) or {"volume": None}
    try:
        result = {"wish": wish, **fulfil(wish)}
    except Failed as failure:
        result = {"wish": wish, "error": str(failure), "kind": ABSENT if isinstance(failure, Absent) else "failed"}
    except OSError as error:
        result = {"wish": wish, "error": f"the data volume: {error}", "kind": "failed"}
    write(RESULT, json.dumps(result))
    print(result.get("error", "done"))
    return 1 if "error" in result else 0


if __name__ == "__main__":
    sys.exit(main())
