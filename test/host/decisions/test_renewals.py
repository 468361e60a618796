"""When the host renews a certificate, and when it asks an authority about that, which is a real server here."""

import datetime
import http.server
import json
import os
import pathlib
import tempfile
import threading
import time
import unittest
from typing import Any
from unittest import mock

import certificate
import certificate_files as files
import certificate_plan as plan
import renewal_info
from certificates import DAY, SETTINGS, Bucket, make_certificate

HOUR = 3600


def window(start: float, end: float) -> dict[str, Any]:
    times = (datetime.datetime.fromtimestamp(at, datetime.timezone.utc) for at in (start, end))
    start_text, end_text = (at.isoformat().replace("+00:00", "Z") for at in times)
    return {"suggestedWindow": {"start": start_text, "end": end_text}, "explanationURL": "https://ca.example/why"}


class Authority(unittest.TestCase):
    """Answers at /directory, and at /ari/ID what `said` has: a status, headers, a body."""

    def setUp(self) -> None:
        outer = self
        self.asked: list[tuple[str, str, str]] = []
        self.said: tuple[int, dict[str, str], bytes] = (404, {}, b"")
        self.meanwhile = lambda: None

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.command, self.path, self.headers["User-Agent"]))
                status, headers, body = outer.said
                if self.path == "/directory":
                    status, headers, body = 200, {}, json.dumps(outer.offered).encode()
                else:
                    outer.meanwhile()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:  # the asker has heard enough
                    pass

            do_POST = do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        patch = mock.patch.dict(os.environ, {"no_proxy": "127.0.0.1"})
        patch.start()
        self.addCleanup(patch.stop)
        self.web = f"http://127.0.0.1:{server.server_address[1]}"
        self.directory = f"{self.web}/directory"
        self.offered: dict[str, Any] = {"newOrder": f"{self.web}/order", "renewalInfo": f"{self.web}/ari"}

    def say(self, found: Any, retry_after: str = "", status: int = 200) -> None:
        self.said = status, {"Retry-After": retry_after} if retry_after else {}, json.dumps(found).encode()

    def questions(self) -> int:
        return sum(path != "/directory" for _, path, _ in self.asked)


class Asking(Authority):
    def ask(self) -> renewal_info.Answer:
        return renewal_info.ask(self.directory, "a.b")

    def test_it_reads_two_places_and_needs_no_account(self) -> None:
        self.say(window(1000, 2000), "3600")
        self.assertEqual(self.ask(), (True, (1000, 2000), "3600"))
        self.assertEqual(self.asked, [("GET", "/directory", "berth-host"), ("GET", "/ari/a.b", "berth-host")])

    def test_other_ways_to_write_a_time(self) -> None:
        for start in ("1970-01-01T01:16:40+01:00", "1970-01-01T00:16:40.000000Z"):
            self.say({"suggestedWindow": {"start": start, "end": "1970-01-01T00:33:20Z"}})
            self.assertEqual(self.ask().window, (1000, 2000), start)

    def test_nonsense_suggests_nothing(self) -> None:
        end = "2026-01-01T00:00:00Z"
        for found in (
            None,
            [],
            {},
            {"suggestedWindow": None},
            {"suggestedWindow": "soon"},
            {"suggestedWindow": {"start": end}},
            {"suggestedWindow": {"start": 5, "end": 6}},
            {"suggestedWindow": {"start": "tomorrow", "end": end}},
            {"suggestedWindow": {"start": "2025-01-01T00:00:00", "end": end}},
            window(2000, 1000),
            window(1000, 1000),
        ):
            self.say(found, "60")
            self.assertEqual(self.ask(), (True, None, "60"), found)
        for body in (b"", b"{", b"[" * 60_000, b"\xff"):
            self.said = 200, {}, body
            self.assertEqual(self.ask(), (True, None, ""), body[:9])

    def test_one_that_offers_none_isnt_asked_for_it(self) -> None:
        for offered in ({}, [], {"renewalInfo": None}, {"renewalInfo": {}}):
            self.offered = offered  # type: ignore[assignment]
            self.assertEqual(self.ask(), (False, None, ""), offered)
        self.assertEqual(self.questions(), 0)

    def test_one_that_refuses_may_say_for_how_long(self) -> None:
        for status in (404, 429, 500, 503):
            self.say(window(1000, 2000), "7200", status)
            self.assertEqual(self.ask(), (False, None, "7200"), status)

    def test_no_answer_and_an_endless_one_are_none(self) -> None:
        self.said = 200, {}, json.dumps(window(1000, 2000)).encode() + b" " * 70_000
        self.assertEqual(self.ask(), (False, None, ""))
        for offered in ("http://127.0.0.1:1/ari", "nowhere", "http://[", ""):
            self.offered = {"renewalInfo": offered}
            self.assertEqual(self.ask(), (False, None, ""), offered)
        self.directory = "http://127.0.0.1:1/directory"
        self.assertEqual(self.ask(), (False, None, ""))

    def test_nothing_on_the_host_is_read_for_it(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "a.b").write_text(json.dumps(window(1000, 2000)))
            self.offered = {"renewalInfo": f"file://{folder}"}
            self.assertEqual(self.ask(), (False, None, ""))


