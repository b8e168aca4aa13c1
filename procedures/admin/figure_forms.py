"""The fields that every picture form has in common, and replacing the files of a picture."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import fields_for_model
from django.http import QueryDict
from django.utils.text import slugify

from portal.accounts.models import User
from procedures import languages
from procedures.admin.base import AnyForm, parse_int_or_zero
from procedures.admin.text_detection import cover_box
from procedures.enums import FigureKind, Language, Provenance
from procedures.figures.approval import figure_files
from procedures.figures.decoding import InvalidImageError
from procedures.figures.redaction import MAX_BOXES, Box, Redactions
from procedures.figures.renditions import replace_renditions
from procedures.figures.text_detection import UPLOADER_ANSWER_LABELS, TextRegion
from procedures.figures.unused_files import delete_on_commit
from procedures.models import Figure, FigureText, MarkerText, Rendition

CONFIRM_DEIDENTIFIED_MESSAGE = "Look closely at the picture. Tick this when no name, date or number is visible in it."
MAX_SLUG_LENGTH = 70


class FigureForm(AnyForm):
    """Kind and origin of a picture, and the confirmation that a person has looked at it."""

    class Meta:
        model = Figure
        fields = ("kind", "provenance", "provenance_note", "deidentified")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            self.fields["kind"].error_messages["required"] = "Say what kind of picture it is."
        if "deidentified" in self.fields:
            ticked = self.fields["deidentified"]
            ticked.required = True
            ticked.error_messages["required"] = CONFIRM_DEIDENTIFIED_MESSAGE

    def clean(self) -> dict[str, Any]:
        """The database refuses a clinic's picture without its consent; here the sentence stands at the field."""
        values = super().clean() or self.cleaned_data
        if values.get("provenance") == Provenance.CLINIC and not values.get("provenance_note", "").strip():
            self.add_error("provenance_note", "Write where the patient's written consent is filed. No name.")
        return values


