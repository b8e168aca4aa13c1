"""Settings read from environment variables.

Every function raises :class:`InvalidSettingError` for a value that cannot be used.
"""

import os
import re
import secrets
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import dj_database_url

KNOWN_VARIABLES = frozenset(
    {
        "PORTAL_ALLOWED_HOSTS",
        "PORTAL_CACHE_MB",
        "PORTAL_COUNT_PAGE_VIEWS",
        "PORTAL_DATA_DIR",
        "PORTAL_DEBUG",
        "PORTAL_EMAIL_FROM",
        "PORTAL_EMAIL_URL",
        "PORTAL_FEEDBACK_DAYS",
        "PORTAL_LOG_FORMAT",
        "PORTAL_PUBLIC_URL",
        "PORTAL_REQUIRE_PEER_REVIEW",
        "PORTAL_S3_BUCKET",
        "PORTAL_S3_CACHE_MB",
        "PORTAL_S3_ENDPOINT",
        "PORTAL_S3_REGION",
        "PORTAL_SECRET_KEY",
        "PORTAL_SESSION_HOURS",
        "PORTAL_SESSION_IDLE_MINUTES",
        "PORTAL_TEXT_DETECTION",
    }
)
# Former names, with the names that replaced them.
RENAMED_VARIABLES = {
    "PORTAL_COUNT_READS": "PORTAL_COUNT_PAGE_VIEWS",
    "PORTAL_REQUIRE_SECOND_PERSON": "PORTAL_REQUIRE_PEER_REVIEW",
    "PORTAL_SNAPSHOT_MB": "PORTAL_CACHE_MB",
}
MIN_SECRET_KEY_LENGTH = 50
DUMMY_EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
HOST_PATTERN = re.compile(r"(?:\.?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])\Z", re.IGNORECASE)
BUCKET_NAME_PATTERN = re.compile(r"(?!\d+\.\d+\.\d+\.\d+\Z)[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)*\Z")
REGION_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")
MIN_S3_CACHE_MB, MAX_S3_CACHE_MB = 64, 1024 * 1024
# Files that this process created in the data directory; a failed restore removes them.
CREATED_FILES: set[Path] = set()


class InvalidSettingError(Exception):
    """An unusable environment variable. The message is one complete line that tells the operator what to do."""


def reject_unknown_variables(environ: Mapping[str, str] = os.environ) -> None:
    """Reject misspelled and renamed ``PORTAL_…`` variables, which would silently leave a default in force."""
    unknown = sorted(name for name in environ if name.startswith("PORTAL_") and name not in KNOWN_VARIABLES)
    for name in unknown:
        if name in RENAMED_VARIABLES:
            raise InvalidSettingError(f"{name} was renamed. Set {RENAMED_VARIABLES[name]} instead.")
    if unknown:
        raise InvalidSettingError(f"{unknown[0]} is not a setting. Settings: {', '.join(sorted(KNOWN_VARIABLES))}.")


def get_bool(name: str, *, default: bool, environ: Mapping[str, str] = os.environ) -> bool:
    """Parse ``true`` or ``false``, in any case."""
    value = environ.get(name, "").strip().lower()
    if value == "":
        return default
    if value not in {"true", "false"}:
        raise InvalidSettingError(f"{name} is {value!r}. Write true or false.")
    return value == "true"


def get_choice(name: str, values: tuple[str, ...], environ: Mapping[str, str] = os.environ) -> str:
    """Return one of ``values``; the first is the default."""
    value = environ.get(name, "").strip() or values[0]
    if value not in values:
        raise InvalidSettingError(f"{name} is {value!r}. Write {' or '.join(values)}.")
    return value


def get_int(name: str, *, default: int, min_value: int, max_value: int, environ: Mapping[str, str] = os.environ) -> int:
    """Parse an integer from ``min_value`` to ``max_value``, both included."""
    value = environ.get(name, "").strip() or str(default)
    if not re.fullmatch(r"[0-9]{1,7}", value) or not min_value <= int(value) <= max_value:
        raise InvalidSettingError(f"{name} is {value!r}. Write a whole number from {min_value} to {max_value}.")
    return int(value)


