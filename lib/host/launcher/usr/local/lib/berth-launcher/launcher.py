"""Keeps this host at the agent that the state bucket names in agent.json.

It comes with the user data, so it is the one program on a host that no update reaches: it knows as little of an agent as
it can. An agent is the files of a bundle and the service berth.service. It is good when it has written TURN, which the
service's start takes away, and has not ended for a while since. Until then the one before is kept, and comes back when the new one fails.

All that it remembers is in STATE, and every step may be done twice: it may be killed at any moment.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pathlib
import re
import subprocess
import time
from typing import Any, NamedTuple

import bundle
import room
from fetch import Bucket, Refused, Unfit

SETTINGS = pathlib.Path("/etc/berth/settings.json")
STATE = pathlib.Path("/var/lib/berth-launcher")
ROOT = pathlib.Path("/")
TURN = pathlib.Path("/run/berth/turn")
WAITING = pathlib.Path("/run/berth-launcher/waiting.json")  # in memory: there is room when the disk is full
AGENT = "berth.service"
POLL_S = 5
LONGEST_PAUSE_S = 30
TRIES = 2  # of one agent, when the machine goes down in between
ENDS = 3  # in a row, and an agent isn't waited for any longer
START_S = 900  # packages may have to be installed
TURN_S = 90  # for a turn of an agent that runs
STEADY_S = 30  # after its turn, without an end
STOP_S = 90  # and its processes are killed
LONGEST_WAIT_S = 3600  # until an agent that stopped the old one in vain is tried again

log = logging.getLogger("berth-launcher")


class Launcher:
    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.pointer: dict[str, str] | None = None
        self.etag = ""
        self.is_settled = False
        self.answers, self.look_at = True, 0.0
        self.waiting: dict[str, str] | None = None
        self.wait_s = self.try_at = 0.0
        path = STATE / "state.json"
        self.state: dict[str, Any] = read_json(path.read_bytes()) if path.exists() else {}

    def turn(self) -> None:
        if not self.is_settled:
            self.settle()
        self.look()
        if self.pointer and self.is_due(self.pointer):
            self.update(self.pointer)

    def look(self) -> None:
        answer = self.bucket.get("agent.json", 4096, self.etag)
        if answer:
            self.pointer, self.etag = read_pointer(answer[0]), answer[1]

    def settle(self) -> None:
        """After a start: one whole agent is there and runs, whatever was under way before."""
        trial, installed = self.state.get("trying"), self.state.get("installed")
        if not trial:
            room.give_back(STATE)
        if trial and trial["tries"] >= TRIES:
            self.roll_back("the machine or its launcher ended while it was tried")
        elif trial:
            self.remember(trying={**trial, "tries": trial["tries"] + 1})
            self.hold_to_gate()
        elif installed:
            self.install(installed)
        self.is_settled = True

    def is_due(self, pointer: dict[str, str]) -> bool:
        """An agent that failed is tried again only when it is wanted anew, one that this host couldn't try after a while."""
        failed = self.state.get("failed")
        if pointer["sha256"] == self.state.get("installed"):
            if failed or pointer["at"] != self.state.get("at"):
                self.remember(failed=None, at=pointer["at"])  # `up` waits for this answer
            return False
        if failed and is_same(failed, pointer):
            return False
        return not self.is_waiting(pointer) or time.monotonic() >= self.try_at

    def update(self, pointer: dict[str, str]) -> None:
        sha256, old = pointer["sha256"], self.state.get("installed")
        try:
            self.files_of(sha256)
            if old:  # or there would be no way back
                self.files_of(old)
                room.reserve(STATE)
        except Unfit as unfit:
            if old:  # it can tell the user
                self.remember(failed={**pointer, "reason": str(unfit)[:500]})
            raise
        except room.Postponed as why:
            if old:
                self.wait(pointer, str(why))
            raise
        self.keep_originals(sha256)
        self.is_settled = False
        if old:
            self.remember(trying={**pointer, "tries": 1}, failed=None)
            self.hold_to_gate()
        else:
            self.remember(installed=sha256, at=pointer["at"])
            self.install(sha256)
            log.info("agent %s is installed", sha256[:12])
        self.is_settled = True

    def hold_to_gate(self) -> None:
        sha256, at = self.state["trying"]["sha256"], self.state["trying"]["at"]
        log.info("agent %s is tried", sha256[:12])
        try:
            self.install(sha256)
            reason = self.await_turn()
        except (Refused, OSError) as trouble:
            reason = str(trouble)
        if reason:
            self.roll_back(reason)
            return
        room.give_back(STATE)
        self.remember(installed=sha256, at=at, trying=None)
        self.forget_others()
        log.info("agent %s is installed", sha256[:12])

    def await_turn(self) -> str:
        """Why the agent that was started isn't good; empty when it is."""
        since, last, ends = int(time.time()), time.monotonic(), 0
        starting_s = turning_s = steady_s = 0.0
        while steady_s <= STEADY_S:
            now = show_agent()
            if now.ends >= ENDS or now.is_over:
                return f"it ended {now.ends or 1} times{last_words(since)}"
            if turning_s > TURN_S:
                return f"it runs, but completed no turn in {TURN_S} s{last_words(since)}"
            if starting_s > START_S:
                return f"it did not start in {START_S} s{last_words(since)}"
            is_answering = self.is_answering()
            if self.pointer and not is_same(self.pointer, self.state["trying"]):
                return "another agent was published before it had proved itself"
            time.sleep(0.5)
            passed_s, last = time.monotonic() - last, time.monotonic()
            steady_s = steady_s + passed_s if TURN.exists() and now.ends == ends else 0
            ends = now.ends
            if not now.is_running:
                starting_s += passed_s
            elif is_answering and not TURN.exists():  # no agent completes a turn without the bucket
                turning_s += passed_s
        return ""

    def is_answering(self) -> bool:
        """Asks the bucket now and then, meanwhile the answer is the one before."""
        if time.monotonic() >= self.look_at:
            try:
                self.look()
                self.answers = True
            except Exception as trouble:  # as in the loop
                log.warning("%s: %s; the trial goes on", type(trouble).__name__, trouble)
                self.answers = False
            self.look_at = time.monotonic() + POLL_S
        return self.answers

    def roll_back(self, reason: str) -> None:
        trial = {name: self.state["trying"][name] for name in ("sha256", "at")}
        log.error("agent %s failed: %s", trial["sha256"][:12], reason)
        is_short = room.is_short(STATE)
        room.give_back(STATE)
        self.remember(trying=None, failed=None if is_short else {**trial, "reason": reason[:500]})
        self.install(self.state["installed"])
        self.forget_others()
        if is_short:
            self.wait_s = min(max(self.wait_s * 2, 60), LONGEST_WAIT_S) if self.is_waiting(trial) else 60
            self.wait(trial, room.FULL, self.wait_s)

    def wait(self, pointer: dict[str, str], reason: str, wait_s: float = 0) -> None:
        """For the host, which is to blame. The report tells it."""
        self.waiting, self.try_at = {**pointer, "reason": reason[:500]}, time.monotonic() + wait_s
        bundle.write(WAITING, json.dumps(self.waiting).encode())

    def is_waiting(self, pointer: dict[str, str]) -> bool:
        return self.waiting is not None and is_same(self.waiting, pointer)

    def install(self, sha256: str) -> None:
        """Exactly its files are there, and it runs."""
        files = {ROOT / path: file for path, file in self.files_of(sha256).items()}
        stale = {path: file for path, file in files.items() if not bundle.is_same(path, file)}
        others = [(ROOT / path, file) for other in self.kept() for path, file in (read_kept(other) or {}).items()]
        # One with another content came back just now, before an end of this launcher.
        left = {path for path, file in others if path not in files and bundle.is_same(path, file)}
        if stale or left:
            stop_agent()
            TURN.unlink(missing_ok=True)
            for path, (data, mode) in stale.items():
                bundle.write(path, data, mode)
            for path in left:
                put_back(path)
        # Always: the one that wrote the files may have ended before this.
        call("systemctl", "daemon-reload")
        call("systemctl", "start", "--no-block", AGENT)

    def keep_originals(self, sha256: str) -> None:
        """What a package put in the place of a new file comes back when no agent has that file any more."""
        owned = read_kept(self.state.get("installed", "")) or {}
        for path, file in self.files_of(sha256).items():
            place = ROOT / path
            is_other = (place.is_symlink() or place.is_file()) and not bundle.is_same(place, file)
            if is_other and path not in owned:
                with contextlib.suppress(FileExistsError):
                    os.link(place, original_of(place), follow_symlinks=False)

    def files_of(self, sha256: str) -> dict[str, tuple[bytes, int]]:
        """From the copy kept here, or else from the bucket."""
        files = read_kept(sha256)
        if files is None:
            answer = self.bucket.get(f"agent/{sha256}.tar.gz", bundle.PACKED_MOST)
            packed = answer[0] if answer else b""
            files = bundle.unpack(packed, sha256)
            try:
                bundle.write(STATE / f"{sha256}.tar.gz", packed)
            except OSError as trouble:
                raise room.postponed(trouble) from trouble
        return files

    def kept(self) -> list[str]:
        return [path.name[:64] for path in sorted(STATE.glob("*.tar.gz"))]

    def forget_others(self) -> None:
        for sha256 in self.kept():
            if sha256 != self.state["installed"]:
                (STATE / f"{sha256}.tar.gz").unlink(missing_ok=True)

    def remember(self, **news: Any) -> None:
        self.state = {name: value for name, value in {**self.state, **news}.items() if value}
        text = json.dumps(self.state).encode()
        try:
            bundle.write(STATE / "state.json", text)
        except OSError:
            room.give_back(STATE)  # what has to be remembered comes first
            bundle.write(STATE / "state.json", text)
        WAITING.unlink(missing_ok=True)


