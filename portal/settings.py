"""Django settings. Everything that differs between installations comes from environment variables (env.py)."""

from pathlib import Path
from typing import Any

from django.utils.module_loading import import_string
from environs import validate

from portal import PRODUCT_NAME
from portal import env as environment
from portal.accounts.sso_settings import read_sso_settings
from portal.env import (
    MIN_SECRET_KEY_LENGTH,
    InvalidSettingError,
    SettingsEnv,
    create_data_dir,
    read_email_settings,
    read_media_storage,
    read_metrics_token,
    read_or_create_key,
    read_public_url,
    require_existing_sqlite_file,
)
from portal.http import ADMIN_PREFIX
from portal.logging import logging_config, parse_audit_targets
from portal.security import PROBE_PATHS

BASE_DIR = Path(__file__).resolve().parent.parent
CONTENT_DIR = BASE_DIR / "content"

# Everything that the environment configures. Nothing is created until reject_invalid() has accepted all of it.
env = SettingsEnv()
DATA_DIR = env.path("PORTAL_DATA_DIR", BASE_DIR / "var").expanduser().resolve()
DEBUG = env.switch("PORTAL_DEBUG", default=False)
SECRET_KEY = env.str(
    "PORTAL_SECRET_KEY",
    "",
    validate=validate.Length(min=MIN_SECRET_KEY_LENGTH, error="It is too short. Use at least {min} characters."),
)
ALLOWED_HOSTS: list[str] = env.hosts("PORTAL_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
PUBLIC_URL = read_public_url(env)
DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'portal.sqlite3'}")}
# The connections to PostgreSQL that each web process may open (portal/postgresql/base.py).
DATABASE_CONNECTIONS: int = env.number("PORTAL_DATABASE_CONNECTIONS", "8", low=2, high=64)
MEDIA_STORAGE = read_media_storage(env, DATA_DIR)
EMAIL_SETTINGS = read_email_settings(env)
REQUIRE_PEER_REVIEW = env.switch("PORTAL_REQUIRE_PEER_REVIEW", default=True)
COUNT_PAGE_VIEWS = env.switch("PORTAL_COUNT_PAGE_VIEWS", default=True)
TEXT_DETECTION = env.switch("PORTAL_TEXT_DETECTION", default=True)
FEEDBACK_DAYS: int = env.number("PORTAL_FEEDBACK_DAYS", "180", low=1, high=3650)
SESSION_IDLE_MINUTES: int = env.number("PORTAL_SESSION_IDLE_MINUTES", "30", low=5, high=240)
SESSION_HOURS: int = env.number("PORTAL_SESSION_HOURS", "12", low=1, high=24)
# The memory that each web process may use for copies of published files.
PAGE_CACHE_MB: int = env.number("PORTAL_CACHE_MB", "40", low=8, high=16_000)
LOG_FORMAT = env.choice("PORTAL_LOG_FORMAT", "line", "json")
SSO_SETTINGS = read_sso_settings(env)
# Where audit events are forwarded (docs/audit.md).
env.add_parser("audit_targets", parse_audit_targets)
AUDIT_TARGETS = (env.str("PORTAL_AUDIT_LOG", "") and env.audit_targets("PORTAL_AUDIT_LOG")) or []
# Without it, /metrics does not exist.
METRICS_TOKEN = read_metrics_token(env)
# How long sign-in events and closed accounts are stored (docs/audit.md). Six years is what HIPAA requires for
# documentation.
SIGN_IN_LOG_DAYS: int = env.number("PORTAL_SIGN_IN_LOG_DAYS", "2190", low=30, high=36_500)
CLOSED_ACCOUNT_DAYS: int = env.number("PORTAL_CLOSED_ACCOUNT_DAYS", "365", low=1, high=36_500)
HSTS_SUBDOMAINS = env.switch("PORTAL_HSTS_SUBDOMAINS", default=True)
env.reject_invalid()

USE_HTTPS = PUBLIC_URL.startswith("https://")
if DEBUG and USE_HTTPS:
    raise InvalidSettingError(
        "PORTAL_DEBUG is true on a site with https, where error pages would show code and settings to everyone. "
        "Remove PORTAL_DEBUG."
    )
create_data_dir(DATA_DIR)
KEY_FILE = DATA_DIR / "secret-key"
IS_KEY_IN_ENVIRONMENT = bool(SECRET_KEY)
SECRET_KEY = SECRET_KEY or read_or_create_key(KEY_FILE)
if not environment.may_create:
    require_existing_sqlite_file(DATABASES["default"])

INSTALLED_APPS = [
    "portal",
    "portal.apps.AccountsConfig",
    "allauth",
    "portal.apps.AllauthAccountConfig",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    *SSO_SETTINGS["SSO_APPS"],
    "procedures",
    "markdownx",
    "portal.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "portal.security.SecurityHeadersMiddleware",
    "portal.security.AllowedHostsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "portal.storage.static_files.StaticFilesMiddleware",
    "portal.storage.database.DatabaseErrorMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "portal.accounts.middleware.NulCharacterMiddleware",
    "portal.security.BodyLimitMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "portal.accounts.middleware.AdminAccountMiddleware",
    "portal.accounts.middleware.SessionPolicyMiddleware",
    "procedures.timezones.ClinicTimezoneMiddleware",
    "portal.storage.media.StorageErrorMiddleware",
]

# The domain's functions for published pages (SiteSource in portal/published/builder.py).
SITE_SOURCE = "procedures.publishing.site_source"

