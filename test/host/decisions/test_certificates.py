"""What the host decides about certificates, without an authority."""

import datetime
import pathlib
import re
import tempfile
import time
import unittest
from typing import Any
from unittest import mock

import certificate
import certificate_files as files
import certificate_plan as plan
import edge_settings
import https
import state
from certificates import DAY, DIRECTORY, SETTINGS, Bucket, make_certificate
from command import Failed


class Plan(unittest.TestCase):
    def test_the_domains_count_else_the_address_else_nothing(self) -> None:
        self.assertEqual(plan.names_of(SETTINGS), ["203.0.113.7"])
        self.assertEqual(plan.names_of({**SETTINGS, "names": ["a.example", "b.example"]}), ["a.example", "b.example"])
        self.assertEqual(plan.names_of({**SETTINGS, "isOn": False}), [])

    def test_a_certificate_is_for_exactly_the_names_and_of_this_authority(self) -> None:
        kept = {"names": ["b.example", "a.example"], "directory": DIRECTORY}
        self.assertTrue(plan.is_covering(kept, ["a.example", "b.example"], DIRECTORY))
        self.assertFalse(plan.is_covering(kept, ["a.example"], DIRECTORY))
        self.assertFalse(plan.is_covering(kept, ["a.example", "b.example"], "https://staging.example/"))
        self.assertFalse(plan.is_covering(None, ["a.example"], DIRECTORY))

    def test_half_of_the_lifetime_or_where_the_authority_says(self) -> None:
        facts = {"notBefore": 0.0, "notAfter": 100.0}
        self.assertEqual(plan.renewal_time(facts, None, 0.3), 50)
        self.assertEqual(plan.renewal_time(facts, (50, 70), 0.5), 60)

    def test_no_suggestion_makes_it_order_without_end_or_too_late(self) -> None:
        facts = {"notBefore": 0.0, "notAfter": 100.0}
        self.assertEqual(plan.renewal_time({"notBefore": 0.0, "notAfter": 30.0}, (400, 500), 0.5), 10)
        self.assertEqual(plan.renewal_time(facts, (-500, -400), 0.5), 10)
        self.assertAlmostEqual(plan.renewal_time(facts, (400, 500), 0.5), 100 * 2 / 3)

    def test_pauses_grow_up_to_six_hours_and_are_spread(self) -> None:
        for failures, longest in ((1, 10), (2, 20), (3, 40), (4, 1440), (5, 2880), (8, 21_600), (40, 21_600)):
            pauses = {plan.pause_after(failures, True) for _ in range(50)}
            self.assertTrue(all(longest / 2 <= pause <= longest for pause in pauses), failures)
            self.assertGreater(len(pauses), 1)

    def test_without_a_certificate_it_is_tried_at_least_every_24_minutes(self) -> None:
        for failures in (4, 5, 40):
            self.assertTrue(all(720 <= plan.pause_after(failures, False) <= 1440 for _ in range(50)), failures)

    def test_no_authority_sees_more_failed_checks_than_it_allows(self) -> None:
        with mock.patch.object(plan.random, "uniform", lambda least, _: least):
            failed_at, allowed, now = 0.0, 5.0, 0.0
            for failures in range(1, 100):
                allowed = min(5.0, allowed + (now - failed_at) / 720) - 1
                self.assertGreaterEqual(allowed, 0, failures)
                failed_at = now
                now += plan.pause_after(failures, False)

    def test_the_last_certificate_of_a_week_is_kept_back(self) -> None:
        now = 100 * DAY

        def issued(*days_ago: float, names: Any = ("a.example",), directory: str = DIRECTORY) -> list[dict[str, Any]]:
            return [{"names": list(names), "directory": directory, "at": now - ago * DAY} for ago in days_ago]

        def allowed(history: list[dict[str, Any]]) -> float:
            return plan.next_allowed(history, ["a.example"], DIRECTORY, now)

        self.assertEqual(allowed([]), now)
        self.assertEqual(allowed(issued(1, 2, 3)), now)
        self.assertEqual(allowed(issued(1, 2, 3, 6)), now + DAY)
        self.assertEqual(allowed(issued(1, 2, 3, 4, 6)), now + 3 * DAY)
        self.assertEqual(allowed(issued(1, 2, 3, 7.1)), now)
        self.assertEqual(allowed(issued(1, 2, 3) + issued(1, names=["b.example"])), now)
        self.assertEqual(allowed(issued(1, 2, 3) + issued(1, directory="https://staging.example/")), now)

    def test_the_authority_says_how_long_it_wants_to_be_left_alone(self) -> None:
        now = 784_111_777.0
        for said, wait in (
            ("3600", 3600),
            ("0", 0),
            ("9" * 5000, DAY),
            ("Sun, 06 Nov 1994 08:59:37 GMT", 600),
            ("Sun, 06 Nov 1994 08:39:37 GMT", 0),
            ("Sun, 06 Nov 9994 08:49:37 GMT", DAY),
            ("-60", 0),
            ("1.5", 0),
            ("soon", 0),
            ("", 0),
        ):
            self.assertEqual(plan.wait_asked(said, now), wait, said[:40])

    def test_one_host_at_a_time(self) -> None:
        self.assertFalse(plan.is_taken(None, "i-1", 100))
        self.assertTrue(plan.is_taken({"host": "i-2", "until": 101}, "i-1", 100))
        self.assertFalse(plan.is_taken({"host": "i-2", "until": 99}, "i-1", 100))
        self.assertFalse(plan.is_taken({"host": "i-1", "until": 101}, "i-1", 100))


