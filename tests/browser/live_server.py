"""Requests that the live server handles in front of Django."""

from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

AUTOSAVE = "/admin/procedures/page/autosave/"
# The user ID by session key.
SIGNED_IN_USERS: dict[str | None, int] = {}


class StaticAndAutosaveHandler(StaticFilesHandler):
    """Serve static files with the caching of the real server, and stub the autosave requests of the editor.

    The live server's threads share one connection to an in-memory database, where background autosaves would interfere
    with the test's own transactions. test_admin_recovery.py tests autosave with a separate server.
    """

    def _should_handle(self, path: str) -> bool:
        return path == AUTOSAVE or bool(super()._should_handle(path))

    def serve(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == AUTOSAVE:
            user = SIGNED_IN_USERS.get(request.COOKIES.get(settings.SESSION_COOKIE_NAME), 0)
            return JsonResponse({"user": user, "version": 0, "others": [], "unsaved": [], "autosaved_at": None})
        response = super().serve(request)
        response.headers["Cache-Control"] = "max-age=3600"
        return response
