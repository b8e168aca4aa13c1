"""Every class of vulnerability that Django's own cache had in 2026 (release notes of 5.2.14 to 5.2.19), and cache poisoning.

The views are real. Unlike Django's cache, only the worker process stores responses: to its own requests, for URLs on a
fixed list, and only if they are publishable. Client requests never store anything.
"""

from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse

from portal.http import make_fetch
from portal.published.builder import SiteBuilder, is_publishable
from portal.published.files import PublishedFiles
from portal.published.wsgi import PublishedPages
from procedures.publishing import site_source
from tests.factories import make_public_page
from tests.published.web_process import HEADERS, PAGE, PATH, FakeDjango, fetch, make_web_process

Answer = tuple[str, dict[str, str], bytes]


@pytest.mark.parametrize(
    ("advisory", "header"),
    [
        ("CVE-2026-6907", ("Vary", "*")),
        ("CVE-2026-6907", ("Vary", "Accept-Encoding, *")),
        ("CVE-2026-8404", ("Cache-Control", "Private")),
        ("CVE-2026-8404", ("cache-control", "max-age=5, NO-STORE")),
        ("CVE-2026-8404", ("Cache-Control", 'private="x-name"')),
        ("CVE-2026-48587", ("Vary", "  * ")),
        ("CVE-2026-48587", ("Vary", " Cookie")),
        ("CVE-2026-48588", ("Vary", "Cookie")),
        ("Authorization", ("Vary", "Authorization")),
        ("Authorization", ("WWW-Authenticate", "Basic")),
    ],
)
def test_a_private_response_is_never_published(advisory: str, header: tuple[str, str]) -> None:
    assert is_publishable(HttpResponse(PAGE, headers=dict(HEADERS)))
    assert not is_publishable(HttpResponse(PAGE, headers={**dict(HEADERS), header[0].title(): header[1]}))


def test_a_response_with_a_cookie_is_never_published() -> None:
    """CVE-2026-35192."""
    response = HttpResponse(PAGE, headers=dict(HEADERS))
    response.set_cookie("sessionid", "of-somebody")
    assert not is_publishable(response)


@pytest.mark.parametrize("status", [201, 206, 301, 302, 304, 404, 410, 500, 503])
def test_only_a_complete_page_is_published(status: int) -> None:
    assert not is_publishable(HttpResponse(PAGE, status=status, headers=dict(HEADERS)))
    assert not is_publishable(HttpResponse(PAGE, headers={**dict(HEADERS), "Content-Range": "bytes 0-1/9"}))
    assert not is_publishable(HttpResponse(PAGE, headers={**dict(HEADERS), "Content-Encoding": "br"}))


@pytest.mark.parametrize("value", ["", "secret", " "])
def test_an_empty_header_is_not_a_missing_header(files: PublishedFiles, value: str) -> None:
    """CVE-2026-113593: both had the same cache key."""
    files.write(PATH, HEADERS, PAGE)
    django = FakeDjango()
    application = make_web_process(files, django)

    fetch(application, HTTP_AUTHORIZATION=value)
    fetch(application)
    fetch(application, HTTP_AUTHORIZATION=value)

    assert django.request_count == 2


def test_the_request_for_a_published_page_contains_nothing_of_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """CVE-2026-48588 (unrelated cookies), and any other header."""
    requests: list[HttpRequest] = []
    monkeypatch.setattr(WSGIHandler, "get_response", lambda self, request: requests.append(request))

    make_fetch()(PATH)

    (asked,) = requests
    assert (asked.method, asked.path, asked.GET, asked.COOKIES, asked.body) == ("GET", PATH, {}, {}, b"")
    assert dict(asked.headers) == {"Host": settings.ALLOWED_HOSTS[0], "X-Forwarded-Proto": "http"}
    assert "REMOTE_ADDR" not in asked.META


Site = Callable[..., Answer]


