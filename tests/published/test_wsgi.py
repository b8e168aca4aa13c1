"""What a web process serves from published files, and what only Django may answer."""

import hashlib
from typing import Any

import brotli
import pytest
from django.test import override_settings

from portal.http import has_only_tracking_params
from portal.published import wsgi as module
from portal.published.files import PublishedFiles
from portal.published.wsgi import MAX_MEMOIZED_HEADERS, memoized_encoding
from tests.published.web_process import HEADERS, LONG_PAGE, PAGE, PATH, FakeDjango, environ, fetch, make_web_process


@pytest.fixture
def page(files: PublishedFiles) -> PublishedFiles:
    """Return files with one page."""
    files.write(PATH, HEADERS, PAGE)
    return files


def test_a_published_page_is_served_without_django(page: PublishedFiles) -> None:
    django = FakeDjango()
    application = make_web_process(page, django)
    for _ in range(2):
        status, headers, body = fetch(application)
        assert (status, body) == ("200 OK", PAGE)
        assert headers.keys() == {*dict(HEADERS), "Content-Length", "ETag", "Last-Modified"}
    assert django.request_count == 0


def test_a_page_without_a_file_is_served_by_django_each_time(files: PublishedFiles) -> None:
    django = FakeDjango()
    application = make_web_process(files, django)
    for status in ("200 OK", "301 Moved Permanently", "404 Not Found", "410 Gone", "503 Service Unavailable"):
        django.status = status
        assert fetch(application)[0] == status
    assert django.request_count == 5
    assert not list(files.root.iterdir())


def test_a_new_a_replaced_and_a_deleted_page_are_noticed(files: PublishedFiles) -> None:
    application = make_web_process(files)
    for encoding in ("br", ""):
        assert fetch(application, HTTP_ACCEPT_ENCODING=encoding)[0] == "404 Not Found"
        files.write(PATH, HEADERS, PAGE)
        assert len(fetch(application, HTTP_ACCEPT_ENCODING=encoding)[2]) in {
            len(PAGE),
            len(brotli.compress(PAGE, quality=5)),
        }
        files.write(PATH, HEADERS, b"new")
        assert fetch(application, HTTP_ACCEPT_ENCODING=encoding)[2] == b"new"
        files.delete(PATH)
        assert fetch(application, HTTP_ACCEPT_ENCODING=encoding)[2] == b"from Django"


def test_files_are_checked_at_most_once_per_interval(page: PublishedFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.05)
    application = make_web_process(page)
    fetch(application)
    page.write(PATH, HEADERS, b"new")
    now[0] += 0.049
    assert fetch(application)[2] == PAGE
    now[0] += 0.002
    assert fetch(application)[2] == b"new"


