"""App configuration of the domain."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from procedures.roles import create_roles


class ProceduresConfig(AppConfig):
    """The domain app: pages, guides, figures, and everything they are made of."""

    name = "procedures"
    verbose_name = _("What patients read")
    # The content of the admin's start page besides the list of models (portal/admin_site.py).
    admin_home = "procedures.admin.dashboard.build_dashboard"
    # The groups of models in the admin, in order (portal/admin_site.py).
    admin_groups = (
        (_("Pages"), "page guide"),
        (_("What pages show"), "figure series glossaryterm source clinicanswer warningsign"),
        (_("What readers say"), "feedback"),
        (_("The clinic"), "clinic location clinicalcode"),
        (_("History"), "revision approval release releaseevent externallink"),
    )

    def ready(self) -> None:
        """Create the roles after every migration; rerelease pages whenever a clinic value changes."""
        post_migrate.connect(create_roles, sender=self)

        from procedures.models.base import register_write_context
        from procedures.publishing.rerelease import update_clinic_values

        register_write_context(update_clinic_values)
