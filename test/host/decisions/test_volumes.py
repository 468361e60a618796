"""The app's volumes: what is asked of berth-data.service, when, and what a replica gets of it."""

import json
import os
import types
import unittest
from unittest.mock import patch

import users
import volumes
from command import Failed
from hosts import HostCase
from stand_ins import RELEASE, Case
from state import load

VOLUME = "vol-0123456789abcdef0"
LASTING = {**RELEASE, "volumes": {"uploads": "/app/uploads"}, "dataVolume": VOLUME}


def space_of(free: int, inodes: int = 500) -> types.SimpleNamespace:
    """Of 1000 MiB and as many files."""
    return types.SimpleNamespace(f_bavail=free, f_blocks=1000, f_frsize=1 << 20, f_favail=inodes, f_files=1000)


class Mounter:
    """Stands in for systemd, berth-data.service and the mount: remembers each wish, and fulfils it unless it is told not to."""

    def __init__(self, case: Case) -> None:
        self.wishes: list[dict] = []
        self.error: dict = {}
        self.is_mounted = False
        self.sectors = case.folder / "sys" / "7:1" / "size"
        self.sectors.parent.mkdir(parents=True)
        self.sectors.write_text("2048\n")
        self.result = case.folder / "result.json"
        case.enter(patch.object(volumes, "call", self.call))
        case.enter(patch.object(volumes, "RESULT", self.result))
        case.enter(patch.object(volumes, "SYS", case.folder / "sys"))
        case.enter(patch.object(os, "statvfs", lambda path: space_of(500)))
        case.enter(patch.object(os.path, "ismount", lambda path: self.is_mounted))

    def call(self, *command: str, timeout_s: int = 120) -> str:
        assert command == ("systemctl", "start", "berth-data.service"), command
        wish = load("data.json") or {}
        self.wishes.append(wish)
        if self.error:
            self.result.write_text(json.dumps({"wish": wish, **self.error}))
            raise Failed("systemctl start: the job failed")
        self.is_mounted = wish["volume"] is not None
        told = {"node": "7:1", "sectors": int(self.sectors.read_text())} if self.is_mounted else {}
        self.result.write_text(json.dumps({"wish": wish, **told}))
        return ""