def test_a_page_that_changes_while_it_is_read_is_read_again(
    page: PublishedFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = make_web_process(page)
    read = page.read

    def slow(path: str, encoding: str) -> Any:
        found = read(path, encoding)
        page.write(PATH, HEADERS, b"new")
        monkeypatch.setattr(page, "read", read)
        return found

    monkeypatch.setattr(page, "read", slow)
    fetch(application)
    assert fetch(application)[2] == b"new"


def test_without_confirmation_pages_have_an_age(page: PublishedFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    application = make_web_process(page)
    assert "Age" not in fetch(application)[1]
    monkeypatch.setattr(page, "age", lambda: 61.5)
    for changes in ({}, {"HTTP_IF_NONE_MATCH": "*"}, {"REQUEST_METHOD": "HEAD"}):
        assert fetch(application, **changes)[1]["Age"] == "61"
    monkeypatch.setattr(page, "age", lambda: 0.5)
    assert "Age" not in fetch(application)[1]


def test_head_gets_headers_only(page: PublishedFiles) -> None:
    status, headers, body = fetch(make_web_process(page), REQUEST_METHOD="HEAD")
    assert (status, headers["Content-Length"], body) == ("200 OK", str(len(PAGE)), b"")


@pytest.mark.parametrize("asked", ['"other", {tag}', "{tag}", "W/{tag}", '"a",W/"b" , W/{tag}', "*"])
def test_a_matching_etag_gets_304_without_body(page: PublishedFiles, asked: str) -> None:
    application = make_web_process(page)
    tag = fetch(application)[1]["ETag"]
    status, headers, body = fetch(application, HTTP_IF_NONE_MATCH=asked.format(tag=tag))
    assert (status, body, headers["ETag"]) == ("304 Not Modified", b"", tag)
    assert not {"Content-Type", "Content-Length", "Content-Encoding"} & headers.keys()


@pytest.mark.parametrize("asked", ["", '"other"', "nonsense", '"', '""', "W/", "{tag}x", "{bare}"])
def test_another_etag_gets_the_page(page: PublishedFiles, asked: str) -> None:
    application = make_web_process(page)
    tag = fetch(application)[1]["ETag"]
    asked = asked.format(tag=tag, bare=tag.strip('"'))
    assert fetch(application, HTTP_IF_NONE_MATCH=asked)[0] == "200 OK"


def test_the_exact_last_modified_date_gets_304_and_any_other_date_the_page(page: PublishedFiles) -> None:
    application = make_web_process(page)
    date = fetch(application)[1]["Last-Modified"]
    later = "Fri, 01 Jan 2100 00:00:00 GMT"
    answers = {since: fetch(application, HTTP_IF_MODIFIED_SINCE=since)[0][:3] for since in (date, later, "yesterday")}
    assert answers == {date: "304", later: "200", "yesterday": "200"}


def test_if_none_match_takes_precedence_over_if_modified_since(page: PublishedFiles) -> None:
    application = make_web_process(page)
    date = fetch(application)[1]["Last-Modified"]
    assert fetch(application, HTTP_IF_NONE_MATCH='"old"', HTTP_IF_MODIFIED_SINCE=date)[0] == "200 OK"


def test_range_requests_get_the_complete_page(page: PublishedFiles) -> None:
    """RFC 9110 §14.2 allows servers to ignore Range."""
    status, headers, body = fetch(make_web_process(page), HTTP_RANGE="bytes=0-10", HTTP_IF_RANGE='"x"')
    assert (status, body) == ("200 OK", PAGE)
    assert "Content-Range" not in headers


def test_each_encoding_has_its_own_etag_and_length(page: PublishedFiles) -> None:
    application = make_web_process(page)
    answers = {name: fetch(application, HTTP_ACCEPT_ENCODING=name) for name in ("br", "gzip", "identity")}
    assert len({headers["ETag"] for _, headers, _ in answers.values()}) == 3
    assert {int(headers["Content-Length"]) - len(body) for _, headers, body in answers.values()} == {0}
    assert brotli.decompress(answers["br"][2]) == PAGE


def test_a_page_compressed_better_replaces_the_first_one(files: PublishedFiles) -> None:
    files.write(PATH, HEADERS, LONG_PAGE)
    application = make_web_process(files)
    quick = fetch(application, HTTP_ACCEPT_ENCODING="br")
    files.compress_next()
    best = fetch(application, HTTP_ACCEPT_ENCODING="br")
    assert len(best[2]) < len(quick[2])
    assert brotli.decompress(best[2]) == LONG_PAGE
    assert best[1]["Last-Modified"] == quick[1]["Last-Modified"]


def test_memory_is_bounded_and_every_page_is_still_served(files: PublishedFiles) -> None:
    application = make_web_process(files, max_bytes=200_000)
    for number in range(60):
        # Incompressible.
        files.write(f"/page-{number}/", HEADERS, hashlib.shake_128(b"%d" % number).digest(4000))
    for _ in range(2):
        for number in range(60):
            for encoding in ("br", "gzip", ""):
                path = f"/page-{number}/"
                assert fetch(application, PATH_INFO=path, HTTP_ACCEPT_ENCODING=encoding)[0] == "200 OK"
                cached = application._pages.values()
                assert application._size <= 200_000
                assert sum(len(one.body) for one in cached) < application._size
    assert len(cached) > 20


BYPASSING_REQUESTS = [
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


@pytest.mark.parametrize("change", BYPASSING_REQUESTS)
def test_a_request_that_may_get_a_different_response_goes_to_django_unchanged(
    page: PublishedFiles, change: dict[str, str]
) -> None:
    django = FakeDjango()
    application = make_web_process(page, django)
    for _ in range(3):
        fetch(application)
    assert django.request_count == 0
    fetch(application, **change)

    assert django.requests == [environ(**change)]


def test_unrelated_cookies_are_ignored(page: PublishedFiles) -> None:
    assert fetch(make_web_process(page), HTTP_COOKIE="theme=dark")[2] == PAGE


@override_settings(SECURE_SSL_REDIRECT=True)
def test_a_published_page_is_not_served_without_tls(page: PublishedFiles) -> None:
    application = make_web_process(page)
    for _ in range(3):
        assert fetch(application, HTTP_X_FORWARDED_PROTO="https")[2] == PAGE
    assert fetch(application)[2] == b"from Django"


def test_arbitrary_headers_do_not_fill_the_memory(page: PublishedFiles) -> None:
    application = make_web_process(page)
    with override_settings(ALLOWED_HOSTS=[".example.org"]):
        wide = make_web_process(page)
    for number in range(1000):
        fetch(application, HTTP_ACCEPT_ENCODING=f"br, x-{number}")
        fetch(wide, HTTP_HOST=f"h{number}.example.org", HTTP_ACCEPT_ENCODING="x" * 190 + str(number))

    assert fetch(application, HTTP_ACCEPT_ENCODING="br, last")[1]["Content-Encoding"] == "br"
    for one in (application, wide):
        assert one._is_valid_host.cache_info().currsize <= MAX_MEMOIZED_HEADERS
    assert memoized_encoding.cache_info().currsize <= MAX_MEMOIZED_HEADERS


@pytest.mark.parametrize("query", ["", "utm_source=mail", "fbclid=1&utm_medium=x", "gclid="])
def test_tracking_parameters_are_ignored(page: PublishedFiles, query: str) -> None:
    assert has_only_tracking_params(query)
    assert fetch(make_web_process(page), QUERY_STRING=query)[2] == PAGE
