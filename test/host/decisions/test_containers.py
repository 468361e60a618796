"""How the app's containers are run, named, revived and removed: each flag by its literal."""

import http.server
import os
import threading
import unittest
from unittest.mock import patch

import gate
import replicas
import users as whom
import users
from command import Failed
from stand_ins import RELEASE, Case

LINES = "one\ntwo $HOME `id` 'q' \"d\""


class RunFlags(unittest.TestCase):
    def test_a_replica_is_run_with_these_flags_and_no_others(self) -> None:
        release = {**RELEASE, "environment": {"PLAIN": "x", "LINES": LINES}}
        expected = """run --detach --name app-7-1 --restart unless-stopped --label berth.release=7
            --publish 127.0.0.1:20449:8080 --user 65532:65532
            --read-only --tmpfs /tmp:rw,noexec,nosuid,size=64m --cap-drop ALL
            --security-opt no-new-privileges --pids-limit 512 --stop-timeout 10 --memory 64m --memory-swap 64m
            --log-driver local --log-opt max-size=10m --log-opt max-file=3 --env PLAIN=x --env""".split()
        arguments = replicas.run_arguments(release, 1, "65532:65532")
        self.assertEqual(arguments, [*expected, f"LINES={LINES}", "registry/app@sha256:07"])

    def test_an_image_of_another_user_keeps_it(self) -> None:
        for user in ("1000", "1000:1000", "10"):
            self.assertEqual(users.choose(RELEASE, user), user)
            arguments = replicas.run_arguments(RELEASE, 0, user)
            self.assertEqual(arguments[arguments.index("--user") + 1], user)

    def test_a_release_may_make_the_disk_writable_and_tmp_larger_and_nothing_else_changes(self) -> None:
        strict = replicas.run_arguments(RELEASE, 0, "5")
        loose = replicas.run_arguments({**RELEASE, "writable": True, "tmpMib": 512}, 0, "5")
        self.assertEqual([flag for flag in strict if flag not in loose], ["--read-only", "/tmp:rw,noexec,nosuid,size=64m"])
        self.assertEqual([flag for flag in loose if flag not in strict], ["/tmp:rw,noexec,nosuid,size=512m"])

    def test_its_command_follows_the_image_word_by_word(self) -> None:
        words = ["-v", "--privileged", "two words", "", "$HOME"]
        arguments = replicas.run_arguments({**RELEASE, "command": words}, 0, "5")
        self.assertEqual(arguments[-6:], ["registry/app@sha256:07", *words])

    def test_what_the_defaults_are_is_what_an_earlier_release_gets(self) -> None:
        defaults = {"writable": False, "tmpMib": 64}
        self.assertEqual(replicas.run_arguments({**RELEASE, **defaults}, 0, "5"), replicas.run_arguments(RELEASE, 0, "5"))

    def test_a_replica_has_the_time_to_end_that_its_release_gives_it(self) -> None:
        for release, expected in ((RELEASE, "10"), ({**RELEASE, "stopSeconds": 120}, "120")):
            arguments = replicas.run_arguments(release, 0, "")
            self.assertEqual(arguments[arguments.index("--stop-timeout") + 1], expected)


