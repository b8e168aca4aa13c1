"""The domain: what a spine clinic tells its patients."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from procedures.roles import create_roles


class ProceduresConfig(AppConfig):
    """Pages, pictures, guides and everything they are made of."""

    name = "procedures"
    verbose_name = "What patients read"
    # What the staff's first screen shows besides the lists (portal/accounts/admin_site.py).
    admin_home = "procedures.admin.dashboard.build_dashboard"
    # How the staff's lists are grouped and ordered (portal/accounts/admin_site.py).
    admin_groups = (
        ("Pages", "page guide"),
        ("What pages show", "figure series glossaryterm source clinicanswer warningsign"),
        ("What readers say", "feedback"),
        ("The clinic", "clinic location clinicalcode"),
        ("History", "revision approval release releaseevent externallink"),
    )

    def ready(self) -> None:
        """Connect the roles, and the update of pages when a clinic value changes."""
        post_migrate.connect(create_roles, sender=self)

        from procedures.models.base import register_write_context
        from procedures.publishing.rerelease import update_clinic_values

        register_write_context(update_clinic_values)
