"""``serve`` on a folder that is ready changes nothing in it."""

import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT, ServedSite, free_port, wait_until_ready

# The first one stores pictures and renders pages; how many seconds the second takes says tests/bench/bench_reads.py.
SHORTER = 2
# SQLite's own helpers; what they hold belongs to the database, which is compared row by row.
DATABASE = {"portal.sqlite3", "portal.sqlite3-wal", "portal.sqlite3-shm"}

# Finished pages, written by who serves; each may be made again at any time.
SNAPSHOTS = "snapshots"


def rows(site: ServedSite) -> str:
    """Every row of the database as text, on SQLite and PostgreSQL."""
    command = [sys.executable, "manage.py", "dumpdata", "--indent", "1"]
    done = subprocess.run(command, cwd=ROOT, env=site.environ, capture_output=True, text=True, check=True)
    return done.stdout


def files(folder: Path) -> dict[str, tuple[int, str]]:
    """Name → (time of last change, content's hash) of every file."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in DATABASE and path.parent.name != SNAPSHOTS
    }


@contextmanager
def second_serve(site: ServedSite, log: Path) -> Iterator[float]:
    """Another ``serve --demo`` on the same data; gives the seconds until it was ready."""
    port = free_port()
    command = [sys.executable, "manage.py", "serve", "--port", str(port), "--demo"]
    with log.open("w") as stream:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, env=site.environ, stdout=stream, stderr=stream, text=True)
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", process, log)
            yield time.monotonic() - started
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def test_second_start_changes_no_row_and_no_file(served_site: ServedSite, tmp_path: Path) -> None:
    before = rows(served_site), files(served_site.data_dir)

    with second_serve(served_site, tmp_path / "log"):
        pass

    assert files(served_site.data_dir) == before[1]
    assert rows(served_site) == before[0]
    assert "account " not in (tmp_path / "log").read_text()
    assert "Collected static files." not in (tmp_path / "log").read_text()


def test_second_start_is_short_against_the_first(served_site: ServedSite, tmp_path: Path) -> None:
    best = float("inf")
    for _ in range(3):  # another program may have the machine for itself at one of these moments
        with second_serve(served_site, tmp_path / "log") as seconds:
            best = min(best, seconds)
        if best * SHORTER < served_site.first_start_seconds:
            break

    assert best * SHORTER < served_site.first_start_seconds


def test_first_start_left_rows_and_files_to_compare(served_site: ServedSite) -> None:
    names = files(served_site.data_dir)

    assert len([name for name in names if name.startswith("media/figures/")]) > 50
    assert '"model": "procedures.release"' in rows(served_site)


def test_the_generated_key_is_readable_by_its_owner_only(served_site: ServedSite) -> None:
    assert (served_site.data_dir / "secret-key").stat().st_mode & 0o777 == 0o600
