"""Logging without personal data: no URLs, queries or names, because a URL can name a medical condition."""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

# Loggers whose messages quote the URL, the host or the data of a request.
REQUEST_LOGGERS = ("django.request", "django.security")


class RedactUrlsFilter(logging.Filter):
    """Reduces Django's messages about a request to status and cause, and removes the request from the record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record in place. Always return True, so that every record is logged."""
        if record.name.startswith(REQUEST_LOGGERS):
            status = getattr(record, "status_code", None)
            if record.name.startswith("django.security"):
                record.msg, record.args = "refused: %s", (record.name.removeprefix("django.security").strip("."),)
            else:
                record.msg, record.args = "answered %s", (status or "an error",)
            error = record.exc_info[1] if record.exc_info else None
            # An error message may quote the URL or a row; the traceback is enough to find the cause.
            record.exc_text = redacted_traceback(error) if error else None
            record.exc_info = None
        if hasattr(record, "request"):
            del record.request
        return True


def redacted_traceback(error: BaseException) -> str:
    """Return the traceback of an error and its causes, with exception classes but without their messages."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        error_class = type(current)
        frames = "".join(traceback.format_tb(current.__traceback__))
        parts.insert(
            0, f"Traceback (most recent call last):\n{frames}{error_class.__module__}.{error_class.__qualname__}"
        )
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n\n".join(parts)


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON, with the time in UTC, and status and traceback if there are any."""

    def format(self, record: logging.LogRecord) -> str:
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
    """Return Django's ``LOGGING``. ``formatter`` is ``line`` or ``json``."""
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
            # At INFO, every S3 request would be logged with the name of the file.
            "boto3": {"level": "WARNING"},
            "botocore": {"level": "WARNING"},
            "_granian": {"handlers": ["console"], "level": "ERROR", "propagate": False},
        },
    }
