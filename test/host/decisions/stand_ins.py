"""What the converger's decisions are tried against: an engine that remembers, and a clock that nobody waits for."""

from __future__ import annotations

import contextlib
import io
import json
import pathlib
import tarfile
import tempfile
import types
import unittest
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import attempts
import converge
import edge
import ends
import figures
import gate
import health
import hindrance
import images
import rates
import release_command
import replicas
import reporter
import state
import trial
import users
import volumes
from command import Failed

RELEASE: dict[str, Any] = {
    "number": 7,
    "image": "registry/app@sha256:07",
    "port": 8080,
    "replicas": 2,
    "memoryMib": 64,
    "startSeconds": 60,
    "environment": {"PLAIN": "x"},
}


class Clock:
    """Time that passes by being slept through."""

    def __init__(self) -> None:
        self.now, self.slept = 1000.0, []

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += max(seconds, 0.01)


class Engine:
    """Keeps containers and images as Docker does, and writes down each command it is given."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.patience: dict[str, int] = {}
        self.containers: dict[str, str] = {}
        self.images: list[str] = []
        self.sizes: dict[str, int] = {}
        self.command_ends_as = "exited"
        self.user = ""
        self.users: str | bytes | None = None
        self.groups: str | None = None
        self.architecture = "amd64"
        self.volumes: list[str] = []
        self.refused: dict[str, str | Exception] = {}
        self.ends: dict[str, dict[str, Any]] = {}
        self.restarts: dict[str, int] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.logs: dict[str, list[str]] = {}
        self.labels: dict[str, dict[str, str]] = {}
        self.life = "1"

    def call(self, *command: str, timeout_s: int = 120) -> str:
        if command[:2] == ("systemctl", "show"):
            return self.life
        self.calls.append(command[1:])
        verb = command[1]
        self.patience[verb] = timeout_s
        if command[0] != "docker":
            raise AssertionError(f"{command} isn't for the engine")
        refusal = self.refused.get(verb)
        if refusal:
            raise refusal if isinstance(refusal, Exception) else Failed(refusal)
        return getattr(self, f"do_{verb}")(*command[2:])

    def verbs(self) -> list[str]:
        return [call[0] for call in self.calls]

    def do_pull(self, *arguments: str) -> str:
        if arguments[-1] not in self.images:
            self.images.append(arguments[-1])
        return ""

    def do_image(self, *arguments: str) -> str:
        form, image = arguments[-2:]
        if "{{.Architecture}}" in form:
            return f"{self.architecture} {self.user}\n"
        if image not in self.images:
            raise Failed(f"docker image: Error: No such image: {image}")
        return f"{self.sizes.get(image, 1)}\n"

    def do_images(self, *_: str) -> str:
        return "".join(f"{image}\n" for image in self.images)

    def do_rmi(self, image: str) -> str:
        self.images.remove(image)
        return ""

    def do_run(self, *arguments: str) -> str:
        name = arguments[arguments.index("--name") + 1]
        if name in self.containers:
            raise Failed(f"docker run: the name {name} is taken")
        self.containers[name] = "running" if name.startswith("app-") else self.command_ends_as
        pairs = (word.split("=") for before, word in zip(arguments, arguments[1:]) if before == "--label")
        self.labels[name] = {key: value for key, value in pairs}
        return ""

    def do_kill(self, name: str) -> str:
        self.containers[name] = "exited"
        return ""

    def do_ps(self, *arguments: str) -> str:
        if "label=berth.command" in arguments:
            found = {name: self.labels.get(name, {}) for name in self.containers if name.startswith("release-")}
            return "".join(f"{name} {one.get('berth.boot', '')} {one.get('berth.begun', '')}\n" for name, one in found.items())
        return "".join(f"{name} {state}\n" for name, state in self.containers.items() if name.startswith("app-"))

    def do_inspect(self, *arguments: str) -> str:
        """One line for each container, with the fields that are read: as it was when this one ended or runs."""
        lines = []
        for name in arguments[4:]:
            if name not in self.containers:
                raise Failed(f"docker inspect: Error: No such container: {name}")
            state = {"Status": self.containers[name], "ExitCode": 0, "OOMKilled": False, "Pid": 0, "FinishedAt": ""}
            found = {"name": f"/{name}", "state": {**state, **self.ends.get(name, {})}, "restarts": self.restarts.get(name, 0)}
            lines.append(json.dumps(found))
        return "\n".join(lines)

    def do_events(self, *arguments: str) -> str:
        name = arguments[arguments.index("--filter") + 1].split("=")[1]
        return "\n".join(json.dumps(event) for event in self.events.get(name, []))

    def do_volume(self, verb: str, *arguments: str) -> str:
        if verb == "rm":
            self.volumes = [name for name in self.volumes if name not in arguments]
        return "\n".join(self.volumes)

    def do_create(self, *_: str) -> str:
        self.containers["helper"] = "created"
        return "helper\n"

    def call_for_bytes(self, *command: str) -> bytes:
        """The one command whose output is no text: a tar with the image's list of users, or of groups."""
        self.calls.append(command[1:])
        known = self.groups if command[-2].endswith(":/etc/group") else self.users
        if known is None:
            raise Failed("docker cp: no such file")
        content = known if isinstance(known, bytes) else known.encode()
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            member = tarfile.TarInfo("passwd")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        return archive.getvalue()

    def do_start(self, name: str) -> str:
        self.containers[name] = "running"
        return ""

    def do_stop(self, *arguments: str) -> str:
        for name in arguments:
            self.containers[name] = "exited"
        return ""

    def do_rm(self, *arguments: str) -> str:
        for name in arguments:
            if not name.startswith("--"):
                self.containers.pop(name, None)
        return ""


