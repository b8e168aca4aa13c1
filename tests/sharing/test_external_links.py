"""Check of external links: slow, only on request; a refused request does not count as a broken link."""

import datetime
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from procedures.models import ExternalLink, Source
from procedures.sharing import link_check
from procedures.sharing.link_check import (
    LinkStatus,
    check_external_link,
    check_external_links,
    find_external_links,
    find_public_addresses,
    save_results,
)
from tests.factories import make_clinic, make_figure, make_page, make_public, make_source


class Other(BaseHTTPRequestHandler):
    """Another site, with a page for every kind of response."""

    asked: list[tuple[str, str, str]] = []

    def _answer(self) -> None:
        self.asked.append((self.command, self.path, self.headers["User-Agent"]))
        status = {"/ok": 200, "/gone": 404, "/closed": 403, "/away": 302, "/inside": 302}.get(self.path, 500)
        if self.path == "/get-only":
            status = 405 if self.command == "HEAD" else 200
        self.send_response(status)
        if self.path == "/away":
            self.send_header("Location", "/ok")
        if self.path == "/inside":
            self.send_header("Location", "http://10.0.0.1/secret")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = _answer  # noqa: N815 -- the names that http.server asks for

    def log_message(self, *args: object) -> None:
        """Log nothing."""


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A site on this machine that is treated as public."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Other.asked = []

    def treat_loopback_as_public(host: str, port: int | str) -> list[str]:
        return [host] if host == "127.0.0.1" else find_public_addresses(host, port)

    monkeypatch.setattr(link_check, "find_public_addresses", treat_loopback_as_public)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "works", "words"),
    [
        ("/ok", True, "status 200"),
        ("/away", True, "status 200"),
        ("/get-only", True, "status 200"),
        ("/gone", False, "status 404: the page is gone"),
        ("/closed", None, "status 403 for an automated request; check the link in a browser"),
        ("/broken", None, "status 500 for an automated request; check the link in a browser"),
        ("/inside", False, "an address in a private network; not checked"),
    ],
)
def test_each_kind_of_answer(other: str, path: str, works: bool | None, words: str) -> None:
    assert check_external_link(f"{other}{path}") == LinkStatus(works, words)


def test_requests_identify_the_portal_and_use_get_only_if_necessary(other: str) -> None:
    check_external_link(f"{other}/ok")
    check_external_link(f"{other}/get-only")

    assert [(method, path) for method, path, _ in Other.asked] == [
        ("HEAD", "/ok"),
        ("HEAD", "/get-only"),
        ("GET", "/get-only"),
    ]
    assert all(agent.startswith("Plainspine link check (+http") for *_, agent in Other.asked)


def test_nothing_inside_a_private_network_is_requested(subtests: pytest.Subtests) -> None:
    for url in [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://",
    ]:
        with subtests.test(url=url):
            answer = check_external_link(url)

            assert answer.is_working is False
            assert "not checked" in answer.message


def test_a_host_name_that_resolves_to_a_private_address_after_the_check_is_not_requested(
    other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(other.rpartition(":")[2])
    lookups: list[str] = []

    def rebind(host: str, *_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        lookups.append(host)
        address = "93.184.215.14" if len(lookups) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port))]

    monkeypatch.setattr(link_check, "find_public_addresses", find_public_addresses)
    monkeypatch.setattr(link_check.socket, "getaddrinfo", rebind)
    result = check_external_link(f"http://rebind.example:{port}/ok")

    assert result == LinkStatus(False, "an address in a private network; not checked")
    assert lookups == ["rebind.example", "rebind.example"]
    assert Other.asked == []


