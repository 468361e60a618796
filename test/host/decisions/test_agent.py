"""What an agent owes its launcher: a sign of its first whole turn, and what it says of agents in its report."""

import json
import unittest

import converge
import state
from hosts import HostCase


class Proof(HostCase):
    def is_proven(self) -> bool:
        return converge.TURN.exists()

    def test_a_whole_turn_is_shown_also_before_there_is_a_release(self) -> None:
        self.turn()
        self.assertTrue(self.is_proven())

    def test_it_is_shown_once(self) -> None:
        self.turn()
        converge.TURN.unlink()
        self.turn()
        self.assertFalse(self.is_proven())

    def test_a_silent_bucket_makes_no_whole_turn(self) -> None:
        self.bucket.is_silent = True
        self.turn()
        self.assertFalse(self.is_proven())
        self.bucket.is_silent = False
        self.turn()
        self.assertTrue(self.is_proven())

    def test_replicas_that_can_not_be_looked_after_make_no_whole_turn(self) -> None:
        self.wish()
        self.turn()
        converge.TURN.unlink()
        self.restart()
        self.edge.refusal = "the switch kept its old replicas"
        self.turn()
        self.assertFalse(self.is_proven())

    def test_a_release_that_failed_is_no_fault_of_the_agent(self) -> None:
        self.wish()
        self.turn(500)
        self.assertTrue(self.is_proven())

    def test_what_serves_is_looked_after_before_anything_new_is_begun(self) -> None:
        self.wish()
        self.turn()
        converge.TURN.unlink()
        self.restart()
        self.wish(number=8)
        self.assertNotIn("pull", [call[0] for call in self.turn()])
        self.assertTrue(self.is_proven())
        self.assertIn("run", [call[0] for call in self.turn()])

    def test_a_first_release_waits_for_nothing(self) -> None:
        self.wish()
        self.assertIn("run", [call[0] for call in self.turn()])


class Report(HostCase):
    def said_of_agents(self, **launcher: object) -> object:
        state.LAUNCHER.write_text(json.dumps(launcher))
        self.turn()
        return self.bucket.reports[-1].get("agent")

    def test_it_names_the_agent_in_charge_and_the_one_that_was_taken_back(self) -> None:
        self.wish()
        failed = {"sha256": "b", "at": "1", "reason": "it ended"}
        self.assertEqual(self.said_of_agents(installed="a"), {"sha256": "a"})
        self.assertEqual(
            self.said_of_agents(installed="a", at="2", failed=failed), {"sha256": "a", "at": "2", "failed": failed}
        )

    def test_it_names_the_agent_on_trial(self) -> None:
        self.wish()
        trial = {"sha256": "c", "at": "3", "tries": 1}
        self.assertEqual(self.said_of_agents(installed="a", trying=trial), {"sha256": "a", "trying": "c"})

    def test_it_names_the_agent_that_the_host_had_no_room_for(self) -> None:
        self.wish()
        waiting = {"sha256": "c", "at": "3", "reason": "the host's disk is full"}
        state.WAITING.write_text(json.dumps(waiting))
        self.assertEqual(self.said_of_agents(installed="a"), {"sha256": "a", "waiting": waiting})

    def test_it_names_none_before_the_launcher_knows_one(self) -> None:
        self.wish()
        self.turn()
        self.assertNotIn("agent", self.bucket.reports[-1])
        self.assertIsNone(self.said_of_agents(trying={"sha256": "c"}))


if __name__ == "__main__":
    unittest.main()
