"""Reads the environment. Every odd value raises :class:`BadSettingError` with one line that says what to do."""

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
        "PORTAL_CACHE_MB",
        "PORTAL_TEXT_DETECTION",
    }
)
MIN_SECRET_KEY_LENGTH = 50
DUMMY_EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
HOST_PATTERN = re.compile(r"(?:\.?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])\Z", re.IGNORECASE)


# Names of earlier versions, with the ones that replaced them.
RENAMED_VARIABLES = {
    "PORTAL_COUNT_READS": "PORTAL_COUNT_PAGE_VIEWS",
    "PORTAL_REQUIRE_SECOND_PERSON": "PORTAL_REQUIRE_PEER_REVIEW",
    "PORTAL_SNAPSHOT_MB": "PORTAL_CACHE_MB",
}


class InvalidSettingError(Exception):
    """A value from the environment cannot be used. The message is one complete line for the operator."""


def reject_unknown_variables(environ: Mapping[str, str] = os.environ) -> None:
    """Stop on a misspelt ``PORTAL_…`` name, which would otherwise leave a default in force unseen."""
    unknown = sorted(name for name in environ if name.startswith("PORTAL_") and name not in KNOWN_VARIABLES)
    for name in unknown:
        if name in RENAMED_VARIABLES:
            raise InvalidSettingError(f"{name} was renamed. Set {RENAMED_VARIABLES[name]} instead.")
    if unknown:
        raise InvalidSettingError(f"{unknown[0]} is not a setting. Known: {', '.join(sorted(KNOWN_VARIABLES))}.")


def get_bool(name: str, *, default: bool, environ: Mapping[str, str] = os.environ) -> bool:
    """``true`` or ``false``; anything else stops the start."""
    value = environ.get(name, "").strip().lower()
    if value == "":
        return default
    if value not in {"true", "false"}:
        raise InvalidSettingError(f"{name} is {value!r}. Write true or false.")
    return value == "true"


def get_choice(name: str, values: tuple[str, ...], environ: Mapping[str, str] = os.environ) -> str:
    """One of ``values``, the first unless told otherwise."""
    value = environ.get(name, "").strip() or values[0]
    if value not in values:
        raise InvalidSettingError(f"{name} is {value!r}. Write {' or '.join(values)}.")
    return value


def get_int(name: str, *, default: int, min_value: int, max_value: int, environ: Mapping[str, str] = os.environ) -> int:
    """A whole number between ``least`` and ``most``."""
    value = environ.get(name, "").strip() or str(default)
    if not re.fullmatch(r"[0-9]{1,6}", value) or not min_value <= int(value) <= max_value:
        raise InvalidSettingError(f"{name} is {value!r}. Write a whole number from {min_value} to {max_value}.")
    return int(value)


