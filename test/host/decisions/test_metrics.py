"""What is counted of a host's requests, what is sent of it and when, and what becomes of it while AWS doesn't answer."""

import collections
import json
import os
import pathlib
import tempfile
import unittest
from typing import Any
from unittest.mock import patch

import edge
import fetch
import metrics
import state
import traffic
import vitals
from stand_ins import Clock
from test_secrets import Answer

START = 1795748700  # a whole minute
NAMESPACE = "Berth/shop"


def line(at: float, status: int = 200, tries: str = "200", seconds: float = 0.01, failure: str = "", path: str = "/", id: str = "") -> bytes:
    """As edge.conf has nginx write it."""
    time = traffic.datetime.datetime.fromtimestamp(int(at), traffic.datetime.timezone.utc).isoformat()
    start = {"time": time, "id": id or f"{at:032.3f}", "client": "192.0.2.1", "method": "GET", "path": path, "status": status, "bytes": 7}
    return json.dumps({**start, "seconds": seconds, "failure": failure, "replicas": "", "tries": tries}).encode() + b"\n"


class Aws:
    """Takes metrics as CloudWatch does."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.taken: dict[tuple[str, int], list[dict[str, Any]]] = collections.defaultdict(list)
        self.calls: list[int] = []
        self.refusal = ""
        self.is_away = False
        self.connections = 0

    def connect(self, host: str) -> "Aws":
        assert host == "monitoring.eu-central-1.amazonaws.com"
        if self.is_away:
            raise OSError("no route")
        self.connections += 1
        return self

    def request(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
        assert headers["x-amz-target"] == "GraniteServiceVersion20100801.PutMetricData"
        assert headers["content-type"] == "application/x-amz-json-1.0"
        assert "/eu-central-1/monitoring/aws4_request" in headers["authorization"]
        assert len(body) < 1_000_000
        self.asked = json.loads(body)

    def getresponse(self) -> Answer:
        assert self.asked["Namespace"] == NAMESPACE
        data = self.asked["MetricData"]
        if self.refusal:
            return Answer(400, {"__type": f"GraniteServiceVersion20100801#{self.refusal}"})
        if len(data) > 1000 or any(not self.is_fit(one) for one in data):
            return Answer(400, {"__type": "GraniteServiceVersion20100801#InvalidParameterValueException"})
        self.calls.append(len(data))
        for one in data:
            self.taken[one["MetricName"], one["Timestamp"]].append(one)
        return Answer(200, {})

    def is_fit(self, one: dict[str, Any]) -> bool:
        values, counts = one.get("Values", []), one.get("Counts", [])
        age = self.clock.now - one["Timestamp"]
        return len(values) == len(counts) <= 150 and min(counts, default=1) >= 1 and -7200 <= age <= 14 * 86400 and "Dimensions" not in one

    def close(self) -> None:
        pass

    def counts(self, name: str, at: int = START) -> dict[float, int]:
        """Value -> how often, of one minute."""
        found: collections.Counter[float] = collections.Counter()
        for one in self.taken.get((name, at), []):
            for value, count in zip(one.get("Values", [one.get("Value")]), one.get("Counts", [1])):
                found[value] += count
        return dict(found)

    def minutes(self, name: str) -> list[int]:
        return sorted((at - START) // 60 for metric, at in self.taken if metric == name)


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.now = START + 3.0
        self.aws = Aws(self.clock)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.edge_log = self.folder / "edge.log"
        self.asked, self.is_up, self.is_listening = 0, True, True
        self.said: list[str] = []
        for patched in (
            patch.object(fetch, "connect", self.aws.connect),
            patch.object(fetch, "read_credentials", lambda: {"AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T"}),
            patch.object(state, "STATE", self.folder),
            patch.object(edge, "LOG", self.edge_log),
            patch.object(metrics, "time", self.clock),
            patch.object(vitals, "time", self.clock),
            patch.object(vitals, "is_edge_there", lambda: self.is_listening),
            patch.object(vitals, "is_answering", self.answer),
            patch.object(metrics.log, "warning", lambda text, *more: self.said.append(text % more)),
            patch.object(metrics.log, "disabled", True),
        ):
            patched.start()
            self.addCleanup(patched.stop)
        state.save("serving.json", {"number": 7})
        self.meter = self.restart()

    def answer(self, _: Any) -> bool:
        self.asked += 1
        return self.is_up

    def restart(self) -> metrics.Meter:
        self.meter = metrics.Meter({"region": "eu-central-1", "domain": "amazonaws.com"}, NAMESPACE)
        return self.meter

    def write(self, *lines: bytes, to: str = "edge.log") -> None:
        with (self.folder / to).open("ab") as file:
            file.writelines(lines)

    def at(self, seconds: float) -> None:
        """The time goes on to so long after the start."""
        self.clock.now = START + seconds
        self.meter.turn()


class Counting(Case):
    def test_each_request_is_zero_or_one_as_its_client_saw_it(self) -> None:
        self.write(*[line(START + 5) for _ in range(7)], line(START + 6, 502, "502, 502", 0.2, "lost"), line(START + 7, 404, "404"))
        self.at(30)
        self.assertEqual(self.aws.calls, [])
        self.at(63)
        self.assertEqual(self.aws.counts("FailedRequests"), {0: 8, 1: 1})
        self.assertEqual(self.aws.counts("ResponseTime"), {0.01: 8, 0.2: 1})
        self.assertEqual(len(self.aws.calls), 1)

    def test_a_failure_that_was_repeated_is_one_of_a_try_and_none_of_a_request(self) -> None:
        self.write(line(START + 5, 200, "500 : 502, 200"))
        self.at(63)
        self.assertEqual(self.aws.counts("FailedRequests"), {0: 1})
        self.assertEqual(self.aws.counts("FailedTries"), {0: 1, 1: 2})

    def test_the_page_of_a_maintenance_is_no_failure_and_no_time_of_the_app(self) -> None:
        self.write(line(START + 5, 503, "", 0.0, "maintenance"), line(START + 6, 503, "", 0.5, "unreached"))
        self.at(63)
        self.assertEqual(self.aws.counts("FailedRequests"), {0: 1, 1: 1})
        self.assertEqual(self.aws.counts("ResponseTime"), {0.5: 1})
        self.assertEqual(self.aws.counts("FailedTries"), {})

    def test_what_is_no_http_at_all_is_a_failure(self) -> None:
        self.write(line(START + 5, 9, "009502", 0.1, "unreadable"))
        self.at(63)
        self.assertEqual(self.aws.counts("FailedRequests"), {1: 1})

    def test_a_minute_without_requests_says_so_by_silence(self) -> None:
        self.at(63)
        for name in ("FailedRequests", "FailedTries", "ResponseTime"):
            self.assertEqual(self.aws.minutes(name), [])
        for name in ("MemoryUsed", "DiskUsed", "Restarts", "Serving"):
            self.assertEqual(self.aws.minutes(name), [0])

    def test_a_request_belongs_to_the_minute_in_which_it_was_answered(self) -> None:
        self.write(line(START + 59.9), line(START + 60.1), line(START + 61))
        self.at(63)
        self.write(line(START + 59, id="c" * 32), line(START + 70))
        self.at(123)
        self.assertEqual(self.aws.counts("FailedRequests"), {0: 2})
        self.assertEqual(self.aws.counts("FailedRequests", START + 60), {0: 3})

    def test_whatever_a_path_says_nothing_else_is_read_from_it(self) -> None:
        self.write(line(START + 5, path='/","status":500,"tries":"500'), b'{"time":"never"}\n', b"\n", b"[]\n", b"\xff\n")
        self.at(63)
        self.assertEqual((self.aws.counts("FailedRequests"), self.aws.counts("FailedTries")), ({0: 1}, {0: 1}))


class Times(Case):
    def test_of_a_busy_minute_fit_and_percentiles_and_sum_stay_right(self) -> None:
        times = [round(0.001 * 1.0008**at, 3) for at in range(16_000)]
        self.assertGreater(times[-1], 300)
        self.write(*[line(START + 5, seconds=time, id=f"{at:032}") for at, time in enumerate(times)])
        self.at(63)
        counted = sorted(self.aws.counts("ResponseTime").items())
        self.assertLessEqual(len(counted), 150)
        self.assertEqual(sum(count for _, count in counted), 16_000)
        total = sum(value * count for value, count in counted)
        self.assertAlmostEqual(total / sum(times), 1, delta=0.01)
        for share in (0.5, 0.9, 0.99):
            place, exact = share * 16_000, times[int(share * 16_000)]
            for value, count in counted:
                place -= count
                if place <= 0:
                    break
            self.assertAlmostEqual(value / exact, 1, delta=0.05, msg=str(share))

    def test_of_a_quiet_minute_are_as_they_were_to_two_digits(self) -> None:
        self.write(*[line(START + 5, seconds=time) for time in (0.0, 0.001, 0.0149, 1.234, 123.4)])
        self.at(63)
        self.assertEqual([*self.aws.counts("ResponseTime")], [0.0, 0.001, 0.015, 1.2, 120.0])


class Log(Case):
    def test_what_was_there_before_metrics_were_wished_is_passed_over(self) -> None:
        (self.folder / "metrics-unsent.json").unlink(missing_ok=True)
        self.write(line(START + 1))
        self.restart()
        self.write(line(START + 2))
        self.at(63)
        self.assertEqual(self.aws.counts("FailedRequests"), {0: 1})

    def test_no_line_is_lost_or_counted_twice_when_the_file_is_renamed(self) -> None:
        self.write(line(START + 1))
        self.at(2)
        self.write(line(START + 3))
        self.edge_log.rename(self.folder / "edge.log.1")
        self.write(line(START + 4), to="edge.log.1")
        self.at(5)
        self.write(line(START + 6), line(START + 6.5))
        self.write(line(START + 6), to="edge.log.1")
        self.at(7)
        self.edge_log.rename(self.folder / "edge.log.1")
        self.at(8)
        self.write(line(START + 9))
        self.at(63)
        self.assertEqual(self.aws.counts("FailedRequests"), {0: 7})

    def test_a_line_counts_once_it_is_whole(self) -> None:
        whole = line(START + 1, 500, "500")
        self.write(line(START + 1), whole[:-20])
        self.at(2)
        self.write(whole[-20:])
        self.at(63)
        self.assertEqual(self.aws.counts("FailedRequests"), {0: 1, 1: 1})

    def test_a_sender_that_was_killed_goes_on_where_it_was(self) -> None:
        self.write(line(START + 1))
        self.at(30)
        self.write(line(START + 31))
        self.at(63)
        self.write(line(START + 64))
        self.at(65)
        self.write(line(START + 66))
        self.edge_log.rename(self.folder / "edge.log.1")
        self.write(line(START + 90))
        self.clock.now = START + 3.0
        self.restart()
        self.at(123)
        self.assertEqual((self.aws.counts("FailedRequests"), self.aws.counts("FailedRequests", START + 60)), ({0: 2}, {0: 3}))


class Sending(Case):
    def test_each_minute_has_a_connection_of_its_own_as_aws_keeps_none_for_so_long(self) -> None:
        for minute in range(3):
            self.at(minute * 60 + 63)
        self.assertEqual((self.aws.connections, len(self.aws.calls)), (3, 3))

    def test_what_was_not_taken_is_sent_later_with_its_own_time(self) -> None:
        self.aws.is_away = True
        for minute in range(5):
            self.write(line(START + minute * 60 + 5, 500, "500"))
            self.at(minute * 60 + 63)
        self.assertEqual(len(self.said), 1)
        self.aws.is_away = False
        self.at(363)
        self.assertEqual(self.aws.minutes("FailedRequests"), [0, 1, 2, 3, 4])
        self.assertEqual(self.aws.minutes("Serving"), [0, 1, 2, 3, 4, 5])
        self.assertEqual(self.aws.counts("FailedRequests", START + 120), {1: 1})

    def test_it_outlives_the_sender(self) -> None:
        self.aws.refusal = "AccessDeniedException"
        self.write(line(START + 5))
        self.at(63)
        self.aws.refusal = ""
        self.restart()
        self.at(123)
        self.assertEqual(self.aws.counts("FailedRequests"), {0: 1})
        self.assertEqual(self.aws.minutes("Serving"), [0, 1])
        self.assertEqual(self.aws.counts("Serving"), {1: 1})

    def test_an_hour_of_it_is_kept_and_sent_within_the_limits_of_a_call(self) -> None:
        self.aws.is_away = True
        times = [round(0.001 * 1.05**at, 3) for at in range(250)]
        for minute in range(90):
            self.write(*[line(START + minute * 60 + 5, seconds=time) for time in times])
            self.at(minute * 60 + 63)
        self.aws.is_away = False
        self.at(90 * 60 + 63)
        sent = self.aws.minutes("ResponseTime")
        self.assertEqual((sent[0], sent[-1], len(sent)), (sent[0], 89, 90 - sent[0]))
        self.assertEqual(sent[0], 32)
        self.assertTrue(all(size <= 250 for size in self.aws.calls) and len(self.aws.calls) > 1, self.aws.calls)
        self.assertIn("are lost", " ".join(self.said))

    def test_why_it_is_refused_is_said_once(self) -> None:
        self.aws.refusal = "AccessDeniedException"
        for minute in range(4):
            self.at(minute * 60 + 63)
        self.aws.refusal = "InvalidSignatureException"
        self.at(4 * 60 + 63)
        refused = "Refusal: PutMetricData: {}; trying again each minute"
        self.assertEqual(self.said, [refused.format("AccessDeniedException"), refused.format("InvalidSignatureException")])

    def test_what_is_refused_for_what_it_is_holds_up_nothing(self) -> None:
        self.aws.refusal = "InvalidParameterValueException"
        self.at(63)
        self.aws.refusal = ""
        self.at(123)
        self.assertEqual(self.aws.minutes("Serving"), [1])

    def test_a_clock_that_is_set_neither_stops_it_nor_leaves_numbers_of_the_wrong_time(self) -> None:
        self.write(line(START + 7200))
        self.at(7263)  # the clock was two hours ahead
        self.at(10)
        self.at(63)
        self.assertTrue(set(self.aws.minutes("Serving")) >= {0})
        self.assertLessEqual(len(self.aws.calls), 3)
        self.at(86_400 * 30 + 63)
        self.assertEqual(self.aws.minutes("Serving")[-1], 30 * 1440)


class Vitals(Case):
    def test_restarts_are_those_of_the_minute(self) -> None:
        state.save("restarts.json", {"total": 5})
        self.at(63)
        state.save("restarts.json", {"total": 7})
        self.at(123)
        self.restart()
        state.save("restarts.json", {"total": 8})
        self.at(183)
        (self.folder / "restarts.json").unlink()
        self.at(243)
        found = [[*self.aws.counts("Restarts", START + minute * 60)] for minute in range(4)]
        self.assertEqual(found, [[0], [2], [1], [0]])

    def test_the_days_of_a_certificate_are_told_with_https_alone(self) -> None:
        told = {"certificate": {"notAfter": START + 6 * 86400 + 120}}
        state.save("certificate.json", told)
        self.at(63)
        self.assertEqual(self.aws.minutes("CertificateDays"), [])
        state.save("https.json", {"isOn": True})
        self.at(123)
        self.assertEqual(self.aws.counts("CertificateDays", START + 60), {6.0: 1})
        state.save("https.json", {"isOn": False})
        self.at(183)
        self.assertEqual(self.aws.minutes("CertificateDays"), [1])

    def serving(self, minute: int) -> int:
        self.at(minute * 60 + 63)
        return [*self.aws.counts("Serving", START + minute * 60)][0]

    def test_visitors_that_were_answered_by_the_app_are_proof_that_it_serves(self) -> None:
        self.is_up = False
        self.write(line(START + 5, 500, "500"), line(START + 5, 404, "404"))
        self.assertEqual((self.serving(0), self.asked), (1, 0))
        self.write(line(START + 65, 429, "", failure="limit"), line(START + 65, 503, "", failure="unreached"))
        self.assertEqual(self.serving(1), 0)

    def test_without_visitors_the_app_is_asked(self) -> None:
        self.assertEqual((self.serving(0), self.asked), (1, 1))
        self.is_up = False
        self.assertEqual((self.serving(1), self.asked), (0, 4))

    def test_a_maintenance_serves_and_an_edge_that_is_away_does_not(self) -> None:
        self.is_up = False
        (self.folder / "maintenance").mkdir()
        (self.folder / "maintenance" / "page.html").write_text("Soon")
        self.assertEqual((self.serving(0), self.asked), (1, 0))
        self.is_listening = False
        self.assertEqual(self.serving(1), 0)

    def test_a_host_without_a_release_serves_nothing(self) -> None:
        (self.folder / "serving.json").unlink()
        self.assertEqual((self.serving(0), self.asked), (0, 0))

    def test_memory_and_disk_are_shares_of_what_there_is(self) -> None:
        (self.folder / "meminfo").write_text("MemTotal:       1000 kB\nMemFree:  1 kB\nMemAvailable:    250 kB\nHugePages_Total:       0\n")
        size = lambda blocks, free: os.statvfs_result((4096, 4096, blocks, free + 5, free, 0, 0, 0, 0, 255))
        sizes = {vitals.ROOT: size(100, 60), vitals.volumes.ROOT: size(200, 10)}
        with patch.object(vitals, "MEMORY", self.folder / "meminfo"), patch.object(vitals.os, "statvfs", sizes.get):
            self.assertEqual((vitals.used_memory(), vitals.used_disk()), (75.0, 40.0))
            with patch.object(vitals.os.path, "ismount", lambda _: True):
                self.assertEqual(vitals.used_disk(), 95.0)


if __name__ == "__main__":
    unittest.main()
