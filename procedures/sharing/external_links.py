"""Do the links to other sites still lead somewhere? Asked for on request only, slowly and politely."""

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
from procedures.sharing.link_check import LinkParser

DELAY_SECONDS = 2.0  # seconds between two requests to one host
TIMEOUT_SECONDS = 15.0  # seconds for one answer
GONE_STATUSES = frozenset({404, 410})
RETRY_WITH_GET_STATUSES = frozenset({400, 403, 404, 405, 501})  # what some servers say to HEAD only


class PrivateAddressError(Exception):
    """The address lies in a private network: nothing there is asked for."""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """What a link answered. ``works`` is None where a server would not tell a program."""

    is_working: bool | None
    message: str


def find_external_links() -> dict[str, list[str]]:
    """Every web address on the public pages that is not ours, with the pages it stands on."""
    found: dict[str, list[str]] = {}
    for path, html in Release.objects.live().values_list("path", "html"):
        page = LinkParser()
        page.feed(html)
        for url in dict.fromkeys(page.external_links):
            if not url.startswith(f"{settings.PUBLIC_URL}/"):
                found.setdefault(url, []).append(path)
    return dict(sorted(found.items()))


def check_external_links(
    urls: Iterable[str], check: Callable[[str], LinkStatus] | None = None, delay: float = DELAY_SECONDS
) -> Iterator[tuple[str, LinkStatus]]:
    """Each address with its answer, one after another, with a pause between two to the same host."""
    last: dict[str, float] = {}
    for url in urls:
        host = urlsplit(url).netloc
        time.sleep(max(0.0, last.get(host, -delay) + delay - time.monotonic()))
        answer = (check or check_external_link)(url)
        last[host] = time.monotonic()
        yield url, answer


@transaction.atomic
def save_results(links: dict[str, list[str]], results: dict[str, LinkStatus]) -> None:
    """Remember what each link answered and since when it is broken; forget links that no page has any more."""
    now = timezone.now()
    known = {row.url: row for row in ExternalLink.objects.select_for_update()}
    for url, answer in results.items():
        row = known.get(url) or ExternalLink(url=url)
        row.pages, row.last_result, row.checked_at = links[url], answer.message[:120], now
        if answer.is_working is not None:
            row.broken_since = None if answer.is_working else row.broken_since or now
        row.save()
    ExternalLink.objects.exclude(url__in=links).delete()


class _PublicRedirectHandler(HTTPRedirectHandler):
    """Follows a redirect only to where a link may lead, too."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        require_public_url(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def require_public_url(url: str) -> None:
    """Raises NotPublicError for what is not a web address in the public Internet, OSError where no such host is."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise PrivateAddressError("no web address")
    for *_, address in socket.getaddrinfo(parts.hostname, parts.port or parts.scheme, type=socket.SOCK_STREAM):
        if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global:
            raise PrivateAddressError("an address inside a private network; not asked")


def check_external_link(url: str) -> LinkStatus:
    """HEAD, and GET of the first bytes where a server knows no HEAD. Never raises for what the other side does."""
    try:
        require_public_url(url)
        status = _fetch_status(url, "HEAD")
        if status in RETRY_WITH_GET_STATUSES:
            status = _fetch_status(url, "GET")
    except PrivateAddressError as error:
        return LinkStatus(False, str(error))
    except TimeoutError:
        return LinkStatus(False, f"no answer within {TIMEOUT_SECONDS:.0f} seconds")
    except (OSError, HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        return LinkStatus(False, f"no connection: {reason}")
    if status in GONE_STATUSES:
        return LinkStatus(False, f"answers {status}: the page is gone")
    return (
        LinkStatus(True, f"answers {status}")
        if status < 400
        else LinkStatus(None, f"answers {status} to a program; look yourself")
    )


def _fetch_status(url: str, method: str) -> int:
    headers = {"User-Agent": f"Plainspine link check (+{settings.PUBLIC_URL}/)", "Range": "bytes=0-1023"}
    request = Request(url, method=method, headers=headers)  # noqa: S310 -- must_be_public has seen the scheme
    try:
        with build_opener(_PublicRedirectHandler).open(request, timeout=TIMEOUT_SECONDS) as response:
            return int(response.status)
    except HTTPError as error:
        error.close()
        return error.code
