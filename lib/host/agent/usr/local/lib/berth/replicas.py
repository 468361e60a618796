"""The containers of a release: how they are named, run, probed and removed. The engine remembers them, nobody else."""

from __future__ import annotations

import http.client
import logging
import re
import subprocess
import time

from command import Failed, call
from state import Release

STOP_S = 10
LOG_BYTES = 64 << 10
ROOT = re.compile(r"[+-]?0*|root")  # the engine reads "00" as 0, and no name as root

log = logging.getLogger("berth")


def names(release: Release) -> list[str]:
    return [f"app-{release['number']}-{index}" for index in range(release["replicas"])]


def ports(release: Release) -> list[int]:
    """Fixed by the number, so that they outlive a restart, and never those of a release nearby."""
    first = 20000 + release["number"] % 180 * 64
    return list(range(first, first + release["replicas"]))


def run_arguments(release: Release, index: int, user: str) -> list[str]:
    """What `docker` is called with: a list, no shell, so a value of the environment may hold anything."""
    memory = f"{release['memoryMib']}m"
    arguments = ["run", "--detach", "--name", names(release)[index], "--restart", "unless-stopped"]
    arguments += ["--label", f"berth.release={release['number']}"]
    arguments += ["--publish", f"127.0.0.1:{ports(release)[index]}:{release['port']}"]
    arguments += ["--user", "65532:65532" if ROOT.fullmatch(user.split(":")[0]) else user]
    arguments += ["--read-only", "--tmpfs", "/tmp:rw,noexec,nosuid,size=64m", "--cap-drop", "ALL"]
    arguments += ["--security-opt", "no-new-privileges", "--pids-limit", "512"]
    arguments += ["--memory", memory, "--memory-swap", memory]
    arguments += ["--log-driver", "local", "--log-opt", "max-size=10m", "--log-opt", "max-file=3"]
    for key, value in release["environment"].items():
        arguments += ["--env", f"{key}={value}"]
    return [*arguments, release["image"]]


def states() -> dict[str, str]:
    """Name -> state of every container that is Berth's."""
    form = "{{.Names}} {{.State}}"
    rows = call("docker", "ps", "--all", "--filter", "label=berth.release", "--format", form).splitlines()
    return dict(row.split() for row in rows)


def of(number: int) -> list[str]:
    return [name for name in states() if name.startswith(f"app-{number}-")]


def start(release: Release, index: int) -> None:
    user = call("docker", "image", "inspect", "--format", "{{.Config.User}}", release["image"]).strip()
    if is_named(user) and not has_own_id(release, user.split(":")[0]):
        user = "root"
    call("docker", *run_arguments(release, index, user))


def is_named(user: str) -> bool:
    name = user.split(":")[0]
    return not (ROOT.fullmatch(name) or name.isdecimal())


def has_own_id(release: Release, name: str) -> bool:
    """Whether the image's own list of users gives the name an id other than root's: any name may be root's there."""
    label = f"berth.release={release['number']}"
    container = call("docker", "create", "--label", label, release["image"], "none").strip()
    try:
        users = call("docker", "cp", f"{container}:/etc/passwd", "-")
    except Failed:
        users = ""
    call("docker", "rm", container)
    # A tar: what stands before the first line is a header, which ends in zeros.
    ids = re.findall(rf"(?:^|\0){re.escape(name)}:[^:\n]*:(\d+):", users, re.MULTILINE)
    return bool(ids) and int(ids[0]) != 0


def revive(release: Release) -> None:
    """The engine restarts what crashes. This is for what it leaves lying: killed by hand, removed, half made."""
    found = states()
    for index, name in enumerate(names(release)):
        state = found.get(name, "missing")
        if state in ("running", "restarting"):
            continue
        log.warning("%s is %s: brought back", name, state)
        if state == "exited":
            call("docker", "start", name)
        else:
            call("docker", "rm", "--force", name)
            start(release, index)


def remove(which: list[str]) -> None:
    if which:
        call("docker", "stop", "-t", str(STOP_S), *which)
        call("docker", "rm", "--force", *which)


def forget_images(release: Release) -> None:
    """Old images would fill the disk; a rollback pulls its image again."""
    repository = release["image"].split("@")[0]
    images = call("docker", "images", "--digests", "--format", "{{.Repository}}@{{.Digest}}", repository).split()
    for image in images:
        if image != release["image"]:
            call("docker", "rmi", image)


def tail(name: str) -> list[str]:
    done = subprocess.run(
        ["docker", "logs", "--tail", "20", name],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=30,
        check=False,
    )
    # An app's line ends with a line feed. Python's own idea of lines would make thousands of one with form feeds in it.
    lines = done.stdout[-LOG_BYTES:].decode(errors="replace").rstrip("\n").split("\n")
    return [line[:500] for line in lines[-20:]]


def probe(port: int) -> int | None:
    """The status that `GET /` is answered with, or None."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/", headers={"User-Agent": "berth-gate"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def pass_gate(release: Release) -> None:
    """Each replica has to answer once below 500: the app may fail now and then, so a failure alone says nothing."""
    gate_s = release["startSeconds"]
    deadline = time.monotonic() + gate_s
    for name, port in zip(names(release), ports(release)):
        seen: list[int | None] = []
        while not any(status is not None and status < 500 for status in seen):
            if states().get(name) != "running":
                raise Failed(f"{name} stopped by itself", name)
            if time.monotonic() > deadline:
                answers = sorted({str(status) for status in seen if status} or {"nothing"})
                where = f"{name} on port {release['port']} answered {', '.join(answers)}"
                raise Failed(f"{where} in {len(seen)} tries within {gate_s} s", name)
            time.sleep(min(0.1 * len(seen), 1))
            seen.append(probe(port))
