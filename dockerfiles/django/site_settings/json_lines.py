"""One log record, one line of JSON."""

import json
import logging
from datetime import datetime, timezone


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request := getattr(record, "request", None)) is not None and hasattr(request, "headers"):
            # nginx writes the same id into its access log.
            line["request_id"] = request.headers.get("X-Request-ID", "")
            line["path"] = request.path
        if (status := getattr(record, "status_code", None)) is not None:
            line["status"] = status
        # Anybody can send a wrong Host; that is worth a line, not a page.
        if record.exc_info and not record.name.startswith("django.security."):
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
