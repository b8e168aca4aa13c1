"""Settings from environment variables: names, parsers, and messages. environs reads the variables.

A parser raises ValidationError with a sentence that says what to write, and never repeats a value that may be secret.
"""

import contextlib
import os
import re
import secrets
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit

import dj_database_url
from django.core.management.base import CommandError
from environs import Env, EnvValidationError, ValidationError, validate
from rapidfuzz.distance import OSA

from portal import MEGABYTE
from portal.security import is_loopback
from portal.storage.local_storage import atomic_create
from portal.text import find_closest

# Former names, with the names that replaced them.
RENAMED_VARIABLES = {
    "PORTAL_COUNT_READS": "PORTAL_COUNT_PAGE_VIEWS",
    "PORTAL_REQUIRE_SECOND_PERSON": "PORTAL_REQUIRE_PEER_REVIEW",
    "PORTAL_SNAPSHOT_MB": "PORTAL_CACHE_MB",
}
# Names without our prefix that other software may use as well.
DATABASE_NAMES = ("DATABASE_URL",)
BUCKET_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
# A name with at most this many wrong, missing, or swapped letters is treated as a misspelling.
MAX_MISSPELLED_LETTERS = 2
# docs/examples/portal.service lists it in RestartPreventExitStatus: a restart does not fix a bad setting.
EXIT_CONFIGURATION = os.EX_CONFIG
MIN_SECRET_KEY_LENGTH = 50
DUMMY_EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
HOST_PATTERN = re.compile(r"(?:\.?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])\Z", re.IGNORECASE)
BUCKET_NAME_PATTERN = r"(?=.{3,63}\Z)(?!\d+\.\d+\.\d+\.\d+\Z)[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)*\Z"
# Unencoded special characters would move the end of the password, and part of it could end up in the host's name.
POSTGRES_URL_PATTERN = re.compile(
    r"postgres(?:ql)?://(?:(?:[^\s:/?#@%\[\]]|%[0-9a-f]{2})+(?::(?:[^\s:/?#@%\[\]]|%[0-9a-f]{2})*)?@)?"
    r"(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\]|(?:%2f[a-z0-9_.%-]+))?(?::[0-9]{1,5})?/[^\s/?#@]+(?:\?[^\s#@]*)?\Z",
    re.IGNORECASE,
)
REGION_PATTERN = r"[a-z0-9][a-z0-9-]{0,31}\Z"
MIN_S3_CACHE_MB, MAX_S3_CACHE_MB = 64, 1024 * 1024
# libpq options that detect a dead server within seconds, even in processes without a timeout.
CONNECTION_OPTIONS: dict[str, Any] = {
    "connect_timeout": 2,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "plainspine",
}
# Options that Django evaluates itself; the others are libpq's.
DJANGO_CONNECTION_OPTIONS = frozenset({"assume_role", "isolation_level", "pool", "server_side_binding"})
# The command that runs management commands, for messages. docs/examples/plainspine-manage and the units set it.
MANAGE = os.environ.get("PLAINSPINE_MANAGE", "manage.py")
SERVICE_USER_HINT = "Run the command as the service's user, with the service's settings (docs/operations.md)."
NEW_SITE_HINT = f"{SERVICE_USER_HINT} To set up a new site, start the service."
TRUE_OR_FALSE: dict[str, Any] = {
    "truthy": {"true", "True", "TRUE"},
    "falsy": {"false", "False", "FALSE"},
    "error_messages": {"invalid": "Use true or false."},
}
# Files that this process created in the data directory; a failed restore removes them.
CREATED_FILES: set[Path] = set()
# Whether this process may create a data directory, a key, and a database. manage.py turns it off for most commands: one
# that runs without the service's settings must not leave a second installation behind.
may_create = True


class InvalidSettingError(Exception):
    """Invalid environment variables. The message is one line that tells the operator what to do."""


