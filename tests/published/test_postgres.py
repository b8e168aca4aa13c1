"""On PostgreSQL: changes arrive by NOTIFY, and readers do not notice a restart of the database."""

import contextlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.published.server import Readers, running
from tests.served_data import free_port

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not BINARIES and os.environ.get("CI") != "true", reason="PostgreSQL is not installed"),
    pytest.mark.served,
]


class Postgres:
    """A PostgreSQL server that can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"postgres://portal@127.0.0.1:{self.port}/postgres"
        folder.mkdir()
        # PostgreSQL refuses to run as root, and cannot enter folders of root.
        self._as = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self._as:
            shutil.chown(folder, "postgres")
        self._run("initdb", "-U", "portal", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")

    def _run(self, name: str, *arguments: str) -> None:
        command = [*self._as, str(BINARIES[-1].with_name(name)), "-D", str(self.folder), *arguments]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-m", "immediate", "stop")

    def execute(self, statement: str, values: list[str]) -> None:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement, values)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="portal-postgres-") as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder) / "data")
        server.start()
        yield server
        with contextlib.suppress(subprocess.CalledProcessError):
            server.stop()


def test_readers_do_not_notice_a_restart_of_the_database(postgres: Postgres, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with running(tmp_path / "data", site_url="http://127.0.0.1:8000", environ={"DATABASE_URL": postgres.url}) as server:
        server.wait_for("Rendered all public pages")
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

    from portal.storage.database_changes import ChangeListener
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
