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

Answer = Callable[..., JsonResponse]
SIGNED_OUT = "You are signed out. Your text is still here."
STALE = "You signed in again meanwhile. Your text is still here."


def refusal(status: int, sentence: str, **more: Any) -> JsonResponse:
    """One sentence for the person at the keyboard."""
    return JsonResponse({"error": sentence, **more}, status=status)


class _JsonCsrf(CsrfViewMiddleware):
    """The usual check with an answer that the script can read."""

    def _reject(self, request: HttpRequest, reason: str) -> JsonResponse:
        return refusal(403, STALE, code="csrf")


def staff_json(*permissions: str, method: str, most_bytes: int) -> Callable[[Answer], Callable[..., HttpResponseBase]]:
    """Decorate a view for signed-in staff with any of ``permissions``: 401, 403, 405 and 413 come from here.

    Who asks and how much is sent are looked at before the body is read; only then the CSRF token, which is in it.
    """

    def decorate(view: Answer) -> Callable[..., HttpResponseBase]:
        checked = decorator_from_middleware(_JsonCsrf)(view)

        @wraps(view)
        def answer(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not user.is_authenticated:
                return refusal(401, SIGNED_OUT)
            if not (user.is_staff and any(user.has_perm(name) for name in permissions)):
                return refusal(403, "Your account may not do this.")
            if request.method != method:
                return JsonResponse({"error": f"Only {method}."}, status=405, headers={"Allow": method})
            if int(request.META.get("CONTENT_LENGTH") or 0) > most_bytes:
                return refusal(413, f"That is more than {most_bytes // 1024 // 1024} MB.")
            return cast("HttpResponseBase", checked(request, **kwargs))

        return csrf_exempt(never_cache(answer))

    return decorate


def too_often(user_id: int, what: str, *, most: int, seconds: int) -> bool:
    """Count one attempt; True when there were more than ``most`` in the last ``seconds``. Each worker counts alone."""
    key = f"{what}:{user_id}"
    cache.add(key, 0, seconds)
    try:
        return cache.incr(key) > most
    except ValueError:  # it ran out between the two lines
        return False
