"""What may come from, and go into, the snapshots."""

import hashlib
from typing import Any

import brotli
import pytest
from django.test import override_settings

from portal.serving.application import MAX_REMEMBERED, SnapshotApplication
from portal.serving.requests import only_tracking, plain
from portal.serving.snapshots import Snapshots
from tests.serving.plain import HTML, PAGE, Django, ask, environ


def test_second_reader_is_answered_without_django(snapshots: Snapshots) -> None:
    django = Django()
    application = SnapshotApplication(django, snapshots)
    ask(application)
    status, _, body = ask(application)
    assert (django.asked, status, body) == (1, "200 OK", PAGE)


def test_answer_begun_before_a_change_is_not_kept(snapshots: Snapshots) -> None:
    class Slow(Django):
        def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
            snapshots.next_generation()
            return super().__call__(environ, start_response)

    application = SnapshotApplication(Slow(), snapshots)
    ask(application)
    assert "/kyphoplasty/" not in snapshots.kept


def test_nothing_is_kept_before_the_state_is_known() -> None:
    django = Django()
    application = SnapshotApplication(django, Snapshots())
    ask(application)
    ask(application)
    assert django.asked == 2


@pytest.mark.parametrize("status", ["200 OK", "301 Moved Permanently", "410 Gone"])
def test_pages_redirects_and_withdrawn_pages_are_kept(snapshots: Snapshots, status: str) -> None:
    django = Django(status=status, headers=[HTML, ("Cache-Control", "max-age=1800")])
    application = SnapshotApplication(django, snapshots)
    first, second = ask(application), ask(application)
    assert (first, django.asked, first[0]) == (second, 1, status)


@pytest.mark.parametrize(
    "status", ["201 Created", "206 Partial Content", "302 Found", "304 Not Modified", "404 Not Found",
               "500 Internal Server Error", "503 Service Unavailable"]
)  # fmt: skip
def test_any_other_answer_is_passed_on_and_not_kept(snapshots: Snapshots, status: str) -> None:
    django = Django(status=status)
    application = SnapshotApplication(django, snapshots)
    assert [ask(application)[0] for _ in range(2)] == [status, status]
    assert (django.asked, snapshots.kept) == (2, {})


def test_head_gets_headers_only(snapshots: Snapshots) -> None:
    application = SnapshotApplication(Django(), snapshots)
    ask(application)
    status, headers, body = ask(application, REQUEST_METHOD="HEAD")
    assert (status, headers["Content-Length"], body) == ("200 OK", str(len(PAGE)), b"")


def test_head_of_an_answer_that_is_not_kept_has_no_body(snapshots: Snapshots) -> None:
    application = SnapshotApplication(Django(status="404 Not Found"), snapshots)
    assert ask(application, REQUEST_METHOD="HEAD")[2] == b""


@pytest.mark.parametrize("asked", ['"other", {tag}', "{tag}", "W/{tag}", '"a",W/"b" , W/{tag}', "*"])
def test_known_entity_tag_gets_304_without_body(snapshots: Snapshots, asked: str) -> None:
    application = SnapshotApplication(Django(), snapshots)
    tag = ask(application)[1]["ETag"]
    status, headers, body = ask(application, HTTP_IF_NONE_MATCH=asked.format(tag=tag))
    assert (status, body, headers["ETag"]) == ("304 Not Modified", b"", tag)
    assert not {"Content-Type", "Content-Length", "Content-Encoding"} & headers.keys()


@pytest.mark.parametrize("asked", ["", '"other"', "nonsense", '"', '""', "W/", "{tag}x", "{bare}"])
def test_another_entity_tag_gets_the_page(snapshots: Snapshots, asked: str) -> None:
    application = SnapshotApplication(Django(), snapshots)
    tag = ask(application)[1]["ETag"]
    asked = asked.format(tag=tag, bare=tag.strip('"'))
    assert ask(application, HTTP_IF_NONE_MATCH=asked)[0] == "200 OK"


