"""What the tests of the marks page share: its addresses, and what its form sends."""

from typing import Any

from procedures.admin.markers import MarkerContext, to_querydict
from procedures.figures.markers.data import MarkerData, MarkerTextData, load_markers, markers_version
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
    return markers_version(Figure.objects.get(pk=figure.pk), load_markers(figure))


def sent(figure: Figure, *more: dict[str, str], **changes: Any) -> dict[str, Any]:
    """What the form sends: the saved marks, rows ``more``, and then ``changes`` by full name (- as __)."""
    saved = load_markers(figure)
    values: dict[str, Any] = to_querydict(saved, MarkerContext.for_figure(figure)).dict()
    for index, row in enumerate(more, start=len(saved)):
        values |= {f"marks-{index}-{name}": value for name, value in {**ROW, **row}.items()}
    values["marks-total"] = str(len(saved) + len(more))
    values |= {"version": version(figure), "figure": str(figure.pk)}
    return values | {name.replace("__", "-"): value for name, value in changes.items()}


def mark(key: str = "tip", **values: Any) -> MarkerData:
    """A mark that is right by itself."""
    places = {"x": 0.2, "y": 0.2, "target_x": 0.5, "target_y": 0.5}
    words = {"en": MarkerTextData(key.capitalize()), "es": MarkerTextData(f"{key} es")}
    return MarkerData(key, values.pop("shape", "point"), **{**places, "texts": words, **values})
