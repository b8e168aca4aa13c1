"""``/readyz`` names what an operator must repair, and responds in time even if something hangs."""

import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from portal import health
from portal.accounts.models import AuditEvent
from portal.health import Probe, describe_clock_error
from portal.published.files import PublishedFiles
from portal.storage.database import DatabaseFileMonitor
from portal.storage.local_storage import AtomicFileSystemStorage
from tests.served_data import ROOT


def test_a_check_that_hangs_does_not_delay_the_response(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, started = threading.Event(), list[float]()

    def hang(set_stage: object) -> str:
        started.append(time.monotonic())
        go_on.wait(30)
        return ""

    monkeypatch.setattr(health, "describe_problem", hang)
    monkeypatch.setattr(health, "MAX_RESPONSE_SECONDS", 0.2)
    probe = Probe()
    begun = time.monotonic()

    answers = [probe.run(), probe.run(), probe.run()]

    assert time.monotonic() - begun < 2
    assert answers == ["the database does not respond"] * 3
    assert len(started) == 1, "a check that hangs is not started again"
    go_on.set()
    while threading.active_count() > 1 and any(thread.name == "readyz" for thread in threading.enumerate()):
        time.sleep(0.01)
    assert probe.run() == ""


def test_a_problem_is_logged_once_until_it_changes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="portal.health")
    probe = Probe()
    for problem in (
        "", "the bucket is missing (as of 1 s ago)", "the bucket is missing (as of 4 s ago)", "the disk is full", "", "",
    ):  # fmt: skip
        monkeypatch.setattr(health, "describe_problem", lambda set_stage, problem=problem: problem)
        assert probe.run() == problem

    assert caplog.messages == [
        "Not ready: the bucket is missing (as of 1 s ago)", "Not ready: the disk is full", "Ready again"
    ]  # fmt: skip


@pytest.mark.django_db
def test_a_full_disk_is_reported_before_the_worker_and_without_an_age_that_nobody_knows(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(health, "_file_monitor", DatabaseFileMonitor())

    assert health.describe_problem() == "the worker process does not respond"

    monkeypatch.setattr(shutil, "disk_usage", lambda path: mock.Mock(free=0))
    assert health.describe_problem() == "the disk of the data directory is nearly full (0 MB free)"


@pytest.mark.django_db
def test_a_worker_that_cannot_render_pages_is_reported(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(health, "_file_monitor", DatabaseFileMonitor())
    files = PublishedFiles(tmp_path)
    with files.try_lock_for_writing():
        files.confirm()
        files.record_problem("3 could not be rendered (see the log)")

    assert health.describe_problem() == "the public pages are not up to date: 3 could not be rendered (see the log)"

    files.record_problem("")
    assert health.describe_problem() == ""


@pytest.mark.parametrize(
    ("seconds", "message"),
    [(0, ""), (59, ""), (-59, ""), (3600, "3600 s behind the database's"), (-3600, "3600 s ahead of the database's")],
)
def test_a_wrong_clock_is_reported_with_its_direction(seconds: float, message: str) -> None:
    assert message in describe_clock_error(seconds)
    assert bool(describe_clock_error(seconds)) == bool(message)


@pytest.mark.django_db
def test_events_in_the_future_show_that_the_clock_is_behind() -> None:
    assert Client().get("/readyz").status_code == 200
    AuditEvent.objects.create(kind=AuditEvent.Kind.LOGGED_IN, created_at=timezone.now() + timedelta(hours=1))

    answer = Client().get("/readyz")

    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        assert answer.status_code == 200, "the database server's clock is used"
    else:
        assert answer.status_code == 503
        assert answer.content.startswith(b"this machine's clock is 3600 s behind the database's: set up NTP")


@pytest.mark.django_db
def test_the_free_space_is_counted_in_the_megabytes_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: mock.Mock(free=64 * 1024 * 1024 - 1))

    assert Client().get("/readyz").text == "the disk of the data directory is nearly full (63 MB free)\n"


CHECK = """
import sys
from pathlib import Path
import django
django.setup()
from portal.health import _is_read_only
from portal.storage.local_storage import AtomicFileSystemStorage
print([_is_read_only(), AtomicFileSystemStorage(location=sys.argv[1]).describe_problem()])
"""


def run_checks(data: Path) -> str:
    """Run the checks without root's ability to bypass file permissions."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_URL"))}
    command = [sys.executable, "-c", CHECK, str(data / "media")]
    if os.getuid() == 0:
        command = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", *command]
    done = subprocess.run(
        command, env={**own, "PORTAL_DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "portal.settings"},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.served
def test_an_unreadable_media_folder_and_a_read_only_database_are_noticed(tmp_path: Path) -> None:
    if os.getuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root ignores file modes, and setpriv is not installed")
    (tmp_path / "media" / "figures").mkdir(parents=True)
    picture = tmp_path / "media" / "figures" / "0123456789abcdef-480.webp"
    picture.write_bytes(b"x")
    (tmp_path / "portal.sqlite3").write_bytes(b"")
    assert run_checks(tmp_path) == "[False, '']"
    advice = "'the media folder cannot be used: check the owner and modes of media/ in the data directory'"

    for path, mode in ((picture, 0o000), (picture.parent, 0o000), (tmp_path / "media", 0o000), (picture.parent, 0o500)):
        before = path.stat().st_mode
        path.chmod(mode)
        assert run_checks(tmp_path) == f"[False, {advice}]", (path, oct(mode))
        path.chmod(before)
    (tmp_path / "portal.sqlite3").chmod(0o400)
    assert run_checks(tmp_path) == "[True, '']"


def test_a_media_folder_that_does_not_exist_yet_is_fine(tmp_path: Path) -> None:
    assert AtomicFileSystemStorage(location=tmp_path / "none").describe_problem() == ""
