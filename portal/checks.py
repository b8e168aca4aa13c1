"""System checks for settings that are valid but unsafe."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.http.request import validate_host
from django.urls import URLPattern, URLResolver, get_resolver

from portal.security import is_loopback


@register
def check_markdownx_urls(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Reject markdownx's own URLs, which let anyone upload files with scripts."""
    return [
        Error(
            f"A django-markdownx view is mounted at “{route}”. It is open to the public and stores unsafe files.",
            hint="Remove markdownx.urls from the URLconf. The editor has its own URLs under /admin/.",
            id="portal.E001",
        )
        for route, view in _iter_views(get_resolver().url_patterns)
        if _is_markdownx_view(view)
    ]


def _iter_views(patterns: Iterable[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _iter_views(pattern.url_patterns, route)
        else:
            yield route, pattern.callback


def _is_markdownx_view(view: Any) -> bool:
    """Return whether a view, or a view that it wraps, comes from markdownx."""
    while view is not None:
        definition = getattr(view, "view_class", view)
        if getattr(definition, "__module__", "").split(".")[0] == "markdownx":
            return True
        view = getattr(view, "__wrapped__", None)
    return False


@register
def check_public_url(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Warn if PORTAL_PUBLIC_URL, which links in emails and letters use, is unencrypted or not an allowed host."""
    parts = urlsplit(settings.PUBLIC_URL)
    host = parts.hostname or ""
    warnings: list[CheckMessage] = []
    if parts.scheme == "http" and not is_loopback(host):
        warnings.append(
            Warning(
                "PORTAL_PUBLIC_URL starts with http://, so staff passwords cross the network unencrypted.",
                hint="Put a TLS proxy in front of this site and use https://.",
                id="portal.W001",
            )
        )
    if message := describe_rejected_host():
        warnings.append(Warning(message, hint=f"Add {host} to PORTAL_ALLOWED_HOSTS.", id="portal.W002"))
    return warnings


def describe_rejected_host() -> str:
    """Return a message if this site rejects every request to the host of PORTAL_PUBLIC_URL."""
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    if validate_host(f"[{host}]" if ":" in host else host, settings.ALLOWED_HOSTS):
        return ""
    return f"PORTAL_PUBLIC_URL names {host}, which is not in PORTAL_ALLOWED_HOSTS, so links would return 400."


@register(Tags.security, deploy=True)
def check_mfa_required(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Reject MFA_REQUIRED = False, which is for tests only."""
    if settings.MFA_REQUIRED:
        return []
    return [Error("MFA_REQUIRED is off, so a password alone gives access to the admin.", id="portal.E003")]