def validate_text_row(form: forms.BaseForm, row: FigureText | MarkerText) -> None:
    """Validate an unsaved row of words as a form of its own would. Errors go to the fields ``<name>_<language>``."""
    try:
        row.full_clean(exclude={"figure", "marker"}, validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        for name, errors in error.error_dict.items():
            field = f"{name}_{row.language}"
            if field not in form.errors:
                form.add_error(field, errors)


def save_figure(figure: Figure, renditions: list[Rendition], *, uploaded_by: User) -> None:
    """Save the rows of a figure with a new picture, in place of those that it had.

    The picture's files are there: call ``store_picture`` before the transaction, because sizes take seconds and other
    people's saves wait for a transaction on SQLite; and call both within ``undone_on_failure()``. Files of the old
    picture that no release shows go away when the transaction is through.
    """
    # The figure at hand names the new files already.
    before = Figure.objects.filter(pk=figure.pk).first()
    old = figure_files(before) if before else []
    figure.uploaded_by = uploaded_by
    figure.kind_changed_by = uploaded_by if before and before.kind != figure.kind else None
    figure.save()
    replace_renditions(figure, renditions)
    delete_on_commit(old)


def generate_slug(title: str) -> str:
    """A name for a picture from its title, with a number where the name is taken."""
    wanted = slugify(title)[:MAX_SLUG_LENGTH].strip("-") or "picture"
    taken = set(Figure.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(slug for slug in numbered if slug not in taken)


BOX_FIELDS = ("left", "top", "width", "height")
TEXT_FIELDS = ("title", "alt", "caption")
EXTRA_BOXES = 2


class BoxForm(forms.Form):
    """One rectangle in per cent of the picture. Four empty fields are no rectangle."""

    left, top, width, height = (
        forms.FloatField(
            required=False,
            min_value=0,
            max_value=100,
            widget=forms.NumberInput({"step": "any", "class": "percent-input"}),
        )
        for _ in BOX_FIELDS
    )

    def clean(self) -> dict[str, Any]:
        """``box``: the rectangle, or None."""
        values = super().clean() or self.cleaned_data
        given = [values.get(side) for side in BOX_FIELDS]
        values["box"] = None
        if all(side is None for side in given) or self.errors:
            return values
        if None in given:
            raise forms.ValidationError("Fill in all four numbers, or none.")
        try:
            values["box"] = Box(*(side / 100 for side in given if side is not None))
        except InvalidImageError as error:
            raise forms.ValidationError(str(error)) from error
        return values


BoxFormSet = forms.formset_factory(
    BoxForm, extra=EXTRA_BOXES, max_num=MAX_BOXES, validate_max=True, absolute_max=MAX_BOXES + EXTRA_BOXES
)


class RedactionsForm:
    """Cut and boxes of one request: the fields ``cut-…`` and ``box-0-…``, ``box-1-…``."""

    def __init__(self, data: QueryDict | None = None) -> None:
        self.crop = BoxForm(data, prefix="cut")
        self.boxes = BoxFormSet(data, prefix="box")

    def is_valid(self) -> bool:
        """Whether every rectangle lies in the picture."""
        return all([self.crop.is_valid(), self.boxes.is_valid()])

    def get_redactions(self) -> Redactions:
        """Call it on valid forms only."""
        boxes = (form.cleaned_data.get("box") for form in self.boxes)
        return Redactions(tuple(box for box in boxes if box), self.crop.cleaned_data["box"])

    def get_redactions_or_empty(self) -> Redactions:
        """Cut and boxes, or none while nothing was sent or a number is wrong."""
        return self.get_redactions() if self.is_valid() else Redactions()

    def with_extra_rows(self) -> "RedactionsForm":
        """The same rectangles with empty rows below them, for who has no script to add any."""
        again = RedactionsForm()
        again.crop = BoxForm(initial={side: self.crop.cleaned_data[side] for side in BOX_FIELDS}, prefix="cut")
        rows = [
            {side: form.cleaned_data[side] for side in BOX_FIELDS}
            for form in self.boxes
            if form.cleaned_data.get("box")
        ]
        again.boxes = BoxFormSet(initial=rows, prefix="box")
        return again


def encode_redactions(data: QueryDict) -> str:
    """The rectangles among what was sent, for the address of the result."""
    kept = QueryDict(mutable=True)
    for name, value in data.items():
        if name.startswith(("cut-", "box-")):
            kept[name] = str(value)
    return kept.urlencode()


class TextAnswerForm(forms.Form):
    """Whether marked places that stay visible are text; the question is asked only if there are any."""

    text_answer = forms.ChoiceField(
        choices=[(answer.value, label) for answer, label in UPLOADER_ANSWER_LABELS.items()],
        widget=forms.RadioSelect,
        required=False,
        label="Is this text?",
    )


def add_boxes(data: QueryDict, regions: Iterable[TextRegion]) -> QueryDict:
    """The submitted data with one more black box over each of these places."""
    more = data.copy()
    count = parse_int_or_zero(data.get("box-TOTAL_FORMS", ""))
    for place in regions:
        for side, value in zip(BOX_FIELDS, cover_box(place), strict=True):
            more[f"box-{count}-{side}"] = str(value)
        count += 1
    more["box-TOTAL_FORMS"] = str(count)
    return more


class ImageCheckForm(FigureForm):
    """What a person says of a picture that waits. ``looked``: sha256 of the result that was on the screen."""

    text_answer = TextAnswerForm.base_fields["text_answer"]

    seen_sha256 = forms.CharField(widget=forms.HiddenInput, required=False)
    allow_duplicate = forms.BooleanField(
        required=False, label="Bring it in again, as a second picture with its own words and marks"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].widget = forms.RadioSelect(choices=FigureKind.choices)
        self.fields["kind"].label = "What kind of picture it is"
        self.fields["provenance"].widget = forms.RadioSelect(choices=Provenance.choices)
        self.fields["provenance"].label = "Where the picture comes from"
        self.fields["provenance_note"].label = "Consent reference or licence"


class NewFigureForm(ImageCheckForm):
    """The same for a new figure, with its words in each language."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code in Language.values:
            for name, field in fields_for_model(FigureText, TEXT_FIELDS).items():
                if field is not None:
                    field.required = False
                    self.fields[f"{name}_{code}"] = field

    def language_fields(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields of each language, under its name."""
        return [(str(label), [self[f"{name}_{code}"] for name in TEXT_FIELDS]) for code, label in Language.choices]

    def clean(self) -> dict[str, Any]:
        """A language has all its words or none; one at least has them."""
        values = super().clean()
        typed = {code: [name for name in TEXT_FIELDS if values.get(f"{name}_{code}")] for code in Language.values}
        begun = [code for code in Language.values if typed[code]] or [languages.DEFAULT]
        for code in begun:
            for name in TEXT_FIELDS:
                if not values.get(f"{name}_{code}") and f"{name}_{code}" not in self.errors:
                    self.add_error(f"{name}_{code}", MISSING_TEXT_MESSAGES[name])
        self._texts = [
            FigureText(language=code, **{name: values.get(f"{name}_{code}", "") for name in TEXT_FIELDS})
            for code in begun
        ]
        for text in self._texts:
            validate_text_row(self, text)
        return values

    def texts(self) -> list[FigureText]:
        """Unsaved rows of words. Call it on a valid form only."""
        for text in self._texts:
            text.figure = self.instance
        return self._texts

    def assign_slug(self) -> Figure:
        """The figure, named after its first title."""
        figure: Figure = self.instance
        figure.slug = generate_slug(self.texts()[0].title)
        return figure


MISSING_TEXT_MESSAGES = {
    "title": "Give the picture a title.",
    "alt": "Say what the picture shows, for people who cannot see it.",
    "caption": "Write one or two short sentences that stand under the picture.",
}
