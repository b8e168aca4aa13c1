"""A web process without a network: pass in a WSGI environ, get back a response."""

from typing import Any

from portal.published.files import PublishedFiles
from portal.published.wsgi import PublishedPages

PAGE = b"<h1>A page</h1>" + b" words" * 300
# Compresses like a real page, and better at higher quality.
LONG_PAGE = b" ".join(b"%d spine bone balloon %d doctor nurse" % (n * n, n) for n in range(600))
HTML = ("Content-Type", "text/html; charset=utf-8")
REVALIDATE = ("Cache-Control", "no-cache")
HEADERS = [HTML, REVALIDATE, ("Vary", "Accept-Encoding")]
PATH = "/kyphoplasty/"


class FakeDjango:
    """Fake Django application: returns a body and records its requests."""

    def __init__(self, *, status: str = "200 OK", headers: list[tuple[str, str]] | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.status, self.headers = status, HEADERS if headers is None else headers
        self.body = PAGE

    @property
    def request_count(self) -> int:
        """The number of requests."""
        return len(self.requests)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.requests.append(environ)
        start_response(self.status, list(self.headers))
        return [self.body]


def environ(**changes: str) -> dict[str, Any]:
    """Return the WSGI environ of a cacheable request."""
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": PATH,
        "QUERY_STRING": "",
        "HTTP_HOST": "localhost",
        "HTTP_ACCEPT_ENCODING": "",
        **changes,
    }


def make_web_process(files: PublishedFiles, django: Any = None, *, max_bytes: int = 10_000_000) -> PublishedPages:
    """Return a web process in front of a fake Django whose response body shows that it was called."""
    fallback = FakeDjango(status="404 Not Found")
    fallback.body = b"from Django"
    return PublishedPages(django or fallback, files, max_bytes)


def fetch(application: PublishedPages, **changes: str) -> tuple[str, dict[str, str], bytes]:
    """Return the status, headers, and body of a response."""
    got: list[Any] = []
    body = b"".join(application(environ(**changes), lambda status, headers, *_: got.append((status, dict(headers)))))
    return got[0][0], got[0][1], body
