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

from procedures.links.check import Links
from procedures.models import OutsideLink, Release

PAUSE = 2.0  # seconds between two requests to one host
PATIENCE = 15.0  # seconds for one answer
GONE = frozenset({404, 410})
ASK_AGAIN_WITH_GET = frozenset({400, 403, 404, 405, 501})  # what some servers say to HEAD only


class NotPublicError(Exception):
    """The address lies in a private network: nothing there is asked for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a link answered. ``works`` is None where a server would not tell a program."""

    works: bool | None
    words: str


def outside_links() -> dict[str, list[str]]:
    """Every web address on the public pages that is not ours, with the pages it stands on."""
    found: dict[str, list[str]] = {}
    for path, html in Release.objects.live().values_list("path", "html"):
        page = Links()
        page.feed(html)
        for url in dict.fromkeys(page.outside):
            if not url.startswith(f"{settings.PUBLIC_URL}/"):
                found.setdefault(url, []).append(path)
    return dict(sorted(found.items()))


def ask_all(
    urls: Iterable[str], ask: Callable[[str], Answer] | None = None, pause: float = PAUSE
) -> Iterator[tuple[str, Answer]]:
    """Each address with its answer, one after another, with a pause between two to the same host."""
    last: dict[str, float] = {}
    for url in urls:
        host = urlsplit(url).netloc
        time.sleep(max(0.0, last.get(host, -pause) + pause - time.monotonic()))
        answer = (ask or ask_politely)(url)
        last[host] = time.monotonic()
        yield url, answer


@transaction.atomic
def store(links: dict[str, list[str]], answers: dict[str, Answer]) -> None:
    """Remember what each link answered and since when it is broken; forget links that no page has any more."""
    now = timezone.now()
    known = {row.url: row for row in OutsideLink.objects.select_for_update()}
    for url, answer in answers.items():
        row = known.get(url) or OutsideLink(url=url)
        row.pages, row.answer, row.checked_at = links[url], answer.words[:120], now
        if answer.works is not None:
            row.broken_since = None if answer.works else row.broken_since or now
        row.save()
    OutsideLink.objects.exclude(url__in=links).delete()


class _OnlyPublicWeb(HTTPRedirectHandler):
    """Follows a redirect only to where a link may lead, too."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        must_be_public(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def must_be_public(url: str) -> None:
    """Raises NotPublicError for what is not a web address in the public Internet, OSError where no such host is."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise NotPublicError("no web address")
    for *_, address in socket.getaddrinfo(parts.hostname, parts.port or parts.scheme, type=socket.SOCK_STREAM):
        if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global:
            raise NotPublicError("an address inside a private network; not asked")


def ask_politely(url: str) -> Answer:
    """HEAD, and GET of the first bytes where a server knows no HEAD. Never raises for what the other side does."""
    try:
        must_be_public(url)
        status = _status(url, "HEAD")
        if status in ASK_AGAIN_WITH_GET:
            status = _status(url, "GET")
    except NotPublicError as error:
        return Answer(False, str(error))
    except TimeoutError:
        return Answer(False, f"no answer within {PATIENCE:.0f} seconds")
    except (OSError, HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        return Answer(False, f"no connection: {reason}")
    if status in GONE:
        return Answer(False, f"answers {status}: the page is gone")
    return (
        Answer(True, f"answers {status}")
        if status < 400
        else Answer(None, f"answers {status} to a program; look yourself")
    )


def _status(url: str, method: str) -> int:
    headers = {"User-Agent": f"Plainspine link check (+{settings.PUBLIC_URL}/)", "Range": "bytes=0-1023"}
    request = Request(url, method=method, headers=headers)  # noqa: S310 -- must_be_public has seen the scheme
    try:
        with build_opener(_OnlyPublicWeb).open(request, timeout=PATIENCE) as response:
            return int(response.status)
    except HTTPError as error:
        error.close()
        return error.code
