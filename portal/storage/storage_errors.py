"""When pictures cannot be stored, staff get a sentence and a way back to what they typed, never an error page."""

from collections.abc import Callable

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from portal.storage.local_storage import RETRY_AFTER_SECONDS, StorageUnavailableError

STORAGE_ERROR_MESSAGE = (
    "The storage for pictures cannot be used now, so nothing was saved. "
    "Go back, where what you typed still stands, and save again in a minute."
)


class StorageErrorMiddleware:
    """503 for what a view could not store. The admin's transaction is undone by then: nothing is half there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Django asks this about what a view raises."""
        if not isinstance(exception, StorageUnavailableError):
            return None
        response: HttpResponse
        if request.path_info.startswith("/admin/") and "text/html" in request.headers.get("Accept", ""):
            context = {**admin.site.each_context(request), "title": "Not saved yet", "sentence": STORAGE_ERROR_MESSAGE}
            response = render(request, "admin/storage_error.html", context, status=503)
        else:
            # The editor's script shows what stands under "error".
            response = JsonResponse({"error": STORAGE_ERROR_MESSAGE}, status=503)
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
        response.headers["Cache-Control"] = "no-store"
        return response