class ConfigurationError(CommandError):
    """A command that cannot start until its configuration is fixed. systemd does not restart it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=EXIT_CONFIGURATION)


class SettingsEnv(Env):
    """An environs reader with strict parsers. ``reject_invalid`` reports all invalid values and unknown names at once.

    A blank variable counts as not set.
    """

    def __init__(self) -> None:
        super().__init__(eager=False)
        # Every variable that was read. Once the settings are loaded, these are all known settings.
        self.names: set[str] = set()
        for name, parser in (
            ("number", parse_number), ("hosts", parse_hosts), ("origin", parse_origin), ("email", parse_email_url),
            ("sender", parse_sender), ("database", parse_database_url),
        ):  # fmt: skip
            self.add_parser(name, parser)

    def switch(self, name: str, *, default: bool) -> bool:
        """Read ``true`` or ``false``; environs alone would also accept ``yes``, ``on``, and ``1``."""
        return self.bool(name, default, **TRUE_OR_FALSE)

    def choice(self, name: str, *values: str) -> str:
        """Read one of ``values``; the first is the default."""
        return self.str(name, values[0], validate=validate.OneOf(values, error=f"Use {' or '.join(values)}."))

    def _get_value(self, env_key: str, default: Any) -> Any:
        self.names.add(env_key)
        value = super()._get_value(env_key, default)
        return (value.strip() or default) if isinstance(value, str) else value

    def reject_invalid(self) -> None:
        """Raise InvalidSettingError for invalid values and unknown names.

        Call it after all settings have been read. Otherwise, a misspelled name would silently leave the default in
        place.
        """
        unknown = sorted(name for name in os.environ if name.startswith("PORTAL_") and name not in self.names)
        problems = [self._unknown_name_message(name) for name in unknown]
        problems += [
            f"{name} is not a known setting. Did you mean {meant}?"
            for name in sorted(os.environ.keys() - self.names)
            if not name.startswith("PORTAL_") and (meant := self._closest_setting(name))
        ]
        try:
            self.seal()
        except EnvValidationError as error:
            problems += [
                f"{name} is not valid. {message}"
                for name, messages in cast("dict[str, list[str]]", error.error_messages).items()
                for message in messages
            ]
        if problems:
            raise InvalidSettingError(" ".join(problems))

    def _unknown_name_message(self, name: str) -> str:
        if name in RENAMED_VARIABLES:
            return f"{name} was renamed. Set {RENAMED_VARIABLES[name]} instead."
        # Without the prefix, which all names share.
        known = {known.removeprefix("PORTAL_"): known for known in sorted(self.names)}
        closest = known[find_closest(name.removeprefix("PORTAL_"), known, 0)]
        return f"{name} is not a known setting. Did you mean {closest}? See docs/operations.md for all settings."

    def _closest_setting(self, name: str) -> str:
        """Return the setting that a name without our prefix probably means, or an empty string.

        Without a bucket, names that begin with AWS belong to other software.
        """
        others = (*DATABASE_NAMES, *(BUCKET_NAMES if os.environ.get("PORTAL_S3_BUCKET", "").strip() else ()))
        letters = _letters(name)
        for known in (*others, *sorted(self.names - {*DATABASE_NAMES})):
            if name != known and OSA.distance(letters, _letters(known)) <= MAX_MISSPELLED_LETTERS:
                return str(known)
        return ""


def _letters(name: str) -> str:
    return re.sub(r"[_.-]", "", name).upper()


def parse_number(value: str, *, low: int, high: int) -> int:
    """Return a whole number from ``low`` to ``high``.

    int() alone would also accept ``+5``, ``1_0``, and non-ASCII digits.
    """
    if not re.fullmatch(r"[0-9]{1,7}", value) or not low <= int(value) <= high:
        raise ValidationError(f"Use a whole number from {low} to {high}.")
    return int(value)


def parse_hosts(value: str) -> list[str]:
    """Return Django's ``ALLOWED_HOSTS``."""
    hosts = [host.strip() for host in value.split(",")]
    for host in hosts:
        if not HOST_PATTERN.match(host):
            raise ValidationError(
                f"It contains {host!r}. Use host names separated by commas, without a scheme, port, or *."
            )
    return hosts


def parse_origin(value: str, *, example: str) -> str:
    """Return an HTTP origin, ``scheme://host[:port]``. Reject a URL with anything more."""
    try:
        parts = urlsplit(value)
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.path in {"", "/"}
        valid = valid and not (parts.query or parts.fragment or "@" in parts.netloc) and parts.port != 0
        valid = valid and bool(HOST_PATTERN.match(parts.netloc.removesuffix(f":{parts.port}")))
    except ValueError:
        valid = False
    if not valid:
        raise ValidationError(f"Use only the scheme and host, such as {example}.")
    return f"{parts.scheme}://{parts.netloc}"


def parse_email_url(value: str) -> dict[str, Any]:
    """Return Django's ``EMAIL_…`` settings.

    ``smtps://`` uses TLS from the start; ``smtp://`` uses STARTTLS, except with a loopback host.
    """
    try:
        parts = urlsplit(value)
        valid = parts.scheme in {"smtp", "smtps"} and parts.hostname and parts.path in {"", "/"}
        valid = valid and not (parts.query or parts.fragment) and parts.port != 0
        valid = valid and (parts.username is None) == (parts.password is None)
    except ValueError:
        valid = False
    if not valid:
        raise ValidationError("Use smtps://user:password@mail.example.org:465.")
    implicit_tls, host = parts.scheme == "smtps", parts.hostname or ""
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": host,
        "EMAIL_PORT": parts.port or (465 if implicit_tls else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": implicit_tls,
        "EMAIL_USE_TLS": not implicit_tls and not is_loopback(host),
        "EMAIL_TIMEOUT": 10,
    }