class Domains(unittest.TestCase):
    DOMAINS = {"address": "203.0.113.7", "names": ["a.example", "b.example"], "hstsSeconds": 300}

    def render(self, **settings: Any) -> str:
        template = "server_name @server_names@; [@home@] [@hsts@]"
        return edge_settings.render_edge(template, {**edge_settings.DEFAULTS, **settings}, {})

    def test_the_edge_knows_the_domains_and_leads_the_address_to_the_first(self) -> None:
        self.assertEqual(
            " ".join(self.render(https=self.DOMAINS).split()),
            "server_name a.example b.example; [203.0.113.7 a.example;] "
            "[https:a.example max-age=300; https:b.example max-age=300;]",
        )

    def test_an_address_alone_gets_no_hsts_and_no_reload(self) -> None:
        self.assertEqual(self.render(), "server_name _; [] []")
        self.assertEqual(self.render(https={**self.DOMAINS, "hstsSeconds": 0}).split("[")[2], "]")

    def test_no_name_becomes_another_line_of_the_configuration(self) -> None:
        self.assertEqual(edge_settings.find_domain_excess({"https": self.DOMAINS}), [])
        for wrong in (
            {"names": ["a.example; include /etc/passwd"]},
            {"names": ["~.*"]},
            {"names": []},
            {"address": "_"},
            {"hstsSeconds": -1},
            {"hstsSeconds": "1"},
        ):
            told = {"https": {**self.DOMAINS, **wrong}}
            self.assertEqual(edge_settings.find_domain_excess(told), ["https"], wrong)


