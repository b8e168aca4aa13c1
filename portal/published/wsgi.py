"""WSGI middleware that serves published pages; on a miss, it calls Django and stores the response.

The call to Django uses a synthetic request with nothing of the client's but the path and the encoding, so that no
header, host, cookie or query of one client can affect the response that others get.
"""

import io
import sys
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from time import monotonic
from typing import Any, NamedTuple

from django.conf import settings

from portal.published.cache_policy import is_cacheable, make_cacheable_check, matches_etag
from portal.published.decorators import CACHEABLE_BODY_KEY
from portal.published.http_encoding import MAX_ACCEPT_ENCODING_LENGTH, negotiate_encoding
from portal.published.page_views import PAGE_VIEWS
from portal.published.store import BODY_HEADERS, CachedResponse, Headers, ResponseStore

StartResponse = Callable[..., Any]
WSGIApplication = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

NOT_MODIFIED = f"304 {HTTPStatus.NOT_MODIFIED.phrase}"
# Never stored, and passed to Django unchanged.
UNCACHED_PREFIXES = ("/admin/", "/healthz", "/readyz", settings.STATIC_URL, settings.MEDIA_URL)
STALENESS_CHECK_SECONDS = 0.5
# Limits the memory for Accept-Encoding headers and hosts of clients.
MAX_MEMOIZED_CLIENTS = 128
# WSGI variables that do not depend on the client.
SERVER_ENVIRON_KEYS = ("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "wsgi.errors", "wsgi.version")


class UpstreamResponse(NamedTuple):
    """Django's response: as a CachedResponse if it may be stored, otherwise as chunks to pass on."""

    cached_response: CachedResponse | None
    status: str
    headers: Headers
    chunks: Iterable[bytes]


class PublishedPages:
    """WSGI middleware around Django's application."""

    def __init__(self, application: WSGIApplication, store: ResponseStore) -> None:
        self._application, self._store, self._entries = application, store, store.entries
        self._is_cacheable_request, self._https_only = make_cacheable_check(), settings.SECURE_SSL_REDIRECT
        # Memoized clients: encoding by Accept-Encoding header, and the same dictionary for each allowed host seen.
        self._encodings: dict[str, str] = {}
        self._encodings_by_host: dict[str, dict[str, str]] = {}
        self._host = next(iter(settings.ALLOWED_HOSTS), "localhost").lstrip(".")
        self._scheme = "https" if self._https_only else "http"
        # Monotonic time at which the database last confirmed the stored responses; seconds after which they are stale.
        self.last_validated = monotonic()
        self.stale_after = float("inf")
        self.is_stale = False

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Fast path: a plain cacheable GET.

        It holds the GIL throughout, so every operation counts.
        """
        try:
            response = self._entries[environ["PATH_INFO"]]
            encoded = response.encoded_bodies[
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
        response.last_used = self._store.clock
        if "HTTP_SEC_FETCH_MODE" in environ and encoded.etag:
            PAGE_VIEWS.count(environ)
        start_response(response.status, encoded.headers)
        return [encoded.body]

    def update_staleness(self) -> None:
        """Set ``is_stale``: whether responses need an Age header."""
        self.is_stale = monotonic() - self.last_validated > self.stale_after

    def watch_staleness(self, stop: threading.Event) -> None:
        """Update ``is_stale`` periodically. Reading the clock for each request would take a fifth of its time."""
        while not stop.wait(STALENESS_CHECK_SECONDS):
            self.update_staleness()

    def _handle_slow_path(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Handle any request: misses, conditional requests, HEAD, cookies, and what only Django can answer."""
        if not self._is_cacheable_request(environ):
            return self._application(environ, start_response)
        path = environ["PATH_INFO"]
        response = self._entries.get(path)
        if response is None:
            if path.startswith(UNCACHED_PREFIXES):
                return self._application(environ, start_response)
            version = self._store.version
            upstream = self.fetch(path, environ)
            if upstream.cached_response is None:
                return _passthrough(upstream, environ, start_response)
            response = upstream.cached_response
            self._store.put(path, response, version)
        response.last_used = self._store.clock
        encoding = self._memoize_client(environ)
        encoded = response.encoded_bodies.get(encoding) or self._store.add_encoding(response, encoding)
        status, headers, body = response.status, encoded.headers, [encoded.body]
        if encoded.etag:  # a page, not a redirect
            if "HTTP_SEC_FETCH_MODE" in environ:
                PAGE_VIEWS.count(environ)
            if _is_not_modified(environ, encoded.etag, response):
                status, headers, body = NOT_MODIFIED, encoded.not_modified_headers, []
        if environ["REQUEST_METHOD"] == "HEAD":
            body = []
        age = monotonic() - self.last_validated
        if age > self.stale_after:
            headers = [*headers, ("Age", str(int(age)))]
        start_response(status, headers)
        return body

    def _memoize_client(self, environ: dict[str, Any]) -> str:
        """Memoize the Accept-Encoding header and the host of a request for the fast path; return the encoding."""
        accept_encoding = environ.get("HTTP_ACCEPT_ENCODING", "")
        encoding = negotiate_encoding(accept_encoding)
        if len(self._encodings) < MAX_MEMOIZED_CLIENTS and len(accept_encoding) <= MAX_ACCEPT_ENCODING_LENGTH:
            self._encodings[accept_encoding] = encoding
        if len(self._encodings_by_host) < MAX_MEMOIZED_CLIENTS:
            self._encodings_by_host[environ["HTTP_HOST"]] = self._encodings
        return encoding

    def fetch(self, path: str, environ: dict[str, Any] | None = None) -> UpstreamResponse:
        """Call Django for a path, passing on the encoding and the server variables of ``environ`` only."""
        captured: dict[str, Any] = {}

        def start_response(status: str, headers: Headers, exc_info: Any = None) -> Any:
            captured.update(status=status, headers=headers)
            return lambda _: None

        upstream_environ = self._build_environ(path, environ or {})
        chunks = self._application(upstream_environ, start_response)
        status, headers, body = captured["status"], captured["headers"], upstream_environ.get(CACHEABLE_BODY_KEY)
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
    """Send a response of Django's that is not stored, or a 304 if the client already has it."""
    etag = next((value for name, value in upstream.headers if name.lower() == "etag"), "")
    if_none_match = environ.get("HTTP_IF_NONE_MATCH")
    if upstream.status.startswith("200 ") and if_none_match is not None and matches_etag(if_none_match, etag):
        close_response(upstream.chunks)
        start_response(NOT_MODIFIED, [header for header in upstream.headers if header[0].lower() not in BODY_HEADERS])
        return []
    start_response(upstream.status, upstream.headers)
    if environ["REQUEST_METHOD"] == "GET":
        return upstream.chunks
    close_response(upstream.chunks)
    return []


def _is_not_modified(environ: dict[str, Any], etag: str, cached_response: CachedResponse) -> bool:
    """Return whether the client already has this body. If-None-Match takes precedence (RFC 9110 §13.2.2)."""
    if_none_match = environ.get("HTTP_IF_NONE_MATCH")
    if if_none_match is not None:
        return matches_etag(if_none_match, etag)
    # Compare for equality, as nginx does, because the clocks of two machines may differ.
    if_modified_since = environ.get("HTTP_IF_MODIFIED_SINCE")
    return if_modified_since is not None and if_modified_since == cached_response.last_modified


def close_response(chunks: Iterable[bytes]) -> None:
    """Call ``close()`` of a WSGI iterable, if it has one, so that Django ends the request."""
    close = getattr(chunks, "close", None)
    if close:
        close()
