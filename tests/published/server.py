"""A real server on a copy of the served portal's data, and readers that count failures."""

import contextlib
import http.client
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.processes import WORKER, child_pids, web_pids
from tests.served_data import ROOT, free_port, wait_until_ready
from tests.views.client import Response, fetch

if TYPE_CHECKING:
    # Needs Django, which the benchmarks do not set up.
    from tests.conftest import ServedSite

PATHS = ["/", "/kyphoplasty/", "/es/", "/contact/", "/visits/"]


def copy_data_dir(site: "ServedSite", target: Path) -> Path:
    """Copy the data directory of a running portal, with a consistent database."""
    for name in ("media", "static", "public", "worker"):
        if (site.data_dir / name).exists():
            # The worker of the running portal may delete a file at any moment.
            shutil.copytree(site.data_dir / name, target / name, ignore=shutil.ignore_patterns(".new-*"))
    shutil.copy(site.data_dir / "secret-key", target / "secret-key")
    source, copy = (sqlite3.connect(folder / "portal.sqlite3") for folder in (site.data_dir, target))
    with contextlib.closing(source), contextlib.closing(copy):
        source.backup(copy)
    return target


class Server:
    """``manage.py serve`` with its own data directory."""

    def __init__(self, data: Path, *, site_url: str, workers: int = 2, environ: dict[str, str] | None = None) -> None:
        self.data, self.workers, self.port = data, workers, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_URL"))}
        # URLs on the pages contain the copied site's public URL, which is part of the build fingerprint.
        self.environ = {**own, "PORTAL_DATA_DIR": str(data), "PYTHONUNBUFFERED": "1",
                        "PORTAL_PUBLIC_URL": site_url, **(environ or {})}  # fmt: skip
        self.log = data.parent / f"{data.name}.log"
        self.process: subprocess.Popen[str] | None = None

    def start(self, *, ready: bool = True) -> "Server":
        with self.log.open("a") as stream:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(self.port), "--workers", str(self.workers)],
                stdout=stream, stderr=subprocess.STDOUT, text=True, env=self.environ, cwd=ROOT,
            )  # fmt: skip
        if ready:
            wait_until_ready(self.url, self.process, self.log)
        else:
            self.eventually("/healthz", 200)
        return self

    def eventually(self, path: str, status: int, *, seconds: float = 60) -> Response:
        """Repeat a request until the response has this status."""
        until, last = time.monotonic() + seconds, None
        while time.monotonic() < until:
            with contextlib.suppress(OSError, http.client.HTTPException):
                last = fetch(self.url, path)
                if last.status == status:
                    return last
            time.sleep(0.05)
        raise AssertionError(f"{path}: {last and (last.status, last.body[:200])}\n{self.log.read_text()[-2000:]}")

    def wait_for(self, words: str, times: int = 1, *, seconds: float = 60) -> None:
        """Wait until the log contains a text this many times."""
        until = time.monotonic() + seconds
        while self.log.read_text().count(words) < times:
            assert time.monotonic() < until, self.log.read_text()[-2000:]
            time.sleep(0.05)

    def web_pids(self) -> list[int]:
        """Return the IDs of the web processes."""
        assert self.process is not None
        return web_pids(self.process.pid)

    def worker_pid(self) -> int:
        """Return the ID of the worker process, waiting for it if it is being restarted."""
        assert self.process is not None
        until = time.monotonic() + 20
        while not (found := child_pids(self.process.pid, WORKER)):
            assert time.monotonic() < until, self.log.read_text()[-2000:]
            time.sleep(0.02)
        return found[0]

    def kill(self) -> None:
        """Kill all processes of the server."""
        assert self.process is not None
        for pid in [self.process.pid, *self.web_pids(), *child_pids(self.process.pid, WORKER)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Send SIGTERM and return the exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=60)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command on the same data."""
        return subprocess.run([sys.executable, str(ROOT / "manage.py"), *arguments], env=self.environ, cwd=ROOT,
                              capture_output=True, text=True, timeout=120, check=True)  # fmt: skip


@contextmanager
def running(data: Path, *, ready: bool = True, **options: object) -> Iterator[Server]:
    server = Server(data, **options).start(ready=ready)  # type: ignore[arg-type]
    try:
        yield server
    finally:
        if server.process and server.process.poll() is None:
            server.kill()


@dataclass
class Readers:
    """Eight clients, each on its own persistent connection, like browsers and proxies.

    A connection that is closed before any response bytes arrive is reopened once, as both do (RFC 9110 §9.2.2). A
    connection attempt that is refused or reset counts as a failure.
    """

    port: int
    paths: list[str] = field(default_factory=lambda: PATHS)
    count: int = 8
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[tuple[float, str]] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)

    def __enter__(self) -> "Readers":
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._read, args=(number,), daemon=True) for number in range(self.count)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _read(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        turn, reused = number, False
        while not self._stop.is_set():
            path = self.paths[turn % len(self.paths)]
            turn += 1
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                body = response.read()
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
                connection.close()
                if not reused:
                    self.failures.append((time.monotonic(), f"{path}: {error!r}"))
                reused = False
                continue
            except (OSError, http.client.HTTPException) as error:
                self.failures.append((time.monotonic(), f"{path}: {error!r}"))
                connection.close()
                reused = False
                continue
            reused = not response.will_close
            self.statuses[response.status] += 1
            if response.status == 200 and not body.rstrip().endswith(b"</html>"):
                self.torn.append(path)
        connection.close()


def assert_pages_are_served(server: Server) -> None:
    """Check that some pages are complete."""
    for path in PATHS:
        answer = fetch(server.url, path)
        assert (path, answer.status) == (path, 200)
        assert answer.text.rstrip().endswith("</html>")


def publish(server: Server, name: str) -> float:
    """Change something that every page shows; return the seconds from the commit until the first page shows it."""
    with contextlib.closing(sqlite3.connect(server.data / "portal.sqlite3", timeout=20)) as database:
        database.execute("UPDATE procedures_clinic SET name = ?", [name])
        database.commit()
    begun = time.monotonic()
    while name not in fetch(server.url, "/").text:
        assert time.monotonic() - begun < 20, server.log.read_text()[-2000:]
        time.sleep(0.02)
    return time.monotonic() - begun
