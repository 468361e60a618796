"""What the bucket is told, and when: each report is a new version of an object."""

from __future__ import annotations

import datetime
import time
from typing import Any

from bucket import Bucket
from state import agent

RESTARTS_EVERY_S = 60
# Without news too: a host that says nothing for longer is no longer there, or can't reach the bucket. lib/release/silence.ts
# knows how long people are to wait for it.
EVERY_S = 600


class Reporter:
    def __init__(self, bucket: Bucket, instance: str) -> None:
        self.bucket, self.instance = bucket, instance
        self.told: dict[str, Any] = {}
        self.restarts: dict[str, Any] = {}
        self.restarts_at, self.told_at = 0.0, 0.0

    def has_told(self, release: int, status: str) -> bool:
        return (self.told.get("release"), self.told.get("status")) == (release, status)

    def forget(self) -> None:
        self.told = {}

    def tell(
        self, news: dict[str, Any], restarts: dict[str, Any], troubles: list[str], stack: dict[str, Any]
    ) -> None:
        """Writes the report, as in lib/release/reports.ts, when there is news, and every ten minutes. One that can't be written is tried next turn."""
        if restarts != self.restarts and (not restarts or time.monotonic() >= self.restarts_at):
            self.restarts, self.restarts_at = restarts, time.monotonic() + RESTARTS_EVERY_S
        trouble = {"trouble": "; ".join(troubles)} if troubles else {}
        report = {"instance": self.instance, **news, **self.restarts, **trouble, **stack, **agent()}
        at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        is_due = report != self.told or time.monotonic() >= self.told_at + EVERY_S
        if is_due and self.bucket.put(f"hosts/{self.instance}.json", {**report, "at": at}):
            self.told, self.told_at = report, time.monotonic()
