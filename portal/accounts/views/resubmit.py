"""Forms that were sent after the session had ended: the page that keeps their fields until the user signs in again.

Nothing is stored on the server. The fields travel in one signed value, so only a form that passed the CSRF check can be
sent again, and only by the account that typed it.
"""

from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from portal.accounts import sessions
from portal.accounts.models import User
from portal.accounts.views.base import render_page

SALT = "portal.accounts.resubmit"
FIELD = "kept_form"
MAX_AGE_SECONDS = 12 * 60 * 60
HTTP_UNAUTHORIZED = 401


def keep_form(request: HttpRequest, user_id: int, *, has_body: bool = True) -> HttpResponse:
    """Return the 401 page that holds what ``user_id`` posted, except files and passwords.

    ``has_body``: False for an upload, whose body must not be read before the user is known.
    """
    fields = [
        (name, [str(value) for value in values])
        for name, values in (request.POST.lists() if has_body else ())
        if name != "csrfmiddlewaretoken" and "password" not in name.lower()
    ]
    files = [file.name for name in request.FILES for file in request.FILES.getlist(name)] if has_body else []
    form = {"user": user_id, "url": request.get_full_path(), "fields": fields, "files": files, "upload": not has_body}
    return _render_kept_form(request, form, signing.dumps(form, salt=SALT, compress=True))


@sensitive_post_parameters()
@csrf_exempt  # the token of the page is older than the sign-in; the signature proves where the fields come from
@never_cache
@require_POST
def resubmit_view(request: HttpRequest) -> HttpResponse:
    """Send a kept form again, with a new CSRF token, if the user who typed it is signed in."""
    value = request.POST.get(FIELD, "")
    try:
        form = signing.loads(value, salt=SALT, max_age=MAX_AGE_SECONDS)
    except signing.BadSignature:
        explanation = _("The form is damaged, so it cannot be sent. Go back, and copy what you typed.")
        title = _("This form cannot be sent again")
        return render_page(request, "error.html", {"explanation": explanation}, title=title, status=400)
    return _render_kept_form(request, form, value)


def _render_kept_form(request: HttpRequest, form: dict[str, Any], value: str) -> HttpResponse:
    user = request.user if sessions.is_mfa_complete(request) else None
    signed_in = isinstance(user, User)
    is_owner = signed_in and request.user.pk == form["user"]
    context = {
        "kept": form,
        "value": value,
        "field_name": FIELD,
        "is_owner": is_owner,
        "owner": User.objects.filter(pk=form["user"]).first() if signed_in and not is_owner else None,
        "login_url": reverse("account_login"),
    }
    title = _("Sending your form again…") if is_owner else _("You are signed out")
    if signed_in and not is_owner:
        title = _("Someone else is signed in")
    status = 200 if is_owner else 403 if signed_in else HTTP_UNAUTHORIZED
    return render_page(request, "kept_form.html", context, title=title, status=status)
