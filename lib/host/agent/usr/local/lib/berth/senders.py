"""What sends logs and metrics to CloudWatch: services of their own, which end by themselves when they aren't wanted any more."""

from __future__ import annotations

import time
from typing import Any

from bounds import is_text, setting
from command import Failed, call
from state import Release, load, save

LOOK_S = 30  # between two looks whether they still run


class Senders:
    def __init__(self) -> None:
        self.due_at = {"logs": 0.0, "metrics": 0.0}

    def send_logs(self, release: Release | None) -> None:
        if release:
            self.keep("logs", "group", setting(release, "logGroup"))

    def send_metrics(self, wanted: Release | None) -> None:
        """The wish belongs to the stack: the published release has it, whatever release serves. Until it is read, the last one holds."""
        namespace = (load("metrics.json") or {}).get("namespace") if wanted is None else wanted.get("metrics")
        if namespace is not None and not is_text(namespace, "Berth/[a-z0-9-]{1,100}", 200):
            raise Failed("the namespace of metrics in release.json is out of bounds")
        self.keep("metrics", "namespace", namespace)

    def keep(self, service: str, field: str, value: Any) -> None:
        known = load(f"{service}.json")
        if known != {field: value} and (value or known):
            save(f"{service}.json", {field: value})
        if value and time.monotonic() >= self.due_at[service]:
            self.due_at[service] = time.monotonic() + LOOK_S
            call("systemctl", "start", "--no-block", f"berth-{service}.service")
