"""JSON responses for the admin's scripts, including errors, so that no script mistakes a login page for an answer."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.decorators import decorator_from_middleware
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from procedures.admin.base import StrOrPromise

JsonView = Callable[..., JsonResponse]
SIGNED_OUT_MESSAGE = gettext_lazy("You are signed out. Your text is still here.")
CSRF_FAILED_MESSAGE = gettext_lazy("You signed in again in another window. Your text is still here.")


def json_error(status: int, message: StrOrPromise, **extra: Any) -> JsonResponse:
    """Return an error response with a message for the user."""
    return JsonResponse({"error": message, **extra}, status=status)


class JsonCsrfMiddleware(CsrfViewMiddleware):
    """Django's CSRF check with a JSON error."""

    def _reject(self, request: HttpRequest, reason: str) -> JsonResponse:
        return json_error(403, CSRF_FAILED_MESSAGE, code="csrf")


def staff_json_view(
    *permissions: str, method: str, max_bytes: int
) -> Callable[[JsonView], Callable[..., HttpResponseBase]]:
    """Decorate a JSON view for staff who have any of ``permissions``. Errors are 401, 403, 405, and 413.

    The user and the size are checked before the body is read. The CSRF token, which is in the body, comes last.
    """

    def decorate(view: JsonView) -> Callable[..., HttpResponseBase]:
        csrf_checked_view = decorator_from_middleware(JsonCsrfMiddleware)(view)

        @wraps(view)
        def wrapper(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not user.is_authenticated:
                return json_error(401, SIGNED_OUT_MESSAGE)
            if not (user.is_staff and any(user.has_perm(name) for name in permissions)):
                return json_error(403, _("Your account does not have permission to do this."))
            if request.method != method:
                error = _("Only %(method)s is allowed.") % {"method": method}
                return JsonResponse({"error": error}, status=405, headers={"Allow": method})
            if int(request.META.get("CONTENT_LENGTH") or 0) > max_bytes:
                return json_error(413, _("That is more than %(size)s MB.") % {"size": max_bytes // 1024 // 1024})
            return cast("HttpResponseBase", csrf_checked_view(request, **kwargs))

        return csrf_exempt(never_cache(wrapper))

    return decorate