def slot_read(now: float) -> str:
    """The slot that the edge takes, by its own configuration."""
    conf = (pathlib.Path(files.__file__).parent / "edge.conf").read_text()
    found = re.search(r'map \$time_iso8601 \$certificate \{\s*"~(.*?)" (\w+);\s*default +(\w+);', conf)
    assert found
    time = datetime.datetime.fromtimestamp(int(now), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    return found[2] if re.search(found[1], time) else found[3]


class Slots(unittest.TestCase):
    def test_a_slot_is_written_only_while_the_edge_reads_the_other(self) -> None:
        for second in range(60, 120):
            for slot in files.SLOTS:
                at = second + files.seconds_until_idle(slot, second)
                for moment in (at - 2.99, at, at + 2.99):
                    self.assertNotEqual(slot_read(moment), slot, f"{slot} at {moment}")

    def test_both_slots_have_a_new_pair_within_sixteen_seconds(self) -> None:
        for tenth in range(200):
            begun = tenth / 10
            first, other = sorted(files.SLOTS, key=lambda one: files.seconds_until_idle(one, begun))
            now = begun + files.seconds_until_idle(first, begun)
            self.assertLessEqual(now + files.seconds_until_idle(other, now) - begun, 16, begun)

    def test_a_late_wake_up_is_no_reason_to_write_where_the_edge_reads(self) -> None:
        clock = [8.5]  # the even slot is being read, and the odd one will be in a moment
        written: list[float] = []

        def sleep(pause: float) -> None:
            clock[0] += pause + (8 if len(written) == 0 and clock[0] < 14 else 0)  # busy once

        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            for slot in files.SLOTS:
                (place / f"{slot}.pem").write_text("old")
            replace = pathlib.Path.replace

            def note(path: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
                self.assertNotEqual(target.stem, slot_read(clock[0]), clock[0])
                written.append(clock[0])
                return replace(path, target)

            with (
                mock.patch.object(files, "FOLDER", place),
                mock.patch.object(files, "NAMES", place / "names"),
                mock.patch.object(pathlib.Path, "replace", note),
                mock.patch.object(files.os, "chown"),
                mock.patch.object(files.time, "time", lambda: clock[0]),
                mock.patch.object(files.time, "sleep", sleep),
            ):
                files.install("new", ["a.example"])
        self.assertEqual(len(written), 2)


class Shown(unittest.TestCase):
    def test_what_the_edge_has_is_found_where_it_is_for_exactly_the_names(self) -> None:
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(files, "FOLDER", pathlib.Path(folder)):
            self.assertIsNone(files.find_shown(["a.example"]))
            made = make_certificate(["a.example"], 0.0, DAY)
            (files.FOLDER / "even.pem").write_text(f"{made['chain']}\n{made['key']}")
            self.assertEqual((files.find_shown(["a.example"]) or {})["notAfter"], DAY)
            self.assertIsNone(files.find_shown(["a.example", "b.example"]))
            (files.FOLDER / "even.pem").write_text("-----BEGIN")
            self.assertIsNone(files.find_shown(["a.example"]))


class Keeping(unittest.TestCase):
    def setUp(self) -> None:
        self.bucket = Bucket()
        self.store = certificate.Store(self.bucket)  # type: ignore[arg-type]
        self.installed: list[list[str]] = []
        self.address = "203.0.113.7"
        self.ordered = 0
        self.failure: Failed | None = None
        self.shown: dict[str, Any] | None = None
        for place, name, stand_in in (
            (files, "install", lambda pem, names: self.installed.append(names)),
            (files, "forget_names", lambda: self.installed.append([])),
            (files, "find_shown", lambda names: self.shown),
            (certificate.Keeper, "find_address", lambda _: self.address),
            (certificate.Keeper, "order", lambda keeper, kept: self.order(keeper)),
        ):
            patch = mock.patch.object(place, name, stand_in)
            patch.start()
            self.addCleanup(patch.stop)

    def order(self, keeper: certificate.Keeper) -> dict[str, Any]:
        self.ordered += 1
        if self.failure:
            raise self.failure
        kept = make_certificate(keeper.names, time.time() - 60, 6 * DAY)
        self.store.write({"certificate": kept})
        return files.read_facts(kept["chain"], kept["key"])

    def keep(self, known: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
        return certificate.Keeper(self.store, "i-1", {**SETTINGS, **settings}, known or {}).run()

    def put(self, names: list[str], begins: float, lasts: float, **more: Any) -> None:
        self.store.read()
        self.store.write({"certificate": {**make_certificate(names, begins, lasts), **more}})

    def test_a_host_without_one_orders(self) -> None:
        told = self.keep()
        self.assertEqual(self.ordered, 1)
        self.assertEqual(told["certificate"]["names"], ["203.0.113.7"])
        self.assertNotIn("error", told)
        self.assertAlmostEqual(told["next"] - time.time(), 3 * DAY, delta=120)

    def test_a_replaced_host_shows_the_one_in_the_bucket_and_orders_none(self) -> None:
        self.put(["203.0.113.7"], time.time() - 60, 6 * DAY)
        self.address = "198.51.100.1"
        told = self.keep()
        self.assertEqual((self.ordered, self.installed), (0, [["203.0.113.7"]]))
        self.assertEqual(told["certificate"]["names"], ["203.0.113.7"])

    def test_none_is_ordered_before_the_address_has_moved_here(self) -> None:
        self.address = "198.51.100.1"
        told = self.keep()
        self.assertEqual(self.ordered, 0)
        self.assertLess(told["look"] - time.time(), 10)
        self.assertNotIn("error", told)
        self.assertNotIn("next", told)

    def test_another_ones_or_a_damaged_one_is_never_shown(self) -> None:
        right, other = (make_certificate(["203.0.113.7"], time.time(), 6 * DAY) for _ in range(2))
        for damage in (
            {"names": ["a.example"], **make_certificate(["a.example"], time.time(), 6 * DAY)},
            {**right, "key": other["key"]},
            {**right, "chain": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
            {**right, "directory": "https://staging.example/"},
            {},
        ):
            self.store.read()
            self.store.write({"certificate": damage})
            self.installed, self.ordered = [], 0
            self.keep()
            self.assertEqual((self.installed, self.ordered), ([], 1))

    def test_an_object_that_is_no_json_is_written_anew(self) -> None:
        self.bucket.body, self.bucket.etag = b"{", '"0"'
        self.assertNotIn("error", self.keep())
        self.assertEqual(self.ordered, 1)

    def test_one_past_its_half_is_renewed_and_shown_until_then(self) -> None:
        self.put(["203.0.113.7"], time.time() - 4 * DAY, 6 * DAY)
        self.failure = Failed("no answer from the authority", cause="down")
        told = self.keep()
        self.assertEqual((self.ordered, self.installed), (1, [["203.0.113.7"]]))
        self.assertEqual((told["error"], told["cause"], told["failures"]), ("no answer from the authority", "down", 1))
        self.assertEqual(told["certificate"]["names"], ["203.0.113.7"])

    def test_an_expired_one_leads_nobody_to_https(self) -> None:
        self.put(["203.0.113.7"], time.time() - 7 * DAY, 6 * DAY)
        self.failure = Failed("no")
        told = self.keep()
        self.assertEqual(self.installed, [[]])
        self.assertLess(told["certificate"]["notAfter"], time.time())

    def test_one_from_the_future_is_waited_for_and_the_edge_goes_on_with_what_it_has(self) -> None:
        self.put(["203.0.113.7"], time.time() + 300, 6 * DAY)
        self.shown = {"names": ["203.0.113.7"], "issuer": "it", "notBefore": 0.0, "notAfter": time.time() + 60}
        told = self.keep()
        self.assertEqual((self.ordered, self.installed), (0, []))
        self.assertEqual((told["cause"], told["certificate"]), ("clock", self.shown))
        self.assertRegex(told["error"], "^the new certificate is valid only from 20.*Z, and it is 20.*Z here: .* clock ")
        self.assertAlmostEqual(told["next"] - time.time(), 300, delta=20)
        self.assertEqual(self.keep(told)["failures"], 2)

    def test_nobody_is_led_to_https_while_all_that_there_is_is_from_the_future(self) -> None:
        self.put(["203.0.113.7"], time.time() + 300, 6 * DAY)
        self.assertNotIn("certificate", self.keep())
        self.shown = {"names": ["203.0.113.7"], "issuer": "it", "notBefore": 0.0, "notAfter": time.time() - 1}
        self.keep()
        self.assertEqual((self.ordered, self.installed), (0, [[]]))

    def test_one_from_beyond_tomorrow_is_not_waited_for(self) -> None:
        self.put(["203.0.113.7"], time.time() + 2 * DAY, 6 * DAY)
        self.assertNotIn("error", self.keep())
        self.assertEqual(self.ordered, 1)

    def test_no_try_comes_before_it_is_of_use(self) -> None:
        self.failure = Failed("asked too often", cause="limit", until=time.time() + 7200)
        self.assertAlmostEqual(self.keep()["next"] - time.time(), 7200, delta=20)

    def test_failures_in_a_row_are_counted_and_others_start_anew(self) -> None:
        self.failure = Failed("no")
        told = self.keep(self.keep(self.keep()))
        self.assertEqual(told["failures"], 3)
        self.assertEqual(self.keep(told, names=["a.example"])["failures"], 1)

    def test_of_two_writers_one_is_told_that_it_was_late(self) -> None:
        other = certificate.Store(self.bucket)  # type: ignore[arg-type]
        self.store.read()
        other.read()
        self.assertEqual((self.store.write({"a": 1}), other.write({"a": 2})), (True, False))


class Ordering(unittest.TestCase):
    def test_the_fifth_of_a_week_is_refused_with_when_the_next_is_due(self) -> None:
        now = time.time()
        keeper = certificate.Keeper(certificate.Store(Bucket()), "i-1", SETTINGS, {})  # type: ignore[arg-type]
        issued = [{"names": ["203.0.113.7"], "directory": DIRECTORY, "at": now - day * DAY} for day in (1, 2, 3, 4)]
        keeper.require_spare(issued[:3], False, now)
        keeper.require_spare(issued, True, now)
        with self.assertRaisesRegex(Failed, "4 certificates for 203.0.113.7 .* the next is due at 20"):
            keeper.require_spare(issued, False, now)


class Converger(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        patch = mock.patch.object(state, "STATE", pathlib.Path(folder.name))
        patch.start()
        self.addCleanup(patch.stop)
        self.calls: list[str] = []
        patch = mock.patch.object(https, "call", lambda *command: self.calls.append(command[-1]))
        patch.start()
        self.addCleanup(patch.stop)
        self.bucket = Bucket()
        self.one = https.Https(self.bucket)  # type: ignore[arg-type]

    def publish(self, **changes: Any) -> None:
        self.bucket.put_if("https.json", {**SETTINGS, **changes}, {"If-Match": self.bucket.etag} if self.bucket.etag else {"If-None-Match": "*"})
        self.one.ask_at = 0

    def test_nothing_happens_without_settings(self) -> None:
        self.one.turn()
        self.assertEqual((self.calls, self.one.told(), self.one.is_settling()), ([], {"https": {"wanted": []}}, False))

    def test_new_settings_start_the_service_once_until_it_is_due(self) -> None:
        self.publish()
        self.one.turn()
        self.assertTrue(self.one.is_settling())
        told = {"wanted": ["203.0.113.7"], "directory": DIRECTORY}
        state.save("certificate.json", {**told, "next": time.time() + 600})
        self.one.start_at = 0
        self.one.turn()
        self.assertEqual((self.calls, self.one.is_settling()), ([https.SERVICE], False))
        state.save("certificate.json", {**told, "error": "no answer", "cause": "bucket", "next": time.time() + 600})
        self.assertTrue(self.one.is_settling())
        shown = {"names": ["203.0.113.7"], "notBefore": 0, "notAfter": 1}
        state.save("certificate.json", {**told, "error": "no answer", "cause": "bucket", "certificate": shown})
        self.assertFalse(self.one.is_settling())
        state.save("certificate.json", {**told, "next": time.time() - 1})
        self.one.turn()
        self.publish(names=["a.example"])
        self.one.turn()
        self.assertEqual(self.calls, [https.SERVICE] * 3)

    def test_the_service_looks_before_it_renews(self) -> None:
        self.publish()
        self.one.turn()
        now = time.time()
        for look, next_s, starts in ((600, 900, 0), (-1, 900, 1), (-1, None, 1), (None, 900, 0), (None, -1, 1)):
            times = {name: now + at for name, at in (("look", look), ("next", next_s)) if at is not None}
            state.save("certificate.json", {"wanted": ["203.0.113.7"], "directory": DIRECTORY, **times})
            self.calls.clear()
            self.one.start_at = 0
            self.one.turn()
            self.assertEqual(len(self.calls), starts, times)

    def test_settings_that_come_while_the_service_runs_start_it_again(self) -> None:
        next_s = time.time() + 600
        self.publish()
        self.one.turn()
        for settings in ({"names": ["a.example"]}, {"directory": "https://staging.example/"}, {"isOn": False}):
            self.publish(**settings)
            self.one.turn()
            # systemd starts nothing that runs, and this one had read the settings of before.
            state.save("certificate.json", {"wanted": ["203.0.113.7"], "directory": DIRECTORY, "next": next_s})
            self.calls.clear()
            self.one.start_at = 0
            self.one.turn()
            self.assertEqual(self.calls, [https.SERVICE], settings)

    def test_settings_that_no_configuration_may_hold_are_not_taken(self) -> None:
        for changes in (
            {"names": ["../../etc/passwd"]},
            {"names": ["a.example;"]},
            {"names": ["A.example"]},
            {"names": ["..a"]},
            {"names": ["a.example"] * 11},
            {"names": "a.example"},
            {"address": "{"},
            {"isOn": 1},
            {"directory": "http://ca.example/"},
            {"hstsSeconds": "300"},
        ):
            self.publish(**changes)
            self.one.turn()
            self.assertIsNone(self.one.settings, changes)
        self.assertEqual(self.calls, [])

    def test_the_report_has_times_that_people_read(self) -> None:
        self.publish()
        self.one.turn()
        shown = {"names": ["203.0.113.7"], "issuer": "it", "notBefore": 0.0, "notAfter": 86400.0}
        told = {"wanted": ["203.0.113.7"], "directory": DIRECTORY, "share": 0.1, "next": 3600.0, "look": 60.0, "certificate": shown}
        state.save("certificate.json", told)
        self.assertEqual(
            self.one.told()["https"],
            {
                "wanted": ["203.0.113.7"],
                "certificate": {**shown, "notBefore": "1970-01-01T00:00:00Z", "notAfter": "1970-01-02T00:00:00Z"},
                "next": "1970-01-01T01:00:00Z",
            },
        )


if __name__ == "__main__":
    unittest.main()
