"""Check of the links to other sites. It runs only on request, and never sends two requests to a host at once."""

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from procedures.models import ExternalLink, Release
from procedures.rendering import released_document

DELAY_SECONDS = 2.0  # between two requests to one host
TIMEOUT_SECONDS = 15.0
GONE_STATUSES = frozenset({404, 410})
RETRY_WITH_GET_STATUSES = frozenset({400, 403, 404, 405, 501})  # some servers return these for HEAD only
MAX_RESULT_LENGTH = 120


class PrivateAddressError(Exception):
    """The URL is not a public web address, so it must not be requested."""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """Result of checking a link. ``is_working`` is None if the server refused to answer a program."""

    is_working: bool | None
    message: str


def find_external_links() -> dict[str, list[str]]:
    """Return every external URL on public pages, sorted, with the paths of the pages that link to it."""
    links: dict[str, list[str]] = {}
    for release in Release.objects.live().select_related("page", "revision").defer("html"):
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
    """Store the result of each link and since when it has been broken; delete links that no page has any longer.

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


def require_public_url(url: str) -> None:
    """Raise PrivateAddressError unless the URL is a public web address, and OSError if its host does not exist."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise PrivateAddressError("not a web address; not checked")
    for *_, address in socket.getaddrinfo(parts.hostname, parts.port or parts.scheme, type=socket.SOCK_STREAM):
        if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global:
            raise PrivateAddressError("an address in a private network; not checked")


def check_external_link(url: str) -> LinkStatus:
    """Request a URL with HEAD, or with GET of the first bytes if the server does not support HEAD.

    Never raises for what the other side does.
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
        return LinkStatus(None, f"status {status} for a program; check it in a browser")
    return LinkStatus(True, f"status {status}")


def _fetch_status(url: str, method: str) -> int:
    headers = {"User-Agent": f"Plainspine link check (+{settings.PUBLIC_URL}/)", "Range": "bytes=0-1023"}
    request = Request(url, method=method, headers=headers)  # noqa: S310 -- require_public_url checks the scheme
    try:
        with build_opener(_PublicRedirectHandler).open(request, timeout=TIMEOUT_SECONDS) as response:
            return int(response.status)
    except HTTPError as error:
        error.close()
        return error.code
