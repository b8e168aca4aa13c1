"""Registers the staff accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Accounts and roles of the people who keep the site."""

    name = "portal.accounts"
    label = "staff"
    verbose_name = "People"
