"""The one way in for pixels: what is no picture is refused, and of a picture only its pixels stay."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

from procedures.figures.intake import BadPictureError, read_picture
from procedures.figures.renditions import store_picture
from procedures.models import Figure

SECRET = b"Jane Doe 1948-03-02"


def scene(size: tuple[int, int] = (40, 30), mode: str = "RGB") -> Image.Image:
    """A picture whose left upper corner is dark and whose right half is light."""
    image = Image.new("L", size, 90)
    draw = ImageDraw.Draw(image)
    draw.rectangle([size[0] // 2, 0, size[0], size[1]], fill=220)
    draw.rectangle([0, 0, size[0] // 4, size[1] // 4], fill=5)
    return image.convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a file."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its few bytes do not hold."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


def animated(kind: str) -> bytes:
    """Two frames."""
    return encoded(scene(), kind, save_all=True, append_images=[scene().rotate(180)], duration=100)


NO_PICTURE = "not a JPEG, PNG or WebP"
DAMAGED = "damaged or cut off"
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "The file is empty."),
    "html called gif": (lambda: b"GIF89a<html><script>alert(1)</script>", NO_PICTURE),
    "html": (lambda: b"<!doctype html><script>alert(1)</script>", NO_PICTURE),
    "svg": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', NO_PICTURE),
    "svg behind space": (lambda: b" \n<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", NO_PICTURE),
    "gif": (lambda: encoded(scene(), "GIF"), NO_PICTURE),
    "tiff": (lambda: encoded(scene(), "TIFF"), NO_PICTURE),
    "bmp": (lambda: encoded(scene(), "BMP"), NO_PICTURE),
    "icon": (lambda: encoded(scene((32, 32)), "ICO"), NO_PICTURE),
    "pdf": (lambda: encoded(scene(), "PDF"), NO_PICTURE),
    "postscript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", NO_PICTURE),
    "zip": (lambda: b"PK\x03\x04" + b"\0" * 99, NO_PICTURE),
    "zeros": (lambda: b"\0" * 5000, NO_PICTURE),
    "png head only": (lambda: encoded(scene())[:8], NO_PICTURE),
    "jpeg head only": (lambda: b"\xff\xd8\xff\xe0", NO_PICTURE),
    "cut off png": (lambda: encoded(noise())[:-400], DAMAGED),
    "cut off jpeg": (lambda: encoded(noise(), "JPEG")[:-400], DAMAGED),
    "cut off webp": (lambda: encoded(noise(), "WEBP")[:-400], DAMAGED),
    "turned bytes": (lambda: (lambda d: d[:60] + d[60:200][::-1] + d[200:])(encoded(noise())), DAMAGED),
    "moving png": (lambda: animated("PNG"), "The picture moves."),
    "moving webp": (lambda: animated("WEBP"), "The picture moves."),
    "49 million pixels": (lambda: png_of(7000, 7000), "more than 40 million pixels"),
    "a bomb": (lambda: png_of(60_000, 60_000), "more than 40 million pixels"),
    "one long line": (lambda: png_of(2**31 - 1, 1), "more than 40 million pixels"),
    "21 MB": (lambda: encoded(scene()) + b"\0" * 21 * 1024 * 1024, "larger than 20 MB"),
}


def noise() -> Image.Image:
    """A picture that does not compress, so that a cut hits its pixels."""
    return Image.effect_noise((60, 60), 90).convert("RGB")


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_sound_picture_is_refused_in_a_sentence(name: str) -> None:
    make, sentence = HOSTILE[name]

    with pytest.raises(BadPictureError, match=sentence):
        read_picture(make())


@given(data=st.binary(max_size=400), head=st.sampled_from(
    [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\0\x10JFIF\0", b"RIFF\x40\0\0\0WEBPVP8 ", b"RIFF\x40\0\0\0WEBPVP8X"]
))  # fmt: skip
@hypothesis_settings(max_examples=200, deadline=None)
def test_no_bytes_raise_anything_else(data: bytes, head: bytes) -> None:
    with pytest.raises(BadPictureError):
        read_picture(head + data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_sound_picture_is_taken_whatever_it_is_called(kind: str) -> None:
    picture = read_picture(encoded(scene(), kind))

    assert (picture.image.size, picture.image.mode) == ((40, 30), "RGB")
    assert picture.image.info == {}


def test_colours_of_printing_presses_become_screen_colours() -> None:
    picture = read_picture(encoded(scene(mode="CMYK"), "JPEG", quality=95))

    red, green, blue = picture.image.getpixel((35, 15))
    assert picture.image.mode == "RGB"
    assert all(abs(value - 220) < 12 for value in (red, green, blue))


def test_sixteen_bits_keep_their_brightness() -> None:
    wide = Image.new("I;16", (3, 1))
    for x, value in enumerate((0, 0x8080, 0xFFFF)):
        wide.putpixel((x, 0), value)

    picture = read_picture(encoded(wide))

    assert picture.image.mode == "L"
    assert [picture.image.getpixel((x, 0)) for x in range(3)] == [0, 128, 255]


def test_transparent_parts_become_white_paper() -> None:
    layer = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    layer.putpixel((1, 1), (200, 10, 10, 255))

    picture = read_picture(encoded(layer))

    assert picture.image.getpixel((0, 0)) == (255, 255, 255)
    assert picture.image.getpixel((1, 1)) == (200, 10, 10)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_common_mode_becomes_grey_or_colour(mode: str) -> None:
    assert read_picture(encoded(scene(mode=mode))).image.mode in {"L", "RGB"}


@pytest.mark.parametrize(("orientation", "size", "dark"), [(1, (40, 30), (2, 2)), (3, (40, 30), (37, 27)),
                                                           (6, (30, 40), (27, 2)), (8, (30, 40), (2, 37))])  # fmt: skip
def test_a_picture_taken_on_its_side_is_stored_upright(
    orientation: int, size: tuple[int, int], dark: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation

    picture = read_picture(encoded(scene(), "JPEG", exif=exif, quality=95))

    assert picture.image.size == size
    assert picture.image.convert("L").getpixel(dark) < 40


def test_nothing_wider_than_readers_get_is_kept() -> None:
    picture = read_picture(encoded(scene((2000, 500), "L")))

    assert picture.image.size == (1600, 400)


def test_the_same_pixels_have_the_same_name_in_any_file() -> None:
    plain, packed = encoded(scene(), "PNG"), encoded(scene(), "PNG", compress_level=9)

    assert plain != packed
    assert read_picture(plain).sha256 == read_picture(packed).sha256
    assert read_picture(plain).sha256 == read_picture(encoded(scene(), "WEBP", lossless=True)).sha256
    assert read_picture(plain).sha256 != read_picture(encoded(scene().rotate(180))).sha256
    assert read_picture(encoded(scene((40, 30)))).sha256 != read_picture(encoded(scene((30, 40)))).sha256


def planted() -> dict[str, bytes]:
    """Files that carry a name in every place that a file has for words."""
    exif = Image.Exif()
    exif[0x010E], exif[0x9286] = SECRET.decode(), b"ASCII\0\0\0" + SECRET
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + SECRET
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", SECRET.decode())
    words.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    image = scene()
    return {
        "jpeg": encoded(image, "JPEG", exif=exif, icc_profile=profile, comment=SECRET, xmp=xmp),
        "png": encoded(image, "PNG", exif=exif, icc_profile=profile, pnginfo=words),
        "webp": encoded(image, "WEBP", exif=exif.tobytes(), icc_profile=profile, xmp=xmp),
        "behind jpeg": encoded(image, "JPEG") + SECRET + b"<script>alert(1)</script>",
        "behind png": encoded(image, "PNG") + b"PK\x03\x04" + SECRET,
    }


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "behind jpeg", "behind png"])
def test_no_word_that_a_file_carried_is_in_any_stored_file(name: str, tmp_path: Path, settings: Any) -> None:
    data = planted()[name]
    assert SECRET in data or SECRET[:8] in zlib_bytes(data), "the test plants nothing"
    settings.MEDIA_ROOT = tmp_path

    figure = Figure(slug="x", provenance="simulated", nothing_visible=True)
    renditions = store_picture(figure, read_picture(data))
    stored = [file for file in tmp_path.rglob("*") if file.is_file()]

    assert {file.name for file in stored} >= {Path(figure.image).name, *(Path(r.file).name for r in renditions)}
    for file in stored:
        content = file.read_bytes()
        for part in (SECRET, SECRET[:8], b"Exif", b"ICC_PROFILE", b"iCCP", b"xmpmeta", b"tEXt", b"<script"):
            assert part not in content, (file.name, part)
    assert "doe" not in "".join(file.name for file in stored).lower()


def zlib_bytes(data: bytes) -> bytes:
    """What a PNG keeps compressed, opened."""
    at = data.find(b"iCCP")
    return zlib.decompressobj().decompress(data[data.index(b"\0\0", at) + 2 :]) if at > 0 else b""


def test_a_phone_picture_with_a_second_one_behind_it_gives_the_first() -> None:
    stream = io.BytesIO()
    first, second = Image.new("RGB", (64, 48), "white"), Image.new("RGB", (32, 24), "black")
    first.save(stream, "MPO", save_all=True, append_images=[second])

    taken = read_picture(stream.getvalue())

    assert taken.image.size == (64, 48)
    assert taken.image.getpixel((10, 10)) == (255, 255, 255)
