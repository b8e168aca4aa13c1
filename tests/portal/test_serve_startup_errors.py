"""Errors that stop ``manage.py`` from starting: one clear line, a nonzero status, nothing changed."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.served_data import ROOT, free_port

pytestmark = pytest.mark.served

TIMEOUT_SECONDS = 60


def manage(*arguments: str, data: Path | str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command with its own data directory and settings, as an operator would."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_URL"))}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False, cwd=ROOT,
        env={**own, "PORTAL_DATA_DIR": str(data), **environ},
    )  # fmt: skip


def serve(*arguments: str, data: Path | str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py serve`` on a free port."""
    return manage("serve", "--port", str(free_port()), *arguments, data=data, **environ)


def get_error_line(run: subprocess.CompletedProcess[str]) -> str:
    """Return the single line of an error message."""
    assert run.returncode != 0
    assert run.stdout == ""
    assert "Traceback" not in run.stderr
    lines = [line for line in run.stderr.splitlines() if line]
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("PORTAL_DEBUG", "maybe", "error: PORTAL_DEBUG is not valid. Use true or false."),
        ("PORTAL_ALLOWED_HOSTS", "*", "error: PORTAL_ALLOWED_HOSTS is not valid. It contains '*'."),
        ("PORTAL_PUBLIC_URL", "learn", "error: PORTAL_PUBLIC_URL is not valid. Use only the scheme and host"),
        ("PORTAL_SECRET_KEY", "short", "error: PORTAL_SECRET_KEY is not valid. It is too short."),
        ("PORTAL_HOSTS", "a", "error: PORTAL_HOSTS is not a known setting. Did you mean PORTAL_ALLOWED_HOSTS?"),
        ("DATABASE_URL", "mysql://a/b", "error: DATABASE_URL"),
    ],
)
def test_an_invalid_setting_stops_the_start(tmp_path: Path, name: str, value: str, line: str) -> None:
    run = serve(data=tmp_path / "data", **{name: value})

    assert get_error_line(run).startswith(line)
    assert not (tmp_path / "data" / "portal.sqlite3").exists()


