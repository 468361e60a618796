"""Commands of this machine, without a shell, and what they say when they fail."""

from __future__ import annotations

import subprocess
import time
from typing import Callable


class Failed(Exception):
    """Something outside said no. The text is for the user; the container, where there is one, has more to tell.

    `cause` is one of the words that lib/release/hints.ts knows advice for. Before `until`, another try is no use.
    """

    def __init__(self, reason: str, container: str = "", cause: str = "", until: float = 0.0) -> None:
        super().__init__(reason)
        self.container, self.cause, self.until = container, cause, until
        self.exit_code = 0


def call(*command: str, timeout_s: int = 120, fine: tuple[int, ...] = (0,)) -> str:
    return decode(call_for_bytes(*command, timeout_s=timeout_s, fine=fine))


def call_for_bytes(*command: str, timeout_s: int = 120, fine: tuple[int, ...] = (0,)) -> bytes:
    what = " ".join(command[:2])
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{what} took longer than {timeout_s} s") from late
    except (OSError, ValueError) as refused:  # what no process can be started with: a NUL, more than 128 KiB
        raise Failed(f"{what}: {refused}") from refused
    if done.returncode not in fine:
        lines = decode(done.stderr).strip().splitlines() or [f"exit {done.returncode}"]
        failure = Failed(f"{what}: {next((line for line in lines if 'rror' in line), lines[-1])}")
        failure.exit_code = done.returncode
        raise failure
    return done.stdout


def decode(said: bytes) -> str:
    """What a command repeats of an image or a file may hold any bytes: `\\xe9` then stands for one that isn't UTF-8."""
    return said.decode(errors="backslashreplace")


def wait(limit_s: float, done: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + limit_s
    while not done():
        if time.monotonic() > deadline:
            raise Failed(otherwise)
        time.sleep(0.1)
