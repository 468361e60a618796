"""What the host remembers: one small JSON file a fact, whole or absent."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

Release = dict[str, Any]  # the fields are those of lib/release/schema.ts

STATE = pathlib.Path("/var/lib/berth")
LAUNCHER = pathlib.Path("/var/lib/berth-launcher/state.json")


def agent() -> dict[str, Any]:
    """What the launcher says of the agents, for the report: the one in charge, and one that it took back."""
    known = json.loads(LAUNCHER.read_text()) if LAUNCHER.exists() else {}
    if "installed" not in known:
        return {}
    failed = {"failed": known["failed"]} if "failed" in known else {}
    return {"agent": {"sha256": known["installed"], **failed}}


def load(name: str) -> dict[str, Any] | None:
    path = STATE / name
    return json.loads(path.read_text()) if path.exists() else None


def save(name: str, document: dict[str, Any]) -> None:
    write(STATE / name, json.dumps(document))


def write(path: pathlib.Path, text: str) -> None:
    """Whole or not at all, power cuts included."""
    draft = path.with_suffix(".draft")
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
