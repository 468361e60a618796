"""Whether people get in by Session Manager. Its agent is AWS's own; a service of Berth's installs, starts and ends it."""

from __future__ import annotations

import pathlib
import time
from typing import Any

import state
from bounds import setting
from command import call
from state import Release, load, save

WISH = "shell.json"
# Gone at each boot.
RESULT = pathlib.Path("/run/berth-shell.json")
AGENT = "amazon-ssm-agent.service"
# Between two looks whether the agent still runs. Longer after each failure: a try may fetch all of the agent.
LOOK_S, LONGEST_LOOK_S = 30, 900


class Shell:
    """A host whose releases never asked for a shell does nothing here, and leaves alone what its system brought along."""

    def __init__(self) -> None:
        self.look_at, self.failures = 0.0, 0

    def turn(self, release: Release | None) -> None:
        """By a service of its own: the app waits for no download, and no agent of Berth's is judged by it."""
        known = load(WISH)
        wanted = bool(release and setting(release, "shell"))
        if not release or (not wanted and known is None):
            return
        if known != {"wanted": wanted}:
            save(WISH, {"wanted": wanted})
            self.look_at, self.failures = 0.0, 0
        if time.monotonic() < self.look_at:
            return
        self.failures = self.failures + 1 if self.told() else 0
        self.look_at = time.monotonic() + min(LOOK_S * 2**self.failures, LONGEST_LOOK_S)
        if result() != {"wanted": wanted} or (wanted and not is_running()):
            call("systemctl", "start", "--no-block", "berth-shell.service")
        elif not wanted:
            (state.STATE / WISH).unlink()

    def told(self) -> list[str]:
        """What keeps people out, or the agent in."""
        found = result()
        is_about_this = "wanted" in found and load(WISH) == {"wanted": found["wanted"]}
        return [f"the shell: {found['error']}"] if is_about_this and "error" in found else []


def result() -> dict[str, Any]:
    return state.read(RESULT) or {}


def is_running() -> bool:
    return call("systemctl", "is-active", AGENT, fine=(0, 3, 4)).strip() == "active"
