"""Pictures: stored whole or not at all, served with a type that our own file name fixes."""

import re
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage, default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from portal.serving.public import encode
from portal.serving.whole import write_whole

NAME = re.compile(r"figures/[0-9a-f]{16,64}(?:-[0-9]{1,5})?\.(avif|webp|jpeg|png|svg)\Z")
TYPES = {
    "avif": "image/avif",
    "webp": "image/webp",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
}


PLAIN = "text/plain; charset=utf-8"
RETRY_SECONDS = "10"


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
        write_whole(target, content.chunks(), mode=0o640)
        return name


@csrf_exempt
@require_safe
def media(request: HttpRequest, name: str) -> HttpResponseBase:
    """One stored picture. Names carry the content's hash, so browsers may keep it for ever."""
    match = NAME.match(name)
    if not match:
        raise Http404
    try:
        stored = default_storage.open(name)
    except FileNotFoundError as error:
        raise Http404 from error
    except OSError:
        return _not_now()
    response: HttpResponseBase
    if match[1] == "svg":
        with stored:
            drawing = stored.read()
        response = HttpResponse(drawing, content_type=TYPES["svg"])
        etag = encode(response, request.headers.get("Accept-Encoding", ""))
        response.headers["ETag"] = etag
        response = get_conditional_response(request, etag=etag, response=response) or response
    else:
        response = FileResponse(stored, content_type=TYPES[match[1]])
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _not_now() -> HttpResponse:
    response = HttpResponse("503: this picture cannot be shown now.\n", status=503, content_type=PLAIN)
    response.headers["Retry-After"] = RETRY_SECONDS
    response.headers["Cache-Control"] = "no-store"
    return response
