"""Pictures and the marks on them."""

from django.conf import settings
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q

from portal.validators import validate_single_line
from procedures.enums import FigureKind, MarkerShape, Provenance
from procedures.models.base import NormalizedModel
from procedures.models.fields import LanguageField
from procedures.validators import (
    MAX_ALT_LENGTH,
    validate_no_markup,
    validate_no_phone,
    validate_no_sign_list,
    validate_plain_text,
    validate_slug,
    validate_unit_interval,
)


class Figure(models.Model):
    """A picture or a drawing. File names contain the hash of the content, so files never change.

    ``text_detection``: what the text finder marked in the kept pixels and what the uploader answered
    (figures/text_detection.py). It never contains recognized text, which could be a patient's name.
    """

    slug = models.CharField(max_length=80, unique=True, validators=[validate_slug])
    kind = models.CharField("kind of picture", max_length=12, choices=FigureKind.choices, default=FigureKind.OTHER)
    image = models.CharField("picture", max_length=120, blank=True, editable=False)
    width = models.PositiveIntegerField(default=0, editable=False, help_text="Pixels of the master.")
    height = models.PositiveIntegerField(default=0, editable=False, help_text="Pixels of the master.")
    size = models.PositiveIntegerField(default=0, editable=False, help_text="Bytes of the master.")
    sha256 = models.CharField(max_length=64, blank=True, editable=False, db_index=True)
    drawing = models.CharField(max_length=120, blank=True, editable=False)
    drawing_dark = models.CharField(max_length=120, blank=True, editable=False)
    provenance = models.CharField(max_length=10, choices=Provenance.choices)
    provenance_note = models.CharField(
        max_length=200, blank=True, help_text="Consent reference or licence. Never a patient's name."
    )
    deidentified = models.BooleanField(
        "no name, date or number is visible in the picture",
        default=False,
        help_text="Look closely, then tick.",
    )
    text_detection = models.JSONField(default=dict, blank=True, editable=False)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )
    # The kind decides what is printed under the picture, so this person does not approve it either.
    kind_changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(image="") | ~Q(drawing=""),
                name="figure_has_image_or_drawing",
                violation_error_message="Choose a picture file. A figure without a picture or a drawing shows nothing.",
            ),
            models.CheckConstraint(
                condition=~Q(image="") | Q(kind=FigureKind.DRAWING),
                name="figure_without_image_is_drawing",
                violation_error_message="This figure has lines only. Choose “Drawing”.",
            ),
            models.CheckConstraint(
                condition=Q(deidentified=True),
                name="figure_is_deidentified",
                violation_error_message="Look closely, then tick that the picture shows no name, date or number.",
            ),
            models.CheckConstraint(
                condition=~Q(provenance=Provenance.CLINIC) | ~Q(provenance_note=""),
                name="clinic_figure_has_consent_reference",
                violation_error_message="A picture of the clinic's own needs the reference of the patient's consent.",
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    def was_changed_by(self, user_id: int) -> bool:
        """Whether this person brought in the picture or changed its kind, so that another person must approve it."""
        return user_id in {self.uploaded_by_id, self.kind_changed_by_id}


class FigureText(NormalizedModel):
    """What a figure says in one language."""

    figure = models.ForeignKey(Figure, on_delete=models.CASCADE, related_name="texts")
    language = LanguageField()
    title = models.CharField(max_length=80, validators=[validate_single_line, validate_no_markup])
    alt = models.CharField(
        "text instead of the picture",
        max_length=MAX_ALT_LENGTH,
        validators=[validate_single_line, validate_no_markup],
        help_text="What it is, and its point, for who cannot see it.",
    )
    caption = models.CharField(
        max_length=240,
        validators=[validate_single_line, validate_no_markup],
        help_text="One or two short sentences under the picture.",
    )
    description = models.TextField(
        "longer description",
        blank=True,
        validators=[MaxLengthValidator(3000), validate_plain_text, validate_no_markup],
    )

    class Meta:
        verbose_name = "text"
        constraints = [
            models.UniqueConstraint(fields=["figure", "language"], name="figure_text_once_per_language"),
            models.CheckConstraint(
                condition=~Q(alt=""),
                name="figure_text_has_alt",
                violation_error_message="Say what the picture shows, for people who cannot see it.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.language})"

    def clean(self) -> None:
        """The words of a picture hold no list of warning signs and no phone number."""
        names = ("title", "alt", "caption", "description")
        validate_no_phone({name: getattr(self, name) for name in names})
        validate_no_sign_list(self.language, {name: getattr(self, name) for name in names})


class Marker(models.Model):
    """A numbered mark: a disc at ``x, y`` that points at ``target_x, target_y``; all parts of width and height."""

    figure = models.ForeignKey(Figure, on_delete=models.CASCADE, related_name="markers")
    # Not unique: swapping two rows of an inline would trip it half way.
    order = models.PositiveSmallIntegerField(default=0)
    key = models.CharField(max_length=40, validators=[validate_slug])
    shape = models.CharField(max_length=8, choices=MarkerShape.choices, default=MarkerShape.POINT)
    x = models.FloatField(validators=[validate_unit_interval])
    y = models.FloatField(validators=[validate_unit_interval])
    target_x = models.FloatField(validators=[validate_unit_interval])
    target_y = models.FloatField(validators=[validate_unit_interval])
    size_x = models.FloatField(
        default=0.0, validators=[validate_unit_interval], help_text="Circle: radius. Box: width."
    )
    size_y = models.FloatField(
        default=0.0, validators=[validate_unit_interval], help_text="Circle: radius. Box: height."
    )

    class Meta:
        ordering = ["order", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["figure", "key"], name="marker_key_once_per_figure"),
            models.CheckConstraint(
                condition=Q(x__gte=0, x__lte=1, y__gte=0, y__lte=1)
                & Q(target_x__gte=0, target_x__lte=1, target_y__gte=0, target_y__lte=1)
                & Q(size_x__gte=0, size_x__lte=1, size_y__gte=0, size_y__lte=1),
                name="marker_within_figure",
                violation_error_message="A mark must lie in the picture: positions between 0 and 1.",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class MarkerText(NormalizedModel):
    """What one mark says in one language."""

    marker = models.ForeignKey(Marker, on_delete=models.CASCADE, related_name="texts")
    language = LanguageField()
    label = models.CharField(max_length=60, validators=[validate_single_line, validate_no_markup])
    text = models.CharField(max_length=240, blank=True, validators=[validate_single_line, validate_no_markup])

    class Meta:
        verbose_name = "text"
        constraints = [
            models.UniqueConstraint(fields=["marker", "language"], name="marker_text_once_per_language"),
            models.CheckConstraint(
                condition=~Q(label=""), name="marker_text_has_label", violation_error_message="Give the mark a name."
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.language})"

    def clean(self) -> None:
        """A mark holds no list of warning signs and no phone number."""
        validate_no_phone({"label": self.label, "text": self.text})
        validate_no_sign_list(self.language, {"label": self.label, "text": self.text})


class Rendition(models.Model):
    """One size and format of a figure, made when the picture came in, never on a reader's visit."""

    figure = models.ForeignKey(Figure, on_delete=models.CASCADE, related_name="renditions")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    format = models.CharField(max_length=4, choices=[(name, name) for name in ("avif", "webp", "jpeg")])
    file = models.CharField(max_length=120)
    size = models.PositiveIntegerField(help_text="Bytes.")

    class Meta:
        ordering = ["figure", "format", "width"]
        constraints = [
            models.UniqueConstraint(fields=["figure", "format", "width"], name="rendition_once_per_size"),
        ]

    def __str__(self) -> str:
        return self.file


class Series(NormalizedModel):
    """Figures in order, in one language."""

    slug = models.CharField(max_length=80, validators=[validate_slug])
    language = LanguageField()
    title = models.CharField(max_length=120, validators=[validate_single_line, validate_no_markup])

    class Meta:
        ordering = ["slug", "language"]
        verbose_name_plural = "series"
        constraints = [
            models.UniqueConstraint(fields=["slug", "language"], name="series_once_per_language"),
        ]

    def __str__(self) -> str:
        return f"{self.slug} ({self.language})"

    def clean(self) -> None:
        """A title holds no phone number."""
        validate_no_phone({"title": self.title})


class SeriesItem(NormalizedModel):
    """One stage of a series."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="items")
    order = models.PositiveSmallIntegerField(default=0)
    figure = models.ForeignKey(Figure, on_delete=models.PROTECT, related_name="series_items")
    heading = models.CharField(max_length=120, validators=[validate_single_line, validate_no_markup])
    text = models.TextField(validators=[MaxLengthValidator(1000), validate_plain_text, validate_no_markup])

    class Meta:
        ordering = ["order", "pk"]

    def __str__(self) -> str:
        return self.heading

    def clean(self) -> None:
        """A step holds no list of warning signs and no phone number."""
        validate_no_phone({"heading": self.heading, "text": self.text})
        validate_no_sign_list(self.series.language, {"heading": self.heading, "text": self.text})
