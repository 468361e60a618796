"""Prints as JSON what the host's reader does with a release: what it checks, what it compares, what it goes by."""

import json
import sys
from typing import Any

sys.dont_write_bytecode = True

import bounds
import converge
import edge_settings
from hosts import HostCase
from stand_ins import RELEASE


class Watched(dict):
    """A release that notes which of its fields are asked for by name."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.asked: set[str] = set()

    def __getitem__(self, field: str) -> Any:
        self.asked.add(field)
        return super().__getitem__(field)

    def get(self, field: str, default: Any = None) -> Any:
        self.asked.add(field)
        return super().get(field, default)


case = HostCase()
case.setUp()
# The check of the bounds asks for fields that nothing may come of: it gets a copy that isn't watched.
check = bounds.find_excess
converge.find_excess = lambda release: check(dict(release))
# What is done to the disk is another test's.
converge.volumes.fulfil = lambda wish: None
release = Watched({**RELEASE, "volumes": {"uploads": "/data"}, "dataVolume": "vol-0123456789abcdef0"})
case.bucket.wanted = release
case.turn()
serves = case.said()[-1] == (RELEASE["number"], "serving")
case.doCleanups()

# Each line of the input is a field and a value: which of them does the host take?
tried = [json.loads(line) for line in sys.stdin if line.strip()]
takes = [check({**RELEASE, field: value}) == "" for field, value in tried]

edge = {"bounds": edge_settings.BOUNDS, "choices": edge_settings.CHOICES, "defaults": edge_settings.DEFAULTS}
reader = {"edge": edge, "takes": takes, "defaults": bounds.DEFAULTS, "bounds": bounds.NUMBERS, "content": bounds.CONTENT, "used": sorted(release.asked), "serves": serves}
json.dump(reader, sys.stdout)
