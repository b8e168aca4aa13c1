"""Fixtures and marks for all tests: temporary folders, the served portal, the tiers."""

import gc
import importlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from django.db import connection
from django.test import TransactionTestCase
from django.test.utils import override_settings

from tests.database import history_unprotected, migrated_file, migrated_once
from tests.processes import Shell, open_shell
from tests.served_data import copy_first_start, free_port, serve, start_once, wait_until_published

# Fixtures that start a server of their own.
SERVER_FIXTURES = {"served_site", "s3_address"}
DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "served_site"}


@pytest.hookimpl(tryfirst=True)  # before -m selects and xdist reads the group
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a server or the database.

    Tests of the served portal run in one process, so that it starts once; those with a group of their own in another.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "served_site" in fixtures and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("served"))
        if fixtures & DATABASE_FIXTURES or item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.database)
        if fixtures & SERVER_FIXTURES and not item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.served)


def pytest_collection_finish() -> None:
    """Keep what collection made, a million objects that stay, out of every later garbage collection."""
    gc.collect()
    gc.freeze()


def require_text_detection() -> None:
    """Skip where the extra "ocr" cannot be used; in CI that is a failure."""
    try:
        importlib.import_module("rapidocr_onnxruntime")
    except ImportError as error:  # also where OpenCV does not find libGL
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"text detection (the extra ocr, for Python 3.11 and 3.12) is not usable: {error}")


@pytest.fixture(scope="session", autouse=True)
def _own_text_detection() -> Iterator[None]:
    """Text detection runs once at a time on a machine. Parallel test processes must not wait for each other."""
    lock = f"plainspine-test-{os.getpid()}.lock"
    with mock.patch("procedures.figures.text_detection.LOCK_NAME", lock):
        yield
    (Path(tempfile.gettempdir()) / lock).unlink(missing_ok=True)


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


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Migrate an SQLite database once for each state of the code, and copy it in every process."""
    if connection.vendor != "sqlite":
        yield
        return
    with migrated_once(cache_folder(request.config, tmp_path_factory, "migrated-database")):
        yield


@pytest.fixture(scope="session", autouse=True)
def _empty_append_only_tables() -> Iterator[None]:
    """Let the tests that commit empty all tables afterwards, as Django does, including those that refuse deletions."""
    empty_tables = TransactionTestCase._fixture_teardown

    def teardown(test: TransactionTestCase) -> None:
        with history_unprotected():
            empty_tables(test)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
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
    """A portal that ``manage.py serve --demo`` serves, with the real content, settings and server."""

    url: str
    data_dir: Path
    environ: dict[str, str]
    log: Path
    first_start_cpu_seconds: float
    shell: Shell


@pytest.fixture(scope="session")
def served_site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSite]:
    """The portal after a first start on an empty data folder, served for the whole session.

    With SQLite the data folder is a copy of a cached one (tests/served_data.py); with PostgreSQL each session does a
    first start of its own.
    """
    data = tmp_path_factory.mktemp("served")
    log = data.parent / "served.log"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    environ |= {"PORTAL_DATA_DIR": str(data), "PYTHONUNBUFFERED": "1"}
    with separate_database(environ):
        if "DATABASE_URL" in environ:
            seconds = start_once(environ, log)
        else:
            seconds = copy_first_start(cache_folder(request.config, tmp_path_factory), data, environ)
        with serve(environ, log) as url, open_shell(environ) as shell:
            wait_until_published(log)
            yield ServedSite(url, data, environ, log, seconds, shell)


@pytest.fixture
def own_site_environ(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Return the environment of a site for one test: SQLite, in a copy of the data folder of a first start."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    environ |= {"PORTAL_DATA_DIR": str(tmp_path / "data"), "PYTHONUNBUFFERED": "1"}
    environ.pop("DATABASE_URL", None)
    copy_first_start(cache_folder(request.config, tmp_path_factory), tmp_path / "data", environ)
    return environ


@pytest.fixture
def own_data_dir(request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an empty installation on SQLite, as ``manage.py migrate`` leaves it."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(
        migrated_file(cache_folder(request.config, tmp_path_factory, "migrated-database")), folder / "portal.sqlite3"
    )
    (folder / "secret-key").touch(mode=0o600)
    (folder / "secret-key").write_text("k" * 64)
    return folder


def cache_folder(config: pytest.Config, tmp_path_factory: pytest.TempPathFactory, name: str = "served-site") -> Path:
    """A folder in pytest's cache, or one for this session where the cache is off."""
    if config.pluginmanager.has_plugin("cacheprovider"):
        return config.cache.mkdir(name)
    return tmp_path_factory.mktemp(name)


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
