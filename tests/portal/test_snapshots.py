"""What may come from, and go into, the snapshots."""

from typing import Any

import pytest

from portal.serving.application import SnapshotApplication
from portal.serving.public import OFFERED
from portal.serving.requests import Plain, only_tracking
from portal.serving.snapshots import Snapshots

PAGE = b"<h1>A page</h1>" + b" words" * 300


class Django:
    """Stands for the application behind: offers a body, counts how often it was asked."""

    def __init__(self, *, status: str = "200 OK", headers: list[tuple[str, str]] | None = None) -> None:
        self.asked, self.status, self.headers = 0, status, headers or [("Content-Type", "text/html")]
        self.body = PAGE

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.asked += 1
        environ[OFFERED] = self.body
        start_response(self.status, self.headers)
        return [self.body]


def environ(**changes: str) -> dict[str, Any]:
    """A plain request of a reader."""
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/kyphoplasty/",
        "QUERY_STRING": "",
        "HTTP_HOST": "localhost",
        **changes,
    }


def ask(application: SnapshotApplication, **changes: str) -> tuple[str, dict[str, str], bytes]:
    got: list[Any] = []
    body = b"".join(application(environ(**changes), lambda status, headers, *_: got.append((status, dict(headers)))))
    return got[0][0], got[0][1], body


@pytest.fixture
def snapshots() -> Snapshots:
    made = Snapshots()
    made.next_generation()
    return made


def test_second_reader_is_answered_without_django(snapshots):
    django = Django()
    application = SnapshotApplication(django, snapshots)
    ask(application)
    status, _, body = ask(application)
    assert (django.asked, status, body) == (1, "200 OK", PAGE)


def test_answer_begun_before_a_change_is_not_kept(snapshots):
    class Slow(Django):
        def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
            snapshots.next_generation()
            return super().__call__(environ, start_response)

    django = Slow()
    application = SnapshotApplication(django, snapshots)
    ask(application)
    assert "/kyphoplasty/" not in snapshots.kept


def test_nothing_is_kept_before_the_state_is_known():
    django = Django()
    application = SnapshotApplication(django, Snapshots())
    ask(application)
    ask(application)
    assert django.asked == 2


def test_answer_with_a_cookie_is_not_kept(snapshots):
    django = Django(headers=[("Set-Cookie", "a=b")])
    application = SnapshotApplication(django, snapshots)
    ask(application)
    ask(application)
    assert django.asked == 2


def test_head_gets_headers_only(snapshots):
    application = SnapshotApplication(Django(), snapshots)
    ask(application)
    status, headers, body = ask(application, REQUEST_METHOD="HEAD")
    assert (status, headers["Content-Length"], body) == ("200 OK", str(len(PAGE)), b"")


def test_known_entity_tag_gets_304_without_body(snapshots):
    application = SnapshotApplication(Django(), snapshots)
    ask(application)
    tag = ask(application)[1]["ETag"]
    status, _, body = ask(application, HTTP_IF_NONE_MATCH=f'"other", {tag}')
    assert (status, body) == ("304 Not Modified", b"")


def test_each_encoding_has_its_own_entity_tag(snapshots):
    application = SnapshotApplication(Django(), snapshots)
    ask(application)
    tags = {ask(application, HTTP_ACCEPT_ENCODING=name)[1]["ETag"] for name in ("br", "gzip", "identity")}
    assert len(tags) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"REQUEST_METHOD": "POST"},
        {"HTTP_AUTHORIZATION": "Basic eDp5"},
        {"HTTP_COOKIE": "sessionid=abc"},
        {"HTTP_HOST": "evil.example"},
        {"HTTP_HOST": ""},
        {"QUERY_STRING": "q=pain"},
        {"QUERY_STRING": "utm_source=mail&q=pain"},
    ],
)
def test_request_that_is_not_plain_goes_to_django(change):
    assert Plain()(environ())
    assert not Plain()(environ(**change))


@pytest.mark.parametrize("query", ["", "utm_source=mail", "fbclid=1&utm_medium=x", "gclid="])
def test_tracking_names_do_not_matter(query):
    assert only_tracking(query)
