"""What may come from, and go into, the snapshots."""

import hashlib
from typing import Any

import brotli
import pytest
from django.test import override_settings

from portal.published.cache_policy import has_only_tracking_params, make_cacheable_check
from portal.published.store import ResponseStore
from portal.published.wsgi import MAX_MEMOIZED_CLIENTS, PublishedPages
from tests.serving.plain import HTML, PAGE, Django, ask, environ


def test_second_reader_is_answered_without_django(snapshots: ResponseStore) -> None:
    django = Django()
    application = PublishedPages(django, snapshots)
    ask(application)
    status, _, body = ask(application)
    assert (django.asked, status, body) == (1, "200 OK", PAGE)


def test_answer_begun_before_a_change_is_not_kept(snapshots: ResponseStore) -> None:
    class Slow(Django):
        def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
            snapshots.increment_version()
            return super().__call__(environ, start_response)

    application = PublishedPages(Slow(), snapshots)
    ask(application)
    assert "/kyphoplasty/" not in snapshots.entries


def test_nothing_is_kept_before_the_state_is_known() -> None:
    django = Django()
    application = PublishedPages(django, ResponseStore())
    ask(application)
    ask(application)
    assert django.asked == 2


@pytest.mark.parametrize("status", ["200 OK", "301 Moved Permanently", "410 Gone"])
def test_pages_redirects_and_withdrawn_pages_are_kept(snapshots: ResponseStore, status: str) -> None:
    django = Django(status=status, headers=[HTML, ("Cache-Control", "max-age=1800")])
    application = PublishedPages(django, snapshots)
    first, second = ask(application), ask(application)
    assert (first, django.asked, first[0]) == (second, 1, status)


@pytest.mark.parametrize(
    "status", ["201 Created", "206 Partial Content", "302 Found", "304 Not Modified", "404 Not Found",
               "500 Internal Server Error", "503 Service Unavailable"]
)  # fmt: skip
def test_any_other_answer_is_passed_on_and_not_kept(snapshots: ResponseStore, status: str) -> None:
    django = Django(status=status)
    application = PublishedPages(django, snapshots)
    assert [ask(application)[0] for _ in range(2)] == [status, status]
    assert (django.asked, snapshots.entries) == (2, {})


def test_head_gets_headers_only(snapshots: ResponseStore) -> None:
    application = PublishedPages(Django(), snapshots)
    ask(application)
    status, headers, body = ask(application, REQUEST_METHOD="HEAD")
    assert (status, headers["Content-Length"], body) == ("200 OK", str(len(PAGE)), b"")


def test_head_of_an_answer_that_is_not_kept_has_no_body(snapshots: ResponseStore) -> None:
    application = PublishedPages(Django(status="404 Not Found"), snapshots)
    assert ask(application, REQUEST_METHOD="HEAD")[2] == b""


@pytest.mark.parametrize("asked", ['"other", {tag}', "{tag}", "W/{tag}", '"a",W/"b" , W/{tag}', "*"])
def test_known_entity_tag_gets_304_without_body(snapshots: ResponseStore, asked: str) -> None:
    application = PublishedPages(Django(), snapshots)
    tag = ask(application)[1]["ETag"]
    status, headers, body = ask(application, HTTP_IF_NONE_MATCH=asked.format(tag=tag))
    assert (status, body, headers["ETag"]) == ("304 Not Modified", b"", tag)
    assert not {"Content-Type", "Content-Length", "Content-Encoding"} & headers.keys()


@pytest.mark.parametrize("asked", ["", '"other"', "nonsense", '"', '""', "W/", "{tag}x", "{bare}"])
def test_another_entity_tag_gets_the_page(snapshots: ResponseStore, asked: str) -> None:
    application = PublishedPages(Django(), snapshots)
    tag = ask(application)[1]["ETag"]
    asked = asked.format(tag=tag, bare=tag.strip('"'))
    assert ask(application, HTTP_IF_NONE_MATCH=asked)[0] == "200 OK"


