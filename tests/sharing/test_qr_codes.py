"""QR codes, decoded by another library, also when damaged, blurred, or rotated."""

import io

import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter
from segno import consts

from procedures.sharing.messages import MessageContext
from procedures.sharing.short_codes import QUIET_ZONE_MODULES, build_qr_code, encode_qr, render_qr_png
from tests.sharing.messages import MESSAGES

DOTS = 6  # 0.5 mm at 300 dots per inch
every = pytest.mark.parametrize("about", MESSAGES, ids=lambda about: f"{about.language} {len(about.short_url)}")


def read(picture: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(picture)]


def drawn(about: MessageContext, dots: int = DOTS) -> Image.Image:
    """Draw the SVG path with ``dots`` pixels per module."""
    code = build_qr_code(about.short_url)
    picture = Image.new("L", (code.size * dots, code.size * dots), 255)
    draw = ImageDraw.Draw(picture)
    for part in code.path.split("M")[1:]:
        place, _, rest = part.partition("h")
        x, y = map(int, place.split())
        length = int(rest.partition("v")[0])
        draw.rectangle((x * dots, y * dots, (x + length) * dots - 1, (y + 1) * dots - 1), fill=0)
    return picture


@every
def test_a_qr_code_contains_the_neutral_url_in_capitals(about: MessageContext) -> None:
    assert read(drawn(about)) == [about.short_url.upper()]


@every
def test_a_qr_code_is_alphanumeric_at_level_m_with_a_four_module_margin(about: MessageContext) -> None:
    code = encode_qr(about.short_url)
    white = np.asarray(drawn(about, 1)) == 255

    assert (code.mode, code.error) == ("alphanumeric", "M")
    assert (
        white[:QUIET_ZONE_MODULES].all()
        and white[-QUIET_ZONE_MODULES:].all()
        and white[:, :QUIET_ZONE_MODULES].all()
        and white[:, -QUIET_ZONE_MODULES:].all()
    )
    assert not white[QUIET_ZONE_MODULES, QUIET_ZONE_MODULES] and QUIET_ZONE_MODULES == 4
    assert code.version == 3


@every
def test_a_qr_code_measures_20_mm_in_print(about: MessageContext) -> None:
    code, picture = build_qr_code(about.short_url), Image.open(io.BytesIO(render_qr_png(about.short_url)))
    inner = 1 - 2 * QUIET_ZONE_MODULES / code.size

    assert float(code.width.removesuffix("mm")) * inner >= 19.9
    assert picture.width / round(picture.info["dpi"][0]) * 25.4 * inner >= 20
    assert round(picture.info["dpi"][0]) == 300
    assert picture.width % code.size == 0


@every
def test_the_png_for_printers_has_the_same_content(about: MessageContext) -> None:
    assert read(Image.open(io.BytesIO(render_qr_png(about.short_url)))) == [about.short_url.upper()]


@every
def test_a_blurred_qr_code_can_be_read(about: MessageContext) -> None:
    assert read(drawn(about).filter(ImageFilter.GaussianBlur(DOTS * 0.4))) == [about.short_url.upper()]


@every
def test_a_rotated_and_blurred_qr_code_can_be_read(about: MessageContext, subtests: pytest.Subtests) -> None:
    for degrees in [10, -10]:
        with subtests.test(degrees=degrees):
            turned = drawn(about).rotate(degrees, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)

            assert read(turned.filter(ImageFilter.GaussianBlur(DOTS * 0.25))) == [about.short_url.upper()]


def modules(about: MessageContext) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrix, and the positions of data modules in the order of writing: columns of two, up and down."""
    code = encode_qr(about.short_url)
    matrix = np.array([list(row) for row in code.matrix], dtype=bool)
    kinds = np.array([list(row) for row in code.matrix_iter(verbose=True, border=0)])
    is_data = np.isin(kinds, [consts.TYPE_DATA_DARK, consts.TYPE_DATA_LIGHT])
    size = len(matrix)
    order, upwards = [], True
    for right in [*range(size - 1, 6, -2), *range(5, 0, -2)]:  # column 6 is a timing pattern
        rows = range(size - 1, -1, -1) if upwards else range(size)
        order += [(y, x) for y in rows for x in (right, right - 1) if is_data[y, x]]
        upwards = not upwards
    assert len(order) == is_data.sum()
    return matrix, np.array(order)


def flipped(about: MessageContext, matrix: np.ndarray, places: np.ndarray) -> list[str]:
    """Decode the code with these modules inverted."""
    damaged = matrix.copy()
    damaged[tuple(places.T)] ^= True
    dots = np.kron(np.pad(damaged, QUIET_ZONE_MODULES), np.ones((DOTS, DOTS), dtype=bool))
    return read(Image.fromarray(np.where(dots, 0, 255).astype(np.uint8)))


@every
def test_a_qr_code_with_a_tenth_of_its_modules_flipped_can_be_read(about: MessageContext) -> None:
    matrix, order = modules(about)
    tenth = matrix.size // 10
    found = [flipped(about, matrix, order[start : start + tenth]) for start in range(0, len(order) - tenth, 7)]

    assert len(found) > 25
    assert found == [[about.short_url.upper()]] * len(found)


@every
def test_a_stain_on_a_tenth_of_the_data_is_mostly_repaired_and_never_misread(about: MessageContext) -> None:
    # A round stain affects more than a tenth of the codewords; level M repairs 15 percent.
    matrix, order = modules(about)
    middles = order[:: len(order) // 40]
    stains = [np.argsort(((order - middle) ** 2).sum(axis=1), kind="stable")[: len(order) // 10] for middle in middles]
    found = [flipped(about, matrix, order[stain]) for stain in stains]

    assert {tuple(texts) for texts in found} <= {(about.short_url.upper(),), ()}
    assert found.count([about.short_url.upper()]) >= 0.95 * len(found)


@every
def test_a_qr_code_with_half_of_its_modules_flipped_is_never_misread(about: MessageContext) -> None:
    matrix, order = modules(about)
    rng = np.random.default_rng(1)
    halves = [rng.choice(order, len(order) // 2, replace=False) for _ in range(5)]

    assert [flipped(about, matrix, half) for half in halves] == [[]] * 5
