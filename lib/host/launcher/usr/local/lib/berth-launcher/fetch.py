"""Reads the state bucket by the role of this host, with nothing but Python's standard library.

cloud-init brings Python along and nothing else: packages come later, by what is fetched here.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import http.client
import json
import re
import time
from typing import Any
from urllib.parse import quote

METADATA = "169.254.169.254"
TIMEOUT_S = 10
LONGEST_S = 120  # of one object as a whole


class Refused(Exception):
    """What was answered isn't what was asked for. The text is for the user."""


class Unfit(Refused):
    """It would be the same if it were asked for again."""


class Bucket:
    """Asked by the credentials of the host's role, which are read anew after every failure."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.settings = settings
        self.host = f"{settings['bucket']}.s3.{settings['region']}.{settings['domain']}"
        self.credentials: dict[str, str] = {}
        self.until = 0.0

    def get(self, key: str, most_bytes: int, etag: str = "") -> tuple[bytes, str] | None:
        """The object and its etag; None while it is still the one of `etag`."""
        try:
            return self.ask(key, most_bytes, etag)
        except Exception:
            self.until = 0.0
            raise

    def ask(self, key: str, most_bytes: int, etag: str) -> tuple[bytes, str] | None:
        if time.monotonic() >= self.until:
            self.credentials, self.until = read_credentials(), time.monotonic() + 300
        headers = {"x-amz-expected-bucket-owner": self.settings["account"]}
        if etag:
            headers["if-none-match"] = etag
        signed = sign(self.host, f"/{key}", headers, self.settings["region"], self.credentials, utc_now())
        connection = connect(self.host)
        try:
            connection.request("GET", quote(f"/{key}"), headers=signed)
            answer = connection.getresponse()
            if answer.status == 304 and etag:
                return None
            body = read(answer, most_bytes if answer.status == 200 else 4096, key)
            if answer.status != 200:
                code = re.search(rb"<Code>(\w{1,64})</Code>", body)
                raise Refused(f"{key}: {answer.status} {code.group(1).decode() if code else answer.reason}")
            return body, answer.headers.get("etag", "")
        finally:
            connection.close()


def connect(host: str) -> http.client.HTTPConnection:
    """No proxy, no redirect: the certificate has to be the bucket's own."""
    return http.client.HTTPSConnection(host, timeout=TIMEOUT_S)


def read(answer: http.client.HTTPResponse, most_bytes: int, what: str) -> bytes:
    """All of a body, unless it is longer than that, shorter than announced, or too slow."""
    deadline, body = time.monotonic() + LONGEST_S, b""
    while len(body) <= most_bytes:
        part = answer.read1(65536)
        if not part:
            break
        body += part
        if time.monotonic() > deadline:
            raise Refused(f"{what} took longer than {LONGEST_S} s")
    announced = answer.headers.get("content-length", "")
    if len(body) > most_bytes:
        raise Unfit(f"{what} is longer than {most_bytes} bytes")
    if announced.isdecimal() and len(body) != int(announced):
        raise Refused(f"{what} ended after {len(body)} of {announced} bytes")
    return body


def read_credentials() -> dict[str, str]:
    """Those of the role, from version 2 of the metadata service."""
    token = read_token()
    folder = "/latest/meta-data/iam/security-credentials/"
    role = ask_metadata("GET", folder, token).decode().split("\n")[0]
    found: dict[str, Any] = json.loads(ask_metadata("GET", folder + role, token))
    return {name: str(found[name]) for name in ("AccessKeyId", "SecretAccessKey", "Token")}


def read_token() -> dict[str, str]:
    """The header without which the metadata service tells nothing."""
    lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    return {"X-aws-ec2-metadata-token": ask_metadata("PUT", "/latest/api/token", lifetime).decode()}


def ask_metadata(method: str, path: str, headers: dict[str, str]) -> bytes:
    connection = http.client.HTTPConnection(METADATA, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = read(answer, 65536, path)
        if answer.status != 200:
            raise Refused(f"the metadata service answered {answer.status} for {path}")
        return body
    finally:
        connection.close()


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def sign(
    host: str,
    path: str,
    headers: dict[str, str],
    region: str,
    credentials: dict[str, str],
    at: datetime.datetime,
    method: str = "GET",
    body: bytes = b"",
    service: str = "s3",
) -> dict[str, str]:
    """The headers of a request without a query, with AWS's signature of version 4 among them."""
    stamp, content = at.strftime("%Y%m%dT%H%M%SZ"), hashlib.sha256(body).hexdigest()
    signed = {"host": host, "x-amz-content-sha256": content, "x-amz-date": stamp, **headers}
    signed["x-amz-security-token"] = credentials["Token"]
    names = sorted(signed)
    lines = [f"{name}:{' '.join(signed[name].split())}" for name in names]
    request = "\n".join([method, quote(path, safe="/~"), "", *lines, "", ";".join(names), content])
    scope = [stamp[:8], region, service, "aws4_request"]
    key = f"AWS4{credentials['SecretAccessKey']}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, "/".join(scope), digest])
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    who = f"{credentials['AccessKeyId']}/{'/'.join(scope)}"
    return {
        **signed,
        "authorization": f"AWS4-HMAC-SHA256 Credential={who}, SignedHeaders={';'.join(names)}, Signature={signature}",
    }
