"""The staff's side: forms over models and publishing. No rule lives here; each screen says what the rules answer."""

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
