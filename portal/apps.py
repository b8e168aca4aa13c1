"""Registers the system checks."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The site itself."""

    name = "portal"

    def ready(self) -> None:
        """Importing the module registers its checks."""
        from portal import checks  # noqa: F401 -- checks need the loaded settings
