"""Forms for uploading, redacting, and describing pictures, and the function that saves a figure with its files."""

import math
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import fields_for_model
from django.http import QueryDict
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.models import User
from portal.text import parse_int_or_zero
from procedures import languages
from procedures.admin.base import AnyForm
from procedures.enums import FigureKind, Language, Provenance
from procedures.figures.approval import figure_files, unapproved_figures
from procedures.figures.decoding import InvalidImageError
from procedures.figures.redaction import MAX_BOXES, Box, Redactions
from procedures.figures.renditions import delete_on_commit, replace_renditions
from procedures.figures.text_detection import UPLOADER_ANSWER_LABELS, TextRegion
from procedures.models import Figure, FigureText, MarkerText, Rendition

CONFIRM_DEIDENTIFIED_MESSAGE = gettext_lazy(
    "Look closely at the picture. Check this box when no name, date, or number is visible in it."
)
PICTURE_REPLACED_MESSAGE = gettext_lazy(
    "Someone replaced this picture while you were editing. Look at the new picture, and confirm it again."
)
MISSING_TEXT_MESSAGES = {
    "title": gettext_lazy("Give the picture a title."),
    "alt": gettext_lazy("Say what the picture shows, for people who cannot see it."),
    "caption": gettext_lazy("Write one or two short sentences to show under the picture."),
}
MAX_SLUG_LENGTH = 70
BOX_FIELDS = ("left", "top", "width", "height")
BOX_LABELS = (gettext_lazy("Left"), gettext_lazy("Top"), gettext_lazy("Width"), gettext_lazy("Height"))
TEXT_FIELDS = ("title", "alt", "caption")
EXTRA_BOXES = 2
# Margin of a black box around a marked region, as a fraction of the picture.
COVER_PADDING = 0.004
PERCENT_DIGITS = 2


class FigureForm(AnyForm):
    """Kind and provenance of a picture, and the confirmation that it is de-identified."""

    class Meta:
        model = Figure
        fields = ("kind", "provenance", "provenance_note", "deidentified")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            self.fields["kind"].error_messages["required"] = _("Choose the kind of picture.")
        if "deidentified" in self.fields:
            confirmation = self.fields["deidentified"]
            confirmation.required = True
            confirmation.error_messages["required"] = CONFIRM_DEIDENTIFIED_MESSAGE

    def clean(self) -> dict[str, Any]:
        """Require a consent reference for the clinic's own pictures. A database constraint requires it as well."""
        values = super().clean() or self.cleaned_data
        if values.get("provenance") == Provenance.CLINIC and not values.get("provenance_note", "").strip():
            self.add_error("provenance_note", _("Enter where the patient's written consent is filed, without a name."))
        return values


class FigureChangeForm(FigureForm):
    """The form of a saved picture. It confirms only the picture that was on the screen."""

    seen_picture = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen_picture"] = self.instance.sha256

    def clean(self) -> dict[str, Any]:
        """Reject the form if the picture was replaced after the form was shown."""
        values = super().clean()
        if values.get("seen_picture") != self.instance.sha256:
            # The form then shows the new picture, to be confirmed again.
            data = {name: value for name, value in self.data.items() if name != "deidentified"}
            self.data = {**data, "seen_picture": self.instance.sha256}
            self.add_error(None, PICTURE_REPLACED_MESSAGE)
        return values


class FigureTextForm(AnyForm):
    """The alternative text and caption of a picture in one language. The validators are those of the model."""

    class Meta:
        model = FigureText
        fields = ("alt", "caption")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.error_messages["required"] = MISSING_TEXT_MESSAGES[name]
            field.widget = forms.Textarea({"rows": 3, **field.widget.attrs})


