"""Every class of vulnerability that Django's own cache had in 2026 (release notes of 5.2.14 to 5.2.19), and cache poisoning.

Real views behind the published pages, whose design differs from Django's cache: stored responses come from a synthetic
request, and only listed kinds of responses are stored.
"""

from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from portal.published.store import ResponseStore
from portal.published.wsgi import PublishedPages, is_cacheable
from tests.factories import make_clinic, make_page, make_public
from tests.published.plain import HTML, Django, ask

Answer = tuple[str, dict[str, str], bytes]


@pytest.mark.parametrize(
    ("advisory", "header"),
    [
        ("CVE-2026-35192", ("Set-Cookie", "sessionid=of-somebody")),
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
def test_a_private_response_is_never_stored(store: ResponseStore, advisory: str, header: tuple[str, str]) -> None:
    assert is_cacheable("200 OK", [HTML, ("Vary", "Accept-Encoding"), ("Cache-Control", "no-cache")])
    django = Django(headers=[HTML, header])
    application = PublishedPages(django, store)

    ask(application)
    ask(application)

    assert (django.asked, store.entries) == (2, {})


@pytest.mark.parametrize("value", ["", "secret", " "])
def test_an_empty_header_is_not_a_missing_header(store: ResponseStore, value: str) -> None:
    """CVE-2026-113593: both had the same cache key."""
    django = Django()
    application = PublishedPages(django, store)

    ask(application, HTTP_AUTHORIZATION=value)
    ask(application)
    ask(application, HTTP_AUTHORIZATION=value)

    assert django.asked == 3


def test_the_request_for_a_stored_response_contains_nothing_of_the_client(store: ResponseStore) -> None:
    """CVE-2026-48588 (unrelated cookies), and any other header."""
    django = Django()
    application = PublishedPages(django, store)
    hostile = {
        "HTTP_COOKIE": "theme=<script>; csrftoken=x; messages=y",
        "HTTP_ACCEPT_LANGUAGE": "xx",
        "HTTP_X_FORWARDED_HOST": "evil.example",
        "HTTP_X_FORWARDED_FOR": "10.1.2.3",
        "HTTP_X_ORIGINAL_URL": "/admin/",
        "HTTP_X_REWRITE_URL": "/admin/",
        "HTTP_X_HTTP_METHOD_OVERRIDE": "POST",
        "HTTP_FORWARDED": "host=evil.example",
        "HTTP_RANGE": "bytes=0-1",
        "HTTP_IF_MODIFIED_SINCE": "Fri, 01 Jan 2100 00:00:00 GMT",
        "HTTP_USER_AGENT": "curl",
        "HTTP_REFERER": "https://evil.example/",
        "HTTP_HOST": "localhost:6666",
        "HTTP_ACCEPT_ENCODING": "br;q=1.0, evil",
        "QUERY_STRING": "utm_source=<script>",
        "CONTENT_TYPE": "text/evil",
        "REMOTE_ADDR": "10.9.9.9",
        "SCRIPT_NAME": "/evil",
    }

    ask(application, **hostile)

    (asked,) = django.requests
    names = {name for name in asked if name.startswith(("HTTP_", "CONTENT_", "REMOTE_", "SCRIPT"))}
    assert names == {"HTTP_HOST", "HTTP_ACCEPT_ENCODING", "HTTP_X_FORWARDED_PROTO", "REMOTE_ADDR", "SCRIPT_NAME"}
    assert (asked["HTTP_ACCEPT_ENCODING"], asked["QUERY_STRING"], asked["SCRIPT_NAME"]) == ("br", "", "")
    assert not any("evil" in str(value) or "10." in str(value) for name, value in asked.items() if name in names)


@pytest.fixture
def site() -> Iterator[Callable[..., Answer]]:
    """Yield a process with a published page; each call is one request."""
    # At the end of a request, Django would close the connection of the transaction that the test runs in.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    make_clinic()
    make_public(make_page())
    store = ResponseStore()
    store.increment_version()
    application = PublishedPages(WSGIHandler(), store)

    def request(path: str = "/small-cut/", **changes: str) -> Answer:
        environ: dict[str, Any] = {"PATH_INFO": path, "HTTP_HOST": "localhost", **changes}
        setup_testing_defaults(environ)
        got: list[Any] = []
        chunks = application(environ, lambda status, headers, exc_info=None: got.extend([status, headers]))
        body = b"".join(chunks)
        return got[0], {name.lower(): value for name, value in got[1]}, body

    request.kept = store.entries  # type: ignore[attr-defined]
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
def test_the_second_client_gets_the_page_whatever_the_first_one_sent(
    site: Callable[..., Answer], hostile: dict[str, str]
) -> None:
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
def test_redirects_from_misspelled_paths_are_never_stored(site: Callable[..., Answer], path: str) -> None:
    """The number of spellings is unlimited: stored, they would fill the memory, or show a page under the wrong path."""
    status, headers, _ = site(path)

    assert path not in site.kept  # type: ignore[attr-defined]
    assert status[:3] in {"301", "404"}
    assert headers.get("location", "/small-cut/") == "/small-cut/"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/healthz", "/readyz", "/search/", "/no-such-page/"])
def test_responses_other_than_public_pages_are_never_stored(site: Callable[..., Answer], path: str) -> None:
    site(path)

    assert path not in site.kept  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_pages_lists_and_their_redirects_are_stored(site: Callable[..., Answer]) -> None:
    from procedures.models import Page

    code = Page.objects.get(subject="small-cut").code
    for path in (
        "/",
        "/es/",
        "/small-cut/",
        "/small-cut/plain.txt",
        f"/p/{code}",
        f"/p/{code.lower()}x",
        "/sitemap.xml",
    ):
        site(path)

    assert set(site.kept) == {"/", "/es/", "/small-cut/", "/small-cut/plain.txt", f"/p/{code}", "/sitemap.xml"}  # type: ignore[attr-defined]
