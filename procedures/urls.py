"""Public URLs.

The default language is at the root and the others are below their language code. The last pattern catches everything
else.
"""

import re

from django.urls import URLPattern, path, re_path

from procedures import languages
from procedures.addresses import (
    BOOKLET_SUFFIX,
    COLORS_URL,
    FEEDBACK,
    LOGO_URL,
    PICTURE_PREFIX,
    PLAIN_TEXT_SUFFIX,
    SEARCH,
    SHORT_CODES,
    VISITS,
)
from procedures.validators import PAGE_URL_NAME
from procedures.views import ehr, feedback, pages, site_files

# The path of a page, with a damaged slug, too.
ADDRESS = "^(?P<address>(?:[a-z0-9-]+/){1,3})"
CONNECT = {
    "connect/service": ehr.infobutton_feed,
    "connect/application": ehr.infobutton_redirect,
    "connect/guides.json": ehr.guides,
}
# Served with a slash at the end, too, and for ``CONNECT``, in capitals: a redirect would lose the query.
FILES = {
    **{name: view for key, view in CONNECT.items() for name in (key, key.title(), key.upper())},
    "sitemap.xml": site_files.sitemap,
    "robots.txt": site_files.robots_txt,
    ".well-known/security.txt": site_files.security_txt,
}


def language_urlpatterns(language: str) -> list[URLPattern]:
    """Return the fixed URL patterns of one language."""
    prefix = languages.home_path(language)[1:]
    values = {"language": language}
    return [
        path(prefix, pages.home, values),
        path(f"{prefix}{VISITS}", pages.visits, values),
        # Without the slash, too: a redirect would lose what was typed.
        re_path(rf"^{prefix}{SEARCH}?\Z", pages.search, values),
        re_path(rf"^{prefix}{SHORT_CODES}?\Z", pages.short_code_form, values),
        path(f"{prefix}{SHORT_CODES}<str:code>.svg", pages.qr_code, values),
        path(f"{prefix}{FEEDBACK}<str:code>/", feedback.feedback, values),
        path(f"{prefix}{FEEDBACK}<str:code>/thanks/", feedback.feedback_thanks, values),
    ]


urlpatterns = [
    *(pattern for language in languages.CODES for pattern in language_urlpatterns(language)),
    *(path(f"{name}{end}", view) for name, view in FILES.items() for end in ("", "/")),
    path(LOGO_URL[1:], site_files.logo),
    path(COLORS_URL[1:], site_files.colors),
    re_path(rf"{ADDRESS}{re.escape(PLAIN_TEXT_SUFFIX)}\Z", pages.plain_text),
    re_path(rf"{ADDRESS}{BOOKLET_SUFFIX}\Z", pages.booklet),
    re_path(rf"{ADDRESS}{PICTURE_PREFIX}(?P<slug>[a-z0-9-]+)/\Z", pages.picture),
    # [\s\S] instead of ".": mail programs insert line breaks into links.
    re_path(r"^(?P<rest>[\s\S]*)\Z", pages.page, name=PAGE_URL_NAME),
]
