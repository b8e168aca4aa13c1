"""DICOM frames that are compressed: unpacked rightly, or refused with the way out."""

import io
import struct

import pytest
from PIL import Image
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from procedures.figures.dicom_values import Window
from procedures.figures.intake import BadPictureError
from tests.figures.dicom_files import SIDE, dicom, eight_bit, frame, opened, refusal, shown


def test_run_lengths_are_unpacked_with_eight_and_sixteen_bits() -> None:
    segment = b"\xc1\x07" * SIDE  # each: 64 times the byte 7
    other = b"\xc1\x01" * SIDE
    head = struct.pack("<16L", 2, 64, 64 + len(other), *[0] * 13)
    numbers = frame(opened(dicom(head + other + segment, syntax=RLELossless)), window=Window(0x0107 + 1, 1))
    brighter = frame(opened(dicom(head + other + segment, syntax=RLELossless)), window=Window(0x0107, 1))

    assert numbers.image.getextrema() == (0, 0)
    assert brighter.image.getextrema() == (255, 255)


def test_run_lengths_that_end_early_or_promise_more_bytes_are_refused() -> None:
    head = struct.pack("<16L", 1, 64, *[0] * 14)

    for data in (head + b"\xc1\x07", struct.pack("<16L", 9, *[64] * 15) + b"\xc1\x07" * SIDE):
        with pytest.raises(BadPictureError, match="damaged"):
            frame(opened(eight_bit(data, syntax=RLELossless)))


@pytest.mark.parametrize(("syntax", "form"), [(JPEGBaseline8Bit, "JPEG"), (JPEG2000Lossless, "JPEG2000")])
def test_jpeg_frames_are_unpacked(syntax: str, form: str) -> None:
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((SIDE, SIDE)).save(stream, form)

    shades = shown(eight_bit(stream.getvalue(), syntax=syntax)).tobytes()

    assert (min(shades), max(shades)) == (0, 255)


def test_jpeg_frames_of_another_size_than_the_header_says_are_refused() -> None:
    stream = io.BytesIO()
    Image.new("L", (SIDE * 4, SIDE * 4)).save(stream, "JPEG")

    with pytest.raises(BadPictureError, match="damaged"):
        frame(opened(eight_bit(stream.getvalue(), syntax=JPEGBaseline8Bit)))


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        (JPEGLosslessSV1, "JPEG lossless"),
        ("1.2.840.10008.1.2.4.80", "JPEG-LS"),
        ("1.2.840.10008.1.2.4.102", "an unusual form or a film"),
    ],
)
def test_packing_without_a_codec_is_refused_with_the_way_out(syntax: str, name: str) -> None:
    sentence = refusal(dicom(b"\xff\xd8\xff\xd9", syntax=syntax))

    assert sentence == (
        f"The pixels are packed as {name}, which the portal cannot unpack. Export the picture uncompressed "
        "(“Explicit VR Little Endian”), or as PNG, and choose that."
    )


def test_deflated_files_are_refused_before_they_are_inflated() -> None:
    assert refusal(dicom(bytes(2 * SIDE * SIDE), syntax=DeflatedExplicitVRLittleEndian)).startswith(
        "The pixels are packed as deflate"
    )
