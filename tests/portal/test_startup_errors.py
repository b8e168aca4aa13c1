"""Misconfigured commands: each exits with one line that says what to do, leaks no secret, and changes nothing."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from portal.env import EXIT_CONFIGURATION
from tests.served_data import ROOT, free_port

pytestmark = [pytest.mark.served, pytest.mark.slow]

SECRET = "hunter2"
KEY = {"PORTAL_SECRET_KEY": "k" * 60}
NOWHERE = {**KEY, "DATABASE_URL": f"postgres://me:{SECRET}@127.0.0.1:9/portal"}
UNKNOWN_HOST = {**KEY, "DATABASE_URL": f"postgres://me:{SECRET}@no-such-host.invalid/portal"}
HTTPS = {"PORTAL_PUBLIC_URL": "https://learn.example.org", "PORTAL_ALLOWED_HOSTS": "learn.example.org"}
NO_DATABASE = "PostgreSQL is not running there, or DATABASE_URL names another host or port"
SERVICE = "Run the command as the service's user, with the service's settings"
Prepare = Callable[[Path], object]


@dataclass(frozen=True)
class FailureCase:
    """A command, its environment, a function that prepares the data directory, and part of the expected error line."""

    command: str
    line: str
    environ: dict[str, str] = field(default_factory=dict)
    prepare: Prepare = lambda data: None
    status: int = EXIT_CONFIGURATION


def remove_data_dir(data: Path) -> None:
    shutil.rmtree(data)


def bad_key(content: bytes, mode: int = 0o600) -> Prepare:
    def prepare(data: Path) -> None:
        (data / "secret-key").write_bytes(content)
        (data / "secret-key").chmod(mode)

    return prepare


def database(content: bytes, mode: int = 0o600) -> Prepare:
    def prepare(data: Path) -> None:
        (data / "secret-key").write_text("k" * 64)
        (data / "portal.sqlite3").write_bytes(content)
        (data / "portal.sqlite3").chmod(mode)

    return prepare


def setting(name: str, value: str, line: str, **others: str) -> FailureCase:
    return FailureCase("serve", line, {name: value, **others})


FAILURE_CASES = [
    # Settings with values that cannot be used.
    setting("PORTAL_DEBUG", "yes", "PORTAL_DEBUG is not valid. Use true or false."),
    setting("PORTAL_DEBUG", "true", "Remove PORTAL_DEBUG.", **HTTPS),
    setting("PORTAL_ALLOWED_HOSTS", "*", "Use host names separated by commas"),
    setting("PORTAL_ALLOWED_HOSTS", "https://a.org", "without a scheme, port, or *"),
    setting("PORTAL_PUBLIC_URL", "learn.example.org", "Use only the scheme and host, such as https://"),
    setting("PORTAL_PUBLIC_URL", "https://learn.example.org", "is not in PORTAL_ALLOWED_HOSTS"),
    setting("PORTAL_PUBLIC_URL", "https://a.org", "is not in PORTAL_ALLOWED_HOSTS", PORTAL_ALLOWED_HOSTS="b.org"),
    setting("PORTAL_SECRET_KEY", SECRET, "It is too short. Use at least 50 characters."),
    setting("PORTAL_LOG_FORMAT", "xml", "Use line or json."),
    setting("PORTAL_CACHE_MB", "1", "Use a whole number from 8 to 16000."),
    setting("PORTAL_SESSION_HOURS", "48", "Use a whole number from 1 to 24."),
    setting("PORTAL_FEEDBACK_DAYS", "a week", "Use a whole number from 1 to 3650."),
    setting("PORTAL_DATABASE_CONNECTIONS", "1", "Use a whole number from 2 to 64."),
    setting("PORTAL_HSTS_SUBDOMAINS", "no", "Use true or false."),
    setting("PORTAL_EMAIL_URL", f"http://me:{SECRET}@a.org", "Use smtps://user:password@mail.example.org:465."),
    setting("PORTAL_EMAIL_FROM", "clinic@example.org", "Use smtps://user:password@mail.example.org:465."),
    setting("PORTAL_S3_BUCKET", "s3://pictures", "Use a bucket name"),
    setting("PORTAL_S3_ENDPOINT", "https://s3.example.org", "Set PORTAL_S3_BUCKET as well"),
    setting("PORTAL_DATA_DIR", "/proc/portal", "PORTAL_DATA_DIR /proc/portal cannot be created"),
    setting("PORTAL_DATA_DIR", "/proc/sys", "PORTAL_DATA_DIR /proc/sys is not writable"),
    # Unknown setting names.
    setting("PORTAL_DEBUGG", "true", "Did you mean PORTAL_DEBUG?"),
    setting("PORTAL_HOSTS", "a.org", "Did you mean PORTAL_ALLOWED_HOSTS?"),
    setting("PORTAL_COUNT_READS", "true", "Set PORTAL_COUNT_PAGE_VIEWS instead."),
    setting("DATABASEURL", f"postgres://me:{SECRET}@db/portal", "Did you mean DATABASE_URL?"),
    setting("DATABASE_URI", f"postgres://me:{SECRET}@db/portal", "Did you mean DATABASE_URL?"),
    setting("database_url", f"postgres://me:{SECRET}@db/portal", "Did you mean DATABASE_URL?"),
    setting("PORTLA_SECRET_KEY", "k" * 60, "Did you mean PORTAL_SECRET_KEY?"),
    setting("PORTAL-DATA-DIR", "/srv", "Did you mean PORTAL_DATA_DIR?"),
    setting("AWS_SECRET_ACESS_KEY", SECRET, "Did you mean AWS_SECRET_ACCESS_KEY?", PORTAL_S3_BUCKET="pictures"),
    # A database that cannot be reached, or a URL that does not say which.
    setting("DATABASE_URL", f"mysql://me:{SECRET}@db/portal", "DATABASE_URL is not valid."),
    setting("DATABASE_URL", f"postgres://me:{SECRET}@db", "percent-encode"),
    setting("DATABASE_URL", f"postgres://me:p@{SECRET}@db/portal", "such as %40 for @"),
    setting("DATABASE_URL", f"postgres://me:p/{SECRET}@db/portal", "%2F for /"),
    setting("DATABASE_URL", f"postgres://me:p#{SECRET}@db/portal", "%23 for #"),
    setting("DATABASE_URL", f"postgres://me:p:{SECRET}@db/portal", "%3A for :"),
    setting("DATABASE_URL", f"postgres://me:100%{SECRET}@db/portal", "%25 for %"),
    setting("DATABASE_URL", "sqlite:///", "Use a file"),
    setting("DATABASE_URL", f"postgres://me:{SECRET}@db/portal?sslmod=require", "Did you mean sslmode?"),
    FailureCase("serve", NO_DATABASE, NOWHERE, status=1),
    FailureCase("serve", "the database host name cannot be resolved: check DATABASE_URL", UNKNOWN_HOST, status=1),
    FailureCase("serve", "the database is damaged: restore a backup", prepare=database(b"no database " * 500), status=1),
    FailureCase("serve", "the database is read-only", prepare=database(b"", 0o400), status=1),
    FailureCase("serve", "the database file is missing", prepare=lambda data: (data / "portal.sqlite3").mkdir(), status=1),
    # A key that cannot be used.
    FailureCase("serve", "is too short", prepare=bad_key(b"short")),
    FailureCase("serve", "is damaged. Restore it from a backup.", prepare=bad_key(b"\xff" * 64)),
    FailureCase("serve", SERVICE, prepare=bad_key(b"k" * 64, 0o000)),
    FailureCase("serve", "cannot be used: Is a directory.", prepare=lambda data: (data / "secret-key").mkdir()),
    # Options.
    FailureCase("serve --workers 0", "Choose 1 to 64."),
    FailureCase("serve --port 0", "Choose 1 to 65535."),
    FailureCase("serve --port 80", "Ports below 1024 require extra privileges."),
    FailureCase("serve --host no-such-host.invalid", "Use an IP address, such as 127.0.0.1."),
    FailureCase("serve --host 192.0.2.1", "Choose another --host, such as 127.0.0.1."),
    FailureCase("serve --demo", "Omit it, or unset PORTAL_PUBLIC_URL", HTTPS),
    # Commands without the service's settings leave no second installation behind.
    FailureCase("invite nina", "No secret key found at", prepare=remove_data_dir),
    FailureCase("backup /tmp", "No secret key found at", prepare=remove_data_dir),
    FailureCase("load_content", "there is no usable database at", prepare=remove_data_dir, status=1),
    FailureCase("load_content", "restart the service, which migrates it", prepare=database(b""), status=1),
    FailureCase("accept_key", "No secret key found at", prepare=remove_data_dir),
    FailureCase("check_links", "there is no usable database at", prepare=remove_data_dir, status=1),
    FailureCase("invite nina", SERVICE, NOWHERE | {"PORTAL_SECRET_KEY": ""}, prepare=remove_data_dir),
    FailureCase("restore none.tar", "none.tar does not exist. Nothing was restored.", status=1),
    # The same commands while the database is down.
    *(
        FailureCase(command, NO_DATABASE, NOWHERE, status=1)
        for command in (
            "invite nina", "backup .", "load_content", "dump_content /nonexistent", "check_links",
            "check_releases", "migrate", "publish_scheduled", "purge_feedback", "send_password_resets",
            "rebuild_renditions", "export_bundle x.zip", "accept_key", "createsuperuser",
        )
    ),
]  # fmt: skip


def run(start: FailureCase, data: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as an operator would, but without root's ability to bypass file permissions."""
    own = {
        name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_URL", "AWS_"))
    }
    command = [sys.executable, str(ROOT / "manage.py"), *start.command.split()]
    if start.command == "serve":
        command += ["--port", str(free_port())]
    if os.getuid() == 0:
        command = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", *command]
    return subprocess.run(
        command, env={**own, "PORTAL_DATA_DIR": str(data), **start.environ}, cwd=data.parent,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_misconfigured_commands_print_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    wrong = []
    for number, start in enumerate(FAILURE_CASES):
        folder = tmp_path / str(number)
        data = folder / "data"
        data.mkdir(parents=True)
        start.prepare(data)
        before = sorted(folder.rglob("*"))

        done = run(start, data)

        lines = [line for line in done.stderr.splitlines() if line]
        left = {path.name for path in folder.rglob("*")} - {path.name for path in before} - {"secret-key", "serve.lock"}
        may_write = start.command.startswith(("serve", "migrate", "restore"))
        if (
            done.returncode != start.status
            or len(lines) != 1
            or done.stdout
            or start.line not in lines[0]
            or SECRET in done.stderr
            or "Traceback" in done.stderr
            or (not may_write and sorted(folder.rglob("*")) != before)
            or left & {"media", "public"}
        ):
            wrong.append((start.command, start.environ, done.returncode, done.stdout, done.stderr[-600:], left))

    assert wrong == [], "\n".join(map(str, wrong))
    assert len(FAILURE_CASES) >= 60


@pytest.mark.parametrize("pause_seconds", [1.5, 4])
def test_ctrl_c_during_the_first_start_prints_no_traceback(tmp_path: Path, pause_seconds: float) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_URL"))}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(free_port())],
        env={**own, "PORTAL_DATA_DIR": str(tmp_path / "data")}, cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    heard = process.stderr.readline()
    assert heard.startswith("Database: SQLite"), heard
    time.sleep(pause_seconds)

    os.killpg(process.pid, signal.SIGINT)  # as a terminal does

    _, rest = process.communicate(timeout=60)
    assert "Traceback" not in rest, rest
    assert process.returncode == 130


def test_a_second_server_on_one_data_directory_is_refused(tmp_path: Path) -> None:
    import fcntl

    (tmp_path / "data").mkdir()
    with (tmp_path / "data" / "serve.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)

        done = run(FailureCase("serve", ""), tmp_path / "data")

    assert done.returncode == EXIT_CONFIGURATION
    assert done.stderr == (
        f"ConfigurationError: Another “serve” process is using {tmp_path / 'data'}. Stop it, or set PORTAL_DATA_DIR to another folder.\n"
    )


def test_a_port_in_use_is_not_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = run(FailureCase(f"serve --port {other.getsockname()[1]}", ""), tmp_path / "data")

    assert (done.returncode, "Another program uses the port. Stop it, or choose another --port." in done.stderr) == (
        1,
        True,
    )


def test_version_prints_the_portal_and_django_versions() -> None:
    for argument in ("--version", "version"):
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), argument], capture_output=True, text=True, check=True, cwd=ROOT
        )

        assert done.stdout.startswith("Plainspine 0.")
        assert "(Django 5.2" in done.stdout