def get_email_settings(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Django's ``EMAIL_…`` settings from ``PORTAL_EMAIL_URL`` and ``PORTAL_EMAIL_FROM``; no mail without them.

    ``smtps://`` is TLS from the start, ``smtp://`` STARTTLS; in the clear only to this machine itself.
    """
    given, sender = environ.get("PORTAL_EMAIL_URL", ""), environ.get("PORTAL_EMAIL_FROM", "")
    if not given and not sender:
        return {"EMAIL_BACKEND": DUMMY_EMAIL_BACKEND}
    if not re.fullmatch(r"[^@\s<>,]+@[^@\s<>,]+", sender):
        raise InvalidSettingError("PORTAL_EMAIL_FROM must be a mail address whenever PORTAL_EMAIL_URL is set.")
    try:
        parts = urlsplit(given)
        usable = parts.scheme in {"smtp", "smtps"} and parts.hostname and parts.path in {"", "/"}
        usable = usable and not (parts.query or parts.fragment) and parts.port != 0
        usable = usable and (parts.username is None) == (parts.password is None)
    except ValueError:
        usable = False
    if not usable:
        # The value may hold a password: it is not repeated.
        raise InvalidSettingError("PORTAL_EMAIL_URL cannot be read. Write smtps://user:password@mail.example.org:465.")
    implicit, host = parts.scheme == "smtps", parts.hostname or ""
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": host,
        "EMAIL_PORT": parts.port or (465 if implicit else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": implicit,
        "EMAIL_USE_TLS": not implicit and host not in {"127.0.0.1", "localhost", "::1"},
        "EMAIL_TIMEOUT": 10,
        "DEFAULT_FROM_EMAIL": sender,
        "SERVER_EMAIL": sender,
    }


def get_data_dir(base_dir: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of everything this installation owns; made (mode 0700) when it is missing."""
    path = Path(environ.get("PORTAL_DATA_DIR") or base_dir / "var").expanduser().resolve()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSettingError(f"PORTAL_DATA_DIR {path} cannot be made: {error.strerror}.") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise InvalidSettingError(f"PORTAL_DATA_DIR {path} is read-only for this user. Make it writable.")
    return path


# Files that this process has put into the data folder: a restore that fails removes them.
CREATED_FILES: set[Path] = set()


def get_secret_key(data_dir: Path, environ: Mapping[str, str] = os.environ) -> str:
    """``PORTAL_SECRET_KEY``, or a key made once and kept in the data folder, readable by its owner only."""
    given = environ.get("PORTAL_SECRET_KEY", "")
    if given:
        if len(given) < MIN_SECRET_KEY_LENGTH:
            raise InvalidSettingError(
                f"PORTAL_SECRET_KEY is too short. Give at least {MIN_SECRET_KEY_LENGTH} characters."
            )
        return given
    file = data_dir / "secret-key"
    try:
        return _read_or_create_key(file)
    except OSError as error:
        raise InvalidSettingError(f"The key file {file} cannot be used: {error.strerror}.") from error


def _read_or_create_key(file: Path) -> str:
    if not file.exists():
        # Written beside and linked, so that two processes that start together end up with one whole key.
        draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_urlsafe(64))
        try:
            os.link(draft, file)
            CREATED_FILES.add(file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = file.read_text().strip()
    if len(key) < MIN_SECRET_KEY_LENGTH:
        raise InvalidSettingError(f"The key in {file} is too short. Delete the file; a new key is made.")
    return key


def get_allowed_hosts(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Host names this site answers to; loopback names unless told otherwise."""
    given = environ.get("PORTAL_ALLOWED_HOSTS", "")
    hosts = [host.strip() for host in given.split(",")] if given else ["127.0.0.1", "localhost", "[::1]"]
    for host in hosts:
        if not HOST_PATTERN.match(host):
            raise InvalidSettingError(
                f"PORTAL_ALLOWED_HOSTS holds {host!r}. Write host names separated by commas, without scheme, port or *."
            )
    return hosts


def get_public_url(environ: Mapping[str, str] = os.environ) -> str:
    """Scheme and host that patients see, without a slash at the end."""
    given = environ.get("PORTAL_PUBLIC_URL", "http://127.0.0.1:8000")
    try:
        parts = urlsplit(given)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.path in {"", "/"}
        usable = usable and not (parts.query or parts.fragment or "@" in parts.netloc) and parts.port != 0
        usable = usable and bool(HOST_PATTERN.match(parts.netloc.removesuffix(f":{parts.port}")))
    except ValueError:
        usable = False
    if not usable:
        raise InvalidSettingError(
            f"PORTAL_PUBLIC_URL is {given!r}. Write scheme and host only, such as https://learn.example.org."
        )
    return f"{parts.scheme}://{parts.netloc}"


def get_database_config(data_dir: Path, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Django's ``DATABASES["default"]``: SQLite in the data folder, or what ``DATABASE_URL`` names."""
    given = environ.get("DATABASE_URL", "") or f"sqlite:///{data_dir / 'portal.sqlite3'}"
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(given))
    except (dj_database_url.ParseError, dj_database_url.UnknownSchemeError, ValueError) as error:
        raise InvalidSettingError("DATABASE_URL cannot be read. Write postgres://user:password@host/name.") from error
    engine = config.get("ENGINE")
    if engine == "django.db.backends.sqlite3":
        if str(config.get("NAME")) in {"", ":memory:"}:
            raise InvalidSettingError(
                "DATABASE_URL names a database in memory. Name a file, such as sqlite:///portal.sqlite3."
            )
        # IMMEDIATE takes the write lock at the start: deferred transactions fail with "locked" under writers.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        }
        config["CONN_MAX_AGE"] = None
    elif engine == "django.db.backends.postgresql":
        config["CONN_MAX_AGE"] = 600
        config["CONN_HEALTH_CHECKS"] = True
    else:
        raise InvalidSettingError("DATABASE_URL names a database that is not supported. Use SQLite or PostgreSQL.")
    return config


BUCKET_NAME_PATTERN = re.compile(r"(?!\d+\.\d+\.\d+\.\d+\Z)[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)*\Z")
REGION_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")
MEGABYTE_BYTES = 1024 * 1024
MIN_S3_CACHE_MB, MAX_S3_CACHE_MB = 64, 1024 * 1024


def get_media_storage(data_dir: Path, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Django's ``STORAGES["default"]``."""
    bucket = environ.get("PORTAL_S3_BUCKET", "")
    if not bucket:
        for name in ("PORTAL_S3_ENDPOINT", "PORTAL_S3_REGION", "PORTAL_S3_CACHE_MB"):
            if environ.get(name):
                raise InvalidSettingError(
                    f"{name} is given without PORTAL_S3_BUCKET. Name the bucket, or leave it out."
                )
        return {"BACKEND": "portal.storage.local_storage.AtomicFileSystemStorage"}
    if not (BUCKET_NAME_PATTERN.match(bucket) and 3 <= len(bucket) <= 63):
        raise InvalidSettingError(
            f"PORTAL_S3_BUCKET is {bucket!r}. Write the name of a bucket, without s3:// or slash."
        )
    if find_spec("storages") is None or find_spec("boto3") is None:
        raise InvalidSettingError(
            "PORTAL_S3_BUCKET needs django-storages, which is not here. Run: pip install -e '.[s3]'."
        )
    return {
        "BACKEND": "portal.storage.s3_storage.S3MediaStorage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": _get_s3_endpoint(environ),
            "region_name": _get_s3_region(environ),
            "cache_folder": data_dir / "picture-cache",
            "cache_bytes": _get_s3_cache_mb(environ) * MEGABYTE_BYTES,
        },
    }


def _get_s3_endpoint(environ: Mapping[str, str]) -> str | None:
    """Scheme and host of storage that is not Amazon's."""
    given = environ.get("PORTAL_S3_ENDPOINT", "")
    if not given:
        return None
    try:
        parts = urlsplit(given)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.path in {"", "/"} and parts.port != 0
        usable = usable and not (parts.query or parts.fragment or "@" in parts.netloc)
        usable = usable and bool(HOST_PATTERN.match(parts.netloc.removesuffix(f":{parts.port}")))
    except ValueError:
        usable = False
    if not usable:
        raise InvalidSettingError(
            # What cannot be read may hold a password: it is not repeated.
            "PORTAL_S3_ENDPOINT cannot be read. Write scheme and host only, such as https://s3.example.org; "
            "the keys go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _get_s3_region(environ: Mapping[str, str]) -> str:
    region = environ.get("PORTAL_S3_REGION", "") or "us-east-1"
    if not REGION_PATTERN.match(region):
        raise InvalidSettingError(f"PORTAL_S3_REGION is {region!r}. Write a name such as eu-central-1.")
    return region


def _get_s3_cache_mb(environ: Mapping[str, str]) -> int:
    given = environ.get("PORTAL_S3_CACHE_MB", "") or "1024"
    if not (given.isascii() and given.isdigit() and MIN_S3_CACHE_MB <= int(given) <= MAX_S3_CACHE_MB):
        raise InvalidSettingError(
            f"PORTAL_S3_CACHE_MB is {given!r}. Write a whole number from {MIN_S3_CACHE_MB} to {MAX_S3_CACHE_MB}."
        )
    return int(given)
