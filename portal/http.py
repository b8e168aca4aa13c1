"""HTTP helpers: content encodings, ETags, conditional requests, tracking parameters, in-process requests, and the
decorator of public views.

Zstandard is not offered: for pages of this size, Brotli is smaller, and browsers that support Zstandard support Brotli.
"""

import gzip
import hashlib
from collections.abc import Callable, Mapping
from functools import wraps
from io import BytesIO
from typing import Any, cast
from urllib.parse import parse_qsl

import brotli
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import parse_etags
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

Fetch = Callable[[str], Any]

# Shorter bodies would grow when compressed, or fit in one packet anyway.
MIN_COMPRESS_BYTES = 600
# (Brotli, gzip) compression levels. For a typical page, FAST takes 1 ms; BEST takes 60 ms and saves another eighth of
# the bytes.
FAST, BEST = (5, 6), (11, 9)
# File name suffix for each encoding.
SUFFIXES = {"": "", "br": ".br", "gzip": ".gz"}
# Longer than anything a browser sends.
MAX_ACCEPT_ENCODING_LENGTH = 200

# Everything below it is for staff.
ADMIN_PREFIX = "/admin/"
# For stored files: scripts in them do not run.
SANDBOX_POLICY = "default-src 'none'; sandbox"
TRACKING_PREFIXES = ("utm_", "mc_", "pk_", "hsa_")
TRACKING_PARAMS = frozenset({"fbclid", "gclid", "msclkid", "dclid", "yclid", "igshid", "mkt_tok", "_hsenc", "_hsmi"})
# The Cache-Control of every response that may be published as a file, and of no other (portal/published/builder.py).
CACHE_CONTROL_REVALIDATE = "no-cache"


def is_staff_path(request: HttpRequest) -> bool:
    """Return whether a request is for a screen of the staff."""
    return request.path_info.startswith(ADMIN_PREFIX)


def get_content_length(request: HttpRequest) -> int:
    """Return the size of a request's body in bytes, as the client declared it."""
    return int(request.META.get("CONTENT_LENGTH") or 0)


def wants_json(request: HttpRequest) -> bool:
    """Return whether a script sent the request."""
    return request.headers.get("Accept", "") == "application/json"


def reads_no_anonymous_body(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Decorate a view that reads no body, or none before it has checked the user and the size.

    It is exempt from the CSRF check, which would read the body, and from the limits of BodyLimitMiddleware.
    """
    exempt: Any = csrf_exempt(view)
    exempt.reads_no_anonymous_body = True
    return cast("Callable[..., HttpResponseBase]", exempt)


def responds_with_json(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Mark a view that reports an ended session as JSON by itself, whatever the request accepts."""
    cast("Any", view).responds_with_json = True
    return view


def plain_response(status: int, text: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return one line of plain text, which no one caches."""
    response = HttpResponse(f"{text}\n", status=status, headers=headers, content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


def negotiate_encoding(accept_encoding: str) -> str:
    """Return ``br``, ``gzip``, or an empty string for an Accept-Encoding header."""
    accepted = parse_accept_encoding(accept_encoding)
    return "br" if "br" in accepted else "gzip" if "gzip" in accepted else ""


def parse_accept_encoding(accept_encoding: str) -> set[str]:
    """Return the encodings that an Accept-Encoding header accepts. Weights are ignored except for ``q=0``."""
    if len(accept_encoding) > MAX_ACCEPT_ENCODING_LENGTH:
        return set()
    return {part.split(";")[0].strip() for part in accept_encoding.lower().split(",") if not _is_refused(part)}


def _is_refused(part: str) -> bool:
    weight = part.replace(" ", "").partition(";q=")[2]
    return weight != "" and weight.strip("0.") == ""


def compress(raw: bytes, encoding: str, quality: tuple[int, int] = FAST) -> bytes:
    """Compress a body with FAST or BEST quality. An empty ``encoding`` returns ``raw``.

    Public pages contain no secrets, so compressing them is safe (BREACH).
    """
    if encoding == "br":
        return bytes(brotli.compress(raw, quality=quality[0]))
    return gzip.compress(raw, compresslevel=quality[1], mtime=0) if encoding == "gzip" else raw


def make_etag(content: bytes) -> str:
    """Return a strong ETag: it depends on every byte, so each encoding of a body has a different one."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def matches_etag(if_none_match: str, etag: str) -> bool:
    """Return whether an If-None-Match header contains this ETag, by weak comparison (RFC 9110 §13.1.2)."""
    tags = parse_etags(if_none_match)
    return tags == ["*"] or etag in {tag.removeprefix("W/") for tag in tags}


def encode_response(response: HttpResponse, accept_encoding: str) -> str:
    """Compress the body of a response with the best encoding that the client accepts; return its ETag."""
    patch_vary_headers(response, ["Accept-Encoding"])
    encoding = negotiate_encoding(accept_encoding) if len(response.content) >= MIN_COMPRESS_BYTES else ""
    if encoding:
        response.content = compress(response.content, encoding)
        response.headers["Content-Encoding"] = encoding
        response.headers["Content-Length"] = str(len(response.content))
    return make_etag(response.content)


def is_not_modified(environ: Mapping[str, Any], etag: str, last_modified: str) -> bool:
    """Return whether the client already has this body. If-None-Match takes precedence (RFC 9110 §13.2.2)."""
    if_none_match = environ.get("HTTP_IF_NONE_MATCH")
    if if_none_match is not None:
        return matches_etag(if_none_match, etag)
    # Compare for equality, as nginx does, because the clocks of two machines may differ.
    return environ.get("HTTP_IF_MODIFIED_SINCE") == last_modified


def has_only_tracking_params(query: str) -> bool:
    """Return whether a query string has only the parameters that email and advertising services add to links."""
    return all(
        name.startswith(TRACKING_PREFIXES) or name in TRACKING_PARAMS
        for name, _ in parse_qsl(query, keep_blank_values=True)
    )


def public_response(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Decorate a view whose response is the same for everyone: GET and HEAD, ETag, compression, no cookies."""

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponseBase:
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
    return reads_no_anonymous_body(require_safe(wrapper))


def make_fetch() -> Fetch:
    """Return a function that requests a path from Django without any client-specific headers."""
    handler = WSGIHandler()
    environ = {
        "REQUEST_METHOD": "GET",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": next(iter(settings.ALLOWED_HOSTS), "localhost").lstrip("."),
        "HTTP_X_FORWARDED_PROTO": "https" if settings.SECURE_SSL_REDIRECT else "http",
        "wsgi.url_scheme": "http",
    }
    return lambda path: handler.get_response(WSGIRequest({**environ, "PATH_INFO": path, "wsgi.input": BytesIO()}))
