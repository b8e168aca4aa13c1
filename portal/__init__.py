"""The portal site, which contains no medical domain code, and the application version."""

import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import django

PRODUCT_NAME = "Plainspine"
# In settings, limits, and messages, as Django's filesizeformat counts.
MEGABYTE = 1024 * 1024
PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


@cache
def get_version() -> str:
    """Return the version, such as ``0.1.0``, of the installed package, or of the source tree if not installed."""
    try:
        return version("plainspine")
    except PackageNotFoundError:
        return str(tomllib.loads(PYPROJECT.read_text())["project"]["version"])


def describe_version() -> str:
    """Return the Plainspine and Django versions, for ``--version``."""
    return f"{PRODUCT_NAME} {get_version()} (Django {django.get_version()})"
