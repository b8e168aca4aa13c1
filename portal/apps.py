"""Registers the system checks, and names the admin's site."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class PortalConfig(AppConfig):
    """The site itself."""

    name = "portal"
    default = True

    def ready(self) -> None:
        """Importing the module registers its checks."""
        from portal import checks  # noqa: F401 -- checks need the loaded settings


class StaffAdminConfig(admin.AdminConfig):
    """Django's admin with our site (portal/staff/site.py) behind every ``admin.site``."""

    default = False
    default_site = "portal.staff.site.StaffSite"