def parse_sender(value: str) -> str:
    """Return an email address."""
    if not re.fullmatch(r"[^@\s<>,]+@[^@\s<>,]+", value):
        raise ValidationError("Use an email address. Set both PORTAL_EMAIL_URL and PORTAL_EMAIL_FROM, or neither.")
    return value


def parse_database_url(value: str) -> dict[str, Any]:
    """Return Django's ``DATABASES["default"]``."""
    if value.lower().startswith("postgres") and not POSTGRES_URL_PATTERN.match(value):
        raise ValidationError(
            "Use postgres://user:password@host/name, and percent-encode special characters in the password, "
            "such as %40 for @, %2F for /, %3A for :, %23 for #, and %25 for %."
        )
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(value))
    except (dj_database_url.ParseError, dj_database_url.UnknownSchemeError, ValueError) as error:
        raise ValidationError("Use postgres://user:password@host/name.") from error
    engine = config.get("ENGINE")
    if engine == "django.db.backends.sqlite3":
        if str(config.get("NAME")) in {"", ":memory:"}:
            raise ValidationError("It refers to an in-memory database. Use a file, such as sqlite:///portal.sqlite3.")
        config["ENGINE"] = "portal.sqlite"
        # pytest-django recognizes only Django's own backend, and would create a file for each test process.
        config["TEST"] = {"NAME": ":memory:"}
        # IMMEDIATE takes the write lock first; deferred transactions fail with "locked" when several processes write.
        # With recursive triggers, INSERT OR REPLACE cannot get around the delete triggers of portal/append_only.py.
        # The page cache is per connection, and each of 16 threads has one: half a megabyte instead of two.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
            "PRAGMA recursive_triggers=ON; PRAGMA cache_size=-500;",
        }
        config["CONN_MAX_AGE"] = None
    elif engine == "django.db.backends.postgresql":
        if find_spec("psycopg") is None or find_spec("psycopg_pool") is None:
            raise ValidationError(f"It needs psycopg, which is not installed. {describe_install('postgres')}")
        config["ENGINE"] = "portal.postgresql"
        config["CONN_MAX_AGE"] = 600
        config["CONN_HEALTH_CHECKS"] = True
        config["OPTIONS"] = {**CONNECTION_OPTIONS, **config.get("OPTIONS", {})}
        _reject_unknown_options(config["OPTIONS"])
    else:
        raise ValidationError("This database is not supported. Use SQLite or PostgreSQL.")
    return config


def _reject_unknown_options(options: dict[str, Any]) -> None:
    from psycopg.pq import Conninfo  # installed only with the extra "postgres"

    known = {option.keyword.decode() for option in Conninfo.get_defaults()} | DJANGO_CONNECTION_OPTIONS
    for name in options:
        if name not in known:
            raise ValidationError(f"{name} is not a connection option. Did you mean {find_closest(name, known, 0)}?")


def read_public_url(env: SettingsEnv) -> str:
    """Return the scheme and host of the public site, without a trailing slash."""
    url: str = env.origin("PORTAL_PUBLIC_URL", "http://127.0.0.1:8000", example="https://learn.example.org")
    return url


def read_email_settings(env: SettingsEnv) -> dict[str, Any]:
    """Return Django's ``EMAIL_…`` settings. Without ``PORTAL_EMAIL_URL`` and ``…_FROM``, no email is sent."""
    if not env.str("PORTAL_EMAIL_URL", "") and not env.str("PORTAL_EMAIL_FROM", ""):
        return {"EMAIL_BACKEND": DUMMY_EMAIL_BACKEND}
    # The empty defaults are invalid, so setting only one of the two variables is an error.
    settings = env.email("PORTAL_EMAIL_URL", "") or {}
    sender = env.sender("PORTAL_EMAIL_FROM", "")
    return {**settings, "DEFAULT_FROM_EMAIL": sender, "SERVER_EMAIL": sender}


