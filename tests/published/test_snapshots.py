"""What may be served from the response store, and what may be stored in it."""

import hashlib
from typing import Any

import brotli
import pytest
from django.test import override_settings

from portal.published.cache_policy import has_only_tracking_params, make_cacheable_check
from portal.published.store import ResponseStore
from portal.published.wsgi import MAX_MEMOIZED_CLIENTS, PublishedPages
from tests.published.plain import HTML, PAGE, Django, ask, environ


def test_the_second_request_is_served_without_django(store: ResponseStore) -> None:
    django = Django()
    application = PublishedPages(django, store)
    ask(application)
    status, _, body = ask(application)
    assert (django.asked, status, body) == (1, "200 OK", PAGE)


def test_a_response_begun_before_a_change_is_not_stored(store: ResponseStore) -> None:
    class Slow(Django):
        def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
            store.increment_version()
            return super().__call__(environ, start_response)

    application = PublishedPages(Slow(), store)
    ask(application)
    assert "/kyphoplasty/" not in store.entries


def test_nothing_is_stored_before_the_content_version_is_known() -> None:
    django = Django()
    application = PublishedPages(django, ResponseStore())
    ask(application)
    ask(application)
    assert django.asked == 2


@pytest.mark.parametrize("status", ["200 OK", "301 Moved Permanently", "410 Gone"])
def test_pages_redirects_and_withdrawn_pages_are_stored(store: ResponseStore, status: str) -> None:
    django = Django(status=status, headers=[HTML, ("Cache-Control", "max-age=1800")])
    application = PublishedPages(django, store)
    first, second = ask(application), ask(application)
    assert (first, django.asked, first[0]) == (second, 1, status)


@pytest.mark.parametrize(
    "status", ["201 Created", "206 Partial Content", "302 Found", "304 Not Modified", "404 Not Found",
               "500 Internal Server Error", "503 Service Unavailable"]
)  # fmt: skip
def test_other_responses_are_passed_through_and_not_stored(store: ResponseStore, status: str) -> None:
    django = Django(status=status)
    application = PublishedPages(django, store)
    assert [ask(application)[0] for _ in range(2)] == [status, status]
    assert (django.asked, store.entries) == (2, {})


def test_head_gets_headers_only(store: ResponseStore) -> None:
    application = PublishedPages(Django(), store)
    ask(application)
    status, headers, body = ask(application, REQUEST_METHOD="HEAD")
    assert (status, headers["Content-Length"], body) == ("200 OK", str(len(PAGE)), b"")


def test_head_of_a_response_that_is_not_stored_has_no_body(store: ResponseStore) -> None:
    application = PublishedPages(Django(status="404 Not Found"), store)
    assert ask(application, REQUEST_METHOD="HEAD")[2] == b""


@pytest.mark.parametrize("asked", ['"other", {tag}', "{tag}", "W/{tag}", '"a",W/"b" , W/{tag}', "*"])
def test_a_matching_etag_gets_304_without_body(store: ResponseStore, asked: str) -> None:
    application = PublishedPages(Django(), store)
    tag = ask(application)[1]["ETag"]
    status, headers, body = ask(application, HTTP_IF_NONE_MATCH=asked.format(tag=tag))
    assert (status, body, headers["ETag"]) == ("304 Not Modified", b"", tag)
    assert not {"Content-Type", "Content-Length", "Content-Encoding"} & headers.keys()


@pytest.mark.parametrize("asked", ["", '"other"', "nonsense", '"', '""', "W/", "{tag}x", "{bare}"])
def test_another_etag_gets_the_page(store: ResponseStore, asked: str) -> None:
    application = PublishedPages(Django(), store)
    tag = ask(application)[1]["ETag"]
    asked = asked.format(tag=tag, bare=tag.strip('"'))
    assert ask(application, HTTP_IF_NONE_MATCH=asked)[0] == "200 OK"


def test_the_exact_last_modified_date_gets_304_and_any_other_date_the_page(store: ResponseStore) -> None:
    application = PublishedPages(Django(), store)
    date = ask(application)[1]["Last-Modified"]
    later = "Fri, 01 Jan 2100 00:00:00 GMT"
    answers = {since: ask(application, HTTP_IF_MODIFIED_SINCE=since)[0][:3] for since in (date, later, "yesterday")}
    assert answers == {date: "304", later: "200", "yesterday": "200"}


