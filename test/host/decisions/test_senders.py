"""When the services that send logs and metrics are started, and what they are told."""

import json
import unittest
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import logs
import metrics
import senders
import state
from hosts import HostCase
from state import load, save

ON = {"metrics": "Berth/shop"}


class Senders(HostCase):
    def setUp(self) -> None:
        super().setUp()
        self.started: list[str] = []
        self.enter(patch.object(senders, "time", self.clock))
        self.enter(patch.object(senders, "call", lambda *words: self.started.append(words[-1])))

    def after(self, **fields: Any) -> list[str]:
        """What is started in a turn some time later, with these fields of the release."""
        self.clock.now += 60
        self.started.clear()
        self.wish(**fields)
        self.turn()
        return [*self.started]

    def test_nothing_is_started_that_nobody_wished(self) -> None:
        self.assertEqual(self.after(), [])
        self.assertEqual((load("logs.json"), load("metrics.json")), (None, None))

    def test_metrics_are_sent_and_stopped_without_a_new_container(self) -> None:
        self.after()
        engine = [*self.engine.calls]
        self.assertIn("run", [call[0] for call in engine])
        self.assertEqual(self.after(**ON), ["berth-metrics.service"])
        self.assertEqual(load("metrics.json"), {"namespace": "Berth/shop"})
        self.assertEqual(self.after(), [])
        self.assertEqual(load("metrics.json"), {"namespace": None})
        self.assertNotIn("run", self.engine.verbs())
        self.assertEqual(self.bucket.reports[-1]["release"], 7)

    def test_one_that_ended_is_started_again_after_a_while(self) -> None:
        self.after(**ON)
        self.turn()
        self.assertEqual(self.started, ["berth-metrics.service"])
        self.assertEqual(self.after(**ON), ["berth-metrics.service"])

    def test_logs_and_metrics_are_each_by_themselves(self) -> None:
        self.assertEqual(self.after(logGroup="/berth/shop", **ON), ["berth-logs.service", "berth-metrics.service"])
        self.assertEqual(self.after(logGroup="/berth/shop"), ["berth-logs.service"])

    def turns_of(self, sender: Any, change: Any) -> int:
        """How many turns a sender makes when something changes in its second one."""
        turns = 0

        def turn(*_: Any) -> list[Any]:
            nonlocal turns
            turns += 1
            if turns == 2:
                change()
            assert turns < 9, "it goes on for ever"
            return []

        self.enter(patch.object(metrics, "Meter", lambda *_: SimpleNamespace(turn=turn)))
        self.enter(patch.object(metrics, "time", self.clock))
        self.enter(patch.object(logs, "Sender", lambda *_: None))
        self.enter(patch.object(logs, "send_all", lambda *_: None))
        self.enter(patch.object(logs, "read_instance", lambda: "i-1"))
        thread = SimpleNamespace(is_alive=lambda: True)
        self.enter(patch.object(logs, "Journal", lambda _: SimpleNamespace(start=lambda: thread, batch=turn)))
        for module in (metrics, logs):
            self.enter(patch.object(module, "read_settings", lambda: {}))
        sender.main()
        return turns

    def test_each_ends_when_it_is_told_something_else(self) -> None:
        for sender, file, field in ((metrics, "metrics.json", "namespace"), (logs, "logs.json", "group")):
            save(file, {field: "one"})
            self.assertEqual(self.turns_of(sender, lambda: save(file, {field: "two"})), 2)
            save(file, {field: None})
            self.assertEqual(self.turns_of(sender, lambda: None), 0)

    def test_each_ends_with_the_agent_whose_code_it_runs(self) -> None:
        for sender, file, field in ((metrics, "metrics.json", "namespace"), (logs, "logs.json", "group")):
            save(file, {field: "one"})
            state.LAUNCHER.write_text(json.dumps({"installed": "old"}))
            update = json.dumps({"installed": "new"})
            self.assertEqual(self.turns_of(sender, lambda: state.LAUNCHER.write_text(update)), 2)

    def test_after_a_restart_without_the_bucket_the_last_wish_holds(self) -> None:
        self.after(**ON)
        self.restart()
        self.bucket.wanted = None
        self.started.clear()
        self.turn()
        self.assertEqual(self.started, ["berth-metrics.service"])

    def test_another_namespace_than_a_stacks_is_refused_and_said(self) -> None:
        for metrics in ("AWS/EC2", "Berth/", "Berth/shop\nx", "Berth/Shop", 7, {}):
            self.assertEqual(self.after(metrics=metrics), [], metrics)
            self.assertIn("the metrics: the namespace of metrics in release.json is out of bounds", self.bucket.reports[-1]["trouble"])


if __name__ == "__main__":
    unittest.main()
