"""What the host remembers, and how commands end."""

import ast
import os
import pathlib
import unittest
from unittest.mock import patch

import bundle
import command
import state
from command import Failed, call, wait
from stand_ins import Case, Clock


class Programs(unittest.TestCase):
    def test_each_can_be_read_by_the_oldest_python_of_a_host(self) -> None:
        """Amazon Linux 2023 has 3.9."""
        folders = {pathlib.Path(module.__file__).parent for module in (state, bundle)}
        files = [file for folder in folders for file in folder.glob("*.py")]
        self.assertGreater(len(files), 20)
        for file in files:
            ast.parse(file.read_text(), str(file), feature_version=(3, 9))


class Facts(Case):
    def test_what_is_saved_is_what_is_loaded(self) -> None:
        self.assertIsNone(state.load("serving.json"))
        state.save("serving.json", {"number": 7, "text": "ü\n"})
        self.assertEqual(state.load("serving.json"), {"number": 7, "text": "ü\n"})
        self.assertEqual([path.name for path in self.folder.glob("serving*")], ["serving.json"])

    def test_a_power_cut_leaves_the_old_one_whole(self) -> None:
        state.save("serving.json", {"number": 7})
        with patch.object(state.os, "fsync", side_effect=OSError("power cut")):
            self.assertRaises(OSError, state.save, "serving.json", {"number": 8})
        self.assertEqual(state.load("serving.json"), {"number": 7})

    def test_all_of_it_is_on_the_disk_before_it_takes_the_place_of_the_old_one(self) -> None:
        seen = []

        def fsync(number: int) -> None:
            seen.append((os.fstat(number).st_size, (self.folder / "serving.json").exists()))

        with patch.object(state.os, "fsync", fsync):
            state.save("serving.json", {"number": 7})
        self.assertEqual(seen, [(len('{"number": 7}'), False)])

    def test_they_lie_where_the_unit_may_write(self) -> None:
        self.doCleanups()
        self.assertEqual(str(state.STATE), "/var/lib/berth")


class Commands(unittest.TestCase):
    def test_no_shell_reads_them(self) -> None:
        self.assertEqual(call("printf", "%s", "$HOME `id` ; 'x'"), "$HOME `id` ; 'x'")

    def test_the_line_with_the_error_is_chosen_else_the_last(self) -> None:
        for said, expected in {
            "error: a\nsee help": "error: a",
            "Error: a\nerror: b": "Error: a",
            "one\ntwo": "two",
            "": "exit 3",
        }.items():
            with self.assertRaises(Failed) as failure:
                call("sh", "-c", 'printf "%s" "$1" >&2; exit 3', "sh", said)
            self.assertEqual(str(failure.exception), f"sh -c: {expected}")

    def test_bytes_that_are_no_text_hide_neither_an_answer_nor_an_error(self) -> None:
        self.assertEqual(call("printf", "caf\\351"), "caf\\xe9")
        with self.assertRaises(Failed) as failure:
            call("sh", "-c", 'printf "error: caf\\351" >&2; exit 3')
        self.assertEqual((str(failure.exception), failure.exception.exit_code), ("sh -c: error: caf\\xe9", 3))

    def test_they_have_two_minutes(self) -> None:
        with patch.object(command.subprocess, "run", side_effect=AssertionError) as run:
            self.assertRaises(AssertionError, call, "true")
        self.assertEqual(run.call_args.kwargs["timeout"], 120)

    def test_a_wait_looks_ten_times_a_second_and_once_at_least(self) -> None:
        clock, looks = Clock(), []
        with patch.object(command, "time", clock):
            wait(0, lambda: not looks.append(1), "never")
            self.assertRaises(Failed, wait, 1, lambda: bool(looks.append(1)), "late")
        self.assertEqual(set(clock.slept), {0.1})
        self.assertTrue(11 <= len(looks) - 1 <= 12, looks)


if __name__ == "__main__":
    unittest.main()