@pytest.fixture
def site(files: PublishedFiles, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Yield a function that sends one request to a web process and then lets the worker run."""
    # Disable recompression.
    monkeypatch.setattr("portal.published.builder.DEBOUNCE_SECONDS", float("inf"))
    # Otherwise, Django (after each request) and the builder would close the connection that holds the test's
    # transaction.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    monkeypatch.setattr("portal.published.builder.close_old_connections", lambda: None)
    make_public_page()
    application = PublishedPages(WSGIHandler(), files, 1_000_000)
    builder = SiteBuilder(files, site_source, make_fetch(), "this build")

    def request(path: str = "/small-cut/", **changes: str) -> Answer:
        environ: dict[str, Any] = {"PATH_INFO": path, "HTTP_HOST": "localhost", **changes}
        setup_testing_defaults(environ)
        got: list[Any] = []
        chunks = application(environ, lambda status, headers, exc_info=None: got.extend([status, headers]))
        body = b"".join(chunks)
        while builder.step():
            pass
        return got[0], {name.lower(): value for name, value in got[1]}, body

    yield request
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "hostile",
    [
        {"HTTP_HOST": "evil.example"},
        {"HTTP_HOST": "localhost:1@evil.example"},
        {"HTTP_X_FORWARDED_HOST": "evil.example"},
        {"HTTP_FORWARDED": "host=evil.example;proto=https"},
        {"HTTP_X_FORWARDED_PROTO": "evil", "HTTP_X_FORWARDED_PORT": "6666"},
        {"HTTP_X_ORIGINAL_URL": "/evil/", "HTTP_X_REWRITE_URL": "/evil/"},
        {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"},
        {"REQUEST_METHOD": "POST"},
        {"REQUEST_METHOD": "HEAD"},
        {"QUERY_STRING": "utm_source=evil"},
        {"QUERY_STRING": "q=evil"},
        {"QUERY_STRING": "_method=DELETE&language=es"},
        {"HTTP_ACCEPT_ENCODING": "gzip"},
        {"HTTP_ACCEPT_ENCODING": "evil, br;q=0"},
        {"HTTP_ACCEPT_ENCODING": "x" * 10_000},
        {"HTTP_ACCEPT_LANGUAGE": "es"},
        {"HTTP_ACCEPT_LANGUAGE": "x," * 5_000},
        {"HTTP_ACCEPT": "application/json"},
        {"HTTP_COOKIE": "django_language=es; evil=1"},
        {"HTTP_COOKIE": "sessionid=evil"},
        {"HTTP_AUTHORIZATION": "Basic evil"},
        {"HTTP_RANGE": "bytes=0-0"},
        {"HTTP_EXPECT": "100-continue", "HTTP_TE": "trailers"},
    ],
    ids=str,
)
def test_the_second_client_gets_the_page_whatever_the_first_one_sent(site: Site, hostile: dict[str, str]) -> None:
    site(**hostile)

    status, headers, body = site()

    assert (status, headers["content-type"], headers["content-language"]) == (
        "200 OK",
        "text/html; charset=utf-8",
        "en",
    )
    assert b"<h1" in body
    assert b"evil" not in body
    assert not any("evil" in value for value in headers.values())
    assert "set-cookie" not in headers


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    ["/small-cut", "//small-cut/", "/small-cut//", "/SMALL-CUT/", "/small-cut/index.html", "/x/../small-cut/", "/small-cut/.",
     "/small-cut/;x=1", "/small-cut/%2e", "/small-cut/\0", "/small-cut/\r\nX: y", "\\small-cut\\", "/small-cut/plain.txt/x"],
    ids=repr,
)  # fmt: skip
def test_a_misspelled_path_is_never_published(site: Site, files: PublishedFiles, path: str) -> None:
    """The number of spellings is unlimited: they would fill the disk, or show a page under the wrong path."""
    site()
    before = files.paths()
    status, headers, _ = site(path)

    assert files.paths() == before
    assert status[:3] in {"301", "404"}
    assert headers.get("location", "/small-cut/") == "/small-cut/"


@pytest.mark.django_db
def test_the_sites_own_addresses_are_published_and_nothing_that_was_requested(
    site: Site, files: PublishedFiles
) -> None:
    from procedures.models import Page

    code = Page.objects.get(subject="small-cut").code
    for path in ("/admin/", "/admin/login/", "/healthz", "/readyz", "/search/", "/no-such-page/", f"/p/{code}",
                 f"/p/{code}.svg", f"/clear/{code}/", "/small-cut/booklet/", "/.well-known/security.txt"):  # fmt: skip
        site(path)

    lists = {f"{home}{part}" for home in ("/", "/es/") for part in ("", "visits/", "p/")}
    machines = {"/robots.txt", "/sitemap.xml", "/connect/guides.json"}
    pages = {"/small-cut/", "/small-cut/plain.txt", "/contact/", "/contact/plain.txt"}
    pictures = {"/small-cut/picture/needle/", "/contact/picture/needle/"}
    assert files.paths() == lists | machines | pages | pictures
    assert set(site_source.public_urls()) == files.paths()


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["", "br", "gzip"])
@pytest.mark.parametrize("path", ["/small-cut/", "/small-cut/plain.txt", "/", "/sitemap.xml", "/connect/guides.json"])
def test_djangos_answer_and_the_published_one_are_the_same(site: Site, path: str, encoding: str) -> None:
    from_django, from_file = (site(path, HTTP_ACCEPT_ENCODING=encoding) for _ in range(2))

    assert from_file[1].pop("last-modified").endswith(" GMT")
    assert from_django[1].setdefault("content-length", str(len(from_django[2]))) == from_file[1]["content-length"]
    assert from_file == from_django


@pytest.mark.django_db
def test_a_page_first_requested_by_a_client_who_has_it_is_a_page_for_the_next(site: Site) -> None:
    """A 304 has no Content-Type: once cached, it made browsers show the source of the page."""
    etag = site(HTTP_COOKIE="sessionid=not-published")[1]["etag"]
    assert site(HTTP_IF_NONE_MATCH=etag)[0] == "304 Not Modified"

    status, headers, body = site()

    assert (status, headers["content-type"]) == ("200 OK", "text/html; charset=utf-8")
    assert b"<h1" in body
