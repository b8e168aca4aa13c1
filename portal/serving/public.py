"""What every public answer has in common: GET and HEAD only, revalidation, compression, no cookie."""

import gzip
import hashlib
from collections.abc import Callable
from functools import cached_property, wraps
from typing import Concatenate, ParamSpec

import brotli
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

P = ParamSpec("P")
SMALLEST = 600
REVALIDATE = "no-cache"


class Body:
    """A body in every encoding, each made once, with its strong entity tag.

    Nothing on public pages is secret, so compressing them leaks nothing.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @cached_property
    def br(self) -> tuple[str, bytes, str]:
        """Brotli at its strongest: 0.1 s for a page, paid once."""
        return _sent("br", brotli.compress(self.raw, quality=11))

    @cached_property
    def gzip(self) -> tuple[str, bytes, str]:
        """For what does not know Brotli."""
        return _sent("gzip", gzip.compress(self.raw, compresslevel=9, mtime=0))

    @cached_property
    def identity(self) -> tuple[str, bytes, str]:
        """As it is."""
        return _sent("", self.raw)

    def best(self, accepted: str) -> tuple[str, bytes, str]:
        """Encoding (empty for none), bytes and entity tag for an Accept-Encoding header."""
        if len(self.raw) < SMALLEST:
            return self.identity
        offered = {part.split(";")[0].strip() for part in accepted.lower().split(",") if not _refused(part)}
        if "br" in offered:
            return self.br
        return self.gzip if "gzip" in offered else self.identity


def _sent(encoding: str, content: bytes) -> tuple[str, bytes, str]:
    return encoding, content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _refused(part: str) -> bool:
    """``gzip;q=0`` and ``gzip;q=0.0`` say no."""
    weight = part.replace(" ", "").partition(";q=")[2]
    return weight != "" and weight.strip("0.") == ""


def public(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Decorate a view whose answer is the same for everybody. A 200 without Cache-Control may become a snapshot."""

    @wraps(view)
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        # Other programs on this host may use cookies of these names: then, too, none is read and none is set.
        vars(request).pop("session", None)
        request.META.pop("CSRF_COOKIE_NEEDS_UPDATE", None)
        response = view(request, *args, **kwargs)
        body = Body(response.content)
        etag = encode(response, body, request.headers.get("Accept-Encoding", ""))
        keep = response.status_code == 200 and not response.has_header("Cache-Control")
        response.headers.setdefault("Cache-Control", REVALIDATE)
        if response.status_code != 200:
            return response
        if keep:
            request.META["portal.public_body"] = body
        response.headers["ETag"] = etag
        return get_conditional_response(request, etag=etag, response=response) or response

    # There is no form to protect: without the exemption a POST would answer 403, which says "you may not", not 405.
    return csrf_exempt(require_safe(answer))


def encode(response: HttpResponse, body: Body, accepted: str) -> str:
    """Give the response its body in the best encoding of ``accepted``; returns the entity tag."""
    patch_vary_headers(response, ["Accept-Encoding"])
    encoding, content, etag = body.best(accepted)
    if encoding:
        response.content = content
        response.headers["Content-Encoding"] = encoding
        response.headers["Content-Length"] = str(len(content))
    return etag
