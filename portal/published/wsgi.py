"""WSGI middleware that serves published pages from files; Django handles everything else."""

import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from time import monotonic
from typing import Any

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from portal.http import (
    CACHE_CONTROL_REVALIDATE,
    MAX_ACCEPT_ENCODING_LENGTH,
    has_only_tracking_params,
    is_not_modified,
    negotiate_encoding,
)
from portal.page_views import PAGE_VIEWS
from portal.published.files import STALE_AFTER_SECONDS, Headers, PublishedFile, PublishedFiles

StartResponse = Callable[..., Any]
WSGIApplication = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

# Headers about the body, which a 304 omits.
BODY_HEADERS = frozenset({"content-type", "content-length", "content-encoding"})
# Files on disk are checked for changes this often; a newly published page must appear within a second.
CHECK_SECONDS = 0.05
# Bounds the memory used for client headers. A longer Host header is never valid.
MAX_MEMOIZED_HEADERS, MAX_HOST_LENGTH = 128, 300
# Approximate memory of a page besides its body.
ENTRY_OVERHEAD_BYTES = 1_500


class PublishedPages:
    """WSGI middleware around Django's application, with a bounded cache of files. It has no threads and writes nothing.

    The worker process replaces and deletes files. Every CHECK_SECONDS, a request checks whether it has; if so, each
    cached page is compared with its file the next time it is used.
    """

    def __init__(self, application: WSGIApplication, files: PublishedFiles, max_bytes: int) -> None:
        self._application, self._files, self._max_bytes = application, files, max_bytes
        self._https_only, self._session_cookie = settings.SECURE_SSL_REDIRECT, settings.SESSION_COOKIE_NAME
        hosts = list(settings.ALLOWED_HOSTS)
        self._is_valid_host = lru_cache(MAX_MEMOIZED_HEADERS)(lambda host: is_valid_host(host, hosts))
        # Oldest entry first.
        self._pages: dict[tuple[str, str], PublishedFile] = {}
        self._size, self._lock = 0, threading.Lock()
        self._generation, self._next_check, self._age = 0, 0.0, 0.0

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Handle a request. The GIL is held throughout, so every operation counts."""
        if not self._may_use_files(environ):
            return self._application(environ, start_response)
        if monotonic() >= self._next_check:
            # Whether files have changed, and whether the worker still confirms them.
            self._generation, age = self._files.generation(), self._files.age()
            self._age = age if age > STALE_AFTER_SECONDS else 0.0
            self._next_check = monotonic() + CHECK_SECONDS
        # An overlong header accepts no encoding, and that stays true after truncation.
        accept_encoding = environ.get("HTTP_ACCEPT_ENCODING", "")[: MAX_ACCEPT_ENCODING_LENGTH + 1]
        page = self._load(environ["PATH_INFO"], memoized_encoding(accept_encoding))
        if page is None:
            return self._pass_to_django(environ, start_response)
        if "HTTP_SEC_FETCH_MODE" in environ:
            PAGE_VIEWS.count(environ)
        status, headers, body = "200 OK", page.headers, [page.body]
        if ("HTTP_IF_NONE_MATCH" in environ or "HTTP_IF_MODIFIED_SINCE" in environ) and is_not_modified(
            environ, page.etag, page.last_modified
        ):
            status, body = "304 Not Modified", []
            headers = [header for header in headers if header[0].lower() not in BODY_HEADERS]
        if self._age:
            headers = [*headers, ("Age", str(int(self._age)))]
        start_response(status, headers)
        return body if environ["REQUEST_METHOD"] == "GET" else []

    def _may_use_files(self, environ: dict[str, Any]) -> bool:
        """Return whether a request can be served from a published page, which is the same for everyone."""
        host, query = environ.get("HTTP_HOST", ""), environ.get("QUERY_STRING")
        return (
            environ["REQUEST_METHOD"] in {"GET", "HEAD"}
            and len(host) <= MAX_HOST_LENGTH
            and self._is_valid_host(host)
            and "HTTP_AUTHORIZATION" not in environ
            and ("HTTP_COOKIE" not in environ or self._session_cookie not in environ["HTTP_COOKIE"])
            and not (self._https_only and environ.get("HTTP_X_FORWARDED_PROTO") != "https")
            and (not query or has_only_tracking_params(query))
        )

    def _load(self, path: str, encoding: str) -> PublishedFile | None:
        """Return a page as it currently is on disk, or None if it is not published."""
        # Read the generation before the file, so that a later change is noticed at the next check.
        generation, key = self._generation, (path, encoding)
        page = self._pages.get(key)
        if page and (page.generation == generation or self._files.is_current(page)):
            page.generation = generation
            return page
        page = self._files.read(path, encoding)
        with self._lock:
            self._remove(key)
            if page:
                page.generation, self._pages[key] = generation, page
                self._size += len(page.body) + ENTRY_OVERHEAD_BYTES
            while self._size > self._max_bytes:
                self._remove(next(iter(self._pages)))
        return page

    def _remove(self, key: tuple[str, str]) -> None:
        page = self._pages.pop(key, None)
        if page:
            self._size -= len(page.body) + ENTRY_OVERHEAD_BYTES

    def _pass_to_django(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request to Django. Count views of pages that are not on disk yet or never are, such as booklets."""

        def count(status: str, headers: Headers, *exc_info: Any) -> Any:
            if status.startswith(("200 ", "304 ")) and ("Cache-Control", CACHE_CONTROL_REVALIDATE) in headers:
                PAGE_VIEWS.count(environ)
            return start_response(status, headers, *exc_info)

        return self._application(environ, count if "HTTP_SEC_FETCH_MODE" in environ else start_response)


def is_valid_host(host: str, allowed: list[str]) -> bool:
    """Return whether a Host header is one that Django accepts."""
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


memoized_encoding = lru_cache(MAX_MEMOIZED_HEADERS)(negotiate_encoding)
