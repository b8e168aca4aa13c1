"""Models of the domain. Those in ``revisions``, and the events of warning signs, are append-only."""

from procedures.models.clinic import Clinic, ClinicText, Location, LocationText
from procedures.models.figure import Figure, FigureText, Marker, MarkerText, Rendition, Series, SeriesItem
from procedures.models.page import Guide, GuideItem, Page
from procedures.models.public_site import ExternalLink, Feedback, PageView, Path
from procedures.models.reference import (
    ClinicalCode,
    ClinicAnswer,
    GlossaryTerm,
    ImportedRecord,
    Source,
    WarningSign,
    WarningSignEvent,
    WarningSignRevision,
    WarningSignText,
)
from procedures.models.revisions import (
    Approval,
    ApprovalFingerprint,
    Autosave,
    DigestDelivery,
    FigureApproval,
    Release,
    ReleaseDependency,
    ReleaseEvent,
    ReviewComment,
    Revision,
)

__all__ = [
    "Approval",
    "ApprovalFingerprint",
    "Autosave",
    "Clinic",
    "ClinicAnswer",
    "ClinicText",
    "ClinicalCode",
    "DigestDelivery",
    "ExternalLink",
    "Feedback",
    "Figure",
    "FigureApproval",
    "FigureText",
    "GlossaryTerm",
    "Guide",
    "GuideItem",
    "ImportedRecord",
    "Location",
    "LocationText",
    "Marker",
    "MarkerText",
    "Page",
    "PageView",
    "Path",
    "Release",
    "ReleaseDependency",
    "ReleaseEvent",
    "Rendition",
    "ReviewComment",
    "Revision",
    "Series",
    "SeriesItem",
    "Source",
    "WarningSign",
    "WarningSignEvent",
    "WarningSignRevision",
    "WarningSignText",
]
