"""Metrics of one machine in Prometheus' text format (docs/metrics.md). Imported only if PORTAL_METRICS_TOKEN is set.

Requests are counted in files that all web processes share (prometheus_client's multiprocess mode). Everything else is
measured at scrape time. No label contains a URL, a name, or anything else sent by a client.
"""

import contextlib
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, Protocol, cast

from django.conf import settings
from django.db import DatabaseError, connection, connections

from portal import audit, get_version
from portal.accounts.models import PasswordResetRequest
from portal.health import find_media_problem, seconds_since_success
from portal.http import ADMIN_PREFIX
from portal.published.files import PublishedFiles, worker_folder
from portal.security import PROBE_PATHS

METRICS_DIR = worker_folder(settings.DATA_DIR) / "metrics"
METRICS_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
# prometheus_client reads it when it is imported.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(METRICS_DIR)

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest  # noqa: E402 -- see above
from prometheus_client.core import GaugeMetricFamily  # noqa: E402 -- see above
from prometheus_client.multiprocess import MultiProcessCollector  # noqa: E402 -- see above
from prometheus_client.registry import Collector  # noqa: E402 -- see above

CONTENT_TYPE = CONTENT_TYPE_LATEST
# A database that hangs must not make the response late: Prometheus gives up after ten seconds.
MAX_COLLECT_SECONDS = 3.0
DYNAMIC_KEY = "plainspine.dynamic"
# Request class by path prefix; all other paths are public.
PREFIX_CLASSES = (("/static/", "static"), ("/media/", "media"), (ADMIN_PREFIX, "staff"))
BUCKETS = (0.002, 0.01, 0.05, 0.25, 1.0, 5.0, 20.0)

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

REQUEST_SECONDS = Histogram(
    "plainspine_request_seconds",
    "Time to the response, by class of request (published, dynamic, static, media, staff, probe) and status.",
    ["kind", "status"],
    buckets=BUCKETS,
)


class MetricsSource(Protocol):
    """The functions of the module ``settings.METRICS_SOURCE``. Any of them may raise DatabaseError."""

    def publish_lag(self, published_version: str) -> float:
        """Return the age in seconds of the oldest change that is not yet in the files of this content version.

        It is 0 if there is none.
        """

    def collect_metrics(self) -> dict[str, tuple[str, float]]:
        """Return a mapping from metric name (without the prefix) to help text and value."""


def mark_dynamic(application: Application) -> Application:
    """Wrap Django to distinguish its responses from published files."""

    def marked(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        environ[DYNAMIC_KEY] = True
        return application(environ, start_response)

    return marked


def count_requests(application: Application) -> Application:
    """Wrap the whole application, to count requests and the time until each response begins."""

    children: dict[tuple[str, str], Histogram] = {}

    def counted(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        seen: list[str] = []

        def note(status: str, *rest: Any) -> Any:
            seen.append(f"{status[0]}xx")
            return start_response(status, *rest)

        try:
            return application(environ, note)
        finally:
            key = request_class(environ), seen[-1] if seen else "5xx"
            # labels() takes a lock, and is slower than everything else here.
            child = children.get(key) or children.setdefault(key, REQUEST_SECONDS.labels(*key))
            child.observe(time.perf_counter() - started)

    return counted


def request_class(environ: dict[str, Any]) -> str:
    """Return the class of a completed request."""
    path = environ.get("PATH_INFO", "")
    if path in PROBE_PATHS:
        return "probe"
    for prefix, name in PREFIX_CLASSES:
        if path.startswith(prefix):
            return name
    return "dynamic" if DYNAMIC_KEY in environ else "published"


def clear() -> None:
    """Delete the counts from a previous run. ``serve`` calls this before it starts any processes."""
    shutil.rmtree(METRICS_DIR, ignore_errors=True)
    METRICS_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)


def render() -> bytes:
    """Return all metrics of this machine."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(METRICS_DIR))  # type: ignore[no-untyped-call]
    registry.register(StateCollector())
    return generate_latest(registry)


class StateCollector(Collector):
    """Collects the values that are measured at scrape time."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one family per metric. Values that hang or fail are left out, and ``…_up`` shows it."""
        gauges: dict[str, tuple[str, float]] = {}
        thread = threading.Thread(target=_measure, args=(gauges,), name="metrics", daemon=True)
        thread.start()
        thread.join(MAX_COLLECT_SECONDS)
        # The thread may still be running, so use a copy from here on.
        for name, (text, value) in sorted(dict(gauges).items()):
            yield GaugeMetricFamily(f"plainspine_{name}", text, value)
        tasks = GaugeMetricFamily(
            "plainspine_task_age_seconds", "Seconds since a task last succeeded on this machine.", labels=["task"]
        )
        for task, seconds in seconds_since_success().items():
            tasks.add_metric([task], seconds)
        yield tasks
        build = GaugeMetricFamily("plainspine_build_info", "Always 1; the label is the version.", labels=["version"])
        build.add_metric([get_version()], 1)
        yield build


def _measure(gauges: dict[str, tuple[str, float]]) -> None:
    """Fill in the values, in a separate thread."""
    try:
        measure(gauges)
    finally:
        connections.close_all()


def measure(gauges: dict[str, tuple[str, float]]) -> None:
    """Add each metric to ``gauges``: its name without the prefix, mapped to its help text and value."""
    files = PublishedFiles(settings.DATA_DIR)
    gauges["published_age_seconds"] = "Seconds since the worker last confirmed the published pages.", files.age()
    with contextlib.suppress(OSError):
        gauges["disk_free_bytes"] = "Free bytes on the disk of the data directory.", shutil.disk_usage(METRICS_DIR).free
    gauges["media_storage_up"] = "1 if the media folder or the bucket can be used.", 0.0
    gauges["database_up"] = "1 if the database responds.", 0.0
    try:
        with contextlib.suppress(DatabaseError):
            _measure_database(gauges, files)
    finally:
        files.close()
    gauges["media_storage_up"] = gauges["media_storage_up"][0], float(not find_media_problem())


def _measure_database(gauges: dict[str, tuple[str, float]], files: PublishedFiles) -> None:
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    gauges["database_up"] = gauges["database_up"][0], 1.0
    gauges["database_response_seconds"] = "Time of a trivial query.", time.perf_counter() - started
    source = cast("MetricsSource", import_module(settings.METRICS_SOURCE))
    version = ""
    with contextlib.suppress(sqlite3.Error):  # no worker has run yet
        version = files.state().get("content_version", "")
    gauges["publish_lag_seconds"] = (
        "Age of the oldest change to a public page that is not yet in this machine's files; 0 if there is none.",
        source.publish_lag(version) if version else 0.0,
    )
    gauges["mail_queue"] = "Password link requests waiting for the worker.", PasswordResetRequest.objects.count()
    gauges["audit_queue"] = "Audit events waiting to be forwarded.", audit.count_unforwarded()
    gauges.update(source.collect_metrics())
