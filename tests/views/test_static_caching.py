"""Only files with a content hash in their name are cached without revalidation."""

import io

from PIL import Image

from tests.views.client import fetch
from tests.views.crawl import Site


def test_only_hashed_files_are_immutable(site: Site) -> None:
    hashed = [path for path in site.others if path.startswith("/static/") and path.endswith((".css", ".js"))]
    assert len(hashed) >= 3
    for path in hashed:
        assert "immutable" in fetch(site.url, path).header("cache-control"), path
    for path in ("/static/css/site.css", "/static/img/icon.svg"):
        answer = fetch(site.url, path)
        assert (path, answer.status) == (path, 200)
        assert answer.header("cache-control") == "max-age=0, public"


def test_each_encoding_has_its_own_etag_and_returns_304_only_for_it(site: Site) -> None:
    hashed = [path for path in site.others if path.startswith("/static/") and path.endswith((".css", ".js"))]
    pages = ["/", "/kyphoplasty/", "/kyphoplasty/plain.txt", "/sitemap.xml", "/favicon.ico"]
    for path in [*hashed, "/static/css/site.css", "/static/img/icon.svg", *pages]:
        tags: dict[str, str] = {}
        for accepted in ("", "gzip", "br", "gzip;q=0, br;q=0"):
            answer = fetch(site.url, path, headers={"Accept-Encoding": accepted})
            assert answer.status == 200, path
            assert (tag := answer.header("etag")), path
            encoding = answer.header("content-encoding")
            assert encoding in accepted.replace("gzip;q=0, br;q=0", "")
            assert tags.setdefault(encoding, tag) == tag
            if encoding or len(tags) > 1:
                assert "accept-encoding" in answer.header("vary").lower(), path
        assert len(set(tags.values())) == len(tags), (path, tags)
        if path in pages:
            # Pages are recompressed at a higher level some time after the first request.
            continue
        for accepted in ("", "gzip", "br"):
            own = fetch(site.url, path, headers={"Accept-Encoding": accepted})
            for encoding, tag in tags.items():
                for typed in (tag, f"W/{tag}", f'"other", {tag}'):
                    again = fetch(site.url, path, headers={"Accept-Encoding": accepted, "If-None-Match": typed})
                    expected = 304 if encoding == own.header("content-encoding") else 200
                    assert again.status == expected, (path, accepted, encoding, typed)
                    assert again.header("etag") == own.header("etag")


def test_small_file_revalidation_returns_304(site: Site) -> None:
    pictures = [path for path in site.others if path.startswith("/media/") and not path.endswith(".svg")]
    assert pictures
    icons = ["/favicon.ico", "/apple-touch-icon.png", "/apple-touch-icon-precomposed.png"]
    for path in [*icons, "/.well-known/security.txt", *pictures[:3]]:
        first = fetch(site.url, path)
        tag, policy = first.header("etag"), first.header("content-security-policy")
        assert tag, path
        for typed, expected in ((tag, 304), (f"W/{tag}", 304), ("*", 304), ('"other"', 200), ("", 200)):
            again = fetch(site.url, path, headers={"If-None-Match": typed})
            assert (again.status, again.header("etag")) == (expected, tag), (path, typed)
            assert again.header("content-security-policy") == policy, (path, typed)


def test_range_requests_require_a_matching_etag(site: Site) -> None:
    path = "/static/img/icon.svg"
    whole = fetch(site.url, path)
    own = (whole.header("etag"), whole.header("last-modified"))
    for condition, expected in ((own[0], 206), (own[1], 206), ('"other"', 200), (f"W/{own[0]}", 200)):
        answer = fetch(site.url, path, headers={"Range": "bytes=0-3", "If-Range": condition})
        assert answer.status == expected, condition
        assert answer.body == (whole.body[:4] if expected == 206 else whole.body)


def test_favicon_is_served_at_its_default_urls(site: Site) -> None:
    for path, kind, sizes in (
        ("/favicon.ico", "image/x-icon", {(16, 16), (32, 32), (48, 48)}),
        ("/apple-touch-icon.png", "image/png", {(180, 180)}),
        ("/apple-touch-icon-precomposed.png", "image/png", {(180, 180)}),
    ):
        answer = fetch(site.url, path)
        assert (answer.status, answer.kind, answer.header("cache-control")) == (200, kind, "public, max-age=86400")
        with Image.open(io.BytesIO(answer.body)) as picture:
            assert picture.info.get("sizes", {picture.size}) == sizes
            # The dark background of static/img/icon.svg, at a position that exists in all sizes.
            assert picture.convert("RGB").getpixel((picture.width // 2, picture.height // 16 + 1)) == (16, 18, 20)
