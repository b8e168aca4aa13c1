"""The committed images and drawings: size, texts, and allowed shapes."""

import io
import re
import xml.etree.ElementTree as ET

import pytest
import yaml
from PIL import Image

from procedures.figures.simulation.anatomy import STAGES
from procedures.figures.simulation.drawings import DRAWING_SLUGS, render_drawing
from procedures.figures.simulation.render import MASTER_SIZE, MAX_DRAWING_BYTES, MAX_MASTER_BYTES
from procedures.figures.simulation.svg import DARK_PALETTE, LIGHT_PALETTE
from tests.simulation.conftest import FIGURES

TAGS = {"svg", "g", "path", "circle", "ellipse", "line", "polygon", "polyline", "rect"}
ATTRIBUTES = {
    "viewBox", "width", "height", "fill", "stroke", "stroke-width", "stroke-linejoin", "stroke-linecap", "d", "opacity",
}  # fmt: skip
AVIF_BYTES = {480: 30_000, 800: 70_000}
SLUGS = [stage.slug for stage in STAGES]


def test_drawing_is_small_and_contains_only_allowed_shapes(subtests: pytest.Subtests) -> None:
    for slug in DRAWING_SLUGS:
        with subtests.test(slug=slug):
            for name in (f"{slug}.svg", f"{slug}-dark.svg"):
                text = (FIGURES / name).read_text(encoding="utf-8")
                root = ET.fromstring(text)
                assert len(text.encode()) <= MAX_DRAWING_BYTES
                assert root.get("viewBox") == "0 0 1000 1000"
                for element in root.iter():
                    assert element.tag.removeprefix("{http://www.w3.org/2000/svg}") in TAGS
                    assert set(element.attrib) <= ATTRIBUTES
                    assert not (element.text or "").strip()


@pytest.mark.slow
def test_committed_drawing_matches_the_model() -> None:
    for slug in ("kyphoplasty-needle", "drawing-nerves"):
        assert (FIGURES / f"{slug}.svg").read_text(encoding="utf-8") == render_drawing(slug, is_dark=False)


def test_light_and_dark_palettes_have_the_same_roles() -> None:
    assert set(LIGHT_PALETTE) == set(DARK_PALETTE)


def test_master_is_sharp_gray_and_small(subtests: pytest.Subtests) -> None:
    for slug in SLUGS:
        with subtests.test(slug=slug):
            file = FIGURES / f"{slug}.webp"

            with Image.open(file) as opened:
                size, colors = opened.size, opened.convert("RGB").resize((60, 60)).getcolors(3600)

            assert size == (MASTER_SIZE, MASTER_SIZE)
            assert file.stat().st_size <= MAX_MASTER_BYTES
            assert all(max(color) - min(color) <= 2 for _, color in colors or [])


@pytest.mark.parametrize("width", AVIF_BYTES)
def test_noise_does_not_bloat_the_renditions(width: int) -> None:
    with Image.open(FIGURES / "kyphoplasty-front-view.webp") as opened, io.BytesIO() as out:
        opened.resize((width, width), Image.Resampling.LANCZOS).save(out, format="AVIF", quality=60, speed=8)

        assert len(out.getvalue()) <= AVIF_BYTES[width]


def test_every_figure_has_short_texts_in_both_languages(subtests: pytest.Subtests) -> None:
    for slug in DRAWING_SLUGS:
        with subtests.test(slug=slug):
            figure = yaml.safe_load((FIGURES / f"{slug}.yaml").read_text(encoding="utf-8"))

            assert figure["image"] == (f"{slug}.webp" if slug in SLUGS else "")
            for language in ("en", "es"):
                text = figure["text"][language]
                assert set(text) == {"title", "alt", "caption", "description"}
                assert len(text["alt"]) <= 125
                assert all(set(marker["text"][language]) == {"label", "text"} for marker in figure["markers"])
            english = [figure["text"]["en"]["caption"], figure["text"]["en"]["description"]]
            english += [marker["text"]["en"]["text"] for marker in figure["markers"]]
            sentences = [one for text in english for one in re.split(r"(?<=[.!?])\s+", text)]
            assert max(len(one.split()) for one in sentences) <= 20


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_series_uses_existing_figures(language: str) -> None:
    for file in sorted((FIGURES.parent / "series" / language).glob("*-stages.yaml")):
        series = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert all((FIGURES / f"{item['figure']}.yaml").exists() for item in series["items"])
        assert all(2 <= len(re.findall(r"[.!?](?:\s|$)", item["text"])) <= 4 for item in series["items"])
