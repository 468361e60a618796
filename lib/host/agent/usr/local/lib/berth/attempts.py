"""Failures in a row, when the next try is due, and what is told of them."""

from __future__ import annotations

import logging
import time
from typing import Any, Callable

from command import Failed

LONGEST_PAUSE_S = 30
REASON_CHARACTERS = 500

log = logging.getLogger("berth")


class Backoff:
    """Failures in a row to get one release running, and when the next try is due."""

    def __init__(self) -> None:
        self.number, self.failures, self.until, self.reason = 0, 0, 0.0, ""

    def about(self, number: int) -> None:
        if self.number != number:
            self.number, self.failures = number, 0

    def failed(self, reason: str) -> None:
        self.failures, self.reason = self.failures + 1, reason
        self.until = time.monotonic() + min(2**self.failures, 300)

    def forgive(self) -> None:
        """The next try is due at once, as if it were the first."""
        self.failures = 0

    def told(self, number: int) -> list[str]:
        return [f"{self.reason}; tried again soon"] if self.failures and self.number == number else []

    def is_over(self) -> bool:
        return time.monotonic() >= self.until


class Steps:
    """The parts of a turn. One that fails is told of and tried again after a while, and the others go on."""

    def __init__(self) -> None:
        self.failing: dict[str, tuple[int, float, str]] = {}

    def attempt(self, name: str, step: Callable[..., None], *arguments: Any) -> None:
        failures, until, _ = self.failing.get(name, (0, 0.0, ""))
        if time.monotonic() < until:
            return
        try:
            step(*arguments)
        except Exception as error:  # whatever it is: the app goes on being served, and somebody hears of it
            pause = min(2 ** (failures + 1), LONGEST_PAUSE_S)
            self.failing[name] = (failures + 1, time.monotonic() + pause, say(error))
            log.warning("%s: %s; trying again in %s s", name, say(error), pause, exc_info=not isinstance(error, Failed))
        else:
            self.failing.pop(name, None)

    def told(self) -> list[str]:
        return [f"{name}: {reason}" for name, (_, _, reason) in sorted(self.failing.items())]


def say(error: Exception) -> str:
    """For the user. What isn't from outside is named by its kind: alone, its text may be a word or nothing."""
    text = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
    return text[:REASON_CHARACTERS]
