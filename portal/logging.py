"""Logging without personal data, and the targets to which audit events are forwarded.

Log lines have no URLs, queries, or names, because a URL can name a medical condition. Audit events go to standard
output or to a log collector that speaks syslog (RFC 5424). Imported while Django's settings load, so nothing here may
import models.
"""

import contextlib
import json
import logging
import os
import re
import socket
import ssl
import sys
import time
import traceback
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, TextIO
from urllib.parse import urlsplit

from environs import ValidationError

# Loggers whose messages quote a request's URL, host, or data.
REQUEST_LOGGERS = ("django.request", "django.security")

# RFC 5424: facility 13 is "log audit"; the others are severities.
SYSLOG_FACILITY = 13
SYSLOG_CRITICAL, SYSLOG_ERROR, SYSLOG_WARNING, SYSLOG_INFORMATIONAL, SYSLOG_DEBUG = 2, 3, 4, 6, 7
PRIORITIES = (
    (logging.CRITICAL, SYSLOG_CRITICAL), (logging.ERROR, SYSLOG_ERROR), (logging.WARNING, SYSLOG_WARNING),
    (logging.INFO, SYSLOG_INFORMATIONAL),
)  # fmt: skip
# How commands begin a warning and an error, which do not go through logging.
MESSAGE_START = re.compile(r"(Warning: |The database cannot be used: )|(?:\w*Error|error): ")
APP_NAME = "plainspine"
SYSLOG_TIMEOUT_SECONDS = 5.0
DEFAULT_PORTS = {"syslog+udp": 514, "syslog+tcp": 514, "syslog+tls": 6514}
TARGET_HELP = (
    "Use stdout, syslog+udp://host:514, syslog+tcp://host:514, syslog+tls://host:6514, or syslog+unix:///dev/log, "
    "separated by commas if there are several."
)


class RepeatLimit:
    """Limits each message to one per ``seconds``, because during an outage every request repeats it."""

    def __init__(self, seconds: float = 10.0) -> None:
        self._seconds = seconds
        # By message, in monotonic time.
        self._due_at: dict[str, float] = {}

    def allows(self, message: str) -> bool:
        """Return whether to log a message now."""
        now = time.monotonic()
        if now < self._due_at.get(message, 0.0):
            return False
        self._due_at[message] = now + self._seconds
        return True


class RedactUrlsFilter(logging.Filter):
    """Reduces Django's messages about a request to status and cause, and removes the request from the record."""

    def __init__(self) -> None:
        super().__init__()
        self._limit = RepeatLimit()

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record in place. Return whether to log it: of the 503 responses of an outage, one in a while."""
        is_logged = True
        if record.name.startswith(REQUEST_LOGGERS):
            status = getattr(record, "status_code", None)
            if record.name.startswith("django.security"):
                record.msg, record.args = (
                    "request rejected: %s",
                    (record.name.removeprefix("django.security").strip("."),),
                )
            else:
                record.msg, record.args = "responded with %s", (status or "an error",)
            # A missing page or an expired form is the client's problem, not ours.
            if status is not None and status < 500 and record.name.startswith("django.request"):
                record.levelno, record.levelname = logging.INFO, "INFO"
            error = record.exc_info[1] if record.exc_info else None
            # An error message may quote the URL or a row; the traceback is enough to find the cause.
            record.exc_text = redacted_traceback(error) if error else None
            record.exc_info = None
            is_logged = status != 503 or self._limit.allows(record.getMessage())
        if hasattr(record, "request"):
            del record.request
        return is_logged


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


def is_journal(stream: TextIO) -> bool:
    """Return whether a stream goes to systemd's journal, which removes the priority at the beginning of a line."""
    try:
        stat = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{stat.st_dev}:{stat.st_ino}"


