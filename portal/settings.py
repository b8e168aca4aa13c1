"""The one settings file. Everything that differs between installations comes from the environment (env.py)."""

from pathlib import Path

from portal import env, env_storage
from portal.serving.logs import logging_config

env.refuse_unknown_names()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.data_dir(BASE_DIR)
CONTENT_DIR = BASE_DIR / "content"

DEBUG = env.boolean("PORTAL_DEBUG", default=False)
SECRET_KEY = env.secret_key(DATA_DIR)
ALLOWED_HOSTS = env.allowed_hosts()
PUBLIC_URL = env.public_url()
REQUIRE_SECOND_PERSON = env.boolean("PORTAL_REQUIRE_SECOND_PERSON", default=True)
COUNT_READS = env.boolean("PORTAL_COUNT_READS", default=True)
TEXT_DETECTION = env.boolean("PORTAL_TEXT_DETECTION", default=True)
FEEDBACK_DAYS = env.number("PORTAL_FEEDBACK_DAYS", default=180, least=1, most=3650)
BEHIND_TLS = PUBLIC_URL.startswith("https://")

INSTALLED_APPS = [
    "portal",
    "portal.staff",
    "allauth",
    "portal.apps.SignInConfig",
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
    "portal.serving.headers.ConstantHeadersMiddleware",
    "portal.serving.hosts.KnownHostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "portal.serving.static.StaticFilesMiddleware",
    "portal.serving.database.DatabaseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "portal.serving.limits.BodyLimitMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "portal.staff.gate.SignInMiddleware",
    "portal.staff.gate.StaffGate",
    "procedures.middleware.ClinicTimeMiddleware",
    "portal.serving.trouble.StorageTroubleMiddleware",
]

# What snapshots of public pages depend on, and the memory that they may take (portal/serving/keeper.py).
SNAPSHOT_SOURCE = "procedures.publishing.generation"
SNAPSHOT_MB = env.number("PORTAL_SNAPSHOT_MB", default=128, least=8, most=16_000)

# Who keeps the totals of what was read (portal/serving/reads.py).
READS_STORE = "procedures.links.reads.add"

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
# Every public address is a row that resolves damaged spellings itself (procedures/links).
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

DATABASES = {"default": env.database(DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "staff.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "portal.staff.passwords.GuessableValidator"},
]
# Words that a stranger tries first: the clinic's own (portal/staff/passwords.py).
GUESSABLE_WORDS = "procedures.models.clinic.names_of_the_clinic"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
# Only tests switch it off; there is no name for it in the environment, and check --deploy refuses it.
REQUIRE_SECOND_FACTOR = True
ACCOUNT_ADAPTER = "portal.staff.adapter.StaffAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
# Counted in our own table instead (portal/staff/throttle.py): theirs lock an account out, and count in one worker only.
ACCOUNT_RATE_LIMITS = False
MFA_RATE_LIMITS = False
MFA_ADAPTER = "portal.staff.adapter.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1
MFA_TOTP_ISSUER = "Plainspine"
MFA_FORMS = {
    "authenticate": "portal.staff.codes.SignInCodeForm",
    "reauthenticate": "portal.staff.codes.ConfirmCodeForm",
    "authenticate_webauthn": "portal.staff.codes.SignInPasskeyForm",
    "login_webauthn": "portal.staff.codes.PasskeyAloneForm",
    "reauthenticate_webauthn": "portal.staff.codes.ConfirmPasskeyForm",
    "activate_totp": "portal.staff.codes.ActivateAppForm",
    "add_webauthn": "portal.staff.codes.AddPasskeyForm",
}
UNAVAILABLE_VIEW = "procedures.views.errors.unavailable"
CSRF_FAILURE_VIEW = "procedures.views.errors.forbidden"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
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
    "default": env_storage.media(DATA_DIR),
    "staticfiles": {"BACKEND": "portal.serving.static.FlatManifestStorage"},
}
# Names with a hash of the content may be kept for ever (WhiteNoise says so itself); others may change with a release.
WHITENOISE_MAX_AGE = 0
WHITENOISE_ALLOW_ALL_ORIGINS = False
FILE_UPLOAD_PERMISSIONS = 0o640
FILE_UPLOAD_HANDLERS = ["portal.serving.uploads.UnnamedFileHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Without TLS the cookies of the staff stay under /admin/. With it a neighbour on the same domain must not be able to
# set them: browsers promise that for __Host- names only, and those ask for the path "/". Patients get none either way.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME, DEVICE_COOKIE_NAME = (
    f"__Host-{name}" if BEHIND_TLS else name for name in ("sessionid", "csrftoken", "device")
)
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/" if BEHIND_TLS else "/admin/"
SESSION_IDLE_MINUTES = env.number("PORTAL_SESSION_IDLE_MINUTES", default=30, least=5, most=240)
SESSION_HOURS = env.number("PORTAL_SESSION_HOURS", default=12, least=1, most=24)
SESSION_COOKIE_AGE = 60 * 60 * SESSION_HOURS
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = BEHIND_TLS
SILENCED_SYSTEM_CHECKS = [
    "security.W002",  # X-Frame-Options is sent by the constant headers
    "security.W021",  # the preload list is a promise for a whole domain: its owner's choice, not ours
]

globals().update(env.mail())

# Markdown goes through our renderer, and never through markdownx's own public addresses (checks.py).
MARKDOWNX_MARKDOWNIFY_FUNCTION = "procedures.markdown.preview_html"

LOGGING = logging_config(env.choice("PORTAL_LOG_FORMAT", ("line", "json")))
