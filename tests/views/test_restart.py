"""Starting ``serve`` again on an initialized data folder changes nothing in it.

On a copy of the folder: a second server is refused while the first one runs.
"""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import ServedSite
from tests.served_data import ROOT, start_once

# The first start stores pictures and renders pages. tests/bench/bench_reads.py says how long the second one takes.
MIN_SPEEDUP = 2
# SQLite files; their content is compared row by row instead.
DATABASE = {"portal.sqlite3", "portal.sqlite3-wal", "portal.sqlite3-shm"}

# Files of the worker process, which can be regenerated at any time.
WORKER = {"worker", "public"}


def rows(site: ServedSite) -> str:
    """Return every row of the database as text, on SQLite and PostgreSQL."""
    command = [sys.executable, "manage.py", "dumpdata", "--indent", "1"]
    done = subprocess.run(command, cwd=ROOT, env=site.environ, capture_output=True, text=True, check=True)
    return done.stdout


def files(folder: Path) -> dict[str, tuple[int, str]]:
    """Return the modification time and content hash of every file by name."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in DATABASE and not WORKER.intersection(path.relative_to(folder).parts)
    }


@pytest.fixture
def copied_site(served_site: ServedSite, tmp_path: Path) -> ServedSite:
    """A copy of the served site in its own folder, without a running server."""
    folder = tmp_path / "copy"
    shutil.copytree(served_site.data_dir, folder)
    return replace(served_site, data_dir=folder, environ={**served_site.environ, "PORTAL_DATA_DIR": str(folder)})


def test_second_start_changes_no_row_and_no_file(copied_site: ServedSite, tmp_path: Path) -> None:
    before = rows(copied_site), files(copied_site.data_dir)

    start_once(copied_site.environ, tmp_path / "log")

    assert files(copied_site.data_dir) == before[1]
    assert rows(copied_site) == before[0]
    assert "account " not in (tmp_path / "log").read_text()
    assert "Collected static files." not in (tmp_path / "log").read_text()


def test_second_start_is_faster_than_the_first(copied_site: ServedSite, tmp_path: Path) -> None:
    seconds = start_once(copied_site.environ, tmp_path / "log")

    assert seconds * MIN_SPEEDUP < copied_site.first_start_cpu_seconds


def test_first_start_left_rows_and_files_to_compare(served_site: ServedSite) -> None:
    names = files(served_site.data_dir)

    assert len([name for name in names if name.startswith("media/figures/")]) > 50
    assert '"model": "procedures.release"' in rows(served_site)


def test_generated_key_is_readable_only_by_its_owner(served_site: ServedSite) -> None:
    assert (served_site.data_dir / "secret-key").stat().st_mode & 0o777 == 0o600