class ConsoleHandler(logging.StreamHandler[TextIO]):
    """Writes to standard error; in systemd's journal, each line with its priority, for ``journalctl -p``."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if not is_journal(self.stream):
            return text
        priority = next((value for level, value in PRIORITIES if record.levelno >= level), SYSLOG_DEBUG)
        return "\n".join(f"<{priority}>{line}" for line in text.split("\n"))


class CommandOutput:
    """Standard error of a command, with the priority of its errors and warnings for systemd's journal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        match = MESSAGE_START.match(text)
        priority = "" if not match else f"<{SYSLOG_WARNING if match[1] else SYSLOG_ERROR}>"
        return self._stream.write(f"{priority}{text}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


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
        "handlers": {
            "console": {"class": "portal.logging.ConsoleHandler", "formatter": formatter, "filters": ["redact_urls"]}
        },
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
            "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
            # At INFO, every S3 request would be logged with the file's name.
            "boto3": {"level": "WARNING"},
            "botocore": {"level": "WARNING"},
            # Its messages contain the host and the account; portal/storage/database.py gives the cause.
            "psycopg.pool": {"level": "CRITICAL"},
            "_granian": {"handlers": ["console"], "level": "ERROR", "propagate": False},
        },
    }


class AuditTarget(NamedTuple):
    """A destination for audit events. ``scheme`` is ``stdout`` or one that starts with ``syslog+``."""

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""

    def send(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Send events in order. Raise OSError if the target does not accept them."""
        if self.scheme == "stdout":
            for event in events:
                # One write per line, so that the output of other processes does not end up inside a line.
                sys.stdout.write(f"{to_json(event)}\n")
                sys.stdout.flush()
            return
        messages = [format_syslog(event) for event in events]
        with self._connect() as connection:
            for message in messages:
                # Over a stream, each message begins with its length (RFC 6587); each datagram holds one message.
                is_datagram = self.scheme in {"syslog+udp", "syslog+unix"}
                connection.sendall(message if is_datagram else b"%d %b" % (len(message), message))
            self._finish(connection)

    def _finish(self, connection: socket.socket) -> None:
        """Shut a stream down gracefully.

        Closing it immediately could reset the connection before the collector has read everything.
        """
        # Ignore errors: the data has been sent, even if the collector does not close its side in time.
        with contextlib.suppress(OSError):
            if isinstance(connection, ssl.SSLSocket):
                connection.unwrap()
            elif self.scheme == "syslog+tcp":
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1)

    def _connect(self) -> socket.socket:
        if self.scheme == "syslog+unix":
            return _connect_datagram(socket.AF_UNIX, 0, self.path)
        if self.scheme == "syslog+udp":
            family, _kind, protocol, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)[0]
            return _connect_datagram(family, protocol, address)
        connection = socket.create_connection((self.host, self.port), SYSLOG_TIMEOUT_SECONDS)
        if self.scheme == "syslog+tls":
            try:
                return ssl.create_default_context().wrap_socket(connection, server_hostname=self.host)
            except OSError:
                connection.close()
                raise
        return connection


def _connect_datagram(family: int, protocol: int, address: Any) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_DGRAM, protocol)
    connection.settimeout(SYSLOG_TIMEOUT_SECONDS)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


def parse_audit_targets(value: str) -> list[AuditTarget]:
    """Return the targets that a setting names."""
    return [_parse_target(part.strip()) for part in value.split(",")]


def _parse_target(text: str) -> AuditTarget:
    if text == "stdout":
        return AuditTarget("stdout")
    try:
        parts = urlsplit(text)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise ValidationError(TARGET_HELP) from error
    has_rest = bool(parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme == "syslog+unix" and not parts.netloc and parts.path.startswith("/") and not has_rest:
        return AuditTarget(parts.scheme, path=parts.path)
    is_complete = parts.scheme in DEFAULT_PORTS and bool(parts.hostname) and parts.path in {"", "/"}
    if not is_complete or has_rest or parts.port == 0 or any(letter.isspace() for letter in text):
        raise ValidationError(TARGET_HELP)
    return AuditTarget(parts.scheme, parts.hostname or "", port)


def to_json(event: Mapping[str, Any]) -> str:
    """Return an event as one line of JSON in ASCII."""
    return json.dumps(event)


def format_syslog(event: Mapping[str, Any]) -> bytes:
    """Return an event as an RFC 5424 message: its kind as MSGID, and the whole event as JSON in MSG."""
    severity = SYSLOG_WARNING if event["outcome"] == "failure" else SYSLOG_INFORMATIONAL
    time = datetime.fromisoformat(event["time"]).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    host = socket.gethostname() or "-"
    header = f"<{SYSLOG_FACILITY * 8 + severity}>1 {time} {host} {APP_NAME} {os.getpid()} {event['event'][:32]} -"
    return f"{header} {to_json(event)}".encode("ascii")
