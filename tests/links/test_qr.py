"""QR codes, read by another library from what a printer and a camera make of them."""

import io

import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter
from segno import consts

from procedures.links.kit import Sending
from procedures.links.kit.qr import QUIET, png, qr, symbol
from tests.links.sendings import SENDINGS

DOTS = 6  # 0.5 mm at 300 dots per inch
every = pytest.mark.parametrize("about", SENDINGS, ids=lambda about: f"{about.language} {len(about.neutral)}")


def read(picture: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(picture)]


def drawn(about: Sending, dots: int = DOTS) -> Image.Image:
    """The SVG's own path on paper, ``dots`` a module."""
    code = qr(about.neutral)
    picture = Image.new("L", (code.size * dots, code.size * dots), 255)
    draw = ImageDraw.Draw(picture)
    for part in code.path.split("M")[1:]:
        place, _, rest = part.partition("h")
        x, y = map(int, place.split())
        length = int(rest.partition("v")[0])
        draw.rectangle((x * dots, y * dots, (x + length) * dots - 1, (y + 1) * dots - 1), fill=0)
    return picture


@every
def test_a_code_holds_the_neutral_address_in_capitals(about: Sending) -> None:
    assert read(drawn(about)) == [about.neutral.upper()]


@every
def test_a_code_is_alphanumeric_of_level_m_with_four_modules_of_white(about: Sending) -> None:
    code = symbol(about.neutral)
    white = np.asarray(drawn(about, 1)) == 255

    assert (code.mode, code.error) == ("alphanumeric", "M")
    assert white[:QUIET].all() and white[-QUIET:].all() and white[:, :QUIET].all() and white[:, -QUIET:].all()
    assert not white[QUIET, QUIET] and QUIET == 4
    assert code.version == 3


@every
def test_a_code_measures_20_mm_on_paper(about: Sending) -> None:
    code, picture = qr(about.neutral), Image.open(io.BytesIO(png(about.neutral)))
    inner = 1 - 2 * QUIET / code.size

    assert float(code.width.removesuffix("mm")) * inner >= 19.9
    assert picture.width / round(picture.info["dpi"][0]) * 25.4 * inner >= 20
    assert round(picture.info["dpi"][0]) == 300
    assert picture.width % code.size == 0


@every
def test_the_picture_for_printers_holds_the_same(about: Sending) -> None:
    assert read(Image.open(io.BytesIO(png(about.neutral)))) == [about.neutral.upper()]


@every
def test_a_blurred_code_is_read(about: Sending) -> None:
    assert read(drawn(about).filter(ImageFilter.GaussianBlur(DOTS * 0.4))) == [about.neutral.upper()]


@every
@pytest.mark.parametrize("degrees", [10, -10])
def test_a_turned_and_blurred_code_is_read(about: Sending, degrees: int) -> None:
    turned = drawn(about).rotate(degrees, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)

    assert read(turned.filter(ImageFilter.GaussianBlur(DOTS * 0.25))) == [about.neutral.upper()]


def modules(about: Sending) -> tuple[np.ndarray, np.ndarray]:
    """Dark or not, and the places of the data in the order in which they are written: in columns of two, up and down."""
    code = symbol(about.neutral)
    matrix = np.array([list(row) for row in code.matrix], dtype=bool)
    kinds = np.array([list(row) for row in code.matrix_iter(verbose=True, border=0)])
    is_data = np.isin(kinds, [consts.TYPE_DATA_DARK, consts.TYPE_DATA_LIGHT])
    size = len(matrix)
    order, upwards = [], True
    for right in [*range(size - 1, 6, -2), *range(5, 0, -2)]:  # column 6 is a timing line
        rows = range(size - 1, -1, -1) if upwards else range(size)
        order += [(y, x) for y in rows for x in (right, right - 1) if is_data[y, x]]
        upwards = not upwards
    assert len(order) == is_data.sum()
    return matrix, np.array(order)


def flipped(about: Sending, matrix: np.ndarray, places: np.ndarray) -> list[str]:
    """What is read when these modules show the other colour."""
    damaged = matrix.copy()
    damaged[tuple(places.T)] ^= True
    dots = np.kron(np.pad(damaged, QUIET), np.ones((DOTS, DOTS), dtype=bool))
    return read(Image.fromarray(np.where(dots, 0, 255).astype(np.uint8)))


@every
def test_a_code_with_a_tenth_of_its_modules_flipped_is_read(about: Sending) -> None:
    matrix, order = modules(about)
    tenth = matrix.size // 10
    found = [flipped(about, matrix, order[start : start + tenth]) for start in range(0, len(order) - tenth, 7)]

    assert len(found) > 25
    assert found == [[about.neutral.upper()]] * len(found)


@every
def test_a_stain_on_a_tenth_of_the_data_is_mostly_repaired_and_never_misread(about: Sending) -> None:
    # A round stain touches more codewords than a tenth; level M repairs 15 of 100.
    matrix, order = modules(about)
    middles = order[:: len(order) // 40]
    stains = [np.argsort(((order - middle) ** 2).sum(axis=1), kind="stable")[: len(order) // 10] for middle in middles]
    found = [flipped(about, matrix, order[stain]) for stain in stains]

    assert {tuple(texts) for texts in found} <= {(about.neutral.upper(),), ()}
    assert found.count([about.neutral.upper()]) >= 0.95 * len(found)


@every
def test_a_code_with_half_of_its_modules_flipped_is_not_read_as_another(about: Sending) -> None:
    matrix, order = modules(about)
    rng = np.random.default_rng(1)
    halves = [rng.choice(order, len(order) // 2, replace=False) for _ in range(5)]

    assert [flipped(about, matrix, half) for half in halves] == [[]] * 5