def test_the_date_that_we_gave_gets_304_and_another_one_the_page(snapshots: Snapshots) -> None:
    application = SnapshotApplication(Django(), snapshots)
    date = ask(application)[1]["Last-Modified"]
    later = "Fri, 01 Jan 2100 00:00:00 GMT"
    answers = {since: ask(application, HTTP_IF_MODIFIED_SINCE=since)[0][:3] for since in (date, later, "yesterday")}
    assert answers == {date: "304", later: "200", "yesterday": "200"}


def test_the_tag_decides_where_there_is_one(snapshots: Snapshots) -> None:
    application = SnapshotApplication(Django(), snapshots)
    date = ask(application)[1]["Last-Modified"]
    assert ask(application, HTTP_IF_NONE_MATCH='"old"', HTTP_IF_MODIFIED_SINCE=date)[0] == "200 OK"


def test_two_answers_of_one_second_have_two_dates(snapshots: Snapshots) -> None:
    django = Django()
    application = SnapshotApplication(django, snapshots)
    before = ask(application)[1]["Last-Modified"]
    django.body = b"new" * 300
    snapshots.put("/kyphoplasty/", application.ask("/kyphoplasty/").snapshot, snapshots.generation)
    assert ask(application)[2] == django.body
    assert ask(application, HTTP_IF_MODIFIED_SINCE=before)[0] == "200 OK"


def test_an_answer_that_stays_the_same_keeps_its_date_and_tag(snapshots: Snapshots) -> None:
    application = SnapshotApplication(Django(), snapshots)
    before = ask(application)[1]
    snapshots.kept["/kyphoplasty/"].date(1_000_000_000, snapshots.kept["/kyphoplasty/"].body)
    snapshots.put("/kyphoplasty/", application.ask("/kyphoplasty/").snapshot, snapshots.generation)
    after = ask(application)[1]
    assert (after["ETag"], after["Last-Modified"]) == (before["ETag"], "Sun, 09 Sep 2001 01:46:40 GMT")


def test_a_part_of_a_page_is_asked_for_in_vain(snapshots: Snapshots) -> None:
    """RFC 9110 §14.2 allows to ignore Range; two encodings under one tag would tear a page."""
    application = SnapshotApplication(Django(), snapshots)
    ask(application)
    status, headers, body = ask(application, HTTP_RANGE="bytes=0-10", HTTP_IF_RANGE='"x"')
    assert (status, body) == ("200 OK", PAGE)
    assert "Content-Range" not in headers


def test_each_encoding_has_its_own_entity_tag_and_its_length(snapshots: Snapshots) -> None:
    application = SnapshotApplication(Django(), snapshots)
    ask(application)
    answers = {name: ask(application, HTTP_ACCEPT_ENCODING=name) for name in ("br", "gzip", "identity")}
    assert len({headers["ETag"] for _, headers, _ in answers.values()}) == 3
    assert {int(headers["Content-Length"]) - len(body) for _, headers, body in answers.values()} == {0}
    assert brotli.decompress(answers["br"][2]) == PAGE


def test_the_finest_form_takes_the_place_of_the_quick_one(snapshots: Snapshots) -> None:
    application = SnapshotApplication(Django(), snapshots)
    ask(application)
    quick = snapshots.kept["/kyphoplasty/"]
    snapshots.refine("/kyphoplasty/", quick.refined())
    _, headers, body = ask(application, HTTP_ACCEPT_ENCODING="br")
    assert snapshots.kept["/kyphoplasty/"].finest
    assert len(body) <= len(quick.body)
    assert (brotli.decompress(body), headers["Content-Length"]) == (PAGE, str(len(body)))


def test_the_finest_form_of_an_older_answer_changes_nothing(snapshots: Snapshots) -> None:
    django = Django()
    application = SnapshotApplication(django, snapshots)
    ask(application)
    late = snapshots.kept["/kyphoplasty/"].refined()
    django.body = b"new" * 300
    snapshots.put("/kyphoplasty/", application.ask("/kyphoplasty/").snapshot, snapshots.generation)
    snapshots.refine("/kyphoplasty/", late)
    assert ask(application)[2] == django.body


