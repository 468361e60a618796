"""What the edge's log says of requests, minute by minute, as CloudWatch takes it.

A request is 0 or 1: that it failed. So the sum of a metric is how many failed, its average is the share, and both stay
right over any period and any number of hosts. A rate for each minute would count quiet minutes as much as busy ones.
"""

from __future__ import annotations

import collections
import datetime
import json
import math
import re
from typing import Any

MOST_VALUES = 150  # of one metric in one call
LONGEST_S = 86_400.0
# nginx's own number for what is no HTTP at all. Clients get it as it is.
GARBLED = 9
MAINTENANCE = "maintenance"

Datum = dict[str, Any]


class Minute:
    def __init__(self) -> None:
        self.requests: collections.Counter[float] = collections.Counter()
        self.tries: collections.Counter[float] = collections.Counter()
        self.seconds: collections.Counter[float] = collections.Counter()
        self.is_answered = False  # by a replica, whatever the edge answered itself

    def add(self, entry: dict[str, Any]) -> None:
        """One request. A maintenance is deliberate: its page is no failure, and its time says nothing of the app."""
        status, is_maintained = entry["status"], entry["failure"] == MAINTENANCE
        has_failed = not is_maintained and (status >= 500 or status == GARBLED)
        self.requests[float(has_failed)] += 1
        tries = re.findall(r"\d+", entry["tries"])
        self.tries.update(float(one.startswith("5")) for one in tries)
        self.is_answered = self.is_answered or any(not one.startswith("5") for one in tries)
        if not is_maintained:
            self.seconds[round_off(entry["seconds"])] += 1

    def data(self, at: int) -> list[Datum]:
        metrics = (("FailedRequests", "Count", self.requests), ("FailedTries", "Count", self.tries), ("ResponseTime", "Seconds", self.seconds))
        return [datum_of(name, at, unit, condense(values)) for name, unit, values in metrics if values]


class Traffic:
    def __init__(self, period_s: int) -> None:
        self.period_s = period_s
        self.minutes: dict[int, Minute] = {}
        self.parsed = ("", 0)

    def add(self, lines: bytes) -> None:
        for line in lines.splitlines():
            try:
                entry = json.loads(line)
                self.minutes.setdefault(self.minute_of(entry["time"]), Minute()).add(entry)
            except (ValueError, KeyError, TypeError):
                continue  # a line that the disk had no room for

    def minute_of(self, text: str) -> int:
        """By the time of the answer. Most lines have the time of the one before."""
        if text != self.parsed[0]:
            at = datetime.datetime.fromisoformat(text).timestamp()
            self.parsed = (text, int(at // self.period_s) * self.period_s)
        return self.parsed[1]

    def take(self) -> dict[int, Minute]:
        """All that was counted. CloudWatch adds what comes later of the same minute."""
        taken, self.minutes = self.minutes, {}
        return taken


def round_off(seconds: float) -> float:
    """To two digits, which are enough for a percentile: some hundred values from a millisecond to the longest answer."""
    if not 0 <= seconds <= LONGEST_S:
        raise ValueError("that is no time")
    return float(f"{seconds:.2g}")


def condense(values: collections.Counter[float]) -> list[tuple[float, int]]:
    """No more values than CloudWatch takes: those that are relatively closest become their mean. The sum stays."""
    left = sorted(values.items())
    while len(left) > MOST_VALUES:
        gaps = [math.inf if low == 0 else high / low for (low, _), (high, _) in zip(left, left[1:])]
        at = gaps.index(min(gaps))
        (low, few), (high, many) = left[at : at + 2]
        left[at : at + 2] = [((low * few + high * many) / (few + many), few + many)]
    return left


def datum_of(name: str, at: int, unit: str, values: list[tuple[float, int]]) -> Datum:
    return {
        "MetricName": name,
        "Timestamp": at,
        "Unit": unit,
        "Values": [value for value, _ in values],
        "Counts": [count for _, count in values],
    }
