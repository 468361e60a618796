"""Asks an authority when it would like to see a certificate renewed (RFC 9773). That needs no account and no ACME client."""

from __future__ import annotations

import datetime
import http.client
import json
import logging
import urllib.error
import urllib.request
from typing import Any, NamedTuple

import certificate_plan as plan
import fetch

TIMEOUT_S = 10
MOST_BYTES = 65536

log = logging.getLogger("berth")


class Answer(NamedTuple):
    """`is_known`: the authority told something of this certificate, though perhaps nothing that can be read."""

    is_known: bool = False
    window: tuple[float, float] | None = None
    retry_after: str = ""


def ask(directory: str, certificate_id: str) -> Answer:
    """Never fails: an authority that can't be asked suggests nothing."""
    try:
        offered, _ = get(directory)
        place = offered.get("renewalInfo") if isinstance(offered, dict) else None
        if not isinstance(place, str):
            return Answer()
        found, retry_after = get(f"{place}/{certificate_id}")
        return Answer(True, read_window(found), retry_after)
    except urllib.error.HTTPError as refused:
        with refused:
            log.info("renewal information: the authority answered %s", refused.code)
            return Answer(retry_after=refused.headers.get("Retry-After", ""))
    except (OSError, http.client.HTTPException, fetch.Refused, ValueError) as failure:
        log.info("renewal information: %s", failure)
        return Answer()


def get(url: str) -> tuple[Any, str]:
    """What is there, None if it can't be read; and when to ask again."""
    if not url.startswith(("https://", "http://")):
        raise ValueError("the authority names a place that isn't on the web")
    with urllib.request.urlopen(urllib.request.Request(url, headers={"User-Agent": plan.AGENT}), timeout=TIMEOUT_S) as answer:
        body, retry_after = fetch.read(answer, MOST_BYTES, "the authority's answer"), answer.headers.get("Retry-After", "")
    try:
        return json.loads(body), retry_after
    except (ValueError, RecursionError):
        return None, retry_after


def read_window(found: Any) -> tuple[float, float] | None:
    try:
        start, end = (read_time(found["suggestedWindow"][name]) for name in ("start", "end"))
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        return None
    # One that ends before it begins counts as none, by section 4.2.
    return (start, end) if start < end else None


def read_time(text: str) -> float:
    at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at.timestamp()
