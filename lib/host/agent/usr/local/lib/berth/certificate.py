"""Gets, keeps and renews this host's certificate. Runs once and ends; the converger starts it when something is due.

It reads what the converger wrote to https.json, and leaves what it found out in certificate.json. Whatever goes wrong, the
edge goes on with what it has.
"""

from __future__ import annotations

import http.client
import logging
import random
import time
from typing import Any

import certificate_files as files
import certificate_plan as plan
import fetch
import renewal_info
from bucket import Bucket
from certificate_store import KEY, Store
from command import Failed
from state import load, read_instance, read_settings, save

CLAIM_S = 180
WAIT_S = 5  # for an address that is on its way
SOON_S = 60  # until the next look, where the authority isn't asked in this one

log = logging.getLogger("berth")


class Keeper:
    def __init__(self, store: Store, host: str, settings: dict[str, Any], known: dict[str, Any]) -> None:
        self.store, self.host, self.settings = store, host, settings
        self.names, self.directory = plan.names_of(settings), settings["directory"]
        self.is_first = known.get("wanted") != self.names or known.get("directory") != self.directory
        self.failures = 0 if self.is_first else int(known.get("failures", 0))
        self.share = float(known.get("share", random.random()))

    def run(self) -> dict[str, Any]:
        """What there is to tell: see https in lib/release/reports.ts. `look` is when to run again, if not at `next`."""
        told: dict[str, Any] = {"wanted": self.names, "directory": self.directory, "share": self.share}
        shown: dict[str, Any] | None = None
        try:
            state = self.store.read()
            kept = self.find_usable(state)
            shown = self.show(kept, state)
            if kept:
                require_valid(kept)
            renew_at, look_at = self.find_renewal(shown, state) if shown else 0.0, 0.0
            if shown and renew_at > time.time():
                look_at = self.ask(shown)
                renew_at = self.find_renewal(shown, self.store.state)
            if renew_at > time.time():
                told |= {"next": renew_at, "look": min(look_at, renew_at)}
            elif self.find_address() == self.settings["address"] and (ordered := self.order(self.store.state)):
                shown = ordered
                renew_at = self.find_renewal(shown, self.store.state)
                told |= {"next": renew_at, "look": min(self.ask(shown), renew_at)}
            else:
                told["look"] = time.time() + WAIT_S
        except Exception as error:  # whatever it is: the app goes on being served, and somebody hears of it
            self.failures += 1
            log.warning("certificate: %s", error, exc_info=not isinstance(error, Failed))
            reason = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
            pause = max(plan.pause_after(self.failures, bool(shown)), getattr(error, "until", 0.0) - time.time())
            cause = getattr(error, "cause", "") or "host"
            told |= {"error": reason[:500], "cause": cause, "failures": self.failures, "next": time.time() + pause}
        if shown:
            told["certificate"] = {key: shown[key] for key in ("names", "issuer", "notBefore", "notAfter")}
        return told

    def find_usable(self, state: dict[str, Any]) -> dict[str, Any] | None:
        """The bucket's certificate. One that is another's or damaged counts as none."""
        kept = state.get("certificate")
        if not isinstance(kept, dict):
            return None
        try:
            facts = files.read_facts(str(kept.get("chain")), str(kept.get("key")))
        except Failed as damage:
            log.warning("%s: %s", KEY, damage)
            return None
        if not plan.is_covering({**facts, "directory": kept.get("directory")}, self.names, self.directory):
            return None
        # Nobody waits longer for one from the future: another is ordered.
        return facts if facts["notBefore"] <= time.time() + plan.DAY_S else None

    def show(self, facts: dict[str, Any] | None, state: dict[str, Any]) -> dict[str, Any] | None:
        """Has the edge show the bucket's certificate as soon as it is valid. Returns the one that the edge shows then."""
        if facts and facts["notBefore"] > time.time():
            facts = files.find_shown(self.names)
        elif facts and facts["notAfter"] > time.time():
            kept = state["certificate"]
            files.install(f"{kept['chain']}\n{kept['key']}", facts["names"])
        if facts and facts["notAfter"] <= time.time():
            files.forget_names()
        return facts

    def find_renewal(self, facts: dict[str, Any], state: dict[str, Any]) -> float:
        return plan.renewal_time(facts, self.find_suggestion(facts, state), self.share)

    def find_suggestion(self, facts: dict[str, Any], state: dict[str, Any]) -> tuple[float, float] | None:
        window = window_of(facts, state)
        fresh = float(window.get("until", 0)) > time.time()
        return (float(window["start"]), float(window["end"])) if fresh and "start" in window else None

    def ask(self, facts: dict[str, Any]) -> float:
        """Asks the authority again when to renew, if it is time to. Returns when to look again.

        Who loses a race of hosts for the bucket reads soon what the other one wrote.
        """
        state, now = self.store.state, time.time()
        again = plan.next_question(state.get("asked"), facts["id"], now)
        if again > now:
            return min(again, now + plan.LOOK_S)
        # The app waits for the first news of a new host, and the authority may take its time.
        if self.is_first:
            return now + SOON_S
        # Without the stack's address, this host could do nothing with the answer.
        if self.find_address() != self.settings["address"]:
            return now + plan.LOOK_S
        # Written before: of several hosts one asks, and an authority that doesn't answer isn't asked sooner for it.
        asked = {"id": facts["id"], "again": now + plan.LOOK_S}
        if not self.store.write({**state, "asked": asked}):
            return now + SOON_S
        former = window_of(facts, state)
        window, pause = find_window(self.directory, facts, former)
        if window.get("start") != former.get("start"):
            log.info("the authority suggests another time to renew the certificate for %s", ", ".join(self.names))
        found = {**self.store.state, "window": window, "asked": {**asked, "again": now + pause}}
        if found != self.store.state and not self.store.write(found):
            return now + SOON_S
        return now + min(pause, plan.LOOK_S)

    def find_address(self) -> str:
        """The address that the internet knows this host by; the stack's only once it has moved here."""
        try:
            return fetch.ask_metadata("GET", "/latest/meta-data/public-ipv4", fetch.read_token()).decode().strip()
        except (OSError, fetch.Refused, http.client.HTTPException) as failure:
            log.info("no public address: %s", failure)
            return ""

    def order(self, state: dict[str, Any]) -> dict[str, Any] | None:
        """None if another host is at it."""
        try:
            from acme_order import Authority, is_address
        except ModuleNotFoundError as missing:
            raise Failed(f"this system has no ACME client: {missing}", cause="client") from missing
        now = time.time()
        if plan.is_taken(state.get("claim"), self.host, now):
            return None
        replaces = self.find_replaced(state)
        issued = [one for one in state.get("issued", []) if one["at"] > now - plan.WEEK_S]
        self.require_spare(issued, bool(replaces), now)
        claimed = {**state, "issued": issued, "claim": {"host": self.host, "until": now + CLAIM_S}}
        if not self.store.write(claimed):
            return None
        try:
            account = state.get("account") if isinstance(state.get("account"), dict) else {}
            key = account.get("key", "") if account.get("directory") == self.directory else ""
            authority = Authority(self.directory, key, self.settings.get("email"))
            profile = "shortlived" if any(map(is_address, self.names)) else ""
            chain, private = authority.order(self.names, files.WEBROOT, profile, replaces)
        except Failed:
            self.store.write({name: value for name, value in claimed.items() if name != "claim"})
            raise
        facts = files.read_facts(chain, private)
        window, pause = find_window(self.directory, facts, {})
        # Kept first: a host that ends now must not have to order again.
        kept = {"directory": self.directory, "names": self.names, "chain": chain, "key": private}
        count = [] if replaces else [{"names": self.names, "directory": self.directory, "at": now}]
        done = {
            "account": {"directory": self.directory, "key": authority.key},
            "certificate": kept,
            "issued": issued + count,
            "window": window,
            "asked": {"id": facts["id"], "again": time.time() + pause},
        }
        if not self.store.write(done):
            log.warning("somebody else wrote %s meanwhile: the certificate is this host's alone", KEY)
        require_valid(facts)
        self.failures = 0
        files.install(f"{chain}\n{private}", facts["names"])
        log.info("a certificate for %s until %s", ", ".join(self.names), time.ctime(facts["notAfter"]))
        return facts

    def find_replaced(self, state: dict[str, Any]) -> str:
        """What the authority calls the certificate that is renewed. Such an order counts towards no limit."""
        kept, window = state.get("certificate"), state.get("window")
        if not isinstance(kept, dict) or not isinstance(window, dict) or kept.get("directory") != self.directory:
            return ""
        return str(window.get("id", "")) if set(kept.get("names", [])) == set(self.names) else ""

    def require_spare(self, issued: list[dict[str, Any]], is_renewal: bool, now: float) -> None:
        allowed = now if is_renewal else plan.next_allowed(issued, self.names, self.directory, now)
        if allowed <= now:
            return
        raise Failed(
            f"{plan.MOST_IN_WEEK} certificates for {', '.join(self.names)} were issued in seven days, and the last one"
            f" that the authority allows is kept back; the next is due at {plan.utc(allowed)}",
            cause="limit",
            until=allowed,
        )


