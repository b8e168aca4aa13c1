"""Settings that do not depend on the environment, and the system checks."""

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks
from django.test import Client, override_settings
from django.urls import include, path

from portal import checks, get_version, settings
from portal.logging import RedactUrlsFilter
from portal.security import CONTENT_SECURITY_POLICY, SECURITY_HEADERS

urlpatterns = [path("tools/", include("markdownx.urls"))]


def test_the_defaults_are_safe() -> None:
    assert settings.DEBUG is False
    assert settings.REQUIRE_PEER_REVIEW is True
    assert "*" not in settings.ALLOWED_HOSTS


def test_staff_cookies_are_not_sent_with_public_pages() -> None:
    assert settings.SESSION_COOKIE_PATH == settings.CSRF_COOKIE_PATH == "/admin/"
    assert settings.SESSION_COOKIE_HTTPONLY
    assert settings.CSRF_COOKIE_HTTPONLY
    assert settings.SESSION_COOKIE_SAMESITE == "Lax"
    assert not any("messages.storage.cookie" in str(value) for value in vars(settings).values())


def test_passwords_are_hashed_with_argon2() -> None:
    assert settings.PASSWORD_HASHERS[0].endswith("Argon2PasswordHasher")


def test_the_headers_forbid_inline_code_frames_and_other_hosts() -> None:
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'")
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY
    assert "frame-ancestors 'none'" in CONTENT_SECURITY_POLICY
    assert SECURITY_HEADERS["X-Content-Type-Options"] == "nosniff"
    assert SECURITY_HEADERS["Referrer-Policy"] == "same-origin"


def test_the_security_headers_middleware_is_outermost_so_that_errors_have_them() -> None:
    assert django_settings.MIDDLEWARE[0] == "portal.security.SecurityHeadersMiddleware"


def test_the_default_settings_pass_the_system_checks() -> None:
    assert checks.check_markdownx_urls(None) == []
    assert [found for found in run_checks() if found.level >= 40] == []


@override_settings(ROOT_URLCONF=__name__)
def test_mounted_markdownx_urls_are_an_error() -> None:
    assert {found.id for found in checks.check_markdownx_urls(None)} == {"portal.E001"}


@pytest.mark.parametrize(
    ("url", "hosts", "ids"),
    [
        ("https://learn.example.org", ["learn.example.org"], []),
        ("http://127.0.0.1:8000", ["127.0.0.1"], []),
        ("http://[::1]:8000", ["[::1]"], []),
        ("http://learn.example.org", ["learn.example.org"], ["portal.W001"]),
        ("https://learn.example.org", ["other.example.org"], ["portal.W002"]),
        ("http://127.0.0.1.evil.example", ["127.0.0.1"], ["portal.W001", "portal.W002"]),
    ],
)
def test_a_public_url_with_another_host_or_without_tls_is_a_warning(url: str, hosts: list[str], ids: list[str]) -> None:
    with override_settings(PUBLIC_URL=url, ALLOWED_HOSTS=hosts):
        assert [found.id for found in checks.check_public_url(None)] == ids


def test_log_records_contain_no_url_and_no_request(caplog: pytest.LogCaptureFixture) -> None:
    import logging

    record = logging.LogRecord("django.request", 30, "x", 1, "Not Found: %s", ("/kyphoplasty/",), None)
    record.status_code, record.request = 404, object()

    assert RedactUrlsFilter().filter(record)

    assert record.getMessage() == "responded with 404"
    assert not hasattr(record, "request")


@pytest.mark.django_db
def test_the_version_is_in_the_footer_of_staff_screens_and_in_healthz(admin_client: Client) -> None:
    assert f"Plainspine {get_version()}</p>" in admin_client.get("/admin/").text
    assert Client().get("/healthz").text == f"ok {get_version()}\n"
