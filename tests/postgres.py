"""A PostgreSQL server of a test's own, which can be stopped, hung, and short of connections."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.served_data import free_port

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
requires_postgres = pytest.mark.skipif(
    not BINARIES and os.environ.get("CI") != "true", reason="PostgreSQL is not installed"
)


class Postgres:
    """A PostgreSQL server that can be stopped, hung, and started."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"postgres://portal@127.0.0.1:{self.port}/postgres"
        folder.mkdir()
        # PostgreSQL refuses to run as root, and cannot enter folders of root.
        self._as = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self._as:
            shutil.chown(folder, "postgres")
        self._run("initdb", "--no-sync", "-U", "portal", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")

    def _run(self, name: str, *arguments: str) -> None:
        command = [*self._as, str(BINARIES[-1].with_name(name)), "-D", str(self.folder), *arguments]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self, *, max_connections: int = 100) -> None:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
            f" -c max_connections={max_connections} -c superuser_reserved_connections=0"
        )
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-m", "immediate", "stop")

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Stop all processes of the server as SIGSTOP does: connections stay open, and nothing is answered."""
        main = int((self.folder / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        pids = [main, *map(int, children)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def create_database(self, name: str) -> str:
        """Create a database and return its URL."""
        self.execute(f'CREATE DATABASE "{name}"', [])
        return f"{self.url.rpartition('/')[0]}/{name}"

    def execute(self, statement: str, values: list[str]) -> None:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement, values)


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Run a server until the block ends."""
    with tempfile.TemporaryDirectory(prefix="portal-postgres-") as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder) / "data")
        server.start()
        yield server
        with contextlib.suppress(subprocess.CalledProcessError):
            server.stop()