def read_kept(sha256: str) -> dict[str, tuple[bytes, int]] | None:
    try:
        return bundle.unpack((STATE / f"{sha256}.tar.gz").read_bytes(), sha256)
    except (OSError, Refused):
        return None


def read_json(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def read_pointer(text: bytes) -> dict[str, str]:
    found = read_json(text)
    sha256, at = found.get("sha256"), found.get("at")
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256) or not isinstance(at, str):
        raise Refused("agent.json names no agent")
    return {"sha256": sha256, "at": at[:64]}


def is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """The same publication of the same agent."""
    return all(one[field] == other[field] for field in ("sha256", "at"))


class Shown(NamedTuple):
    ends: int
    is_running: bool
    is_over: bool  # it isn't started again


def show_agent() -> Shown:
    shown = call("systemctl", "show", "--property", "ActiveState,NRestarts", AGENT).split()
    now = dict(line.partition("=")[::2] for line in shown)
    state = now.get("ActiveState")
    return Shown(int(now.get("NRestarts") or 0), state == "active", state == "failed")


def last_words(since: int) -> str:
    """Of the agent's own processes, not of one before: what systemd says of them says less."""
    options = ("--output", "cat", "--lines", "5", f"--since=@{since}", f"_SYSTEMD_UNIT={AGENT}")
    # What was said last may not be written yet.
    with contextlib.suppress(Refused):
        call("journalctl", "--sync", may_fail=True, timeout_s=10)
    said = call("journalctl", *options, may_fail=True)
    # A line without a word only points into the one above.
    lines = [line.strip() for line in said.splitlines() if re.search(r"\w", line)]
    return f": {'; '.join(lines[-3:])}" if lines else ""


