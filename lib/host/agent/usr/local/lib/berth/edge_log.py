"""The lines of the edge's log, each once, whatever becomes of its file: the converger renames it, and nginx begins another."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import BinaryIO

import edge

# A file is known by how it begins, whatever its name is: by the time and the id of its first request.
HEAD_BYTES = 96
PART_BYTES = 4 << 20
# There are two. One that is being renamed may be in neither place for a moment.
KNOWN_FILES = 4


class EdgeLog:
    def __init__(self, read: dict[str, int] | None) -> None:
        """`read` says how far each file was read. Without it, what there is already is passed over."""
        self.read = {} if read is None else read
        if read is None:
            for _ in self.parts():
                pass

    def parts(self) -> Iterator[bytes]:
        """What is new, in parts of whole lines."""
        # The one before comes first: workers of nginx that haven't heard of the new one still write to it.
        for path in (pathlib.Path(f"{edge.LOG}.1"), edge.LOG):
            try:
                with path.open("rb") as file:
                    yield from self.parts_of(file)
            except FileNotFoundError:
                continue
        self.read = dict([*self.read.items()][-KNOWN_FILES:])

    def parts_of(self, file: BinaryIO) -> Iterator[bytes]:
        head = file.read(HEAD_BYTES).decode("latin-1")
        if len(head) < HEAD_BYTES:
            return
        # Last among those that are known.
        self.read[head] = self.read.pop(head, 0)
        while True:
            file.seek(self.read[head])
            part = file.read(PART_BYTES)
            whole = part[: part.rfind(b"\n") + 1]
            if not whole:
                return
            self.read[head] += len(whole)
            yield whole
