"""Keeps this host at the release that the state bucket asks for.

One loop serves a first boot, an update, a rollback, a reboot, a replaced host and a crashed app: look at what is
wanted and at what runs, and do the next thing that is missing. Everything it remembers is in /var/lib/berth, so it
may be killed at any moment. Runs on the Python that cloud-init brings along, 3.9 or newer.
"""

from __future__ import annotations

import logging
import pathlib
import time
from typing import Any, Callable

import app_secrets
import edge_settings
import gate
import hindrance
import images
import release_command
import replicas
import volumes
from attempts import Backoff, Steps, say
from bounds import differ, find_excess, setting
from bucket import Bucket
from command import Failed
from edge import Edge
from figures import Figures
from health import Watch
from https import Https
from maintenance import Maintenance
from reporter import Reporter
from restarts import Restarts
from senders import Senders
from shell import Shell
from state import Release, load, read_instance, read_settings, save, write
from trial import Trial

TURN = pathlib.Path("/run/berth/turn")
POLL_S = 2
# Each look at the bucket costs: it is asked less often when there was no news for a while.
REST_S = 6
BUSY_S = 600
TRIES_UNTIL_FAILED = 5
# A new agent has to look after what serves first, or the launcher takes it back by then: 90 s, and the time to do so.
PROOF_S = 180

log = logging.getLogger("berth")


