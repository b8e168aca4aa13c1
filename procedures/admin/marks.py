"""The form of all marks of a picture: places in per cent, words for each language, checks across marks."""

from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms.models import fields_for_model
from django.http import QueryDict

from portal.text import normalize
from procedures.admin.figure_forms import check_words
from procedures.enums import Language, MarkerShape
from procedures.figures.annotations_read import KEY_LENGTH, MAX_MARKS, free_key
from procedures.figures.contrast import Backdrop, backdrops_of
from procedures.figures.mark_checks import Note, notes
from procedures.figures.marks import DIGITS, PLACES, WIDE, MarkValues, Words
from procedures.figures.overlay import DRAWING_SIZE
from procedures.models import Figure, MarkerText
from procedures.validators import validate_plain_text, validate_slug

PREFIX = "marks"
# More rows than any browser has to send: nothing is looked at then.
MAX_ROWS = 4 * MAX_MARKS
MAX_LABEL, MAX_TEXT = (
    field.max_length
    for field in fields_for_model(MarkerText, ("label", "text")).values()
    if isinstance(field, forms.CharField)
)
PAIRS = (
    ("disc", "Disc", "Move the disc", ("x", "y")),
    ("target", "What it points at", "Move the target", ("target_x", "target_y")),
    ("size", "Size of the shape", "Change the size", ("width", "height")),
)
IN_PICTURE = "Write a number from 0 to 100."


@dataclass(frozen=True, slots=True)
class Ground:
    """What marks are checked against: the figure, what lies under them, languages whose readers see them."""

    figure: Figure
    backdrops: list[Backdrop]
    lost: list[str]
    aspect: float
    languages: list[str]

    @classmethod
    def of(cls, figure: Figure) -> "Ground":
        """Expects ``texts`` and ``renditions`` prefetched."""
        size = (figure.width, figure.height) if figure.image else (DRAWING_SIZE, DRAWING_SIZE)
        languages = sorted(text.language for text in figure.texts.all()) or [Language.ENGLISH.value]
        return cls(figure, *backdrops_of(figure), size[1] / max(1, size[0]), languages)

    def notes(self, marks: list[MarkValues]) -> list[Note]:
        """See mark_checks."""
        return notes(marks, aspect=self.aspect, backdrops=self.backdrops)