def require_valid(facts: dict[str, Any]) -> None:
    """Clients refuse a certificate from the future. Until it is valid, the edge goes on with what it has."""
    begins, now = facts["notBefore"], time.time()
    if begins > now:
        raise Failed(
            f"the new certificate is valid only from {plan.utc(begins)}, and it is {plan.utc(now)} here: this host's clock or"
            " the authority's is off; the host shows the certificate once it is valid",
            cause="clock",
            until=min(begins, now + plan.DAY_S),
        )


def window_of(facts: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """What the bucket knows of the authority's suggestion for this certificate."""
    window = state.get("window")
    return window if isinstance(window, dict) and window.get("id") == facts["id"] else {}


def find_window(directory: str, facts: dict[str, Any], former: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """What the authority suggests for the renewal, else what it suggested before; and how long not to ask it again."""
    answer = renewal_info.ask(directory, facts["id"])
    pause = plan.pause_asked(answer.retry_after, time.time())
    if answer.window:
        start, end = answer.window
        return {"id": facts["id"], "start": start, "end": end, "until": facts["notAfter"]}, pause
    return ({**former, "id": facts["id"]} if answer.is_known else former), pause


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    settings = load("https.json")
    if settings is None:
        return
    if not plan.names_of(settings):
        files.forget_names()
        save("certificate.json", {"wanted": []})
        return
    store = Store(Bucket(read_settings()))
    keeper = Keeper(store, read_instance(), settings, load("certificate.json") or {})
    save("certificate.json", keeper.run())


if __name__ == "__main__":
    main()
