"""Malformed requests are answered at once, with the right status and the security headers, and never a 500."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from portal.security import SECURITY_HEADERS
from tests.conftest import ServedSite
from tests.views.client import fetch

FORM = (
    b"Content-Type: application/x-www-form-urlencoded\r\n"
    # A well-formed cookie: without one, the CSRF check would fail before reading the body.
    b"Cookie: csrftoken=" + b"a" * 32 + b"; __Host-csrftoken=" + b"a" * 32 + b"\r\n"
)
TIMEOUT_SECONDS = 5


def request(path: bytes, headers: bytes = b"", *, method: bytes = b"GET", host: bytes = b"127.0.0.1") -> bytes:
    """Return the bytes of a request."""
    return method + b" " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + headers + b"\r\n"


def login(length: int, sent: bytes) -> bytes:
    """Return an incomplete login form."""
    return request(b"/admin/login/", FORM + b"Content-Length: %d\r\n" % length, method=b"POST") + sent


def saml_response(length: int) -> bytes:
    """Return an incomplete form from a single sign-on provider, which has no CSRF token."""
    return request(b"/admin/sso/saml/acs/", FORM + b"Content-Length: %d\r\n" % length, method=b"POST") + b"a="


def slow_forms(served_site: ServedSite) -> list[bytes]:
    """Return incomplete forms for each view that reads a body without signing in, and for one that reads none."""
    address = urlsplit(served_site.url).netloc.encode()
    guide = json.loads(fetch(served_site.url, "/connect/guides.json").text)["guides"][0]["id"]
    body = FORM + b"Origin: http://" + address + b"\r\nContent-Length: 1000\r\n"
    paths = [b"/admin/login/", f"/clear/{guide}/".encode(), b"/admin/sso/saml/acs/", b"/kyphoplasty/"]
    return [request(path, body, method=b"POST", host=address) + b"a=" for path in paths]


@contextmanager
def connected(url: str, data: bytes) -> Iterator[socket.socket]:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=TIMEOUT_SECONDS) as client:
        client.sendall(data)
        yield client


def fetch_head(url: str, data: bytes) -> tuple[int, dict[str, str]]:
    """Return status and headers of the response to raw bytes."""
    with connected(url, data) as client:
        received = b""
        while b"\r\n\r\n" not in received:
            part = client.recv(65536)
            assert part, received
            received += part
    first, *lines = received.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return int(first.split()[1]), {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def response_summary(url: str, data: bytes) -> tuple[int, bool]:
    """Return the status, and whether the security headers are present."""
    status, headers = fetch_head(url, data)
    return status, all(headers.get(name.lower()) == value for name, value in SECURITY_HEADERS.items())


HANDLED_BY_DJANGO = {
    "8,000-character path": (request(b"/" + b"a" * 8000), 404),
    "10,000 characters of languages": (request(b"/", b"Accept-Language: " + b"en," * 3333 + b"\r\n"), 200),
    "one language of 10,000 characters": (request(b"/", b"Accept-Language: " + b"e" * 10_000 + b"\r\n"), 200),
    "20,000-character cookie": (request(b"/", b"Cookie: a=" + b"a" * 20_000 + b"\r\n"), 200),
    "4,000 entity tags": (request(b"/", b"If-None-Match: " + b'"a",' * 4000 + b"\r\n"), 200),
    "1,000 ranges": (request(b"/", b"Range: bytes=" + b"0-0," * 1000 + b"0-0\r\n"), 200),
    "30,000-character search": (request(b"/search/?q=" + b"a" * 30_000), 200),
    "2,000 parameters": (request(b"/search/?" + b"&".join(b"a%d=1" % n for n in range(2000))), 400),
    "another host": (request(b"/", host=b"evil.example"), 400),
    "another port and user": (request(b"/", host=b"127.0.0.1@evil.example"), 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "empty host": (request(b"/", host=b""), 400),
    "two hosts": (request(b"/", b"Host: evil.example\r\n"), 400),
    "encoded slashes": (request(b"/%2fkyphoplasty%2f"), 301),
    "zero byte": (request(b"/%00"), 404),
    "zero byte in a search": (request(b"/search/?q=%00%ff"), 200),
    "zero byte in a picture": (request(b"/media/figures/%00.png"), 404),
    "zero byte in a style": (request(b"/static/%00"), 404),
    "bytes that are not text": (request(b"/%ff%fe/"), 404),
    "path traversal out of the pictures": (request(b"/media/..%2f..%2fsecret-key"), 404),
    "path traversal out of the styles": (request(b"/static/../secret-key"), 404),
    "path traversal with backslashes": (request(b"/static/..%5c..%5csecret-key"), 404),
    "code with a zero byte, which redirects to the page of codes": (request(b"/p/%00%0a"), 301),
    "3,000 form fields": (login(12_000, b"&a=1" * 3000), 400),
    "form of 100 GB": (login(10**11, b"a="), 413),
    "form of 65 kB": (login(65_537, b"a="), 413),
    "SAML response of 65 kB": (saml_response(65_537), 413),
    "form for a page": (request(b"/kyphoplasty/", FORM + b"Content-Length: 99999999\r\n", method=b"POST"), 405),
    **{
        f"method {method.decode()}": (request(b"/", method=method), 405)
        for method in (b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"CONNECT", b"PROPFIND", b"FOO")
    },
}
# None of these reach the portal: the server itself responds, without a body.
HANDLED_BY_SERVER = {
    "70,000-character path": (request(b"/" + b"a" * 70_000), {414, 431}),
    "70,000-character header": (request(b"/", b"X-A: " + b"a" * 70_000 + b"\r\n"), {431}),
    "200 headers": (request(b"/", b"".join(b"X-%d: a\r\n" % n for n in range(200))), {431}),
    "line break in the path": (b"GET /a\rb HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    "raw NUL byte": (request(b"/a\x00b"), {400}),
    "another protocol": (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", {400}),
    "unsupported HTTP version": (b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    "negative Content-Length": (request(b"/admin/login/", b"Content-Length: -5\r\n", method=b"POST"), {400}),
    "two lengths": (request(b"/", b"Content-Length: 5\r\nContent-Length: 6\r\n", method=b"POST"), {400}),
    "folded header": (request(b"/", b"X-A: b\r\n c\r\n"), {400}),
}


def test_a_malformed_request_gets_its_status_and_the_security_headers(
    served_site: ServedSite, subtests: pytest.Subtests
) -> None:
    for name in HANDLED_BY_DJANGO:
        with subtests.test(name=name):
            data, status = HANDLED_BY_DJANGO[name]
            begun = time.monotonic()

            assert response_summary(served_site.url, data) == (status, True)
            assert time.monotonic() - begun < TIMEOUT_SECONDS


def test_bytes_that_are_not_http_are_rejected_by_the_server(served_site: ServedSite, subtests: pytest.Subtests) -> None:
    for name in HANDLED_BY_SERVER:
        with subtests.test(name=name):
            data, statuses = HANDLED_BY_SERVER[name]

            assert fetch_head(served_site.url, data)[0] in statuses


def test_a_line_break_in_a_path_adds_no_header(served_site: ServedSite) -> None:
    for path in (
        b"/kyphoplasty%0d%0aSet-Cookie:%20x=1/",
        b"/KYPHOPLASTY%0d%0aSet-Cookie:x=1",
        b"/search/?q=%0d%0aX-A:1",
    ):
        status, headers = fetch_head(served_site.url, request(path))
        assert status in {200, 301, 404}
        assert "set-cookie" not in headers
        assert "x-a" not in headers
        assert "\r" not in headers.get("location", "")


def test_no_redirect_leaves_the_site(served_site: ServedSite) -> None:
    for path in (
        b"//evil.example/",
        b"///evil.example/%2e%2e",
        b"/%5cevil.example/",
        b"/.//evil.example",
        b"http://evil.example/",
    ):
        status, headers = fetch_head(served_site.url, request(path))
        assert status in {200, 301, 404}, path
        location = headers.get("location", "/")
        assert location.startswith("/") and not location.startswith(("//", "/\\")), (path, location)


def test_chunks_with_a_content_length_are_not_two_requests(served_site: ServedSite) -> None:
    smuggled = b"0\r\n\r\nGET /kyphoplasty/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    data = request(b"/", b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % len(smuggled), method=b"POST")
    with connected(served_site.url, data + smuggled) as client:
        client.settimeout(2)
        received = b""
        try:
            while part := client.recv(65536):
                received += part
        except TimeoutError:
            pass
    # RFC 9112 §6.3: Transfer-Encoding takes precedence. What follows is a separate request from the same client.
    assert received.startswith((b"HTTP/1.1 405", b"HTTP/1.1 400"))


@pytest.mark.parametrize("count", [60, 300])
def test_slow_forms_affect_neither_readers_nor_staff(served_site: ServedSite, count: int) -> None:
    slow = []
    try:
        parts, forms = urlsplit(served_site.url), slow_forms(served_site)
        for number in range(count):
            client = socket.create_connection((parts.hostname, parts.port), timeout=TIMEOUT_SECONDS)
            client.sendall(forms[number % len(forms)])
            slow.append(client)
        time.sleep(0.5)
        begun = time.monotonic()
        statuses = [
            fetch(served_site.url, path).status for path in ("/", "/kyphoplasty/", "/search/?q=pain", "/healthz")
        ]
        waited = time.monotonic() - begun
    finally:
        for client in slow:
            client.close()

    assert statuses == [200] * 4
    assert waited < TIMEOUT_SECONDS


def test_a_form_that_does_not_arrive_times_out(served_site: ServedSite) -> None:
    for form, status in zip(slow_forms(served_site), (408, 408, 408, 405), strict=True):
        with connected(served_site.url, form) as client:
            client.settimeout(20)
            assert client.recv(65536).startswith(b"HTTP/1.1 %d " % status)


def test_headers_that_do_not_arrive_time_out(served_site: ServedSite) -> None:
    with connected(served_site.url, b"GET / HTTP/1.1\r\nHost: 127") as client:
        client.settimeout(20)
        begun = time.monotonic()
        assert client.recv(65536)[:12] in {b"", b"HTTP/1.1 408"}
        assert time.monotonic() - begun < 15


def test_the_log_of_these_requests_contains_no_url(served_site: ServedSite) -> None:
    fetch_head(served_site.url, request(b"/codename-of-a-condition/?q=secret"))

    log = served_site.log.read_text()

    assert "Ready: " in log
    assert "codename" not in log
    assert "evil.example" not in log
    assert "responded with 500" not in log
