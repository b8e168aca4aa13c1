"""System checks: settings that can be read but must not run."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.http.request import validate_host
from django.urls import URLPattern, URLResolver, get_resolver

from portal.security.allowed_hosts import is_loopback

MARKDOWN_RENDERER = "procedures.rendering.preview_html"


@register
def check_markdownx_urls(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """markdownx's own addresses are open to everybody: its upload stores script, its preview renders for strangers."""
    found: list[CheckMessage] = [
        Error(
            f"django-markdownx's own view is mounted at “{address}”: it is open to the public and stores unsafe files.",
            hint="Take markdownx.urls out of the URLconf. The editor has its own addresses under /admin/.",
            id="portal.E001",
        )
        for address, view in _iter_views(get_resolver().url_patterns)
        if _is_markdownx_view(view)
    ]
    if settings.MARKDOWNX_MARKDOWNIFY_FUNCTION != MARKDOWN_RENDERER:
        found.append(Error(f"MARKDOWNX_MARKDOWNIFY_FUNCTION must be {MARKDOWN_RENDERER}.", id="portal.E002"))
    return found


def _iter_views(patterns: Iterable[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _iter_views(pattern.url_patterns, address)
        else:
            yield address, pattern.callback


def _is_markdownx_view(view: Any) -> bool:
    """Whether a view, or one that it is wrapped around, comes from markdownx."""
    while view is not None:
        owner = getattr(view, "view_class", view)
        if getattr(owner, "__module__", "").split(".")[0] == "markdownx":
            return True
        view = getattr(view, "__wrapped__", None)
    return False


@register
def check_public_url(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Links in letters use PORTAL_PUBLIC_URL: it must lead here, and not in the clear across a network."""
    parts = urlsplit(settings.PUBLIC_URL)
    host = parts.hostname or ""
    found: list[CheckMessage] = []
    if parts.scheme == "http" and not is_loopback(host):
        found.append(
            Warning(
                "PORTAL_PUBLIC_URL starts with http://, so passwords of the staff cross the network in the clear.",
                hint="Put TLS in front of this site and write https://.",
                id="portal.W001",
            )
        )
    if not validate_host(f"[{host}]" if ":" in host else host, settings.ALLOWED_HOSTS):
        found.append(
            Warning(
                f"PORTAL_PUBLIC_URL names {host}, which PORTAL_ALLOWED_HOSTS does not hold: links would answer 400.",
                hint=f"Add {host} to PORTAL_ALLOWED_HOSTS.",
                id="portal.W002",
            )
        )
    return found


@register(Tags.security, deploy=True)
def check_mfa_required(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The switch is for tests."""
    if settings.MFA_REQUIRED:
        return []
    return [Error("MFA_REQUIRED is off: a password alone opens the admin.", id="portal.E003")]
