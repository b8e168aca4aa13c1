"""The admin site: Django's own, with our name, and an app's models in the groups and order it asks for."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.checks import CheckMessage
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver
from django.utils.module_loading import import_string


class PortalAdminSite(admin.AdminSite):
    """What ``django.contrib.admin.site`` is in this project (portal/apps.py)."""

    site_header = "Plainspine"
    site_title = "Plainspine"
    index_title = "What would you like to work on?"
    # All lists are on the first screen; beside a table or two texts they would take the room of a column.
    enable_nav_sidebar = False
    # portal/accounts/urls.py has it, after damaged links.
    final_catch_all_view = False

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """The addresses of all screens, which are loaded now."""
        admin.autodiscover()
        return super().get_urls()

    def check(self, app_configs: Any) -> list[CheckMessage]:
        """What is wrong with a screen."""
        admin.autodiscover()
        return super().check(app_configs)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The first screen; an app whose config names a function in ``admin_home`` adds to it what that returns."""
        context = dict(extra_context or {})
        for config in apps.get_app_configs():
            if home := getattr(config, "admin_home", ""):
                context |= import_string(home)(request)
        return super().index(request, context)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """An app whose config has ``admin_groups`` (title, names of models) is listed as these groups."""
        listed: list[Any] = []
        # The work comes first, people after it.
        for app in sorted(super().get_app_list(request, app_label), key=lambda app: not _get_groups(app)):
            groups = _get_groups(app)
            listed += _group_models(app, groups) if groups and app_label is None else [app]
        return listed


def _get_groups(app: Any) -> tuple[tuple[str, str], ...]:
    return getattr(apps.get_app_config(app["app_label"]), "admin_groups", ())


def _group_models(app: Any, groups: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    models = {model["object_name"].lower(): model for model in app["models"]}
    found = [
        {**app, "name": title, "models": [models[n] for n in names.split() if n in models]} for title, names in groups
    ]
    return [group for group in found if group["models"]]
