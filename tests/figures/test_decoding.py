"""Decoding of uploads: invalid files are rejected, and only the pixels of an image survive."""

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
from PIL import Image, ImageChops, ImageCms, ImageDraw, PngImagePlugin

from procedures.figures import decoding
from procedures.figures.decoding import InvalidImageError, decode_image
from procedures.figures.image_formats import SOS, iter_jpeg_segments, read_webp_size
from procedures.figures.renditions import store_image
from procedures.models import Figure

SECRET = b"Jane Doe 1948-03-02"


def scene(size: tuple[int, int] = (40, 30), mode: str = "RGB") -> Image.Image:
    """Return an image with a dark upper left corner and a light right half."""
    image = Image.new("L", size, 90)
    draw = ImageDraw.Draw(image)
    draw.rectangle([size[0] // 2, 0, size[0], size[1]], fill=220)
    draw.rectangle([0, 0, size[0] // 4, size[1] // 4], fill=5)
    return image.convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return the image as an encoded file."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


PNG = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, data: bytes) -> bytes:
    """Return a PNG chunk."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int) -> bytes:
    """Return a PNG whose header claims a size far beyond its data."""

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def animated(kind: str) -> bytes:
    """Return an animation of two frames."""
    return encoded(scene(), kind, save_all=True, append_images=[scene().rotate(180)], duration=100)


NO_PICTURE = "not a JPEG, PNG, or WebP"
DAMAGED = "damaged or incomplete"
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
    "moving png": (lambda: animated("PNG"), "The picture is animated."),
    "moving webp": (lambda: animated("WEBP"), "The picture is animated."),
    "49 million pixels": (lambda: png_of(7000, 7000), "more than 40 million pixels"),
    "a bomb": (lambda: png_of(60_000, 60_000), "more than 40 million pixels"),
    "one long line": (lambda: png_of(2**31 - 1, 1), "more than 40 million pixels"),
    "21 MB": (lambda: encoded(scene()) + b"\0" * 21 * 1024 * 1024, "larger than 20 MB"),
}


def noise() -> Image.Image:
    """Return incompressible noise, so that truncation hits its pixels."""
    return Image.effect_noise((60, 60), 90).convert("RGB")


def test_invalid_image_is_rejected_with_a_message(subtests: pytest.Subtests) -> None:
    for name in HOSTILE:
        with subtests.test(name=name):
            make, sentence = HOSTILE[name]

            with pytest.raises(InvalidImageError, match=sentence):
                decode_image(make())


@given(data=st.binary(max_size=400), head=st.sampled_from(
    [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\0\x10JFIF\0", b"RIFF\x40\0\0\0WEBPVP8 ", b"RIFF\x40\0\0\0WEBPVP8X"]
))  # fmt: skip
@hypothesis_settings(max_examples=200, deadline=None)
def test_any_bytes_raise_only_invalid_image_error(data: bytes, head: bytes) -> None:
    with pytest.raises(InvalidImageError):
        decode_image(head + data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_valid_image_is_decoded_in_every_format(kind: str) -> None:
    picture = decode_image(encoded(scene(), kind))

    assert (picture.image.size, picture.image.mode) == ((40, 30), "RGB")
    assert picture.image.info == {}


def test_cmyk_is_converted_to_rgb() -> None:
    picture = decode_image(encoded(scene(mode="CMYK"), "JPEG", quality=95))

    red, green, blue = picture.image.getpixel((35, 15))
    assert picture.image.mode == "RGB"
    assert all(abs(value - 220) < 12 for value in (red, green, blue))


def test_ycck_is_decoded_like_cmyk() -> None:
    """YCCK, as saved by Adobe: the APP14 marker has transform 2, and three channels are stored as YCbCr."""
    colors = Image.new("CMYK", (90, 60), (0, 0, 0, 0))
    for place, color in enumerate(((255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (60, 120, 30, 90))):
        colors.paste(color, (20 * place, 0, 20 * place + 20, 60))
    cyan, magenta, yellow, black = colors.split()
    turned = Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr")
    # Pillow stores the complement of each channel.
    channels = [ImageChops.invert(channel) for channel in turned.split()]
    data = encoded(Image.merge("CMYK", (*channels, black)), "JPEG", quality=100, subsampling=0)
    at = data.index(b"\xff\xee") + 15
    assert (data[at - 11 : at - 6], data[at]) == (b"Adobe", 0)
    ycck = decode_image(data[:at] + b"\2" + data[at + 1 :]).image
    cmyk = decode_image(encoded(colors, "JPEG", quality=100, subsampling=0)).image

    assert ycck.mode == "RGB"
    for x in (10, 30, 50, 70, 85):
        pairs = zip(ycck.getpixel((x, 30)), cmyk.getpixel((x, 30)), strict=True)
        assert all(abs(one - other) <= 4 for one, other in pairs), (x, ycck.getpixel((x, 30)), cmyk.getpixel((x, 30)))
    assert ycck.getpixel((10, 30))[0] < 60 < 100 < ycck.getpixel((10, 30))[2]


def test_16_bit_image_keeps_its_brightness() -> None:
    assert shades_of(sixteen_bits([0, 0x8080, 0xFFFF])) == [0, 128, 255]


def sixteen_bits(numbers: list[int], significant: int = 0) -> bytes:
    """Return a 16-bit gray PNG starting with these values and filled with the first; with sBIT if ``significant``."""
    wide = Image.new("I;16", (30, 30), numbers[0])
    for x, value in enumerate(numbers):
        wide.putpixel((x, 0), value)
    data = encoded(wide)
    return data[:33] + chunk(b"sBIT", bytes([significant])) + data[33:] if significant else data


def shades_of(data: bytes, count: int = 3) -> list[Any]:
    image = decode_image(data).image
    assert image.mode == "L"
    return [image.getpixel((x, 0)) for x in range(count)]


def test_16_bit_image_with_fewer_significant_bits_is_not_black() -> None:
    for numbers, significant, wanted in (
        ([0, 2048, 4095], 0, [0, 128, 255]),
        ([0, 2048, 4095], 12, [0, 128, 255]),
        ([0, 512, 1023], 0, [0, 128, 255]),
        ([0, 512, 1023], 12, [0, 32, 64]),  # a dark picture of 12 bits, as the file says
        ([0, 16383, 8192], 14, [0, 255, 128]),
        ([0, 0x8008, 0xFFFF], 12, [0, 128, 255]),  # spread over 16 bits, as PNG wants it
        ([0, 0x7FFF, 0x4000], 0, [0, 255, 128]),
        ([0, 4095, 4095], 16, [0, 255, 255]),  # the image must not become black, whatever the file declares
        ([0, 2048, 4095], 17, [0, 128, 255]),  # 17 bits are impossible
        ([0, 0, 0], 0, [0, 0, 0]),
    ):
        assert shades_of(sixteen_bits(numbers, significant)) == wanted, (numbers, significant)


@pytest.mark.slow
def test_label_or_hot_pixel_does_not_darken_a_16_bit_image() -> None:
    for bits in (8, 10, 12, 14, 15):
        top = (1 << bits) - 1
        for label in ((1, 1), (6, 4), (12, 20)):
            for significant in (0, bits, 16, 17):
                wide = Image.new("I;16", (60, 60))
                wide.putdata([top * (x + 20) // 79 for _y in range(60) for x in range(60)])
                wide.paste(0xFFFF, (2, 2, 2 + label[0], 2 + label[1]))
                data = encoded(wide)
                if significant:
                    data = data[:33] + chunk(b"sBIT", bytes([significant])) + data[33:]
                case = (bits, label, significant)

                shades = [decode_image(data).image.getpixel((x, 50)) for x in (0, 30, 59)]
                found = decoding.read_16bit_grayscale(data)

                assert found is not None
                assert not found[1].is_declared, case
                # With 14 or more bits used, a file that declares 16 bits is rendered as dark as declared.
                least = 60 if significant == 16 and bits > 12 else 230
                assert shades[0] < shades[1] < shades[2], (case, shades)
                assert shades[2] > least, (case, shades)


def test_dark_16_bit_color_image_is_rejected_with_advice() -> None:
    def color(value: int, kind: int, bands: int) -> bytes:
        head = struct.pack(">IIBBBBB", 30, 30, 16, kind, 0, 0, 0)
        rows = (b"\0" + struct.pack(">H", value) * 30 * bands) * 30
        return PNG + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")

    for kind, bands in ((2, 3), (4, 2), (6, 4)):
        assert decode_image(color(0xFFFF, kind, bands)).image.getpixel((0, 0)) in {255, (255, 255, 255)}
        with pytest.raises(InvalidImageError, match="uses only the darkest"):
            decode_image(color(4095, kind, bands))


def test_tiny_and_narrow_images_are_rejected() -> None:
    for size, sentence in (
        ((1, 1), "only 1 × 1 pixels. Choose one with at least 24"),
        ((3000, 1), "only 3000 × 1"),
        ((1, 3000), "only 1 × 3000"),
        ((23, 23), "only 23 × 23"),
        ((400, 30), "400 × 30 pixels: more than 10 times"),
        ((30, 400), "30 × 400 pixels: more than 10 times"),
    ):
        for kind in ("PNG", "JPEG", "WEBP"):
            with pytest.raises(InvalidImageError, match=sentence):
                decode_image(encoded(Image.new("L", size), kind))
    assert decode_image(encoded(Image.new("L", (24, 240)))).image.size == (24, 240)


def test_transparent_parts_become_white() -> None:
    layer = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    layer.putpixel((1, 1), (200, 10, 10, 255))

    picture = decode_image(encoded(layer))

    assert picture.image.getpixel((0, 0)) == (255, 255, 255)
    assert picture.image.getpixel((1, 1)) == (200, 10, 10)


def test_every_common_mode_becomes_gray_or_rgb(subtests: pytest.Subtests) -> None:
    for mode in ["1", "L", "LA", "P", "RGB", "RGBA"]:
        with subtests.test(mode=mode):
            image = decode_image(encoded(scene(mode=mode))).image

            assert image.mode in {"L", "RGB"}
            assert [image.convert("L").getpixel(place) for place in ((2, 2), (35, 15))] == pytest.approx(
                [0, 255] if mode == "1" else [5, 220], abs=1
            )


def test_transparent_gray_and_palette_colors_become_white() -> None:
    palette = scene(mode="L").convert("P")
    for image, through in (
        (scene(mode="L"), 5),
        (palette, palette.getpixel((2, 2))),
        (scene(mode="RGB"), (5, 5, 5)),
        (Image.new("I;16", (40, 30), 40_000), 40_000),
    ):
        taken = decode_image(encoded(image, transparency=through)).image.convert("RGB")

        assert taken.getpixel((2, 2)) == (255, 255, 255), image.mode


@pytest.mark.parametrize(("orientation", "size", "dark"), [(1, (40, 30), (2, 2)), (3, (40, 30), (37, 27)),
                                                           (6, (30, 40), (27, 2)), (8, (30, 40), (2, 37))])  # fmt: skip
def test_exif_orientation_is_applied(orientation: int, size: tuple[int, int], dark: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation

    picture = decode_image(encoded(scene(), "JPEG", exif=exif, quality=95))

    assert picture.image.size == size
    assert picture.image.convert("L").getpixel(dark) < 40


def test_wide_image_is_scaled_to_the_maximum_width() -> None:
    picture = decode_image(encoded(scene((2000, 500), "L")))

    assert picture.image.size == (1600, 400)


def test_same_pixels_have_the_same_hash_in_any_format() -> None:
    plain, packed = encoded(scene(), "PNG"), encoded(scene(), "PNG", compress_level=9)

    assert plain != packed
    assert decode_image(plain).sha256 == decode_image(packed).sha256
    assert decode_image(plain).sha256 == decode_image(encoded(scene(), "WEBP", lossless=True)).sha256
    assert decode_image(plain).sha256 != decode_image(encoded(scene().rotate(180))).sha256
    assert decode_image(encoded(scene((40, 30)))).sha256 != decode_image(encoded(scene((30, 40)))).sha256


def planted() -> dict[str, bytes]:
    """Return files with a name planted in every metadata field."""
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
def test_stored_files_contain_no_metadata_of_the_upload(name: str, tmp_path: Path, settings: Any) -> None:
    data = planted()[name]
    assert SECRET in data or SECRET[:8] in zlib_bytes(data), "the test plants nothing"
    settings.MEDIA_ROOT = tmp_path

    figure = Figure(slug="x", provenance="simulated", deidentified=True)
    renditions = store_image(figure, decode_image(data))
    stored = [file for file in tmp_path.rglob("*") if file.is_file()]

    assert {file.name for file in stored} >= {Path(figure.image).name, *(Path(r.file).name for r in renditions)}
    for file in stored:
        content = file.read_bytes()
        for part in (SECRET, SECRET[:8], b"Exif", b"ICC_PROFILE", b"iCCP", b"xmpmeta", b"tEXt", b"<script"):
            assert part not in content, (file.name, part)
    assert "doe" not in "".join(file.name for file in stored).lower()


def zlib_bytes(data: bytes) -> bytes:
    """Return the compressed data of a PNG, inflated."""
    at = data.find(b"iCCP")
    return zlib.decompressobj().decompress(data[data.index(b"\0\0", at) + 2 :]) if at > 0 else b""


def test_first_image_of_an_mpo_file_is_used() -> None:
    stream = io.BytesIO()
    first, second = Image.new("RGB", (64, 48), "white"), Image.new("RGB", (32, 24), "black")
    first.save(stream, "MPO", save_all=True, append_images=[second])

    taken = decode_image(stream.getvalue())

    assert taken.image.size == (64, 48)
    assert taken.image.getpixel((10, 10)) == (255, 255, 255)


# Decoding cost


def progressive(scans: int, size: tuple[int, int] = (64, 64)) -> bytes:
    """Return a JPEG with its last scan repeated."""
    data = encoded(Image.linear_gradient("L").resize(size), "JPEG", progressive=True)
    ends = [end for marker, _start, end in iter_jpeg_segments(data) if marker == SOS]
    assert len(ends) == 6
    return data[: ends[-1]] + data[ends[-2] : ends[-1]] * (scans - len(ends)) + b"\xff\xd9"


def test_progressive_scans_are_counted_before_decoding() -> None:
    assert decode_image(progressive(64)).image.size == (64, 64)
    for data in (progressive(65), progressive(200), progressive(64, (3600, 3600))):
        with pytest.raises(InvalidImageError, match="too many passes"):
            decode_image(data)
    assert decode_image(progressive(20, (2600, 2600))).image.size == (1600, 1600)


@pytest.mark.slow
def test_ordinary_progressive_image_of_maximum_size_is_accepted() -> None:
    data = encoded(Image.new("RGB", (6300, 6300), "gray"), "JPEG", progressive=True)

    assert sum(marker == SOS for marker, _start, _end in iter_jpeg_segments(data)) == 10
    assert decode_image(data).image.size == (1600, 1600)
    for scans in (12, 20):
        assert decode_image(progressive(scans, (6324, 6324))).image.size == (1600, 1600)
    with pytest.raises(InvalidImageError, match="Save it again as a baseline JPEG"):
        decode_image(progressive(21, (6324, 6324)))


def test_text_chunks_are_dropped_before_decoding() -> None:
    bomb = zlib.compress(bytes(60_000_000), 9)
    png, jpeg, webp = (encoded(scene(), kind) for kind in ("PNG", "JPEG", "WEBP"))
    text = chunk(b"zTXt", b"Comment\0\0" + bomb) + chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb)
    xmp = b"<x:xmpmeta>" + b"x" * 60_000
    words = b"\xff\xe1" + struct.pack(">H", len(xmp) + 31) + b"http://ns.adobe.com/xap/1.0/\0" + xmp
    riff = webp[12:] + b"XYZW" + struct.pack("<I", 3_000_000) + bytes(3_000_000)
    for data in (
        png[:33] + text * 40 + png[33:],
        png[:33] + chunk(b"iCCP", b"p\0\0" + bomb) + png[33:],
        jpeg[:2] + words * 300 + jpeg[2:],
        jpeg[:2] + b"\xff" * 10_000_000 + jpeg[2:],
        b"RIFF" + struct.pack("<I", len(riff) + 4) + b"WEBP" + riff,
    ):
        assert decode_image(data).image.size == (40, 30)


def test_malformed_exif_is_ignored() -> None:
    jpeg, png = encoded(scene(), "JPEG"), encoded(scene())
    entry = struct.pack("<HHLL", 0x8769, 4, 1, 8)
    head = b"II*\0\x08\0\0\0"
    for exif in (
        head,
        head + b"\xff\xff" + bytes(50),
        head + struct.pack("<H", 1) + entry + bytes(4),  # an IFD that links to itself
        head + struct.pack("<H", 5000) + struct.pack("<HHLL", 0x0100, 5, 8000, 90) * 5000,
        head + struct.pack("<H", 1) + struct.pack("<HHLL", 0x8769, 4, 1, 0xFFFFFFF0) + bytes(4),
    ):
        part = b"\xff\xe1" + struct.pack(">H", len(exif) + 8) + b"Exif\0\0" + exif
        for data in (jpeg[:2] + part + jpeg[2:], png[:33] + chunk(b"eXIf", exif) + png[33:]):
            assert decode_image(data).image.size == (40, 30)


def test_files_with_too_many_parts_are_rejected() -> None:
    png, jpeg = encoded(scene()), encoded(scene(), "JPEG")
    for data in (
        jpeg[:2] + b"\xff\xfe\0\2" * 4_000_000 + jpeg[2:],
        png[:33] + chunk(b"tEXt", b"") * 1_000_000 + png[33:],
        png[:33] + chunk(b"IDAT", b"") * 1_000_000 + png[33:],
    ):
        with pytest.raises(InvalidImageError, match="too many internal parts"):
            decode_image(data)


def test_webp_with_huge_canvas_is_rejected_before_allocation() -> None:
    data = bytearray(encoded(scene().convert("RGBA"), "WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"))
    assert data[12:16] == b"VP8X"
    data[24:30] = b"\xff\xff\0\xff\xff\0"

    with pytest.raises(InvalidImageError, match="more than 40 million pixels"):
        decode_image(bytes(data))
    assert [read_webp_size(encoded(scene(), "WEBP", lossless=lossless)) for lossless in (False, True)] == [(40, 30)] * 2


def test_dicom_is_recognized_with_and_without_preamble() -> None:
    from tests.figures.dicom_files import dicom, ramp

    whole = dicom(ramp())
    for data in (whole, whole[128:], whole[132:], b"\x08\0\5\0CS\x0a\0ISO_IR 100"):
        with pytest.raises(InvalidImageError, match="This is a DICOM file"):
            decode_image(data)
