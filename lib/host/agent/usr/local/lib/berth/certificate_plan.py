"""What is to be done about certificates, decided from what is known. Nothing here asks or writes anything."""

from __future__ import annotations

import email.utils
import random
import time
from typing import Any

AGENT = "berth-host"  # as authorities know it
DAY_S = 24 * 3600
# Let's Encrypt's: five for the same names in seven days. The last one is kept for whoever comes after.
WEEK_S, MOST_IN_WEEK = 7 * DAY_S, 4
FIRST_PAUSE_S, LONGEST_PAUSE_S = 10, 6 * 3600
# Let's Encrypt's: five failed checks of a name, and another one each twelve minutes.
QUICK_TRIES, CHECK_S = 3, 24 * 60
# What an order takes until the edge shows its certificate everywhere, at the most.
ORDER_S = 20
# Between two looks at what the authority suggests, unless it says when to ask again: from an hour to a day.
LOOK_S, SHORTEST_LOOK_S = 6 * 3600, 3600


def names_of(settings: dict[str, Any]) -> list[str]:
    if not settings.get("isOn"):
        return []
    return list(settings["names"]) or [settings["address"]]


def is_covering(certificate: dict[str, Any] | None, names: list[str], directory: str) -> bool:
    return (
        certificate is not None
        and certificate.get("directory") == directory
        and set(names) == set(certificate.get("names", []))
    )


def is_name(name: str) -> bool:
    """Letters, digits, hyphens and single dots: it becomes a file's name, and a line of the edge's configuration."""
    parts = name.split(".")
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    return 4 <= len(name) <= 253 and len(parts) > 1 and all(part and set(part) <= allowed for part in parts)


def renewal_time(facts: dict[str, float], suggested: tuple[float, float] | None, share: float) -> float:
    """When to renew: within what the authority suggests, else at half of the lifetime. `share` of 0 to 1 spreads the hosts.

    Never in the first tenth of the lifetime, so that no suggestion makes a host order without end, nor in the last third,
    which is left for an authority that fails.
    """
    start, end = facts["notBefore"], facts["notAfter"]
    life = end - start
    wanted = suggested[0] + (suggested[1] - suggested[0]) * share if suggested else start + life / 2
    return max(min(wanted, end - max(life / 3, ORDER_S)), start + life / 10)


def pause_after(failures: int, has_certificate: bool) -> float:
    """From ten seconds to six hours, spread, so that hosts which failed together don't come back together.

    Three quick ones: a name or a port may be on its way. After that, no more than the authority lets fail; and no less while
    there is no certificate, because whoever puts things right waits for the next try.
    """
    if failures <= QUICK_TRIES:
        longest = FIRST_PAUSE_S * 2 ** (failures - 1)
    else:
        later = min(failures - QUICK_TRIES - 1, 20) if has_certificate else 0
        longest = min(CHECK_S * 2**later, LONGEST_PAUSE_S)
    return longest * random.uniform(0.5, 1)


def wait_asked(retry_after: str, now: float) -> float:
    """How long the authority asks to be left alone: seconds, or a date. A day at the most, whatever it says."""
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after), DAY_S)
    try:
        at = email.utils.parsedate_to_datetime(retry_after).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(at - now, 0.0), DAY_S)


def pause_asked(retry_after: str, now: float) -> float:
    """How long not to ask for the authority's suggestion again."""
    wait = wait_asked(retry_after, now)
    return max(wait, SHORTEST_LOOK_S) if wait else LOOK_S


def next_question(asked: Any, certificate_id: str, now: float) -> float:
    """When the authority may be asked again about this certificate; 0 if it wasn't yet, or by a clock that was off."""
    if not isinstance(asked, dict) or asked.get("id") != certificate_id:
        return 0.0
    again = float(asked.get("again", 0))
    return again if again <= now + DAY_S else 0.0


def next_allowed(issued: list[dict[str, Any]], names: list[str], directory: str, now: float) -> float:
    """When another certificate for exactly these names may be ordered: now or earlier, if there is one to spare."""
    wanted = sorted(names)
    times = sorted(
        one["at"]
        for one in issued
        if sorted(one["names"]) == wanted and one["directory"] == directory and one["at"] > now - WEEK_S
    )
    return now if len(times) < MOST_IN_WEEK else times[-MOST_IN_WEEK] + WEEK_S


def is_taken(claim: dict[str, Any] | None, host: str, now: float) -> bool:
    """Whether another host is at it. One that died leaves its claim, which ends by itself."""
    return claim is not None and claim.get("host") != host and float(claim.get("until", 0)) > now


def utc(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
