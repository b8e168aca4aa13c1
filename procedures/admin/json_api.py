"""Answers for the editor's script: always JSON, so that a login page can never be taken for a preview."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.decorators import decorator_from_middleware
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

JsonView = Callable[..., JsonResponse]
SIGNED_OUT_MESSAGE = "You are signed out. Your text is still here."
CSRF_FAILED_MESSAGE = "You signed in again meanwhile. Your text is still here."


def json_error(status: int, message: str, **extra: Any) -> JsonResponse:
    """One sentence for the person at the keyboard."""
    return JsonResponse({"error": message, **extra}, status=status)


class JsonCsrfMiddleware(CsrfViewMiddleware):
    """The usual check with an answer that the script can read."""

    def _reject(self, request: HttpRequest, reason: str) -> JsonResponse:
        return json_error(403, CSRF_FAILED_MESSAGE, code="csrf")


def staff_json_view(
    *permissions: str, method: str, max_bytes: int
) -> Callable[[JsonView], Callable[..., HttpResponseBase]]:
    """Decorate a view for signed-in staff with any of ``permissions``: 401, 403, 405 and 413 come from here.

    Who asks and how much is sent are looked at before the body is read; only then the CSRF token, which is in it.
    """

    def decorate(view: JsonView) -> Callable[..., HttpResponseBase]:
        checked = decorator_from_middleware(JsonCsrfMiddleware)(view)

        @wraps(view)
        def answer(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not user.is_authenticated:
                return json_error(401, SIGNED_OUT_MESSAGE)
            if not (user.is_staff and any(user.has_perm(name) for name in permissions)):
                return json_error(403, "Your account may not do this.")
            if request.method != method:
                return JsonResponse({"error": f"Only {method}."}, status=405, headers={"Allow": method})
            if int(request.META.get("CONTENT_LENGTH") or 0) > max_bytes:
                return json_error(413, f"That is more than {max_bytes // 1024 // 1024} MB.")
            return cast("HttpResponseBase", checked(request, **kwargs))

        return csrf_exempt(never_cache(answer))

    return decorate


def is_rate_limited(user_id: int, scope: str, *, limit: int, seconds: int) -> bool:
    """Count one attempt; True when there were more than ``most`` in the last ``seconds``. Each worker counts alone."""
    key = f"{scope}:{user_id}"
    cache.add(key, 0, seconds)
    try:
        return cache.incr(key) > limit
    except ValueError:  # it ran out between the two lines
        return False
