"""What every public answer has in common: GET and HEAD only, revalidation, compression, no cookie."""

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Concatenate, ParamSpec

import brotli
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

P = ParamSpec("P")
SMALLEST = 600
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: bytes(brotli.compress(body, quality=11)),
    "gzip": lambda body: gzip.compress(body, compresslevel=9, mtime=0),
}


def public(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Decorate a view whose answer is the same for everybody.

    Nothing on these pages is secret, so compressing them leaks nothing; the entity tag is of the bytes that are sent.
    """

    @wraps(view)
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-cache")
        compress(response, request.headers.get("Accept-Encoding", ""))
        if response.status_code == 200:
            etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
            response.headers["ETag"] = etag
            return get_conditional_response(request, etag=etag, response=response) or response
        return response

    return require_safe(answer)


class Packed:
    """Compressed bodies by what they hold: the strongest setting costs 0.1 s a page, so it is paid once a process."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._kept: OrderedDict[tuple[bytes, str], bytes] = OrderedDict()

    def pack(self, body: bytes, encoding: str) -> bytes:
        """``body`` in ``encoding`` (``br`` or ``gzip``)."""
        key = hashlib.sha256(body).digest(), encoding
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        packed = ENCODERS[encoding](body)
        with self._lock:
            self._kept[key] = packed
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return packed


# 512 pages are about 5 MB packed.
_packed = Packed(most=512)


def compress(response: HttpResponse, accepted: str) -> None:
    """Compress the body in place with the best encoding of ``accepted``, an Accept-Encoding header."""
    patch_vary_headers(response, ["Accept-Encoding"])
    if len(response.content) < SMALLEST:
        return
    offered = {part.split(";")[0].strip() for part in accepted.lower().split(",") if not _refused(part)}
    encoding = next((name for name in ENCODERS if name in offered), None)
    if encoding is None:
        return
    response.content = _packed.pack(response.content, encoding)
    response.headers["Content-Encoding"] = encoding
    response.headers["Content-Length"] = str(len(response.content))


def _refused(part: str) -> bool:
    """``gzip;q=0`` and ``gzip;q=0.0`` say no."""
    weight = part.replace(" ", "").partition(";q=")[2]
    return weight.rstrip("0").rstrip(".") == "" and weight != ""
