"""A new release's first minute, if it asks for a comparison: does it fail clearly more often than the one before?

It is written down, so that a converger that starts anew goes on with it.
"""

from __future__ import annotations

import math
import time
from typing import Any

import state
from bounds import setting
from state import Release

FILE = "trial.json"
MINUTE_S = 60
LEAST_TRIES, LEAST_ERRORS, LEAST_POINTS, LEAST_DEVIATIONS = 20, 5, 0.05, 4.0


def is_worse(now: dict[str, Any], before: dict[str, Any]) -> bool:
    """Beyond chance, and by enough to matter: docs/apps.md tells users the rule."""
    if min(now["tries"], before["tries"]) < LEAST_TRIES or now["errors"] < LEAST_ERRORS:
        return False
    more = now["errors"] / now["tries"] - before["errors"] / before["tries"]
    share = (now["errors"] + before["errors"]) / (now["tries"] + before["tries"])
    deviation = math.sqrt(share * (1 - share) * (1 / now["tries"] + 1 / before["tries"]))
    return more >= LEAST_POINTS and more > LEAST_DEVIATIONS * deviation


class Trial:
    def __init__(self) -> None:
        self.told = state.load(FILE)

    def prepare(self, release: Release, earlier: Release | None) -> None:
        """Before the switch: what to go back to."""
        self.end()
        if setting(release, "rollbackWhenWorse") and earlier:
            self.note({"number": release["number"], "earlier": earlier})

    def begin(self, number: int, before: dict[str, Any]) -> None:
        """After the switch, once: the figures of the release that served until then."""
        if self.is_about(number) and self.told and "until" not in self.told:
            self.note({**self.told, "before": before, "until": time.time() + MINUTE_S})

    def is_about(self, number: int) -> bool:
        return bool(self.told and self.told["number"] == number)

    def judge(self, number: int, now: dict[str, Any]) -> Release | None:
        """What to go back to, and again until the host is back there. The trial ends when its minute is over."""
        told = self.told
        if told is None or not self.is_about(number) or "until" not in told:
            return None
        if "reason" not in told and is_worse(now, told["before"]):
            self.note({**told, "reason": explain(now, told)})
        if self.told and "reason" in self.told:
            earlier: Release = self.told["earlier"]
            return earlier
        if time.time() >= told["until"]:
            self.end()
        return None

    def reason(self) -> str:
        return str((self.told or {}).get("reason", ""))

    def note(self, told: dict[str, Any]) -> None:
        state.save(FILE, told)
        self.told = told

    def end(self) -> None:
        self.told = None
        (state.STATE / FILE).unlink(missing_ok=True)


def explain(now: dict[str, Any], told: dict[str, Any]) -> str:
    before, earlier = told["before"], told["earlier"]["number"]
    return (
        f"{now['errors']} of its first {now['tries']} tries failed, and {before['errors']} of {before['tries']}"
        f" of release {earlier}: clearly worse (app.rollbackWhenWorse), so release {earlier} was put back"
    )
