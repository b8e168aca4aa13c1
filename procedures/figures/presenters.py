"""Template context of figures: image sources, markers in percent, and the matching drawing."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings

from portal.storage.media import CONTENT_TYPES
from procedures.enums import FigureKind, Provenance
from procedures.figures.markers import MarkerData, MarkerTextData, to_marker_data
from procedures.figures.renditions import THUMBNAIL_WIDTH
from procedures.models import Figure, Rendition

# The image fills the text column, inside its frame.
IMAGE_SIZES = "(min-width: 40em) 36rem, calc(100vw - 3.6rem)"
DRAWING_SIZE = 1000
# Widths used only by cards, and the maximum width that cards use.
CARD_WIDTHS, MAX_CARD_WIDTH = (THUMBNAIL_WIDTH,), 480


@dataclass(frozen=True, slots=True)
class NumberedMarker:
    """A numbered marker; coordinates and radii are CSS percentages such as ``37.2%``.

    ``outline`` holds the corners of a polygon as SVG writes them, in a box of 100 by 100.
    """

    number: int
    label: str
    text: str
    shape: str
    x: str
    y: str
    target_x: str
    target_y: str
    rx: str
    ry: str
    outline: str = ""


@dataclass(frozen=True, slots=True)
class FigureContext:
    """Everything that ``components/figure.html`` needs in one language. Rendering runs no queries."""

    figure_id: int
    slug: str
    title: str
    alt: str
    caption: str
    paragraphs: list[str]
    kind: str
    simulated: bool
    vector: bool
    width: int
    height: int
    sources: list[dict[str, str]]
    src: str
    sizes: str
    large_href: str
    markers: list[NumberedMarker]
    drawing: dict[str, Any] | None
    thumbnail: dict[str, Any] | None
    has_texts: bool = True
    eager: bool = field(default=False, compare=False)

    @property
    def is_complete(self) -> bool:
        """Whether the figure and all its markers have their texts in this language."""
        return self.has_texts and all(marker.label for marker in self.markers)

    def fingerprint_data(self) -> dict[str, Any]:
        """Return the data whose hash tells whether pages with this figure need to be rebuilt."""
        data = asdict(self)
        # Hashed and stored with each release: another key would make every page with a figure stale.
        data["marks"] = data.pop("markers")
        for mark in data["marks"]:
            if not mark["outline"]:
                del mark["outline"]
        return data


def media_url(name: str) -> str:
    """Return the public URL of a media file."""
    return f"{settings.MEDIA_URL}{name}"


def build_figure_context(figure: Figure, language: str) -> FigureContext:
    """Build the context in one language. Expects ``texts``, ``markers__texts``, and ``renditions`` to be prefetched."""
    text = next((t for t in figure.texts.all() if t.language == language), None)
    renditions = sorted(figure.renditions.all(), key=lambda r: r.width)
    jpegs = [r for r in renditions if r.format == "jpeg"]
    drawing: dict[str, Any] | None = (
        {
            "light": media_url(figure.drawing),
            "dark": media_url(figure.drawing_dark or figure.drawing),
            "width": DRAWING_SIZE,
            "height": DRAWING_SIZE,
        }
        if figure.drawing
        else None
    )
    return FigureContext(
        figure_id=figure.pk,
        slug=figure.slug,
        title=text.title if text else figure.slug,
        alt=text.alt if text else "",
        caption=text.caption if text else "",
        paragraphs=[p for p in text.description.split("\n\n") if p.strip()] if text else [],
        kind=figure.kind,
        simulated=figure.provenance == Provenance.SIMULATED and figure.kind != FigureKind.DRAWING,
        vector=not figure.image,
        width=jpegs[-1].width if jpegs else DRAWING_SIZE,
        height=jpegs[-1].height if jpegs else DRAWING_SIZE,
        sources=[
            {"type": CONTENT_TYPES[kind], "srcset": srcset}
            # ``src`` is the JPEG fallback for browsers that support neither.
            for kind in ("avif", "webp")
            if (srcset := _build_srcset(renditions, kind))
        ],
        src=media_url(_closest_width(jpegs, 800).file) if jpegs else "",
        sizes=IMAGE_SIZES,
        large_href=media_url(jpegs[-1].file) if jpegs else (drawing["light"] if drawing else ""),
        markers=number_markers([to_marker_data(marker) for marker in figure.markers.all()], language),
        drawing=drawing,
        thumbnail=_build_thumbnail(renditions, text.alt if text else "")
        if jpegs
        else _build_drawing_thumbnail(drawing, text),
        has_texts=text is not None and text.is_complete,
    )


def _build_srcset(renditions: list[Rendition], kind: str) -> str:
    return ", ".join(
        f"{media_url(r.file)} {r.width}w" for r in renditions if r.format == kind and r.width not in CARD_WIDTHS
    )


def _closest_width(renditions: list[Rendition], width: int) -> Rendition:
    return min(renditions, key=lambda r: abs(r.width - width))


def _build_thumbnail(renditions: list[Rendition], alt: str) -> dict[str, Any]:
    smallest = {r.format: r for r in reversed(renditions)}
    jpeg = smallest["jpeg"]
    srcset = {
        kind: ", ".join(
            f"{media_url(r.file)} {r.width}w" for r in renditions if r.format == kind and r.width <= MAX_CARD_WIDTH
        )
        for kind in smallest
    }
    return {
        "src": media_url(jpeg.file),
        "width": jpeg.width,
        "height": jpeg.height,
        "alt": alt,
        **{f"srcset_{kind}": value for kind, value in srcset.items() if value},
    }


def _build_drawing_thumbnail(drawing: dict[str, Any] | None, text: Any) -> dict[str, Any] | None:
    if drawing is None:
        return None
    alt = text.alt if text else ""
    return {"src": drawing["light"], "dark": drawing["dark"], "width": 480, "height": 480, "alt": alt}


def number_markers(markers: Iterable[MarkerData], language: str) -> list[NumberedMarker]:
    """Number markers from 1 for the template; they need not be saved."""
    return [
        _number_marker(number, marker, marker.texts.get(language, MarkerTextData("")))
        for number, marker in enumerate(markers, start=1)
    ]


def _number_marker(number: int, marker: MarkerData, text: MarkerTextData) -> NumberedMarker:
    # From the center to the edge, for circles and regions alike.
    rx, ry = marker.half_size
    return NumberedMarker(
        number=number,
        label=text.label,
        text=text.text,
        shape=marker.shape,
        x=css_percent(marker.x),
        y=css_percent(marker.y),
        target_x=css_percent(marker.target_x),
        target_y=css_percent(marker.target_y),
        rx=css_percent(rx),
        ry=css_percent(ry),
        outline=" ".join(f"{_format(x * 100)},{_format(y * 100)}" for x, y in marker.outline),
    )


def css_percent(fraction: float) -> str:
    """Format 0.3721 as ``37.2%``, which is accurate to a third of a pixel on a phone."""
    return _format(fraction * 100) + "%"


def _format(percent: float) -> str:
    return f"{percent:.1f}".rstrip("0").rstrip(".")
