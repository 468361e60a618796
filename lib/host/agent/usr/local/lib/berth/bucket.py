"""The state bucket, which holds the desired release and agent, and takes the reports."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from botocore import config, exceptions, session
from command import Failed
from state import Release

LONGEST_SILENCE_S = 30
AWAY_S = 8

log = logging.getLogger("berth")


class Bucket:
    """Asked with conditional requests, by the role of this host. Its silence is no error: the host goes on."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.settings = settings
        self.client: Any = None
        self.etag = ""
        self.wanted: Release | None = None
        self.silence_s, self.silent_until = 0, 0.0

    def release(self) -> Release | None:
        """The desired release, or the last one known."""
        answer = self.ask("get_object", Key="release.json", **({"IfNoneMatch": self.etag} if self.etag else {}))
        if answer:
            self.wanted, self.etag = json.loads(answer["Body"].read()), answer["ETag"]
        return self.wanted

    def is_answering(self) -> bool:
        return not self.silence_s

    def is_away(self) -> bool:
        """Silent several times in a row, so that whatever else the network leads to may be out of reach too."""
        return self.silence_s >= AWAY_S

    def put(self, key: str, document: dict[str, Any]) -> bool:
        body = json.dumps(document).encode()
        return self.ask("put_object", Key=key, Body=body, ContentType="application/json") is not None

    def put_if(self, key: str, document: dict[str, Any], condition: dict[str, str]) -> str:
        """The new ETag; empty if the condition doesn't hold. By headers: older clients know no such parameters."""
        place = {"Bucket": self.settings["bucket"], "ExpectedBucketOwner": self.settings["account"]}
        client = self.connect()
        client.meta.events.register(
            "before-call.s3.PutObject", lambda params, **_: params["headers"].update(condition)
        )
        try:
            return str(client.put_object(**place, Key=key, Body=json.dumps(document).encode())["ETag"])
        except exceptions.ClientError as refused:
            if refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in (404, 409, 412):
                return ""
            raise Failed(f"the state bucket refused {key}: {refused}", cause="bucket") from refused
        except exceptions.BotoCoreError as failure:
            raise Failed(f"the state bucket doesn't answer: {failure}", cause="bucket") from failure

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any] | None:
        if time.monotonic() < self.silent_until:
            return None
        place = {"Bucket": self.settings["bucket"], "ExpectedBucketOwner": self.settings["account"]}
        try:
            self.client = self.client or self.connect()
            answer: dict[str, Any] | None = getattr(self.client, operation)(**place, **parameters)
        except (exceptions.BotoCoreError, exceptions.ClientError) as error:
            # Of those without an answer, some have no such attribute, and some have None there.
            code = (getattr(error, "response", None) or {}).get("Error", {}).get("Code")
            if code not in ("304", "NoSuchKey"):
                self.be_silent(error)
                return None
            answer = None
        self.silence_s = 0
        return answer

    def connect(self) -> Any:
        options = config.Config(
            connect_timeout=3,
            read_timeout=5,
            retries={"total_max_attempts": 1},
            s3={"us_east_1_regional_endpoint": "regional"},
        )
        caller = session.Session()
        # By default one question of one second, which a busy computer may miss.
        caller.set_config_variable("metadata_service_timeout", 5)
        caller.set_config_variable("metadata_service_num_attempts", 3)
        return caller.create_client("s3", region_name=self.settings["region"], config=options)

    def be_silent(self, error: Exception) -> None:
        """Waits longer each time, then connects anew: a client keeps credentials that a repaired role has outdated."""
        if not self.silence_s:
            log.warning("bucket: %s", error)
        self.client = None
        self.silence_s = min(self.silence_s * 2 or 2, LONGEST_SILENCE_S)
        self.silent_until = time.monotonic() + self.silence_s