def read_media_storage(env: SettingsEnv, data_dir: Path) -> dict[str, Any]:
    """Return Django's ``STORAGES["default"]``: the S3 bucket if one is set, else the local media directory."""
    bucket = env.str(
        "PORTAL_S3_BUCKET",
        "",
        validate=validate.Regexp(BUCKET_NAME_PATTERN, error="Use a bucket name, without s3:// or slashes."),
    )
    # Without an endpoint, the bucket is on Amazon S3.
    endpoint = env.str("PORTAL_S3_ENDPOINT", "") and env.origin(
        "PORTAL_S3_ENDPOINT",
        example="https://s3.example.org. The keys go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    )
    region = env.str(
        "PORTAL_S3_REGION",
        "",
        validate=validate.Regexp(REGION_PATTERN, error="Use a region name such as eu-central-1."),
    )
    cache_mb = env.number("PORTAL_S3_CACHE_MB", "1024", low=MIN_S3_CACHE_MB, high=MAX_S3_CACHE_MB)
    if bucket == "":
        for name in ("PORTAL_S3_ENDPOINT", "PORTAL_S3_REGION", "PORTAL_S3_CACHE_MB"):
            if env.str(name, ""):
                raise InvalidSettingError(
                    f"{name} is set without PORTAL_S3_BUCKET. Set PORTAL_S3_BUCKET as well, or neither."
                )
        return {"BACKEND": "portal.storage.local_storage.AtomicFileSystemStorage"}
    if find_spec("storages") is None or find_spec("boto3") is None:
        raise InvalidSettingError(
            f"PORTAL_S3_BUCKET needs django-storages, which is not installed. {describe_install('s3')}"
        )
    return {
        "BACKEND": "portal.storage.s3_storage.S3MediaStorage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": endpoint or None,
            "region_name": region or "us-east-1",
            "cache_folder": data_dir / "picture-cache",
            "cache_bytes": (cache_mb or 0) * MEGABYTE,
        },
    }


def read_metrics_token(env: SettingsEnv) -> str:
    """Return the token that ``/metrics`` requires, of at least 20 characters, or an empty string."""
    token: str = env.str(
        "PORTAL_METRICS_TOKEN",
        "",
        validate=validate.Length(min=20, error="It is too short. Use at least {min} characters."),
    )
    if token and find_spec("prometheus_client") is None:
        raise InvalidSettingError(
            f"PORTAL_METRICS_TOKEN needs prometheus-client, which is not installed. {describe_install('metrics')}"
        )
    return token


def describe_install(extra: str) -> str:
    """Return a sentence with the command that installs an extra into this Python."""
    return f"Run: {sys.executable} -m pip install -e '{Path(__file__).resolve().parent.parent}[{extra}]'."


def create_data_dir(path: Path) -> Path:
    """Create the directory that holds all data of this installation, with mode 0700, unless it exists.

    Does nothing if this process may not create an installation and there is none.
    """
    path = path.expanduser().resolve()
    try:
        if not may_create and not path.exists():
            return path
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSettingError(
            f"PORTAL_DATA_DIR {path} cannot be created: {error.strerror}. {SERVICE_USER_HINT}"
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise InvalidSettingError(f"PORTAL_DATA_DIR {path} is not writable by this user. {SERVICE_USER_HINT}")
    return path


def read_or_create_key(file: Path) -> str:
    """Return the secret key in ``file``, which is created once with mode 0600.

    A process that may not create an installation gets a temporary key; code that needs the real one checks the
    fingerprint first (portal/secret_key.py).
    """
    try:
        if not file.exists():
            if not may_create:
                return secrets.token_urlsafe(64)
            _create_key(file)
        key = file.read_text(encoding="ascii").strip()
    except UnicodeDecodeError as error:
        raise InvalidSettingError(f"The key file {file} is damaged. Restore it from a backup.") from error
    except OSError as error:
        raise InvalidSettingError(
            f"The key file {file} cannot be used: {error.strerror}. {SERVICE_USER_HINT}"
        ) from error
    if len(key) < MIN_SECRET_KEY_LENGTH:
        raise InvalidSettingError(
            f"The key in {file} is too short. Restore the file from a backup. On a new installation, delete the file "
            "to create a new key."
        )
    return key


def _create_key(file: Path) -> None:
    # Processes that start together agree on one key: that of the first one whose file is complete.
    with contextlib.suppress(FileExistsError):
        with atomic_create(file) as stream:
            stream.write(secrets.token_urlsafe(64).encode())
        CREATED_FILES.add(file)


def require_existing_sqlite_file(config: dict[str, Any]) -> None:
    """Change an entry of ``DATABASES`` so that an SQLite file is opened only if it exists.

    Otherwise, SQLite would create an empty one and hide the fact that the database is missing or elsewhere.
    """
    if config["ENGINE"] == "portal.sqlite":
        uri = f"file:{quote(str(config['NAME']))}?mode=rw"
        config["OPTIONS"] = {**config["OPTIONS"], "database": uri, "uri": True}
