"""What the host remembers: one small JSON file a fact, whole or absent."""

from __future__ import annotations

import json
import logging
import os
import pathlib
from typing import Any

Release = dict[str, Any]  # the fields are those of lib/release/schema.ts

log = logging.getLogger("berth")

STATE = pathlib.Path("/var/lib/berth")
SETTINGS = pathlib.Path("/etc/berth/settings.json")
INSTANCE_ID = pathlib.Path("/var/lib/cloud/data/instance-id")
BOOT_ID = pathlib.Path("/proc/sys/kernel/random/boot_id")
FIRST_PROCESS = pathlib.Path("/proc/1/stat")
LAUNCHER = pathlib.Path("/var/lib/berth-launcher/state.json")
WAITING = pathlib.Path("/run/berth-launcher/waiting.json")


def read_settings() -> dict[str, str]:
    """Where this host belongs: what the launcher was given by the user data."""
    return dict(json.loads(SETTINGS.read_text()))


def read_instance() -> str:
    return INSTANCE_ID.read_text().strip()


def name_boot() -> str:
    """Another one after each start of the machine: by its kernel, and by its first process, as a container has no kernel of its own."""
    begun = FIRST_PROCESS.read_text().rpartition(")")[2].split()[19]
    return f"{BOOT_ID.read_text().strip()}.{begun}"


def agent() -> dict[str, Any]:
    """What the launcher says of agents: the one in charge, one on trial, one taken back, one that the host had no room for."""
    known = read(LAUNCHER) or {}
    if "installed" not in known:
        return {}
    told = {name: known[name] for name in ("at", "failed") if name in known}
    trying = {"trying": known["trying"]["sha256"]} if "trying" in known else {}
    postponed = read(WAITING)
    waiting = {"waiting": postponed} if postponed else {}
    return {"agent": {"sha256": known["installed"], **told, **trying, **waiting}}


def load(name: str) -> dict[str, Any] | None:
    return read(STATE / name)


def order(name: str) -> tuple[dict[str, Any], Any]:
    """What a sender is to do, and the agent that it belongs to. It ends when either changes, and is started anew."""
    return load(name) or {}, (read(LAUNCHER) or {}).get("installed")


def read(path: pathlib.Path) -> dict[str, Any] | None:
    """A file that isn't whole is as good as none: the host finds its way from what the bucket and the engine say."""
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as damage:
        log.warning("%s: %s", path, damage)
        return None
    return found if isinstance(found, dict) else None


def save(name: str, document: dict[str, Any]) -> None:
    write(STATE / name, json.dumps(document))


def write(path: pathlib.Path, text: str) -> None:
    """Whole or not at all, power cuts included."""
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
