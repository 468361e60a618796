"""How many tries there were in the last minute and the last hour, and how many of them failed."""

from __future__ import annotations

import time

SLOT_S = 10
PERIODS = {"lastMinute": 60, "lastHour": 3600}


class Rates:
    """In memory alone: a converger that starts anew begins to count anew."""

    def __init__(self) -> None:
        self.slots: dict[int, tuple[int, int]] = {}

    def add(self, tries: int, errors: int) -> None:
        now = int(time.monotonic() // SLOT_S)
        known = self.slots.get(now, (0, 0))
        if tries:
            self.slots[now] = (known[0] + tries, known[1] + errors)
        self.slots = {slot: told for slot, told in self.slots.items() if slot > now - max(PERIODS.values()) // SLOT_S}

    def told(self) -> dict[str, dict[str, int]]:
        """For the report: lib/release/reports.ts."""
        now = int(time.monotonic() // SLOT_S)
        found = {}
        for name, seconds in PERIODS.items():
            slots = [told for slot, told in self.slots.items() if slot > now - seconds // SLOT_S]
            found[name] = {"tries": sum(tries for tries, _ in slots), "errors": sum(errors for _, errors in slots)}
        return found
