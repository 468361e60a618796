"""How this host is: what it has used up, how long its certificate lasts, and whether it serves."""

from __future__ import annotations

import http.client
import os
import pathlib
import re
import socket
import time

import gate
import maintenance
import volumes
from state import Release, load

MEMORY = pathlib.Path("/proc/meminfo")
ROOT = pathlib.Path("/")
SWITCH = "/run/berth-switch/http.sock"
EDGE = ("127.0.0.1", 80)
PATIENCE_S = 2
# An app may fail now and then. The switch tries each request several times itself.
TRIES = 3


def used_memory() -> float:
    found = {name: int(amount) for name, amount in re.findall(r"(?m)^(\w+): +(\d+) kB$", MEMORY.read_text())}
    return percent(found["MemTotal"] - found["MemAvailable"], found["MemTotal"])


def used_disk() -> float:
    """Of the fuller one: the disk of the system, or that of the app's volumes. What is kept for root counts as used."""
    places = [place for place in (ROOT, volumes.ROOT) if place == ROOT or os.path.ismount(place)]
    return max(percent(space.f_blocks - space.f_bavail, space.f_blocks) for space in map(os.statvfs, places))


def percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def certificate_days() -> float | None:
    """None without HTTPS, and before the first certificate."""
    settings, told = load("https.json") or {}, load("certificate.json") or {}
    if not settings.get("isOn") or "certificate" not in told:
        return None
    return round((told["certificate"]["notAfter"] - time.time()) / 86400, 2)


def is_serving(is_answered: bool) -> bool:
    """Whether visitors get what they should: the app, or the page of a maintenance.

    Answers that they got say so. If there were none, the host asks for what the gate asks for.
    """
    release = load("serving.json")
    if release is None or not is_edge_there():
        return False
    return is_answered or maintenance.read() is not None or any(is_answering(release) for _ in range(TRIES))


def is_edge_there() -> bool:
    """It takes connections. A request would be in its log, among those of visitors."""
    try:
        socket.create_connection(EDGE, timeout=PATIENCE_S).close()
    except OSError:
        return False
    return True


def is_answering(release: Release) -> bool:
    health = gate.health_of(release)
    connection = Switch("localhost", timeout=health["timeoutSeconds"])
    try:
        connection.request("GET", health["path"], headers={"User-Agent": "berth-metrics"})
        return gate.is_healthy(connection.getresponse().status, health)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Switch(http.client.HTTPConnection):
    """The switch listens where the edge alone reaches it, and this host's root."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SWITCH)
