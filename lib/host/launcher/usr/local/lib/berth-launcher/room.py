"""Room on the disk for an update and for the way back from it: a full disk is no fault of the agent that is wanted."""

from __future__ import annotations

import errno
import os
import pathlib

from fetch import Refused

ROOM = 8 << 20  # more than all files of an agent: once for the new one, once for the old one's return
FULL = f"the host's disk is full, less than {2 * ROOM >> 20} MiB are free"


class Postponed(Refused):
    """This host can't do it just now. It is tried again."""


def reserve(folder: pathlib.Path) -> None:
    """Keeps room for the way back, whatever fills the disk meanwhile. What is left is room for the way there."""
    try:
        with reserved(folder).open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, ROOM)
        if is_short(folder):
            raise Postponed(FULL)
    except (OSError, Postponed) as trouble:
        give_back(folder)
        raise postponed(trouble) from trouble


def give_back(folder: pathlib.Path) -> None:
    reserved(folder).unlink(missing_ok=True)


def is_short(folder: pathlib.Path) -> bool:
    now = os.statvfs(folder)
    return now.f_bfree * now.f_frsize < ROOM


def postponed(trouble: Exception) -> Postponed:
    if isinstance(trouble, Postponed):
        return trouble
    is_full = isinstance(trouble, OSError) and trouble.errno in (errno.ENOSPC, errno.EDQUOT)
    return Postponed(FULL if is_full else f"the host can't write: {trouble}")


def reserved(folder: pathlib.Path) -> pathlib.Path:
    return folder / "reserve"
