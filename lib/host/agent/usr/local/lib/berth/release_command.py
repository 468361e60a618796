"""What a release has done once before any of its replicas starts, such as migrations of a database."""

from __future__ import annotations

import logging
import time

import ends
import replicas
from bounds import setting
from command import Failed, call
from state import Release, name_boot

LIMIT_S = 300
LABEL = "berth.command"
MOST_BEGUN = 3  # a command that takes the machine down with it does so no more often

log = logging.getLogger("berth")


def run(release: Release) -> None:
    """Returns when it has ended well. One that a killed agent began is waited for; one that ended with the machine begins anew."""
    words = setting(release, "releaseCommand")
    # After a rollback the database is where a later release took it, which the command of an earlier one can't know.
    if release.get("rolledBack") or not words:
        return
    name = f"release-{release['number']}"
    begun = count_begun(name)
    if begun is not None:
        if begun == MOST_BEGUN:
            raise Failed(f"app.releaseCommand was interrupted {begun} times, as the host started anew", name, "interrupted")
        forget()
        begin(release, name, words, begun + 1)
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


def count_begun(name: str) -> int | None:
    """How often it was begun in vain; None while there is one to wait for, or that has ended by itself.

    How one ended that ran when the machine did says nothing: it may have been told to leave.
    """
    known = found().get(name)
    if known is None:
        return 0
    boot, begun = known[0], int(known[1] or 1)
    if boot and boot != name_boot():  # an earlier agent's has no name of a boot
        log.warning("%s was interrupted, as the host started anew", name)
        return begun
    # Made, and the agent or the engine killed before its start.
    return begun - 1 if ends.look_at([name])[0].status == "created" else None


def begin(release: Release, name: str, words: list[str], begun: int) -> None:
    limits = replicas.bounds_of(release, replicas.choose_user(release))
    own = ["run", "--detach", "--name", name, "--label", f"{LABEL}={release['number']}"]
    own += ["--label", f"berth.boot={name_boot()}", "--label", f"berth.begun={begun}"]
    try:
        call("docker", *own, *limits, release["image"], *words)
    except Failed as refusal:
        raise ends.explain_start(name, refusal) from refusal


def explain(look: ends.Look, release: Release) -> Failed:
    cause = ends.explain(look, release, replicas.tail(look.name))
    if cause.cause in ("memory", "architecture"):
        return cause
    return Failed(f"app.releaseCommand failed: {ends.describe(look.exit_code)}", look.name, "command")


def found() -> dict[str, tuple[str, str]]:
    """Name -> in which run of the machine it was begun, and how often by then."""
    form = '{{.Names}} {{.Label "berth.boot"}} {{.Label "berth.begun"}}'
    rows = call("docker", "ps", "--all", "--filter", f"label={LABEL}", "--format", form).splitlines()
    return {name: (boot, begun) for name, boot, begun in (row.split(" ") for row in rows)}


def forget() -> None:
    """Those that are done, once nobody needs their log or their end any more."""
    names = list(found())
    if names:
        call("docker", "rm", "--force", "--volumes", *names)
