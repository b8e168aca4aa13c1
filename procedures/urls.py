"""Public addresses. English stands at the root, other languages below their code; the last rule takes the rest."""

from django.urls import URLPattern, path, re_path

from procedures.enums import Language
from procedures.validators import PAGE_ROUTE
from procedures.views import clear, codes, connect, machines, reading, search, tools


def in_language(language: str) -> list[URLPattern]:
    """The fixed addresses of one language."""
    prefix = "" if language == Language.ENGLISH else f"{language}/"
    values = {"language": language}
    return [
        path(prefix, reading.home, values),
        path(f"{prefix}visits/", reading.visits, values),
        path(f"{prefix}search/", search.search, values),
        path(f"{prefix}p/", codes.form, values),
        path(f"{prefix}p/<str:typed>.svg", codes.qr_code, values),
        path(f"{prefix}clear/<str:code>/", clear.clear, values),
        path(f"{prefix}clear/<str:code>/thanks/", clear.thanks, values),
    ]


urlpatterns = [
    *(pattern for language in Language.values for pattern in in_language(language)),
    path("connect/service", connect.service),
    path("connect/application", connect.application),
    path("connect/guides.json", connect.guides),
    path("sitemap.xml", machines.sitemap),
    path("robots.txt", machines.robots),
    path(".well-known/security.txt", machines.security),
    re_path(r"^(?P<address>(?:[a-z0-9-]+/){1,3})plain\.txt\Z", tools.plain_text),
    re_path(r"^(?P<address>(?:[a-z0-9-]+/){1,3})booklet/\Z", tools.booklet),
    # [\s\S]: mail programs put line breaks into addresses, and "." would not match them.
    re_path(r"^(?P<rest>[\s\S]*)\Z", reading.page, name=PAGE_ROUTE),
]
