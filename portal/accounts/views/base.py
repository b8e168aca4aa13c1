"""The frame of these pages: the admin's own, without its navigation while somebody is still on the way in."""

import json
from collections.abc import Callable
from typing import Any, TypeVar, cast

from allauth.account.decorators import reauthentication_required
from django.contrib import admin
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.generic.base import ContextMixin

ViewFunc = TypeVar("ViewFunc", bound=Callable[..., HttpResponseBase])


def base_context(request: HttpRequest, title: str) -> dict[str, Any]:
    """What templates/admin/base_site.html needs."""
    return {**admin.site.each_context(request), "title": title}


def render_page(
    request: HttpRequest, template_name: str, context: dict[str, Any], *, title: str, status: int = 200
) -> HttpResponse:
    """A page of ours that no browser keeps."""
    response = render(request, f"accounts/{template_name}", {**base_context(request, title), **context}, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


def require_recent_login(view: ViewFunc) -> ViewFunc:
    """Decorate a view of something delicate: the person proves again who they are, after a quarter of an hour."""
    return cast("ViewFunc", reauthentication_required(app="portal.accounts")(view))


def get_safe_next_url(request: HttpRequest) -> str:
    """Where ``next`` leads, if that is an address of the admin here; otherwise nothing."""
    wanted = str(request.POST.get("next") or request.GET.get("next") or "")
    good = wanted.startswith("/admin/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if good else ""


def to_json_attribute(options: Any) -> str:
    """What the browser's passkey functions need, to stand in a ``data-`` attribute: no inline script is allowed."""
    return json.dumps(options, cls=DjangoJSONEncoder)


class AdminPageMixin(ContextMixin):
    """For allauth's views: our title, our frame, our options for the script; no browser keeps the page."""

    request: HttpRequest
    title = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """As ``show`` does it."""
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        response.headers["Cache-Control"] = "no-store"
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With ``options`` as text."""
        found = super().get_context_data(**kwargs)
        options = found.get("js_data")
        more = {"options": to_json_attribute(next(iter(options.values())))} if options else {}
        return {**base_context(self.request, self.title), **found, **more, "next": get_safe_next_url(self.request)}
