"""The page that visitors see in place of the app. The edge looks for its file at each request, so it needs no reload."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

import state
from command import Failed
from state import Release

PAGE = "maintenance/page.html"  # edge.conf names it too
MOST_BYTES = 64 << 10
OFF: dict[str, Any] = {}

log = logging.getLogger("berth")


class Maintenance:
    """It outlives a reboot, and a bucket that doesn't answer, as the file does."""

    def turn(self, wanted: Release | None) -> None:
        if wanted is None:
            return
        path, page = state.STATE / PAGE, page_of(wanted)
        if page == read():
            return
        log.info("maintenance is %s", "off" if page is None else "on")
        if page is None:
            path.unlink()
            return
        path.parent.mkdir(exist_ok=True)
        state.write(path, page)

    def told(self) -> dict[str, Any]:
        """For the report: lib/release/reports.ts."""
        page = read()
        return {} if page is None else {"maintenance": hashlib.sha256(page.encode()).hexdigest()}


def read() -> str | None:
    path = state.STATE / PAGE
    # As it was written: line ends are part of the page.
    return path.read_bytes().decode() if path.exists() else None


def page_of(release: Release) -> str | None:
    """Whoever writes into the bucket may ask for no more than the command may."""
    told = release.get("maintenance", OFF)
    if told is OFF:
        return None
    page = told.get("page") if isinstance(told, dict) else None
    if not isinstance(page, str) or not 0 < len(page.encode(errors="surrogatepass")) <= MOST_BYTES:
        raise Failed("the page for visitors in release.json is out of bounds")
    return page
