"""Finished public answers, kept in memory and given out before Django is entered.

A snapshot is stored only when a public view has offered its body (``portal.serving.public``) and the request was plain:
GET, a host that we answer to, no sign of a signed-in person, no query but tracking names. A thread of each process
watches what the public reads (``settings.SNAPSHOT_STATE``) and forgets everything when it has changed, so a publish is
seen everywhere within a second. While the database does not answer, what is there is still given out.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.http.request import split_domain_port, validate_host
from django.utils.module_loading import import_string

from portal.serving.public import Body
from portal.serving.reads import READS, keep_totals

Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

SECONDS = 0.4
MOST_ENTRIES = 50_000
OFFERED = "portal.public_body"
TRACKING = ("utm_", "mc_", "pk_", "hsa_")
TRACKING_NAMES = frozenset({"fbclid", "gclid", "msclkid", "dclid", "yclid", "igshid", "mkt_tok", "_hsenc", "_hsmi"})
# These belong to one way of sending the body, not to the answer.
PER_SENDING = frozenset({"content-encoding", "content-length", "etag", "date"})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One answer: its headers and its body in every encoding, each with its strong entity tag."""

    headers: Headers
    body: Body


class Snapshots:
    """The snapshots of one process. ``generation`` moves on with everything that the public reads."""

    def __init__(self) -> None:
        self._kept: dict[str, Snapshot] = {}
        self._state: object = None
        self._lock = threading.Lock()
        self.generation = 0

    def get(self, key: str) -> Snapshot | None:
        """The snapshot of an address."""
        return self._kept.get(key)

    def put(self, key: str, snapshot: Snapshot, generation: int) -> None:
        """Keep an answer that was begun in ``generation``; an older one might show what was withdrawn since."""
        with self._lock:
            if generation == self.generation and generation > 0 and len(self._kept) < MOST_ENTRIES:
                self._kept[key] = snapshot

    def notice(self, state: object) -> None:
        """Forget everything when the state is not the one that the snapshots were made in."""
        with self._lock:
            if state != self._state or self.generation == 0:
                self._state, self._kept = state, {}
                self.generation += 1


class SnapshotApplication:
    """WSGI application around Django's."""

    def __init__(self, application: Application, snapshots: Snapshots) -> None:
        self._application, self._snapshots = application, snapshots

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if not is_plain(environ):
            return self._application(environ, start_response)
        # HEAD asks for the same answer, but its own has no body to keep.
        snapshot = self._snapshots.get(environ["PATH_INFO"])
        if snapshot is not None:
            READS.count(environ)
            return _give(snapshot, environ, start_response)
        return self._ask(environ, start_response)

    def _ask(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        generation = self._snapshots.generation
        got: dict[str, Any] = {}

        def remember(status: str, headers: Headers, exc_info: Any = None) -> Any:
            got.update(status=status, headers=headers)
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        chunks = self._application(environ, remember)
        body = environ.get(OFFERED)
        if body is not None:
            READS.count(environ)
        names = {name.lower() for name, _ in got.get("headers", [])}
        # A 304 has a body to offer too, but not the headers of one: without Content-Type a page would show as source.
        whole = environ["REQUEST_METHOD"] == "GET" and got.get("status", "").startswith("200")
        if body is not None and whole and "set-cookie" not in names:
            headers = [(name, value) for name, value in got["headers"] if name.lower() not in PER_SENDING]
            self._snapshots.put(environ["PATH_INFO"], Snapshot(headers, body), generation)
        return chunks


def is_plain(environ: dict[str, Any]) -> bool:
    """Whether the answer may come from, and go into, the snapshots."""
    if environ["REQUEST_METHOD"] not in {"GET", "HEAD"} or "HTTP_AUTHORIZATION" in environ:
        return False
    if settings.SESSION_COOKIE_NAME in environ.get("HTTP_COOKIE", ""):
        return False
    if settings.SECURE_SSL_REDIRECT and environ.get("HTTP_X_FORWARDED_PROTO") != "https":
        return False
    if not only_tracking(environ.get("QUERY_STRING", "")):
        return False
    domain, _ = split_domain_port(environ.get("HTTP_HOST", ""))
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def only_tracking(query: str) -> bool:
    """Whether a query holds nothing but what mail and advertisement programs add."""
    return not query or all(
        name.startswith(TRACKING) or name in TRACKING_NAMES for name, _ in parse_qsl(query, keep_blank_values=True)
    )


def _give(snapshot: Snapshot, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    encoding, content, etag = snapshot.body.best(environ.get("HTTP_ACCEPT_ENCODING", ""))
    headers = [*snapshot.headers, ("ETag", etag)]
    if encoding:
        headers.append(("Content-Encoding", encoding))
    asked = environ.get("HTTP_IF_NONE_MATCH", "")
    if asked and etag in {tag.strip().removeprefix("W/") for tag in asked.split(",")}:
        start_response("304 Not Modified", [h for h in headers if h[0].lower() != "content-type"])
        return []
    start_response("200 OK", [*headers, ("Content-Length", str(len(content)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [content]


def watch(snapshots: Snapshots, stop: threading.Event) -> None:
    """Look at the state again and again until ``stop``; a database that does not answer changes nothing."""
    state: Callable[[], object] = import_string(settings.SNAPSHOT_STATE)
    answered = True
    while True:
        try:
            close_old_connections()
            snapshots.notice(state())
            answered = True
        except DatabaseError:
            if answered:
                log.warning("the database does not answer; public pages are given out as they were")
            answered = False
        if stop.wait(SECONDS):
            return


def with_snapshots(application: Application) -> Application:
    """The application with snapshots in front and their watching thread started."""
    snapshots = Snapshots()
    keep_totals()
    threading.Thread(target=watch, args=(snapshots, threading.Event()), name="snapshots", daemon=True).start()
    return SnapshotApplication(application, snapshots)