class PercentField(forms.FloatField):
    """Shows 37.21 where a mark holds 0.3721."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        widget = forms.NumberInput(attrs={"step": "any", "class": "mark-place", "inputmode": "decimal"})
        super().__init__(label=label, min_value=0, max_value=100, widget=widget, **kwargs)
        for validator in self.validators:
            validator.message = IN_PICTURE  # type: ignore[attr-defined]
        self.error_messages |= {"invalid": IN_PICTURE, "required": IN_PICTURE}

    def prepare_value(self, value: Any) -> Any:
        """A part as per cent; what was typed stays as typed."""
        return f"{value * 100:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else value

    def clean(self, value: Any) -> float | None:
        """Per cent as a part."""
        found = super().clean(value.replace(",", ".") if isinstance(value, str) else value)
        return None if found is None else round(found / 100, DIGITS)


class OneLine(forms.CharField):
    """Words without line breaks and double spaces."""

    def __init__(self, label: str, most: int | None, *, long: bool = False) -> None:
        widget = forms.Textarea(attrs={"rows": 3}) if long else forms.TextInput()
        super().__init__(label=label, required=False, max_length=most, widget=widget, validators=[validate_plain_text])

    def to_python(self, value: Any) -> str:
        """One line."""
        return " ".join(normalize(super().to_python(value) or "").split())


class MarkForm(forms.Form):
    """One mark. Its key stays for ever, and is made by us."""

    number = forms.IntegerField(label="Number", required=False, min_value=1, max_value=999)
    deleted = forms.BooleanField(label="Delete this marker", required=False)
    key = forms.CharField(max_length=KEY_LENGTH, required=False, widget=forms.HiddenInput, validators=[validate_slug])
    shape = forms.ChoiceField(label="Shape", choices=MarkerShape.choices, initial=MarkerShape.POINT)
    x = PercentField("% from the left")
    y = PercentField("% from the top")
    target_x = PercentField("% from the left")
    target_y = PercentField("% from the top")
    width = PercentField("Width, %", required=False)
    height = PercentField("Height, %", required=False)

    def __init__(self, *args: Any, languages: list[str], **kwargs: Any) -> None:
        # The empty row must not keep a browser from sending the form.
        super().__init__(*args, **{"use_required_attribute": False, "label_suffix": "", **kwargs})
        self.languages = languages
        for code in Language.values:
            self.fields[f"label_{code}"] = OneLine("Label", MAX_LABEL)
            self.fields[f"text_{code}"] = OneLine("Explanation", MAX_TEXT, long=True)
            for name in (f"label_{code}", f"text_{code}"):
                self.fields[name].widget.attrs["lang"] = code

    @property
    def languages_side_by_side(self) -> list[dict[str, Any]]:
        """For the template: a pair of fields for each language."""
        return [
            {
                "code": code,
                "name": name,
                "label": self[f"label_{code}"],
                "text": self[f"text_{code}"],
                "needed": code in self.languages,
            }
            for code, name in Language.choices
        ]

    @property
    def pairs(self) -> list[dict[str, Any]]:
        """For the template: places that belong together."""
        return [
            {"part": part, "title": title, "button": button, "fields": [self[name] for name in names]}
            for part, title, button, names in PAIRS
        ]

    def clean(self) -> dict[str, Any]:
        """A label for everybody who sees the picture; a size for a shape that has one."""
        values = super().clean() or self.cleaned_data
        for code in Language.values:
            if f"label_{code}" in self.errors or values.get(f"label_{code}"):
                continue
            if code in self.languages:
                self.add_error(f"label_{code}", f"Write what this marker shows, in {Language(code).label}.")
            elif values.get(f"text_{code}"):
                self.add_error(f"label_{code}", "Write a label for this explanation.")
        for code, words in self._words(values).items():
            check_words(self, MarkerText(language=code, label=words.label, text=words.text))
        if values.get("shape") in WIDE:
            for name in ("width", "height"):
                if name not in self.errors and not values.get(name):
                    self.add_error(name, "Write how large the shape is, more than 0.")
        return values

    @property
    def says_anything(self) -> bool:
        """Whether anybody wrote into this row."""
        told = [name for name in self.fields if name not in {"number", "deleted", "key", "shape"}]
        return any(str(self[name].data or "").strip() for name in told)

    @property
    def is_deleted(self) -> bool:
        """Whether it is ticked to go, however wrong the rest of it is."""
        return bool(self.is_bound and self["deleted"].data)

    @property
    def order(self) -> tuple[bool, int]:
        """Rows without a number come last, as they came."""
        text = str(self["number"].data or "")
        return (True, 0) if not (text.isascii() and text.isdigit() and len(text) < 4) else (False, int(text))

    def values(self) -> MarkValues | None:
        """What was typed, None while its places are not right. Words may still be missing. Call is_valid() first."""
        said = self.cleaned_data
        if any(name in self.errors for name in ("key", "shape", *PLACES[:4], "width", "height")):
            return None
        part = {MarkerShape.CIRCLE: 0.5, MarkerShape.REGION: 1.0}.get(said["shape"], 0.0)
        places = {name: said[name] for name in PLACES[:4]}
        size = {
            f"size_{axis}": round((said[name] or 0.0) * part, DIGITS)
            for axis, name in (("x", "width"), ("y", "height"))
        }
        return MarkValues(said["key"], said["shape"], **places, **size, words=self._words(said))

    def _words(self, values: dict[str, Any]) -> dict[str, Words]:
        return {
            code: Words(values[f"label_{code}"], values.get(f"text_{code}", ""))
            for code in Language.values
            if values.get(f"label_{code}")
        }


class MarkRows:
    """All marks of one picture. What is not sent is deleted; an empty row is none; ``blank`` is for one more."""

    def __init__(self, ground: Ground, *, data: QueryDict | None = None, saved: list[MarkValues] | None = None) -> None:
        self.ground = ground
        self.complete = True
        self.forms: list[MarkForm] = []
        total = self._total(data) if data is not None else 0
        for index in range(total):
            form = self._form(index, data=data)
            if form.says_anything:
                self.forms.append(form)
        self.forms.sort(key=lambda form: form.order)
        for index, mark in enumerate(saved or []):
            self.forms.append(self._form(index, initial={**initial(mark), "number": index + 1}))
        self.total = max(total, len(self.forms)) + 1
        self.blank = self._form(self.total - 1)
        if data is not None:
            self._check()

    def _total(self, data: QueryDict) -> int:
        text = data.get(f"{PREFIX}-total", "")
        self.complete = text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= MAX_ROWS
        return int(text) if self.complete else 0

    def _form(self, index: int, **values: Any) -> MarkForm:
        return MarkForm(prefix=f"{PREFIX}-{index}", languages=self.ground.languages, **values)

    @property
    def standing(self) -> list[MarkForm]:
        """Rows that are not ticked to be deleted, in the order of their numbers."""
        return [form for form in self.forms if not form.is_deleted]

    @property
    def errors(self) -> list[str]:
        """All that forbids saving, row by row: “Marker 2: …”."""
        found = [
            f"Marker {place}: {sentence}"
            for place, form in enumerate(self.standing, start=1)
            for sentences in form.errors.values()
            for sentence in sentences
        ]
        too_many = len(self.standing) > MAX_MARKS
        return ([f"A picture can have at most {MAX_MARKS} markers. Delete some of them."] if too_many else []) + found

    def is_valid(self) -> bool:
        """Whether it may be saved so."""
        return self.complete and not self.errors

    def _check(self) -> None:
        """Checks across marks, told at the mark that they are about."""
        if all(form.is_valid() for form in self.standing):
            for note in self.notes():
                if note.forbids:
                    self.standing[note.index].add_error(None, note.sentence)

    def notes(self) -> list[Note]:
        """About rows whose places are known, with words or without; indexes are those of ``standing``."""
        drawn = self.drawn()
        places = [place for place, _ in drawn]
        found = self.ground.notes([mark for _, mark in drawn])
        return [Note(places[note.index], note.sentence, note.forbids) for note in found]

    def all_notes(self) -> list[Note]:
        """Those, and what each row still lacks."""
        lacking = [
            Note(index, str(sentence), forbids=True)
            for index, form in enumerate(self.standing)
            for name, sentences in form.errors.items()
            if name != NON_FIELD_ERRORS
            for sentence in sentences
        ]
        return lacking + self.notes()

    def drawn(self) -> list[tuple[int, MarkValues]]:
        """Index in ``standing`` and values of every row whose places are right."""
        found = []
        for index, form in enumerate(self.standing):
            form.is_valid()
            if (mark := form.values()) is not None:
                found.append((index, mark))
        return found

    def marks(self) -> list[MarkValues]:
        """All marks, each with a key of its own. Call it when is_valid()."""
        drawn = [mark for _, mark in self.drawn()]
        # The key of a later marker is not free for a new one.
        used = {mark.key for mark in drawn if mark.key}
        found: list[MarkValues] = []
        for place, mark in enumerate(drawn, start=1):
            taken = {other.key for other in found} | (set() if mark.key else used)
            key = free_key(mark.key, mark.words, place, taken)
            found.append(replace(mark, key=key))
        return found


def initial(mark: MarkValues) -> dict[str, Any]:
    """A saved mark as its row shows it."""
    rx, ry = mark.half
    places = {name: getattr(mark, name) for name in PLACES[:4]}
    words = {f"label_{code}": said.label for code, said in mark.words.items()}
    words |= {f"text_{code}": said.text for code, said in mark.words.items()}
    return {"key": mark.key, "shape": mark.shape, **places, "width": 2 * rx, "height": 2 * ry, **words}


def as_sent(marks: list[MarkValues], ground: Ground) -> QueryDict:
    """Marks as a browser would send them: what came in from a file is checked exactly like what was typed."""
    data = QueryDict(mutable=True)
    data[f"{PREFIX}-total"] = str(len(marks))
    for index, mark in enumerate(marks):
        form = MarkForm(initial={**initial(mark), "number": index + 1}, languages=ground.languages)
        for bound in form:
            value = bound.value()
            data[f"{PREFIX}-{index}-{bound.name}"] = "" if value is None or value is False else str(value)
    return data