class Renewing(Authority):
    def setUp(self) -> None:
        super().setUp()
        self.bucket = Bucket()
        self.address = "203.0.113.7"
        self.ordered: list[dict[str, Any]] = []
        for place, name, stand_in in (
            (files, "install", lambda pem, names: None),
            (certificate.Keeper, "find_address", lambda _: self.address),
            (certificate.Keeper, "order", lambda keeper, state: self.order(keeper, state)),
        ):
            patch = mock.patch.object(place, name, stand_in)
            patch.start()
            self.addCleanup(patch.stop)
        self.settings = {**SETTINGS, "directory": self.directory}
        self.known: dict[str, Any] = {"wanted": ["203.0.113.7"], "directory": self.directory, "share": 0.5}

    def order(self, keeper: certificate.Keeper, state: dict[str, Any]) -> dict[str, Any]:
        """Up to the order itself, and what is kept of it."""
        self.ordered.append(state)
        kept = {**make_certificate(keeper.names, time.time(), 90 * DAY), "directory": self.directory}
        facts = files.read_facts(kept["chain"], kept["key"])
        asked = {"id": facts["id"], "again": time.time() + 6 * HOUR}
        self.assertTrue(keeper.store.write({"certificate": kept, "window": {"id": facts["id"]}, "asked": asked}))
        return facts

    def keeper(self, host: str = "i-1") -> certificate.Keeper:
        store = certificate.Store(self.bucket)  # type: ignore[arg-type]
        return certificate.Keeper(store, host, self.settings, self.known)

    def run_once(self) -> dict[str, Any]:
        told = self.keeper().run()
        self.assertNotIn("error", told)
        self.known = told
        return told

    def state(self) -> dict[str, Any]:
        return dict(json.loads(self.bucket.body))

    def put(self, **changes: Any) -> None:
        """Somebody else's write."""
        state = {**(self.state() if self.bucket.body else {}), **changes}
        condition = {"If-Match": self.bucket.etag} if self.bucket.etag else {"If-None-Match": "*"}
        self.assertTrue(self.bucket.put_if("tls/state.json", state, condition))

    def issue(self, age_days: float, asked_s: float | None = None) -> dict[str, Any]:
        """A certificate for 90 days that is to be renewed 60 days after its beginning, and was asked about so long ago."""
        kept = {**make_certificate(["203.0.113.7"], time.time() - age_days * DAY, 90 * DAY), "directory": self.directory}
        facts = files.read_facts(kept["chain"], kept["key"])
        middle = facts["notBefore"] + 58 * DAY
        suggested = {"id": facts["id"], "start": middle - DAY, "end": middle + DAY, "until": facts["notAfter"]}
        asked = {} if asked_s is None else {"asked": {"id": facts["id"], "again": time.time() + asked_s}}
        self.put(certificate=kept, window=suggested, **asked)
        return {**facts, "middle": middle}

    def assert_former(self, facts: dict[str, Any], told: dict[str, Any]) -> None:
        self.assertEqual(told["next"], facts["middle"])
        self.assertEqual((self.state()["window"]["start"], self.ordered), (facts["middle"] - DAY, []))
        self.assertAlmostEqual(told["look"] - time.time(), 6 * HOUR, delta=60)

    def test_nobody_is_asked_before_it_is_time(self) -> None:
        for pause, look in ((2 * HOUR, 2 * HOUR), (12 * HOUR, 6 * HOUR)):
            facts = self.issue(20, pause)
            writes, told = self.bucket.count, self.run_once()
            self.assertEqual((self.asked, self.bucket.count, told["next"]), ([], writes, facts["middle"]))
            self.assertAlmostEqual(told["look"] - time.time(), look, delta=60)

    def test_one_that_is_due_is_renewed_without_a_question(self) -> None:
        self.issue(70)
        told = self.run_once()
        self.assertEqual((len(self.ordered), self.asked), (1, []))
        self.assertAlmostEqual(told["next"] - time.time(), 45 * DAY, delta=60)

    def test_a_state_without_the_time_of_the_question_is_asked_about_once(self) -> None:
        facts = self.issue(20)
        begins = facts["middle"] + DAY
        self.say(window(begins, begins + 2 * DAY), "21600")
        told = self.run_once()
        self.assertEqual((self.questions(), self.ordered), (1, []))
        self.assertAlmostEqual(told["next"], begins + DAY, delta=0.01)
        self.assertAlmostEqual(told["look"] - time.time(), 6 * HOUR, delta=60)
        self.assertEqual(self.state()["window"]["id"], facts["id"])
        again, writes = self.run_once(), self.bucket.count
        self.assertEqual((self.questions(), again["next"]), (1, told["next"]))
        self.assertEqual(self.bucket.count, writes)

    def test_the_same_answer_costs_one_write_and_no_report(self) -> None:
        facts = self.issue(20)
        self.say(window(facts["middle"] - DAY, facts["middle"] + DAY), "21600")
        first = self.run_once()
        self.put(asked={"id": facts["id"], "again": time.time() - 1})
        writes, second = self.bucket.count, self.run_once()
        self.assertEqual((self.questions(), self.bucket.count), (2, writes + 1))
        self.assertEqual({**first, "look": 0}, {**second, "look": 0})

    def test_one_that_the_authority_wants_renewed_now_is_ordered_now(self) -> None:
        facts = self.issue(20, -1)
        self.say(window(time.time() - 2 * HOUR, time.time() - HOUR))
        told = self.run_once()
        self.assertEqual((self.questions(), len(self.ordered)), (1, 1))
        self.assertEqual(self.keeper().find_replaced(self.ordered[0]), facts["id"])
        self.assertNotEqual(self.state()["asked"]["id"], facts["id"])
        self.assertAlmostEqual(told["next"] - time.time(), 45 * DAY, delta=60)

    def test_no_answer_orders_a_young_one_again(self) -> None:
        facts = self.issue(5)
        self.say(window(time.time() - 2 * HOUR, time.time() - HOUR))
        told = self.run_once()
        self.assertEqual((self.questions(), self.ordered), (1, []))
        self.assertAlmostEqual(told["next"], facts["notBefore"] + 9 * DAY, delta=1)

    def test_one_that_is_due_soon_is_looked_at_then(self) -> None:
        self.issue(58 - 1 / 24)
        self.said = 500, {}, b""
        told = self.run_once()
        self.assertEqual(told["look"], told["next"])

    def test_without_an_answer_the_former_suggestion_stays(self) -> None:
        for said in ((500, {}, b""), (404, {}, b""), (200, {}, b"{"), (200, {}, b'{"suggestedWindow": {"start": 1}}')):
            self.asked = []
            facts = self.issue(20, -1)
            self.said = said
            for _ in range(2):
                self.assert_former(facts, self.run_once())
            self.assertEqual(self.questions(), 1, said)
            self.assertTrue(self.known.get("failures", 0) == 0)

    def test_nothing_offered_and_nobody_there_leave_it_too(self) -> None:
        self.offered = {}
        facts = self.issue(20, -1)
        for _ in range(2):
            self.assert_former(facts, self.run_once())
        self.assertEqual(len(self.asked), 1)
        self.put(certificate={**self.state()["certificate"], "directory": "http://127.0.0.1:1/directory"})
        self.put(asked={"id": facts["id"], "again": 0})
        for place in (self.settings, self.known):
            place["directory"] = "http://127.0.0.1:1/directory"
        self.assert_former(facts, self.run_once())

    def test_one_that_never_suggested_anything_is_renewed_at_half_of_its_life(self) -> None:
        self.offered = {}
        facts = self.issue(20)
        self.put(window={})
        for _ in range(2):
            told = self.run_once()
            self.assertEqual(told["next"], facts["notBefore"] + 45 * DAY)
        self.assertEqual((len(self.asked), self.keeper().find_replaced(self.state())), (1, ""))

    def test_the_authority_says_when_to_ask_again_within_bounds(self) -> None:
        for said, pause, look in (
            ("7200", 2 * HOUR, 2 * HOUR),
            ("5", HOUR, HOUR),
            ("43200", 12 * HOUR, 6 * HOUR),
            ("9999999", 24 * HOUR, 6 * HOUR),
            ("", 6 * HOUR, 6 * HOUR),
            ("soon", 6 * HOUR, 6 * HOUR),
        ):
            for status in (200, 503):
                facts = self.issue(20, -1)
                self.say(window(facts["middle"] - DAY, facts["middle"] + DAY), said, status)
                told = self.run_once()
                self.assertAlmostEqual(self.state()["asked"]["again"] - time.time(), pause, delta=60, msg=said)
                self.assertAlmostEqual(told["look"] - time.time(), look, delta=60, msg=said)

    def test_a_clock_that_was_off_silences_nobody(self) -> None:
        self.issue(20, 400 * DAY)
        self.run_once()
        self.assertEqual(self.questions(), 1)

    def test_of_two_hosts_one_asks(self) -> None:
        facts = self.issue(20, -1)
        first, other = self.keeper("i-1"), self.keeper("i-2")
        for keeper in (first, other):
            keeper.store.read()
        self.assertAlmostEqual(first.ask(facts) - time.time(), 6 * HOUR, delta=60)
        self.assertAlmostEqual(other.ask(facts) - time.time(), 60, delta=20)
        self.assertEqual(self.questions(), 1)
        self.assertAlmostEqual(self.keeper("i-2").run()["look"] - time.time(), 6 * HOUR, delta=60)
        self.assertEqual(self.questions(), 1)

    def test_what_another_host_wrote_meanwhile_stays(self) -> None:
        facts = self.issue(20, -1)
        self.say(window(time.time() - 2 * HOUR, time.time() - HOUR))
        self.meanwhile = lambda: self.put(claim={"host": "i-2", "until": time.time() + 180})
        told = self.run_once()
        self.assertEqual(self.state()["claim"]["host"], "i-2")
        self.assertEqual((self.ordered, told["next"]), ([], facts["middle"]))
        self.assertAlmostEqual(told["look"] - time.time(), 60, delta=20)

    def test_a_host_without_the_address_leaves_the_question_to_the_other(self) -> None:
        self.address = "198.51.100.1"
        facts = self.issue(20, -1)
        self.assert_former(facts, self.run_once())
        self.assertEqual((self.asked, self.bucket.count), ([], 1))

    def test_a_new_host_tells_of_its_certificate_first_and_asks_soon(self) -> None:
        facts = self.issue(20, -1)
        self.known = {}
        told = self.run_once()
        self.assertEqual((self.asked, told["certificate"]["names"]), ([], ["203.0.113.7"]))
        self.assertAlmostEqual(told["look"] - time.time(), 60, delta=20)
        self.run_once()
        self.assertEqual((self.questions(), self.state()["asked"]["id"]), (1, facts["id"]))

    def test_a_suggestion_counts_for_its_certificate_alone(self) -> None:
        facts = self.issue(20)
        keeper, state = self.keeper(), self.state()
        start, end = facts["middle"] - DAY, facts["middle"] + DAY
        self.assertEqual(keeper.find_suggestion(facts, state), (start, end))
        for none in (None, {}, "soon", {"id": facts["id"]}):
            self.assertIsNone(keeper.find_suggestion(facts, {**state, "window": none}), none)
        for changes in ({"id": "another"}, {"until": time.time() - 1}):
            self.assertIsNone(keeper.find_suggestion(facts, {**state, "window": {**state["window"], **changes}}))

    def test_what_is_found_is_kept_with_the_certificate_it_is_about(self) -> None:
        facts, former = {"id": "a.b", "notAfter": 9000.0}, {"id": "a.b", "start": 1.0, "end": 2.0, "until": 9000.0}
        found = {"id": "a.b", "start": 1000.0, "end": 2000.0, "until": 9000.0}
        self.say(window(1000, 2000))
        self.assertEqual(certificate.find_window(self.directory, facts, former), (found, plan.LOOK_S))
        self.say({}, "7200")
        self.assertEqual(certificate.find_window(self.directory, facts, former), (former, 7200))
        self.assertEqual(certificate.find_window(self.directory, facts, {}), ({"id": "a.b"}, 7200))
        self.offered = {}
        self.assertEqual(certificate.find_window(self.directory, facts, {}), ({}, plan.LOOK_S))

    def test_a_renewal_names_what_it_replaces(self) -> None:
        facts = self.issue(20)
        keeper, state = self.keeper(), self.state()
        self.assertEqual(keeper.find_replaced(state), facts["id"])
        for changes in (
            {"certificate": None},
            {"window": None},
            {"window": {}},
            {"certificate": {**state["certificate"], "directory": "https://staging.example/"}},
            {"certificate": {**state["certificate"], "names": ["a.example"]}},
        ):
            self.assertEqual(keeper.find_replaced({**state, **changes}), "", list(changes))


if __name__ == "__main__":
    unittest.main()
