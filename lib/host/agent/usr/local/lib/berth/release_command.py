"""What a release has done once before any of its replicas starts, such as migrations of a database."""

from __future__ import annotations

import logging
import time

import ends
import replicas
from bounds import setting
from command import Failed, call
from state import Release

LIMIT_S = 300
LABEL = "berth.command"

log = logging.getLogger("berth")


def run(release: Release) -> None:
    """Returns when it has ended well. One that a killed agent began is waited for, and not begun again."""
    words = setting(release, "releaseCommand")
    if not words:
        return
    name = f"release-{release['number']}"
    if name not in found() or ends.look_at([name])[0].status == "created":  # made, and the agent killed before its start
        forget()
        begin(release, name, words)
    deadline = time.monotonic() + LIMIT_S
    look = ends.look_at([name])[0]
    while look.status != "exited":
        if time.monotonic() > deadline:
            call("docker", "kill", name)
            raise Failed(f"app.releaseCommand took longer than {LIMIT_S} s", name, "command-late")
        time.sleep(0.5)
        look = ends.look_at([name])[0]
    if look.exit_code:
        raise explain(look, release)
    log.info("release %s: its command has ended well", release["number"])


def begin(release: Release, name: str, words: list[str]) -> None:
    limits = replicas.bounds_of(release, replicas.choose_user(release))
    own = ["run", "--detach", "--name", name, "--label", f"{LABEL}={release['number']}"]
    try:
        call("docker", *own, *limits, release["image"], *words)
    except Failed as refusal:
        raise ends.explain_start(name, refusal) from refusal


def explain(look: ends.Look, release: Release) -> Failed:
    cause = ends.explain(look, release, replicas.tail(look.name))
    if cause.cause in ("memory", "architecture"):
        return cause
    return Failed(f"app.releaseCommand failed: {ends.describe(look.exit_code)}", look.name, "command")


def found() -> list[str]:
    return call("docker", "ps", "--all", "--filter", f"label={LABEL}", "--format", "{{.Names}}").split()


def forget() -> None:
    """Those that are done, once nobody needs their log or their end any more."""
    names = found()
    if names:
        call("docker", "rm", "--force", "--volumes", *names)