def get_email_settings(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return Django's ``EMAIL_…`` settings from ``PORTAL_EMAIL_URL`` and ``PORTAL_EMAIL_FROM``.

    ``smtps://`` uses TLS from the start, ``smtp://`` STARTTLS, except to a loopback host. Without both variables, no
    email is sent.
    """
    url, sender = environ.get("PORTAL_EMAIL_URL", ""), environ.get("PORTAL_EMAIL_FROM", "")
    if not url and not sender:
        return {"EMAIL_BACKEND": DUMMY_EMAIL_BACKEND}
    if not re.fullmatch(r"[^@\s<>,]+@[^@\s<>,]+", sender):
        raise InvalidSettingError("PORTAL_EMAIL_FROM must be an email address when PORTAL_EMAIL_URL is set.")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"smtp", "smtps"} and parts.hostname and parts.path in {"", "/"}
        valid = valid and not (parts.query or parts.fragment) and parts.port != 0
        valid = valid and (parts.username is None) == (parts.password is None)
    except ValueError:
        valid = False
    if not valid:
        # The value may contain a password, so the message does not repeat it.
        raise InvalidSettingError("PORTAL_EMAIL_URL is not valid. Write smtps://user:password@mail.example.org:465.")
    implicit_tls, host = parts.scheme == "smtps", parts.hostname or ""
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": host,
        "EMAIL_PORT": parts.port or (465 if implicit_tls else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": implicit_tls,
        "EMAIL_USE_TLS": not implicit_tls and host not in {"127.0.0.1", "localhost", "::1"},
        "EMAIL_TIMEOUT": 10,
        "DEFAULT_FROM_EMAIL": sender,
        "SERVER_EMAIL": sender,
    }


def get_data_dir(base_dir: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory that holds all data of this installation; create it with mode 0700 if missing."""
    path = Path(environ.get("PORTAL_DATA_DIR") or base_dir / "var").expanduser().resolve()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSettingError(f"PORTAL_DATA_DIR {path} cannot be created: {error.strerror}.") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise InvalidSettingError(f"PORTAL_DATA_DIR {path} is not writable for this user. Change its permissions.")
    return path


def get_secret_key(data_dir: Path, environ: Mapping[str, str] = os.environ) -> str:
    """Return ``PORTAL_SECRET_KEY``, or the key file in the data directory, which is created once with mode 0600."""
    key = environ.get("PORTAL_SECRET_KEY", "")
    if key:
        if len(key) < MIN_SECRET_KEY_LENGTH:
            raise InvalidSettingError(
                f"PORTAL_SECRET_KEY is too short. Use at least {MIN_SECRET_KEY_LENGTH} characters."
            )
        return key
    file = data_dir / "secret-key"
    try:
        return _read_or_create_key(file)
    except OSError as error:
        raise InvalidSettingError(f"The key file {file} cannot be used: {error.strerror}.") from error


def _read_or_create_key(file: Path) -> str:
    if not file.exists():
        # Write a temporary file and link it, so that processes that start together agree on one complete key.
        temp_file = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        descriptor = os.open(temp_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_urlsafe(64))
        try:
            os.link(temp_file, file)
            CREATED_FILES.add(file)
        except FileExistsError:
            pass
        finally:
            temp_file.unlink()
    key = file.read_text().strip()
    if len(key) < MIN_SECRET_KEY_LENGTH:
        raise InvalidSettingError(f"The key in {file} is too short. Delete the file to create a new key.")
    return key


def get_allowed_hosts(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return Django's ``ALLOWED_HOSTS``; loopback names by default."""
    value = environ.get("PORTAL_ALLOWED_HOSTS", "")
    hosts = [host.strip() for host in value.split(",")] if value else ["127.0.0.1", "localhost", "[::1]"]
    for host in hosts:
        if not HOST_PATTERN.match(host):
            raise InvalidSettingError(
                f"PORTAL_ALLOWED_HOSTS contains {host!r}. Write host names separated by commas, without scheme, port "
                "or *."
            )
    return hosts


def get_public_url(environ: Mapping[str, str] = os.environ) -> str:
    """Return the scheme and host of the public site, without a trailing slash."""
    url = environ.get("PORTAL_PUBLIC_URL", "http://127.0.0.1:8000")
    origin = _parse_origin(url)
    if origin is None:
        raise InvalidSettingError(
            f"PORTAL_PUBLIC_URL is {url!r}. Write scheme and host only, such as https://learn.example.org."
        )
    return origin


def _parse_origin(url: str) -> str | None:
    """Return ``scheme://host[:port]`` of an HTTP URL, or None if the URL has any other part or is not valid."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.path in {"", "/"}
        valid = valid and not (parts.query or parts.fragment or "@" in parts.netloc) and parts.port != 0
        valid = valid and bool(HOST_PATTERN.match(parts.netloc.removesuffix(f":{parts.port}")))
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if valid else None


def get_database_config(data_dir: Path, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return Django's ``DATABASES["default"]``: ``DATABASE_URL``, or SQLite in the data directory."""
    url = environ.get("DATABASE_URL", "") or f"sqlite:///{data_dir / 'portal.sqlite3'}"
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url))
    except (dj_database_url.ParseError, dj_database_url.UnknownSchemeError, ValueError) as error:
        # The value may contain a password, so the message does not repeat it.
        raise InvalidSettingError("DATABASE_URL is not valid. Write postgres://user:password@host/name.") from error
    engine = config.get("ENGINE")
    if engine == "django.db.backends.sqlite3":
        if str(config.get("NAME")) in {"", ":memory:"}:
            raise InvalidSettingError(
                "DATABASE_URL names an in-memory database. Name a file, such as sqlite:///portal.sqlite3."
            )
        # IMMEDIATE takes the write lock first; deferred transactions fail with "locked" when several processes write.
        # The page cache is per connection, and each of 16 threads has one: half a megabyte instead of two.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
            " PRAGMA cache_size=-500;",
        }
        config["CONN_MAX_AGE"] = None
    elif engine == "django.db.backends.postgresql":
        config["CONN_MAX_AGE"] = 600
        config["CONN_HEALTH_CHECKS"] = True
    else:
        raise InvalidSettingError("DATABASE_URL names a database that is not supported. Use SQLite or PostgreSQL.")
    return config


