"""System checks that reject an unsafe configuration."""

import sys
from types import ModuleType

import pytest
from django.contrib.auth.decorators import login_required
from django.urls import include, path
from markdownx.views import ImageUploadView, MarkdownifyView

from portal.checks import check_markdownx_urls, check_public_url


def ids(messages: object) -> list[str]:
    return [message.id for message in messages]  # type: ignore[attr-defined]


def mount(monkeypatch: pytest.MonkeyPatch, settings: object, patterns: list[object]) -> None:
    module = ModuleType("mounted_urls")
    module.urlpatterns = patterns  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mounted_urls", module)
    settings.ROOT_URLCONF = "mounted_urls"  # type: ignore[attr-defined]


def test_the_project_urls_pass_the_check() -> None:
    assert check_markdownx_urls(None) == []


@pytest.mark.parametrize(
    ("patterns", "count"),
    [
        ([path("markdownx/", include("markdownx.urls"))], 2),
        ([path("a/", include([path("b/", include("markdownx.urls"))]))], 2),
        ([path("mine/", MarkdownifyView.as_view())], 1),
        ([path("behind-a-login/", login_required(ImageUploadView.as_view()))], 1),
    ],
)
def test_markdownx_urls_fail_the_check_wherever_they_are_included(
    monkeypatch: pytest.MonkeyPatch, settings: object, patterns: list[object], count: int
) -> None:
    mount(monkeypatch, settings, patterns)

    assert ids(check_markdownx_urls(None)) == ["portal.E001"] * count


@pytest.mark.parametrize(
    ("url", "hosts", "wanted"),
    [
        ("http://127.0.0.1:8000", ["127.0.0.1"], []),
        ("http://[::1]:8000", ["[::1]"], []),
        ("http://localhost", ["localhost"], []),
        ("https://learn.example.org", ["learn.example.org"], []),
        ("http://learn.example.org", ["learn.example.org"], ["portal.W001"]),
        ("https://learn.example.org", ["localhost"], ["portal.W002"]),
    ],
)
def test_the_public_url_uses_an_allowed_host_and_https(
    settings: object, url: str, hosts: list[str], wanted: list[str]
) -> None:
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = url, hosts  # type: ignore[attr-defined]

    assert ids(check_public_url(None)) == wanted
