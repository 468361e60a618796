"""Tells runc the values of the app's secrets, in the place of the marker that the engine was asked for: see runtime.sh."""

from __future__ import annotations

import json
import os
import pathlib
import sys

FOLDER = pathlib.Path("/run/berth-secrets")
MARKER = "BERTH_SECRETS="


def add_secrets(path: pathlib.Path) -> None:
    """`path` is the bundle's config.json. The marker names the release. A container without one is left as it is."""
    config = json.loads(path.read_text())
    environment: list[str] = config["process"]["env"]
    markers = [entry for entry in environment if entry.startswith(MARKER)]
    if not markers:
        return
    number = int(markers[-1][len(MARKER) :])
    values: dict[str, str] = json.loads((FOLDER / f"{number}.json").read_text())
    kept = [entry for entry in environment if entry.partition("=")[0] not in (*values, MARKER.rstrip("="))]
    config["process"]["env"] = [*kept, *(f"{name}={value}" for name, value in values.items())]
    draft = path.with_name("config.json.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(config, file)
    draft.replace(path)


def main(arguments: list[str]) -> None:
    try:
        add_secrets(pathlib.Path(arguments[arguments.index("--bundle") + 1]) / "config.json")
    except FileNotFoundError as absent:
        sys.exit(f"berth: the values of the secrets aren't there yet: {absent.filename}")


if __name__ == "__main__":
    main(sys.argv[1:])
