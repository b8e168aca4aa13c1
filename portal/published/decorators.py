"""The ``cacheable`` decorator for public views: GET and HEAD only, revalidation, compression, no cookies."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from portal.http import encode_response

P = ParamSpec("P")
# Of all responses that may be published as a file, and only of those (builder.py).
CACHE_CONTROL_REVALIDATE = "no-cache"


def cacheable(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Decorate a view whose response is the same for everyone."""

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        # Other software on this host may use cookies of the same names: do not read or set them here.
        vars(request).pop("session", None)
        request.META.pop("CSRF_COOKIE_NEEDS_UPDATE", None)
        response = view(request, *args, **kwargs)
        response.headers.setdefault("Cache-Control", CACHE_CONTROL_REVALIDATE)
        etag = encode_response(response, request.headers.get("Accept-Encoding", ""))
        if response.status_code != 200:
            return response
        response.headers["ETag"] = etag
        return get_conditional_response(request, etag=etag, response=response) or response

    # Without the exemption, a POST would get 403 from the CSRF check instead of 405.
    return csrf_exempt(require_safe(wrapper))
