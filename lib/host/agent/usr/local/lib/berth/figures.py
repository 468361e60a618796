"""Which figures of the serving release are told, and when: each report is a new version of an object, which costs."""

from __future__ import annotations

import datetime
import time
from typing import Any, Callable

EVERY_S = 600
# Failures are told sooner: the first one at once, further ones once a minute.
FAILURES_EVERY_S = 60
# So are all to whoever asks (edge.py), seldom enough to cost next to nothing: every visitor can.
ASKED_EVERY_S = 30


class Figures:
    def __init__(self) -> None:
        self.counted: dict[str, Any] = {}
        self.told: dict[str, Any] = {}
        self.due_at, self.failures_at, self.asked_at = 0.0, 0.0, 0.0
        self.is_asked = False

    def choose(
        self,
        counted: dict[str, Any],
        is_new: bool,
        is_asked: bool,
        read_log: Callable[[], list[str]],
        rates: dict[str, Any],
    ) -> dict[str, Any]:
        """What the report says: as last time, or what is counted now, with the app's last words if tries have failed."""
        now = time.monotonic()
        self.is_asked = self.is_asked or is_asked
        answers = self.is_asked and now >= self.asked_at
        has_failed = not is_new and failures(counted) != failures(self.counted)
        # Also when nothing more is counted: what failed an hour ago is no rate of the last hour.
        if is_new or now >= self.due_at or answers or (has_failed and now >= self.failures_at):
            self.due_at = now + EVERY_S
            if has_failed:
                self.failures_at = now + FAILURES_EVERY_S
            if answers:
                self.is_asked, self.asked_at = False, now + ASKED_EVERY_S
            at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            self.counted = counted
            self.told = {"upstream": {**counted, **rates, "at": at}, **({"log": read_log()} if has_failed else {})}
        return self.told


def failures(counted: dict[str, Any]) -> tuple[Any, Any]:
    return counted.get("errors", 0), counted.get("failures", {})
