"""Sends this host's journal to CloudWatch, for `berth logs`. Started by the converger while the release asks for it.

What the app writes is sent by the engine itself: see replicas.py. Here are the converger, set-up and certificate, the edge
with each request that failed, the engine, and the boot. What can't be sent waits in the journal, which journald keeps
small: when AWS doesn't answer for long, the oldest entries are lost, and neither memory nor disk fills up.
"""

from __future__ import annotations

import json
import logging
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import app_secrets
from aws_call import TROUBLE, Client, Refusal, service_of
from state import load, order, read_instance, read_settings, save

STREAMS = {
    "agent": ("berth", "berth-launcher", "berth-certificate", "berth-data", "berth-logs", "berth-metrics", "docker"),
    "edge": ("nginx", "berth-switch", "berth-edge"),
    "boot": ("cloud-init-local", "cloud-init", "cloud-init-main", "cloud-config", "cloud-final"),
}
STREAM_OF = {unit: stream for stream, units in STREAMS.items() for unit in units}
QUEUED = 2_000
TEXT_CHARACTERS = 8_000
# Below the limits of PutLogEvents, which counts 26 bytes more for each event.
BATCH_EVENTS, BATCH_BYTES, EVENT_BYTES = 1_000, 900_000, 26
BATCH_MS = 23 * 3_600_000
OLDEST_MS = 13 * 86_400_000  # CloudWatch takes nothing older than 14 days
LOOK_S, LONGEST_PAUSE_S = 2, 60

log = logging.getLogger("berth-logs")


class Event(NamedTuple):
    stream: str
    at_ms: int
    text: str
    cursor: str


class Sender:
    """The group in CloudWatch, over one connection."""

    def __init__(self, settings: dict[str, str], group: str) -> None:
        self.group = group
        self.client = Client(service_of(settings, "logs", "Logs_20140328"))
        self.known: set[str] = set()

    def send(self, stream: str, events: list[Event]) -> None:
        """Events of one stream, oldest first, within the limits of one call."""
        try:
            if stream not in self.known:
                self.create(stream)
                self.known.add(stream)
            said = [{"timestamp": event.at_ms, "message": event.text} for event in events]
            answer = self.client.call("PutLogEvents", {**self.named(stream), "logEvents": said})
        except Exception:
            # Somebody may have removed a stream.
            self.known.clear()
            self.client.close()
            raise
        if answer.get("rejectedLogEventsInfo"):
            log.warning("CloudWatch refused some of %d events: %s", len(events), answer["rejectedLogEventsInfo"])

    def create(self, stream: str) -> None:
        try:
            self.client.call("CreateLogStream", self.named(stream))
        except Refusal as refusal:
            if refusal.code != "ResourceAlreadyExistsException":
                raise

    def named(self, stream: str) -> dict[str, str]:
        return {"logGroupName": self.group, "logStreamName": stream}


class Journal:
    """The entries of the units, one after the other, read by a process and a thread of their own."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.queue: queue.Queue[Event] = queue.Queue(QUEUED)

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self.follow, daemon=True)
        thread.start()
        return thread

    def follow(self) -> None:
        units = [word for unit in STREAM_OF for word in ("--unit", f"{unit}.service")]
        cursor = (load("logs-sent.json") or {}).get("cursor")
        begin = [f"--after-cursor={cursor}"] if cursor else []
        fields = "--output-fields=MESSAGE,UNIT,_SYSTEMD_UNIT"
        command = ["journalctl", "--follow", "--no-tail", "--quiet", *begin, "--output=json", fields, *units]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            for line in process.stdout or ():
                event = read_entry(self.instance, line)
                if event:
                    self.queue.put(event)
        if process.returncode and cursor:  # it is one of a journal that is no more
            save("logs-sent.json", {})
        log.warning("journalctl ended with %s", process.returncode)

    def batch(self) -> list[Event]:
        """What there is, up to the limits of one call. Waits for a while if there is nothing."""
        events: list[Event] = []
        size = 0
        while len(events) < BATCH_EVENTS and size < BATCH_BYTES - 4 * TEXT_CHARACTERS:
            try:
                event = self.queue.get(timeout=LOOK_S) if not events else self.queue.get_nowait()
            except queue.Empty:
                break
            events.append(event)
            size += len(event.text.encode()) + EVENT_BYTES
        return events


def read_entry(instance: str, line: bytes) -> Event | None:
    """An entry of the journal as JSON, if it is of one of our units."""
    try:
        entry = json.loads(line)
        text, at_ms = text_of(entry.get("MESSAGE")), int(entry["__REALTIME_TIMESTAMP"]) // 1000
        cursor = str(entry["__CURSOR"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    # What systemd itself says of a unit has the unit's name in a field of its own.
    unit = str(entry.get("UNIT") or entry.get("_SYSTEMD_UNIT")).partition(".")[0]
    if unit not in STREAM_OF:
        return None
    stream = STREAM_OF[unit]
    shown = app_secrets.hide(text)[:TEXT_CHARACTERS]
    return Event(f"{stream}/{instance}", at_ms, shown or " " if stream == "edge" else f"{unit}: {shown}", cursor)


def text_of(message: Any) -> str:
    """A message that isn't text comes as a list of bytes, and one that is too long for JSON as nothing."""
    if isinstance(message, list):
        return bytes(message).decode(errors="replace")
    return "" if message is None else str(message)


def parts_of(events: list[Event], now_ms: float) -> Iterator[tuple[str, list[Event]]]:
    """By stream and time, as CloudWatch takes them: oldest first, within a day, none that is too old."""
    young = [event for event in events if event.at_ms > now_ms - OLDEST_MS]
    for stream in sorted({event.stream for event in young}):
        part: list[Event] = []
        # Stable: entries of the same moment stay in their order.
        for event in sorted((one for one in young if one.stream == stream), key=lambda one: one.at_ms):
            if part and event.at_ms - part[0].at_ms > BATCH_MS:
                yield stream, part
                part = []
            part.append(event)
        yield stream, part


def send_all(sender: Sender, events: list[Event]) -> None:
    """Tries again until CloudWatch has taken them: meanwhile the queue fills, and the journal is read no further."""
    for stream, part in parts_of(events, time.time() * 1000):
        pause_s = 1
        while True:
            try:
                sender.send(stream, part)
                break
            except TROUBLE as trouble:
                if pause_s == 1:
                    log.warning("%s: %s; trying again", type(trouble).__name__, trouble)
                time.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
    if events:
        save("logs-sent.json", {"cursor": events[-1].cursor})


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    begun = order("logs.json")
    group = begun[0].get("group")
    if not group:
        return
    sender = Sender(read_settings(), group)
    journal = Journal(read_instance())
    thread = journal.start()
    while thread.is_alive() and order("logs.json") == begun:
        send_all(sender, journal.batch())


if __name__ == "__main__":
    main()
