"""Keeps this host at the release that the state bucket asks for.

One loop serves a first boot, an update, a rollback, a reboot, a replaced host and a crashed app: look at what is
wanted and at what runs, and do the next thing that is missing. Everything it remembers is in /var/lib/berth, so it
may be killed at any moment. Runs on the Python that cloud-init brings along, 3.9 or newer.
"""

from __future__ import annotations

import datetime
import json
import logging
import pathlib
import time
from typing import Any

import replicas
from bucket import Bucket
from command import Failed, call
from edge import Edge
from state import Release, agent, load, save, write

SETTINGS = pathlib.Path("/etc/berth/settings.json")
TURN = pathlib.Path("/run/berth/turn")
INSTANCE_ID = pathlib.Path("/var/lib/cloud/data/instance-id")
POLL_S = 2
CONTENT = ("number", "image", "port", "replicas", "environment", "memoryMib")
BOUNDS = {
    "number": (1, 10**9),
    "replicas": (1, 10),
    "port": (1, 65535),
    "memoryMib": (16, 65536),
    "startSeconds": (1, 300),
}
PULLS_UNTIL_FAILED = 5
# Each report is a new version of an object.
COUNTERS_EVERY_S = 600

log = logging.getLogger("berth")


class Host:
    def __init__(self, bucket: Bucket, edge: Edge) -> None:
        self.bucket, self.edge = bucket, edge
        self.instance = INSTANCE_ID.read_text().strip()
        self.serving = load("serving.json")
        self.failed = load("failed.json")
        self.pull = Backoff()
        self.counters, self.counters_at = edge.counted, 0.0
        self.told: dict[str, Any] = {}
        self.heard: Release | None = None
        self.is_proven = False

    def turn(self) -> None:
        """What serves comes first: an agent that can't look after it is taken back before it starts anything else."""
        wanted = self.bucket.release()
        # A bucket that was lost and made again knows nothing of what was told.
        if wanted != self.heard:
            self.heard, self.told = wanted, {}
        if wanted and (self.is_proven or not self.serving) and self.is_due(wanted):
            self.deploy(wanted)
        if self.serving:
            self.keep(self.serving)
        self.report(wanted)
        if not self.is_proven and self.bucket.is_answering():
            self.is_proven = True
            write(TURN, "")

    def is_due(self, wanted: Release) -> bool:
        """A release that failed its gate isn't tried again; one that couldn't be pulled is, after a while."""
        number = wanted["number"]
        if self.serving and all(self.serving.get(field) == wanted[field] for field in CONTENT):
            return False
        self.pull.about(number)
        if self.pull.failures:
            return self.pull.is_over()
        return not (self.failed and self.failed["release"] == number)

    def deploy(self, release: Release) -> None:
        """Starts a release beside the one that serves. Only when it has passed its gate it becomes the one to keep."""
        number = release["number"]
        excess = find_excess(release)
        if excess:
            self.failed = failed(number, Failed(excess))
            save("failed.json", self.failed)
            return
        if not self.pull.failures:
            self.tell(starting(release))
        try:
            call("docker", "pull", "--quiet", release["image"], timeout_s=900)
        except Failed as failure:
            self.pull.failed()
            log.warning("%s", failure)
            if self.pull.failures >= PULLS_UNTIL_FAILED:
                self.failed = failed(number, failure)
            return
        self.pull.failures = 0
        try:
            replicas.remove(replicas.of(number))
            for index in range(release["replicas"]):
                replicas.start(release, index)
            replicas.pass_gate(release)
        except Failed as failure:
            self.failed = failed(number, failure)
            save("failed.json", self.failed)
            replicas.remove(replicas.of(number))
            return
        # First written down, then switched: after a crash in between, the next turn of the loop switches.
        save("serving.json", release)
        self.serving, self.failed = release, None

    def keep(self, release: Release) -> None:
        """The replicas run, the edge knows them, and nothing else of Berth's is left."""
        replicas.revive(release)
        self.edge.point_at(replicas.ports(release))
        others = [name for name in replicas.states() if name not in replicas.names(release)]
        if others:
            replicas.remove(others)
            replicas.forget_images(release)
            log.info("release %s serves", release["number"])

    def report(self, wanted: Release | None) -> None:
        self.edge.count_tries()
        number = self.serving["number"] if self.serving else None
        if wanted and self.failed and self.failed["release"] == wanted["number"]:
            self.tell(self.failed)
        elif wanted and wanted["number"] != number:
            self.tell(starting(wanted))
        elif number:
            is_news = (self.told.get("release"), self.told.get("status")) != (number, "serving")
            if is_news or time.monotonic() >= self.counters_at:
                self.counters, self.counters_at = self.edge.counted, time.monotonic() + COUNTERS_EVERY_S
            self.tell({"release": number, "status": "serving", "upstream": self.counters})

    def tell(self, news: dict[str, Any]) -> None:
        """Writes the report, as in lib/release/reports.ts, when there is news. One that can't be written is tried next turn."""
        serves = {"serves": self.serving["number"]} if self.serving else {}
        report = {"instance": self.instance, **news, **serves, **agent()}
        at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        if report != self.told and self.bucket.put(f"hosts/{self.instance}.json", {**report, "at": at}):
            self.told = report


class Backoff:
    """Failures in a row of one release's pull, and when the next try is due."""

    def __init__(self) -> None:
        self.number, self.failures, self.until = 0, 0, 0.0

    def about(self, number: int) -> None:
        if self.number != number:
            self.number, self.failures = number, 0

    def failed(self) -> None:
        self.failures += 1
        self.until = time.monotonic() + min(2**self.failures, 300)

    def is_over(self) -> bool:
        return time.monotonic() >= self.until


def find_excess(release: Release) -> str:
    """Whoever writes into the bucket may ask for no more than a configuration may."""
    wrong = [
        key
        for key, (least, most) in BOUNDS.items()
        if type(release.get(key)) is not int or not least <= release[key] <= most
    ]
    return f"the desired release is out of bounds in {', '.join(wrong)}" if wrong else ""


def starting(release: Release) -> dict[str, Any]:
    return {"release": release["number"], "status": "starting"}


def failed(number: int, failure: Failed) -> dict[str, Any]:
    log.error("release %s failed: %s", number, failure)
    tail = replicas.tail(failure.container) if failure.container else []
    return {"release": number, "status": "failed", "reason": str(failure), "log": tail}


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    host = Host(Bucket(json.loads(SETTINGS.read_text())), Edge())
    while True:
        try:
            host.turn()
        except Failed as failure:
            log.warning("%s; trying again", failure)
        except Exception:  # the loop outlives whatever one turn may meet
            log.exception("trying again")
        time.sleep(POLL_S)


if __name__ == "__main__":
    main()