def fill(snapshots: Snapshots, addresses: range) -> None:
    """Keep a page of 4 kB that does not compress for each number."""
    django = Django()
    application = SnapshotApplication(django, snapshots)
    for number in addresses:
        django.body = hashlib.shake_128(b"%d" % number).digest(4000)
        ask(application, PATH_INFO=f"/page-{number}/")


def test_memory_stays_within_its_bound_and_what_was_not_read_longest_goes() -> None:
    snapshots = Snapshots(most=200_000)
    snapshots.next_generation()
    fill(snapshots, range(10))
    snapshots.tick += 1
    fill(snapshots, range(5))
    snapshots.tick += 1
    fill(snapshots, range(10, 35))
    assert 100_000 < snapshots.size <= 200_000
    assert snapshots.size == sum(one.size() for one in snapshots.kept.values())
    kept = [number for number in range(10) if f"/page-{number}/" in snapshots.kept]
    assert kept[:5] == [0, 1, 2, 3, 4]
    assert len(kept) < 10


def test_encodings_that_can_be_made_again_go_first() -> None:
    snapshots = Snapshots(most=200_000)
    snapshots.next_generation()
    fill(snapshots, range(14))
    assert all(one.sent.keys() == {"br", ""} for one in snapshots.kept.values())
    fill(snapshots, range(14, 24))
    assert len(snapshots.kept) == 24


def test_10000_pages_in_two_languages_stay_within_the_bound() -> None:
    snapshots = Snapshots(most=20_000_000)
    snapshots.next_generation()
    django = Django()
    application = SnapshotApplication(django, snapshots)
    for number in range(20_000):
        django.body = b"<p>%d</p>" % number * 100
        snapshots.put(f"/page-{number}/", application.ask(f"/page-{number}/").snapshot, 1)
    assert snapshots.size <= 20_000_000
    assert len(snapshots.kept) > 10_000
    assert snapshots.size == sum(one.size() for one in snapshots.kept.values())


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
    assert plain()(environ())
    assert not plain()(environ(**change))


@pytest.mark.parametrize("change", SOMEBODYS)
def test_a_kept_page_with_many_readers_answers_no_request_about_somebody(
    snapshots: Snapshots, change: dict[str, str]
) -> None:
    django = Django()
    application = SnapshotApplication(django, snapshots)
    for _ in range(3):
        ask(application)
    ask(application, **change)

    assert django.asked == 2
    assert django.requests[1].items() >= change.items()


@override_settings(SECURE_SSL_REDIRECT=True)
def test_a_kept_page_is_not_given_out_without_tls(snapshots: Snapshots) -> None:
    django = Django()
    application = SnapshotApplication(django, snapshots)
    for _ in range(3):
        ask(application, HTTP_X_FORWARDED_PROTO="https")
    ask(application)

    assert [request.get("HTTP_X_FORWARDED_PROTO") for request in django.requests] == ["https", None]


def test_what_strangers_send_does_not_fill_the_memory(snapshots: Snapshots) -> None:
    application = SnapshotApplication(Django(), snapshots)
    with override_settings(ALLOWED_HOSTS=[".example.org"]):
        wide = SnapshotApplication(Django(), snapshots)
    for number in range(1000):
        ask(application, HTTP_ACCEPT_ENCODING=f"br, x-{number}")
        ask(wide, HTTP_HOST=f"h{number}.example.org", HTTP_ACCEPT_ENCODING="x" * 190 + str(number))

    assert ask(application, HTTP_ACCEPT_ENCODING="br, last")[1]["Content-Encoding"] == "br"
    for one in (application, wide):
        assert len(one._usual) <= MAX_REMEMBERED and len(one._encodings) <= MAX_REMEMBERED


@pytest.mark.parametrize("query", ["", "utm_source=mail", "fbclid=1&utm_medium=x", "gclid="])
def test_tracking_names_do_not_matter(query: str) -> None:
    assert only_tracking(query)
