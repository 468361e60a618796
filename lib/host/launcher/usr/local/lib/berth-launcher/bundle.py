"""A bundle: all files of one agent, named by the sha256 of the archive they come in."""

from __future__ import annotations

import hashlib
import io
import os
import pathlib
import re
import tarfile
import zlib

from fetch import Unfit

PACKED_MOST = 4 << 20
UNPACKED_MOST = 32 << 20
# No part begins with a dot, so none leads up.
PLACE = re.compile(r"(?:etc|usr/local/lib/berth)(?:/[\w@-][\w@.-]*)+", re.ASCII)


def unpack(packed: bytes, sha256: str) -> dict[str, tuple[bytes, int]]:
    """Path below / -> content and mode."""
    found = hashlib.sha256(packed).hexdigest()
    if found != sha256:
        raise Unfit(f"the bundle {sha256[:12]} has the hash {found[:12]}")
    try:
        unzip = zlib.decompressobj(31)
        plain = unzip.decompress(packed, UNPACKED_MOST)
        if not unzip.eof:
            raise Unfit(f"the bundle {sha256[:12]} unpacks to more than {UNPACKED_MOST} bytes, or ends too soon")
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
            return {member.name: content(archive, member) for member in archive}
    except (zlib.error, tarfile.TarError) as damage:
        raise Unfit(f"the bundle {sha256[:12]} is no archive: {damage}") from damage


def content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[bytes, int]:
    file = archive.extractfile(member) if member.isreg() and PLACE.fullmatch(member.name) else None
    if file is None:
        raise Unfit(f"{ascii(member.name[:200])} has no place on a host, or is no file")
    return file.read(), 0o755 if member.mode & 0o100 else 0o644


def is_same(path: pathlib.Path, wanted: tuple[bytes, int]) -> bool:
    try:
        return (path.read_bytes(), path.stat().st_mode & 0o7777) == wanted
    except OSError:
        return False


def write(path: pathlib.Path, data: bytes, mode: int = 0o644) -> None:
    """Whole or not at all, power cuts included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)  # on a full disk it would take what is left
        raise
