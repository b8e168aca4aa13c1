"""Rejected DICOM files: each with a message, none with a large allocation."""

import io
import random
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from procedures.figures.decoding import InvalidImageError
from procedures.figures.dicom.grayscale import Window
from procedures.figures.dicom.header import MAX_DICOM_BYTES
from procedures.figures.dicom.reader import is_dicom_installed, read_header
from tests.figures.dicom_files import NAME, SIDE, dicom, frame, opened, packaged, ramp, refusal, without_pydicom

DAMAGED = "The DICOM file is damaged or incomplete. Export it again and choose the new file."


def test_declared_burned_in_annotation_is_rejected() -> None:
    assert refusal(dicom(ramp(), BurnedInAnnotation="YES")) == (
        "The file states that its picture contains a name, date, or number. Choose a picture without one."
    )


@pytest.mark.parametrize(
    "data", [b"", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n" + bytes(200), bytes(128) + b"DICX" + bytes(90)]
)
def test_other_files_are_rejected_as_not_dicom(data: bytes) -> None:
    assert refusal(data).startswith("This is not a DICOM file.")


def test_dicom_without_pixels_is_rejected() -> None:
    whole = dicom(ramp())

    assert refusal(whole[: whole.index(b"\xe0\x7f\x10\x00")]) == (
        "This DICOM file contains no picture. Choose another one."
    )


@pytest.mark.parametrize("left", [1, 500, 2 * SIDE * SIDE - 1])
def test_truncated_pixels_are_rejected(left: int) -> None:
    whole = dicom(ramp())
    start = whole.index(b"\xe0\x7f\x10\x00") + 12

    assert refusal(whole[: start + left]) == DAMAGED


def test_invalid_or_oversized_header_is_rejected(subtests: pytest.Subtests) -> None:
    for values, sentence in [
        ({"Rows": 65535, "Columns": 32767}, "or more than 20 million"),
        ({"Rows": 0}, "has no pixels"),
        ({"NumberOfFrames": 500_000}, "more than 2000 frames"),
        ({"NumberOfFrames": 2}, "damaged or incomplete"),
        ({"Rows": 4000, "Columns": 4000}, "damaged or incomplete"),
        ({"BitsStored": 17, "HighBit": 16}, "damaged or incomplete"),
        ({"BitsStored": 0}, "damaged or incomplete"),
        ({"SamplesPerPixel": 4}, "neither grayscale"),
        ({"Rows": 16, "Columns": 256}, "only 256 × 16 pixels"),
        ({"Rows": 640, "Columns": 32}, "is 32 × 640 pixels: more than 10 times"),
    ]:
        with subtests.test(values=values, sentence=sentence):
            assert sentence in refusal(dicom(ramp(), **values))


def test_more_than_16_bits_are_rejected() -> None:
    assert "neither grayscale" in refusal(dicom(ramp() * 2, BitsAllocated=32, BitsStored=32, HighBit=31))


@pytest.mark.parametrize("place", ["name", "pixels"])
def test_declared_length_of_two_gigabytes_allocates_nothing(place: str) -> None:
    whole = dicom(ramp(), WindowCenterWidthExplanation=NAME)
    if place == "pixels":
        at = whole.index(b"\xe0\x7f\x10\x00") + 8
        lying = whole[:at] + struct.pack("<L", 2**31) + whole[at + 4 :]
    else:
        start = whole.index(b"\xe0\x7f\x10\x00")
        # A 2 GB lookup table, which would be read
        lying = whole[:start] + b"\x28\x00\x10\x30OW\0\0" + struct.pack("<L", 2**31) + whole[start:]

    class Watched(io.BytesIO):
        asked = 0

        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            Watched.asked = max(Watched.asked, size)
            return super().read(size)

    with pytest.raises(InvalidImageError):
        frame(Watched(lying))

    assert 0 < Watched.asked <= len(lying)


def test_oversized_file_is_rejected_without_reading(tmp_path: Path) -> None:
    file = tmp_path / "large.dcm"
    with file.open("wb") as stream:
        stream.truncate(MAX_DICOM_BYTES + 1)

    with file.open("rb") as large, pytest.raises(InvalidImageError, match="larger than 250 MB"):
        read_header(large)


@pytest.mark.parametrize("window", [(float("nan"), 5), (5, 0), (5, -1), (5, float("inf"))])
def test_window_without_width_is_rejected(window: tuple[float, float]) -> None:
    with pytest.raises(InvalidImageError, match="width above zero"):
        Window(*window)


@pytest.mark.slow
def test_damaged_file_yields_an_image_or_a_message() -> None:
    plain, packed = dicom(ramp(), WindowCenter=3, WindowWidth=9), packaged("MR_small_RLE.dcm").read()
    for seed in range(300):
        chance = random.Random(seed)  # noqa: S311 -- deterministic damage
        # Each compressed file starts a process.
        data = bytearray(plain if seed % 15 else packed)
        for _ in range(chance.choice([1, 3, 20])):
            data[chance.randrange(132, min(len(data), 2500))] = chance.randrange(256)

        told = ""
        try:
            frame(opened(bytes(data)))
        except InvalidImageError as error:
            told = f"{error} {error.__cause__}"

        assert NAME not in told, seed


def test_excessive_or_nested_elements_are_rejected_quickly() -> None:
    def element(tag: int, vr: bytes, value: bytes) -> bytes:
        head = struct.pack("<HH", 0x0009, tag) + vr
        return (
            head + (b"\0\0" + struct.pack("<L", len(value)) if vr == b"SQ" else struct.pack("<H", len(value))) + value
        )

    deep = b""
    for _ in range(5000):
        deep = b"\x28\x00\x10\x30SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" + deep
    whole = dicom(ramp())
    at = whole.index(b"\x10\x00\x10\x00")
    for extra in (element(0x10, b"LO", b"") * 2_000_000, deep):
        with pytest.raises(InvalidImageError, match="damaged"):
            frame(opened(whole[:at] + extra + whole[at:]))


@pytest.mark.slow
def test_deflate_bomb_is_rejected_quickly() -> None:
    plain = dicom(bytes(2 * SIDE * SIDE), syntax=DeflatedExplicitVRLittleEndian)
    head = plain[: 144 + struct.unpack("<L", plain[140:144])[0]]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = head + b"".join(packer.compress(bytes(1 << 24)) for _part in range(64)) + packer.flush()
    assert len(bomb) < 2 << 20

    assert refusal(bomb) == (
        "Decompressed, the file is larger than 64 MB. Export it uncompressed (“Explicit VR Little Endian”)."
    )
    tracemalloc.start()
    try:
        with pytest.raises(InvalidImageError):
            read_header(opened(bomb))
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()


def test_damaged_deflated_file_is_rejected() -> None:
    whole = dicom(ramp(), syntax=DeflatedExplicitVRLittleEndian)
    for data in (whole[:-60], whole[: len(whole) // 2], whole[:400] + bytes(200) + whole[600:]):
        with pytest.raises(InvalidImageError, match=r"damaged|contains no picture"):
            frame(opened(data))


def test_unterminated_fragments_are_rejected() -> None:
    data = dicom(bytes(2), syntax=RLELossless)
    at = data.index(b"\xe0\x7f\x10\x00") + 12

    with pytest.raises(InvalidImageError, match="damaged"):
        frame(opened(data[:at] + b"\xfe\xff\x00\xe0\0\0\0\0" * 8_000_000))


def test_missing_pydicom_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pydicom(monkeypatch)

    assert refusal(b"") == "DICOM import is not set up. Ask your IT team."


def test_dicom_packages_are_installed_for_tests() -> None:
    assert is_dicom_installed()
