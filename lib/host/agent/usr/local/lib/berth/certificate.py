"""Gets, keeps and renews this host's certificate. Runs once and ends; the converger starts it when something is due.

It reads what the converger wrote to https.json, and leaves what it found out in certificate.json. Whatever goes wrong, the
edge goes on with what it has.
"""

from __future__ import annotations

import http.client
import json
import logging
import random
import time
from typing import Any

import certificate_files as files
import certificate_plan as plan
import fetch
from bucket import Bucket
from command import Failed
from state import load, read_instance, read_settings, save

KEY = "tls/state.json"
CLAIM_S = 180
WAIT_S = 5  # for an address that is on its way

log = logging.getLogger("berth")


class Store:
    """The one object in the bucket. Each write replaces exactly what was read, so that of several hosts one orders."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket, self.etag = bucket, ""
        self.state: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        answer = self.bucket.ask("get_object", Key=KEY)
        if answer is None and not self.bucket.is_answering():
            raise Failed("the state bucket doesn't answer", cause="bucket")
        self.etag, self.state = "", {}
        if answer:
            self.etag = answer["ETag"]
            try:
                found = json.loads(answer["Body"].read())
            except ValueError:
                found = None
            if isinstance(found, dict):
                self.state = found
            else:
                log.warning("%s in the state bucket is damaged: it is written anew", KEY)
        return self.state

    def write(self, state: dict[str, Any]) -> bool:
        """False if somebody else was faster."""
        condition = {"If-Match": self.etag} if self.etag else {"If-None-Match": "*"}
        etag = self.bucket.put_if(KEY, state, condition)
        if etag:
            self.etag, self.state = etag, state
        return bool(etag)


class Keeper:
    def __init__(self, store: Store, host: str, settings: dict[str, Any], known: dict[str, Any]) -> None:
        self.store, self.host, self.settings = store, host, settings
        self.names, self.directory = plan.names_of(settings), settings["directory"]
        same = known.get("wanted") == self.names and known.get("directory") == self.directory
        self.failures = int(known.get("failures", 0)) if same else 0
        self.share = float(known.get("share", random.random()))

    def run(self) -> dict[str, Any]:
        """What there is to tell: see Https in lib/release/reports.ts."""
        told: dict[str, Any] = {"wanted": self.names, "directory": self.directory, "share": self.share}
        shown: dict[str, Any] | None = None
        try:
            state = self.store.read()
            kept = self.find_usable(state)
            shown = self.show(kept, state)
            if kept:
                require_valid(kept)
            renew_at = self.find_renewal(shown, state) if shown else 0.0
            if not self.names or renew_at > time.time():
                told["next"] = min(renew_at, time.time() + plan.LOOK_S)
            elif self.find_address() != self.settings["address"]:
                told["next"] = time.time() + WAIT_S
            else:
                shown = self.order(state) or shown
                told["next"] = self.find_renewal(shown, self.store.state) if shown else time.time() + WAIT_S
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
        window = state.get("window") or {}
        fresh = window.get("id") == facts["id"] and float(window.get("until", 0)) > time.time()
        return (float(window["start"]), float(window["end"])) if fresh and "start" in window else None

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
        # Kept first: a host that ends now must not have to order again.
        kept = {"directory": self.directory, "names": self.names, "chain": chain, "key": private}
        count = [] if replaces else [{"names": self.names, "directory": self.directory, "at": now}]
        done = {
            "account": {"directory": self.directory, "key": authority.key},
            "certificate": kept,
            "issued": issued + count,
            "window": find_window(authority, facts),
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


def find_window(authority: Any, facts: dict[str, Any]) -> dict[str, Any]:
    """What the authority suggests for the renewal. Without times where it suggests nothing, or what can't be read."""
    import datetime

    suggested = authority.renewal(facts["id"])
    if not suggested:
        return {}
    try:
        start, end = (datetime.datetime.fromisoformat(one.replace("Z", "+00:00")).timestamp() for one in suggested)
    except ValueError:
        return {"id": facts["id"]}
    return {"id": facts["id"], "start": start, "end": end, "until": facts["notAfter"]} if start <= end else {"id": facts["id"]}


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
