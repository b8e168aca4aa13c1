"""The layout of public pages: clinic, menu, languages, breadcrumbs; and their rendering."""

import sqlite3
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import Subquery
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from portal.published.files import PublishedFiles
from procedures import languages
from procedures.languages import home_path
from procedures.models import Clinic, ReleaseEvent
from procedures.models.clinic import clinic_json
from procedures.phones import phone_href
from procedures.publishing.site_source import clinic_of_version
from procedures.rendering.html import minify

# The main menu: paths below the home page of a language, with their labels.
MAIN_MENU = {
    "": _("Topics"),
    "visits/": _("Your visit"),
    "pictures/": _("Pictures"),
    "glossary/": _("Medical words"),
    "contact/": _("Contact"),
    "about/": _("About"),
}


@dataclass(frozen=True, slots=True)
class ClinicDetails:
    """The clinic as the layout shows it."""

    name: str
    phone: str
    phone_href: str
    after_hours_phone: str
    after_hours_phone_href: str
    emergency_number: str
    emergency_href: str
    hours: str
    logo_version: str = ""
    logo_width: int = 0
    logo_height: int = 0
    logo_has_name: bool = False
    color: str = ""
    accent_color: str = ""

    @property
    def has_wide_logo(self) -> bool:
        """Whether the logo is too wide to leave room for the name next to it on a phone."""
        return self.logo_width > 2 * self.logo_height


NO_CLINIC = dict.fromkeys(("name", "phone", "after_hours_phone", "emergency_number", "hours"), "")


def build_clinic_details(clinic: dict[str, Any] | None) -> ClinicDetails:
    """Build the details from ``clinic_json``; all values are empty if there is no clinic yet."""
    return _cached_clinic_details(tuple((clinic or NO_CLINIC).items()))


@lru_cache(maxsize=16)
def _cached_clinic_details(items: tuple[tuple[str, Any], ...]) -> ClinicDetails:
    values = dict(items)
    return ClinicDetails(
        **values,
        phone_href=phone_href(values["phone"]),
        after_hours_phone_href=phone_href(values["after_hours_phone"]),
        emergency_href=phone_href(values["emergency_number"]),
    )


def load_clinic(language: str) -> tuple[dict[str, Any] | None, int]:
    """Return the clinic and the ID of the newest public event. For responses that read no release."""
    last = ReleaseEvent.objects.public().values("pk")[:1]
    row = Clinic.objects.values(clinic=clinic_json(language), last=Subquery(last)).first()
    if row is None:  # before the setup
        return None, last.values_list("pk", flat=True).first() or 0
    return row["clinic"], row["last"] or 0


def published_clinic(language: str) -> dict[str, Any] | None:
    """Return the clinic as the published files print it, without a query; None if there are no files.

    For the error page that says whom to call while the database is down. A value that this process remembers could be
    older than the files.
    """
    if not (files := PublishedFiles(settings.DATA_DIR)).exists():
        return None
    try:
        return clinic_of_version(files.state().get("content_version", ""), language)
    except (OSError, sqlite3.Error, ValueError, LookupError, TypeError):  # also a damaged or older state
        return None
    finally:
        files.close()


def base_context(
    *,
    language: str,
    clinic: dict[str, Any] | None,
    title: object,
    description: object = "",
    path: str = "",
    translations: dict[str, str | None] | None = None,
) -> dict[str, Any]:
    """Return the context of ``site/base.html``. ``translations``: paths of the same page by language."""
    home = home_path(language)
    alternates = [
        {"language": code, "label": languages.get(code).name, "href": href, "url": settings.PUBLIC_URL + href}
        for code, href in (translations or {}).items()
        if href and code != language
    ]
    breadcrumbs = [{"label": _("Home"), "href": home}, {"label": title, "href": None}]
    return {
        "language": language,
        "is_translation": language != languages.DEFAULT,
        "site": build_clinic_details(clinic),
        "current": path if path.removeprefix(home) in MAIN_MENU else "",
        "home_href": home,
        "search_href": f"{home}search/",
        "code_href": f"{home}p/",
        "alternates": alternates,
        "page_title": title,
        "description": description,
        "canonical_url": settings.PUBLIC_URL + path if path else "",
        "breadcrumbs": [] if path == home else breadcrumbs,
    }


@lru_cache(maxsize=128)
def cached_include(template_name: str, language: str, site: ClinicDetails, **more: object) -> SafeString:
    """Render a template that is the same on all pages of a language, and cache it for each set of clinic values.

    ``more`` is part of the cache key, so it must have few distinct values and never what a reader typed.
    """
    home = home_path(language)
    values = {
        "language": language,
        "site": site,
        "nav": [{"label": label, "href": f"{home}{part}"} for part, label in MAIN_MENU.items()],
        "home_href": home,
        "search_href": f"{home}search/",
        **more,
    }
    with translation.override(language):
        return render_to_string(template_name, values)


def render_response(template_name: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Render a public page in the language of its context.

    It does not receive the request, so the response cannot contain personal data.
    """
    with translation.override(context["language"]):
        html = minify(render_to_string(template_name, context))
    response = HttpResponse(html, status=status)
    response.headers["Content-Language"] = str(context["language"])
    return response
