"""What of a host's journal is sent, in which order, and what becomes of it while AWS doesn't answer."""

import io
import json
import pathlib
import queue
import tempfile
import types
import unittest
from typing import Any
from unittest.mock import patch

import app_secrets
import fetch
import logs
import replicas
import state
from test_secrets import Answer

NOW_S = 1795748700.0
DAY_MS = 86_400_000


class Aws:
    """Takes log events as CloudWatch does: of one call in their order, within a day, no more than fit."""

    def __init__(self) -> None:
        self.streams: dict[str, list[dict[str, Any]]] = {}
        self.calls: list[str] = []
        self.refusals: list[str] = []
        self.connections = 0

    def connect(self, host: str) -> "Aws":
        assert host == "logs.eu-central-1.amazonaws.com"
        self.connections += 1
        return self

    def request(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
        self.asked, self.operation = json.loads(body), headers["x-amz-target"].partition(".")[2]
        assert "/eu-central-1/logs/aws4_request" in headers["authorization"]
        self.calls.append(self.operation)

    def getresponse(self) -> Answer:
        if self.refusals:
            return Answer(400, {"__type": self.refusals.pop(0)})
        assert self.asked["logGroupName"] == "/berth/shop"
        name = self.asked["logStreamName"]
        if self.operation == "CreateLogStream":
            if name in self.streams:
                return Answer(400, {"__type": "ResourceAlreadyExistsException"})
            self.streams[name] = []
            return Answer(200, {})
        events = self.asked["logEvents"]
        times = [event["timestamp"] for event in events]
        size = sum(len(event["message"].encode()) + 26 for event in events)
        if times != sorted(times) or times[-1] - times[0] > DAY_MS or size > 1_048_576 or not all(e["message"] for e in events):
            return Answer(400, {"__type": "InvalidParameterException"})
        self.streams[name] += events
        return Answer(200, {"nextSequenceToken": "x"})

    def close(self) -> None:
        pass


def event(ago_s: float, text: str, stream: str = "agent/i-1", cursor: str = "") -> logs.Event:
    return logs.Event(stream, int((NOW_S - ago_s) * 1000), text, cursor or text[:9])


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.aws = Aws()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.slept: list[float] = []
        for patched in (
            patch.object(fetch, "connect", self.aws.connect),
            patch.object(fetch, "read_credentials", lambda: {"AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T"}),
            patch.object(state, "STATE", self.folder),
            patch.object(app_secrets, "FOLDER", self.folder / "secrets"),
            patch.object(logs.time, "sleep", self.slept.append),
            patch.object(logs.time, "time", lambda: NOW_S),
            patch.object(logs, "LOOK_S", 0.01),
            patch.object(logs.log, "disabled", True),
        ):
            patched.start()
            self.addCleanup(patched.stop)
        self.sender = logs.Sender({"region": "eu-central-1", "domain": "amazonaws.com"}, "/berth/shop")

    def send(self, *events: logs.Event) -> None:
        logs.send_all(self.sender, list(events))

    def messages(self, stream: str = "agent/i-1") -> list[str]:
        return [one["message"] for one in self.aws.streams[stream]]


class Sending(Case):
    def test_entries_come_in_the_order_of_their_time_and_those_of_one_moment_in_their_own(self) -> None:
        self.send(event(2, "b"), event(3, "a"), event(2, "c"))
        self.assertEqual(self.messages(), ["a", "b", "c"])
        self.assertEqual(self.aws.streams["agent/i-1"][0]["timestamp"], 1795748697000)
        self.assertEqual(self.aws.calls, ["CreateLogStream", "PutLogEvents"])

    def test_a_connection_serves_for_all_calls(self) -> None:
        self.send(event(2, "b"), event(2, "e", "edge/i-1"))
        self.send(event(1, "c"))
        self.assertEqual(self.aws.connections, 1)
        self.assertEqual((self.messages(), self.messages("edge/i-1")), (["b", "c"], ["e"]))

    def test_nothing_is_lost_and_nothing_sent_twice_while_aws_refuses(self) -> None:
        self.send(event(9, "first", "edge/i-1"))
        self.aws.refusals = ["ThrottlingException", "com.amazonaws#ServiceUnavailableException", "AccessDeniedException"]
        self.send(event(3, "a"), event(2, "b", "edge/i-1"))
        self.assertEqual((self.messages(), self.messages("edge/i-1")), (["a"], ["first", "b"]))
        self.assertEqual(self.slept, [1, 2, 4])

    def test_a_stream_that_was_taken_is_not_sent_again_when_another_is_refused(self) -> None:
        self.send(event(9, "z", "edge/i-1"), event(9, "y"))
        refusals, take = [Answer(400, {"__type": "ThrottlingException"})], self.aws.getresponse

        def answer() -> Answer:
            return refusals.pop() if refusals and self.aws.asked["logStreamName"] == "edge/i-1" else take()

        with patch.object(self.aws, "getresponse", answer):
            self.send(event(3, "a"), event(2, "b", "edge/i-1"))
        self.assertEqual((self.messages(), self.messages("edge/i-1")), (["y", "a"], ["z", "b"]))
        self.assertEqual(self.slept, [1])

    def test_a_stream_that_somebody_removed_is_made_again(self) -> None:
        self.send(event(9, "a"))
        del self.aws.streams["agent/i-1"]
        self.aws.refusals = ["ResourceNotFoundException"]
        self.send(event(8, "b"))
        self.assertEqual(self.messages(), ["b"])

    def test_entries_that_are_days_apart_go_in_calls_of_their_own(self) -> None:
        self.send(event(3 * 86400, "a"), event(2 * 86400, "b"), event(1, "c"))
        self.assertEqual(self.messages(), ["a", "b", "c"])
        self.assertEqual(self.slept, [])

    def test_what_cloudwatch_would_refuse_as_too_old_is_left_out(self) -> None:
        self.send(event(14 * 86400, "a"), event(1, "b"))
        self.assertEqual(self.messages(), ["b"])

    def test_what_was_sent_is_remembered_by_the_last_entry(self) -> None:
        self.send(event(1, "later", cursor="c1"), event(2, "earlier", cursor="c2"))
        self.assertEqual(state.load("logs-sent.json"), {"cursor": "c2"})

    def test_what_cloudwatch_took_only_in_part_is_said(self) -> None:
        self.sender.known.add("agent/i-1")
        answer = Answer(200, {"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 1}})
        with patch.object(self.aws, "getresponse", lambda: answer), patch.object(logs.log, "warning") as said:
            self.send(event(1, "a"))
        self.assertIn("refused some of", said.call_args.args[0])


class Reading(Case):
    def read(self, **fields: Any) -> logs.Event | None:
        entry = {"MESSAGE": "m", "_SYSTEMD_UNIT": "berth.service", "__REALTIME_TIMESTAMP": "1795748699123456", "__CURSOR": "c1"}
        return logs.read_entry("i-1", json.dumps({**entry, **fields}).encode())

    def test_an_entry_belongs_to_the_stream_of_its_unit(self) -> None:
        self.assertEqual(self.read(), logs.Event("agent/i-1", 1795748699123, "berth: m", "c1"))
        edge = self.read(_SYSTEMD_UNIT="nginx.service", MESSAGE='{"status":502}')
        self.assertEqual(edge, logs.Event("edge/i-1", 1795748699123, '{"status":502}', "c1"))
        # What systemd itself says of a unit.
        boot = self.read(_SYSTEMD_UNIT="init.scope", UNIT="cloud-final.service")
        self.assertEqual(boot and boot.stream, "boot/i-1")
        self.assertIsNone(self.read(_SYSTEMD_UNIT="ssh.service"))

    def test_what_is_no_text_is_read_as_far_as_it_goes(self) -> None:
        for message, text in (([104, 255, 105], "h\ufffdi"), (None, ""), (7, "7")):
            found = self.read(MESSAGE=message)
            self.assertEqual(found and found.text, f"berth: {text}")
        empty = self.read(MESSAGE="", _SYSTEMD_UNIT="nginx.service")
        self.assertEqual(empty and empty.text, " ")
        for damaged in (b"{", b"[]", b"{}", b"\xff"):
            self.assertIsNone(logs.read_entry("i-1", damaged))

    def test_an_entry_is_cut_where_it_is_too_long(self) -> None:
        found = self.read(MESSAGE="\u20ac" * 100_000)
        self.assertEqual(len(found.text) if found else 0, logs.TEXT_CHARACTERS + len("berth: "))

    def test_a_secret_is_hidden(self) -> None:
        (self.folder / "secrets").mkdir()
        (self.folder / "secrets" / "7.json").write_text(json.dumps({"TOKEN": "hunter2-x9Kq"}))
        found = self.read(MESSAGE="using hunter2-x9Kq")
        self.assertEqual(found and found.text, "berth: using (secret)")


class Following(Case):
    def follow(self, *lines: bytes, code: int = 0) -> tuple[logs.Journal, list[str]]:
        called: list[str] = []

        class Process:
            returncode = code
            stdout = io.BytesIO(b"\n".join(lines))

            def __init__(self, command: list[str], **_: Any) -> None:
                called.extend(command)

            def __enter__(self) -> "Process":
                return self

            def __exit__(self, *_: Any) -> None:
                pass

        journal = logs.Journal("i-1")
        with patch.object(logs, "subprocess", types.SimpleNamespace(Popen=Process, PIPE=-1)):
            journal.follow()
        return journal, called

    def entry(self, text: str) -> bytes:
        fields = {"MESSAGE": text, "_SYSTEMD_UNIT": "nginx.service", "__REALTIME_TIMESTAMP": "1795748699000000", "__CURSOR": text}
        return json.dumps(fields).encode()

    def test_a_batch_has_what_there_is_within_the_limits_of_a_call(self) -> None:
        journal, called = self.follow(self.entry("a"), b"-- no JSON", self.entry("b"))
        self.assertEqual([one.text for one in journal.batch()], ["a", "b"])
        self.assertEqual(journal.batch(), [])
        self.assertNotIn("--after-cursor=", " ".join(called))
        self.assertIn("nginx.service", called)
        for _ in range(logs.QUEUED):
            journal.queue.put_nowait(event(1, "\u20ac" * logs.TEXT_CHARACTERS))
        with self.assertRaises(queue.Full):
            journal.queue.put_nowait(event(1, "a"))
        batch = journal.batch()
        self.assertLess(sum(len(one.text.encode()) + 26 for one in batch), 1_048_576)
        self.assertGreater(len(batch), 10)

    def test_it_goes_on_behind_what_was_sent_and_begins_anew_in_a_journal_that_does_not_know_it(self) -> None:
        state.save("logs-sent.json", {"cursor": "c7"})
        self.assertIn("--after-cursor=c7", self.follow()[1])
        self.follow(code=1)
        self.assertEqual(state.load("logs-sent.json"), {})


class Containers(Case):
    RELEASE = {"number": 7, "logGroup": "/berth/shop"}

    def test_the_engine_sends_what_an_app_logs_and_keeps_the_app_from_waiting(self) -> None:
        (self.folder / "settings.json").write_text(json.dumps({"region": "eu-central-1"}))
        (self.folder / "id").write_text("i-1\n")
        with patch.object(state, "SETTINGS", self.folder / "settings.json"), patch.object(state, "INSTANCE_ID", self.folder / "id"):
            arguments = replicas.log_arguments(self.RELEASE)
        self.assertEqual(arguments[:2], ["--log-driver", "awslogs"])
        for option in ("mode=non-blocking", "awslogs-group=/berth/shop", "tag=app/{{.Name}}/i-1", "cache-max-size=10m", "cache-max-file=3"):
            self.assertIn(option, arguments)

    def test_without_a_group_it_stays_on_the_disk(self) -> None:
        arguments = replicas.log_arguments({"number": 7})
        self.assertEqual(arguments, ["--log-driver", "local", "--log-opt", "max-size=10m", "--log-opt", "max-file=3"])


if __name__ == "__main__":
    unittest.main()
