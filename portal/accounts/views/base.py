"""Rendering of account pages in the admin's layout, helpers shared by their views, and error pages under /admin/."""

import json
from collections.abc import Callable
from typing import Any, TypeVar, cast

from allauth.account.decorators import reauthentication_required
from django.contrib import admin
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import REASON_BAD_ORIGIN, REASON_BAD_REFERER, REASON_NO_CSRF_COOKIE, REASON_NO_REFERER
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic.base import ContextMixin

from portal.accounts.models import User
from portal.http import ADMIN_PREFIX

ViewFunc = TypeVar("ViewFunc", bound=Callable[..., HttpResponseBase])
# Title and explanation of a page.
ErrorText = tuple[str | Promise, str | Promise]
WRONG_ORIGIN: ErrorText = (
    gettext_lazy("This form came from another site"),
    gettext_lazy(
        "Your browser says that this form was sent from a different address than the one this site is set up for. "
        "Open the site at its own address and try again. If that does not help, ask your IT team to check "
        "PORTAL_PUBLIC_URL."
    ),
)
COOKIES_OFF: ErrorText = (
    gettext_lazy("Cookies are turned off"),
    gettext_lazy(
        "Signing in needs cookies, and your browser did not send ours. Allow cookies for this site in the browser's "
        "settings, or leave private mode, and then open the sign-in page again."
    ),
)
STALE_FORM: ErrorText = (
    gettext_lazy("This form is out of date"),
    gettext_lazy(
        "It was opened before you last signed in or out, so nothing was saved. Go back, copy what you typed, reload "
        "the page, and send it again."
    ),
)
PERMISSION_DENIED: ErrorText = (
    gettext_lazy("You do not have permission"),
    gettext_lazy("Ask a manager if you need it. Nothing was changed."),
)
# Prefixes of Django's reasons for a failed CSRF check; any other reason gets STALE_FORM.
CSRF_FAILURES: tuple[tuple[str, ErrorText], ...] = (
    (REASON_NO_CSRF_COOKIE, COOKIES_OFF),
    (REASON_BAD_ORIGIN.partition("%s")[0], WRONG_ORIGIN),
    (REASON_BAD_REFERER.partition("%s")[0], WRONG_ORIGIN),
    (REASON_NO_REFERER, WRONG_ORIGIN),
)


def base_context(request: HttpRequest, title: str | Promise) -> dict[str, Any]:
    """Return the context that templates/admin/base_site.html needs."""
    return {**admin.site.each_context(request), "title": title}


def render_page(
    request: HttpRequest, template_name: str, context: dict[str, Any], *, title: str | Promise, status: int = 200
) -> HttpResponse:
    """Render a template from templates/accounts/ as a page that browsers do not cache."""
    response = render(request, f"accounts/{template_name}", {**base_context(request, title), **context}, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


def current_user(request: HttpRequest) -> User:
    """Return the signed-in user, typed. Call only in views that require login."""
    return cast("User", request.user)


def require_recent_login(view: ViewFunc) -> ViewFunc:
    """Decorate a view of a sensitive action: it asks for authentication again (ACCOUNT_REAUTHENTICATION_TIMEOUT)."""
    return cast("ViewFunc", reauthentication_required(app="portal.accounts")(view))


def get_safe_next_url(request: HttpRequest) -> str:
    """Return the ``next`` parameter if it is a local URL under /admin/; otherwise an empty string."""
    next_url = str(request.POST.get("next") or request.GET.get("next") or "")
    is_safe = next_url.startswith(ADMIN_PREFIX) and url_has_allowed_host_and_scheme(next_url, allowed_hosts=None)
    return next_url if is_safe else ""


class AdminPageMixin(ContextMixin):
    """Adapts allauth's views: our title and layout, passkey options as an attribute, and no caching."""

    request: HttpRequest
    title: str | Promise = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Keep browsers from caching the page, as ``render_page`` does."""
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        response.headers["Cache-Control"] = "no-store"
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the base context, ``options`` (JSON text, if allauth passes script data), and ``next``."""
        context = {**base_context(self.request, self.title), **super().get_context_data(**kwargs)}
        if script_data := context.get("js_data"):
            # For a data- attribute: the content security policy allows no inline script.
            context["options"] = json.dumps(next(iter(script_data.values())), cls=DjangoJSONEncoder)
        context["next"] = get_safe_next_url(self.request)
        return context


def forbidden(request: HttpRequest, reason: str) -> HttpResponse:
    """Render a 403 page. ``reason`` is Django's reason for a failed CSRF check, or empty for a missing permission."""
    if reason:
        title, explanation = next((text for prefix, text in CSRF_FAILURES if reason.startswith(prefix)), STALE_FORM)
    else:
        title, explanation = PERMISSION_DENIED
    return render_page(request, "error.html", {"explanation": explanation}, title=title, status=403)


def not_found(request: HttpRequest) -> HttpResponse:
    explanation = _("The address may be misspelled, or the page may have been deleted or renamed.")
    title = _("Page not found")
    return render_page(request, "error.html", {"explanation": explanation}, title=title, status=404)