class Users(Case):
    """Whom a replica runs as, by what the image says and what its own list of users says of that name."""

    def started_as(self, user: str, users: "str | bytes | None" = None) -> str:
        self.engine.containers, self.engine.user, self.engine.users = {}, user, users
        whom.LISTS.clear()
        replicas.start(RELEASE, 0)
        run = self.engine.calls[-1]
        self.assertNotIn("helper", self.engine.containers)
        return run[run.index("--user") + 1]

    def test_a_name_that_is_root_in_the_image_is_not_believed(self) -> None:
        for users in ("toor:x:0:0::/:/bin/sh\n", "a:x:5:5:\ntoor:x:00:0:\n", "other:x:7:7:\n", None):
            self.assertEqual(self.started_as("toor", users), "65532:65532", users)

    def test_the_first_of_two_lines_decides(self) -> None:
        self.assertEqual(self.started_as("toor", "toor:x:0:0:\ntoor:x:7:7:\n"), "65532:65532")

    def test_lines_are_read_as_the_engine_reads_them(self) -> None:
        """Else one line could be shown here, and another one be followed there."""
        for first in (" app:x:0:0:", "\tapp:x:0:0:", "app:x:0", "app:x::5:", "app:x:abc:5:", "app:x:+0:5:", "app:x:-0:5:", "app"):
            self.assertEqual(self.started_as("app", f"{first}\napp:x:7:7:\n"), "65532:65532", first)
        for other in (b"x\rapp:x:7:7:\napp:x:0:0:\n", b"\0app:x:7:7:\napp:x:0:0:\n", b"app :x:7:7:\napp:x:0:0:\n"):
            self.assertEqual(self.started_as("app", other), "65532:65532", other)

    def test_a_list_with_bytes_that_are_no_text_is_read(self) -> None:
        self.assertEqual(self.started_as("app", b"jos:x:5:5:Jos\xe9:/:\r\napp:x:7:7:\xff:/:\r\n"), "app")

    def test_a_name_with_an_id_of_its_own_is_kept(self) -> None:
        for users in ("app:x:1000:1000:\n", "root:x:0:0:\napp:x:10:10:\n"):
            self.assertEqual(self.started_as("app:web", users), "app:web", users)

    def test_part_of_a_name_is_another_name(self) -> None:
        self.assertEqual(self.started_as("app", "myapp:x:7:7:\napp:x:0:0:\n"), "65532:65532")
        self.assertEqual(self.started_as("a.p", "axp:x:7:7:\na.p:x:0:0:\n"), "65532:65532")

    def wished(self, user: str, users: "str | bytes | None" = None, of_image: str = "root") -> str:
        self.engine.calls, self.engine.containers, self.engine.user, self.engine.users = [], {}, of_image, users
        whom.LISTS.clear()
        replicas.start({**RELEASE, "user": user}, 0)
        run = self.engine.calls[-1]
        return run[run.index("--user") + 1]

    def test_a_release_may_name_the_user_and_root_only_in_so_many_words(self) -> None:
        for user in ("1000", "1000:0", "0", "0:0", "00", "root"):
            self.assertEqual(self.wished(user, of_image="app"), user)
            self.assertNotIn("create", self.engine.verbs())
        self.assertEqual(self.wished("app", "app:x:7:7:\n"), "app")

    def test_a_name_that_is_root_or_nobody_in_the_image_is_refused(self) -> None:
        for users, words in (
            ("toor:x:0:0::/:/bin/sh\n", "app.user: toor is root in this image: write root if it has to be"),
            ("other:x:7:7:\n", "app.user: toor isn't in this image"),
            (None, "app.user: toor isn't in this image"),
        ):
            with self.assertRaises(Failed) as failure:
                self.wished("toor", users)
            self.assertEqual((str(failure.exception), failure.exception.cause), (words, "user"))
            self.assertNotIn("run", self.engine.verbs())
            self.assertNotIn("helper", self.engine.containers)

    def test_a_group_named_as_a_number_lends_nobody_the_id_of_root(self) -> None:
        """The engine would add it to the app's groups, since it looks for the number among the names, too."""
        for user in ("root", "1000:1000", "app:web"):
            for line in ("65532:x:0:", " 1000:x:00:", "7:x", "65532::abc:"):
                self.engine.groups = f"root:x:0:\n{line}\n"
                with self.assertRaises(Failed) as failure:
                    self.started_as(user, "app:x:7:7:\n")
                self.assertRegex(str(failure.exception), r"^the image's /etc/group gives a group named \d+ root's id")
                self.assertEqual(failure.exception.cause, "user")
                self.assertNotIn("run", self.engine.verbs()[-4:])
        self.engine.groups = "root:x:0:\nwheel:x:0:root\n1000:x:1000:\n00:x:0:\n7:x:8:\n"
        self.assertEqual(self.started_as("root", ""), "65532:65532")
        self.assertEqual(self.started_as("1000:1000"), "1000:1000")

    def test_a_number_needs_no_look_into_the_image(self) -> None:
        self.assertEqual(self.started_as("1000"), "1000")
        self.assertNotIn("create", self.engine.verbs())

    def test_a_list_is_read_once_for_an_image_and_one_that_was_not_found_again(self) -> None:
        def looks(image: str, users: "str | None") -> int:
            self.engine.calls, self.engine.containers, self.engine.user, self.engine.users = [], {}, "app", users
            for index in (0, 1):
                replicas.start({**RELEASE, "image": image}, index)
            return self.engine.verbs().count("create")

        digest = "registry/app@sha256:"
        self.assertEqual(looks(f"{digest}{'7' * 64}", "app:x:7:7:\n"), 1)
        self.assertEqual(looks(f"{digest}{'7' * 64}", "app:x:7:7:\n"), 0)
        self.assertEqual(looks(f"{digest}{'8' * 64}", "app:x:7:7:\n"), 1)
        self.assertEqual(looks(f"{digest}{'9' * 64}", None), 4)
        self.assertEqual(looks("registry/app:latest", "app:x:7:7:\n"), 2)

    def test_looking_runs_nothing_of_the_image(self) -> None:
        self.started_as("app", "app:x:7:7:\n")
        label = ("--label", "berth.release=7")
        self.assertIn(("create", *label, "registry/app@sha256:07", "none"), self.engine.calls)
        self.assertEqual(self.engine.verbs(), ["image", "create", "cp", "rm", "run"])


