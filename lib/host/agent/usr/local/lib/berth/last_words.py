"""Puts the end of this host's journal beside its report when berth.service ended in a failure: see its ExecStopPost.

A first boot may fail before any package is there, so this needs nothing but Python's standard library. It tells what set-up
and converger wrote, and no app's output: apps don't write to the journal.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import subprocess
import time

SETTINGS = pathlib.Path("/etc/berth/settings.json")
INSTANCE_ID = pathlib.Path("/var/lib/cloud/data/instance-id")
MARK = pathlib.Path("/var/lib/berth/last-words")
METADATA = "169.254.169.254"
TIMEOUT_S = 5
# Each is a new version of an object, and a set-up that fails is tried again every few seconds.
EVERY_S = 60
LINES = 50
LINE_CHARACTERS = 500


def read_journal() -> list[str]:
    units = ["--unit", "berth.service", "--unit", "berth-launcher.service"]
    command = ["journalctl", "--output", "cat", "--no-pager", "--lines", str(LINES), *units]
    done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    lines = done.stdout.decode(errors="replace").rstrip("\n").split("\n")
    return [line[:LINE_CHARACTERS] for line in lines[-LINES:]]


def is_due() -> bool:
    try:
        return time.time() - MARK.stat().st_mtime >= EVERY_S
    except OSError:
        return True


def ask_metadata(method: str, path: str, headers: dict[str, str]) -> str:
    connection = http.client.HTTPConnection(METADATA, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read(65536).decode()
        if answer.status != 200:
            raise OSError(f"the metadata service answered {answer.status}")
        return body
    finally:
        connection.close()


def read_credentials() -> dict[str, str]:
    lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    token = {"X-aws-ec2-metadata-token": ask_metadata("PUT", "/latest/api/token", lifetime)}
    folder = "/latest/meta-data/iam/security-credentials/"
    role = ask_metadata("GET", folder, token).split("\n")[0]
    found: dict[str, str] = json.loads(ask_metadata("GET", folder + role, token))
    return found


def sign(request: dict[str, str], region: str, keys: dict[str, str], at: datetime.datetime) -> dict[str, str]:
    """The headers of a PUT to S3, with AWS's signature of version 4 among them. The path has nothing to quote."""
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    signed = {
        "host": request["host"],
        "x-amz-content-sha256": hashlib.sha256(request["body"].encode()).hexdigest(),
        "x-amz-date": stamp,
        "x-amz-expected-bucket-owner": request["account"],
        "x-amz-security-token": keys["Token"],
    }
    names = ";".join(signed)
    lines = [f"{name}:{value}" for name, value in signed.items()]
    text = "\n".join(["PUT", request["path"], "", *lines, "", names, signed["x-amz-content-sha256"]])
    scope = [stamp[:8], region, "s3", "aws4_request"]
    key = f"AWS4{keys['SecretAccessKey']}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    whole = "\n".join(["AWS4-HMAC-SHA256", stamp, "/".join(scope), hashlib.sha256(text.encode()).hexdigest()])
    signature = hmac.new(key, whole.encode(), "sha256").hexdigest()
    who = f"{keys['AccessKeyId']}/{'/'.join(scope)}"
    proof = f"AWS4-HMAC-SHA256 Credential={who}, SignedHeaders={names}, Signature={signature}"
    return {**signed, "authorization": proof}


def connect(host: str) -> http.client.HTTPConnection:
    return http.client.HTTPSConnection(host, timeout=TIMEOUT_S)


def put(lines: list[str]) -> int:
    settings: dict[str, str] = json.loads(SETTINGS.read_text())
    now = datetime.datetime.now(datetime.timezone.utc)
    request = {
        "host": f"{settings['bucket']}.s3.{settings['region']}.{settings['domain']}",
        # No report, but named like one: a host's role may write nothing else.
        "path": f"/hosts/{INSTANCE_ID.read_text().strip()}.journal.json",
        "body": json.dumps({"at": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "lines": lines}),
        "account": settings["account"],
    }
    headers = sign(request, settings["region"], read_credentials(), now)
    connection = connect(request["host"])
    try:
        connection.request("PUT", request["path"], body=request["body"].encode(), headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def main() -> None:
    if os.environ.get("SERVICE_RESULT", "success") == "success" or not is_due():
        return
    status = put(read_journal())
    MARK.touch()
    if status != 200:
        print(f"the end of the journal was not taken by the bucket: {status}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, KeyError, http.client.HTTPException, subprocess.SubprocessError) as trouble:
        print(f"the end of the journal could not be told: {trouble}")
