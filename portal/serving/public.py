"""What every public answer has in common: GET and HEAD only, revalidation, compression, no cookie."""

import gzip
import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import brotli
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

P = ParamSpec("P")
SMALLEST = 600


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
        _compress(response, request.headers.get("Accept-Encoding", ""))
        if response.status_code == 200:
            etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
            response.headers["ETag"] = etag
            return get_conditional_response(request, etag=etag, response=response) or response
        return response

    return require_safe(answer)


def _compress(response: HttpResponse, accepted: str) -> None:
    patch_vary_headers(response, ["Accept-Encoding"])
    if len(response.content) < SMALLEST:
        return
    offered = {part.split(";")[0].strip() for part in accepted.lower().split(",") if "q=0" not in part.replace(" ", "")}
    if "br" in offered:
        response.content = brotli.compress(response.content, quality=5)
        response.headers["Content-Encoding"] = "br"
    elif "gzip" in offered:
        response.content = gzip.compress(response.content, compresslevel=6, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
    else:
        return
    response.headers["Content-Length"] = str(len(response.content))
