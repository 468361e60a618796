"""Whom a replica runs as."""

from __future__ import annotations

import io
import re
import tarfile

from command import Failed, call, call_for_bytes
from state import Release

SPACE = b" \t\n\v\f\r"  # what the engine cuts off at both ends of a line
NUMBER = re.compile(rb"[+-]?[0-9]+")
ROOT = re.compile(r"[+-]?0*|root")  # the engine reads "00" as 0, and no name as root
NOBODY = "65532:65532"
LISTS_MOST = 8  # two for each image: the release that serves, the next one, and some more
LISTS: dict[tuple[str, str], bytes] = {}


def choose(release: Release, of_image: str) -> str:
    """The user that the release names, who may be root only if it says so; otherwise the image's own, who may not."""
    wanted = release.get("user")
    if wanted is None:
        return NOBODY if is_root(release, of_image) else of_image
    if is_named(wanted) and not find_id(release, wanted):
        there = "is root in this image: write root if it has to be" if find_id(release, wanted) == 0 else "isn't in this image"
        raise Failed(f"app.user: {wanted} {there}", cause="user")
    return wanted


def refuse_borrowed_group(release: Release, user: str) -> None:
    """The engine adds every group whose name is the number of the user's own one: such a name may have root's id."""
    _, _, group = user.partition(":")
    if not group.strip("0"):
        return
    for line in read_list(release, "group").split(b"\n"):
        name, *rest = line.strip(SPACE).split(b":")
        if name.isdigit() and name.strip(b"0") and as_id([*rest, b"", b""][1]) == 0:
            told = name.decode()[:20]
            raise Failed(f"the image's /etc/group gives a group named {told} root's id: rename that group in the image", cause="user")


def is_root(release: Release, user: str) -> bool:
    """A name that the image's own list of users doesn't have may be anybody's."""
    name = user.split(":")[0]
    return bool(ROOT.fullmatch(name)) or is_named(user) and not find_id(release, name)


def is_named(user: str) -> bool:
    name = user.split(":")[0]
    return not (ROOT.fullmatch(name) or name.isdecimal())


def find_id(release: Release, name: str) -> int | None:
    """The id that the image's own list of users gives the name: any name may be root's there."""
    found = find_ids(release, name)
    return found[0] if found else None


def ids_of(release: Release, user: str) -> tuple[int, int]:
    """User and group, as numbers, of a user as the engine is told it."""
    name, _, group = user.partition(":")
    found = find_ids(release, name) if is_named(name) else None
    own, own_group = found or (int(name) if name.isdecimal() else 0, 0)
    return own, int(group) if group.isdecimal() else own_group


def find_ids(release: Release, name: str) -> tuple[int, int] | None:
    """Those of the user and of its group, in the image's own list of users. The first line of that name counts."""
    lines = (line.strip(SPACE).split(b":") for line in read_list(release, "passwd").split(b"\n"))
    fields = next((fields for fields in lines if fields[0] == name.encode()), None)
    if fields is None:
        return None
    own, group = [*fields[2:4], b"", b""][:2]
    return as_id(own), as_id(group)


def as_id(field: bytes) -> int:
    """The engine takes an id that is missing, or no number, for 0: that is root's."""
    return int(field) if NUMBER.fullmatch(field) else 0


def read_list(release: Release, name: str) -> bytes:
    """The image's /etc/passwd or /etc/group. Read once for an image, which its digest names. One that wasn't found is looked for again."""
    key = release["image"], name
    found = LISTS.get(key) or copy_list(release, name)
    if found and "@sha256:" in release["image"]:
        if len(LISTS) >= LISTS_MOST:
            LISTS.clear()
        LISTS[key] = found
    return found


def copy_list(release: Release, name: str) -> bytes:
    """It may be a link in the image. Empty if there is none."""
    label = f"berth.release={release['number']}"
    container = call("docker", "create", "--label", label, release["image"], "none").strip()
    try:
        archive = call_for_bytes("docker", "cp", "--follow-link", f"{container}:/etc/{name}", "-")
    except Failed:
        archive = b""
    call("docker", "rm", "--volumes", container)
    return read_file(archive) if archive else b""


def read_file(archive: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
        member = tar.next()
        content = tar.extractfile(member) if member and member.isfile() else None
        return content.read() if content else b""
