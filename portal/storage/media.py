"""Serve media files to the public and to staff, track which files are public, and handle storage errors.

The worker process writes the set of public names to a file after every publication and withdrawal, so that known files
can be served without the database. A name that is not in the set is looked up in the database before it is refused,
because the file may have just been published.
"""

import json
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import cast

from django.conf import settings
from django.contrib import admin
from django.core.files.storage import default_storage
from django.db import DatabaseError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from portal.http import SANDBOX_POLICY, encode_response, is_staff_path, plain_response, reads_no_anonymous_body
from portal.published.files import STALE_AFTER_SECONDS, PublishedFiles
from portal.storage.local_storage import MEDIA_NAME_PATTERN, StorageUnavailableError, atomic_write

NamesFunction = Callable[[], Iterable[str]]

CONTENT_TYPES = {
    "avif": "image/avif",
    "webp": "image/webp",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
}
RETRY_AFTER_SECONDS = "10"
STORAGE_ERROR_MESSAGE = gettext_lazy(
    "The image storage is unavailable right now, so nothing was saved. "
    "Go back (your text is still there) and save again in a minute."
)


class PublicFiles:
    """The names of public media files, as last written by the worker process."""

    def __init__(self) -> None:
        self._names: frozenset[str] = frozenset()
        self._modified_at = 0

    def is_public(self, name: str) -> bool:
        """Return whether a file is public. Raise DatabaseError if only the database knows and it does not respond."""
        published = PublishedFiles(settings.DATA_DIR)
        is_known = name in self._read(published.media_names)
        if is_known and published.age() < STALE_AFTER_SECONDS:
            return True
        try:
            return name in _get_names_function()()
        except DatabaseError:
            if is_known:
                return True
            raise

    def _read(self, file: Path) -> frozenset[str]:
        """Return the names in the file; none if it is missing or damaged."""
        try:
            modified_at = file.stat().st_mtime_ns
            if modified_at != self._modified_at:
                self._names, self._modified_at = read_public_names(file), modified_at
        except OSError:
            self._names, self._modified_at = frozenset(), 0
        return self._names


def read_public_names(file: Path) -> frozenset[str]:
    """Return the names that write_public_names wrote; none if the file is missing or damaged."""
    try:
        return frozenset(json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError):
        return frozenset()


def write_public_names(file: Path, names: Iterable[str]) -> bool:
    """Write the names for PublicFiles. If that fails, delete the file: web processes then ask the database."""
    try:
        atomic_write(file, [json.dumps(sorted(names)).encode()])
    except OSError:
        file.unlink(missing_ok=True)
        return False
    return True


def _get_names_function() -> NamesFunction:
    return cast("NamesFunction", import_module(settings.SITE_SOURCE).public_files)


def referenced_files() -> Iterable[str]:
    """Return the names of all media files that the database refers to; some may occur repeatedly."""
    return cast("NamesFunction", import_module(settings.SITE_SOURCE).referenced_files)()


PUBLIC_FILES = PublicFiles()


@reads_no_anonymous_body
@require_safe
def serve_media(request: HttpRequest, name: str) -> HttpResponseBase:
    """Serve a public media file; 404 for any other name.

    Names contain a hash of the content, so browsers may cache files forever. Shared caches must revalidate, or they
    would keep serving a withdrawn file.
    """
    try:
        if not MEDIA_NAME_PATTERN.match(name) or not PUBLIC_FILES.is_public(name):
            raise Http404
    except DatabaseError:
        return _unavailable_response()
    return serve_stored_file(request, name, "public, max-age=31536000, s-maxage=0, immutable")


def serve_stored_file(request: HttpRequest, name: str, cache_control: str) -> HttpResponseBase:
    """Serve a media file without checking that it is public; 404 for an unknown name, 503 if it cannot be read.

    The content type depends on the name only, and the CSP sandbox keeps scripts in an SVG from running.
    """
    match = MEDIA_NAME_PATTERN.match(name)
    if not match:
        raise Http404
    try:
        stored = default_storage.open(name)
    except FileNotFoundError as error:
        raise Http404 from error
    except OSError:
        return _unavailable_response()
    response: HttpResponseBase
    if match[1] == "svg":
        with stored:
            svg = stored.read()
        response = HttpResponse(svg, content_type=CONTENT_TYPES["svg"])
        etag = encode_response(response, request.headers.get("Accept-Encoding", ""))
        response.headers["ETag"] = etag
        response = get_conditional_response(request, etag=etag, response=response) or response
    else:
        # The name has the hash of the original image; a different encoder would produce a file of a different size.
        etag = f'"{PurePosixPath(name).name}-{stored.size:x}"'
        full_response = FileResponse(stored, content_type=CONTENT_TYPES[match[1]])
        full_response.headers["ETag"] = etag
        response = get_conditional_response(request, etag=etag) or full_response
        if response is not full_response:
            full_response.close()
            response.headers["ETag"] = etag
    response.headers["Content-Security-Policy"] = SANDBOX_POLICY
    response.headers["Cache-Control"] = cache_control
    return response


def _unavailable_response() -> HttpResponse:
    return plain_response(503, "503: this image cannot be shown right now.", {"Retry-After": RETRY_AFTER_SECONDS})


class StorageErrorMiddleware:
    """Responds with 503 to a StorageUnavailableError in a view.

    Django has rolled back the view's transaction by then, so nothing is half saved.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, StorageUnavailableError):
            return None
        response: HttpResponse
        if is_staff_path(request) and "text/html" in request.headers.get("Accept", ""):
            context = {
                **admin.site.each_context(request),
                "title": _("Not saved yet"),
                "message": STORAGE_ERROR_MESSAGE,
            }
            response = render(request, "admin/storage_error.html", context, status=503)
        else:
            # The editor's script shows the value of "error".
            response = JsonResponse({"error": STORAGE_ERROR_MESSAGE}, status=503)
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
        response.headers["Cache-Control"] = "no-store"
        return response
