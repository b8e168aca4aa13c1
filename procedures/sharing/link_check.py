"""Check that every address that was ever public, and every link on a public page, still works.

Links to other sites are checked only on request, with never more than one request to a host at a time.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse, HTTPSConnection
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from procedures import languages
from procedures.models import ExternalLink, Page, Path, Release
from procedures.rendering import released_document
from procedures.rendering.document import Document
from procedures.rendering.parser import GENERATED_ANCHOR
from procedures.sharing.short_codes import is_valid_code

DELAY_SECONDS = 2.0  # between two requests to one host
TIMEOUT_SECONDS = 15.0
GONE_STATUSES = frozenset({404, 410})
RETRY_WITH_GET_STATUSES = frozenset({400, 403, 404, 405, 501})  # some servers return these for HEAD only
MAX_RESULT_LENGTH = 120
HOME_PATHS = frozenset(map(languages.home_path, languages.CODES))


def find_broken_addresses() -> Iterator[str]:
    """Yield one message for each broken path, short code, link, or anchor."""
    current_paths = {}
    for path in Path.objects.select_related("page__live_release"):
        live_release = path.page.live_release
        # A link to a withdrawn page works: readers see why it was withdrawn.
        current_paths[path.path] = live_release.path if live_release else path.path
        if path.is_canonical and live_release and live_release.path != path.path:
            yield f"{path.path}: is canonical, but its page is published at {live_release.path}"
    live = list(Release.objects.live().select_related("page", "revision").defer("html", "sections"))
    for release in live:
        if release.path not in current_paths:
            yield f"{release.path}: is public, but has no Path row"
    for code in Page.objects.values_list("code", flat=True):
        if not is_valid_code(code):
            yield f"code {code}: its check character is wrong"
    documents = {release.path: released_document(release) for release in live}
    yield from (f"{path}: {message}" for path, _, message in find_broken_links(documents, current_paths))
    yield from _find_lost_sections({release.page_id: documents[release.path].anchors() for release in live})


def find_broken_links(
    documents: Mapping[str, Document], current_paths: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Yield each link within the site that leads nowhere: the path of its page, the link, and a message.

    ``documents``: the public pages by path. ``current_paths``: the path that each other path redirects to, or is.
    """
    anchors = {path: document.anchors() for path, document in documents.items()}
    for path, document in documents.items():
        for link in dict.fromkeys(document.links()):
            if not link.startswith(("/", "#")):
                continue
            target, _, anchor = link.partition("#")
            if target and GENERATED_ANCHOR.match(anchor):
                # Checked when the link was published. If the entry has disappeared since then, the link still opens the
                # index.
                anchor = ""
            page = current_paths.get(target) if target else path
            if page is None and target not in HOME_PATHS:
                yield path, link, f"a link points to {link}, which is not public; fix the link or publish that page"
            elif anchor and page in anchors and anchor not in anchors[page]:
                yield path, link, f"a link points to {link}, but that page has no such section; fix the link"


def _find_lost_sections(live_anchors: dict[int, set[str]]) -> Iterator[str]:
    """Yield a message for each section anchor of an earlier release that the live page no longer has.

    Generated anchors are exempt: an index lists only what exists, so the entry of a withdrawn picture disappears.
    """
    releases = Release.objects.filter(page__in=live_anchors).values_list("page", "number", "sections")
    for page_id, number, sections in releases:
        lost = {section["anchor"] for section in sections} - live_anchors[page_id] - {""}
        for anchor in sorted(anchor for anchor in lost if not GENERATED_ANCHOR.match(anchor)):
            yield f"release {number} of page {page_id}: its section #{anchor} is no longer on the live page"


class PrivateAddressError(Exception):
    """The URL is not a public web address, so it must not be requested."""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """Result of checking a link. ``is_working`` is None if the server rejects automated requests."""

    is_working: bool | None
    message: str


def find_external_links() -> dict[str, list[str]]:
    """Return every external URL on public pages, sorted, with the paths of the pages that link to it."""
    links: dict[str, list[str]] = {}
    for release in Release.objects.live().select_related("page", "revision").defer("html", "sections"):
        for url in dict.fromkeys(released_document(release).links()):
            if url.startswith(("https:", "http:")) and not url.startswith(f"{settings.PUBLIC_URL}/"):
                links.setdefault(url, []).append(release.path)
    return dict(sorted(links.items()))


