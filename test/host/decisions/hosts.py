"""A host whose bucket and edge remember what they were told."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import converge
from command import Failed
from rates import Rates
from stand_ins import RELEASE, Case, Engine, answering
from state import load


class Bucket:
    def __init__(self) -> None:
        self.wanted: dict[str, Any] | None = None
        self.reports: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.is_silent = self.was_silent_for_long = False
        self.asked = 0

    def release(self) -> dict[str, Any] | None:
        self.asked += 1
        return self.wanted

    def is_answering(self) -> bool:
        return not self.is_silent

    def is_away(self) -> bool:
        return self.is_silent and self.was_silent_for_long

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any] | None:
        """No settings of HTTPS, unless a test has put some."""
        return None

    def put(self, key: str, document: dict[str, Any]) -> bool:
        if not self.is_silent:
            self.keys.add(key)
            self.reports.append(document)
        return not self.is_silent


class Edge:
    """Points at replicas; notes what was running and written down at that moment."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.pointed: list[list[int]] = []
        self.seen: list[tuple[list[str], int | None]] = []
        self.before = self.counted = {"tries": 0, "errors": 0}
        self.counts, self.rates = 0, Rates()
        self.is_asked = False
        self.refusal = ""
        self.settings_refusal = ""
        self.settings: dict[str, Any] = {}
        self.configured: list[dict[str, Any]] = []
        self.configured_while: list[bool] = []

    def point_at(self, ports: list[int], settings: dict[str, Any]) -> None:
        self.settings = settings
        if self.refusal:
            raise Failed(self.refusal)
        if self.pointed[-1:] != [ports]:
            serving = load("serving.json")
            self.seen.append((sorted(self.engine.containers), serving and serving["number"]))
            self.pointed.append(ports)
            self.before, self.counted = self.counted, {"tries": 0, "errors": 0}

    def configure(self, settings: dict[str, Any]) -> None:
        """Notes the settings that are news, and whether anything served by then."""
        if self.settings_refusal:
            raise Failed(self.settings_refusal)
        if self.configured[-1:] != [settings]:
            self.configured.append(settings)
            self.configured_while.append(load("serving.json") is not None)

    def take_asked(self) -> bool:
        asked, self.is_asked = self.is_asked, False
        return asked

    def count_tries(self) -> None:
        self.counts += 1


class HostCase(Case):
    def setUp(self) -> None:
        super().setUp()
        self.bucket, self.edge = Bucket(), Edge(self.engine)
        self.host = self.restart()

    def restart(self) -> converge.Host:
        """A converger that remembers what is written down, and nothing else."""
        self.host = converge.Host(self.bucket, self.edge)
        return self.host

    def wish(self, **fields: Any) -> dict[str, Any]:
        self.bucket.wanted = {**RELEASE, **fields}
        return self.bucket.wanted

    def turn(self, status: int | None = 200) -> list[tuple[str, ...]]:
        """One turn of the loop with replicas that answer so. Returns the engine's commands."""
        self.engine.calls = []
        with answering(defaultdict(lambda: [status])):
            self.host.turn()
        return self.engine.calls

    def said(self) -> list[tuple[int, str]]:
        return [(report["release"], report["status"]) for report in self.bucket.reports]
