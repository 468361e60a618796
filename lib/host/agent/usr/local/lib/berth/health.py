"""Which replicas get requests. Only a release with `app.health` is watched: without it, nobody knows what is healthy."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import gate
from bounds import setting
from replicas import names, ports
from state import Release

EVERY_S = 5
FAILURES_UNTIL_OUT = 3


class Watch:
    """A replica that fails three checks in a row gets no new requests until it passes one, unless none is healthy."""

    def __init__(self) -> None:
        self.release, self.due_at = 0, 0.0
        self.failures: dict[int, int] = {}
        self.answers: dict[int, int | None] = {}

    def look(self, release: Release) -> None:
        if self.release != release["number"]:
            self.release, self.due_at, self.failures, self.answers = release["number"], 0.0, {}, {}
        if not setting(release, "health") or time.monotonic() < self.due_at:
            return
        health, asked = gate.health_of(release), ports(release)
        with ThreadPoolExecutor(len(asked)) as together:  # one that hangs holds up none of the others
            answers = list(together.map(lambda port: gate.probe(port, health), asked))
        for port, answer in zip(asked, answers):
            self.answers[port] = answer
            self.failures[port] = 0 if gate.is_healthy(answer, health) else self.failures.get(port, 0) + 1
        self.due_at = time.monotonic() + EVERY_S

    def is_out(self, port: int) -> bool:
        return self.failures.get(port, 0) >= FAILURES_UNTIL_OUT

    def ports(self, release: Release) -> list[int]:
        healthy = [port for port in ports(release) if not self.is_out(port)]
        return healthy or ports(release)

    def told(self, release: Release) -> list[str]:
        path = gate.health_of(release)["path"]
        return [
            f"{name} is unhealthy: GET {path} is answered with {self.answers[port] or 'nothing'}"
            for name, port in zip(names(release), ports(release))
            if self.is_out(port)
        ]
