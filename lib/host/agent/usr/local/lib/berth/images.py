"""The images on this host: that of the release that serves, and those that a rollback would ask for next."""

from __future__ import annotations

import logging
import shutil
from typing import Any

from command import Failed, call
from state import Release, load, save

MOST_KEPT = 3
# Of the disk, for all that are kept. Layers that images share are counted for each, so less is taken than this.
SHARE = 0.25
DISK = "/"
MEMORY = "images.json"

log = logging.getLogger("berth")


def ensure(release: Release) -> None:
    """A digest names its content, so an image that is here is asked for nowhere."""
    image = release["image"]
    if is_here(image):
        return
    try:
        call("docker", "pull", "--quiet", image, timeout_s=900)
    except Failed as failure:
        if "no space left" in str(failure):
            make_room(image)
        raise


def is_here(image: str) -> bool:
    try:
        call("docker", "image", "inspect", "--format", "{{.Id}}", image)
    except Failed:
        return False
    return True


def note(release: Release) -> None:
    """This release serves. What served before stays for a rollback, as long as it is among the last and the share holds."""
    image, known = release["image"], remembered()
    if known[:1] == [image]:
        return
    served = [image, *(one for one in known if one != image)][:MOST_KEPT]
    save(MEMORY, {"served": served})
    forget_others(image, find_affordable(served))


def remembered() -> list[Any]:
    served = (load(MEMORY) or {}).get("served")
    return [one for one in served if isinstance(one, str)] if isinstance(served, list) else []


def find_affordable(served: list[Any]) -> list[Any]:
    """The one that serves costs what it costs; the others, newest first, until the share is used up."""
    left = shutil.disk_usage(DISK).total * SHARE - size_of(served[0])
    kept = served[:1]
    for image in served[1:]:
        left -= size_of(image)
        if left < 0:
            break
        kept.append(image)
    return kept


def size_of(image: str) -> int:
    try:
        return int(call("docker", "image", "inspect", "--format", "{{.Size}}", image))
    except Failed:  # it isn't here, and takes nothing
        return 0


def make_room(image: str) -> None:
    """A release that is wanted now is worth more than those that somebody may go back to."""
    serving = load("serving.json")
    forget_others(image, [serving["image"]] if serving else [])


def forget_others(image: str, kept: list[Any]) -> None:
    """Of the repository of `image`: what else is on this host is none of Berth's business."""
    repository = image.split("@")[0]
    found = call("docker", "images", "--digests", "--format", "{{.Repository}}@{{.Digest}}", repository).split()
    for one in found:
        if one not in kept:
            log.info("removing %s", one)
            call("docker", "rmi", one)
