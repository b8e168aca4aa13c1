"""How much may be sent, and how slowly: otherwise a few dozen idle senders would hold every thread of a worker."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError

STRANGER_BYTES = 64 * 1024
# A DICOM file of 250 MB and the words around it.
STAFF_BYTES = 251 * 1024 * 1024
# The forms of a stranger are a few hundred bytes.
BODY_SECONDS = 10
# Bodies that are waited for at a time, of the sixteen threads of a worker: the others stay free for readers.
AT_ONCE = 6
# A sender who is given up may keep the connection open, and the server waits for it in a thread of ours.
GIVEN_UP = 100

_places = threading.BoundedSemaphore(AT_ONCE)
_open = threading.BoundedSemaphore(AT_ONCE + GIVEN_UP)
log = logging.getLogger(__name__)


class BodyLimitMiddleware:
    """413, 408 or 503 before Django reads a body. Stands before the CSRF check, which would read it at any length.

    Views without that check never read a body, or look first at who sends it (procedures/admin/answers.py).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """By now it is known who asks. Staff wait for nobody; bodies of strangers are read here, a few at a time."""
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length == 0 or getattr(view, "csrf_exempt", False):
            return None
        if length <= STAFF_BYTES and request.user.is_authenticated:
            return None
        if length > STRANGER_BYTES:
            return _refuse(413, "this is more than may be sent here.")
        if not _places.acquire(blocking=False):
            return _busy()
        try:
            return _wait_for(request)
        finally:
            _places.release()


def _wait_for(request: HttpRequest) -> HttpResponse | None:
    if not _open.acquire(blocking=False):
        return _busy()
    reader = threading.Thread(target=_read, args=(request,), name="body", daemon=True)
    reader.start()
    reader.join(BODY_SECONDS)
    if reader.is_alive():
        return _refuse(408, "the form did not arrive in time. Please send it again.", {"Connection": "close"})
    return None


def _read(request: HttpRequest) -> None:
    """Into memory, where the view finds it. What is wrong with it the view will find, too."""
    try:
        _ = request.body
    except (RequestDataTooBig, UnreadablePostError, OSError):
        log.info("a body could not be read")
    finally:
        _open.release()


def _busy() -> HttpResponse:
    return _refuse(503, "too many forms arrive at this moment. Please send it again.", {"Retry-After": "10"})


def _refuse(status: int, sentence: str, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(
        f"{status}: {sentence}\n", status=status, headers=headers, content_type="text/plain; charset=utf-8"
    )
