"""App config of staff accounts."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Accounts, roles, and login of staff. Tables, permissions, and URL names keep the label ``staff``."""

    name = "portal.accounts"
    label = "staff"
    verbose_name = _("People")
