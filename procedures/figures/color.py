"""Colors as screens show them: what a file says about its colors is applied, then forgotten.

A profile that cannot be read is ignored for grey and RGB, which are sRGB in nearly all files without a profile, too.
Ink (CMYK) with such a profile is refused: without it, its colors cannot be known.
"""

import io
import struct
from collections.abc import Sequence

from django.utils.translation import gettext as _
from PIL import Image, ImageChops, ImageCms

from procedures.figures.bitstreams import MAX_PROFILE_BYTES, BadPictureError

SRGB = ImageCms.createProfile("sRGB")
INTENT, FLAGS = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
# x and y of white, red, green and blue.
SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
ADOBE_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
P3_PRIMARIES = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
REC2020_PRIMARIES = (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046)
# Gamma of Adobe RGB (1998); 45455 in a PNG is what writers of sRGB put there.
ADOBE_GAMMA, PNG_SRGB_GAMMA = 563 / 256, 1 / 2.2
# Code points of ITU-T H.273 that a PNG's cICP may name. Others are for films and screens with high dynamic range.
CICP_PRIMARIES = {1: SRGB_PRIMARIES, 9: REC2020_PRIMARIES, 12: P3_PRIMARIES}
CICP_SRGB_CURVES = frozenset({1, 6, 13, 14, 15})
# Exif: the folder for interoperability, and its entry "R03" for Adobe RGB.
INTEROPERABILITY, ADOBE_RGB = 0xA005, "R03"
D50 = (0.9642, 1.0, 0.8249)
BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))

Matrix = Sequence[Sequence[float]]


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """``L``, ``RGB`` or ``CMYK`` to ``L`` or ``RGB`` in sRGB. An empty profile is one that cannot be read."""
    if profile is None:
        return image if image.mode in {"L", "RGB"} else image.convert("RGB")
    try:
        return _converted(image, profile)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        if image.mode == "CMYK":
            raise BadPictureError(
                _(
                    "The picture is made for printing, and its color profile is damaged. "
                    "Save it as RGB and choose the new file."
                )
            ) from error
        return image


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    if image.mode == "L" and space == "RGB":
        return _through(image.convert("RGB"), source).convert("L")
    if space != {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}[image.mode]:
        raise ValueError(space)
    found = _through(image, source)
    return found.convert("L") if image.mode == "L" else found


def _through(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    transform = ImageCms.buildTransform(source, SRGB, image.mode, "RGB", INTENT, FLAGS)
    if image.mode == "RGB":
        # If the profile is sRGB in effect, a conversion would only add rounding errors.
        probe = Image.merge("RGB", [Image.linear_gradient("L").rotate(90 * turn) for turn in range(3)])
        changed = ImageCms.applyTransform(probe, transform)
        if changed and max(high for _low, high in ImageChops.difference(probe, changed).getextrema()) <= 1:  # type: ignore[misc]
            return image
    found = ImageCms.applyTransform(image, transform)
    if found is None:
        raise ValueError
    return found


def profile_of(opened: Image.Image) -> bytes | None:
    """The profile that a JPEG or WebP carries, or that its camera names in Exif; None for sRGB."""
    if "icc_profile" in opened.info:
        profile: bytes = opened.info["icc_profile"] or b""
        return profile if len(profile) <= MAX_PROFILE_BYTES else b""
    try:
        named = str(opened.getexif().get_ifd(INTEROPERABILITY).get(1, "")).strip("\0 ")
    except Exception:
        # Broken Exif raises many kinds of errors; the picture itself is fine.
        return None
    return matrix_profile(ADOBE_PRIMARIES, ADOBE_GAMMA) if named == ADOBE_RGB else None


def profile_of_png(opened: Image.Image, embedded: bytes | None, primaries: int, transfer: int) -> bytes | None:
    """PNG, third edition: cICP counts before iCCP, then sRGB, then gAMA and cHRM."""
    if primaries or transfer:
        if primaries not in CICP_PRIMARIES or transfer not in CICP_SRGB_CURVES:
            raise BadPictureError(_("The colors are made for special screens (HDR). Save the picture as sRGB."))
        return None if primaries == 1 else matrix_profile(CICP_PRIMARIES[primaries], None)
    if embedded is not None or "srgb" in opened.info:
        return embedded
    gamma, corners = opened.info.get("gamma"), opened.info.get("chromaticity", SRGB_PRIMARIES)
    usual = all(abs(one - two) < 0.002 for one, two in zip(corners, SRGB_PRIMARIES, strict=True))
    plain = not gamma or abs(gamma - PNG_SRGB_GAMMA) < 0.005
    if usual and plain:
        return None
    curve = 1 / gamma if gamma and not (plain and usual) else None
    try:
        return matrix_profile(corners, curve)
    except (ArithmeticError, struct.error):
        return b""


def matrix_profile(corners: Sequence[float], gamma: float | None) -> bytes:
    """An ICC profile for RGB with these primaries and this gamma; None: the curve of sRGB."""
    columns = _adapted(corners)
    curve = _curve(gamma)
    tags = {b"wtpt": _xyz(D50), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    tags |= {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
    table, body, start = struct.pack(">L", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">LL", start + len(body), len(content))
        body += content
    head = struct.pack(">L4sL12s12x4s", start + len(body), b"\0\0\0\0", 0x04200000, b"mntrRGB XYZ ", b"acsp")
    head = head.ljust(68, b"\0") + _xyz(D50)[8:]
    return head.ljust(128, b"\0") + table + body


def _curve(gamma: float | None) -> bytes:
    numbers = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045) if gamma is None else (gamma,)
    kind = 3 if gamma is None else 0
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + b"".join(_fixed(number) for number in numbers)


def _xyz(numbers: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(number) for number in numbers)


def _fixed(number: float) -> bytes:
    return struct.pack(">l", round(number * 65536))


def _adapted(corners: Sequence[float]) -> list[list[float]]:
    """Red, green and blue as XYZ under the white of all profiles (D50, after Bradford)."""
    white, *colors = (_of_xy(*corners[place : place + 2]) for place in (0, 2, 4, 6))
    by_rows = [[color[row] for color in colors] for row in range(3)]
    amounts = _times(_inverse(by_rows), white)
    seen, wanted = _times(BRADFORD, white), _times(BRADFORD, D50)
    scaled = [[cell * wanted[row] / seen[row] for cell in BRADFORD[row]] for row in range(3)]
    back = _inverse(BRADFORD)
    return [
        _times(back, _times(scaled, [part * amount for part in color]))
        for color, amount in zip(colors, amounts, strict=True)
    ]


def _of_xy(x: float, y: float) -> list[float]:
    return [x / y, 1.0, (1 - x - y) / y]


def _times(matrix: Matrix, vector: Sequence[float]) -> list[float]:
    return [sum(cell * part for cell, part in zip(row, vector, strict=True)) for row in matrix]


def _inverse(m: Matrix) -> list[list[float]]:
    def minor(row: int, column: int) -> float:
        a, b = (row + 1) % 3, (row + 2) % 3
        c, d = (column + 1) % 3, (column + 2) % 3
        return m[a][c] * m[b][d] - m[a][d] * m[b][c]

    determinant = sum(m[0][column] * minor(0, column) for column in range(3))
    return [[minor(column, row) / determinant for column in range(3)] for row in range(3)]
