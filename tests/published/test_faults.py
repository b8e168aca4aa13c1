"""Failures: killed processes, a missing, damaged or locked database, slow clients, unwritable folders."""

import contextlib
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal.supervisor import is_running
from tests.conftest import ServedSite
from tests.processes import child_pids
from tests.published.server import Readers, Server, assert_pages_are_served, copy_data_dir, publish, running
from tests.served_data import ROOT
from tests.views.client import fetch

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="a SQLite file is what is broken here"
    ),
    # They wait a lot, and use a copy of the served portal's data, so they run beside the tests that use the portal itself.
    pytest.mark.xdist_group("faults"),
]


@pytest.fixture
def data(served_site: ServedSite, tmp_path: Path) -> Path:
    """Return a data directory with content and stored pages."""
    (tmp_path / "data").mkdir()
    return copy_data_dir(served_site, tmp_path / "data")


@pytest.fixture(scope="module")
def common_server(served_site: ServedSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for the tests that leave it as it was: each waits until it is ready again."""
    folder = tmp_path_factory.mktemp("common") / "data"
    folder.mkdir()
    with running(copy_data_dir(served_site, folder), site_url=served_site.url) as started:
        started.eventually("/readyz", 200)
        yield started


@pytest.fixture
def server(data: Path, served_site: ServedSite) -> Iterator[Server]:
    """Start a server with two workers and all pages rendered."""
    with running(data, site_url=served_site.url) as started:
        started.eventually("/readyz", 200)
        yield started


def test_a_killed_web_process_loses_only_its_requests_in_flight(server: Server) -> None:
    with Readers(server.port) as readers:
        time.sleep(1)
        first, second = server.web_pids()
        killed = time.monotonic()
        os.kill(first, signal.SIGKILL)
        time.sleep(8)
        pids = server.web_pids()
        time.sleep(1)

    assert second in pids and first not in pids and len(pids) == 2
    assert (set(readers.statuses), readers.torn) == ({200}, [])
    # Each client has at most one request in flight.
    assert len(readers.failures) <= readers.count
    assert [failure for failure in readers.failures if failure[0] > killed + 1] == []


def test_web_processes_killed_repeatedly_restart_each_time(server: Server) -> None:
    for _ in range(3):
        for pid in server.web_pids():
            os.kill(pid, signal.SIGKILL)
        server.eventually("/kyphoplasty/", 200, seconds=60)

    assert server.process is not None and server.process.poll() is None
    server.wait_for("3 times in a row")
    # The first two restarts are immediate; the rest is the time a process needs to start on this machine.
    assert "2 times in a row" not in server.log.read_text()
    assert server.stop() == 0


def test_web_processes_restart_when_the_process_that_forked_them_is_killed(server: Server) -> None:
    assert server.process is not None
    before = server.web_pids()
    (fork_server,) = child_pids(server.process.pid, "forkserver")
    os.kill(fork_server, signal.SIGKILL)
    server.wait_for("Restarting it", 2)
    server.eventually("/kyphoplasty/", 200, seconds=60)
    _wait_until_ended(before)
    _wait_for_all_web_processes(server)

    assert server.stop() == 0


def test_no_process_outlives_a_killed_server(server: Server) -> None:
    assert server.process is not None
    pids = [*server.web_pids(), server.worker_pid(), *child_pids(server.process.pid, "forkserver")]
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()

    _wait_until_ended(pids)


def _wait_for_all_web_processes(server: Server) -> list[int]:
    """Return the IDs of the web processes once all of them handle SIGTERM, which would kill a newer fork."""
    deadline = time.monotonic() + 60
    while len(pids := [pid for pid in server.web_pids() if _handles_sigterm(pid)]) != server.workers:
        assert time.monotonic() < deadline, pids
        time.sleep(0.05)
    return pids


def _handles_sigterm(pid: int) -> bool:
    with contextlib.suppress(OSError):
        caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)
    return False


def _wait_until_ended(pids: list[int]) -> None:
    deadline = time.monotonic() + 30
    while alive := [pid for pid in pids if is_running(pid)]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.1)


def test_a_server_whose_web_processes_keep_dying_stops_on_sigterm(server: Server) -> None:
    for round_number in range(1, 6):
        server.wait_for("Restarting it", 2 * (round_number - 1))
        for pid in _wait_for_all_web_processes(server):
            os.kill(pid, signal.SIGKILL)
    server.wait_for("5 times in a row", 2)

    begun = time.monotonic()
    assert server.process is not None
    server.process.terminate()
    server.process.wait(timeout=10)
    assert time.monotonic() - begun < 10


def test_readers_do_not_notice_a_killed_worker_and_it_restarts(server: Server) -> None:
    killed = []
    with Readers(server.port) as readers:
        for _ in range(3):
            killed.append(server.worker_pid())
            os.kill(killed[-1], signal.SIGKILL)
            server.wait_for("The worker process exited unexpectedly", len(killed))
        server.worker_pid()
        seen = publish(server, "Clinic After The Kill")

    assert len(set(killed)) == 3
    # The time a worker needs to start.
    assert seen < 15
    assert (set(readers.statuses), readers.failures, readers.torn) == ({200}, [], [])
    assert server.stop() == 0
    assert not Path(f"/proc/{killed[-1]}").exists()


def test_while_the_worker_hangs_pages_have_an_age_header_and_readyz_says_why(common_server: Server) -> None:
    pid = common_server.worker_pid()
    os.kill(pid, signal.SIGSTOP)
    ready = common_server.eventually("/readyz", 503)
    assert ready.text.startswith("the worker process does not respond (serving the public pages as of ")
    assert int(fetch(common_server.url, "/kyphoplasty/").header("age")) >= 5
    os.kill(pid, signal.SIGCONT)
    common_server.eventually("/readyz", 200)
    assert not fetch(common_server.url, "/kyphoplasty/").header("age")


def test_ctrl_c_stops_the_server_within_seconds(server: Server) -> None:
    assert server.process is not None
    for pid in (*server.web_pids(), server.process.pid):  # a terminal signals the whole process group
        os.kill(pid, signal.SIGINT)

    assert server.process.wait(timeout=15) == 0


def test_the_worker_ends_with_its_server(server: Server) -> None:
    pid = server.worker_pid()
    assert server.process is not None
    web_pids = server.web_pids()
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    until = time.monotonic() + 10
    try:
        while Path(f"/proc/{pid}").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        for web_pid in web_pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(web_pid, signal.SIGKILL)


def start_worker(server: Server) -> subprocess.Popen[str]:
    """Start a worker of its own for the data directory of a server."""
    command = [sys.executable, str(ROOT / "manage.py"), "worker"]
    return subprocess.Popen(command, env=server.environ, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def test_a_second_worker_waits_for_the_first(server: Server) -> None:
    first = server.worker_pid()
    with start_worker(server) as second:
        assert second.stderr is not None
        assert "Another worker is using this data directory" in second.stderr.readline()
        os.kill(first, signal.SIGKILL)
        publish(server, "Clinic Of The Second Worker")
        second.terminate()
        assert second.wait(timeout=10) == 0


def test_a_worker_that_starts_before_the_static_files_are_collected_waits(
    data: Path, served_site: ServedSite, tmp_path: Path
) -> None:
    shutil.rmtree(data / "public")
    static = (data / "static").rename(tmp_path / "static")
    server = Server(data, site_url=served_site.url)
    with start_worker(server) as worker:
        assert worker.stderr is not None
        assert "Waiting for “serve”" in worker.stderr.readline()
        static.rename(data / "static")
        until = time.monotonic() + 60
        while not (data / "public" / "index.html").exists():
            assert time.monotonic() < until
            time.sleep(0.1)
        worker.terminate()
        log = worker.stderr.read()
        assert worker.wait(timeout=10) == 0
    assert "Traceback" not in log
    assert "/static/" in (data / "public" / "index.html").read_text()


def test_every_address_of_the_sitemap_is_a_file(common_server: Server, served_site: ServedSite) -> None:
    addresses = [part.split("</loc>")[0] for part in fetch(common_server.url, "/sitemap.xml").text.split("<loc>")[1:]]
    files = {f"{common_server.data}/public{address.removeprefix(served_site.url)}index.html" for address in addresses}

    assert len(addresses) > 40
    assert [name for file in files for name in (file, f"{file}.br", f"{file}.gz") if not Path(name).is_file()] == []


def test_a_withdrawn_page_is_gone_from_the_disk_within_a_second(server: Server) -> None:
    folder = server.data / "public" / "kyphoplasty"
    assert folder.is_dir()
    code = (
        "import time; from procedures.models import Page; from procedures.publishing.publish import withdraw;"
        "from tests.factories import make_user; page = Page.objects.get(subject='kyphoplasty', language='en');"
        "withdraw(page, actor=make_user('max'), reason='It was wrong.'); print(time.time())"
    )
    withdrawn_at = float(server.manage("shell", "-v0", "-c", code).stdout)
    while folder.exists() or fetch(server.url, "/kyphoplasty/").status != 410:
        assert time.time() - withdrawn_at < 10
        time.sleep(0.01)
    # The command exits some time after printing.
    took = max(folder.parent.stat().st_mtime - withdrawn_at, 0)
    assert took < 1, took


def test_a_stop_under_load_fails_no_request(server: Server) -> None:
    with Readers(server.port) as readers:
        time.sleep(1)
        assert server.process is not None
        server.process.terminate()
        readers._stop.set()
        for thread in readers._threads:
            thread.join()
        server.process.wait(timeout=60)

    assert set(readers.statuses) == {200}
    assert (readers.failures, readers.torn) == ([], [])


def damage(file: Path) -> None:
    """Overwrite all database pages of the file but the first."""
    for log in (Path(f"{file}-wal"), Path(f"{file}-shm")):
        log.unlink(missing_ok=True)
    with file.open("r+b") as stream:
        stream.seek(4096)
        stream.write(os.urandom(file.stat().st_size - 4096))


BREAKAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "removed": (lambda file: file.unlink(), "the database file is missing"),
    "damaged": (damage, "the database is damaged: restore a backup"),
}


@pytest.mark.parametrize("kind", BREAKAGES)
def test_without_its_database_every_public_page_is_served(server: Server, served_site: ServedSite, kind: str) -> None:
    breakage, reason = BREAKAGES[kind]
    sitemap = fetch(server.url, "/sitemap.xml").text
    with Readers(server.port) as readers:
        breakage(server.data / "portal.sqlite3")
        ready = server.eventually("/readyz", 503)
        time.sleep(11)

    assert ready.text.startswith(reason)
    assert "public pages as of" in server.eventually("/readyz", 503).text
    assert (set(readers.statuses), readers.failures, readers.torn) == ({200}, [], [])
    assert sitemap.count("<loc>") > 40
    for address in [part.split("</loc>")[0] for part in sitemap.split("<loc>")[1:]]:
        answer = fetch(server.url, address.removeprefix(served_site.url))
        assert (address, answer.status) == (address, 200)
        assert int(answer.header("age")) >= 5
    staff = fetch(server.url, "/admin/", headers={"Cookie": "sessionid=" + "a" * 32})
    search = fetch(server.url, "/search/?q=pain")
    assert (staff.status, search.status) == (503, 503)
    assert "The database is not responding, and your changes were not saved" in staff.text
    assert staff.header("retry-after") == "60"
    assert not (server.data / "portal.sqlite3").exists() or kind == "damaged"

    # Nor does a restart create an empty site.
    server.kill()
    server.start(ready=False)
    assert_pages_are_served(server)
    assert "Serving the public pages as of" in server.log.read_text()


def test_a_restored_database_file_is_used_again(common_server: Server) -> None:
    file = common_server.data / "portal.sqlite3"
    file.rename(file.with_name("away"))
    common_server.eventually("/readyz", 503)
    file.with_name("away").rename(file)
    assert common_server.eventually("/readyz", 200).text == "ready\n"
    assert fetch(common_server.url, "/search/?q=pain").status == 200


def test_a_locked_database_does_not_affect_readers(common_server: Server) -> None:
    """For 30 s, longer than a statement waits for the lock (20 s): staff get an error, readers notice nothing."""
    with contextlib.closing(sqlite3.connect(common_server.data / "portal.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with Readers(common_server.port) as early:
            time.sleep(2)
        time.sleep(25)
        with Readers(common_server.port) as late:
            time.sleep(3)
        search = fetch(common_server.url, "/search/?q=pain")
        other.execute("ROLLBACK")

    for readers in (early, late):
        assert (set(readers.statuses), readers.failures) == ({200}, [])
    assert search.status == 200
    assert common_server.eventually("/readyz", 200).text == "ready\n"


def test_a_folder_that_cannot_be_written_affects_neither_readers_nor_publishing(
    data: Path, served_site: ServedSite
) -> None:
    """test_full_disk.py fills a real disk if it is allowed to mount one."""
    shutil.rmtree(data / "public")
    (data / "public").write_text("in the way")
    with running(data, site_url=served_site.url, ready=False) as server:
        assert_pages_are_served(server)
        server.wait_for("The published pages cannot be written")
        publish(server, "Spine Clinic of the Full Disk")
        assert_pages_are_served(server)
        ready = server.eventually("/readyz", 503)
    assert ready.text.startswith("the worker process does not respond")


def test_a_server_killed_while_publishing_and_writing_restarts_with_the_latest_release(
    data: Path, served_site: ServedSite
) -> None:
    with running(data, site_url=served_site.url, workers=1) as server:
        for turn in range(3):
            publish(server, f"Clinic Number {turn}")
            time.sleep(turn)
            server.kill()
            server.start(ready=False)
            server.eventually("/readyz", 200)
            until = time.monotonic() + 20
            while f"Clinic Number {turn}" not in fetch(server.url, "/").text:
                assert time.monotonic() < until
                time.sleep(0.05)
            assert_pages_are_served(server)


@pytest.mark.parametrize("count", [60, 300])
def test_slow_clients_do_not_affect_readers(common_server: Server, count: int) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(count):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", common_server.port), timeout=20))
            if number % 2:
                client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
            else:
                client.sendall(b"POST /search/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\nslow")
        with Readers(common_server.port) as readers:
            time.sleep(2)

    assert (set(readers.statuses), readers.failures) == ({200}, [])
    assert sum(readers.statuses.values()) > 100
