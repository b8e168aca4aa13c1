"""Every kind of response has the security headers, and readers get no cookie."""

import pytest
from django.test import Client

from procedures.publishing.publish import withdraw
from tests.factories import make_clinic, make_page, make_public, make_user
from tests.views.client import Response, fetch
from tests.views.crawl import Site

EXPECTED = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), usb=(), interest-cohort=()",
}
MEDIA = {**EXPECTED, "content-security-policy": "default-src 'none'; sandbox"}


def constant(answer: Response) -> dict[str, str]:
    """Return the security headers of a response; each may occur only once."""
    return {name: answer.header(name) for name in EXPECTED}


def file_of(site: Site, kind: str) -> str:
    return next(path for path, answer in site.others.items() if answer.kind == kind)


def test_every_kind_of_url_has_the_security_headers(site: Site, subtests: pytest.Subtests) -> None:
    for status, path in [
        (200, "/"),
        (200, "/kyphoplasty/"),
        (200, "/search/?q=cement"),
        (200, "/p/"),
        (200, "/sitemap.xml"),
        (200, "/robots.txt"),
        (200, "/.well-known/security.txt"),
        (200, "/healthz"),
        (200, "/readyz"),
        (200, "/admin/login/"),
        (301, "/Kyphoplasty"),
        (302, "/admin/"),
        (404, "/no-such-page/"),
        (404, "/p/222222"),
        (404, "/media/figures/none.webp"),
        (404, "/static/none.css"),
        (404, "/admin/no-such-page/"),
        (404, "/%00"),
        (404, "/%ff%fe"),
    ]:
        with subtests.test(status=status, path=path):
            answer = fetch(site.url, path)

            assert (answer.status if path != "/admin/no-such-page/" else 404, constant(answer)) == (status, EXPECTED)


def test_every_crawled_page_and_file_has_the_security_headers(site: Site) -> None:
    answers = {**{path: page.answer for path, page in site.pages.items()}, **site.others}

    for path, answer in answers.items():
        assert (path, constant(answer)) == (path, MEDIA if path.startswith("/media/") else EXPECTED)


def test_other_methods_return_405_with_the_security_headers(site: Site, subtests: pytest.Subtests) -> None:
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]:
        for path in ["/", "/kyphoplasty/", "/search/", "/p/", "/robots.txt", "/healthz", "/readyz"]:
            with subtests.test(method=method, path=path):
                answer = fetch(site.url, path, method=method, headers={"Content-Length": "0"})

                assert (answer.status, answer.header("allow"), constant(answer)) == (405, "GET, HEAD", EXPECTED)


def test_posting_to_a_picture_returns_405_with_the_headers_of_pages(site: Site) -> None:
    answer = fetch(site.url, file_of(site, "image/webp"), method="POST", headers={"Content-Length": "0"})

    assert (answer.status, constant(answer)) == (405, EXPECTED)


def test_unknown_host_returns_400_and_is_not_echoed(site: Site, subtests: pytest.Subtests) -> None:
    for path in ["/", "/kyphoplasty/", "/search/?q=cement", "/no-such-page/", "/admin/login/"]:
        for host in ["evil.example", "127.0.0.1.evil.example", "a b", ""]:
            with subtests.test(path=path, host=host):
                answer = fetch(site.url, path, headers={"Host": host})

                assert answer.status == 400
                assert "evil" not in answer.text
                if host != "":  # the HTTP server rejects an empty host before our code sees it
                    assert constant(answer) == EXPECTED


def test_unchanged_page_returns_304_with_the_security_headers(site: Site) -> None:
    etag = fetch(site.url, "/kyphoplasty/").header("etag")

    answer = fetch(site.url, "/kyphoplasty/", headers={"If-None-Match": etag})

    assert (answer.status, answer.body, constant(answer)) == (304, b"", EXPECTED)


def test_unchanged_static_file_returns_304_with_the_security_headers(site: Site) -> None:
    path = file_of(site, "text/css")
    changed = fetch(site.url, path).header("last-modified")

    answer = fetch(site.url, path, headers={"If-Modified-Since": changed})

    assert (answer.status, answer.body, constant(answer)) == (304, b"", EXPECTED)


@pytest.mark.parametrize("kind", ["image/avif", "image/webp", "image/jpeg", "image/svg+xml", "text/css"])
def test_content_hashed_files_are_immutable(site: Site, kind: str) -> None:
    answer = fetch(site.url, file_of(site, kind))

    caching = {part.strip() for part in answer.header("cache-control").split(",")}
    assert {"public", "immutable"} <= caching
    assert any(part.startswith("max-age=3") and len(part) >= len("max-age=31536000") for part in caching)


def test_pages_are_revalidated_and_searches_are_not_stored(site: Site) -> None:
    kept = {path: fetch(site.url, path).header("cache-control") for path in ("/", "/kyphoplasty/", "/search/?q=cement")}

    assert kept == {"/": "no-cache", "/kyphoplasty/": "no-cache", "/search/?q=cement": "no-store"}


def test_no_public_response_sets_a_cookie(site: Site) -> None:
    answers = {**{path: page.answer for path, page in site.pages.items()}, **site.others}
    paths = ["/no-such-page/", "/Kyphoplasty", "/p/222222", "/search/?q=x", "/healthz", "/readyz", "/sitemap.xml"]
    answers |= {path: fetch(site.url, path) for path in paths}
    answers["POST /"] = fetch(site.url, "/", method="POST", headers={"Content-Length": "0"})
    answers["cookies of a neighbour"] = fetch(site.url, "/", headers={"Cookie": "sessionid=x; csrftoken=y"})

    assert [path for path, answer in answers.items() if answer.all("set-cookie")] == []
    assert [path for path, answer in answers.items() if "cookie" in answer.header("vary").lower()] == []


def test_staff_cookies_are_limited_to_admin(site: Site) -> None:
    cookies = fetch(site.url, "/admin/login/").all("set-cookie")

    assert cookies != []
    for cookie in cookies:
        parts = {part.strip().lower() for part in cookie.split(";")}
        assert {"path=/admin/", "httponly", "samesite=lax"} <= parts


@pytest.mark.django_db
def test_withdrawn_page_returns_410_with_the_security_headers(client: Client) -> None:
    make_clinic()
    page = make_page()
    make_public(page)
    withdraw(page, actor=make_user("max"), reason="We no longer do this.")

    response = client.get("/small-cut/")

    assert (response.status_code, {name: response.headers.get(name, "") for name in EXPECTED}) == (410, EXPECTED)
    assert "We no longer do this." in response.text
    assert response.cookies == {}


@pytest.mark.django_db
def test_server_error_has_the_security_headers(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("an unforeseen error")

    monkeypatch.setattr("procedures.views.pages.render_response", broken)
    client.raise_request_exception = False

    response = client.get("/")

    assert (response.status_code, {name: response.headers.get(name, "") for name in EXPECTED}) == (500, EXPECTED)
    assert "Something went wrong on our side" in response.text
    assert "unforeseen" not in response.text
