"""Where pictures are kept, from the environment: the data folder, or a bucket on S3-compatible storage."""

import os
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from portal.env import HOST, BadSettingError

BUCKET = re.compile(r"(?!\d+\.\d+\.\d+\.\d+\Z)[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)*\Z")
REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")
MEGABYTE = 1024 * 1024
MIN_CACHE_MB, MAX_CACHE_MB = 64, 1024 * 1024


def media(folder: Path, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Django's ``STORAGES["default"]``."""
    bucket = environ.get("PORTAL_S3_BUCKET", "")
    if not bucket:
        for name in ("PORTAL_S3_ENDPOINT", "PORTAL_S3_REGION", "PORTAL_S3_CACHE_MB"):
            if environ.get(name):
                raise BadSettingError(f"{name} is given without PORTAL_S3_BUCKET. Name the bucket, or leave it out.")
        return {"BACKEND": "portal.serving.media.AtomicFileSystemStorage"}
    if not (BUCKET.match(bucket) and 3 <= len(bucket) <= 63):
        raise BadSettingError(f"PORTAL_S3_BUCKET is {bucket!r}. Write the name of a bucket, without s3:// or slash.")
    if find_spec("storages") is None or find_spec("boto3") is None:
        raise BadSettingError("PORTAL_S3_BUCKET needs django-storages, which is not here. Run: pip install -e '.[s3]'.")
    return {
        "BACKEND": "portal.serving.bucket.BucketStorage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": _endpoint(environ),
            "region_name": _region(environ),
            "cache_folder": folder / "picture-cache",
            "cache_bytes": _cache_megabytes(environ) * MEGABYTE,
        },
    }


def _endpoint(environ: Mapping[str, str]) -> str | None:
    """Scheme and host of storage that is not Amazon's."""
    given = environ.get("PORTAL_S3_ENDPOINT", "")
    if not given:
        return None
    try:
        parts = urlsplit(given)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.path in {"", "/"} and parts.port != 0
        usable = usable and not (parts.query or parts.fragment or "@" in parts.netloc)
        usable = usable and bool(HOST.match(parts.netloc.removesuffix(f":{parts.port}")))
    except ValueError:
        usable = False
    if not usable:
        raise BadSettingError(
            # What cannot be read may hold a password: it is not repeated.
            "PORTAL_S3_ENDPOINT cannot be read. Write scheme and host only, such as https://s3.example.org; "
            "the keys go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _region(environ: Mapping[str, str]) -> str:
    region = environ.get("PORTAL_S3_REGION", "") or "us-east-1"
    if not REGION.match(region):
        raise BadSettingError(f"PORTAL_S3_REGION is {region!r}. Write a name such as eu-central-1.")
    return region


def _cache_megabytes(environ: Mapping[str, str]) -> int:
    given = environ.get("PORTAL_S3_CACHE_MB", "") or "1024"
    if not (given.isascii() and given.isdigit() and MIN_CACHE_MB <= int(given) <= MAX_CACHE_MB):
        raise BadSettingError(
            f"PORTAL_S3_CACHE_MB is {given!r}. Write a whole number from {MIN_CACHE_MB} to {MAX_CACHE_MB}."
        )
    return int(given)