class Lives(Case):
    def test_only_what_is_labelled_is_berths_stopped_or_not(self) -> None:
        replicas.states()
        expected = ("ps", "--all", "--filter", "label=berth.release", "--format", "{{.Names}} {{.State}}")
        self.assertEqual(self.engine.calls, [expected])

    def test_a_number_is_not_the_beginning_of_another(self) -> None:
        self.engine.containers = dict.fromkeys(["app-1-0", "app-11-0", "app-1-1", "xapp-1-0"], "running")
        self.assertEqual(replicas.of(1), ["app-1-0", "app-1-1"])

    def test_what_lies_about_is_brought_back(self) -> None:
        self.engine.user = "1000"
        anew = ["ps", "rm", "image", "run"]
        for state, expected in {
            "running": ["ps"],
            "restarting": ["ps"],
            "exited": ["ps", "start"],
            "created": anew,
            "dead": anew,
            "paused": anew,
            "removing": anew,
        }.items():
            self.engine.calls, self.engine.containers = [], {"app-7-0": state}
            replicas.revive({**RELEASE, "replicas": 1}, replicas.states())
            self.assertEqual(self.engine.verbs(), expected, state)

    def test_a_replica_that_is_gone_is_made_and_its_neighbour_left_alone(self) -> None:
        self.engine.containers = {"app-7-0": "running"}
        replicas.revive(RELEASE, replicas.states())
        self.assertEqual(self.engine.containers, {"app-7-0": "running", "app-7-1": "running"})

    def test_replicas_are_asked_to_end_before_they_are_removed(self) -> None:
        replicas.remove(["app-7-0", "app-7-1"])
        names = ("app-7-0", "app-7-1")
        self.assertEqual(self.engine.calls, [("stop", *names), ("rm", "--force", "--volumes", *names)])
        self.assertEqual(self.engine.patience["stop"], 150, "the longest that a release may give its replicas, and more")

    def test_every_container_goes_with_its_anonymous_volumes(self) -> None:
        self.engine.user, self.engine.containers = "app", {"app-7-0": "dead"}
        replicas.revive({**RELEASE, "replicas": 1}, replicas.states())
        replicas.remove(["app-7-0"])
        removals = [call for call in self.engine.calls if call[0] == "rm"]
        self.assertEqual(len(removals), 4, "the dead one, the two that were looked into, the one that was removed")
        for removal in removals:
            self.assertIn("--volumes", removal)

    def test_volumes_that_an_earlier_agent_left_go_and_named_ones_stay(self) -> None:
        left = ["a1" * 32, "0b" * 32]
        self.engine.volumes = [left[0], "uploads", left[1], "f" * 63, "berth-data"]
        replicas.forget_volumes()
        self.assertEqual(self.engine.volumes, ["uploads", "f" * 63, "berth-data"])
        self.assertEqual(self.engine.calls[0], ("volume", "ls", "--quiet", "--filter", "dangling=true"))
        self.engine.calls = []
        replicas.forget_volumes()
        self.assertEqual(self.engine.verbs(), ["volume"])

    def test_nothing_to_remove_is_no_command(self) -> None:
        replicas.remove([])
        self.assertEqual(self.engine.calls, [])


