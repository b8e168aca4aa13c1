"""Marks on a picture: places in per cent, a label for each language in the same row."""

from typing import Any

from django import forms

from procedures.admin.base import AnyForm
from procedures.enums import Language
from procedures.models import Marker, MarkerText

PLACES = ("x", "y", "target_x", "target_y", "size_x", "size_y")
DIGITS = 6


class PercentField(forms.FloatField):
    """Shows 37.21 where the database holds 0.3721."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.NumberInput(attrs={"step": "any", "class": "mark-place"})
        super().__init__(**{**kwargs, "min_value": 0, "max_value": 100, "widget": widget})

    def prepare_value(self, value: Any) -> Any:
        """A part as per cent; what was typed stays as typed."""
        return f"{value * 100:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else value

    def clean(self, value: Any) -> float | None:
        """Per cent as a part."""
        number = super().clean(value)
        return None if number is None else round(number / 100, DIGITS)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compared as shown: the database may hold more digits than the form."""
        return str(self.prepare_value(initial) if initial is not None else "") != (data or "").strip()


class MarkForm(AnyForm):
    """One mark with its words. They are rows of their own; Django's admin has no inline within an inline."""

    label_en = forms.CharField(label="label, English", max_length=60, required=False)
    note_en = forms.CharField(label="note, English", max_length=240, required=False)
    label_es = forms.CharField(label="label, Español", max_length=60, required=False)
    note_es = forms.CharField(label="note, Español", max_length=240, required=False)

    class Meta:
        model = Marker
        fields = ("order", "key", "shape", *PLACES)
        labels = {
            "x": "disc, % from the left",
            "y": "disc, % from the top",
            "target_x": "points at, % from the left",
            "target_y": "points at, % from the top",
            "size_x": "size across, %",
            "size_y": "size down, %",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        have = {text.language: text for text in self.instance.texts.all()} if self.instance.pk else {}
        for code, text in have.items():
            self.initial[f"label_{code}"], self.initial[f"note_{code}"] = text.label, text.text

    def clean(self) -> dict[str, Any]:
        """A mark without a word says nothing."""
        values = super().clean() or self.cleaned_data
        if not any(values.get(f"label_{code}") for code in Language.values):
            self.add_error(f"label_{Language.ENGLISH}", "Write what this mark shows.")
        for code in Language.values:
            if values.get(f"note_{code}") and not values.get(f"label_{code}"):
                self.add_error(f"label_{code}", "Write a label for this note.")
        return values

    def save(self, commit: bool = True) -> Marker:
        """The mark, then its words."""
        marker: Marker = super().save(commit)
        if commit:
            for code in Language.values:
                label, note = self.cleaned_data[f"label_{code}"], self.cleaned_data[f"note_{code}"]
                if label:
                    MarkerText.objects.update_or_create(
                        marker=marker, language=code, defaults={"label": label, "text": note}
                    )
                else:
                    MarkerText.objects.filter(marker=marker, language=code).delete()
        return marker
