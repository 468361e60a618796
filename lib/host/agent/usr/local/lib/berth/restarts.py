"""How often the replicas that serve ended by themselves, and why the last one did."""

from __future__ import annotations

from typing import Any

import ends
from state import Release, load, save

FILE = "restarts.json"


class Restarts:
    def __init__(self) -> None:
        self.release, self.count = 0, 0
        self.last: dict[str, str] = {}
        self.seen: dict[str, int] = {}

    def watch(self, release: Release, names: list[str]) -> None:
        """Looks at the containers there are, before what ended is brought back: that makes the engine count anew."""
        if self.release != release["number"]:
            self.release, self.count, self.last, self.seen = release["number"], 0, {}, {}
        for look in ends.look_at(names):
            before = self.seen.get(look.name, 0)
            new = look.restarts - before if look.restarts >= before else look.restarts
            new += look.status == "exited"
            self.seen[look.name] = look.restarts
            if new:
                self.count += new
                self.note(look, release)
                # Of all releases, for the metrics.
                save(FILE, {"total": (load(FILE) or {}).get("total", 0) + new})

    def note(self, look: ends.Look, release: Release) -> None:
        if look.finished_at >= self.last.get("at", ""):
            end = ends.explain(look, release)
            self.last = {"at": look.finished_at, "reason": str(end), "cause": end.cause}

    def told(self) -> dict[str, Any]:
        return {"restarts": {"count": self.count, "last": self.last}} if self.count else {}
