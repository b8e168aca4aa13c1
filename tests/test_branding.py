"""The clinic's colors and logo: what is accepted, and what pages get."""

import io
import re

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from PIL import Image

from procedures.branding import (
    DARK_BACKGROUNDS,
    LIGHT_BACKGROUNDS,
    MIN_CONTRAST,
    build_stylesheet,
    contrast,
    dark_shade,
    validate_color,
)
from procedures.figures.decoding import MAX_LOGO_BYTES, InvalidImageError, decode_logo_text, read_logo, read_stored_logo
from procedures.models import Clinic
from tests.factories import make_clinic, make_public_page

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def picture(size: tuple[int, int] = (400, 100), kind: str = "PNG", color: str = "#1a5276") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, color).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize(
    "typed", ["", "red", "#12345", "#1a52761", "1a5276", "#1a5276;}body{display:none", "#1a5276\n"]
)
def test_what_is_not_a_color_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError, match="six digits"):
        validate_color(typed)


def test_a_color_too_pale_for_light_pages_and_paper_is_refused_with_its_contrast() -> None:
    with pytest.raises(
        ValidationError, match=r"its contrast is 1\.\d to 1, but it must be at least 3 to 1\. Choose a darker"
    ):
        validate_color("#f4d03f")
    # On white it would do; on the warm ground of the pages it does not.
    assert contrast("#949494", "#ffffff") >= MIN_CONTRAST
    with pytest.raises(ValidationError, match=r"its contrast is 2\.\d to 1"):
        validate_color("#949494")


@pytest.mark.parametrize("color", ["#000000", "#1a5276", "#7b241c", "#8a6d00", "#767676"])
def test_every_accepted_color_is_seen_on_light_pages_on_paper_and_in_its_shade_on_dark_pages(color: str) -> None:
    validate_color(color)

    assert min(contrast(color, background) for background in LIGHT_BACKGROUNDS) >= MIN_CONTRAST
    assert min(contrast(dark_shade(color), background) for background in DARK_BACKGROUNDS) >= MIN_CONTRAST
    assert dark_shade(color) == color or contrast(color, DARK_BACKGROUNDS[1]) < MIN_CONTRAST


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


def test_the_backgrounds_are_those_of_the_style_sheets() -> None:
    from django.conf import settings

    folder = settings.BASE_DIR / "static/css"
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w+);", (folder / name).read_text()))
        for name in ("tokens.css", "tokens_dark.css")
    )

    assert {light["sand-100"], light["sand-50"], "#ffffff"} == set(LIGHT_BACKGROUNDS)
    assert {dark["background"], dark["card"]} == set(DARK_BACKGROUNDS)


def test_staff_screens_and_dark_pages_have_the_same_palette() -> None:
    from django.conf import settings

    folder = settings.BASE_DIR / "static/css"
    names = ("background", "card", "text", "text-soft", "action", "emergency-background")
    dark = dict(re.findall(r"--([\w-]+): (#\w+);", (folder / "tokens_dark.css").read_text()))
    palette = (folder / "tokens_deferred.css").read_text().partition("--figure-background")[0]

    assert {dark[name] for name in names} == set(re.findall(r"#\w+", palette))


def test_the_style_sheet_names_the_colors_for_light_and_dark_pages() -> None:
    assert build_stylesheet("#767676", "") == (
        ":root{--clinic-color:#767676;--clinic-accent:#767676}\n"
        "@media screen and (prefers-color-scheme:dark){:root{--clinic-color:#767676;--clinic-accent:#767676}}\n"
    )


def test_a_logo_is_stored_as_a_small_png_on_white() -> None:
    clear = io.BytesIO()
    Image.new("RGBA", (1600, 400), (0, 0, 0, 0)).save(clear, "PNG")

    logo = read_logo(clear.getvalue())

    assert (logo.width, logo.height) == (640, 160)
    with Image.open(io.BytesIO(logo.png)) as stored:
        assert (stored.size, stored.format, stored.convert("RGB").getpixel((5, 5))) == (
            (640, 160),
            "PNG",
            (255, 255, 255),
        )


def test_a_photograph_as_a_logo_does_not_weigh_down_every_page() -> None:
    noise = io.BytesIO()
    Image.effect_noise((800, 160), 90).convert("RGB").save(noise, "PNG")

    assert len(noise.getvalue()) > MAX_LOGO_BYTES
    assert len(read_logo(noise.getvalue()).png) < 2 * MAX_LOGO_BYTES + 20_000


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (SVG, "This is an SVG file"),
        (b"  \n<?xml version='1.0'?>" + SVG, "This is an SVG file"),
        (b"GIF89a", "This is not a JPEG, PNG, or WebP picture"),
        (b"", "The file is empty"),
        (picture((400, 60)), "only 60 pixels high"),
        (picture()[:-40], "damaged or incomplete"),
        (picture((2000, 100)), "more than 10 times as long"),
    ],
)
def test_what_is_no_logo_is_refused_in_one_sentence_that_says_what_to_do(data: bytes, message: str) -> None:
    with pytest.raises(InvalidImageError, match=message):
        read_logo(data)


def test_a_stored_logo_is_kept_byte_for_byte_and_any_other_file_is_made_anew() -> None:
    png = read_logo(picture((900, 300))).png
    with_text = picture() + b"after the end"

    assert read_stored_logo(png).png == png
    assert b"after the end" not in read_stored_logo(with_text).png
    with pytest.raises(InvalidImageError, match="damaged"):
        decode_logo_text("no base64")


@pytest.mark.django_db
def test_without_a_logo_and_colors_a_page_asks_for_neither() -> None:
    make_public_page()
    html = Client().get("/small-cut/").content.decode()

    assert "/clinic/" not in html
    assert Client().get("/clinic/logo.png").status_code == 404
    assert Client().get("/clinic/colors.css").status_code == 404


@pytest.mark.django_db
def test_every_page_shows_the_logo_and_links_the_colors() -> None:
    make_public_page()
    clinic = Clinic.objects.get()
    clinic.set_logo(read_logo(picture()))
    clinic.color = "#1a5276"
    clinic.save()

    for path in ("/", "/small-cut/", "/visits/", "/search/", "/no-such-page/", "/small-cut/booklet/"):
        html = Client().get(path).content.decode()
        # In the header and the footer, and on paper.
        assert html.count('src="/clinic/logo.png" width="400" height="100" alt=""') >= 2, path
        assert '<link rel="stylesheet" href="/clinic/colors.css">' in html, path
    stored = Client().get("/clinic/logo.png")
    assert (stored.status_code, stored.headers["Content-Type"]) == (200, "image/png")
    assert stored.content == bytes(clinic.logo)
    css = Client().get("/clinic/colors.css")
    assert (css.headers["Content-Type"], css.content.decode()) == (
        "text/css; charset=utf-8",
        build_stylesheet("#1a5276", ""),
    )


@pytest.mark.django_db
def test_a_logo_with_the_name_in_it_is_the_name() -> None:
    make_clinic()
    clinic = Clinic.objects.get()
    clinic.set_logo(read_logo(picture()))
    clinic.logo_has_name = True
    clinic.save()
    header = Client().get("/").content.decode().split('class="site-header__name"')[1].split("</a>")[0]

    assert f'alt="{clinic.name}"' in header
    assert header.count(clinic.name) == 1
