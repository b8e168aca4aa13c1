"""The ``cacheable`` decorator for public views: GET and HEAD only, revalidation, compression, no cookies."""

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
# The key in request.META under which PublishedPages finds the complete, uncompressed body of a cacheable response.
CACHEABLE_BODY_KEY = "portal.cacheable_body"


class CacheableResponse(HttpResponse):
    """A cacheable response other than 200: the 301 or 410 of a path that has a database row.

    Other redirects repair misspelled paths. They are not stored, because there is no limit to their number.
    """


def cacheable(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Decorate a view whose response is the same for everyone.

    A 200 without its own Cache-Control, and a CacheableResponse, may be stored and served to others.
    """

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        # Other software on this host may use cookies of the same names: do not read or set them here.
        vars(request).pop("session", None)
        request.META.pop("CSRF_COOKIE_NEEDS_UPDATE", None)
        response = view(request, *args, **kwargs)
        is_storable = isinstance(response, CacheableResponse) or (
            response.status_code == 200 and not response.has_header("Cache-Control")
        )
        response.headers.setdefault("Cache-Control", CACHE_CONTROL_REVALIDATE)
        if is_storable:
            request.META[CACHEABLE_BODY_KEY] = response.content
        etag = encode_response(response, request.headers.get("Accept-Encoding", ""))
        if response.status_code != 200:
            return response
        response.headers["ETag"] = etag
        return get_conditional_response(request, etag=etag, response=response) or response

    # Without the exemption, a POST would get 403 from the CSRF check instead of 405.
    return csrf_exempt(require_safe(wrapper))


def encode_response(response: HttpResponse, accept_encoding: str) -> str:
    """Compress the body of a response with the best encoding that the client accepts; return its ETag."""
    patch_vary_headers(response, ["Accept-Encoding"])
    encoding = negotiate_encoding(accept_encoding) if len(response.content) >= MIN_COMPRESS_BYTES else ""
    if encoding:
        response.content = compress(response.content, encoding)
        response.headers["Content-Encoding"] = encoding
        response.headers["Content-Length"] = str(len(response.content))
    return make_etag(response.content)