def test_an_https_url_is_requested_at_the_checked_address_under_its_host_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate = tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=linked.example",
         "-addext", "subjectAltName=DNS:linked.example", "-keyout", certificate, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    server = ThreadingHTTPServer(("127.0.0.1", 0), Other)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(link_check, "find_public_addresses", lambda host, port: ["127.0.0.1"])
    trusting = ssl.create_default_context(cafile=certificate)
    url = f"https://linked.example:{server.server_port}/ok"
    refused = check_external_link(url)
    monkeypatch.setattr(link_check.ssl, "create_default_context", lambda: trusting)
    accepted = check_external_link(url)
    other_name = check_external_link(url.replace("linked", "other"))
    server.shutdown()
    server.server_close()

    assert accepted == LinkStatus(True, "status 200")
    for result in (refused, other_name):
        assert result.is_working is False
        assert "certificate verify failed" in result.message


def test_a_proxy_in_the_private_network_is_used(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", other)
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr(link_check, "find_public_addresses", lambda host, port: ["93.184.215.14"])

    assert check_external_link("http://linked.example/ok").message.startswith("status ")
    assert [path for _, path, _ in Other.asked][:1] == ["http://linked.example/ok"]


def test_a_closed_port_is_a_broken_link(monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        answer = check_external_link(f"http://127.0.0.1:{closed.getsockname()[1]}/")

    assert answer.is_working is False
    assert answer.message.startswith("no connection")


def test_requests_to_one_host_are_delayed(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(link_check.time, "sleep", waited.append)
    urls = ["https://a.example/1", "https://b.example/1", "https://a.example/2"]

    found = dict(check_external_links(urls, check=lambda url: LinkStatus(True, url), delay=2.0))

    assert list(found) == urls
    assert [round(seconds) for seconds in waited] == [0, 0, 2]


@pytest.fixture
def links(db: None) -> dict[str, list[str]]:
    make_clinic()
    make_figure(size=(48, 48))
    make_source(url="https://nice.example/guide")
    make_public(make_page())
    return find_external_links()


def test_external_links_are_listed_with_their_pages(links: dict[str, list[str]]) -> None:
    assert links == {"https://nice.example/guide": ["/contact/", "/small-cut/"]} or links == {
        "https://nice.example/guide": ["/small-cut/", "/contact/"]
    }


def test_broken_since_is_kept_until_the_link_works_again(
    links: dict[str, list[str]],
) -> None:
    (url,) = links
    save_results(links, {url: LinkStatus(False, "status 404: the page is gone")})
    since = ExternalLink.objects.get().broken_since
    save_results(links, {url: LinkStatus(False, "no connection")})
    assert ExternalLink.objects.broken().get().broken_since == since
    assert since is not None
    assert timezone.now() - since < datetime.timedelta(minutes=1)

    save_results(links, {url: LinkStatus(None, "status 403")})
    assert ExternalLink.objects.broken().exists(), "an unknown status keeps the link broken"
    save_results(links, {url: LinkStatus(True, "status 200")})
    assert not ExternalLink.objects.broken().exists()
    save_results({}, {})
    assert not ExternalLink.objects.exists()


def test_the_command_requests_external_links_only_with_the_option_and_reports_broken_ones(
    links: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_source("dead", url="https://dead.example/")
    Source.objects.get(key="dead")
    page = make_page("more", body=make_page("other").body.replace("[@nice]", "[@nice] [@dead]"))
    make_public(page)
    answers = {
        "https://nice.example/guide": LinkStatus(True, "status 200"),
        "https://dead.example/": LinkStatus(False, "gone"),
    }
    monkeypatch.setattr(link_check, "check_external_link", answers.__getitem__)
    monkeypatch.setattr(link_check.time, "sleep", lambda seconds: None)

    call_command("check_links", stdout=StringIO())
    assert not ExternalLink.objects.exists()
    with pytest.raises(CommandError, match="https://dead.example/: gone"):
        call_command("check_links", "--external", stdout=StringIO())
    assert [link.url for link in ExternalLink.objects.broken()] == ["https://dead.example/"]


def test_without_internet_access_no_link_is_stored_as_broken(
    links: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_check, "check_external_link", lambda url: LinkStatus(False, "no connection"))

    with pytest.raises(CommandError, match="Does this machine have Internet access"):
        call_command("check_links", "--external", stdout=StringIO())
    assert not ExternalLink.objects.exists()
