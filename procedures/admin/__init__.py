"""The admin screens. Forms call models and publishing, and show what those refuse; no rule is defined here."""

from procedures.admin import clinic, dashboard, figures, pages, reference, revisions, warning_signs

__all__ = ["clinic", "dashboard", "figures", "pages", "reference", "revisions", "warning_signs"]
