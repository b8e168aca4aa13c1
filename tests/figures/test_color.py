"""Conversion of uploaded images to sRGB."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, ImageCms

from procedures.figures.decoding import decode_image
from procedures.figures.image_formats import (
    ADOBE_GAMMA,
    ADOBE_PRIMARIES,
    P3_PRIMARIES,
    SRGB_PRIMARIES,
    InvalidImageError,
    build_matrix_profile,
)
from tests.figures.test_decoding import chunk, encoded

BROWN = (200, 100, 60)
ADOBE = build_matrix_profile(ADOBE_PRIMARIES, ADOBE_GAMMA)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def plain(color: Any = BROWN, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (40, 30), color)


def decode(data: bytes) -> Any:
    return decode_image(data).image.getpixel((5, 5))


def near(found: Any, wanted: tuple[int, ...], tolerance: int = 1) -> bool:
    return len(found) == len(wanted) and all(
        abs(one - two) <= tolerance for one, two in zip(found, wanted, strict=True)
    )


def with_chunks(*chunks: bytes, image: Image.Image | None = None) -> bytes:
    """Return a PNG with these chunks after its header."""
    data = encoded(image or plain())
    return data[:33] + b"".join(chunks) + data[33:]


def gamma(value: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def corners(primaries: tuple[float, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(part * 100_000) for part in primaries)))


def gray_profile(power: float) -> bytes:
    """Return a gray profile with this gamma."""
    curve = b"para\0\0\0\0" + struct.pack(">HHl", 0, 0, round(power * 65536))
    white = build_matrix_profile(SRGB_PRIMARIES, None)[68:80]
    head = struct.pack(">L4sL12s12x4s", 128 + 4 + 24 + 36, bytes(4), 0x04200000, b"mntrGRAYXYZ ", b"acsp")
    table = struct.pack(">L4sLL4sLL", 2, b"wtpt", 156, 20, b"kTRC", 176, 16)
    return (head.ljust(68, b"\0") + white).ljust(128, b"\0") + table + b"XYZ \0\0\0\0" + white + curve


def test_adobe_rgb_is_converted_to_srgb_in_every_format() -> None:
    wanted = (227, 100, 55)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    adobe_gamma = chunk(b"gAMA", struct.pack(">I", 45470))
    for name, data, tolerance in (
        ("PNG", encoded(plain(), icc_profile=ADOBE), 1),
        ("JPEG", encoded(plain(), "JPEG", quality=100, icc_profile=ADOBE), 3),
        ("WebP", encoded(plain(), "WEBP", lossless=True, icc_profile=ADOBE), 1),
        ("transparent PNG", encoded(plain((*BROWN, 255), "RGBA"), icc_profile=ADOBE), 1),
        ("palette", encoded(plain().convert("P", palette=Image.Palette.ADAPTIVE), icc_profile=ADOBE), 1),
        ("gAMA and cHRM", with_chunks(adobe_gamma, corners(ADOBE_PRIMARIES)), 1),
        ("a camera's Exif", encoded(plain(), "JPEG", quality=100, exif=exif), 3),
    ):
        assert near(decode(data), wanted, tolerance), (name, decode(data))


def test_transparent_background_is_white_with_any_profile() -> None:
    assert decode(encoded(plain((9, 9, 9, 0), "RGBA"), icc_profile=ADOBE)) == (255, 255, 255)


def test_srgb_and_untagged_images_are_not_converted() -> None:
    for data in (
        encoded(plain()),
        encoded(plain(), icc_profile=SRGB),
        encoded(plain(), icc_profile=build_matrix_profile(SRGB_PRIMARIES, None)),
        with_chunks(gamma(0.45455)),
        with_chunks(gamma(0.45455), corners(SRGB_PRIMARIES)),
        with_chunks(chunk(b"sRGB", b"\0"), gamma(1.0), corners(ADOBE_PRIMARIES)),
        with_chunks(chunk(b"cICP", bytes([1, 13, 0, 1])), gamma(1.0)),
    ):
        assert decode(data) == BROWN


def test_gamma_and_primaries_of_the_file_are_applied() -> None:
    for data, wanted in (
        (with_chunks(gamma(1.0)), (229, 168, 133)),  # linear values
        (with_chunks(gamma(1 / 1.8)), (208, 118, 77)),  # as on old Macs
        (encoded(plain(), icc_profile=build_matrix_profile(P3_PRIMARIES, None)), (215, 93, 47)),
        (with_chunks(chunk(b"cICP", bytes([12, 13, 0, 1]))), (215, 93, 47)),
    ):
        assert near(decode(data), wanted, 2), (wanted, decode(data))


def test_hdr_images_are_rejected() -> None:
    for primaries, transfer in ((9, 16), (9, 18), (77, 13)):
        with pytest.raises(InvalidImageError, match="HDR colors"):
            decode_image(with_chunks(chunk(b"cICP", bytes([primaries, transfer, 0, 1]))))


def test_gray_profiles_apply_to_gray_images_only() -> None:
    linear = decode_image(encoded(plain(55, "L"), icc_profile=gray_profile(1.0))).image

    assert linear.mode == "L"
    assert abs(int(linear.getpixel((0, 0))) - 128) <= 1  # type: ignore[arg-type]
    assert decode(encoded(plain(128, "L"), icc_profile=SRGB)) == 128
    assert decode(encoded(plain(128, "L"), "JPEG", icc_profile=ADOBE)) == pytest.approx(128, abs=2)
    assert decode(encoded(plain((55, 255), "LA"), icc_profile=gray_profile(1.0))) == pytest.approx(128, abs=1)


def test_unreadable_or_mismatched_profile_is_ignored() -> None:
    broken = zlib.compress(b"no profile")
    for data in (
        encoded(plain(), icc_profile=b"no profile"),
        encoded(plain(), icc_profile=SRGB[:200]),
        encoded(plain(), icc_profile=gray_profile(1.0)),
        with_chunks(chunk(b"iCCP", b"p\0\0" + broken[:-6])),
        with_chunks(chunk(b"iCCP", b"p")),
        with_chunks(gamma(0.00001), corners((0.0,) * 8)),
    ):
        assert decode(data) == BROWN
    assert near(decode(encoded(plain(), "JPEG", quality=100, icc_profile=b"\xff" * 400)), BROWN, 2)


def test_cmyk_without_profile_is_estimated_and_with_damaged_profile_rejected() -> None:
    ink = plain((0, 128, 128, 50), "CMYK")

    assert near(decode(encoded(ink, "JPEG", quality=100)), (205, 102, 102), 6)
    for profile in (b"no profile", ADOBE):
        with pytest.raises(InvalidImageError, match="print colors"):
            decode_image(encoded(ink, "JPEG", icc_profile=profile))


def test_cmyk_is_converted_with_its_profile() -> None:
    profile = ink_profile()

    found = decode(encoded(plain((0, 0, 0, 0), "CMYK"), "JPEG", quality=100, icc_profile=profile))
    dark = decode(encoded(plain((255, 255, 255, 255), "CMYK"), "JPEG", quality=100, icc_profile=profile))

    assert near(found, (255, 255, 255), 2)
    assert near(dark, (0, 0, 0), 2)


def ink_profile() -> bytes:
    """Return a minimal CMYK profile: no ink is white, otherwise the darkest ink counts."""
    table = b"".join(
        struct.pack(">3B", 255 - 255 * max(c, m, y, k), 128, 128)
        for c in (0, 1)
        for m in (0, 1)
        for y in (0, 1)
        for k in (0, 1)
    )
    ramp = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0])
    lut += struct.pack(">9l", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536) + ramp * 4 + table + ramp * 3
    white = build_matrix_profile(SRGB_PRIMARIES, None)[68:80]
    tags = {b"wtpt": b"XYZ \0\0\0\0" + white, b"A2B0": lut, b"A2B1": lut}
    at, listed, body = 128 + 4 + 36, struct.pack(">L", 3), b""
    for name, content in tags.items():
        listed += name + struct.pack(">LL", at + len(body), len(content))
        body += content
    head = struct.pack(">L4sL12s12x4s", at + len(body), bytes(4), 0x02200000, b"prtrCMYKLab ", b"acsp")
    return (head.ljust(68, b"\0") + white).ljust(128, b"\0") + listed + body


def test_inverted_adobe_cmyk_is_decoded_correctly() -> None:
    """Adobe writes 255 for no ink, and YCCK when compressing. Both are declared in the APP14 marker."""
    stream = io.BytesIO()
    plain((0, 0, 0, 0), "CMYK").save(stream, "JPEG", quality=100)
    data = stream.getvalue()

    assert b"Adobe" in data
    assert near(decode(data), (255, 255, 255), 2)
