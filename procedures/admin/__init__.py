"""The admin screens.

Forms call models and publishing and display the errors that these raise. No business rules are defined here.
"""

from procedures.admin import clinic, dashboard, figures, pages, reference, revisions, warning_signs

__all__ = ["clinic", "dashboard", "figures", "pages", "reference", "revisions", "warning_signs"]