@pytest.mark.parametrize("place", ["file", "/proc/portal"])
def test_a_data_directory_that_cannot_be_created_stops_the_start(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")

    run = serve(data=tmp_path / place)

    assert "PORTAL_DATA_DIR" in get_error_line(run)
    assert "cannot be created" in get_error_line(run)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_read_only_data_directory_stops_the_start() -> None:
    # Root ignores file modes, but not even root can write here.
    assert get_error_line(serve(data="/proc/sys")).startswith("error: ")


def test_a_port_in_use_stops_the_start_before_anything_is_created(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        run = manage("serve", "--port", str(port), data=tmp_path)

    assert get_error_line(run) == (
        f"CommandError: Cannot listen on 127.0.0.1:{port}: Another program uses the port. Stop it, or choose another --port."
    )
    assert [file.name for file in tmp_path.iterdir()] == ["secret-key"]


def rows(database: Path) -> list[str]:
    """Dump an SQLite database as SQL."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return list(connection.iterdump())


def record_migration(database: Path, app: str, name: str) -> None:
    """Create a database with a single applied migration."""
    with sqlite3.connect(database) as connection:
        connection.execute(
            "CREATE TABLE django_migrations (id integer PRIMARY KEY, app text, name text, applied datetime)"
        )
        connection.execute("INSERT INTO django_migrations VALUES (1, ?, ?, '2026-01-01 00:00:00')", [app, name])
    connection.close()


@pytest.mark.parametrize("app", ["procedures", "staff", "auth"])
def test_a_database_with_an_unknown_migration_stops_the_start_and_is_not_changed(tmp_path: Path, app: str) -> None:
    database = tmp_path / "portal.sqlite3"
    record_migration(database, app, "9999_unknown")
    before = rows(database)

    run = serve(data=tmp_path)

    assert get_error_line(run) == (
        f"ConfigurationError: The database has a migration that this version does not have ({app}.9999_unknown): it was made "
        "by a newer version, or by one that predates the squashed migrations. Run the version that created it, or start "
        "with a new PORTAL_DATA_DIR or DATABASE_URL."
    )
    assert rows(database) == before
    assert not (tmp_path / "media").exists()


def test_a_database_with_an_unknown_migration_is_not_backed_up(tmp_path: Path) -> None:
    (tmp_path / "secret-key").write_text("k" * 64)
    record_migration(tmp_path / "portal.sqlite3", "staff", "0002_unknown")

    run = manage("backup", str(tmp_path / "backup.tar"), data=tmp_path)

    assert get_error_line(run) == (
        "CommandError: The database has a migration that this version does not have (staff.0002_unknown): it was made by a "
        "newer version, or by one that predates the squashed migrations. Back it up with the version that created it."
    )


BROKEN_DATABASES: dict[str, Callable[[Path], object]] = {
    "no database": lambda file: file.write_text("this is no database " * 500),
    "a folder": lambda file: file.mkdir(),
}


@pytest.mark.parametrize("name", BROKEN_DATABASES)
def test_a_database_that_cannot_be_used_stops_the_start(tmp_path: Path, name: str) -> None:
    file = tmp_path / "portal.sqlite3"
    BROKEN_DATABASES[name](file)
    before = file.read_bytes() if file.is_file() else None

    run = serve(data=tmp_path)

    assert get_error_line(run).startswith("CommandError: The site cannot start: the database ")
    assert (file.read_bytes() if file.is_file() else None) == before


def test_an_unreachable_postgresql_server_stops_the_start(tmp_path: Path) -> None:
    run = serve(data=tmp_path, DATABASE_URL=f"postgres://me:hunter2@127.0.0.1:{free_port()}/portal")

    assert get_error_line(run).startswith(
        "CommandError: The site cannot start: the database does not respond: PostgreSQL is not"
    )
    assert "hunter2" not in run.stderr


def test_demo_accounts_are_allowed_on_every_loopback_address(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.2", 0)) as other:
        port = other.getsockname()[1]
        run = serve("--demo", "--host", "127.0.0.2", "--port", str(port), data=tmp_path)

    assert get_error_line(run).startswith(f"CommandError: Cannot listen on 127.0.0.2:{port}: Another program")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--workers", "0"], "ConfigurationError: --workers is 0. Choose 1 to 64."),
        (["--workers", "65"], "ConfigurationError: --workers is 65. Choose 1 to 64."),
        (["--port", "0"], "ConfigurationError: --port is 0. Choose 1 to 65535."),
        (["--port", "70000"], "ConfigurationError: --port is 70000. Choose 1 to 65535."),
        (["--demo", "--host", "::"], "ConfigurationError: --demo is for trials on this machine only."),
        (["--host", "192.0.2.1"], "ConfigurationError: Cannot listen on 192.0.2.1:"),
        (["--host", "no such host"], "ConfigurationError: --host is no such host, which"),
    ],
)
def test_an_invalid_option_stops_the_start_before_anything_is_created(
    tmp_path: Path, arguments: list[str], line: str
) -> None:
    run = serve(*arguments, data=tmp_path)

    assert get_error_line(run).startswith(line)
    assert [file.name for file in tmp_path.iterdir()] == ["secret-key"]


def test_an_invalid_content_file_is_reported_in_one_line_and_nothing_is_loaded(
    own_data_dir: Path, tmp_path: Path
) -> None:
    data, content = own_data_dir, tmp_path / "content"
    content.mkdir()
    (content / "clinic.yaml").write_text("name: Test\nphone: [1, 2]\ntext:\n  en:\n    hours: Always\n")
    for name in ("locations", "sources", "codes"):
        (content / f"{name}.yaml").write_text("[]\n")
    before = rows(data / "portal.sqlite3")

    run = manage("load_content", str(content), data=data)

    assert get_error_line(run).startswith(
        f"CommandError: {content}/clinic.yaml:2: The value of the field “phone” has the wrong type"
    )
    assert rows(data / "portal.sqlite3") == before
    assert not (data / "media").exists()


@pytest.mark.parametrize(
    "public",
    [
        {"PORTAL_PUBLIC_URL": "https://learn.example.org", "PORTAL_ALLOWED_HOSTS": "learn.example.org"},
        {"PORTAL_ALLOWED_HOSTS": "127.0.0.1,learn.example.org"},
    ],
)
def test_demo_accounts_are_never_created_on_a_public_site(tmp_path: Path, public: dict[str, str]) -> None:
    run = serve("--demo", data=tmp_path / "data", **public)

    assert "--demo is for trials on this machine only." in get_error_line(run)
    assert not (tmp_path / "data" / "portal.sqlite3").exists()


def test_with_https_staff_cookies_are_bound_to_the_host(tmp_path: Path) -> None:
    names = "SESSION_COOKIE_NAME CSRF_COOKIE_NAME DEVICE_COOKIE_NAME SESSION_COOKIE_PATH CSRF_COOKIE_PATH"
    names += " SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SESSION_COOKIE_DOMAIN"
    code = f"from django.conf import settings; print([getattr(settings, name) for name in {names.split()}])"

    run = manage("shell", "--no-imports", "-c", code, data=tmp_path, PORTAL_PUBLIC_URL="https://learn.example.org")

    wanted = ["__Host-sessionid", "__Host-csrftoken", "__Host-device", "/", "/", True, True, None]
    assert run.stdout.strip() == str(wanted)


@pytest.mark.parametrize("command", ["check_links", "load_content", "check_releases"])
def test_a_command_on_an_empty_database_says_what_migrates_it(command: str, tmp_path: Path) -> None:
    (tmp_path / "portal.sqlite3").touch()

    run = manage(command, data=tmp_path)

    assert get_error_line(run) == "error: the database is empty or not migrated: restart the service, which migrates it"


def test_messages_name_the_command_that_the_operator_runs(own_data_dir: Path) -> None:
    run = manage("accept_key", "--help", data=own_data_dir, PLAINSPINE_MANAGE="plainspine-manage")
    assert run.stdout.startswith("usage: plainspine-manage accept_key")

    manage("accept_key", data=own_data_dir, PORTAL_SECRET_KEY="a" * 50)
    run = serve(data=own_data_dir, PORTAL_SECRET_KEY="b" * 50, PLAINSPINE_MANAGE="plainspine-manage")
    assert "If you changed the key on purpose, run plainspine-manage accept_key" in get_error_line(run)
