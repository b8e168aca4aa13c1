"""App configurations: the portal, staff accounts, allauth's accounts and the admin site."""

from allauth.account.apps import AccountConfig
from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    """The portal app: registers system checks and lookups."""

    name = "portal"
    default = True

    def ready(self) -> None:
        # Importing the modules registers their checks, which need the loaded settings, and lookups.
        from portal import checks, lookups  # noqa: F401 -- imported for their side effects


class AccountsConfig(AppConfig):
    """Staff accounts, roles, and login. Tables, permissions, and URL names keep the label ``staff``."""

    default = False
    name = "portal.accounts"
    label = "staff"
    verbose_name = _("People")


class AllauthAccountConfig(AccountConfig):  # type: ignore[misc]
    """allauth's accounts without its check for its own middleware; portal/accounts/middleware.py replaces that."""

    default = False

    def ready(self) -> None:
        from allauth.account import checks  # noqa: F401 -- registers the other checks, as allauth's own method does


class StaffAdminConfig(SimpleAdminConfig):
    """Django's admin with PortalAdminSite as ``admin.site``.

    Autodiscovery is off: the URLconf loads the admin modules on the first request under ``/admin/``.
    """

    default_site = "portal.admin_site.PortalAdminSite"
