"""The domain: what a spine clinic tells its patients."""

from django.apps import AppConfig


class ProceduresConfig(AppConfig):
    """Pages, pictures, guides and everything they are made of."""

    name = "procedures"
    verbose_name = "What patients read"
    # What the staff's first screen shows besides the lists (portal/staff/site.py).
    admin_home = "procedures.admin.home.home"
    # How the staff's lists are grouped and ordered (portal/staff/site.py).
    admin_groups = (
        ("Pages", "page guide"),
        ("What pages show", "figure series term source careinstruction warningsign"),
        ("What readers say", "feedback"),
        ("The clinic", "clinic location clinicalcode"),
        ("History", "revision approval release releaseevent outsidelink"),
    )

    def ready(self) -> None:
        """A change of the clinic's values updates the pages that print them."""
        from procedures.models.clinic_value import register_update
        from procedures.publishing.rerelease import updating_pages

        register_update(updating_pages)
