"""The containers of a release: how they are named, run, revived and removed. The engine remembers them, nobody else."""

from __future__ import annotations

import logging
import platform
import re
import subprocess

import app_secrets
import ends
import users
import volumes
from bounds import setting
from command import Failed, call
from state import Release, read_instance, read_settings

STOP_PATIENCE_S = 150  # the longest stopSeconds, and some more
LOG_BYTES = 64 << 10
LAST_WORDS = 5
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # the kernel's names and the engine's

log = logging.getLogger("berth")


def names(release: Release) -> list[str]:
    return [f"app-{release['number']}-{index}" for index in range(release["replicas"])]


def ports(release: Release) -> list[int]:
    """Fixed by the number, so that they outlive a restart, and never those of a release nearby."""
    first = 20000 + release["number"] % 180 * 64
    return list(range(first, first + release["replicas"]))


def run_arguments(release: Release, index: int, user: str) -> list[str]:
    """What `docker` is called with: a list, no shell, so a value of the environment may hold anything."""
    arguments = ["run", "--detach", "--name", names(release)[index], "--restart", "unless-stopped"]
    arguments += ["--label", f"berth.release={release['number']}"]
    arguments += ["--publish", f"127.0.0.1:{ports(release)[index]}:{release['port']}"]
    return [*arguments, *bounds_of(release, user), release["image"], *(setting(release, "command") or [])]


def bounds_of(release: Release, user: str) -> list[str]:
    """What every container of a release may and gets: its replicas, and its release command."""
    memory = f"{release['memoryMib']}m"
    arguments = ["--user", user, *volumes.mounts(release)]
    arguments += [] if setting(release, "writable") else ["--read-only"]
    arguments += ["--tmpfs", f"/tmp:rw,noexec,nosuid,size={setting(release, 'tmpMib')}m"]
    arguments += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "512"]
    # The container remembers it: the release that ends says how long it may take.
    arguments += ["--stop-timeout", str(setting(release, "stopSeconds"))]
    arguments += ["--memory", memory, "--memory-swap", memory]
    arguments += log_arguments(release)
    for key, value in release["environment"].items():
        arguments += ["--env", f"{key}={value}"]
    if setting(release, "secrets"):
        arguments += ["--runtime", "berth", "--env", f"BERTH_SECRETS={release['number']}"]
    return arguments


def log_arguments(release: Release) -> list[str]:
    """On this disk within bounds. If the release names a group in CloudWatch, the engine sends every line there too.

    The app waits for no line to be sent: what CloudWatch doesn't take in time is left out there, and stays on the disk.
    """
    group, kept = setting(release, "logGroup"), {"max-size": "10m", "max-file": "3"}
    options = kept
    if group:
        options = {f"cache-{key}": value for key, value in kept.items()}
        options |= {"mode": "non-blocking", "max-buffer-size": "4m", "awslogs-region": read_settings()["region"]}
        options |= {"awslogs-group": group, "tag": f"app/{{{{.Name}}}}/{read_instance()}"}
    arguments = ["--log-driver", "awslogs" if group else "local"]
    return arguments + [word for key, value in options.items() for word in ("--log-opt", f"{key}={value}")]


def states() -> dict[str, str]:
    """Name -> state of every container that is Berth's."""
    form = "{{.Names}} {{.State}}"
    rows = call("docker", "ps", "--all", "--filter", "label=berth.release", "--format", form).splitlines()
    return dict(row.split() for row in rows)


def of(number: int) -> list[str]:
    return [name for name in states() if name.startswith(f"app-{number}-")]


def start(release: Release, index: int) -> None:
    user = choose_user(release)
    try:
        call("docker", *run_arguments(release, index, user))
    except Failed as refusal:
        raise ends.explain_start(names(release)[index], refusal) from refusal


def choose_user(release: Release) -> str:
    """Whom its containers run as, if this host can run the image at all."""
    architecture, user = look_at_image(release)
    own = ARCHITECTURES.get(platform.machine(), architecture)
    if architecture != own:
        raise Failed(f"the image is for {architecture}, and this host is {own}", cause="architecture")
    user = users.choose(release, user)
    users.refuse_borrowed_group(release, user)
    return user


def look_at_image(release: Release) -> tuple[str, str]:
    """Its architecture, and its own user."""
    form = "{{.Architecture}} {{.Config.User}}"
    found = call("docker", "image", "inspect", "--format", form, release["image"]).strip().partition(" ")
    return found[0], found[2]


def prepare_volumes(release: Release) -> None:
    """Mounts what lasts, for the user that the app runs as."""
    if setting(release, "volumes") and not volumes.is_ready(release):
        user = users.choose(release, look_at_image(release)[1])
        volumes.ensure(release, *users.ids_of(release, user))


def revive(release: Release, found: dict[str, str]) -> None:
    """The engine restarts what crashes. This is for what it leaves lying: killed by hand, removed, half made."""
    failures = []
    for index, name in enumerate(names(release)):
        state = found.get(name, "missing")
        if state in ("running", "restarting"):
            continue
        log.warning("%s is %s: brought back", name, state)
        try:
            bring_back(release, index, state)
        except Failed as failure:  # one that can't be brought back keeps none of the others down
            failures.append(failure)
    if failures:
        raise failures[0]


def bring_back(release: Release, index: int, state: str) -> None:
    name = names(release)[index]
    if state == "exited":
        call("docker", "start", name)
        return
    call("docker", "rm", "--force", "--volumes", name)
    start(release, index)


def remove(which: list[str]) -> None:
    """With their anonymous volumes, of which each container has its own for each VOLUME of the image."""
    if which:
        call("docker", "stop", *which, timeout_s=STOP_PATIENCE_S)
        call("docker", "rm", "--force", "--volumes", *which)


def forget_volumes() -> None:
    """Anonymous volumes of containers that are gone, which an earlier agent left behind."""
    found = call("docker", "volume", "ls", "--quiet", "--filter", "dangling=true").split()
    anonymous = [name for name in found if re.fullmatch("[0-9a-f]{64}", name)]
    if anonymous:
        call("docker", "volume", "rm", *anonymous)


def last_words(release: Release) -> list[str]:
    """The end of each replica's log."""
    return [f"{name}: {line}" for name in names(release) for line in tail(name)[-LAST_WORDS:] if line]


def tail(name: str) -> list[str]:
    command = ["docker", "logs", "--tail", "20", name]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError) as trouble:
        return [f"its log can't be read: {trouble}"]
    # An app's line ends with a line feed. Python's own idea of lines would make thousands of one with form feeds in it.
    text = app_secrets.hide(done.stdout[-LOG_BYTES:].decode(errors="replace")).rstrip("\n")
    return [line[:500] for line in text.split("\n")[-20:]] if text else []
