"""Figures: their texts, markers, renditions, and series."""

from typing import Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.text import validate_single_line
from procedures.enums import FigureKind, MarkerShape, Provenance
from procedures.models.base import LanguageField, NormalizedModel
from procedures.validators import (
    MAX_ALT_LENGTH,
    MIN_CORNERS,
    validate_no_markup,
    validate_outline,
    validate_plain_text,
    validate_printed_texts,
    validate_slug,
    validate_unit_interval,
)


class FigureQuerySet(models.QuerySet["Figure"]):
    """Queries that load what pages print of a figure."""

    def with_texts(self) -> Self:
        """Prefetch the texts, the markers with theirs, and the renditions, as presenters and approvals expect."""
        return self.prefetch_related("texts", "markers__texts", "renditions")


class Figure(models.Model):
    """A picture, a drawing, or both. File names contain the hash of the content, so files never change.

    ``text_detection``: the text regions detected in the saved pixels, and the uploader's answer about them
    (figures/text_detection.py). It never contains recognized text, which could be a patient's name.
    """

    slug = models.CharField(_("short name"), max_length=80, unique=True, validators=[validate_slug])
    kind = models.CharField(_("kind of picture"), max_length=12, choices=FigureKind.choices, default=FigureKind.OTHER)
    image = models.CharField(_("picture"), max_length=120, blank=True, editable=False)
    width = models.PositiveIntegerField(
        _("width"), default=0, editable=False, help_text=_("In pixels, of the original image.")
    )
    height = models.PositiveIntegerField(
        _("height"), default=0, editable=False, help_text=_("In pixels, of the original image.")
    )
    size = models.PositiveIntegerField(
        _("size"), default=0, editable=False, help_text=_("In bytes, of the original image.")
    )
    sha256 = models.CharField(max_length=64, blank=True, editable=False, db_index=True)
    drawing = models.CharField(_("drawing"), max_length=120, blank=True, editable=False)
    drawing_dark = models.CharField(_("drawing, dark mode"), max_length=120, blank=True, editable=False)
    provenance = models.CharField(_("source of the picture"), max_length=10, choices=Provenance.choices)
    provenance_note = models.CharField(
        _("consent reference or license"),
        max_length=200,
        blank=True,
        help_text=_("Where the consent is filed, or the license. Never a patient's name."),
    )
    deidentified = models.BooleanField(
        _("no name, date, or number is visible in the picture"),
        default=False,
        help_text=_("Look closely, then check this box."),
    )
    text_detection = models.JSONField(_("text detection"), default=dict, blank=True, editable=False)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("uploaded by"),
    )
    # The kind decides what is printed below the picture, so this person must not approve it either.
    kind_changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("kind changed by"),
    )
    # Pages also print whether a picture was made on a computer.
    provenance_changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("source changed by"),
    )
    created_at = models.DateTimeField(_("uploaded"), auto_now_add=True)

    objects = FigureQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        constraints = [
            models.CheckConstraint(
                condition=~Q(image="") | ~Q(drawing=""),
                name="figure_has_image_or_drawing",
                violation_error_message=_("Choose a picture file."),
            ),
            models.CheckConstraint(
                condition=~Q(image="") | Q(kind=FigureKind.DRAWING),
                name="figure_without_image_is_drawing",
                violation_error_message=_("This picture is a drawing. Choose the kind “Drawing”."),
            ),
            models.CheckConstraint(
                condition=Q(deidentified=True),
                name="figure_is_deidentified",
                violation_error_message=_(
                    "Look closely, then check the box to confirm that the picture shows no name, date, or number."
                ),
            ),
            models.CheckConstraint(
                condition=~Q(provenance=Provenance.CLINIC) | ~Q(provenance_note=""),
                name="clinic_figure_has_consent_reference",
                violation_error_message=_("The clinic's own pictures need a reference to the patient's consent."),
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def author_ids(self) -> tuple[int | None, ...]:
        """The people who uploaded the picture and changed its kind or source; someone else must approve it."""
        return self.uploaded_by_id, self.kind_changed_by_id, self.provenance_changed_by_id


class FigureText(NormalizedModel):
    """The title, alt text, caption, and long description of a figure in one language."""

    figure = models.ForeignKey(Figure, on_delete=models.CASCADE, related_name="texts", verbose_name=_("picture"))
    language = LanguageField(_("language"))
    title = models.CharField(_("title"), max_length=80, validators=[validate_single_line, validate_no_markup])
    alt = models.CharField(
        _("alternative text"),
        max_length=MAX_ALT_LENGTH,
        validators=[validate_single_line, validate_no_markup],
        help_text=_("For people who cannot see the picture: what it shows, and why it matters."),
    )
    caption = models.CharField(
        _("caption"),
        max_length=240,
        validators=[validate_single_line, validate_no_markup],
        help_text=_("One or two short sentences below the picture."),
    )
    description = models.TextField(
        _("longer description"),
        blank=True,
        validators=[MaxLengthValidator(3000), validate_plain_text, validate_no_markup],
    )

    class Meta:
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        constraints = [
            models.UniqueConstraint(fields=["figure", "language"], name="figure_text_once_per_language"),
            models.CheckConstraint(
                condition=~Q(alt=""),
                name="figure_text_has_alt",
                violation_error_message=_("Say what the picture shows, for people who cannot see it."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.language})"

    @property
    def is_complete(self) -> bool:
        """Whether a page can show the figure with these texts."""
        return bool(self.title and self.alt and self.caption)

    def clean(self) -> None:
        """Reject lists of warning signs and phone numbers."""
        texts = {name: getattr(self, name) for name in ("title", "alt", "caption", "description")}
        validate_printed_texts(self.language, texts)


class Marker(models.Model):
    """A numbered disc at ``x, y`` that points at ``target_x, target_y``. All positions are fractions of the picture."""

    figure = models.ForeignKey(Figure, on_delete=models.CASCADE, related_name="markers", verbose_name=_("picture"))
    # Not unique: swapping two rows of an inline would violate the constraint between the two saves.
    order = models.PositiveSmallIntegerField(_("position"), default=0)
    key = models.CharField(_("short name"), max_length=40, validators=[validate_slug])
    shape = models.CharField(_("shape"), max_length=8, choices=MarkerShape.choices, default=MarkerShape.POINT)
    x = models.FloatField(validators=[validate_unit_interval])
    y = models.FloatField(validators=[validate_unit_interval])
    target_x = models.FloatField(_("pointer x"), validators=[validate_unit_interval])
    target_y = models.FloatField(_("pointer y"), validators=[validate_unit_interval])
    size_x = models.FloatField(
        _("size x"), default=0.0, validators=[validate_unit_interval], help_text=_("Circle: radius. Box: width.")
    )
    size_y = models.FloatField(
        _("size y"), default=0.0, validators=[validate_unit_interval], help_text=_("Circle: radius. Box: height.")
    )
    outline = models.JSONField(
        _("corners"),
        default=list,
        blank=True,
        validators=[validate_outline],
        help_text=_("Free shape: its corners in order, each as [x, y]."),
    )

    class Meta:
        ordering = ["order", "pk"]
        verbose_name = _("marker")
        verbose_name_plural = _("markers")
        constraints = [
            models.UniqueConstraint(fields=["figure", "key"], name="marker_key_once_per_figure"),
            models.CheckConstraint(
                condition=Q(x__gte=0, x__lte=1, y__gte=0, y__lte=1)
                & Q(target_x__gte=0, target_x__lte=1, target_y__gte=0, target_y__lte=1)
                & Q(size_x__gte=0, size_x__lte=1, size_y__gte=0, size_y__lte=1),
                name="marker_within_figure",
                violation_error_message=_("A marker must be inside the picture: use positions between 0 and 1."),
            ),
        ]

    def __str__(self) -> str:
        return self.key

    def clean(self) -> None:
        """Require corners for a free shape, and refuse them for any other."""
        if self.shape == MarkerShape.POLYGON and len(self.outline) < MIN_CORNERS:
            message = _("A free shape needs at least %(count)s corners.") % {"count": MIN_CORNERS}
            raise ValidationError({"outline": message})
        if self.shape != MarkerShape.POLYGON and self.outline:
            raise ValidationError({"outline": _("Only a free shape has corners.")})


class MarkerText(NormalizedModel):
    """The label and explanation of a marker in one language."""

    marker = models.ForeignKey(Marker, on_delete=models.CASCADE, related_name="texts", verbose_name=_("marker"))
    language = LanguageField(_("language"))
    label = models.CharField(_("label"), max_length=60, validators=[validate_single_line, validate_no_markup])
    text = models.CharField(
        _("text"), max_length=240, blank=True, validators=[validate_single_line, validate_no_markup]
    )

    class Meta:
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        constraints = [
            models.UniqueConstraint(fields=["marker", "language"], name="marker_text_once_per_language"),
            models.CheckConstraint(
                condition=~Q(label=""),
                name="marker_text_has_label",
                violation_error_message=_("Enter a label for the marker."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.language})"

    def clean(self) -> None:
        """Reject lists of warning signs and phone numbers."""
        validate_printed_texts(self.language, {"label": self.label, "text": self.text})


class Rendition(models.Model):
    """One size and format of a figure, generated when the picture is uploaded and never during a page view."""

    figure = models.ForeignKey(Figure, on_delete=models.CASCADE, related_name="renditions")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    format = models.CharField(max_length=4, choices=[(name, name) for name in ("avif", "webp", "jpeg")])
    file = models.CharField(max_length=120)
    size = models.PositiveIntegerField(help_text=_("In bytes."))

    class Meta:
        ordering = ["figure", "format", "width"]
        constraints = [
            models.UniqueConstraint(fields=["figure", "format", "width"], name="rendition_once_per_size"),
        ]

    def __str__(self) -> str:
        return self.file


class Series(NormalizedModel):
    """Figures that show a sequence of stages, in one language."""

    slug = models.CharField(_("short name"), max_length=80, validators=[validate_slug])
    language = LanguageField(_("language"))
    title = models.CharField(_("title"), max_length=120, validators=[validate_single_line, validate_no_markup])

    class Meta:
        ordering = ["slug", "language"]
        verbose_name = _("series")
        verbose_name_plural = _("series")
        constraints = [
            models.UniqueConstraint(fields=["slug", "language"], name="series_once_per_language"),
        ]

    def __str__(self) -> str:
        return f"{self.slug} ({self.language})"

    def clean(self) -> None:
        """Reject lists of warning signs and phone numbers."""
        validate_printed_texts(self.language, {"title": self.title})


class SeriesItem(NormalizedModel):
    """One stage of a series."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="items", verbose_name=_("series"))
    order = models.PositiveSmallIntegerField(_("position"), default=0)
    figure = models.ForeignKey(Figure, on_delete=models.PROTECT, related_name="series_items", verbose_name=_("picture"))
    heading = models.CharField(_("heading"), max_length=120, validators=[validate_single_line, validate_no_markup])
    text = models.TextField(_("text"), validators=[MaxLengthValidator(1000), validate_plain_text, validate_no_markup])

    class Meta:
        ordering = ["order", "pk"]
        verbose_name = _("stage")
        verbose_name_plural = _("stages")

    def __str__(self) -> str:
        return self.heading

    def clean(self) -> None:
        """Reject lists of warning signs and phone numbers."""
        validate_printed_texts(self.series.language, {"heading": self.heading, "text": self.text})
