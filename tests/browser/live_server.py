"""What the live server answers in front of Django."""

from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

AUTOSAVE = "/admin/procedures/page/autosave/"
# Whose session a desk got, by its key.
SIGNED_IN_USERS: dict[str | None, int] = {}


class StaticAndAutosaveHandler(StaticFilesHandler):
    """Static files, which a browser may keep as those of the portal's own server, and what the editor keeps.

    The live server's threads share one connection to a database in memory, where what the editor keeps in the
    background would run into the test's own transactions. test_admin_recovery.py has a server of its own for it.
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
