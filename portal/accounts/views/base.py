"""Rendering of account pages in the admin's layout, and helpers shared by their views."""

import json
from collections.abc import Callable
from typing import Any, TypeVar, cast

from allauth.account.decorators import reauthentication_required
from django.contrib import admin
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.generic.base import ContextMixin

from portal.accounts.models import User

ViewFunc = TypeVar("ViewFunc", bound=Callable[..., HttpResponseBase])


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
    is_safe = next_url.startswith("/admin/") and url_has_allowed_host_and_scheme(next_url, allowed_hosts=None)
    return next_url if is_safe else ""


def to_json_attribute(options: Any) -> str:
    """Serialize passkey options for a ``data-`` attribute: the content security policy allows no inline script."""
    return json.dumps(options, cls=DjangoJSONEncoder)


class AdminPageMixin(ContextMixin):
    """For allauth's views: our title and layout, passkey options as an attribute, and no caching."""

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
            context["options"] = to_json_attribute(next(iter(script_data.values())))
        context["next"] = get_safe_next_url(self.request)
        return context
