"""Whether one is still signed in: asked by open forms, so that signing in beside them keeps what was typed."""

from django.http import HttpRequest, JsonResponse
from django.middleware.csrf import get_token
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.staff import sessions
from portal.staff.models import User


@never_cache
@require_safe
def session_state(request: HttpRequest) -> JsonResponse:
    """``signed_in``, ``user`` (key of the account, to notice another person), ``seconds_left``, ``csrf_token``.

    Asking is no activity: the clock goes on. The token belongs to this browser, signed in or not, and goes into
    ``csrfmiddlewaretoken`` or ``X-CSRFToken`` of what is sent next.
    """
    signed_in = isinstance(request.user, User) and sessions.is_complete(request)
    return JsonResponse(
        {
            "signed_in": signed_in,
            "user": request.user.pk if signed_in else None,
            "seconds_left": sessions.seconds_left(request.session) if signed_in else 0,
            "csrf_token": get_token(request),
        }
    )