def test_the_date_that_we_gave_gets_304_and_another_one_the_page(snapshots: ResponseStore) -> None:
    application = PublishedPages(Django(), snapshots)
    date = ask(application)[1]["Last-Modified"]
    later = "Fri, 01 Jan 2100 00:00:00 GMT"
    answers = {since: ask(application, HTTP_IF_MODIFIED_SINCE=since)[0][:3] for since in (date, later, "yesterday")}
    assert answers == {date: "304", later: "200", "yesterday": "200"}


def test_the_tag_decides_where_there_is_one(snapshots: ResponseStore) -> None:
    application = PublishedPages(Django(), snapshots)
    date = ask(application)[1]["Last-Modified"]
    assert ask(application, HTTP_IF_NONE_MATCH='"old"', HTTP_IF_MODIFIED_SINCE=date)[0] == "200 OK"


def test_two_answers_of_one_second_have_two_dates(snapshots: ResponseStore) -> None:
    django = Django()
    application = PublishedPages(django, snapshots)
    before = ask(application)[1]["Last-Modified"]
    django.body = b"new" * 300
    snapshots.put("/kyphoplasty/", application.fetch("/kyphoplasty/").cached_response, snapshots.version)
    assert ask(application)[2] == django.body
    assert ask(application, HTTP_IF_MODIFIED_SINCE=before)[0] == "200 OK"


def test_an_answer_that_stays_the_same_keeps_its_date_and_tag(snapshots: ResponseStore) -> None:
    application = PublishedPages(Django(), snapshots)
    before = ask(application)[1]
    snapshots.entries["/kyphoplasty/"].set_modified(1_000_000_000, snapshots.entries["/kyphoplasty/"].body)
    snapshots.put("/kyphoplasty/", application.fetch("/kyphoplasty/").cached_response, snapshots.version)
    after = ask(application)[1]
    assert (after["ETag"], after["Last-Modified"]) == (before["ETag"], "Sun, 09 Sep 2001 01:46:40 GMT")


def test_a_part_of_a_page_is_asked_for_in_vain(snapshots: ResponseStore) -> None:
    """RFC 9110 §14.2 allows to ignore Range; two encodings under one tag would tear a page."""
    application = PublishedPages(Django(), snapshots)
    ask(application)
    status, headers, body = ask(application, HTTP_RANGE="bytes=0-10", HTTP_IF_RANGE='"x"')
    assert (status, body) == ("200 OK", PAGE)
    assert "Content-Range" not in headers


def test_each_encoding_has_its_own_entity_tag_and_its_length(snapshots: ResponseStore) -> None:
    application = PublishedPages(Django(), snapshots)
    ask(application)
    answers = {name: ask(application, HTTP_ACCEPT_ENCODING=name) for name in ("br", "gzip", "identity")}
    assert len({headers["ETag"] for _, headers, _ in answers.values()}) == 3
    assert {int(headers["Content-Length"]) - len(body) for _, headers, body in answers.values()} == {0}
    assert brotli.decompress(answers["br"][2]) == PAGE


def test_the_finest_form_takes_the_place_of_the_quick_one(snapshots: ResponseStore) -> None:
    application = PublishedPages(Django(), snapshots)
    ask(application)
    quick = snapshots.entries["/kyphoplasty/"]
    snapshots.replace_recompressed("/kyphoplasty/", quick.recompressed())
    _, headers, body = ask(application, HTTP_ACCEPT_ENCODING="br")
    assert snapshots.entries["/kyphoplasty/"].max_compressed
    assert len(body) <= len(quick.body)
    assert (brotli.decompress(body), headers["Content-Length"]) == (PAGE, str(len(body)))


def test_the_finest_form_of_an_older_answer_changes_nothing(snapshots: ResponseStore) -> None:
    django = Django()
    application = PublishedPages(django, snapshots)
    ask(application)
    late = snapshots.entries["/kyphoplasty/"].recompressed()
    django.body = b"new" * 300
    snapshots.put("/kyphoplasty/", application.fetch("/kyphoplasty/").cached_response, snapshots.version)
    snapshots.replace_recompressed("/kyphoplasty/", late)
    assert ask(application)[2] == django.body


