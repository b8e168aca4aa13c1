"""Log lines never contain a URL, a query, a host or the data of a row."""

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

from portal.logging import (
    ConsoleHandler,
    JsonFormatter,
    RedactUrlsFilter,
    RepeatLimit,
    logging_config,
    redacted_traceback,
)
from tests.served_data import ROOT

SECRET = "/kyphoplasty/?name=Maria"


def record(name: str, message: str, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
    about = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord(name, logging.ERROR, "x", 1, message, (), about)
    vars(made).update(extra)
    return made


def failure() -> Exception:
    """Return an error with a cause, both of which quote the URL."""
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError(SECRET) from error
    except ValueError as error:
        return error


def test_a_failed_request_is_logged_without_its_url(subtests: pytest.Subtests) -> None:
    for form in ["line", "json"]:
        for name, message in [
            ("django.request", f"Internal Server Error: {SECRET}"),
            ("django.security.DisallowedHost", f"Invalid HTTP_HOST header: {SECRET}"),
            ("django.security.csrf", f"Forbidden (CSRF cookie not set.): {SECRET}"),
        ]:
            with subtests.test(form=form, name=name, message=message):
                line = record(name, message, failure(), status_code=500, request=HttpRequest())
                formatter = (
                    JsonFormatter() if form == "json" else logging.Formatter("{levelname} {name}: {message}", style="{")
                )

                assert RedactUrlsFilter().filter(line)
                text = formatter.format(line)

                assert "Maria" not in text
                assert "kyphoplasty" not in text
                assert "builtins.ValueError" in text
                assert "builtins.KeyError" in text
                assert "test_logs.py" in text, "the traceback shows where it happened"


def test_a_json_line_is_one_object() -> None:
    line = record("django.request", f"Not Found: {SECRET}", status_code=404)
    RedactUrlsFilter().filter(line)

    text = JsonFormatter().format(line)
    entry = json.loads(text)

    assert "\n" not in text
    assert entry.pop("time").endswith("+00:00")
    assert entry.pop("process") > 0
    assert entry == {"level": "INFO", "logger": "django.request", "message": "responded with 404", "status": 404}


def test_only_our_own_failures_are_warnings() -> None:
    levels = {}
    for status in (400, 403, 404, 405, 499, 500, 503):
        line = record("django.request", f"Something: {SECRET}", status_code=status)
        RedactUrlsFilter().filter(line)
        levels[status] = line.levelname, line.levelno

    info, error = ("INFO", logging.INFO), ("ERROR", logging.ERROR)
    assert levels == {400: info, 403: info, 404: info, 405: info, 499: info, 500: error, 503: error}


def test_a_rejected_request_stays_a_warning_and_names_only_its_cause() -> None:
    lines = []
    for name in ("django.security.csrf", "django.security", "django.request"):
        line = record(name, SECRET)
        if name != "django.request":
            line.status_code = 403
        RedactUrlsFilter().filter(line)
        lines.append((line.levelname, line.getMessage(), line.exc_info, line.exc_text))

    assert lines == [
        ("ERROR", "request rejected: csrf", None, None),
        ("ERROR", "request rejected: ", None, None),
        ("ERROR", "responded with an error", None, None),
    ]


def test_no_record_keeps_its_request() -> None:
    line = record("allauth.account", "heard", request=HttpRequest())

    assert RedactUrlsFilter().filter(line)

    assert not hasattr(line, "request")
    assert line.getMessage() == "heard"


def test_all_output_is_redacted_and_libraries_that_name_hosts_and_files_are_quiet() -> None:
    for form in ("line", "json"):
        config = logging_config(form)
        root, loggers = config["root"], config["loggers"]

        assert [(one["formatter"], one["filters"]) for one in config["handlers"].values()] == [(form, ["redact_urls"])]
        assert config["filters"] == {"redact_urls": {"()": "portal.logging.RedactUrlsFilter"}}
        assert root == {"handlers": ["console"], "level": "INFO"}
        assert {name: (one["level"], one.get("propagate", True)) for name, one in loggers.items()} == {
            "django": ("INFO", False),
            "django.server": ("WARNING", False),
            "boto3": ("WARNING", True),
            "botocore": ("WARNING", True),
            "psycopg.pool": ("CRITICAL", True),
            "_granian": ("ERROR", False),
        }


def test_a_failed_periodic_task_is_described_without_the_data_of_a_row() -> None:
    from django.core.management.base import CommandError
    from django.db import IntegrityError, OperationalError

    from portal.management.commands.worker import describe_task_error

    assert describe_task_error(OperationalError("connection refused")).startswith("the database does not respond: ")
    assert describe_task_error(CommandError("Not today.")) == "Not today."
    described = describe_task_error(IntegrityError(SECRET))
    assert SECRET not in described
    assert "IntegrityError" in described


def test_messages_of_our_own_code_are_not_redacted() -> None:
    line = record("portal.published.builder", "the database does not respond", failure())
    RedactUrlsFilter().filter(line)

    entry = json.loads(JsonFormatter().format(line))

    assert entry["message"] == "the database does not respond"
    assert SECRET in entry["traceback"]


def test_circular_exception_causes_do_not_loop() -> None:
    first, second = ValueError(SECRET), KeyError(SECRET)
    first.__context__, second.__context__ = second, first

    assert redacted_traceback(first).count("Traceback") == 2


def test_a_traceback_shows_the_causes_that_python_shows() -> None:
    def chain(*, is_hidden: bool) -> BaseException:
        try:
            try:
                raise KeyError(SECRET)
            except KeyError as error:
                if is_hidden:
                    raise ValueError(SECRET) from None
                raise ValueError(SECRET) from LookupError(error)
        except ValueError as error:
            return error

    shown = [
        [line for line in redacted_traceback(chain(is_hidden=is_hidden)).splitlines() if line.startswith("builtins.")]
        for is_hidden in (True, False)
    ]
    assert shown == [["builtins.ValueError"], ["builtins.LookupError", "builtins.ValueError"]]


def test_the_environment_selects_the_log_format(tmp_path: Path) -> None:
    words = "import django; django.setup(); import logging; logging.getLogger('portal').warning('“heard”')"
    said = {}
    for form in ("line", "json"):
        own = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
        environ = {**own, "PORTAL_DATA_DIR": str(tmp_path), "PORTAL_LOG_FORMAT": form}
        done = subprocess.run(
            [sys.executable, "-c", words], capture_output=True, text=True, check=True, cwd=ROOT,
            env={**environ, "DJANGO_SETTINGS_MODULE": "portal.settings"},
        )  # fmt: skip
        said[form] = done.stderr.strip()

    assert said["line"].endswith(" WARNING portal: “heard”")
    assert json.loads(said["json"])["message"] == "“heard”"


@pytest.mark.parametrize("form", ["line", "json"])
def test_in_the_journal_every_line_has_its_priority(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "journal").open("w+") as journal:
        handler = ConsoleHandler(journal)
        handler.setFormatter(JsonFormatter() if form == "json" else logging.Formatter())
        stat = os.fstat(journal.fileno())
        for stream in (f"{stat.st_dev}:{stat.st_ino}", f"{stat.st_dev}:1"):
            monkeypatch.setenv("JOURNAL_STREAM", stream)
            for level, message in [(30, "heard"), (20, "so"), (40, "two\nlines")]:
                handler.handle(logging.LogRecord("portal", level, "x", 1, message, (), None))
        journal.seek(0)
        lines = journal.read().splitlines()

    count = len(lines) // 2
    assert [line[:3] for line in lines[:count]] == ["<4>", "<6>", *["<3>"] * (2 if form == "line" else 1)]
    assert not any(line.startswith("<") for line in lines[count:])


def test_in_the_journal_the_error_of_a_command_has_its_priority(tmp_path: Path) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    with (tmp_path / "journal").open("w+") as journal:
        stat = os.fstat(journal.fileno())
        subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "serve"], stderr=journal, check=False, cwd=ROOT,
            env={**own, "PORTAL_DEBUG": "maybe", "JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}"},
        )  # fmt: skip
        journal.seek(0)

        assert journal.read() == "<3>error: PORTAL_DEBUG is not valid. Use true or false.\n"


def test_the_503_responses_of_an_outage_are_one_line_in_a_while() -> None:
    redact = RedactUrlsFilter()

    logged = [redact.filter(record("django.request", SECRET, status_code=503)) for _ in range(50)]

    assert logged == [True] + [False] * 49
    assert redact.filter(record("django.request", SECRET, failure(), status_code=500))


def test_a_repeated_message_is_logged_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    limit, logged = RepeatLimit(), []
    for now, message in [(100.0, "a"), (100.0, "b"), (109.9, "a"), (110.0, "a"), (119.9, "a"), (119.9, "b")]:
        monkeypatch.setattr(time, "monotonic", lambda now=now: now)
        logged.append(limit.allows(message))

    assert logged == [True, True, False, True, False, True]


def test_a_disallowed_host_is_not_logged() -> None:
    line = record("django.security.DisallowedHost", str(DisallowedHost("evil.example")), status_code=400)
    RedactUrlsFilter().filter(line)

    assert line.getMessage() == "request rejected: DisallowedHost"
