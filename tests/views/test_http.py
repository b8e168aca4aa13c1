"""HTTP: HEAD, revalidation, and compression."""

import pytest

from tests.views.client import Response, fetch
from tests.views.crawl import Site

# Each worker sets Last-Modified to the time when it noticed the change.
PER_ANSWER = {"date", "transfer-encoding", "content-length", "last-modified"}


def test_head_returns_the_headers_of_get_without_a_body(site: Site, subtests: pytest.Subtests) -> None:
    for path in ["/", "/kyphoplasty/", "/search/?q=cement", "/no-such-page/", "/robots.txt", "/healthz"]:
        with subtests.test(path=path):
            got = fetch(site.url, path)
            headed = fetch(site.url, path, method="HEAD")

            assert headed.body == b""
            assert headed.status == got.status
            assert stable(headed) == stable(got)


def stable(answer: Response) -> list[tuple[str, str]]:
    """Return the headers that depend only on the path, not on the time."""
    return sorted(pair for pair in answer.headers if pair[0] not in PER_ANSWER)


def test_first_and_cached_responses_are_identical(site: Site) -> None:
    for path, page in site.pages.items():
        again = fetch(site.url, path)
        assert (path, stable(again), again.body) == (path, stable(page.answer), page.answer.body)


@pytest.mark.parametrize("kind", ["image/webp", "text/css", "image/svg+xml"])
def test_head_of_a_file_returns_its_length(site: Site, kind: str) -> None:
    path = next(path for path, answer in site.others.items() if answer.kind == kind)

    headed = fetch(site.url, path, method="HEAD")

    assert (headed.status, headed.body) == (200, b"")
    assert headed.header("content-length") == str(len(site.others[path].body))


def test_etag_match_returns_304_and_mismatch_200(site: Site) -> None:
    kept = {path: page for path, page in site.pages.items() if not path.endswith("/search/")}

    for path, page in kept.items():
        etag = page.answer.header("etag")
        same = fetch(site.url, path, headers={"If-None-Match": f'"other", W/{etag}'})
        other = fetch(site.url, path, headers={"If-None-Match": '"other"'})
        assert (path, same.status, same.body, same.header("etag")) == (path, 304, b"", etag)
        assert (path, other.status, other.body) == (path, 200, page.answer.body)


def test_compressed_pages_have_the_same_content_and_are_smaller(site: Site) -> None:
    for path, page in site.pages.items():
        packed = {code: fetch(site.url, path, headers={"Accept-Encoding": code}) for code in ("br", "gzip")}
        assert page.answer.header("content-encoding") == ""
        for code, answer in packed.items():
            assert (path, answer.header("content-encoding"), answer.text) == (path, code, page.answer.text)
        sizes = [len(packed["br"].body), len(packed["gzip"].body), len(page.answer.body)]
        assert sizes == sorted(sizes), path
        assert sizes[2] > 2 * sizes[0], path


def test_each_encoding_has_its_own_etag(site: Site) -> None:
    tags = {
        code: fetch(site.url, "/", headers={"Accept-Encoding": code}).header("etag") for code in ("br", "gzip", "x")
    }

    assert len(set(tags.values())) == 3
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags.values())


def test_best_accepted_encoding_is_used(site: Site, subtests: pytest.Subtests) -> None:
    for accepted, sent in [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, deflate", "gzip"),
        ("BR", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.0, gzip;q=0", ""),
        ("identity", ""),
        ("", ""),
        ("deflate", ""),
    ]:
        with subtests.test(accepted=accepted, sent=sent):
            answer = fetch(site.url, "/kyphoplasty/", headers={"Accept-Encoding": accepted})

            assert (answer.header("content-encoding"), answer.header("vary")) == (sent, "Accept-Encoding")


def test_stylesheets_and_scripts_are_compressed(site: Site) -> None:
    paths = [path for path, answer in site.others.items() if answer.kind in {"text/css", "text/javascript"}]

    for path in paths:
        answer = fetch(site.url, path, headers={"Accept-Encoding": "gzip, br"})
        assert (path, answer.header("content-encoding"), answer.text) == (path, "br", site.others[path].text)
    assert len(paths) >= 2
