"""How much may be sent, and how slowly: otherwise a few dozen idle senders would hold every thread of a worker."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError

MAX_ANONYMOUS_BODY = 64 * 1024
# A DICOM file of 250 MB and the words around it.
MAX_STAFF_BODY = 251 * 1024 * 1024
# The forms of a stranger are a few hundred bytes.
BODY_TIMEOUT_SECONDS = 10
# Bodies that are waited for at a time, of the sixteen threads of a worker: the others stay free for readers.
MAX_CONCURRENT_BODIES = 6
# A sender who is given up may keep the connection open, and the server waits for it in a thread of ours.
MAX_ABANDONED_BODIES = 100

_body_slots = threading.BoundedSemaphore(MAX_CONCURRENT_BODIES)
_reader_slots = threading.BoundedSemaphore(MAX_CONCURRENT_BODIES + MAX_ABANDONED_BODIES)
log = logging.getLogger(__name__)


class BodyLimitMiddleware:
    """413, 408 or 503 before Django reads a body. Stands before the CSRF check, which would read it at any length.

    Views without that check never read a body, or look first at who sends it (procedures/admin/json_api.py).
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
        if length <= MAX_STAFF_BODY and request.user.is_authenticated:
            return None
        if length > MAX_ANONYMOUS_BODY:
            return _error_response(413, "this is more than may be sent here.")
        if not _body_slots.acquire(blocking=False):
            return _too_many_bodies()
        try:
            return _wait_for_body(request)
        finally:
            _body_slots.release()


def _wait_for_body(request: HttpRequest) -> HttpResponse | None:
    if not _reader_slots.acquire(blocking=False):
        return _too_many_bodies()
    reader = threading.Thread(target=_read_body, args=(request,), name="body", daemon=True)
    reader.start()
    reader.join(BODY_TIMEOUT_SECONDS)
    if reader.is_alive():
        return _error_response(408, "the form did not arrive in time. Please send it again.", {"Connection": "close"})
    return None


def _read_body(request: HttpRequest) -> None:
    """Into memory, where the view finds it. What is wrong with it the view will find, too."""
    try:
        _ = request.body
    except (RequestDataTooBig, UnreadablePostError, OSError):
        log.info("a body could not be read")
    finally:
        _reader_slots.release()


def _too_many_bodies() -> HttpResponse:
    return _error_response(503, "too many forms arrive at this moment. Please send it again.", {"Retry-After": "10"})


def _error_response(status: int, message: str, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(
        f"{status}: {message}\n", status=status, headers=headers, content_type="text/plain; charset=utf-8"
    )
