"""App configuration for the domain."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from procedures.roles import create_roles


class ProceduresConfig(AppConfig):
    """The domain app: pages, guides, figures, and everything they are made of."""

    name = "procedures"
    verbose_name = _("Patient education")
    # The content of the admin's start page besides the list of models (portal/admin_site.py).
    admin_home = "procedures.admin.dashboard.build_dashboard"
    # The sections of the admin's navigation (portal/admin_site.py).
    admin_sections = "procedures.admin.navigation.get_sections"

    def ready(self) -> None:
        """Create the roles after every migration; rerelease pages whenever a clinic value changes."""
        post_migrate.connect(create_roles, sender=self)

        from procedures.models.base import register_write_context
        from procedures.publishing.rerelease import update_clinic_values

        register_write_context(update_clinic_values)