def original_of(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f".{path.name}.original")


def put_back(path: pathlib.Path) -> None:
    try:
        original_of(path).replace(path)
    except FileNotFoundError:
        path.unlink(missing_ok=True)


def stop_agent() -> None:
    """Whatever it and its unit say of how long that may take."""
    try:
        call("systemctl", "stop", AGENT, may_fail=True, timeout_s=STOP_S)
    except Refused as trouble:
        log.warning("%s; it is killed", trouble)
        call("systemctl", "kill", "--signal=SIGKILL", AGENT, may_fail=True)
        call("systemctl", "stop", AGENT, may_fail=True, timeout_s=STOP_S)


def call(*command: str, may_fail: bool = False, timeout_s: int = 300) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as late:
        raise Refused(f"{' '.join(command[:2])}: no end in {timeout_s} s") from late
    if done.returncode != 0 and not may_fail:
        raise Refused(f"{' '.join(command[:2])}: {done.stderr.strip()[-300:] or done.returncode}")
    return done.stdout


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    launcher, pause_s = Launcher(Bucket(json.loads(SETTINGS.read_text()))), 0.5
    while True:
        try:
            launcher.turn()
            pause_s = POLL_S
        except Exception as trouble:  # the loop outlives whatever one turn may meet
            pause_s = 1 if pause_s == POLL_S else min(pause_s * 2, LONGEST_PAUSE_S)
            log.warning("%s: %s; trying again in %s s", type(trouble).__name__, trouble, pause_s)
        time.sleep(pause_s)


if __name__ == "__main__":
    main()
