"""The edge as the converger sees it: a switch that knows the replicas from one file, and a log of every request."""

from __future__ import annotations

import collections
import logging
import pathlib
import re
from typing import Any

import state
from command import call, wait
from edge_settings import render_switch
from rates import Rates

LOG = pathlib.Path("/var/log/berth/edge.log")
SWITCH_PID = pathlib.Path("/run/berth-switch/nginx.pid")
SWITCH_S = 10
DRAIN_MORE_S = 5  # than worker_shutdown_timeout in drain.conf
EDGE_S = 300  # clients get 66 s to leave: setup.sh
# The id of a request by which `berth status --fresh` asks for the figures: lib/deploy/fresh-figures.ts.
ASKED = b'"id":"berth-figures"'
LOG_BYTES = 32 << 20

log = logging.getLogger("berth")


def upstreams(on: list[int]) -> str:
    # max_fails=0: one failure in ten is how the app is; counted, it would take every replica out of service.
    entries = "".join(f"    server 127.0.0.1:{port} max_fails=0;\n" for port in on)
    # An earlier agent's switch.conf names a second group. The launcher may bring that agent back.
    return "".join(f"upstream {name} {{\n{entries}}}\n" for name in ("fresh", "kept"))


def read_files(names: dict[str, str]) -> dict[str, str]:
    """What lies under the names now: a file that isn't there is as good as an empty one."""
    paths = {name: state.STATE / name for name in names}
    return {name: path.read_text() if path.exists() else "" for name, path in paths.items()}


def find_drain() -> int:
    """How long the switch's workers of now go on after a reload: the release that they serve says so."""
    found = re.search(r"worker_shutdown_timeout (\d+)s;", read_files({"drain.conf": ""})["drain.conf"])
    return int(found[1]) if found else 30


def count_tries(lines: bytes) -> tuple[int, int]:
    """How often the edge asked a replica, and how often the answer was 5xx: what the clients never saw included."""
    requests = re.findall(rb'"tries":"([^"]*)"', lines)
    statuses = [status for request in requests for status in re.findall(rb"\d+", request)]
    return len(statuses), sum(status.startswith(b"5") for status in statuses)


def count_failures(lines: bytes) -> dict[str, int]:
    """The answers that were the edge's or the switch's own words, by their reason. A maintenance is no failure."""
    names = (name.decode() for name in re.findall(rb'[{,]"failure":"([a-z]{1,16})"', lines))
    return dict(collections.Counter(name for name in names if name != "maintenance"))


class Edge:
    def __init__(self) -> None:
        # What the switch is known to have read, with nothing left of what was before. A restart of this program cuts nobody off.
        told = state.load("switch.json")
        self.loaded: dict[str, str] = told if told and told == read_files(told) else {}
        self.counted: dict[str, Any] = {"tries": 0, "errors": 0}
        self.rates = Rates()
        self.before = self.counted  # of what the switch pointed at before
        self.is_asked = False
        self.offset = LOG.stat().st_size if LOG.exists() else 0

    def point_at(self, ports: list[int], settings: dict[str, Any]) -> None:
        """Returns when the replicas on `ports` get all new requests and the old ones have answered theirs."""
        wanted = render_switch(settings)
        wanted["upstreams.conf"] += upstreams(ports)
        if wanted == self.loaded:
            return
        drain_s = find_drain()
        for name, text in wanted.items():
            state.write(state.STATE / name, text)
        before = set(self.workers())
        call("systemctl", "reload-or-restart", "berth-switch.service")
        wait(SWITCH_S, lambda: not any(self.workers().get(pid) for pid in before), "the switch kept its old replicas")
        # What has been answered so far is the old replicas' part, but for a moment's.
        self.count_tries()
        self.loaded, self.before, self.counted = wanted, self.counted, {"tries": 0, "errors": 0}
        try:
            wait(drain_s + DRAIN_MORE_S, lambda: not before & set(self.workers()), "some requests outlived the drain")
        finally:
            state.save("switch.json", wanted)

    def configure(self, settings: dict[str, Any]) -> None:
        """Returns when the edge has read the settings. One that refuses them goes on with its own."""
        if state.load("applied/edge.json") != settings:
            state.save("edge.json", settings)
            call("systemctl", "start", "berth-edge.service", timeout_s=EDGE_S)

    def workers(self) -> dict[int, bool]:
        """Process ids of the switch's workers -> does it take new connections?"""
        found = {}
        try:
            master = int(SWITCH_PID.read_text())
            for child in pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split():
                found[int(child)] = b"shutting down" not in pathlib.Path(f"/proc/{child}/cmdline").read_bytes()
        except (OSError, ValueError) as gone:
            log.debug("a process ended while it was looked at: %s", gone)
        return found

    def take_asked(self) -> bool:
        """Whether somebody has asked for the figures since the last time."""
        asked, self.is_asked = self.is_asked, False
        return asked

    def count_tries(self) -> None:
        """Adds what the log says since last time, and keeps the log from filling the disk."""
        if not LOG.exists():
            return
        with LOG.open("rb") as lines:
            lines.seek(self.offset)
            new = lines.read(16 << 20)
        whole = new[: new.rfind(b"\n") + 1]
        self.offset += len(whole)
        self.is_asked = self.is_asked or ASKED in whole
        tries, errors = count_tries(whole)
        self.rates.add(tries, errors)
        failures = collections.Counter(self.counted.get("failures", {})) + collections.Counter(count_failures(whole))
        self.counted = {"tries": self.counted["tries"] + tries, "errors": self.counted["errors"] + errors}
        if failures:
            self.counted["failures"] = dict(failures)
        if self.offset > LOG_BYTES:
            LOG.rename(f"{LOG}.1")
            call("systemctl", "kill", "--kill-who=main", "--signal=USR1", "nginx.service")
            self.offset = 0
