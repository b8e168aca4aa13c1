"""The admin screens. Forms call models and publishing, and show what those refuse; no rule is defined here."""

from procedures.admin import (
    activity_log,
    clinic,
    feedback_and_views,
    figures,
    pages,
    reference,
    revisions,
    warning_signs,
)

__all__ = [
    "activity_log",
    "clinic",
    "feedback_and_views",
    "figures",
    "pages",
    "reference",
    "revisions",
    "warning_signs",
]
