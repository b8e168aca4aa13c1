"""Registers the staff accounts."""

from django.apps import AppConfig


class StaffConfig(AppConfig):
    """Accounts and roles of the people who keep the site."""

    name = "portal.staff"
    label = "staff"
    verbose_name = "People"
