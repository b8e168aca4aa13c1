"""The site of the portal, which knows nothing medical, and the version of this program."""

import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import django

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


@cache
def get_version() -> str:
    """Return the version, such as ``0.1.0``: of the installed package, or of the source tree if it is not installed."""
    try:
        return version("plainspine")
    except PackageNotFoundError:
        return str(tomllib.loads(PYPROJECT.read_text())["project"]["version"])


def describe_version() -> str:
    """Return the version with that of Django, for the command line."""
    return f"Plainspine {get_version()} (Django {django.get_version()})"
