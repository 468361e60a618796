"""The edge as the converger sees it: a switch that knows the replicas from one file, and a log of every request."""

from __future__ import annotations

import logging
import pathlib
import re

from command import call, wait
from state import write

UPSTREAMS = pathlib.Path("/var/lib/berth/upstreams.conf")
LOG = pathlib.Path("/var/log/berth/edge.log")
SWITCH_PID = pathlib.Path("/run/berth-switch/nginx.pid")
SWITCH_S = 10
DRAIN_S = 35  # a little more than worker_shutdown_timeout in switch.conf
LOG_BYTES = 32 << 20

log = logging.getLogger("berth")


def upstreams(on: list[int]) -> str:
    # max_fails=0: one failure in ten is how the app is; counted, it would take every replica out of service.
    entries = "".join(f"    server 127.0.0.1:{port} max_fails=0;\n" for port in on)
    # Shorter than any app server's own idle time.
    kept = "    keepalive 32;\n    keepalive_timeout 4s;\n"
    return f"upstream fresh {{\n{entries}}}\nupstream kept {{\n{entries}{kept}}}\n"


def count_tries(lines: bytes) -> tuple[int, int]:
    """How often the edge asked a replica, and how often the answer was 5xx: what the clients never saw included."""
    requests = re.findall(rb'"tries":"([^"]*)"', lines)
    statuses = [status for request in requests for status in re.findall(rb"\d+", request)]
    return len(statuses), sum(status.startswith(b"5") for status in statuses)


class Edge:
    def __init__(self) -> None:
        self.loaded = ""
        self.counted = {"tries": 0, "errors": 0}
        self.offset = LOG.stat().st_size if LOG.exists() else 0

    def point_at(self, ports: list[int]) -> None:
        """Returns when the replicas on `ports` get all new requests and the old ones have answered theirs."""
        wanted = upstreams(ports)
        if wanted == self.loaded:
            return
        write(UPSTREAMS, wanted)
        before = set(self.workers())
        call("systemctl", "reload-or-restart", "berth-switch.service")
        wait(SWITCH_S, lambda: not any(self.workers().get(pid) for pid in before), "the switch kept its old replicas")
        self.loaded, self.counted = wanted, {"tries": 0, "errors": 0}
        wait(DRAIN_S, lambda: not before & set(self.workers()), "some requests outlived the drain")

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

    def count_tries(self) -> None:
        """Adds what the log says since last time, and keeps the log from filling the disk."""
        if not LOG.exists():
            return
        with LOG.open("rb") as lines:
            lines.seek(self.offset)
            new = lines.read(16 << 20)
        whole = new[: new.rfind(b"\n") + 1]
        self.offset += len(whole)
        tries, errors = count_tries(whole)
        self.counted = {"tries": self.counted["tries"] + tries, "errors": self.counted["errors"] + errors}
        if self.offset > LOG_BYTES:
            LOG.rename(f"{LOG}.1")
            call("systemctl", "kill", "--kill-who=main", "--signal=USR1", "nginx.service")
            self.offset = 0
