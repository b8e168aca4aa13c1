"""What every public answer has in common: GET and HEAD only, revalidation, compression, no cookie."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from portal.published.http_encoding import MIN_COMPRESS_BYTES, compress, make_etag, negotiate_encoding

P = ParamSpec("P")
CACHE_CONTROL_REVALIDATE = "no-cache"
# Where a view's answer waits, whole and as it is, for the snapshots (application.py).
CACHEABLE_BODY_KEY = "portal.cacheable_body"


class CacheableResponse(HttpResponse):
    """An answer that may become a snapshot though it is not a page: 301 or 410 of an address that has a row.

    Other redirects depend on what was typed, and there is no end to what can be typed.
    """


def cacheable(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Decorate a view whose answer is the same for everybody. A 200 without Cache-Control may become a snapshot."""

    @wraps(view)
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        # Other programs on this host may use cookies of these names: then, too, none is read and none is set.
        vars(request).pop("session", None)
        request.META.pop("CSRF_COOKIE_NEEDS_UPDATE", None)
        response = view(request, *args, **kwargs)
        keep = isinstance(response, CacheableResponse) or (
            response.status_code == 200 and not response.has_header("Cache-Control")
        )
        response.headers.setdefault("Cache-Control", CACHE_CONTROL_REVALIDATE)
        if keep:
            request.META[CACHEABLE_BODY_KEY] = response.content
        etag = encode_response(response, request.headers.get("Accept-Encoding", ""))
        if response.status_code != 200:
            return response
        response.headers["ETag"] = etag
        return get_conditional_response(request, etag=etag, response=response) or response

    # There is no form to protect: without the exemption a POST would answer 403, which says "you may not", not 405.
    return csrf_exempt(require_safe(answer))


def encode_response(response: HttpResponse, accept_encoding: str) -> str:
    """Give the response its body in the best encoding of ``accepted``; returns the entity tag."""
    patch_vary_headers(response, ["Accept-Encoding"])
    encoding = negotiate_encoding(accept_encoding) if len(response.content) >= MIN_COMPRESS_BYTES else ""
    if encoding:
        response.content = compress(response.content, encoding)
        response.headers["Content-Encoding"] = encoding
        response.headers["Content-Length"] = str(len(response.content))
    return make_etag(response.content)
