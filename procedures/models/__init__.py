"""One concept a file; ``history`` is append-only."""

from procedures.models.autosave import Autosave
from procedures.models.clinic import Clinic, ClinicText, Location, LocationText
from procedures.models.content_row import ContentRow
from procedures.models.feedback import Feedback
from procedures.models.figure import Figure, FigureText, Marker, MarkerText, Rendition, Series, SeriesItem
from procedures.models.history import (
    Approval,
    Digest,
    FigureApproval,
    Release,
    ReleaseEvent,
    ReleaseInput,
    ReviewComment,
    Revision,
)
from procedures.models.outside_link import OutsideLink
from procedures.models.page import Guide, GuideItem, Page
from procedures.models.path import Path
from procedures.models.reads import ReadCount
from procedures.models.reference import CareInstruction, ClinicalCode, Source, Term
from procedures.models.warning_sign import WarningSign, WarningSignEvent, WarningSignRevision, WarningSignText

__all__ = [
    "Approval",
    "Autosave",
    "CareInstruction",
    "Clinic",
    "ClinicText",
    "ClinicalCode",
    "ContentRow",
    "Digest",
    "Feedback",
    "Figure",
    "FigureApproval",
    "FigureText",
    "Guide",
    "GuideItem",
    "Location",
    "LocationText",
    "Marker",
    "MarkerText",
    "OutsideLink",
    "Page",
    "Path",
    "ReadCount",
    "Release",
    "ReleaseEvent",
    "ReleaseInput",
    "Rendition",
    "ReviewComment",
    "Revision",
    "Series",
    "SeriesItem",
    "Source",
    "Term",
    "WarningSign",
    "WarningSignEvent",
    "WarningSignRevision",
    "WarningSignText",
]
