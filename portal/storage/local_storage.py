"""Pictures: stored whole or not at all, served with a type that our own file name fixes.

The public may see those that PUBLIC_FILES allows. Staff may see all: a view of the admin calls ``stored_file``.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Any

from django.core.files.storage import FileSystemStorage, default_storage
from django.db import DatabaseError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from portal.published.decorators import encode_response
from portal.storage.atomic_file import atomic_write
from portal.storage.public_files import PUBLIC_FILES

MEDIA_NAME_PATTERN = re.compile(r"figures/[0-9a-f]{16,64}(?:-[0-9]{1,5})?\.(avif|webp|jpeg|png|svg)\Z")
CONTENT_TYPES = {
    "avif": "image/avif",
    "webp": "image/webp",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
}


PLAIN_TEXT = "text/plain; charset=utf-8"
RETRY_AFTER_SECONDS = "10"


class StorageUnavailableError(OSError):
    """Pictures cannot be read or written now. Nothing is half written; trying again later may work."""


class AtomicFileSystemStorage(FileSystemStorage):
    """Writes beside and renames, so that a crash leaves no half file under a final name."""

    def _save(self, name: str, content: Any) -> str:
        try:
            return self._write(name, content)
        except OSError as error:
            raise StorageUnavailableError(f"The folder of the pictures cannot be written: {error.strerror}.") from error

    def _write(self, name: str, content: Any) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(target, content.chunks(), mode=0o640)
        return name


@csrf_exempt
@require_safe
def serve_media(request: HttpRequest, name: str) -> HttpResponseBase:
    """A stored picture, if the public may see it.

    Names contain a hash of the content, so a browser may cache it forever. A shared cache must revalidate it: otherwise
    it would go on serving a picture that was withdrawn.
    """
    try:
        if not MEDIA_NAME_PATTERN.match(name) or not PUBLIC_FILES.is_public(name):
            raise Http404
    except DatabaseError:
        return _service_unavailable()
    return serve_stored_file(request, name, "public, max-age=31536000, s-maxage=0, immutable")


def serve_stored_file(request: HttpRequest, name: str, cache_control: str) -> HttpResponseBase:
    """A file of the storage; 404 for any other name, 503 if the storage cannot be read."""
    match = MEDIA_NAME_PATTERN.match(name)
    if not match:
        raise Http404
    try:
        stored = default_storage.open(name)
    except FileNotFoundError as error:
        raise Http404 from error
    except OSError:
        return _service_unavailable()
    response: HttpResponseBase
    if match[1] == "svg":
        with stored:
            drawing = stored.read()
        response = HttpResponse(drawing, content_type=CONTENT_TYPES["svg"])
        etag = encode_response(response, request.headers.get("Accept-Encoding", ""))
        response.headers["ETag"] = etag
        response = get_conditional_response(request, etag=etag, response=response) or response
    else:
        # The name has the hash of the picture it was made from; another encoder makes a file of another size.
        etag = f'"{PurePosixPath(name).name}-{stored.size:x}"'
        whole = FileResponse(stored, content_type=CONTENT_TYPES[match[1]])
        whole.headers["ETag"] = etag
        response = get_conditional_response(request, etag=etag) or whole
        if response is not whole:
            whole.close()
            response.headers["ETag"] = etag
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = cache_control
    return response


def _service_unavailable() -> HttpResponse:
    response = HttpResponse("503: this picture cannot be shown now.\n", status=503, content_type=PLAIN_TEXT)
    response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    response.headers["Cache-Control"] = "no-store"
    return response