class Volumes(HostCase):
    def setUp(self) -> None:
        super().setUp()
        self.mounter = Mounter(self)

    def wish_lasting(self, **fields: object) -> None:
        self.wish(**{**LASTING, **fields})

    def test_a_release_without_volumes_asks_for_nothing(self) -> None:
        self.wish()
        self.turn()
        self.assertEqual((self.mounter.wishes, self.said()[-1]), ([], (7, "serving")))

    def test_a_replica_gets_its_folder_of_the_mounted_volume(self) -> None:
        self.wish_lasting()
        runs = [call for call in self.turn() if call[0] == "run"]
        self.assertEqual(self.mounter.wishes, [{"volume": VOLUME, "number": 7, "folders": {"uploads": [65532, 65532]}}])
        for run in runs:
            mount = run[run.index("--mount") + 1]
            self.assertEqual(mount, "type=bind,source=/var/lib/berth-data/uploads,target=/app/uploads")

    def test_the_folders_belong_to_the_user_that_the_app_runs_as(self) -> None:
        owners = {
            ("1234:99", None): [1234, 99],
            ("1234", None): [1234, 0],
            ("app", "app:x:1000:1001:\n"): [1000, 1001],
            ("app:7", "app:x:1000:1001:\n"): [1000, 7],
            ("toor", "toor:x:0:0:\n"): [65532, 65532],
            ("", None): [65532, 65532],
        }
        for (user, known), owner in owners.items():
            self.engine.user, self.engine.users = user, known
            told = users.ids_of(LASTING, users.choose(LASTING, user))
            self.assertEqual(list(told), owner, user)

    def test_what_is_mounted_is_left_alone_by_every_further_turn(self) -> None:
        self.wish_lasting()
        self.turn()
        self.assertEqual({call[0] for call in self.turn()}, {"ps", "inspect"})
        self.assertEqual(len(self.mounter.wishes), 1)

    def test_a_volume_that_has_grown_is_seen_to(self) -> None:
        self.wish_lasting()
        self.turn()
        self.mounter.sectors.write_text("4096\n")
        self.turn()
        self.turn()
        self.assertEqual(len(self.mounter.wishes), 2)

    def test_after_a_reboot_it_is_mounted_before_a_replica_is_brought_back(self) -> None:
        self.wish_lasting()
        self.turn()
        self.mounter.is_mounted, self.mounter.error = False, {"error": "not attached", "kind": "absent"}
        self.engine.containers = {name: "exited" for name in self.engine.containers}
        self.turn()
        self.assertEqual(set(self.engine.containers.values()), {"exited"})
        self.assertEqual(self.bucket.reports[-1]["trouble"], "the replicas: not attached")
        self.mounter.error = {}
        self.clock.now += 60
        self.turn()
        self.assertEqual(set(self.engine.containers.values()), {"running"})

    def test_a_volume_that_is_still_on_its_way_is_waited_for(self) -> None:
        self.mounter.error = {"error": f"data volume {VOLUME} isn't attached", "kind": "absent"}
        self.wish_lasting()
        self.turn()
        self.assertEqual((self.said()[-1], self.engine.containers), ((7, "starting"), {}))
        self.mounter.error = {}
        self.turn()
        self.assertEqual(self.said()[-1], (7, "serving"))

    def test_a_volume_that_can_not_be_used_fails_the_release_with_its_reason(self) -> None:
        self.mounter.error = {"error": "it isn't Berth's", "kind": "failed"}
        self.wish_lasting()
        self.turn()
        self.assertEqual((self.said()[-1], self.bucket.reports[-1]["reason"]), ((7, "failed"), "it isn't Berth's"))

    def test_a_full_volume_is_told_of_in_steady_words_and_so_is_its_end(self) -> None:
        def fill(free: int, inodes: int = 500) -> None:
            self.enter(patch.object(os, "statvfs", lambda path: space_of(free, inodes)))
            self.clock.now += 61
            self.turn()

        self.wish_lasting()
        fill(10)
        self.assertEqual((self.said()[-1], "trouble" in self.bucket.reports[-1]), ((7, "serving"), False))
        fill(9)
        full = "the data volume is full: less than 1 % of its 1.0 GiB is free; raise instance.dataGib, or have the app delete something"
        self.assertEqual((self.said()[-1], self.bucket.reports[-1]["trouble"]), ((7, "serving"), full))
        told = len(self.bucket.reports)
        fill(3)
        self.assertEqual(len(self.bucket.reports), told)
        fill(500, inodes=9)
        self.assertIn("hardly any more files", self.bucket.reports[-1]["trouble"])
        fill(500)
        self.assertNotIn("trouble", self.bucket.reports[-1])

    def test_a_full_volume_keeps_no_agent_from_being_proven(self) -> None:
        self.wish_lasting()
        self.enter(patch.object(os, "statvfs", lambda path: space_of(0)))
        self.mounter.is_mounted = True
        self.turn()
        self.assertIn("is full", self.bucket.reports[-1]["trouble"])
        self.assertTrue((self.folder / "turn").exists())

    def test_an_answer_to_an_earlier_wish_is_no_answer(self) -> None:
        self.mounter.result.write_text(json.dumps({"wish": {"volume": "another"}, "error": "old", "kind": "absent"}))
        with patch.object(volumes, "call", side_effect=Failed("systemctl start: no")):
            self.wish_lasting()
            self.turn()
        self.assertEqual(self.bucket.reports[-1]["reason"], "systemctl start: no")

    def test_it_is_let_go_after_the_last_release_with_volumes(self) -> None:
        self.wish_lasting()
        self.turn()
        self.wish(number=8)
        self.turn()
        self.assertEqual(self.mounter.wishes[-1], {"volume": None, "folders": {}})
        self.assertEqual(sorted(self.engine.containers), ["app-8-0", "app-8-1"])


if __name__ == "__main__":
    unittest.main()
