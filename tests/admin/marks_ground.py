"""What the tests of the marks page share: its addresses, and what its form sends."""

from typing import Any

from procedures.admin.marks import Ground, as_sent
from procedures.figures.marks import MarkValues, Words, marks_of, version_of
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


def bilingual(size: tuple[int, int] = (300, 300)) -> Figure:
    """A picture with words in both languages, and one mark with words in both."""
    figure = make_figure(size=size)
    FigureText.objects.create(figure=figure, language="es", title="Aguja", alt="Una aguja.", caption="La aguja.")
    figure.markers.get().texts.create(language="es", label="Punta", text="")
    return figure


def address(figure: Figure, end: str = "") -> str:
    """The page, or what lies below it."""
    return f"{FIGURES}{figure.pk}/marks/{end}"


def version(figure: Figure) -> str:
    """What the page tells its form about what is saved."""
    return version_of(Figure.objects.get(pk=figure.pk), marks_of(figure))


def sent(figure: Figure, *more: dict[str, str], **changes: Any) -> dict[str, Any]:
    """What the form sends: the saved marks, rows ``more``, and then ``changes`` by full name (- as __)."""
    saved = marks_of(figure)
    values: dict[str, Any] = as_sent(saved, Ground.of(figure)).dict()
    for index, row in enumerate(more, start=len(saved)):
        values |= {f"marks-{index}-{name}": value for name, value in {**ROW, **row}.items()}
    values["marks-total"] = str(len(saved) + len(more))
    values |= {"version": version(figure), "figure": str(figure.pk)}
    return values | {name.replace("__", "-"): value for name, value in changes.items()}


def mark(key: str = "tip", **values: Any) -> MarkValues:
    """A mark that is right by itself."""
    places = {"x": 0.2, "y": 0.2, "target_x": 0.5, "target_y": 0.5}
    words = {"en": Words(key.capitalize()), "es": Words(f"{key} es")}
    return MarkValues(key, values.pop("shape", "point"), **{**places, "words": words, **values})
