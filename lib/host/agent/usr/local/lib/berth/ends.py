"""Why a container ended or can't be reached: what the engine and the kernel know of it, as one sentence and one word."""

from __future__ import annotations

import json
import pathlib
import re
import signal
import time
from typing import Any, NamedTuple

from command import Failed, call
from state import Release

FORM = '{"name":{{json .Name}},"state":{{json .State}},"restarts":{{.RestartCount}}}'
PROC = pathlib.Path("/proc")
LISTENS = "0A"
KILLED = 128 + signal.SIGKILL
LATEST_NEWS_SECONDS = 3.0  # a busy engine hears of the kernel's reason after the end itself
FOREIGN = re.compile(r"\bexec\b.*\bexec format error|Exec format error")  # the runtime's words, and the C library's

MOUNT = re.compile(r'error mounting "[^"]*" to rootfs at "(?P<path>[^"]*)": (?P<why>.*?)(?=: unknown|$)')  # the runtime's words


class Look(NamedTuple):
    """What the engine says of a container right now."""

    name: str
    status: str
    exit_code: int
    is_out_of_memory: bool
    finished_at: str
    pid: int
    restarts: int

    def has_ended(self) -> bool:
        return self.status != "running" or self.restarts > 0


def look_at(names: list[str]) -> list[Look]:
    if not names:
        return []
    lines = call("docker", "inspect", "--type", "container", "--format", FORM, *names).splitlines()
    return [read(json.loads(line)) for line in lines]


def read(found: dict[str, Any]) -> Look:
    state = found["state"]
    return Look(
        name=found["name"].lstrip("/"),
        status=state["Status"],
        exit_code=state["ExitCode"],
        is_out_of_memory=state["OOMKilled"],
        finished_at=re.sub(r"\.\d+", "", state["FinishedAt"]),
        pid=state["Pid"],
        restarts=found["restarts"],
    )


def explain(look: Look, release: Release, log: list[str] | None = None) -> Failed:
    """Why it ended last. What runs again shows nothing of its last end, but the engine has told of it."""
    code, is_out_of_memory = look.exit_code, look.is_out_of_memory
    if any(FOREIGN.search(line) for line in log or []):
        what = "its program, or one that it starts, is for another processor"
        return Failed(f"{look.name} can't run: {what}", look.name, "architecture")
    if look.status == "running":
        code, is_out_of_memory = find_last_end(look.name)
    if code == KILLED and not is_out_of_memory:
        is_out_of_memory = await_shortage(look.name)
    if is_out_of_memory:
        limit = f"app.memoryMib allows {release['memoryMib']} MiB"
        return Failed(f"{look.name} was killed for memory: {limit} ({describe(code)})", look.name, "memory")
    if code == 0:
        return Failed(f"{look.name} ended by itself with exit code 0, as if its work were done", look.name, "done")
    return Failed(f"{look.name} stopped by itself: {describe(code)}", look.name, "signal" if find_signal(code) else "exit")


def explain_shortage(look: Look, release: Release) -> Failed | None:
    """The kernel may have killed a part of it, again and again, and left the first process to run."""
    if not any(event["Action"] == "oom" for event in find_events(look.name)):
        return None
    killed = f"a process of {look.name} was killed for memory"
    return Failed(f"{killed}: app.memoryMib allows {release['memoryMib']} MiB", look.name, "memory")


def find_events(name: str) -> list[dict[str, Any]]:
    """Its ends, and when the kernel had to free memory."""
    only = ["--filter", f"container={name}", "--filter", "event=die", "--filter", "event=oom"]
    # To the nanosecond: `0s` would be cut to the whole second, and hide what has just happened.
    until = f"{time.time():.9f}"
    lines = call("docker", "events", "--since", "24h", "--until", until, *only, "--format", "{{json .}}").splitlines()
    return [json.loads(line) for line in lines]


def find_last_end(name: str) -> tuple[int, bool]:
    """The exit code, and whether the kernel had to free memory."""
    events = find_events(name)
    ends = [event for event in events if event["Action"] == "die"]
    if not ends:
        return -1, False
    code = int(ends[-1]["Actor"]["Attributes"].get("exitCode", -1))
    at = events.index(ends[-1])
    return code, any(event["Action"] == "oom" for event in events[max(at - 1, 0) : at + 2])


def await_shortage(name: str) -> bool:
    """Whether the kernel killed it for memory, once the engine has had time to hear of it."""
    until = time.monotonic() + LATEST_NEWS_SECONDS
    while True:
        _, is_out_of_memory = find_last_end(name)
        if is_out_of_memory or time.monotonic() > until:
            return is_out_of_memory
        time.sleep(0.2)


def describe(code: int) -> str:
    if code < 0:
        return "its exit code is no longer known"
    name = find_signal(code)
    return f"exit code {code}, {name}" if name else f"exit code {code}"


def find_signal(code: int) -> str:
    try:
        return signal.Signals(code - 128).name if code > 128 else ""
    except ValueError:
        return ""


def explain_start(name: str, refusal: Failed) -> Failed:
    """`docker run` tells by its exit code what the kernel didn't find or didn't want to run, and by its words what it can't mount."""
    mount = MOUNT.search(str(refusal))
    if mount:
        path, why = mount["path"], mount["why"]
        what = f"app.volumes: {path} is a file in the image, and a volume is a folder"
        if "not a directory" not in why:
            what = f"app.volumes: nothing can be mounted at {path}: {why}"
        return Failed(f"{name} can't start: {what}", cause="volume")
    cause = {126: "not-executable", 127: "not-found"}.get(refusal.exit_code, "")
    if not cause:
        refusal.container = ""
        return refusal
    detail = re.search(r"exec: .*?(?=: unknown|$)", str(refusal))
    what = "can't run its program" if cause == "not-executable" else "has no such program"
    return Failed(f"{name} can't start: the image {what}: {detail.group() if detail else refusal}", cause=cause)


def explain_silence(look: Look, release: Release, seconds: int) -> Failed | None:
    """Why nothing was ever answered, if it is for want of a port. Read from the kernel's list of the container's sockets."""
    open_ports = find_ports(look.pid)
    port = release["port"]
    if open_ports is None or any(one == port and not is_own for is_own, one in open_ports):
        return None
    never = f"{look.name} never opened port {port} (app.port) within {seconds} s"
    if (True, port) in open_ports:
        return Failed(f"{never}: it listens on it for the container itself only (127.0.0.1)", look.name, "loopback-port")
    others = ", ".join(str(one) for one in sorted({one for is_own, one in open_ports if not is_own}))
    return Failed(f"{never}: it listens on {others or 'no port'}", look.name, "other-port" if others else "no-port")


def find_ports(pid: int) -> set[tuple[bool, int]] | None:
    """Each TCP port that is listened on, and whether on a loopback address; None if the kernel doesn't say."""
    if pid <= 0:
        return None
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (PROC / str(pid) / "net" / table).read_text().splitlines()[1:]
        except OSError:
            if table == "tcp":
                return None
            continue
        for address, port in (line.split()[1].split(":") for line in lines if line.split()[3] == LISTENS):
            found.add((is_loopback(address), int(port, 16)))
    return found


def is_loopback(address: str) -> bool:
    """As the kernel writes it: words of four bytes in hexadecimal, each with its last byte first."""
    if len(address) == 8:
        return address.endswith("7F")
    return address == "0" * 24 + "01000000" or address.startswith("0" * 16 + "FFFF0000") and address.endswith("7F")
