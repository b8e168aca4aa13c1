"""Registers the system checks, and names the admin's site."""

import contextlib
import sqlite3
from typing import Any

from allauth.account.apps import AccountConfig
from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig
from django.db.backends.signals import connection_created
from django.db.backends.sqlite3.base import DatabaseWrapper

from portal.text import fold


class PortalConfig(AppConfig):
    """The site itself."""

    name = "portal"
    default = True

    def ready(self) -> None:
        """Importing the module registers its checks."""
        from portal import checks  # noqa: F401 -- checks need the loaded settings

        # Django asks every connection, under the write lock, and takes "locked" for a no that it never asks again.
        DatabaseWrapper.features_class.supports_json_field = "JSON" in _sqlite_function_names()
        connection_created.connect(_register_sqlite_functions, dispatch_uid="portal.fold")


def _register_sqlite_functions(connection: Any, **_: Any) -> None:
    """Add our function to SQLite, whose own know only the case of ASCII letters (portal/admin_search.py)."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("portal_fold", 1, _sqlite_fold, deterministic=True)


def _sqlite_fold(text: object) -> str | None:
    return None if text is None else fold(str(text))


def _sqlite_function_names() -> set[str]:
    """What SQLite's own library can do."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        return {name.upper() for (name,) in connection.execute("SELECT DISTINCT name FROM pragma_function_list")}


class AllauthAccountConfig(AccountConfig):  # type: ignore[misc]
    """allauth's accounts, which would insist on their own middleware by name; ours is in portal/accounts/middleware.py."""

    default = False

    def ready(self) -> None:
        """Its system checks."""
        from allauth.account import checks  # noqa: F401 -- as allauth does it


class StaffAdminConfig(SimpleAdminConfig):
    """Django's admin with our site (portal/accounts/admin_site.py) behind every ``admin.site``.

    Its screens are loaded with its addresses, when the first member of staff comes.
    """

    default_site = "portal.accounts.admin_site.PortalAdminSite"
