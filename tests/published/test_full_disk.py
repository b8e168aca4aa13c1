"""A full disk with the database, the media files and the published pages on it."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ServedSite
from tests.published.server import Readers, assert_pages_are_served, copy_data_dir, running
from tests.published.test_faults import pytestmark  # noqa: F401 -- a SQLite file is what the disk holds
from tests.served_data import ROOT

MEGABYTES = 256
SAVE = """
import sys
from django.core.management import call_command
from portal.accounts.models import User
from procedures.models import Page
from tests.admin.conftest import change_url, page_form
from tests.bench.staff import signed_in

client = signed_in(User.objects.get(username="editor"))
page = Page.objects.get(subject="recovery", language="en")
print("signed in", flush=True)
input()
for number in range(60):
    newest = page.revisions.first()
    answer = client.post(change_url(page), page_form(page, body=f"Word {number}. " * 9000, parent=newest.pk if newest else ""))
    if answer.status_code != 302:
        print(answer.status_code, answer["Retry-After"], "your changes were not saved" in answer.content.decode())
        break
    page.refresh_from_db()
    print(f"saved {number}", flush=True)
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of a known size."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a disk that is full can only be made by who may mount one")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Fill the disk completely."""
    file = disk / "filler"
    with file.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(bytes(1 << 20)) or stream.write(b"0")
    return file


def test_a_worker_that_starts_on_a_full_disk_says_so_once_and_retries(disk: Path) -> None:
    data = disk / "data"
    data.mkdir()
    filler = fill(disk)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_URL"))}
    log = disk.parent / "log"
    with log.open("w") as stream:
        worker = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "worker"], stderr=stream, cwd=ROOT,
            env={**own, "PORTAL_DATA_DIR": str(data), "PORTAL_SECRET_KEY": "k" * 60},
        )  # fmt: skip
    try:
        wait_for(log, "The published pages cannot be written: ")
        time.sleep(2.5)
        assert worker.poll() is None
        assert len(log.read_text().splitlines()) == 1
        filler.unlink()
        wait_for(log, "Waiting for “serve”")
    finally:
        worker.terminate()
        worker.wait(30)
    assert "Traceback" not in log.read_text()


def wait_for(log: Path, words: str) -> None:
    until = time.monotonic() + 60
    while words not in log.read_text():
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)


def test_on_a_full_disk_readers_notice_nothing_and_staff_get_an_error(disk: Path, served_site: ServedSite) -> None:
    data = disk / "data"
    data.mkdir()
    copy_data_dir(served_site, data)
    with running(data, site_url=served_site.url) as server:
        server.eventually("/readyz", 200)
        command = [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", SAVE]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        staff = subprocess.Popen(command, env=server.environ, cwd=ROOT, text=True, **pipes)
        assert staff.stdout and staff.stdout.readline() == "signed in\n"
        filler = fill(disk)
        ready = server.eventually("/readyz", 503)
        with Readers(server.port) as readers:
            told, error = staff.communicate("go on\n", timeout=300)
        assert_pages_are_served(server)

        assert ready.text.startswith("the disk of the data directory is nearly full (0 MB free)")
        assert (set(readers.statuses), readers.failures, readers.torn) == ({200}, [], [])
        *saved, refused = told.splitlines() or [error]
        assert refused == "503 60 True", error

        filler.unlink()
        assert server.eventually("/readyz", 200).text == "ready\n"
        again = subprocess.run(
            command, env=server.environ, cwd=ROOT, input="\n", capture_output=True, text=True, timeout=300
        )
        assert again.stdout.startswith("signed in\nsaved 0\n"), again.stdout + again.stderr
        with contextlib.closing(sqlite3.connect(data / "portal.sqlite3")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            bodies = [row[0] for row in database.execute("SELECT content FROM procedures_revision")]
        # Everything reported as saved is there, including what was saved while the disk was full.
        assert sum('"body": "Word' in body for body in bodies) >= len(saved) + 1
