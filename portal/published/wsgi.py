"""The way of a read: a snapshot, or Django once and then a snapshot.

What may be kept is asked of Django with a request of our own that holds nothing of the reader's but the path and the
encoding. So no header, host, cookie or query of one reader can find its way into what the next one gets.
"""

import io
import sys
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from time import monotonic
from typing import Any, NamedTuple

from django.conf import settings

from portal.published.cache_policy import make_cacheable_check, matches_etag
from portal.published.decorators import CACHEABLE_BODY_KEY
from portal.published.http_encoding import MAX_ACCEPT_ENCODING_LENGTH, negotiate_encoding
from portal.published.page_views import PAGE_VIEWS
from portal.published.store import BODY_HEADERS, CachedResponse, Headers, ResponseStore

StartResponse = Callable[..., Any]
WSGIApplication = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

CACHEABLE_STATUSES = ("200 ", "301 ", "410 ")
NOT_MODIFIED = f"304 {HTTPStatus.NOT_MODIFIED.phrase}"
# Staff, files and probes: never kept, and they need the request as it came.
UNCACHED_PREFIXES = ("/admin/", "/healthz", "/readyz", settings.STATIC_URL, settings.MEDIA_URL)
# Seconds between two looks at the clock.
STALENESS_CHECK_SECONDS = 0.5
# Different headers of usual readers; nobody may fill the memory with others.
MAX_MEMOIZED_CLIENTS = 128
# Of the server's own values, these are the same for everybody.
SERVER_ENVIRON_KEYS = ("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "wsgi.errors", "wsgi.version")


class UpstreamResponse(NamedTuple):
    """What Django said: with a snapshot where it may be kept, else with what to pass on."""

    cached_response: CachedResponse | None
    status: str
    headers: Headers
    chunks: Iterable[bytes]


class PublishedPages:
    """WSGI application around Django's."""

    def __init__(self, application: WSGIApplication, store: ResponseStore) -> None:
        self._application, self._store, self._entries = application, store, store.entries
        self._is_cacheable_request, self._https_only = make_cacheable_check(), settings.SECURE_SSL_REDIRECT
        # What usual readers send: an encoding for each Accept-Encoding header, and these for each host that is ours.
        self._encodings: dict[str, str] = {}
        self._encodings_by_host: dict[str, dict[str, str]] = {}
        self._host = next(iter(settings.ALLOWED_HOSTS), "localhost").lstrip(".")
        self._scheme = "https" if self._https_only else "http"
        # When the database has last confirmed what is kept, how old that may become unsaid, and whether it is older.
        self.last_validated = monotonic()
        self.stale_after = float("inf")
        self.is_stale = False

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """The usual reader, about whom nothing has to be decided, is answered in here.

        While this runs no other reader of the process is answered, so each look into something counts.
        """
        try:
            snapshot = self._entries[environ["PATH_INFO"]]
            sent = snapshot.encoded_bodies[
                self._encodings_by_host[environ["HTTP_HOST"]][environ["HTTP_ACCEPT_ENCODING"]]
            ]
        except KeyError:
            return self._handle_slow_path(environ, start_response)
        if (
            environ["REQUEST_METHOD"] != "GET"
            or environ.get("QUERY_STRING")
            or "HTTP_COOKIE" in environ
            or "HTTP_AUTHORIZATION" in environ
            or "HTTP_IF_NONE_MATCH" in environ
            or "HTTP_IF_MODIFIED_SINCE" in environ
            or (self._https_only and environ.get("HTTP_X_FORWARDED_PROTO") != "https")
            or self.is_stale
        ):
            return self._handle_slow_path(environ, start_response)
        snapshot.last_used = self._store.clock
        if "HTTP_SEC_FETCH_MODE" in environ and sent.etag:
            PAGE_VIEWS.count(environ)
        start_response(snapshot.status, sent.headers)
        return [sent.body]

    def update_staleness(self) -> None:
        """Whether readers have to be told how old what they get is."""
        self.is_stale = monotonic() - self.last_validated > self.stale_after

    def watch_staleness(self, stop: threading.Event) -> None:
        """A thread: a look at the clock for each answer would cost a fifth of it."""
        while not stop.wait(STALENESS_CHECK_SECONDS):
            self.update_staleness()

    def _handle_slow_path(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Any request. What it shows about the usual reader is remembered."""
        if not self._is_cacheable_request(environ):
            return self._application(environ, start_response)
        path = environ["PATH_INFO"]
        snapshot = self._entries.get(path)
        if snapshot is None:
            if path.startswith(UNCACHED_PREFIXES):
                return self._application(environ, start_response)
            generation = self._store.version
            answer = self.fetch(path, environ)
            if answer.cached_response is None:
                return _passthrough(answer, environ, start_response)
            snapshot = answer.cached_response
            self._store.put(path, snapshot, generation)
        snapshot.last_used = self._store.clock
        encoding = self._memoize_client(environ)
        sent = snapshot.encoded_bodies.get(encoding) or self._store.add_encoding(snapshot, encoding)
        status, headers, body = snapshot.status, sent.headers, [sent.body]
        if sent.etag:  # a page, not a redirect
            if "HTTP_SEC_FETCH_MODE" in environ:
                PAGE_VIEWS.count(environ)
            if _is_not_modified(environ, sent.etag, snapshot):
                status, headers, body = NOT_MODIFIED, sent.not_modified_headers, []
        if environ["REQUEST_METHOD"] == "HEAD":
            body = []
        age = monotonic() - self.last_validated
        if age > self.stale_after:
            headers = [*headers, ("Age", str(int(age)))]
        start_response(status, headers)
        return body

    def _memoize_client(self, environ: dict[str, Any]) -> str:
        """Remember what a plain request accepts and which host it names; returns the encoding for it."""
        accepted = environ.get("HTTP_ACCEPT_ENCODING", "")
        encoding = negotiate_encoding(accepted)
        if len(self._encodings) < MAX_MEMOIZED_CLIENTS and len(accepted) <= MAX_ACCEPT_ENCODING_LENGTH:
            self._encodings[accepted] = encoding
        if len(self._encodings_by_host) < MAX_MEMOIZED_CLIENTS:
            self._encodings_by_host[environ["HTTP_HOST"]] = self._encodings
        return encoding

    def fetch(self, path: str, environ: dict[str, Any] | None = None) -> UpstreamResponse:
        """What Django answers to anybody. Of ``environ`` it gets the encoding and the server's names only."""
        got: dict[str, Any] = {}

        def remember(status: str, headers: Headers, exc_info: Any = None) -> Any:
            got.update(status=status, headers=headers)
            return lambda _: None

        asked = self._build_environ(path, environ or {})
        chunks = self._application(asked, remember)
        status, headers, body = got["status"], got["headers"], asked.get(CACHEABLE_BODY_KEY)
        if body is None or not is_cacheable(status, headers):
            return UpstreamResponse(None, status, headers, chunks)
        close_response(chunks)
        return UpstreamResponse(CachedResponse.from_response(status, headers, body), status, headers, [])

    def _build_environ(self, path: str, environ: dict[str, Any]) -> dict[str, Any]:
        return {
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.errors": sys.stderr,
            "wsgi.version": (1, 0),
            **{name: environ[name] for name in SERVER_ENVIRON_KEYS if name in environ},
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "HTTP_HOST": self._host,
            "HTTP_X_FORWARDED_PROTO": self._scheme,
            "HTTP_ACCEPT_ENCODING": negotiate_encoding(environ.get("HTTP_ACCEPT_ENCODING", "")),
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }


def _passthrough(upstream: UpstreamResponse, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Send Django's answer, which is not stored; 304 without a body if the client already has it."""
    etag = next((value for name, value in upstream.headers if name.lower() == "etag"), "")
    asked = environ.get("HTTP_IF_NONE_MATCH")
    if upstream.status.startswith("200 ") and asked is not None and matches_etag(asked, etag):
        close_response(upstream.chunks)
        start_response(NOT_MODIFIED, [row for row in upstream.headers if row[0].lower() not in BODY_HEADERS])
        return []
    start_response(upstream.status, upstream.headers)
    if environ["REQUEST_METHOD"] == "GET":
        return upstream.chunks
    close_response(upstream.chunks)
    return []


def is_cacheable(status: str, headers: Headers) -> bool:
    """The list of what is allowed; everything else is somebody's own."""
    if not status.startswith(CACHEABLE_STATUSES):
        return False
    for name, value in headers:
        match name.lower():
            case "set-cookie" | "www-authenticate" | "content-range":
                return False
            case "vary" if value.strip().lower() != "accept-encoding":
                return False
            case "cache-control" if "private" in value.lower() or "no-store" in value.lower():
                return False
    return True


def _is_not_modified(environ: dict[str, Any], etag: str, cached_response: CachedResponse) -> bool:
    """Whether the client has this very body (RFC 9110 §13.2.2: the tag decides alone where there is one)."""
    asked = environ.get("HTTP_IF_NONE_MATCH")
    if asked is not None:
        return matches_etag(asked, etag)
    # The very date that we gave, like nginx: clocks of two machines may disagree.
    since = environ.get("HTTP_IF_MODIFIED_SINCE")
    return since is not None and since == cached_response.last_modified


def close_response(chunks: Iterable[bytes]) -> None:
    """Tell Django that the answer has gone out."""
    done = getattr(chunks, "close", None)
    if done:
        done()
