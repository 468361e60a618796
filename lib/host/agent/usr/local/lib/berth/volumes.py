"""The app's volumes: folders of the data volume, which berth-data.service mounts for the converger."""

from __future__ import annotations

import json
import os
import pathlib
import time
from typing import Any

from bounds import setting
from command import Failed, call
from state import Release, save

ROOT = pathlib.Path("/var/lib/berth-data")
WISH = "data.json"
# Gone at each boot, as the mount is.
RESULT = pathlib.Path("/run/berth-data.json")
ABSENT = "absent"
SPACE_EVERY_S = 60
SPACE_SHARE = 100
SYS = pathlib.Path("/sys/dev/block")


class NotYet(Failed):
    """The volume comes later: AWS attaches it while the host runs, or it is at another host still."""


def is_ready(release: Release) -> bool:
    """Whether all is as the release needs it, told without asking the engine for the app's user."""
    told = result()
    wish = told.get("wish") or {}
    names = set(wish.get("folders") or {})
    return wish == {**wish_of(release), "folders": wish.get("folders")} and names == set(release["volumes"]) and is_mounted(told)


def ensure(release: Release, user: int, group: int) -> None:
    """Mounts the release's data volume, with a folder for each volume that belongs to the app's user."""
    fulfil({**wish_of(release), "folders": {name: [user, group] for name in release["volumes"]}})


def let_go() -> None:
    """Unmounts, after the last release with volumes has gone."""
    if os.path.ismount(ROOT):
        fulfil({"volume": None, "folders": {}})


def mounts(release: Release) -> list[str]:
    """Arguments of `docker run`. Unlike --volume, --mount never makes a folder: without the data volume it fails."""
    places = setting(release, "volumes").items()
    return [word for name, path in places for word in ("--mount", f"type=bind,source={ROOT / name},target={path}")]


class Space:
    """Whether the data volume is full. Looked at once a minute: each change of what is told is a new report."""

    def __init__(self) -> None:
        self.look_at, self.found = 0.0, ""

    def told(self) -> list[str]:
        now = time.monotonic()
        if now >= self.look_at:
            self.look_at, self.found = now + SPACE_EVERY_S, find_shortage()
        return [self.found] if self.found else []


def find_shortage() -> str:
    """In words that stay the same while it lasts."""
    if not os.path.ismount(ROOT):
        return ""
    try:
        space = os.statvfs(ROOT)
    except OSError as error:
        return f"the data volume can't be looked at: {error.strerror}"
    if space.f_bavail * SPACE_SHARE < space.f_blocks:
        gib = f"{space.f_blocks * space.f_frsize / (1 << 30):.1f} GiB"
        return f"the data volume is full: less than 1 % of its {gib} is free; raise instance.dataGib, or have the app delete something"
    if space.f_favail * SPACE_SHARE < space.f_files:
        return "the data volume takes hardly any more files: less than 1 % of its inodes are free; have the app delete some"
    return ""


def wish_of(release: Release) -> dict[str, Any]:
    """With the number, because another release may run as another user."""
    return {"volume": release.get("dataVolume"), "number": release["number"]}


def fulfil(wish: dict[str, Any]) -> None:
    told = result()
    if told.get("wish") == wish and is_mounted(told):
        return
    save(WISH, wish)
    try:
        call("systemctl", "start", "berth-data.service", timeout_s=1200)
    except Failed as failure:
        told = result()
        if told.get("wish") != wish or "error" not in told:
            raise
        kind = NotYet if told.get("kind") == ABSENT else Failed
        raise kind(told["error"]) from failure


def is_mounted(told: dict[str, Any]) -> bool:
    """The mount is there, and as large as its disk: the file system follows a volume that has grown."""
    if "error" in told or "node" not in told or not os.path.ismount(ROOT):
        return False
    size = SYS / told["node"] / "size"
    return size.exists() and int(size.read_text()) == told["sectors"]


def result() -> dict[str, Any]:
    try:
        told = json.loads(RESULT.read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
