"""Helpers of the marker editor tests: its URLs, and the data that its form posts."""

from typing import Any

from procedures.admin.markers import MarkerContext, MarkerFormSet
from procedures.figures.markers import MarkerData, MarkerTextData, load_markers, markers_version
from procedures.models import Figure, FigureText
from tests.factories import make_figure

FIGURES = "/admin/procedures/figure/"
ROW = {
    "number": "",
    "key": "",
    "shape": "point",
    "x": "80",
    "y": "20",
    "target_x": "60",
    "target_y": "40",
    "width": "",
    "height": "",
    "label_en": "Bone",
    "text_en": "",
    "label_es": "Hueso",
    "text_es": "",
}


def make_bilingual_figure(size: tuple[int, int] = (300, 300)) -> Figure:
    """Create a figure with texts in both languages, and one marker with texts in both."""
    figure = make_figure(size=size)
    FigureText.objects.create(figure=figure, language="es", title="Aguja", alt="Una aguja.", caption="La aguja.")
    figure.markers.get().texts.create(language="es", label="Punta", text="")
    return figure


def markers_url(figure: Figure, end: str = "") -> str:
    """Return the URL of the marker editor, or of a view below it."""
    return f"{FIGURES}{figure.pk}/marks/{end}"


def saved_version(figure: Figure) -> str:
    """Return the version of the saved markers, as the form posts it."""
    return markers_version(Figure.objects.get(pk=figure.pk), load_markers(figure))


def marker_form(figure: Figure, *more: dict[str, str], **changes: Any) -> dict[str, Any]:
    """Return the form data: the saved markers, the rows ``more``, and ``changes`` by full field name (``__`` for ``-``)."""
    saved = load_markers(figure)
    formset = MarkerFormSet(MarkerContext.for_figure(figure), saved=saved)
    values: dict[str, Any] = {
        field.html_name: "" if field.value() in {None, False} else str(field.value())
        for form in formset.forms
        for field in form
    }
    for index, row in enumerate(more, start=len(saved)):
        values |= {f"marks-{index}-{name}": value for name, value in {**ROW, **row}.items()}
    values["marks-total"] = str(len(saved) + len(more))
    values |= {"version": saved_version(figure), "figure": str(figure.pk)}
    return values | {name.replace("__", "-"): value for name, value in changes.items()}


def make_marker(key: str = "tip", **values: Any) -> MarkerData:
    """Return a valid marker."""
    places = {"x": 0.2, "y": 0.2, "target_x": 0.5, "target_y": 0.5}
    words = {"en": MarkerTextData(key.capitalize()), "es": MarkerTextData(f"{key} es")}
    return MarkerData(key, values.pop("shape", "point"), **{**places, "texts": words, **values})
