"""The domain: what a spine clinic tells its patients."""

from django.apps import AppConfig


class ProceduresConfig(AppConfig):
    """Pages, pictures, guides and everything they are made of."""

    name = "procedures"
    verbose_name = "What patients read"