def get_media_storage(data_dir: Path, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return Django's ``STORAGES["default"]``: the S3 bucket if one is set, else the local media directory."""
    bucket = environ.get("PORTAL_S3_BUCKET", "")
    if not bucket:
        for name in ("PORTAL_S3_ENDPOINT", "PORTAL_S3_REGION", "PORTAL_S3_CACHE_MB"):
            if environ.get(name):
                raise InvalidSettingError(
                    f"{name} is set without PORTAL_S3_BUCKET. Set PORTAL_S3_BUCKET as well, or neither."
                )
        return {"BACKEND": "portal.storage.local_storage.AtomicFileSystemStorage"}
    if not (BUCKET_NAME_PATTERN.match(bucket) and 3 <= len(bucket) <= 63):
        raise InvalidSettingError(
            f"PORTAL_S3_BUCKET is {bucket!r}. Write the name of a bucket, without s3:// or slashes."
        )
    if find_spec("storages") is None or find_spec("boto3") is None:
        raise InvalidSettingError(
            "PORTAL_S3_BUCKET needs django-storages, which is not installed. Run: pip install -e '.[s3]'."
        )
    cache_mb = get_int(
        "PORTAL_S3_CACHE_MB", default=1024, min_value=MIN_S3_CACHE_MB, max_value=MAX_S3_CACHE_MB, environ=environ
    )
    return {
        "BACKEND": "portal.storage.s3_storage.S3MediaStorage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": _get_s3_endpoint(environ),
            "region_name": _get_s3_region(environ),
            "cache_folder": data_dir / "picture-cache",
            "cache_bytes": cache_mb * 1024 * 1024,
        },
    }


def _get_s3_endpoint(environ: Mapping[str, str]) -> str | None:
    """Return the scheme and host of an S3-compatible server; None for Amazon's own."""
    url = environ.get("PORTAL_S3_ENDPOINT", "")
    if not url:
        return None
    origin = _parse_origin(url)
    if origin is None:
        # The value may contain a password, so the message does not repeat it.
        raise InvalidSettingError(
            "PORTAL_S3_ENDPOINT is not valid. Write scheme and host only, such as https://s3.example.org. "
            "The keys go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    return origin


def _get_s3_region(environ: Mapping[str, str]) -> str:
    region = environ.get("PORTAL_S3_REGION", "") or "us-east-1"
    if not REGION_PATTERN.match(region):
        raise InvalidSettingError(f"PORTAL_S3_REGION is {region!r}. Write a name such as eu-central-1.")
    return region