def test_if_none_match_takes_precedence_over_if_modified_since(store: ResponseStore) -> None:
    application = PublishedPages(Django(), store)
    date = ask(application)[1]["Last-Modified"]
    assert ask(application, HTTP_IF_NONE_MATCH='"old"', HTTP_IF_MODIFIED_SINCE=date)[0] == "200 OK"


def test_two_responses_of_the_same_second_have_different_dates(store: ResponseStore) -> None:
    django = Django()
    application = PublishedPages(django, store)
    before = ask(application)[1]["Last-Modified"]
    django.body = b"new" * 300
    store.put("/kyphoplasty/", application.fetch("/kyphoplasty/").cached_response, store.version)
    assert ask(application)[2] == django.body
    assert ask(application, HTTP_IF_MODIFIED_SINCE=before)[0] == "200 OK"


def test_an_unchanged_response_keeps_its_date_and_etag(store: ResponseStore) -> None:
    application = PublishedPages(Django(), store)
    before = ask(application)[1]
    store.entries["/kyphoplasty/"].set_modified(1_000_000_000, store.entries["/kyphoplasty/"].body)
    store.put("/kyphoplasty/", application.fetch("/kyphoplasty/").cached_response, store.version)
    after = ask(application)[1]
    assert (after["ETag"], after["Last-Modified"]) == (before["ETag"], "Sun, 09 Sep 2001 01:46:40 GMT")


def test_range_requests_get_the_complete_page(store: ResponseStore) -> None:
    """RFC 9110 §14.2 allows servers to ignore Range."""
    application = PublishedPages(Django(), store)
    ask(application)
    status, headers, body = ask(application, HTTP_RANGE="bytes=0-10", HTTP_IF_RANGE='"x"')
    assert (status, body) == ("200 OK", PAGE)
    assert "Content-Range" not in headers


def test_each_encoding_has_its_own_etag_and_length(store: ResponseStore) -> None:
    application = PublishedPages(Django(), store)
    ask(application)
    answers = {name: ask(application, HTTP_ACCEPT_ENCODING=name) for name in ("br", "gzip", "identity")}
    assert len({headers["ETag"] for _, headers, _ in answers.values()}) == 3
    assert {int(headers["Content-Length"]) - len(body) for _, headers, body in answers.values()} == {0}
    assert brotli.decompress(answers["br"][2]) == PAGE


def test_a_recompressed_response_replaces_the_quickly_compressed_one(store: ResponseStore) -> None:
    application = PublishedPages(Django(), store)
    ask(application)
    quick = store.entries["/kyphoplasty/"]
    store.replace_recompressed("/kyphoplasty/", quick.recompressed())
    _, headers, body = ask(application, HTTP_ACCEPT_ENCODING="br")
    assert store.entries["/kyphoplasty/"].max_compressed
    assert len(body) <= len(quick.body)
    assert (brotli.decompress(body), headers["Content-Length"]) == (PAGE, str(len(body)))


def test_a_recompressed_response_of_an_older_version_is_discarded(store: ResponseStore) -> None:
    django = Django()
    application = PublishedPages(django, store)
    ask(application)
    late = store.entries["/kyphoplasty/"].recompressed()
    django.body = b"new" * 300
    store.put("/kyphoplasty/", application.fetch("/kyphoplasty/").cached_response, store.version)
    store.replace_recompressed("/kyphoplasty/", late)
    assert ask(application)[2] == django.body


def fill(store: ResponseStore, addresses: range) -> None:
    """Store an incompressible 4 kB page for each number."""
    django = Django()
    application = PublishedPages(django, store)
    for number in addresses:
        django.body = hashlib.shake_128(b"%d" % number).digest(4000)
        ask(application, PATH_INFO=f"/page-{number}/")


