"""What keeps this host from trying a release and says nothing of the release itself: its disk, and the engine's end."""

from __future__ import annotations

import os
import re
import time

import state
from command import Failed, call


NOTICED_S = 1
LEAST_FREE = 16 << 20
ENGINE = ("docker.service", "containerd.service")
# An engine that was killed while it made a container may keep its port for ever. So it says that of a port which it gave
# away itself; for one that another program has, it has other words.
KEPT_PORT = re.compile(r":(\d+) failed: port is already allocated")


def look_at_engine() -> str:
    """Differs once a part of the engine has ended or begun anew. What runs in containers outlives that."""
    return call("systemctl", "show", "--property=ActiveState,InvocationID", *ENGINE)


def find(error: Exception, engine: str) -> Failed | None:
    """Why what was tried may go well another time; `engine` is how the engine was when that began.

    An engine that only a new start helps is started anew.
    """
    full_disk = find_full_disk(error)
    if full_disk or not isinstance(error, Failed):
        return full_disk
    kept = KEPT_PORT.search(str(error))
    if kept and not is_published(kept[1]):
        # Containers outlive it, and nothing else has the engine forget the port.
        call("systemctl", "restart", "docker.service")
        return Failed(f"the host's Docker engine kept a port that nothing uses, and was started anew: {error}", cause="engine")
    if look_at_engine() == engine:
        time.sleep(NOTICED_S)  # who spoke with the engine may notice its end before systemd does
        if look_at_engine() == engine:
            return None
    return Failed(f"the host's Docker engine ended meanwhile: {error}", cause="engine")


def is_published(port: str) -> bool:
    return bool(call("docker", "ps", "--quiet", "--filter", f"publish={port}").strip())


def find_full_disk(error: Exception) -> Failed | None:
    """Also if what failed says something else: programs that can't write find many words for it, or none."""
    if "o space left on device" not in str(error) and count_free() >= LEAST_FREE:
        return None
    return Failed(f"the host's disk is full: {error}", cause="disk")


def count_free() -> int:
    found = os.statvfs(state.STATE)
    return found.f_bavail * found.f_frsize
