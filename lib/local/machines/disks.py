"""Keeps the data volumes of the embedded AWS as image files, each behind a loop device while it is attached.

Reads lines of JSON from standard input: every volume, snapshot and attachment that there should be. Makes it so, and answers
each with one line. Ends when its input ends. However it ends, a loop device lets its file go as soon as no machine has it mounted.
"""

import errno
import fcntl
import json
import os
import pathlib
import struct
import subprocess
import sys

IMAGES = pathlib.Path("/disks")
GIB = 1 << 30
# From linux/loop.h.
LOOP_CONFIGURE, LOOP_SET_CAPACITY, LOOP_CTL_ADD, LOOP_CTL_REMOVE = 0x4C0A, 0x4C07, 0x4C80, 0x4C81
LO_FLAGS_AUTOCLEAR = 4
LOOP_CONFIG = "=II QQQQQIIII64s64s32sQQ 64s"
SECTOR_BYTES = 512
CONTROL, LOOP_MAJOR = os.makedev(10, 237), 7

held: dict[str, tuple[int, int]] = {}  # volume -> number of the loop device, and its open file
leaving: dict[str, int] = {}  # no longer attached, but a machine hasn't unmounted it yet


def node(name: str, kind: int, device: int) -> int:
    path = f"/dev/{name}"
    if not os.path.exists(path):
        os.mknod(path, kind | 0o600, device)
    return os.open(path, os.O_RDWR | os.O_CLOEXEC)


def control(request: int, number: int) -> None:
    file = node("loop-control", 0o020000, CONTROL)
    try:
        fcntl.ioctl(file, request, number)
    except OSError as error:
        # It is there, it is gone, or a machine still has it mounted.
        if error.errno not in (errno.EEXIST, errno.ENODEV, errno.EBUSY):
            raise
    finally:
        os.close(file)


def attach(image: pathlib.Path, number: int) -> int:
    control(LOOP_CTL_ADD, number)
    shown = pathlib.Path(f"/sys/block/loop{number}/dev").read_text().strip()
    if shown != f"{LOOP_MAJOR}:{number}":
        raise OSError(f"loop{number} is device {shown}: this kernel's loop module has partitions (max_part)")
    device = node(f"loop{number}", 0o060000, os.makedev(LOOP_MAJOR, number))
    file = os.open(image, os.O_RDWR | os.O_CLOEXEC)
    try:
        nothing = [0] * 5
        info = struct.pack(
            LOOP_CONFIG, file, SECTOR_BYTES, *nothing, 0, 0, 0, LO_FLAGS_AUTOCLEAR, image.name.encode(), b"", b"", 0, 0, b""
        )
        fcntl.ioctl(device, LOOP_CONFIGURE, info)
    except OSError:
        os.close(device)
        raise
    finally:
        os.close(file)
    return device


def copy(source: pathlib.Path, target: pathlib.Path) -> None:
    draft = target.with_suffix(".draft")
    subprocess.run(["cp", "--sparse=always", source, draft], check=True)
    draft.rename(target)


def image_of(name: str) -> pathlib.Path:
    return IMAGES / f"{name}.img"


def keep_volume(volume: dict) -> None:
    image, size = image_of(volume["id"]), volume["gib"] * GIB
    if not image.exists():
        source = volume.get("from")
        if source and image_of(source).exists():
            copy(image_of(source), image)
        else:
            image.touch()
    if image.stat().st_size < size:
        os.truncate(image, size)
        if volume["id"] in held:
            fcntl.ioctl(held[volume["id"]][1], LOOP_SET_CAPACITY)


def let_go(wanted: dict[str, int]) -> None:
    for volume, (number, device) in list(held.items()):
        if wanted.get(volume) != number:
            os.close(device)
            del held[volume]
            leaving[volume] = number
    for volume, number in list(leaving.items()):
        if not os.path.exists(f"/sys/block/loop{number}/loop"):
            del leaving[volume]
            control(LOOP_CTL_REMOVE, number)


def converge(wish: dict) -> dict:
    """Copies come first: a snapshot of a volume that is deleted in the same breath."""
    wanted = {one["volume"]: one["number"] for one in wish["attachments"]}
    for volume in wish["volumes"]:
        keep_volume(volume)
    for snapshot in wish["snapshots"]:
        source, target = image_of(snapshot["volume"]), image_of(snapshot["id"])
        if source.exists() and not target.exists():
            subprocess.run(["sync", "-f", source], check=True)
            copy(source, target)
    let_go(wanted)
    for volume, number in wanted.items():
        if volume not in held and volume not in leaving:
            held[volume] = (number, attach(image_of(volume), number))
    known = {one["id"] for one in (*wish["volumes"], *wish["snapshots"])} | set(held) | set(leaving)
    for image in IMAGES.glob("*.img"):
        if image.stem not in known:
            image.unlink()
    return {"attached": {volume: number for volume, (number, _) in held.items()}, "leaving": sorted(leaving)}


for line in sys.stdin:
    try:
        answer = converge(json.loads(line))
    except (OSError, subprocess.CalledProcessError) as error:
        answer = {"attached": {}, "leaving": [], "problem": str(error)}
    print(json.dumps(answer), flush=True)

# The machines are gone by now, so each loop device is free as soon as it is closed here.
let_go({})
for number in leaving.values():
    control(LOOP_CTL_REMOVE, number)
