"""WSGI middleware that serves published pages from files; Django answers everything else."""

import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from time import monotonic
from typing import Any

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from portal.http import (
    MAX_ACCEPT_ENCODING_LENGTH,
    SUFFIXES,
    has_only_tracking_params,
    is_not_modified,
    negotiate_encoding,
)
from portal.page_views import PAGE_VIEWS
from portal.published.decorators import CACHE_CONTROL_REVALIDATE
from portal.published.files import STALE_AFTER_SECONDS, Headers, PublishedFile, PublishedFiles

StartResponse = Callable[..., Any]
WSGIApplication = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

NOT_MODIFIED = f"304 {HTTPStatus.NOT_MODIFIED.phrase}"
# Headers about the body, which a 304 omits.
BODY_HEADERS = frozenset({"content-type", "content-length", "content-encoding"})
SAFE_METHODS = frozenset({"GET", "HEAD"})
# Files on disk are checked for changes this often; a publication must appear within a second.
CHECK_SECONDS = 0.05
# Limits the memory for Accept-Encoding headers and hosts of clients.
MAX_MEMOIZED_CLIENTS = 128
# Approximate memory of a page besides its body.
ENTRY_OVERHEAD_BYTES = 1_500


class CachedPage:
    """A page in one encoding, ready to send. ``generation``: that of the files when it was last known to be current."""

    __slots__ = ("body", "found", "generation", "headers")

    def __init__(self, found: PublishedFile, generation: int) -> None:
        self.found, self.body, self.generation = found, found.body, generation
        self.headers = [*found.headers, ("Content-Length", str(len(found.body)))]
        if found.encoding:
            self.headers.append(("Content-Encoding", found.encoding))
        self.headers += [("ETag", found.etag), ("Last-Modified", found.last_modified)]


