"""Log lines hold no address of a page, no query and no name: an address can name a condition."""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

# What Django says about one request: its words quote the address, the host, or what was sent.
REQUEST_LOGGERS = ("django.request", "django.security")


class RedactUrlsFilter(logging.Filter):
    """Shorten what Django says about a request to its status and cause, and drop the request it carries."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place; every record is kept."""
        if record.name.startswith(REQUEST_LOGGERS):
            status = getattr(record, "status_code", None)
            if record.name.startswith("django.security"):
                record.msg, record.args = "refused: %s", (record.name.removeprefix("django.security").strip("."),)
            else:
                record.msg, record.args = "answered %s", (status or "an error",)
            error = record.exc_info[1] if record.exc_info else None
            # An error's own words may quote the address or the row; where it happened is enough to find the cause.
            record.exc_text = redacted_traceback(error) if error else None
            record.exc_info = None
        if hasattr(record, "request"):
            del record.request
        return True


def redacted_traceback(error: BaseException) -> str:
    """A traceback with the kind of each error in place of its words."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        kind = type(current)
        lines = "".join(traceback.format_tb(current.__traceback__))
        parts.insert(0, f"Traceback (most recent call last):\n{lines}{kind.__module__}.{kind.__qualname__}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n\n".join(parts)


class JsonFormatter(logging.Formatter):
    """One object a line: time (UTC), level, logger, process, message; status and traceback where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if (status := getattr(record, "status_code", None)) is not None:
            entry["status"] = status
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            entry["traceback"] = record.exc_text
        return json.dumps(entry, ensure_ascii=False)


def logging_config(formatter: str) -> dict[str, Any]:
    """Django's ``LOGGING``; ``form`` is ``line`` or ``json``."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"redact_urls": {"()": "portal.logging.RedactUrlsFilter"}},
        "formatters": {
            "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
            "json": {"()": "portal.logging.JsonFormatter"},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": formatter, "filters": ["redact_urls"]}},
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
            "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
            # Every request to the bucket would be a line, with the name of the picture.
            "boto3": {"level": "WARNING"},
            "botocore": {"level": "WARNING"},
            # The server's own words, and its workers'.
            "_granian": {"handlers": ["console"], "level": "ERROR", "propagate": False},
        },
    }