def fill(snapshots: ResponseStore, addresses: range) -> None:
    """Keep a page of 4 kB that does not compress for each number."""
    django = Django()
    application = PublishedPages(django, snapshots)
    for number in addresses:
        django.body = hashlib.shake_128(b"%d" % number).digest(4000)
        ask(application, PATH_INFO=f"/page-{number}/")


def test_memory_stays_within_its_bound_and_what_was_not_read_longest_goes() -> None:
    snapshots = ResponseStore(max_bytes=200_000)
    snapshots.increment_version()
    fill(snapshots, range(10))
    snapshots.clock += 1
    fill(snapshots, range(5))
    snapshots.clock += 1
    fill(snapshots, range(10, 35))
    assert 100_000 < snapshots.size <= 200_000
    assert snapshots.size == sum(one.size() for one in snapshots.entries.values())
    kept = [number for number in range(10) if f"/page-{number}/" in snapshots.entries]
    assert kept[:5] == [0, 1, 2, 3, 4]
    assert len(kept) < 10


def test_encodings_that_can_be_made_again_go_first() -> None:
    snapshots = ResponseStore(max_bytes=200_000)
    snapshots.increment_version()
    fill(snapshots, range(14))
    assert all(one.encoded_bodies.keys() == {"br", ""} for one in snapshots.entries.values())
    fill(snapshots, range(14, 24))
    assert len(snapshots.entries) == 24


def test_10000_pages_in_two_languages_stay_within_the_bound() -> None:
    snapshots = ResponseStore(max_bytes=20_000_000)
    snapshots.increment_version()
    django = Django()
    application = PublishedPages(django, snapshots)
    for number in range(20_000):
        django.body = b"<p>%d</p>" % number * 100
        snapshots.put(f"/page-{number}/", application.fetch(f"/page-{number}/").cached_response, 1)
    assert snapshots.size <= 20_000_000
    assert len(snapshots.entries) > 10_000
    assert snapshots.size == sum(one.size() for one in snapshots.entries.values())


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
def test_request_that_is_not_plain_goes_to_django(change: dict[str, str]) -> None:
    assert make_cacheable_check()(environ())
    assert not make_cacheable_check()(environ(**change))


@pytest.mark.parametrize("change", SOMEBODYS)
def test_a_kept_page_with_many_readers_answers_no_request_about_somebody(
    snapshots: ResponseStore, change: dict[str, str]
) -> None:
    django = Django()
    application = PublishedPages(django, snapshots)
    for _ in range(3):
        ask(application)
    ask(application, **change)

    assert django.asked == 2
    assert django.requests[1].items() >= change.items()


@override_settings(SECURE_SSL_REDIRECT=True)
def test_a_kept_page_is_not_given_out_without_tls(snapshots: ResponseStore) -> None:
    django = Django()
    application = PublishedPages(django, snapshots)
    for _ in range(3):
        ask(application, HTTP_X_FORWARDED_PROTO="https")
    ask(application)

    assert [request.get("HTTP_X_FORWARDED_PROTO") for request in django.requests] == ["https", None]


def test_what_strangers_send_does_not_fill_the_memory(snapshots: ResponseStore) -> None:
    application = PublishedPages(Django(), snapshots)
    with override_settings(ALLOWED_HOSTS=[".example.org"]):
        wide = PublishedPages(Django(), snapshots)
    for number in range(1000):
        ask(application, HTTP_ACCEPT_ENCODING=f"br, x-{number}")
        ask(wide, HTTP_HOST=f"h{number}.example.org", HTTP_ACCEPT_ENCODING="x" * 190 + str(number))

    assert ask(application, HTTP_ACCEPT_ENCODING="br, last")[1]["Content-Encoding"] == "br"
    for one in (application, wide):
        assert len(one._encodings_by_host) <= MAX_MEMOIZED_CLIENTS and len(one._encodings) <= MAX_MEMOIZED_CLIENTS


@pytest.mark.parametrize("query", ["", "utm_source=mail", "fbclid=1&utm_medium=x", "gclid="])
def test_tracking_names_do_not_matter(query: str) -> None:
    assert has_only_tracking_params(query)
