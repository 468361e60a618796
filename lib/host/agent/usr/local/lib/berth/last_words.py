"""Puts the end of this host's journal beside its report when berth.service ended in a failure: see its ExecStopPost.

A first boot may fail before any package is there, so this needs nothing but Python's standard library and what the launcher
asks the bucket by. It tells what set-up and converger wrote, and no app's output: apps don't write to the journal.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import time

import fetch

SETTINGS = pathlib.Path("/etc/berth/settings.json")
INSTANCE_ID = pathlib.Path("/var/lib/cloud/data/instance-id")
MARK = pathlib.Path("/var/lib/berth/last-words")
# Each is a new version of an object, and a set-up that fails is tried again every few seconds.
EVERY_S = 60
LINES = 50
LINE_CHARACTERS = 500


def read_journal() -> list[str]:
    units = ["--unit", "berth.service", "--unit", "berth-launcher.service"]
    # What was said last may not be written yet.
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(["journalctl", "--sync"], capture_output=True, timeout=10, check=False)
    command = ["journalctl", "--output", "cat", "--no-pager", "--lines", str(LINES), *units]
    done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    lines = done.stdout.decode(errors="replace").rstrip("\n").split("\n")
    return [line[:LINE_CHARACTERS] for line in lines[-LINES:]]


def is_due() -> bool:
    try:
        return time.time() - MARK.stat().st_mtime >= EVERY_S
    except OSError:
        return True


def put(lines: list[str]) -> int:
    settings: dict[str, str] = json.loads(SETTINGS.read_text())
    host, now = fetch.Bucket(settings).host, fetch.utc_now()
    # No report, but named like one: a host's role may write nothing else.
    path = f"/hosts/{INSTANCE_ID.read_text().strip()}.journal.json"
    body = json.dumps({"at": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "lines": lines}).encode()
    owner = {"x-amz-expected-bucket-owner": settings["account"]}
    headers = fetch.sign(host, path, owner, settings["region"], fetch.read_credentials(), now, "PUT", body)
    connection = fetch.connect(host)
    try:
        connection.request("PUT", path, body=body, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def main() -> None:
    if os.environ.get("SERVICE_RESULT", "success") == "success" or not is_due():
        return
    status = put(read_journal())
    MARK.touch()
    if status != 200:
        print(f"the end of the journal was not taken by the bucket: {status}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, KeyError, fetch.Refused, http.client.HTTPException, subprocess.SubprocessError) as trouble:
        print(f"the end of the journal could not be told: {trouble}")
