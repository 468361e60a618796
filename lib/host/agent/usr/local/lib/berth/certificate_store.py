"""What the stack's hosts keep of their certificate in the state bucket: tls/state.json."""

from __future__ import annotations

import json
import logging
from typing import Any

from bucket import Bucket
from command import Failed

KEY = "tls/state.json"

log = logging.getLogger("berth")


class Store:
    """The one object in the bucket. Each write replaces exactly what was read, so that of several hosts one orders."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket, self.etag = bucket, ""
        self.state: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        answer = self.bucket.ask("get_object", Key=KEY)
        if answer is None and not self.bucket.is_answering():
            raise Failed("the state bucket doesn't answer", cause="bucket")
        self.etag, self.state = "", {}
        if answer:
            self.etag = answer["ETag"]
            try:
                found = json.loads(answer["Body"].read())
            except ValueError:
                found = None
            if isinstance(found, dict):
                self.state = found
            else:
                log.warning("%s in the state bucket is damaged: it is written anew", KEY)
        return self.state

    def write(self, state: dict[str, Any]) -> bool:
        """False if somebody else was faster."""
        condition = {"If-Match": self.etag} if self.etag else {"If-None-Match": "*"}
        etag = self.bucket.put_if(KEY, state, condition)
        if etag:
            self.etag, self.state = etag, state
        return bool(etag)
