"""HTTPS as the converger sees it: settings in the bucket, a service that looks after the certificate, and what it says."""

from __future__ import annotations

import datetime
import json
import logging
import time
from typing import Any

from bucket import Bucket
from certificate_plan import is_name, names_of
from command import call
from state import load, save

FIRST_S, REST_S = 2, 10
# A service that ended without a word is started again, but not in every turn.
AGAIN_S = 5
SETTLE_S = 20
SERVICE = "berth-certificate.service"

log = logging.getLogger("berth")


class Https:
    def __init__(self, bucket: Bucket) -> None:
        self.bucket, self.etag = bucket, ""
        self.settings = load("https.json")
        self.ask_at, self.start_at = 0.0, 0.0
        self.settle_until = time.monotonic() + SETTLE_S
        self.is_stale = True  # what the service said was before this program started

    def turn(self) -> None:
        self.hear()
        if self.settings and time.monotonic() >= self.start_at and self.is_due():
            self.start_at = time.monotonic() + AGAIN_S
            self.is_stale = False
            call("systemctl", "start", "--no-block", SERVICE)

    def hear(self) -> None:
        now = time.monotonic()
        if now < self.ask_at:
            return
        self.ask_at = now + (REST_S if self.settings else FIRST_S)
        answer = self.bucket.ask("get_object", Key="https.json", **({"IfNoneMatch": self.etag} if self.etag else {}))
        if not answer:
            return
        self.etag = answer["ETag"]
        try:
            found = json.loads(answer["Body"].read())
        except ValueError:
            found = None
        if not is_settings(found):
            log.warning("https.json in the state bucket is not readable: the host goes on with what it knew")
            return
        if found != self.settings:
            save("https.json", found)
            self.settings, self.start_at, self.is_stale = found, 0.0, True

    def is_due(self) -> bool:
        told = load("certificate.json")
        if self.is_stale or told is None:
            return self.is_stale or self.is_on()
        # When to renew, or to look before that whether the authority or another host knows anything new.
        look_at = float(told.get("look", told.get("next", 0)))
        return not self.is_about(told) or (self.is_on() and look_at <= time.time())

    def is_about(self, told: dict[str, Any]) -> bool:
        """Whether the service spoke of these settings. They may have come while it ran, and systemd starts nothing twice."""
        settings = self.settings or {}
        same = told.get("wanted") == names_of(settings)
        return same and (not self.is_on() or told.get("directory") == settings["directory"])

    def is_on(self) -> bool:
        return bool(self.settings and self.settings["isOn"])

    def edge(self) -> dict[str, Any]:
        """What the edge has to know of domains, among its settings. Nothing where there are none: it needs no reload then."""
        if not self.is_on() or not self.settings or not self.settings["names"]:
            return {}
        return {"https": {key: self.settings[key] for key in ("address", "names", "hstsSeconds")}}

    def is_settling(self) -> bool:
        """Whether a certificate may still come from the bucket. A host that replaces another begins with HTTPS."""
        waits = self.is_on() and time.monotonic() < self.settle_until
        told = load("certificate.json") or {}
        # Who couldn't read the bucket doesn't know yet whether it holds one.
        is_unread = told.get("cause") == "bucket" and "certificate" not in told
        return waits and (is_unread or not told.get("wanted"))

    def told(self) -> dict[str, Any]:
        """For the report: lib/release/reports.ts."""
        told = load("certificate.json") if self.settings else None
        if not told:
            return {"https": {"wanted": []}}
        news = {key: told[key] for key in ("wanted", "error", "cause", "failures") if key in told}
        if "certificate" in told:
            certificate = told["certificate"]
            times = {key: iso(certificate[key]) for key in ("notBefore", "notAfter")}
            news["certificate"] = {**certificate, **times}
        if "next" in told and ("certificate" in told or "error" in told):
            news["next"] = iso(told["next"])
        return {"https": news}


def is_settings(found: Any) -> bool:
    """Whoever writes into the bucket may ask for no more than a configuration may."""
    if not isinstance(found, dict):
        return False
    names = found.get("names")
    return (
        type(found.get("isOn")) is bool
        and isinstance(names, list)
        and len(names) <= 10
        and all(isinstance(name, str) and is_name(name) for name in [*names, found.get("address")])
        and isinstance(found.get("directory"), str)
        and found["directory"].startswith("https://")
        and type(found.get("hstsSeconds")) is int
        and isinstance(found.get("email", ""), str)
    )


def iso(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
