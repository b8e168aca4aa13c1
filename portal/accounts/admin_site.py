"""The admin site of this project: Django's, with our name and with models in groups."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.checks import CheckMessage
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _


class PortalAdminSite(admin.AdminSite):
    """The default ``django.contrib.admin.site`` (set in portal/apps.py)."""

    site_header = "Plainspine"
    site_title = "Plainspine"
    index_title = _("What would you like to work on?")
    # The home screen has all lists; next to a table or two texts, the sidebar would take the width of a column.
    enable_nav_sidebar = False
    # portal/accounts/urls.py adds the catch-all, after the route of damaged links.
    final_catch_all_view = False

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Import the admin modules only now, when URLs are needed; public pages never load them."""
        admin.autodiscover()
        return super().get_urls()

    def check(self, app_configs: Any) -> list[CheckMessage]:
        """Import the admin modules, then check them."""
        admin.autodiscover()
        return super().check(app_configs)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Render the home screen with the context of each app config that names a function in ``admin_home``."""
        context = dict(extra_context or {})
        for config in apps.get_app_configs():
            if home := getattr(config, "admin_home", ""):
                context |= import_string(home)(request)
        return super().index(request, context)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """List an app whose config has ``admin_groups`` (title, model names) as those groups, before other apps."""
        app_list: list[Any] = []
        for app in sorted(super().get_app_list(request, app_label), key=lambda app: not _get_groups(app)):
            groups = _get_groups(app)
            app_list += _group_models(app, groups) if groups and app_label is None else [app]
        return app_list


def _get_groups(app: Any) -> tuple[tuple[str, str], ...]:
    return getattr(apps.get_app_config(app["app_label"]), "admin_groups", ())


def _group_models(app: Any, groups: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    models = {model["object_name"].lower(): model for model in app["models"]}
    grouped = [
        {**app, "name": title, "models": [models[name] for name in names.split() if name in models]}
        for title, names in groups
    ]
    return [group for group in grouped if group["models"]]