def validate_text_row(form: forms.BaseForm, row: FigureText | MarkerText) -> None:
    """Validate an unsaved text row. Errors are added to the form's fields ``<name>_<language>``."""
    try:
        row.full_clean(exclude={"figure", "marker"}, validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        for name, errors in error.error_dict.items():
            field = f"{name}_{row.language}"
            if field not in form.errors:
                form.add_error(field, errors)


def save_figure(figure: Figure, renditions: list[Rendition], *, uploaded_by: User) -> None:
    """Save a figure with a new picture and its renditions, in place of the previous ones.

    Call ``store_image`` before the transaction, because encoding takes seconds during which a transaction on SQLite
    blocks other writers; and call both within ``rollback_files()``. Files of the previous picture that no release
    shows are deleted on commit.
    """
    # The instance already names the new files, so the old ones are read from the database.
    before = Figure.objects.filter(pk=figure.pk).first()
    old_files = figure_files(before) if before else []
    figure.uploaded_by = uploaded_by
    is_waiting = before is not None and bool(unapproved_figures([before]))
    for name in ("kind", "provenance"):
        if before and getattr(before, name) != getattr(figure, name):
            changed_by: User | None = uploaded_by
        else:
            # A change that is not approved yet is still that person's.
            changed_by = getattr(before, f"{name}_changed_by") if is_waiting else None
        setattr(figure, f"{name}_changed_by", changed_by)
    figure.save()
    replace_renditions(figure, renditions)
    delete_on_commit(old_files)


def generate_slug(title: str) -> str:
    """Return an unused slug for a figure based on its title, with a number if the slug is taken."""
    base = slugify(title)[:MAX_SLUG_LENGTH].strip("-") or "picture"
    taken = set(Figure.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    candidates = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))]
    return next(slug for slug in candidates if slug not in taken)


class BoxForm(forms.Form):
    """A rectangle in percent of the picture. Four empty fields mean no rectangle."""

    left, top, width, height = (
        forms.FloatField(
            label=label,
            required=False,
            min_value=0,
            max_value=100,
            widget=forms.NumberInput({"step": "any", "class": "percent-input"}),
        )
        for label in BOX_LABELS
    )

    def clean(self) -> dict[str, Any]:
        """Add ``box``, the rectangle as a Box or None."""
        values = super().clean() or self.cleaned_data
        sides = [values.get(side) for side in BOX_FIELDS]
        values["box"] = None
        if all(side is None for side in sides) or self.errors:
            return values
        if None in sides:
            raise forms.ValidationError(_("Fill in all four numbers, or leave all four empty."))
        try:
            values["box"] = Box(*(side / 100 for side in sides if side is not None))
        except InvalidImageError as error:
            raise forms.ValidationError(str(error)) from error
        return values


BoxFormSet = forms.formset_factory(
    BoxForm, extra=EXTRA_BOXES, max_num=MAX_BOXES, validate_max=True, absolute_max=MAX_BOXES + EXTRA_BOXES
)


class RedactionsForm:
    """The crop box and black boxes of a request, in the fields ``cut-…``, ``box-0-…``, ``box-1-…``, and so on."""

    def __init__(self, data: QueryDict | None = None) -> None:
        self.crop = BoxForm(data, prefix="cut")
        self.boxes = BoxFormSet(data, prefix="box")

    def is_valid(self) -> bool:
        """Return whether every rectangle lies within the picture."""
        return all([self.crop.is_valid(), self.boxes.is_valid()])

    def get_redactions(self) -> Redactions:
        """Return the redactions. The forms must be valid."""
        boxes = (form.cleaned_data.get("box") for form in self.boxes)
        return Redactions(tuple(box for box in boxes if box), self.crop.cleaned_data["box"])

    def get_redactions_or_empty(self) -> Redactions:
        """Return the redactions, or none if the form is unbound or invalid."""
        return self.get_redactions() if self.is_valid() else Redactions()

    def with_extra_rows(self) -> "RedactionsForm":
        """Return the same rectangles with empty rows after them, for browsers without JavaScript."""
        copy = RedactionsForm()
        copy.crop = BoxForm(initial={side: self.crop.cleaned_data[side] for side in BOX_FIELDS}, prefix="cut")
        rows = [
            {side: form.cleaned_data[side] for side in BOX_FIELDS}
            for form in self.boxes
            if form.cleaned_data.get("box")
        ]
        copy.boxes = BoxFormSet(initial=rows, prefix="box")
        return copy


def encode_redactions(data: QueryDict) -> str:
    """Return the rectangles of the posted data as a query string, for the URL of the redacted picture."""
    rectangles = QueryDict(mutable=True)
    for name, value in data.items():
        if name.startswith(("cut-", "box-")):
            rectangles[name] = str(value)
    return rectangles.urlencode()


