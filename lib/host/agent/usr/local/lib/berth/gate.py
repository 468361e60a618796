"""The gate: no release serves before each of its replicas has answered. And what an answer is."""

from __future__ import annotations

import http.client
import time
from typing import Any

import ends
from bounds import ANY_ANSWER, setting
from command import Failed
from replicas import names, ports, tail
from state import Release


def health_of(release: Release) -> dict[str, Any]:
    return {**ANY_ANSWER, **(setting(release, "health") or {})}


def probe(port: int, health: dict[str, Any]) -> int | None:
    """The status that the request for the health's path is answered with, or None."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=health["timeoutSeconds"])
    try:
        connection.request("GET", health["path"], headers={"User-Agent": "berth-gate"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def is_healthy(status: int | None, health: dict[str, Any]) -> bool:
    least, _, most = health["status"].partition("-")
    return status is not None and int(least) <= status <= int(most or least)


def pass_gate(release: Release) -> None:
    """Each replica has to answer well once: the app may fail now and then, so a failure alone says nothing."""
    deadline = time.monotonic() + release["startSeconds"]
    health = health_of(release)
    for name, port in zip(names(release), ports(release)):
        seen: list[int | None] = []
        is_over = False
        while not any(is_healthy(status, health) for status in seen):
            look = ends.look_at([name])[0]
            if look.has_ended():
                raise ends.explain(look, release, tail(name))
            if is_over:
                raise explain_delay(look, release, seen)
            # Asked at least once after that: this host may have stood still meanwhile, and not the app.
            is_over = time.monotonic() > deadline
            time.sleep(0 if is_over else min(0.1 * len(seen), 1))
            seen.append(probe(port, health))


def explain_delay(look: ends.Look, release: Release, seen: list[int | None]) -> Failed:
    gate_s = release["startSeconds"]
    answers = sorted({str(status) for status in seen if status})
    cause = ends.explain_shortage(look, release) or (None if answers else ends.explain_silence(look, release, gate_s))
    if cause:
        return cause
    health = health_of(release)
    asked = "" if health == ANY_ANSWER else f" to GET {health['path']}, expected {health['status']},"
    where = f"{look.name} on port {release['port']} answered {', '.join(answers) or 'nothing'}"
    word = "unhealthy" if answers else "no-answer"
    return Failed(f"{where}{asked} in {len(seen)} tries within {gate_s} s", look.name, word)