class Case(unittest.TestCase):
    """A test with an engine, a clock and a folder of its own, in place of the machine's."""

    def setUp(self) -> None:
        self.engine, self.clock = Engine(), Clock()
        self.folder = pathlib.Path(self.enter(tempfile.TemporaryDirectory()))
        for module in (replicas, hindrance, images, release_command, ends, users):
            self.enter(patch.object(module, "call", self.engine.call))
        self.enter(patch.dict(users.LISTS, clear=True))
        self.enter(patch.object(users, "call_for_bytes", self.engine.call_for_bytes))
        for module in (attempts, ends, figures, converge, gate, health, hindrance, rates, release_command, reporter, trial, volumes):
            self.enter(patch.object(module, "time", self.clock))
        self.enter(patch.object(gate, "tail", lambda name: self.engine.logs.get(name, [])))
        self.enter(patch.object(replicas.platform, "machine", lambda: "x86_64"))
        self.enter(patch.object(state, "STATE", self.folder))
        self.enter(patch.object(state, "LAUNCHER", self.folder / "launcher.json"))
        self.enter(patch.object(state, "WAITING", self.folder / "waiting.json"))
        self.enter(patch.object(converge, "TURN", self.folder / "turn"))
        self.enter(patch.object(edge, "LOG", self.folder / "edge.log"))
        # All of the disk is the engine's, and what is kept fits.
        self.enter(patch.object(images, "shutil", types.SimpleNamespace(disk_usage=lambda _: types.SimpleNamespace(total=1000))))
        self.free_bytes = 1 << 30
        self.enter(patch.object(hindrance, "count_free", lambda: self.free_bytes))
        self.enter(patch.object(converge.log, "disabled", True))
        self.enter(patch.object(state, "INSTANCE_ID", self.folder / "instance-id"))
        (self.folder / "instance-id").write_text("i-1\n")

    def enter(self, manager: Any) -> Any:
        """As unittest's own, which Python 3.10 doesn't have."""
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value


@contextlib.contextmanager
def answering(statuses: dict[int, list[int | None]]) -> Iterator[list[int]]:
    """Replicas that answer on each port with these statuses, the last one for ever. Yields the ports in the order asked."""
    asked: list[int] = []

    def probe(port: int, _: Any) -> int | None:
        asked.append(port)
        left = statuses[port]
        return left.pop(0) if len(left) > 1 else left[0]

    with patch.object(gate, "probe", probe):
        yield asked
