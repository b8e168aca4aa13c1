"""Enumerations of the domain. Their values are stored in the database, content files, and style sheets."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from procedures.languages import LANGUAGES

# The languages of the registry. Members are named in English, such as SPANISH.
_MEMBERS = [(language.english_name.upper(), (language.code, language.name)) for language in LANGUAGES]
Language: type[models.TextChoices] = models.TextChoices("Language", _MEMBERS, module=__name__)  # type: ignore[call-overload]


class PageKind(models.TextChoices):
    """The topic of a page. A guide is a page that patients receive before or after one kind of visit."""

    CONDITION = "condition", _("Condition")
    PROCEDURE = "procedure", _("Procedure")
    CHOICE = "choice", _("Choice")
    PREPARATION = "preparation", _("Getting ready")
    DAY = "day", _("Procedure day")
    RECOVERY = "recovery", _("Recovery")
    RISKS = "risks", _("Risks")
    PREVENTION = "prevention", _("Prevention")
    ABOUT = "about", _("About")
    GUIDE = "guide", _("Guide")

    @property
    def model_name(self) -> str:
        """The name of the model whose form edits such pages, as in admin URLs."""
        return "guide" if self is PageKind.GUIDE else "page"


class FigureKind(models.TextChoices):
    """The imaging method of a figure. Pages state only what holds for the kind, and nothing for OTHER."""

    FLUOROSCOPY = "fluoroscopy", _("Fluoroscopy, or another X-ray on which bone looks dark")
    RADIOGRAPH = "radiograph", _("Radiograph, or another X-ray on which bone looks white")
    CT = "ct", _("CT")
    MRI = "mri", _("MRI")
    PHOTO = "photo", _("Photo")
    DRAWING = "drawing", _("Drawing")
    OTHER = "other", _("Other or unknown")


class Provenance(models.TextChoices):
    """The origin of a picture."""

    SIMULATED = "simulated", _("Simulated from a model; no patient")
    CLINIC = "clinic", _("The clinic's own, with written consent")
    LICENSED = "licensed", _("Licensed from someone else")


class MarkerShape(models.TextChoices):
    """How a marker points at its target."""

    POINT = "point", _("Line to a point")
    ARROW = "arrow", _("Arrow")
    CIRCLE = "circle", _("Circle")
    REGION = "region", _("Box")
    POLYGON = "polygon", _("Free shape")


class Decision(models.TextChoices):
    """A reviewer's decision on one revision."""

    APPROVED = "approved", _("Approved")
    SENT_BACK = "sent_back", _("Sent back")
    TRANSLATION_CHECKED = "translation_checked", _("Checked by a qualified translator")


class EventKind(models.TextChoices):
    """What happened to a page."""

    SUBMITTED = "submitted", _("Sent for review")
    APPROVED = "approved", _("Approved")
    SENT_BACK = "sent_back", _("Sent back")
    TRANSLATION_CHECKED = "translation_checked", _("Translation checked")
    SCHEDULED = "scheduled", _("Scheduled")
    RESCHEDULED = "rescheduled", _("Schedule moved to a new time zone")
    UNSCHEDULED = "unscheduled", _("Schedule canceled")
    PUBLISHED = "published", _("Published")
    RERELEASED = "rereleased", _("Rebuilt with the current pictures and clinic answers")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    TRANSLATION_SYNCED = "translation_synced", _("Translation brought up to date")
    RESTORED = "restored", _("Restored as a draft")
    IMPORTED = "imported", _("Imported as a draft")
    IDENTITY_CHANGED = "identity_changed", _("Page type, language, or name changed")


# The events that change Page.live_release, and so what patients read.
PUBLIC_EVENTS = (EventKind.PUBLISHED, EventKind.RERELEASED, EventKind.WITHDRAWN)


class SignLevel(models.TextChoices):
    """The urgency of a warning sign, most urgent first."""

    EMERGENCY = "emergency", _("Call an ambulance")
    CALL_NOW = "now", _("Call us now, day or night")
    OFFICE_HOURS = "hours", _("Call us in office hours")


class SignTiming(models.TextChoices):
    """The pages that print a warning sign: those read before a procedure (or without one), after one, or both."""

    BEFORE = "before", _("Before a procedure, or without one")
    AFTER = "after", _("After a procedure")
    BOTH = "both", _("Before and after")


class CodeSystem(models.TextChoices):
    """A system of clinical codes that EHRs send."""

    ICD10CM = "icd-10-cm", "ICD-10-CM"
    ICD9CM = "icd-9-cm", "ICD-9-CM"
    SNOMED = "snomed-ct", "SNOMED CT"
    CPT = "cpt", "CPT"


# In these systems, a code covers all codes that start with it, and has a dot after its category.
HIERARCHICAL_SYSTEMS = frozenset({CodeSystem.ICD10CM, CodeSystem.ICD9CM})
