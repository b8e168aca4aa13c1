"""Cached responses of the real views are complete, whatever the first request was."""

from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from portal.published.store import ResponseStore
from portal.published.wsgi import PublishedPages
from tests.factories import make_clinic, make_page, make_public

pytestmark = pytest.mark.django_db

Ask = Callable[..., tuple[str, dict[str, str], bytes]]


@pytest.fixture
def _connection_stays_open() -> Iterator[None]:
    """Keep Django from closing the connection of the test's transaction at the end of a request."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def ask(_connection_stays_open: None) -> Ask:
    """A server process with a published page; each call sends one request for it."""
    make_clinic()
    make_public(make_page())
    snapshots = ResponseStore()
    snapshots.increment_version()
    application = PublishedPages(WSGIHandler(), snapshots)

    def request(**changes: str) -> tuple[str, dict[str, str], bytes]:
        environ: dict[str, Any] = {"PATH_INFO": "/small-cut/", "HTTP_HOST": "localhost", **changes}
        setup_testing_defaults(environ)
        got: list[Any] = []
        chunks = application(environ, lambda status, headers, exc_info=None: got.extend([status, headers]))
        body = b"".join(chunks)
        return got[0], {name.lower(): value for name, value in got[1]}, body

    return request


@pytest.mark.parametrize(
    "first",
    [
        {},
        {"REQUEST_METHOD": "HEAD"},
        {"HTTP_ACCEPT_ENCODING": "br"},
        {"HTTP_ACCEPT_ENCODING": "gzip"},
        {"QUERY_STRING": "utm_source=mail"},
        {"HTTP_COOKIE": "sessionid=of-another-program"},
    ],
    ids=["plain", "HEAD", "br", "gzip", "tracking", "cookie"],
)
def test_the_second_answer_is_the_page_whatever_came_first(ask: Ask, first: dict[str, str]) -> None:
    ask(**first)

    status, headers, body = ask()

    assert (status, headers["content-type"]) == ("200 OK", "text/html; charset=utf-8")
    assert b"<h1" in body
    assert "content-encoding" not in headers


def test_a_page_first_asked_for_by_a_reader_who_has_it_is_a_page_for_the_next(ask: Ask) -> None:
    """A 304 has no Content-Type: once cached, it made browsers show the source of the page."""
    etag = ask(HTTP_COOKIE="sessionid=not-kept")[1]["etag"]
    assert ask(HTTP_IF_NONE_MATCH=etag)[0] == "304 Not Modified"

    status, headers, body = ask()

    assert (status, headers["content-type"]) == ("200 OK", "text/html; charset=utf-8")
    assert b"<h1" in body


def test_fresh_and_kept_answers_have_the_same_headers(ask: Ask) -> None:
    fresh, kept = ask(), ask()

    assert kept[0] == fresh[0] == "200 OK"
    assert {**kept[1], "content-length": ""} == {**fresh[1], "content-length": ""}
    assert kept[2] == fresh[2]
