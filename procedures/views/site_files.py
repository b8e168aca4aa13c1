"""Files at fixed URLs: sitemap, robots.txt, security.txt, and the clinic's logo and colors."""

import datetime
from collections import defaultdict
from collections.abc import Mapping
from html import escape

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from portal.http import ADMIN_PREFIX, public_response
from procedures import languages
from procedures.addresses import LISTS
from procedures.branding import build_stylesheet
from procedures.languages import home_path
from procedures.models import Clinic, Page

URLSET = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:xhtml="http://www.w3.org/1999/xhtml">'
)


@public_response
def sitemap(request: HttpRequest) -> HttpResponse:
    """List every public page with its translations, the home pages, and the lists of visits.

    Built without a template, which would take a second for ten thousand pages.
    """
    rows = list(Page.objects.for_sitemap())
    translations: dict[str, dict[str, str]] = defaultdict(dict)
    for subject, language, path, _ in rows:
        translations[subject][language] = path
    entries = [_sitemap_entry(path, changed, translations[subject]) for subject, _, path, changed in rows]
    in_use = [code for code in languages.CODES if any(language == code for _, language, _, _ in rows)]
    for part in LISTS:
        addresses = {code: f"{home_path(code)}{part}" for code in in_use}
        newest = max((changed for *_, changed in rows), default=None)
        # "/" is listed below, even if nothing is published.
        entries += [_sitemap_entry(path, newest, addresses) for path in addresses.values() if newest and path != "/"]
    lines = [URLSET, f"<url><loc>{_escaped_absolute_url('/')}</loc></url>", *entries, "</urlset>"]
    return HttpResponse("\n".join(lines) + "\n", content_type="application/xml")


def _sitemap_entry(path: str, changed: datetime.datetime, translations: Mapping[str, str]) -> str:
    others = "".join(
        f'<xhtml:link rel="alternate" hreflang="{code}" href="{_escaped_absolute_url(translations[code])}"/>'
        for code in languages.CODES
        if code in translations
    )
    return f"<url><loc>{_escaped_absolute_url(path)}</loc><lastmod>{changed.date().isoformat()}</lastmod>{others}</url>"


def _escaped_absolute_url(path: str) -> str:
    return escape(settings.PUBLIC_URL + path)


@public_response
def robots_txt(request: HttpRequest) -> HttpResponse:
    """Tell crawlers which paths to skip."""
    skipped = [f"{home_path(code)}{name}/" for code in languages.CODES for name in ("search", "p", "clear")]
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in (ADMIN_PREFIX, *skipped))]
    lines.append(f"Sitemap: {settings.PUBLIC_URL}/sitemap.xml")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@public_response
def security_txt(request: HttpRequest) -> HttpResponse:
    """Say where to report a vulnerability (RFC 9116). Valid for a year from the day of the request."""
    expires = (timezone.now() + datetime.timedelta(days=365)).strftime("%Y-%m-%dT00:00:00Z")
    lines = [
        f"Contact: {settings.PUBLIC_URL}/contact/",
        f"Expires: {expires}",
        f"Preferred-Languages: {', '.join(languages.CODES)}",
    ]
    lines.append(f"Canonical: {settings.PUBLIC_URL}/.well-known/security.txt")
    response = HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
    # A Cache-Control of its own keeps it out of the published files, where its expiry date would become stale.
    response.headers["Cache-Control"] = "max-age=86400"
    return response


@public_response
def logo(request: HttpRequest) -> HttpResponse:
    """``/clinic/logo.png``."""
    png = Clinic.objects.exclude(logo_version="").values_list("logo", flat=True).first()
    if not png:
        raise Http404
    return HttpResponse(bytes(png), content_type="image/png")


@public_response
def colors(request: HttpRequest) -> HttpResponse:
    """``/clinic/colors.css``."""
    chosen = Clinic.objects.exclude(color="").values_list("color", "accent_color").first()
    if not chosen:
        raise Http404
    return HttpResponse(build_stylesheet(*chosen), content_type="text/css; charset=utf-8")
