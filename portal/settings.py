"""Django settings. Everything that differs between installations comes from environment variables (env.py)."""

from pathlib import Path

from django.utils.module_loading import import_string

from portal import env
from portal.logging import logging_config

env.reject_unknown_variables()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.get_data_dir(BASE_DIR)
CONTENT_DIR = BASE_DIR / "content"

DEBUG = env.get_bool("PORTAL_DEBUG", default=False)
SECRET_KEY = env.get_secret_key(DATA_DIR)
ALLOWED_HOSTS = env.get_allowed_hosts()
PUBLIC_URL = env.get_public_url()
REQUIRE_PEER_REVIEW = env.get_bool("PORTAL_REQUIRE_PEER_REVIEW", default=True)
COUNT_PAGE_VIEWS = env.get_bool("PORTAL_COUNT_PAGE_VIEWS", default=True)
TEXT_DETECTION = env.get_bool("PORTAL_TEXT_DETECTION", default=True)
FEEDBACK_DAYS = env.get_int("PORTAL_FEEDBACK_DAYS", default=180, min_value=1, max_value=3650)
USE_HTTPS = PUBLIC_URL.startswith("https://")

INSTALLED_APPS = [
    "portal",
    "portal.accounts",
    "allauth",
    "portal.apps.AllauthAccountConfig",
    "allauth.mfa",
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
    "portal.security.headers.SecurityHeadersMiddleware",
    "portal.security.allowed_hosts.AllowedHostsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "portal.storage.static_files.StaticFilesMiddleware",
    "portal.storage.database_errors.DatabaseErrorMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "portal.security.request_limits.BodyLimitMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "portal.accounts.middleware.AdminAccountMiddleware",
    "portal.accounts.middleware.SessionPolicyMiddleware",
    "procedures.timezones.ClinicTimezoneMiddleware",
    "portal.storage.storage_errors.StorageErrorMiddleware",
]

# The domain's functions for published pages (SiteSource in portal/published/builder.py), and the memory that each web
# process may use for copies of their files.
SITE_SOURCE = "procedures.publishing.invalidation"
CACHE_MB = env.get_int("PORTAL_CACHE_MB", default=40, min_value=8, max_value=16_000)

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

DATABASES = {"default": env.get_database_config(DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "staff.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "portal.accounts.passwords.ContextPasswordValidator"},
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
MFA_TOTP_ISSUER = "Plainspine"
MFA_FORMS = {
    "authenticate": "portal.accounts.mfa_forms.LoginCodeForm",
    "reauthenticate": "portal.accounts.mfa_forms.ConfirmCodeForm",
    "authenticate_webauthn": "portal.accounts.mfa_forms.LoginPasskeyForm",
    "login_webauthn": "portal.accounts.mfa_forms.PasswordlessLoginForm",
    "reauthenticate_webauthn": "portal.accounts.mfa_forms.ConfirmPasskeyForm",
    "activate_totp": "portal.accounts.mfa_forms.ActivateTOTPForm",
    "add_webauthn": "portal.accounts.mfa_forms.AddPasskeyForm",
}
DATABASE_ERROR_VIEW = "procedures.views.errors.unavailable"
CSRF_FAILURE_VIEW = "procedures.views.errors.forbidden"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

LANGUAGES: list[tuple[str, str]] = import_string("procedures.languages.DJANGO_LANGUAGES")
LANGUAGE_CODE = LANGUAGES[0][0]
LOCALE_PATHS = [BASE_DIR / "procedures" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": env.get_media_storage(DATA_DIR),
    "staticfiles": {"BACKEND": "portal.storage.static_files.BundlingManifestStorage"},
}
# For files without a content hash in their name; WhiteNoise caches hashed names forever.
WHITENOISE_MAX_AGE = 0
WHITENOISE_ALLOW_ALL_ORIGINS = False
FILE_UPLOAD_PERMISSIONS = 0o640
FILE_UPLOAD_HANDLERS = ["portal.storage.upload_handlers.AnonymousTempFileUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = USE_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Without HTTPS, staff cookies are limited to /admin/. With it, the __Host- prefix prevents other sites on the same
# domain from setting them, and requires the path "/". Patients get no cookies either way.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME, DEVICE_COOKIE_NAME = (
    f"__Host-{name}" if USE_HTTPS else name for name in ("sessionid", "csrftoken", "device")
)
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/" if USE_HTTPS else "/admin/"
SESSION_IDLE_MINUTES = env.get_int("PORTAL_SESSION_IDLE_MINUTES", default=30, min_value=5, max_value=240)
SESSION_HOURS = env.get_int("PORTAL_SESSION_HOURS", default=12, min_value=1, max_value=24)
SESSION_COOKIE_AGE = 60 * 60 * SESSION_HOURS
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = USE_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if USE_HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if USE_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = USE_HTTPS
SILENCED_SYSTEM_CHECKS = [
    "security.W002",  # SecurityHeadersMiddleware sends X-Frame-Options
    "security.W021",  # HSTS preloading affects a whole domain, so it is its owner's decision
]

globals().update(env.get_email_settings())

# checks.py verifies this, and that markdownx's own public URLs are not mounted.
MARKDOWNX_MARKDOWNIFY_FUNCTION = "procedures.rendering.preview_html"

LOGGING = logging_config(env.get_choice("PORTAL_LOG_FORMAT", ("line", "json")))
