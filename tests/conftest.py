"""Shared ground: folders of its own, a small clinic, and the whole portal served as a clinic would."""

import importlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.test.utils import override_settings

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 120


@pytest.hookimpl(tryfirst=True)  # before xdist reads the group
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that ask the served portal go to one process, first: bringing it up takes a minute of a processor."""
    for item in items:
        if "served_site" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("served"))


def require_text_detection() -> None:
    """Skip where the extra "ocr" cannot be used; in CI that is a failure."""
    try:
        importlib.import_module("rapidocr_onnxruntime")
    except ImportError as error:  # also where OpenCV does not find libGL
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"text detection (the extra ocr, for Python 3.11 and 3.12) is not usable: {error}")


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing a test does touches the data folder of an installation."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "static").mkdir()
    storages = {
        "default": {"BACKEND": "portal.storage.local_storage.AtomicFileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    with override_settings(
        DATA_DIR=folder,
        MEDIA_ROOT=folder / "media",
        STATIC_ROOT=folder / "static",
        STORAGES=storages,
        # A process of a second for each picture: on where it is tested.
        TEXT_DETECTION=False,
        # Tests of the sign-in switch it on again; everywhere else a session is enough.
        MFA_REQUIRED=False,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ):
        yield


@pytest.fixture
def own_folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder for one test alone, with nothing in it: what it writes can be counted."""
    folder = tmp_path / "data"
    folder.mkdir()
    with override_settings(DATA_DIR=folder, MEDIA_ROOT=folder / "media"):
        yield folder


@dataclass(frozen=True)
class ServedSite:
    """A portal that ``manage.py serve`` brought up from nothing."""

    url: str
    data_dir: Path
    environ: dict[str, str]
    first_start_seconds: float


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, process: subprocess.Popen[str], log: Path) -> None:
    """Wait for the first page; fail with the server's own words."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{url}/readyz", timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"serve did not get ready:\n{log.read_text()}")


@pytest.fixture(scope="session")
def served_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSite]:
    """README's ``manage.py serve`` on an empty data folder, with the real content, settings and server."""
    data = tmp_path_factory.mktemp("served")
    log = data.parent / "served.log"
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    environ |= {"PORTAL_DATA_DIR": str(data), "PYTHONUNBUFFERED": "1"}
    with separate_database(environ):
        started = time.monotonic()
        with log.open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(port), "--demo"],
                stdout=stream,
                stderr=subprocess.STDOUT,
                text=True,
                env=environ,
                cwd=ROOT,
            )
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", process, log)
            yield ServedSite(f"http://127.0.0.1:{port}", data, environ, time.monotonic() - started)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


class separate_database:  # noqa: N801 -- reads as a statement
    """With DATABASE_URL set: a PostgreSQL database of its own, dropped afterwards. SQLite lives in the data folder."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ, self.given = environ, environ.get("DATABASE_URL", "")
        self.name = f"portal_served_{os.getpid()}_{free_port()}"

    def __enter__(self) -> None:
        if self.given.startswith("postgres"):
            self._run(f'CREATE DATABASE "{self.name}"')
            self.environ["DATABASE_URL"] = self.given.rsplit("/", 1)[0] + f"/{self.name}"

    def __exit__(self, *_: object) -> None:
        if self.given.startswith("postgres"):
            self._run(f'DROP DATABASE "{self.name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.given, autocommit=True) as connection:
            connection.execute(statement)


FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium(*, whole: bool = False) -> str | None:
    """Debian's Chromium, where it is installed; unless ``whole`` rather the one without the window that nobody sees,
    which does a quarter of the work for each new page, with the same engine.
    """
    return (None if whole else shutil.which("chromium-headless-shell")) or shutil.which("chromium")
