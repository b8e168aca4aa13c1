"""On PostgreSQL: changes arrive by NOTIFY, and readers do not notice a restart of the database."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Postgres, postgres_server, requires_postgres
from tests.published.server import Readers, running

pytestmark = [requires_postgres, pytest.mark.served]


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


def test_readers_do_not_notice_a_restart_of_the_database(postgres: Postgres, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with running(tmp_path / "data", site_url="http://127.0.0.1:8000", environ={"DATABASE_URL": postgres.url}) as server:
        server.wait_for("Compressed all public pages")
        with Readers(server.port) as readers:
            postgres.stop()
            ready = server.eventually("/readyz", 503)
            assert server.eventually("/search/?q=pain", 503).header("retry-after") == "60"
            time.sleep(2)
            postgres.start()
            server.eventually("/readyz", 200)
            server.eventually("/search/?q=pain", 200)
            postgres.execute("UPDATE procedures_clinic SET name = %s", ["The Clinic After The Break"])
            begun = time.monotonic()
            while "The Clinic After The Break" not in server.eventually("/", 200).text:
                assert time.monotonic() - begun < 20
                time.sleep(0.05)
    assert ready.text.startswith("the database does not respond")
    assert (set(readers.statuses), readers.failures, readers.torn) == ({200}, [], [])


@pytest.mark.skipif(
    not os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="asks the database of the tests"
)
@pytest.mark.django_db(transaction=True)
def test_a_change_wakes_the_listener() -> None:
    from django.db import connection

    from portal.storage.database import ChangeListener
    from tests.factories import make_clinic

    connection.ensure_connection()
    woken: list[float] = []

    def listen() -> None:
        changes = ChangeListener()
        assert changes.may_have_changed()
        listening.set()
        assert not changes.may_have_changed()
        while not changes.may_have_changed():
            changes.wait()
        woken.append(time.monotonic())
        connection.close()

    listening = threading.Event()
    thread = threading.Thread(target=listen)
    thread.start()
    listening.wait(10)
    begun = time.monotonic()
    make_clinic()
    thread.join(10)
    assert woken[0] - begun < 0.3