class Tails(Case):
    def tail_of(self, script: str) -> "list[str]":
        docker = self.folder / "docker"
        docker.write_text(f"#!/bin/sh\n{script}\n")
        docker.chmod(0o755)
        with patch.dict(os.environ, {"PATH": f"{self.folder}:{os.environ['PATH']}"}):
            return replicas.tail("app-7-0")

    def test_an_app_that_wrote_nothing_has_no_lines(self) -> None:
        self.assertEqual(self.tail_of("exit 0"), [])

    def test_only_a_line_feed_ends_a_line(self) -> None:
        lines = self.tail_of("printf 'a\\f\\v\\034\\205b\\rc\\342\\200\\250d\\n'")
        self.assertEqual(lines, ["a\f\v\x1c\ufffdb\rc\u2028d"])

    def test_an_app_that_ends_no_line_is_cut_all_the_same(self) -> None:
        lines = self.tail_of("head -c 300000 /dev/zero | tr '\\0' '\\f'")
        self.assertEqual((len(lines), len(lines[0])), (1, 500))

    def test_no_more_than_twenty_lines_whatever_the_engine_says(self) -> None:
        self.assertEqual(self.tail_of("seq 50"), [str(number) for number in range(31, 51)])

    def test_twenty_lines_of_both_streams_cut_to_five_hundred_characters(self) -> None:
        docker = self.folder / "docker"
        docker.write_text("#!/bin/sh\necho \"$@\"\nprintf '%0600d\\n' 7 >&2\nprintf '\\377\\n'\n")
        docker.chmod(0o755)
        with patch.dict(os.environ, {"PATH": f"{self.folder}:{os.environ['PATH']}"}):
            lines = replicas.tail("app-7-0")
        self.assertEqual(lines, ["logs --tail 20 app-7-0", "0" * 500, "\ufffd"])


class Probes(unittest.TestCase):
    def serve(self, status: int) -> int:
        seen = self.seen = []

        class Replica(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append((self.path, self.headers["User-Agent"], self.headers["Host"]))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Replica)
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        self.addCleanup(server.server_close)
        return server.server_port

    def test_the_status_is_that_of_the_front_page(self) -> None:
        port = self.serve(503)
        self.assertEqual(gate.probe(port, gate.ANY_ANSWER), 503)
        self.assertEqual(self.seen, [("/", "berth-gate", f"127.0.0.1:{port}")])

    def test_it_asks_for_the_path_that_the_release_names(self) -> None:
        port = self.serve(204)
        self.assertEqual(gate.probe(port, {**gate.ANY_ANSWER, "path": "/healthz?deep=1"}), 204)
        self.assertEqual(self.seen[0][0], "/healthz?deep=1")

    def test_nobody_there_is_no_status(self) -> None:
        server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
        server.server_close()
        self.assertIsNone(gate.probe(server.server_port, gate.ANY_ANSWER))

    def test_a_replica_that_takes_its_time_gets_five_seconds(self) -> None:
        with patch.object(gate.http.client, "HTTPConnection", side_effect=AssertionError) as connection:
            self.assertRaises(AssertionError, gate.probe, 1, gate.ANY_ANSWER)
        connection.assert_called_once_with("127.0.0.1", 1, timeout=5)


if __name__ == "__main__":
    unittest.main()
