"""Bundles, made as Berth makes them or otherwise."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile

AGENT = "usr/local/lib/berth/converge.py"
UNIT = "etc/systemd/system/berth.service"


def member(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname = kind, mode, target
    return info


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)


def bundle_of(files: dict[str, str]) -> bytes:
    return archive(*[(member(name), text.encode()) for name, text in files.items()])


def hash_of(packed: bytes) -> str:
    return hashlib.sha256(packed).hexdigest()