# The tables of audit events (AuditSource in portal/audit.py).
AUDIT_SOURCES = ["portal.audit.SignInEvents", "procedures.revisions.history.ReleaseEventSource"]

# The domain's metrics for /metrics (MetricsSource in portal/metrics.py).
METRICS_SOURCE = "procedures.publishing.site_source"

# The function that stores page-view counts (portal/page_views.py).
PAGE_VIEW_BACKEND = "procedures.page_views.record_page_views"

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
# Public paths are database rows, and procedures/sharing/url_repair.py redirects misspelled ones.
APPEND_SLASH = False

TEMPLATES_DIR = BASE_DIR / "templates"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [TEMPLATES_DIR],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "staff.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
MIN_PASSWORD_LENGTH = 12
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": MIN_PASSWORD_LENGTH},
    },
    {"NAME": "portal.accounts.passwords.GuessesPasswordValidator"},
]
# Words that an attacker tries first, such as the clinic's name (portal/accounts/passwords.py).
PASSWORD_DENYLIST = "procedures.models.clinic.get_clinic_names"  # noqa: S105 -- the path of a function
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
# Only tests turn this off: there is no environment variable, and check --deploy rejects it.
MFA_REQUIRED = True
ACCOUNT_ADAPTER = "portal.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
# Replaced by portal/accounts/throttle.py: allauth's limits lock accounts out and count in a single worker only.
ACCOUNT_RATE_LIMITS = False
MFA_RATE_LIMITS = False
MFA_ADAPTER = "portal.accounts.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1
MFA_TOTP_ISSUER = PRODUCT_NAME
MFA_FORMS = {
    "authenticate": "portal.accounts.mfa.LoginCodeForm",
    "reauthenticate": "portal.accounts.mfa.ConfirmCodeForm",
    "authenticate_webauthn": "portal.accounts.mfa.LoginPasskeyForm",
    "login_webauthn": "portal.accounts.mfa.PasswordlessLoginForm",
    "reauthenticate_webauthn": "portal.accounts.mfa.ConfirmPasskeyForm",
    "activate_totp": "portal.accounts.mfa.ActivateTOTPForm",
    "add_webauthn": "portal.accounts.mfa.AddPasskeyForm",
}
DATABASE_ERROR_VIEW = "procedures.views.errors.unavailable"
CSRF_FAILURE_VIEW = "procedures.views.errors.forbidden"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

LANGUAGES: list[tuple[str, str]] = import_string("procedures.languages.DJANGO_LANGUAGES")
LANGUAGE_CODE = LANGUAGES[0][0]
LOCALE_PATHS = [BASE_DIR / "procedures" / "locale"]
FORMAT_MODULE_PATH = ["portal.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": MEDIA_STORAGE,
    "staticfiles": {"BACKEND": "portal.storage.static_files.BundlingManifestStorage"},
}
# For files without a content hash in their name; WhiteNoise caches hashed names forever.
WHITENOISE_MAX_AGE = 0
WHITENOISE_ALLOW_ALL_ORIGINS = False
FILE_UPLOAD_PERMISSIONS = 0o640
FILE_UPLOAD_HANDLERS = ["portal.storage.local_storage.AnonymousTempFileUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = USE_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Without HTTPS, staff cookies are limited to /admin/. With it, the __Host- prefix prevents other sites on the same
# domain from setting them, and requires the path "/". Patients get no cookies either way.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME, DEVICE_COOKIE_NAME = (
    f"__Host-{name}" if USE_HTTPS else name for name in ("sessionid", "csrftoken", "device")
)
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/" if USE_HTTPS else ADMIN_PREFIX
SESSION_COOKIE_AGE = 60 * 60 * SESSION_HOURS
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_SSL_REDIRECT = USE_HTTPS
SECURE_REDIRECT_EXEMPT = [rf"^{path[1:]}$" for path in sorted(PROBE_PATHS)]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if USE_HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if USE_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = USE_HTTPS and HSTS_SUBDOMAINS
SILENCED_SYSTEM_CHECKS = [
    "security.W002",  # SecurityHeadersMiddleware sends X-Frame-Options
    "security.W021",  # HSTS preloading affects a whole domain, so it is its owner's decision
]

globals().update(EMAIL_SETTINGS)

SSO_PROVIDER: str = SSO_SETTINGS["SSO_PROVIDER"]
SSO_PROVIDER_ID: str = SSO_SETTINGS["SSO_PROVIDER_ID"]
SSO_NAME: str = SSO_SETTINGS["SSO_NAME"]
SSO_GROUPS_CLAIM: str = SSO_SETTINGS["SSO_GROUPS_CLAIM"]
SSO_ROLES: dict[str, str] = SSO_SETTINGS["SSO_ROLES"]
SSO_SECOND_FACTOR: str = SSO_SETTINGS["SSO_SECOND_FACTOR"]
SSO_RECHECK_MINUTES: int = SSO_SETTINGS["SSO_RECHECK_MINUTES"]
BREAK_GLASS_ACCOUNT: str = SSO_SETTINGS["BREAK_GLASS_ACCOUNT"]
SOCIALACCOUNT_ADAPTER: str = SSO_SETTINGS["SOCIALACCOUNT_ADAPTER"]
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = SSO_SETTINGS["SOCIALACCOUNT_PROVIDERS"]

# checks.py verifies that markdownx's own public URLs are not mounted.
MARKDOWNX_MARKDOWNIFY_FUNCTION = "procedures.rendering.preview_html"

LOGGING = logging_config(LOG_FORMAT)
