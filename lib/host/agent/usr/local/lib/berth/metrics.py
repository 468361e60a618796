"""Sends this host's numbers to CloudWatch, each minute. Started by the converger while the stack asks for it.

It reads the edge's log by itself, so nobody waits for it. What can't be sent is kept for an hour, and no longer: neither
memory nor disk fills up while AWS doesn't answer.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Any

import vitals
from aws_call import TROUBLE, Client, Refusal, service_of
from edge_log import EdgeLog
from state import load, order, read_settings, save
from traffic import Datum, Minute, Traffic

FILE = "metrics-unsent.json"
LOOK_S = 1
# CloudWatch counts by the minute. Tests have no time for that.
PERIOD_S = int(os.environ.get("BERTH_METRICS_PERIOD_S", "60"))
LATE_S = 2  # after the end of a minute: by then, its last requests are in the log
KEPT_PERIODS = 60
# Below the limits of PutMetricData: 1,000 metrics and 1 MB, of which one metric may take some 3 KB.
MOST_DATA = 250
PREFIX = "GraniteServiceVersion20100801"

log = logging.getLogger("berth-metrics")


class Meter:
    def __init__(self, settings: dict[str, str], namespace: str) -> None:
        self.namespace = namespace
        self.client = Client(service_of(settings, "monitoring", PREFIX, "1.0"))
        known = load(FILE) or {}
        self.log = EdgeLog(known.get("read"))
        self.unsent: list[Datum] = known.get("unsent", [])
        self.restarts: int | None = known.get("restarts")
        self.traffic = Traffic(PERIOD_S)
        self.at = now_in_periods()
        self.trouble = ""

    def turn(self) -> None:
        for lines in self.log.parts():
            self.traffic.add(lines)
        now = now_in_periods()
        if now != self.at:
            # The one that is over: where the clock was set, there may be many between.
            self.note(now - PERIOD_S)
            self.at = now
            self.send()

    def note(self, at: int) -> None:
        """What was counted outlives this program from here on, with how far the log was read for it."""
        taken = self.traffic.take()
        counted = [datum for minute, one in sorted(taken.items()) for datum in one.data(minute)]
        self.unsent += [*counted, *self.look(at, taken.get(at))]
        self.forget()
        self.save()

    def look(self, at: int, minute: Minute | None) -> list[Datum]:
        is_serving = vitals.is_serving(minute is not None and minute.is_answered)
        days = vitals.certificate_days()
        found = [
            ("MemoryUsed", "Percent", vitals.used_memory()),
            ("DiskUsed", "Percent", vitals.used_disk()),
            ("Restarts", "Count", float(self.count_restarts())),
            ("Serving", "Count", float(is_serving)),
            *([] if days is None else [("CertificateDays", "Count", days)]),
        ]
        return [{"MetricName": name, "Timestamp": at, "Unit": unit, "Value": value} for name, unit, value in found]

    def count_restarts(self) -> int:
        """Those since the last look. The converger counts them all."""
        total, before = int((load("restarts.json") or {}).get("total", 0)), self.restarts
        self.restarts = total
        return 0 if before is None else max(total - before, 0)

    def forget(self) -> None:
        """What is too old, and what a wrong clock has dated."""
        now = time.time()
        kept = [one for one in self.unsent if now - KEPT_PERIODS * PERIOD_S <= one["Timestamp"] <= now]
        if len(kept) < len(self.unsent):
            log.warning("%d numbers were not taken by CloudWatch in time, and are lost", len(self.unsent) - len(kept))
        self.unsent = kept

    def send(self) -> None:
        """In one call, unless there is more than fits. What isn't taken is sent with the next minute."""
        try:
            while self.unsent:
                part = self.unsent[:MOST_DATA]
                self.put(part)
                self.unsent = self.unsent[len(part) :]
                self.save()
        except TROUBLE as trouble:
            said = f"{type(trouble).__name__}: {trouble}"
            if said != self.trouble:
                log.warning("%s; trying again each minute", said)
            self.trouble = said
        else:
            if self.trouble:
                log.info("CloudWatch takes the numbers again")
            self.trouble = ""
        finally:
            # AWS closes a connection that waits for a minute, and a call on it would fail.
            self.client.close()

    def put(self, data: list[Datum]) -> None:
        try:
            self.client.call("PutMetricData", {"Namespace": self.namespace, "MetricData": data})
        except Refusal as refusal:
            # Those that are refused for what they are would be refused again, and nothing behind them would be sent.
            if not refusal.code.startswith(("InvalidParameter", "Validation", "Serialization")):
                raise
            log.warning("%d numbers are lost: %s", len(data), refusal)

    def save(self) -> None:
        known: dict[str, Any] = {"read": self.log.read, "restarts": self.restarts, "unsent": self.unsent}
        save(FILE, known)


def now_in_periods() -> int:
    """The beginning of the minute that isn't over yet."""
    return int((time.time() - LATE_S) // PERIOD_S) * PERIOD_S


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    begun = order("metrics.json")
    namespace = begun[0].get("namespace")
    if not namespace:
        return
    meter = Meter(read_settings(), namespace)
    while order("metrics.json") == begun:
        meter.turn()
        time.sleep(LOOK_S)


if __name__ == "__main__":
    main()