class Host:
    def __init__(self, bucket: Bucket, edge: Edge) -> None:
        self.bucket, self.edge = bucket, edge
        self.reporter = Reporter(bucket, read_instance())
        self.serving = load("serving.json")
        self.failed = load("failed.json")
        self.kept = 0  # the release that the edge is known to point at
        self.retry, self.steps = Backoff(), Steps()
        self.figures, self.space = Figures(), volumes.Space()
        self.restarts, self.watch, self.https = Restarts(), Watch(), Https(bucket)
        self.maintenance, self.trial = Maintenance(), Trial()
        self.secrets, self.shell = app_secrets.Secrets(bucket), Shell()
        self.heard: Release | None = None
        self.hear_at, self.busy_until = 0.0, time.monotonic() + BUSY_S
        self.is_proven, self.proof_until = False, time.monotonic() + PROOF_S
        self.senders = Senders()

    def turn(self) -> None:
        """What serves comes first: an agent that can't look after it is taken back before it starts anything else."""
        self.steps.attempt("the certificate", self.https.turn)
        self.steps.attempt("the desired release", self.hear)
        wanted = self.heard
        self.steps.attempt("the page for visitors", self.maintenance.turn, wanted)
        asked = wanted if wanted and not find_excess(wanted) else self.serving
        self.steps.attempt("the logs", self.senders.send_logs, asked)
        self.steps.attempt("the metrics", self.senders.send_metrics, wanted)
        self.steps.attempt("the shell", self.shell.turn, asked)
        if wanted and self.may_try() and self.is_due(wanted):
            self.try_out(wanted)
        if self.serving:
            self.keep(self.serving)
        self.steps.attempt("the edge's log", self.edge.count_tries)
        self.steps.attempt("the release before", self.judge)
        self.report(wanted)
        if not self.is_proven and self.bucket.is_answering() and not self.steps.failing:
            self.is_proven = True
            write(TURN, "")

    def hear(self) -> None:
        now = time.monotonic()
        if self.busy_until <= now < self.hear_at:
            return
        self.hear_at = now + REST_S
        was_away, wanted = self.bucket.is_away(), self.bucket.release()
        if was_away and self.bucket.is_answering():
            # What couldn't be fetched says nothing any more.
            self.retry.forgive()
            self.failed = load("failed.json")
        if wanted is not None and (not isinstance(wanted, dict) or type(wanted.get("number")) is not int):
            raise Failed("release.json in the state bucket is no release: it has no number")
        # A bucket that was lost and made again knows nothing of what was told.
        if wanted != self.heard:
            self.heard, self.busy_until = wanted, now + BUSY_S
            self.reporter.forget()

    def may_try(self) -> bool:
        return self.is_proven or not self.serving or time.monotonic() >= self.proof_until

    def is_due(self, wanted: Release) -> bool:
        """A release that failed its gate isn't tried again; one that this host couldn't try is, after a while."""
        number = wanted["number"]
        if self.serving and not differ(self.serving, wanted):
            return False
        self.retry.about(number)
        if self.retry.failures:
            return self.retry.is_over()
        return not (self.failed and self.failed["release"] == number)

    def try_out(self, release: Release) -> None:
        """A release is given up for what it does itself. What is in its way on this host is said, and it is tried again."""
        engine = hindrance.look_at_engine()
        try:
            self.deploy(release)
        except Exception as error:
            obstacle = hindrance.find(error, engine)
            if obstacle:
                self.put_off(release, obstacle)
            elif isinstance(error, Failed):
                self.give_up(release, error)
            else:
                log.exception("release %s", release["number"])
                self.retry.failed(say(error))
                self.failed = failed(release["number"], Failed(f"the host couldn't try it: {say(error)}", cause="host"))

    def put_off(self, release: Release, obstacle: Failed) -> None:
        log.warning("release %s: %s", release["number"], obstacle)
        self.retry.failed(say(obstacle))
        if self.retry.failures >= TRIES_UNTIL_FAILED:
            self.failed = failed(release["number"], obstacle)

    def give_up(self, release: Release, failure: Failed) -> None:
        self.failed, self.retry.failures = failed(release["number"], failure), 0
        save("failed.json", self.failed)
        replicas.remove(replicas.of(release["number"]))
        self.forget_command(release)

    def deploy(self, release: Release) -> None:
        """Starts a release beside the one that serves. Only when it has passed its gate it becomes the one to keep."""
        number = release["number"]
        excess = find_excess(release)
        if excess:
            self.failed = failed(number, Failed(excess))
            save("failed.json", self.failed)
            return
        if not self.retry.failures:
            log.info("release %s is tried: %s", number, release["image"])
            self.tell(starting(release))
        try:
            images.ensure(release)
            self.secrets.ensure(release)
        except Failed as failure:
            failure.cause = failure.cause or "pull"
            self.put_off(release, hindrance.find_full_disk(failure) or failure)
            return
        try:
            self.start(release, release_command.run)
        except volumes.NotYet as failure:
            log.info("release %s: %s; waiting for it", number, failure)
            return
        self.trial.prepare(release, self.serving)
        self.take(release)
        self.failed, self.retry.failures = None, 0
        self.forget_command(release)

    def start(self, release: Release, before: Callable[[Release], None]) -> None:
        """Returns when the release has passed its gate, beside what serves."""
        replicas.prepare_volumes(release)
        replicas.remove(replicas.of(release["number"]))
        before(release)
        for index in range(release["replicas"]):
            replicas.start(release, index)
        gate.pass_gate(release)

    def take(self, release: Release) -> None:
        """From now on it is what this host keeps."""
        settings = self.settings_of(release)
        # For a set-up that comes first. Before anything serves, the edge has no client to wait for.
        save("edge.json", settings)
        if not self.serving:
            self.steps.attempt("the edge's settings", self.edge.configure, settings)
        # First written down, then switched: after a crash in between, the next turn of the loop switches.
        save("serving.json", release)
        self.serving = release

    def judge(self) -> None:
        """Puts the release before back if the one that serves is clearly worse, by the same gate and switch."""
        number = self.serving["number"] if self.serving else 0
        earlier = self.trial.judge(number, self.edge.counted) if self.kept == number else None
        if not earlier:
            return
        log.warning("release %s: %s", number, self.trial.reason())
        images.ensure(earlier)
        self.secrets.ensure(earlier)
        self.start(earlier, lambda _: None)
        verdict = failed(number, Failed(self.trial.reason(), replicas.names(self.serving or earlier)[0], "worse"))
        # First, so that a converger killed in between doesn't try the worse one again.
        save("failed.json", verdict)
        self.take(earlier)
        self.failed = verdict
        self.turn_to(earlier)
        self.trial.end()

    def forget_command(self, release: Release) -> None:
        if setting(release, "releaseCommand"):
            self.steps.attempt("the release command", release_command.forget)

    def keep(self, release: Release) -> None:
        """The replicas run, the edge knows them, and nothing else of Berth's is left."""
        self.steps.attempt("the replicas", self.look_after, release)
        self.steps.attempt("the health of the replicas", self.watch.look, release)
        self.steps.attempt("the edge", self.turn_to, release)
        self.steps.attempt("the edge's settings", self.edge.configure, self.settings_of(release))

    def settings_of(self, release: Release) -> dict[str, Any]:
        return {**edge_settings.settings_of(release), **self.https.edge()}

    def look_after(self, release: Release) -> None:
        replicas.prepare_volumes(release)
        self.secrets.ensure(release)
        found = replicas.states()
        self.restarts.watch(release, [name for name in replicas.names(release) if name in found])
        replicas.revive(release, found)

    def turn_to(self, release: Release) -> None:
        counted = self.edge.counted
        self.edge.point_at(self.watch.ports(release), edge_settings.settings_of(release))
        if self.kept == release["number"]:  # other replicas of the same release: its figures go on
            self.edge.counted = counted
        else:
            self.trial.begin(release["number"], self.edge.before)
            log.info("release %s serves", release["number"])
        self.kept = release["number"]
        others = [name for name in replicas.states() if name not in replicas.names(release)]
        if others:
            replicas.remove(others)
            replicas.forget_volumes()
            app_secrets.forget(release)
        images.note(release)
        if not setting(release, "volumes"):
            volumes.let_go()

    def report(self, wanted: Release | None) -> None:
        number = self.serving["number"] if self.serving else None
        if wanted and self.failed and self.failed["release"] == wanted["number"]:
            self.tell(self.failed)
        elif wanted and wanted["number"] != number:
            self.tell(starting(wanted))
        elif self.serving and number and (self.kept != number or self.https.is_settling() or self.trial.is_about(number)):
            self.tell(starting(self.serving))
        elif self.serving and number:
            is_new, serving = not self.reporter.has_told(number, "serving"), self.serving
            read_log = lambda: replicas.last_words(serving)
            edge, asked = self.edge, self.edge.take_asked()
            figures = self.figures.choose(edge.counted, is_new, asked, read_log, edge.rates.told())
            self.tell({"release": number, "status": "serving", **figures})

    def tell(self, news: dict[str, Any]) -> None:
        stack = {**self.https.told(), **self.maintenance.told()}
        put_off = self.retry.told(news["release"]) if news["status"] == "starting" else []
        about = self.watch.told(self.serving) if self.serving else []
        troubles = put_off + self.steps.told() + about + self.space.told() + self.shell.told()
        if not self.serving:
            self.reporter.tell(news, {}, troubles, stack)
            return
        self.reporter.tell({**news, "serves": self.serving["number"]}, self.restarts.told(), troubles, stack)


def starting(release: Release) -> dict[str, Any]:
    return {"release": release["number"], "status": "starting"}


def failed(number: int, failure: Failed) -> dict[str, Any]:
    log.error("release %s failed: %s", number, failure)
    tail = replicas.tail(failure.container) if failure.container else []
    cause = {"cause": failure.cause} if failure.cause else {}
    return {"release": number, "status": "failed", "reason": str(failure), **cause, "log": tail}


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    host = Host(Bucket(read_settings()), Edge())
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
