"""PostgreSQL hangs or has no connections left: readers notice nothing, and everything else says why within seconds."""

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Postgres, postgres_server, requires_postgres
from tests.published.server import Readers, Server, running
from tests.views.client import fetch

pytestmark = [requires_postgres, pytest.mark.served]

# The limits are 1.2 s for a connection and 3 s for a response; the rest is slack for a busy machine.
SEARCH_SECONDS, READY_SECONDS = 5.0, 2.5
NO_CONNECTION = re.compile("database has no connections left|database connections of this process are in use")


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


class SearchLoad:
    """Threads that search continuously and record the status and duration of each search."""

    def __init__(self, server: Server, count: int) -> None:
        self.server, self.answers, self._stop = server, list[tuple[int, float]](), threading.Event()
        self._threads = [threading.Thread(target=self._search, args=(number,), daemon=True) for number in range(count)]

    def __enter__(self) -> "SearchLoad":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def _search(self, number: int) -> None:
        turn = 0
        while not self._stop.wait(0.2):
            turn += 1
            begun = time.monotonic()
            status = fetch(self.server.url, f"/search/?q=pain{number}x{turn}").status
            self.answers.append((status, time.monotonic() - begun))


def ready_times(server: Server, seconds: float) -> list[tuple[int, float, str]]:
    found, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        begun = time.monotonic()
        answer = fetch(server.url, "/readyz")
        found.append((answer.status, time.monotonic() - begun, answer.text))
        time.sleep(0.2)
    return found


def test_a_hung_or_exhausted_database_does_not_delay_readers(postgres: Postgres, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    environ = {"DATABASE_URL": postgres.url, "PORTAL_DATABASE_CONNECTIONS": "4", "PORTAL_LOG_FORMAT": "json"}
    with running(tmp_path / "data", site_url="http://127.0.0.1:8000", environ=environ) as server:
        server.wait_for("Compressed all public pages", seconds=180)
        with Readers(server.port, count=2) as readers:
            # More searchers than threads in both processes.
            with postgres.hung(), SearchLoad(server, 40) as hung:
                ready = ready_times(server, 8)
            server.eventually("/search/?q=pain", 200, seconds=15)
            server.eventually("/readyz", 200, seconds=15)

            postgres.stop()
            postgres.start(max_connections=4)
            server.eventually("/search/?q=pain", 200, seconds=15)
            with SearchLoad(server, 12) as full:
                time.sleep(5)
                # On a busy machine it takes longer until all connections are in use.
                until = time.monotonic() + 60
                while not NO_CONNECTION.search(server.log.read_text()) and time.monotonic() < until:
                    time.sleep(0.2)

    assert (set(readers.statuses), readers.failures, readers.torn) == ({200}, [], [])
    assert {status for status, _ in hung.answers} == {503}
    assert max(seconds for _, seconds in hung.answers) < SEARCH_SECONDS
    assert {status for status, _, _ in ready} == {503}
    assert max(seconds for _, seconds, _ in ready) < READY_SECONDS
    # During the first second, a busy pool cannot be distinguished from a hung server.
    assert all(text.startswith("the database does not respond") for _, _, text in ready[2:])
    assert {status for status, _ in full.answers} <= {200, 503}
    assert 200 in {status for status, _ in full.answers}
    messages = {json.loads(line)["message"] for line in server.log.read_text().splitlines() if line.startswith("{")}
    assert any(NO_CONNECTION.search(text) for text in messages), messages
    assert not any("127.0.0.1" in text for text in messages), "no host in the log"