def check_external_links(
    urls: Iterable[str], check: Callable[[str], LinkStatus] | None = None, delay: float = DELAY_SECONDS
) -> Iterator[tuple[str, LinkStatus]]:
    """Yield each URL with its status, one after another, with ``delay`` seconds between requests to one host."""
    last_request: dict[str, float] = {}
    for url in urls:
        host = urlsplit(url).netloc
        time.sleep(max(0.0, last_request.get(host, -delay) + delay - time.monotonic()))
        status = (check or check_external_link)(url)
        last_request[host] = time.monotonic()
        yield url, status


@transaction.atomic
def save_results(links: dict[str, list[str]], results: dict[str, LinkStatus]) -> None:
    """Store the result of each link and the time since which it has been broken.

    Delete links that no page contains any longer.

    A result of None for ``is_working`` leaves ``broken_since`` as it was.
    """
    now = timezone.now()
    known = {link.url: link for link in ExternalLink.objects.select_for_update()}
    for url, status in results.items():
        link = known.get(url) or ExternalLink(url=url)
        link.pages, link.last_result, link.checked_at = links[url], status.message[:MAX_RESULT_LENGTH], now
        if status.is_working is not None:
            link.broken_since = None if status.is_working else link.broken_since or now
        link.save()
    ExternalLink.objects.exclude(url__in=links).delete()


class _PublicRedirectHandler(HTTPRedirectHandler):
    """Redirect handler that applies ``require_public_url`` to every redirect."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        require_public_url(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _PublicHTTPConnection(HTTPConnection):
    """Connects to the addresses that were checked: a second lookup of the host name could return a private one."""

    def connect(self) -> None:
        errors: list[OSError] = []
        for address in find_public_addresses(self.host, self.port):
            try:
                self.sock = socket.create_connection((address, self.port), self.timeout)
            except OSError as error:
                errors.append(error)
            else:
                return
        raise errors[0]


class _PublicHTTPSConnection(HTTPSConnection, _PublicHTTPConnection):
    """Adds TLS to a connection to a checked address. The certificate must be valid for the host name."""


class _PublicHTTPHandler(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(HTTPConnection if _uses_proxy(req) else _PublicHTTPConnection, req)


class _PublicHTTPSHandler(HTTPSHandler):
    def https_open(self, req: Request) -> HTTPResponse:
        connection = HTTPSConnection if _uses_proxy(req) else _PublicHTTPSConnection
        return self.do_open(connection, req, context=ssl.create_default_context())


def _uses_proxy(request: Request) -> bool:
    """Return whether a proxy, usually in the private network, makes the connection."""
    return request.host != urlsplit(request.full_url).netloc


def require_public_url(url: str) -> None:
    """Raise PrivateAddressError unless the URL is a public web address, and OSError if its host does not exist."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise PrivateAddressError("not a web address; not checked")
    find_public_addresses(parts.hostname, parts.port or parts.scheme)


def find_public_addresses(host: str, port: int | str) -> list[str]:
    """Return the IP addresses of a host.

    Raise PrivateAddressError if one of them is not public, and OSError if there are none.
    """
    addresses = [str(address[0]) for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not all(ipaddress.ip_address(address.partition("%")[0]).is_global for address in addresses):
        raise PrivateAddressError("an address in a private network; not checked")
    return addresses


def check_external_link(url: str) -> LinkStatus:
    """Request a URL with HEAD, or with GET of the first bytes if the server does not support HEAD.

    Never raises, whatever the remote server does.
    """
    try:
        require_public_url(url)
        status = _fetch_status(url, "HEAD")
        if status in RETRY_WITH_GET_STATUSES:
            status = _fetch_status(url, "GET")
    except PrivateAddressError as error:
        return LinkStatus(False, str(error))
    except TimeoutError:
        return LinkStatus(False, f"no response within {TIMEOUT_SECONDS:.0f} seconds")
    except (OSError, HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        return LinkStatus(False, f"no connection: {reason}")
    if status in GONE_STATUSES:
        return LinkStatus(False, f"status {status}: the page is gone")
    if status >= 400:
        return LinkStatus(None, f"status {status} for an automated request; check the link in a browser")
    return LinkStatus(True, f"status {status}")


def _fetch_status(url: str, method: str) -> int:
    headers = {"User-Agent": f"Plainspine link check (+{settings.PUBLIC_URL}/)", "Range": "bytes=0-1023"}
    request = Request(url, method=method, headers=headers)  # noqa: S310 -- require_public_url checks the scheme
    try:
        with build_opener(_PublicHTTPHandler, _PublicHTTPSHandler, _PublicRedirectHandler).open(
            request, timeout=TIMEOUT_SECONDS
        ) as response:
            return int(response.status)
    except HTTPError as error:
        error.close()
        return error.code