class TextAnswerForm(forms.Form):
    """The uploader's answer to whether marked regions that remain visible contain text. Asked only if there are any."""

    text_answer = forms.ChoiceField(
        choices=[(answer.value, label) for answer, label in UPLOADER_ANSWER_LABELS.items()],
        widget=forms.RadioSelect,
        required=False,
        label=gettext_lazy("Is this text?"),
    )


def cover_box(region: TextRegion) -> tuple[float, float, float, float]:
    """Return the black box over a region, in percent: left, top, width, height."""
    left, top = max(0.0, region.left - COVER_PADDING), max(0.0, region.top - COVER_PADDING)
    right, bottom = (
        min(1.0, region.left + region.width + COVER_PADDING),
        min(1.0, region.top + region.height + COVER_PADDING),
    )
    # Rounded outward to hundredths of a percent.
    x, y = (math.floor(side * 10_000) / 100 for side in (left, top))
    x1, y1 = (min(100.0, math.ceil(side * 10_000) / 100) for side in (right, bottom))
    return x, y, round(x1 - x, PERCENT_DIGITS), round(y1 - y, PERCENT_DIGITS)


def outline_box(region: TextRegion) -> tuple[float, float, float, float]:
    """Return the left, top, width, and height in percent."""
    left, top, width, height = (
        round(part * 100, PERCENT_DIGITS) for part in (region.left, region.top, region.width, region.height)
    )
    return left, top, width, height


def add_boxes(data: QueryDict, regions: Iterable[TextRegion]) -> QueryDict:
    """Return a copy of the posted data with a black box added over each region."""
    extended = data.copy()
    count = parse_int_or_zero(data.get("box-TOTAL_FORMS", ""))
    for region in regions:
        for side, value in zip(BOX_FIELDS, cover_box(region), strict=True):
            extended[f"box-{count}-{side}"] = str(value)
        count += 1
    extended["box-TOTAL_FORMS"] = str(count)
    return extended


class ImageCheckForm(FigureForm):
    """Description of a staged picture. ``seen_sha256``: the SHA-256 of the result shown on the screen."""

    text_answer = TextAnswerForm.base_fields["text_answer"]

    seen_sha256 = forms.CharField(widget=forms.HiddenInput, required=False)
    allow_duplicate = forms.BooleanField(
        required=False, label=gettext_lazy("Save it as a second picture with its own texts and markers")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].widget = forms.RadioSelect(choices=FigureKind.choices)
        self.fields["kind"].label = _("Kind of picture")
        self.fields["provenance"].widget = forms.RadioSelect(choices=Provenance.choices)
        self.fields["provenance"].label = _("Source of the picture")
        self.fields["provenance_note"].label = _("Consent reference or license")


class NewFigureForm(ImageCheckForm):
    """Description of a new figure, with its texts in each language."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code in Language.values:
            for name, field in fields_for_model(FigureText, TEXT_FIELDS).items():
                if field is not None:
                    field.required = False
                    self.fields[f"{name}_{code}"] = field

    def language_fields(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the name and the text fields of each language."""
        return [(str(label), [self[f"{name}_{code}"] for name in TEXT_FIELDS]) for code, label in Language.choices]

    def clean(self) -> dict[str, Any]:
        """Require all or none of the texts in each language, and at least one language."""
        values = super().clean()
        filled = {code: [name for name in TEXT_FIELDS if values.get(f"{name}_{code}")] for code in Language.values}
        codes = [code for code in Language.values if filled[code]] or [languages.DEFAULT]
        for code in codes:
            for name in TEXT_FIELDS:
                if not values.get(f"{name}_{code}") and f"{name}_{code}" not in self.errors:
                    self.add_error(f"{name}_{code}", MISSING_TEXT_MESSAGES[name])
        self._texts = [
            FigureText(language=code, **{name: values.get(f"{name}_{code}", "") for name in TEXT_FIELDS})
            for code in codes
        ]
        for text in self._texts:
            validate_text_row(self, text)
        return values

    def texts(self) -> list[FigureText]:
        """Return unsaved text rows. The form must be valid."""
        for text in self._texts:
            text.figure = self.instance
        return self._texts

    def assign_slug(self) -> Figure:
        """Return the figure with a slug from its first title."""
        figure: Figure = self.instance
        figure.slug = generate_slug(self.texts()[0].title)
        return figure