class PublishedPages:
    """WSGI middleware around Django's application, with a bounded cache of files. It has no threads and writes nothing.

    The worker process replaces and deletes files. Every CHECK_SECONDS, a request looks whether it has; if so, each
    cached page is compared with its file at its next use.
    """

    def __init__(self, application: WSGIApplication, files: PublishedFiles, max_bytes: int) -> None:
        self._application, self._files, self._max_bytes = application, files, max_bytes
        self._hosts, self._https_only = list(settings.ALLOWED_HOSTS), settings.SECURE_SSL_REDIRECT
        # Cached pages by encoding and path, the oldest first, and the same by Accept-Encoding header, for each host.
        self._pages: dict[str, dict[str, CachedPage]] = {encoding: {} for encoding in SUFFIXES}
        self._pages_by_client: dict[str, dict[str, CachedPage]] = {}
        self._clients_by_host: dict[str, dict[str, dict[str, CachedPage]]] = {}
        self._size, self._lock = 0, threading.Lock()
        self._generation, self._next_check = 0, 0.0
        self._age = 0.0

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Fast path: a plain GET of a cached page by a known client.

        It holds the GIL throughout, so every operation counts.
        """
        try:
            page = self._clients_by_host[environ["HTTP_HOST"]][environ["HTTP_ACCEPT_ENCODING"]][environ["PATH_INFO"]]
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
            or monotonic() >= self._next_check
            or page.generation != self._generation
            or self._age
        ):
            return self._handle_slow_path(environ, start_response)
        if "HTTP_SEC_FETCH_MODE" in environ:
            PAGE_VIEWS.count(environ)
        start_response("200 OK", page.headers)
        return [page.body]

    def _handle_slow_path(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Handle any request: first and conditional requests, HEAD, cookies, and what only Django can answer."""
        if not self._may_use_files(environ):
            return self._application(environ, start_response)
        self._check_files()
        pages = self._memoize_client(environ)
        page = self._load(pages, environ["PATH_INFO"], environ)
        if page is None:
            return self._pass_to_django(environ, start_response)
        if "HTTP_SEC_FETCH_MODE" in environ:
            PAGE_VIEWS.count(environ)
        status, headers, body = "200 OK", page.headers, [page.body]
        if is_not_modified(environ, page.found.etag, page.found.last_modified):
            status, body = NOT_MODIFIED, []
            headers = [header for header in headers if header[0].lower() not in BODY_HEADERS]
        if self._age:
            headers = [*headers, ("Age", str(int(self._age)))]
        start_response(status, headers)
        return body if environ["REQUEST_METHOD"] == "GET" else []

    def _may_use_files(self, environ: dict[str, Any]) -> bool:
        """Return whether a published page, which is the same for everyone, may answer a request."""
        query = environ.get("QUERY_STRING")
        domain, _ = split_domain_port(environ.get("HTTP_HOST", ""))
        return (
            environ["REQUEST_METHOD"] in SAFE_METHODS
            and bool(domain)
            and validate_host(domain, self._hosts)
            and "HTTP_AUTHORIZATION" not in environ
            and settings.SESSION_COOKIE_NAME not in environ.get("HTTP_COOKIE", "")
            and not (self._https_only and environ.get("HTTP_X_FORWARDED_PROTO") != "https")
            and (not query or has_only_tracking_params(query))
        )

    def _check_files(self) -> None:
        """Notice changes of the files, and that the worker no longer confirms them."""
        if monotonic() >= self._next_check:
            self._generation, age = self._files.generation(), self._files.age()
            self._age = age if age > STALE_AFTER_SECONDS else 0.0
            self._next_check = monotonic() + CHECK_SECONDS

    def _memoize_client(self, environ: dict[str, Any]) -> dict[str, CachedPage]:
        """Memoize host and Accept-Encoding header of a request for the fast path; return the pages in its encoding."""
        accept_encoding = environ.get("HTTP_ACCEPT_ENCODING", "")
        pages = self._pages[negotiate_encoding(accept_encoding)]
        if len(self._pages_by_client) < MAX_MEMOIZED_CLIENTS and len(accept_encoding) <= MAX_ACCEPT_ENCODING_LENGTH:
            self._pages_by_client[accept_encoding] = pages
        if len(self._clients_by_host) < MAX_MEMOIZED_CLIENTS:
            self._clients_by_host[environ["HTTP_HOST"]] = self._pages_by_client
        return pages

    def _load(self, pages: dict[str, CachedPage], path: str, environ: dict[str, Any]) -> CachedPage | None:
        """Return a page as it is on disk now, or None if it is not there."""
        # Before the file: a change after this moment is noticed at the next check.
        generation, page = self._generation, pages.get(path)
        if page and (page.generation == generation or self._files.is_current(page.found)):
            page.generation = generation
            return page
        found = self._files.read(path, negotiate_encoding(environ.get("HTTP_ACCEPT_ENCODING", "")))
        with self._lock:
            self._remove(pages, path)
            if found is None:
                return None
            page = pages[path] = CachedPage(found, generation)
            self._size += len(page.body) + ENTRY_OVERHEAD_BYTES
            for other in (pages, *self._pages.values()):
                while self._size > self._max_bytes and other:
                    self._remove(other, next(iter(other)))
        return page

    def _remove(self, pages: dict[str, CachedPage], path: str) -> None:
        page = pages.pop(path, None)
        if page:
            self._size -= len(page.body) + ENTRY_OVERHEAD_BYTES

    def _pass_to_django(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Let Django answer. Count a page that is not on disk yet, or never, such as the booklet of a page."""

        def count(status: str, headers: Headers, *exc_info: Any) -> Any:
            if status.startswith(("200 ", "304 ")) and ("Cache-Control", CACHE_CONTROL_REVALIDATE) in headers:
                PAGE_VIEWS.count(environ)
            return start_response(status, headers, *exc_info)

        return self._application(environ, count if "HTTP_SEC_FETCH_MODE" in environ else start_response)