def test_memory_is_bounded_and_the_least_recently_used_responses_are_evicted() -> None:
    store = ResponseStore(max_bytes=200_000)
    store.increment_version()
    fill(store, range(10))
    store.clock += 1
    fill(store, range(5))
    store.clock += 1
    fill(store, range(10, 35))
    assert 100_000 < store.size <= 200_000
    assert store.size == sum(one.size() for one in store.entries.values())
    kept = [number for number in range(10) if f"/page-{number}/" in store.entries]
    assert kept[:5] == [0, 1, 2, 3, 4]
    assert len(kept) < 10


def test_additional_encodings_are_evicted_first() -> None:
    store = ResponseStore(max_bytes=200_000)
    store.increment_version()
    fill(store, range(14))
    assert all(one.encoded_bodies.keys() == {"br", ""} for one in store.entries.values())
    fill(store, range(14, 24))
    assert len(store.entries) == 24


def test_10000_pages_in_two_languages_fit_into_the_limit() -> None:
    store = ResponseStore(max_bytes=20_000_000)
    store.increment_version()
    django = Django()
    application = PublishedPages(django, store)
    for number in range(20_000):
        django.body = b"<p>%d</p>" % number * 100
        store.put(f"/page-{number}/", application.fetch(f"/page-{number}/").cached_response, 1)
    assert store.size <= 20_000_000
    assert len(store.entries) > 10_000
    assert store.size == sum(one.size() for one in store.entries.values())


SOMEBODYS = [
    {"REQUEST_METHOD": "POST"},
    {"HTTP_AUTHORIZATION": "Basic eDp5"},
    {"HTTP_AUTHORIZATION": ""},
    {"HTTP_COOKIE": "sessionid=abc"},
    {"HTTP_COOKIE": "a=b; sessionid=abc"},
    {"HTTP_HOST": "evil.example"},
    {"HTTP_HOST": "localhost.evil.example"},
    {"HTTP_HOST": "localhost@evil.example"},
    {"HTTP_HOST": ""},
    {"QUERY_STRING": "q=pain"},
    {"QUERY_STRING": "utm_source=mail&q=pain"},
    {"QUERY_STRING": "%75tm_source=mail&code=1"},
]


@pytest.mark.parametrize("change", SOMEBODYS)
def test_a_request_that_is_not_cacheable_goes_to_django(change: dict[str, str]) -> None:
    assert make_cacheable_check()(environ())
    assert not make_cacheable_check()(environ(**change))


@pytest.mark.parametrize("change", SOMEBODYS)
def test_a_stored_page_does_not_answer_private_requests(store: ResponseStore, change: dict[str, str]) -> None:
    django = Django()
    application = PublishedPages(django, store)
    for _ in range(3):
        ask(application)
    ask(application, **change)

    assert django.asked == 2
    assert django.requests[1].items() >= change.items()


@override_settings(SECURE_SSL_REDIRECT=True)
def test_a_stored_page_is_not_served_without_tls(store: ResponseStore) -> None:
    django = Django()
    application = PublishedPages(django, store)
    for _ in range(3):
        ask(application, HTTP_X_FORWARDED_PROTO="https")
    ask(application)

    assert [request.get("HTTP_X_FORWARDED_PROTO") for request in django.requests] == ["https", None]


def test_arbitrary_headers_do_not_fill_the_memory(store: ResponseStore) -> None:
    application = PublishedPages(Django(), store)
    with override_settings(ALLOWED_HOSTS=[".example.org"]):
        wide = PublishedPages(Django(), store)
    for number in range(1000):
        ask(application, HTTP_ACCEPT_ENCODING=f"br, x-{number}")
        ask(wide, HTTP_HOST=f"h{number}.example.org", HTTP_ACCEPT_ENCODING="x" * 190 + str(number))

    assert ask(application, HTTP_ACCEPT_ENCODING="br, last")[1]["Content-Encoding"] == "br"
    for one in (application, wide):
        assert len(one._encodings_by_host) <= MAX_MEMOIZED_CLIENTS and len(one._encodings) <= MAX_MEMOIZED_CLIENTS


@pytest.mark.parametrize("query", ["", "utm_source=mail", "fbclid=1&utm_medium=x", "gclid="])
def test_tracking_parameters_are_ignored(query: str) -> None:
    assert has_only_tracking_params(query)
