"""Forms of the intake screens: boxes in per cent, then words, provenance and the human check."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.forms.models import fields_for_model
from django.http import QueryDict

from procedures.admin.base import whole_number
from procedures.admin.figure_forms import PictureForm, check_words, free_slug
from procedures.admin.text_detection import padded
from procedures.enums import FigureKind, Language, Provenance
from procedures.figures.edit import MAX_BOXES, Box, Edits
from procedures.figures.intake import BadPictureError
from procedures.figures.text_detection import ANSWERS, Place
from procedures.models import Figure, FigureText

SIDES = ("left", "top", "width", "height")
WORDS = ("title", "alt", "caption")
EMPTY_ROWS = 2


class BoxForm(forms.Form):
    """One rectangle in per cent of the picture. Four empty fields are no rectangle."""

    left, top, width, height = (
        forms.FloatField(
            required=False, min_value=0, max_value=100, widget=forms.NumberInput({"step": "any", "class": "percent"})
        )
        for _ in SIDES
    )

    def clean(self) -> dict[str, Any]:
        """``box``: the rectangle, or None."""
        values = super().clean() or self.cleaned_data
        given = [values.get(side) for side in SIDES]
        values["box"] = None
        if all(side is None for side in given) or self.errors:
            return values
        if None in given:
            raise forms.ValidationError("Fill in all four numbers, or none.")
        try:
            values["box"] = Box(*(side / 100 for side in given if side is not None))
        except BadPictureError as error:
            raise forms.ValidationError(str(error)) from error
        return values


Boxes = forms.formset_factory(
    BoxForm, extra=EMPTY_ROWS, max_num=MAX_BOXES, validate_max=True, absolute_max=MAX_BOXES + EMPTY_ROWS
)


class EditsForm:
    """Cut and boxes of one request: the fields ``cut-…`` and ``box-0-…``, ``box-1-…``."""

    def __init__(self, data: QueryDict | None = None) -> None:
        self.cut = BoxForm(data, prefix="cut")
        self.boxes = Boxes(data, prefix="box")

    def is_valid(self) -> bool:
        """Whether every rectangle lies in the picture."""
        return all([self.cut.is_valid(), self.boxes.is_valid()])

    def edits(self) -> Edits:
        """Call it on valid forms only."""
        boxes = (form.cleaned_data.get("box") for form in self.boxes)
        return Edits(tuple(box for box in boxes if box), self.cut.cleaned_data["box"])

    def valid_edits(self) -> Edits:
        """Cut and boxes, or none while nothing was sent or a number is wrong."""
        return self.edits() if self.is_valid() else Edits()

    def again(self) -> "EditsForm":
        """The same rectangles with empty rows below them, for who has no script to add any."""
        again = EditsForm()
        again.cut = BoxForm(initial={side: self.cut.cleaned_data[side] for side in SIDES}, prefix="cut")
        rows = [
            {side: form.cleaned_data[side] for side in SIDES} for form in self.boxes if form.cleaned_data.get("box")
        ]
        again.boxes = Boxes(initial=rows, prefix="box")
        return again


def query(data: QueryDict) -> str:
    """The rectangles among what was sent, for the address of the result."""
    kept = QueryDict(mutable=True)
    for name, value in data.items():
        if name.startswith(("cut-", "box-")):
            kept[name] = str(value)
    return kept.urlencode()


class TextAnswerForm(forms.Form):
    """Whether marked places that stay visible are text; the question is asked only if there are any."""

    text_answer = forms.ChoiceField(
        choices=[(answer.value, label) for answer, label in ANSWERS.items()],
        widget=forms.RadioSelect,
        required=False,
        label="Is this text?",
    )


def covering(data: QueryDict, places: Iterable[Place]) -> QueryDict:
    """The submitted data with one more black box over each of these places."""
    more = data.copy()
    count = whole_number(data.get("box-TOTAL_FORMS", ""))
    for place in places:
        for side, value in zip(SIDES, padded(place), strict=True):
            more[f"box-{count}-{side}"] = str(value)
        count += 1
    more["box-TOTAL_FORMS"] = str(count)
    return more


class CheckForm(PictureForm):
    """What a person says of a picture that waits. ``looked``: sha256 of the result that was on the screen."""

    text_answer = TextAnswerForm.base_fields["text_answer"]

    looked = forms.CharField(widget=forms.HiddenInput, required=False)
    again = forms.BooleanField(
        required=False, label="Bring it in again, as a second picture with its own words and marks"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].widget = forms.RadioSelect(choices=FigureKind.choices)
        self.fields["kind"].label = "What kind of picture it is"
        self.fields["provenance"].widget = forms.RadioSelect(choices=Provenance.choices)
        self.fields["provenance"].label = "Where the picture comes from"
        self.fields["provenance_note"].label = "Consent reference or licence"


class NewForm(CheckForm):
    """The same for a new figure, with its words in each language."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code in Language.values:
            for name, field in fields_for_model(FigureText, WORDS).items():
                if field is not None:
                    field.required = False
                    self.fields[f"{name}_{code}"] = field

    def words(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields of each language, under its name."""
        return [(str(label), [self[f"{name}_{code}"] for name in WORDS]) for code, label in Language.choices]

    def clean(self) -> dict[str, Any]:
        """A language has all its words or none; one at least has them."""
        values = super().clean()
        typed = {code: [name for name in WORDS if values.get(f"{name}_{code}")] for code in Language.values}
        begun = [code for code in Language.values if typed[code]] or [Language.ENGLISH.value]
        for code in begun:
            for name in WORDS:
                if not values.get(f"{name}_{code}") and f"{name}_{code}" not in self.errors:
                    self.add_error(f"{name}_{code}", MISSING[name])
        self._texts = [
            FigureText(language=code, **{name: values.get(f"{name}_{code}", "") for name in WORDS}) for code in begun
        ]
        for text in self._texts:
            check_words(self, text)
        return values

    def texts(self) -> list[FigureText]:
        """Unsaved rows of words. Call it on a valid form only."""
        for text in self._texts:
            text.figure = self.instance
        return self._texts

    def name_figure(self) -> Figure:
        """The figure, named after its first title."""
        figure: Figure = self.instance
        figure.slug = free_slug(self.texts()[0].title)
        return figure


MISSING = {
    "title": "Give the picture a title.",
    "alt": "Say what the picture shows, for people who cannot see it.",
    "caption": "Write one or two short sentences that stand under the picture.",
}
