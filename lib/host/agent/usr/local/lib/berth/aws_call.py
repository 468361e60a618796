"""Calls of AWS's JSON services, signed by the role of this host, with nothing but Python's standard library."""

from __future__ import annotations

import http.client
import json
import re
import time
from typing import Any, NamedTuple

import fetch

CREDENTIALS_S = 300
# What a call may end with that isn't an answer. None of it holds what AWS was told or answered.
TROUBLE = (OSError, ValueError, KeyError, TypeError, fetch.Refused, http.client.HTTPException)


class Refusal(fetch.Refused):
    """AWS's own code says why, or the status if there is none."""

    def __init__(self, operation: str, code: str) -> None:
        super().__init__(f"{operation}: {code}")
        self.code = code


class Service(NamedTuple):
    """What the calls of a service have in common. Most are signed for the name that they are reached by."""

    host: str
    name: str
    region: str
    prefix: str
    version: str


def service_of(settings: dict[str, str], name: str, prefix: str, version: str = "1.1") -> Service:
    region = settings["region"]
    return Service(f"{name}.{region}.{settings['domain']}", name, region, prefix, version)


def call(
    connection: http.client.HTTPConnection,
    service: Service,
    operation: str,
    asked: dict[str, Any],
    credentials: dict[str, str],
    most_bytes: int = 65536,
) -> dict[str, Any]:
    body = json.dumps(asked).encode()
    headers = {"content-type": f"application/x-amz-json-{service.version}", "x-amz-target": f"{service.prefix}.{operation}"}
    at = fetch.utc_now()
    signed = fetch.sign(service.host, "/", headers, service.region, credentials, at, "POST", body, service.name)
    connection.request("POST", "/", body=body, headers=signed)
    answer = connection.getresponse()
    said = fetch.read(answer, most_bytes, service.host)
    if answer.status == 200:
        return dict(json.loads(said or b"{}"))
    code = re.search(rb'"__type"\s*:\s*"(?:[^"#]*#)?(\w{1,64})"', said)
    raise Refusal(operation, code.group(1).decode() if code else str(answer.status))


class Client:
    """For calls in a row: it keeps connection and credentials, until a call fails."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.connection: http.client.HTTPConnection | None = None
        self.credentials: dict[str, str] = {}
        self.until = 0.0

    def call(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if time.monotonic() >= self.until:
            self.credentials, self.until = fetch.read_credentials(), time.monotonic() + CREDENTIALS_S
        if self.connection is None:
            self.connection = fetch.connect(self.service.host)
        return call(self.connection, self.service, operation, asked, self.credentials)

    def close(self) -> None:
        """The next call begins anew: with fresh credentials too."""
        self.until = 0.0
        if self.connection is not None:
            self.connection.close()
            self.connection = None
