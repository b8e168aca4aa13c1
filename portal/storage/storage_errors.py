"""The 503 response for staff when the media storage is unavailable."""

from collections.abc import Callable

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.storage.local_storage import StorageUnavailableError
from portal.storage.media import RETRY_AFTER_SECONDS

STORAGE_ERROR_MESSAGE = gettext_lazy(
    "The image storage is unavailable right now, so nothing was saved. "
    "Go back (your text is still there), and save again in a minute."
)


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
        if request.path_info.startswith("/admin/") and "text/html" in request.headers.get("Accept", ""):
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
