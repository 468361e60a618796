"""The values of the app's secrets: read by the role of this host, kept in memory, and given to the app by runtime.py.

They are in one file for each release, below a folder of root's on a tmpfs, and never in an argument, an environment of the
engine's, a report or the journal.
"""

from __future__ import annotations

import json
import logging
import os
import pathlib
from typing import TYPE_CHECKING, Any

import aws_call
import fetch
from bounds import setting
from command import Failed
from state import Release

if TYPE_CHECKING:  # it needs botocore, and what sends logs and metrics needs neither
    from bucket import Bucket

FOLDER = pathlib.Path("/run/berth-secrets")
MOST_BYTES = 256 << 10  # of an answer: AWS's limit is 64 KiB for a value
SHORTEST_HIDDEN = 4
PREFIXES = {"ssm": "AmazonSSM", "secretsmanager": "secretsmanager"}

log = logging.getLogger("berth")


class Secrets:
    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    def ensure(self, release: Release) -> None:
        """Every value is there before a container of the release starts. After a reboot, they are read anew."""
        wanted: dict[str, str] = setting(release, "secrets")
        path = path_of(release)
        if not wanted or path.exists():
            return
        credentials = read_credentials()
        values = {variable: self.read(variable, source, credentials) for variable, source in wanted.items()}
        write(path, values)

    def read(self, variable: str, source: str, credentials: dict[str, str]) -> str:
        service, name, version = source.split(":")
        try:
            if service == "ssm":
                asked = {"Name": f"{name}:{version}", "WithDecryption": True}
                found = self.ask(service, "GetParameter", asked, credentials)["Parameter"]["Value"]
            else:
                asked = {"SecretId": name, "VersionId": version}
                found = self.ask(service, "GetSecretValue", asked, credentials)["SecretString"]
        except aws_call.TROUBLE as trouble:
            raise Failed(f"the value of {variable} can't be read from {source}: {say(trouble)}", cause="secret") from None
        if not isinstance(found, str) or "\0" in found:
            raise Failed(f"the value of {variable} in {source} is none that an environment can hold", cause="secret")
        return found

    def ask(self, name: str, operation: str, asked: dict[str, Any], credentials: dict[str, str]) -> dict[str, Any]:
        service = aws_call.service_of(self.bucket.settings, name, PREFIXES[name])
        connection = fetch.connect(service.host)
        try:
            return aws_call.call(connection, service, operation, asked, credentials, MOST_BYTES)
        finally:
            connection.close()


def read_credentials() -> dict[str, str]:
    try:
        return fetch.read_credentials()
    except aws_call.TROUBLE as trouble:
        raise Failed(f"the role of this host can't be read: {trouble}", cause="secret") from trouble


def say(trouble: Exception) -> str:
    """What AWS answered may hold a value: only its code is told."""
    if isinstance(trouble, aws_call.Refusal):
        return trouble.code
    return str(trouble) if isinstance(trouble, fetch.Refused) else type(trouble).__name__


def path_of(release: Release) -> pathlib.Path:
    return FOLDER / f"{release['number']}.json"


def write(path: pathlib.Path, values: dict[str, str]) -> None:
    """Whole or not at all, and for root only."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(values, file)
    draft.replace(path)


def forget(release: Release) -> None:
    """Those of other releases, once their containers are gone."""
    for path in FOLDER.glob("*.json"):
        if path != path_of(release):
            path.unlink(missing_ok=True)


def hide(text: str) -> str:
    """What the app itself wrote, without the values: it goes into reports, which are kept. Short values hide nothing."""
    values = [value for path in FOLDER.glob("*.json") for value in json.loads(path.read_text()).values()]
    # The longest first: one may be a part of another.
    for part in sorted({part for value in values for part in (value, *value.splitlines())}, key=len, reverse=True):
        if len(part) >= SHORTEST_HIDDEN:
            text = text.replace(part, "(secret)")
    return text
