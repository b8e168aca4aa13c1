"""Compressed DICOM frames: decoded correctly, or rejected with advice.

``samples/twelve_bits.jpg`` is ``wave()`` in 12 bits: no encoder for them is among what tests install. It was made with
imagecodecs 2026.3.6: ``jpeg8_encode(wave(), level=50, bitspersample=12, optimize=True)``, which is off by 5 at most.
"""

import io
import json
import struct
from pathlib import Path
from typing import Any

import gdcm
import jpeg_ls
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_color_lut
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from procedures.figures import sandbox
from procedures.figures.decoding import InvalidImageError
from procedures.figures.dicom import frame_decoder
from procedures.figures.dicom.grayscale import Window
from tests.figures.dicom_files import SIDE, dicom, eight_bit, frame, opened, packaged, refusal, shown, unpacked
from tests.test_structure import imports

WIDE = 1024
TWELVE = {"Rows": WIDE, "Columns": WIDE, "BitsStored": 12, "HighBit": 11}
JPEG_FORMS = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLosslessSV1, JPEGLSLossless)


def wave() -> Any:
    """Return a full-size 12-bit image."""
    y, x = np.mgrid[0:WIDE, 0:WIDE]
    return (2048 + 1500 * np.sin(x / 200) * np.cos(y / 150) + (x + y) / 8).astype("<u2")


def by_gdcm(pixels: Any, syntax: str) -> bytes:
    """Return 12-bit pixels encoded by GDCM."""
    forms = gdcm.TransferSyntax
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetByteStringValue(pixels.tobytes())
    image = gdcm.Image()
    # ``change`` counts references to it, and aborts the process if Python frees it first.
    image.thisown = False
    image.SetNumberOfDimensions(2)
    image.SetDimensions((pixels.shape[1], pixels.shape[0], 1))
    gray = gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2)
    image.SetPhotometricInterpretation(gray)
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, 12, 11, 0))
    image.SetTransferSyntax(forms(forms.ExplicitVRLittleEndian))
    image.SetDataElement(element)
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(forms(forms.GetTSType(syntax)))
    change.SetInput(image)
    assert change.Change()
    made = change.GetOutput()
    parts = made.GetDataElement().GetSequenceOfFragments()
    every = range(parts.GetNumberOfFragments())
    return b"".join(
        parts.GetFragment(number).GetByteValue().GetBuffer().encode("utf-8", "surrogateescape") for number in every
    )


def numbers(data: bytes, number: int = 1) -> Any:
    """Return the stored values of a frame."""
    with unpacked(opened(data)) as frames:
        return frames._read_samples(number).astype(int)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("syntax", "loss"),
    [
        (JPEGLossless, 0),
        (JPEGLosslessSV1, 0),
        (JPEGLSLossless, 0),
        (JPEGLSNearLossless, 3),
        (JPEGExtended12Bit, 5),
    ],
)
def test_compressed_frame_matches_the_uncompressed_one(syntax: UID, loss: int) -> None:
    plain = wave()
    if syntax == JPEGExtended12Bit:
        packed = (Path(__file__).parent / "samples" / "twelve_bits.jpg").read_bytes()
    elif syntax in {JPEGLSLossless, JPEGLSNearLossless}:
        packed = bytes(jpeg_ls.encode(plain, lossy_error=loss))
    else:
        packed = by_gdcm(plain, syntax)

    twin, found = numbers(dicom(plain.tobytes(), **TWELVE)), numbers(dicom(packed, syntax=syntax, **TWELVE))

    assert len(packed) < plain.nbytes / 2
    assert (twin == plain).all()
    assert int(abs(found - twin).max()) <= loss


def test_rle_is_decoded_with_8_and_16_bits() -> None:
    segment = b"\xc1\x07" * SIDE  # each segment repeats the byte 7 64 times
    other = b"\xc1\x01" * SIDE
    head = struct.pack("<16L", 2, 64, 64 + len(other), *[0] * 13)
    numbers = frame(opened(dicom(head + other + segment, syntax=RLELossless)), window=Window(0x0107 + 1, 1))
    brighter = frame(opened(dicom(head + other + segment, syntax=RLELossless)), window=Window(0x0107, 1))

    assert numbers.image.getextrema() == (0, 0)
    assert brighter.image.getextrema() == (255, 255)


def test_truncated_or_inconsistent_rle_is_rejected() -> None:
    head = struct.pack("<16L", 1, 64, *[0] * 14)

    for data in (head + b"\xc1\x07", struct.pack("<16L", 9, *[64] * 15) + b"\xc1\x07" * SIDE):
        with pytest.raises(InvalidImageError, match="damaged"):
            frame(opened(eight_bit(data, syntax=RLELossless)))


def gradient(form: str, size: int = SIDE, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((size, size)).save(stream, form, **options)
    return stream.getvalue()


@pytest.mark.parametrize(("syntax", "form"), [(JPEGBaseline8Bit, "JPEG"), (JPEG2000Lossless, "JPEG2000")])
def test_jpeg_frames_are_decoded(syntax: UID, form: str) -> None:
    shades = shown(eight_bit(gradient(form), syntax=syntax)).tobytes()

    assert (min(shades), max(shades)) == (0, 255)


def test_frames_with_unexpected_size_are_rejected_before_decoding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frame_decoder, "__file__", "/nowhere")
    for syntax, form in ((JPEGBaseline8Bit, "JPEG"), (JPEG2000Lossless, "JPEG2000")):
        with pytest.raises(InvalidImageError, match="damaged"):
            frame(opened(eight_bit(gradient(form, SIDE * 4), syntax=syntax)))


@pytest.mark.slow
def test_text_in_a_compressed_frame_is_not_staged(tmp_path: Path) -> None:
    from procedures.figures.dicom.reader import extract_frames

    word = b"PLANTED^PATIENT"
    exif = Image.Exif()
    exif[0x010E] = word.decode()
    jpeg = gradient("JPEG", comment=word, exif=exif) + word
    jpeg_2000 = gradient("JPEG2000", comment=word) + word
    ls = bytes(jpeg_ls.encode(np.zeros((SIDE, SIDE), "u1")))
    ls = ls[:2] + b"\xff\xfe" + struct.pack(">H", len(word) + 2) + word + ls[2:] + word
    for syntax, packed in ((JPEGBaseline8Bit, jpeg), (JPEG2000Lossless, jpeg_2000), (JPEGLSLossless, ls)):
        assert word in packed
        folder = tmp_path / syntax
        folder.mkdir()

        frames = extract_frames(opened(eight_bit(packed, syntax=syntax)), folder)

        assert frames.render().image.size == (SIDE, SIDE)
        for file in folder.iterdir():
            assert word not in file.read_bytes(), (syntax.name, file.name)


@pytest.mark.slow
def test_frames_are_decoded_on_demand() -> None:
    from pydicom.encaps import encapsulate

    data = dcmread(opened(eight_bit(bytes(2), syntax=JPEGBaseline8Bit, NumberOfFrames=3)))
    damaged = gradient("JPEG")[:-300]
    data.PixelData = encapsulate([gradient("JPEG"), damaged, gradient("JPEG")])
    stream = io.BytesIO()
    data.save_as(stream)

    with unpacked(opened(stream.getvalue())) as frames:
        there = {file.name for file in frames.folder.iterdir()}
        third = frames.render(3)
        assert there == {"packed.raw", "frame-1.raw", "frames.json"}
        assert third.sha256 == frames.render(1).sha256
        assert (frames.folder / "frame-3.raw").exists()
        with pytest.raises(InvalidImageError, match="damaged"):
            frames.render(2)
        with pytest.raises(InvalidImageError, match="Choose a frame from 1 to 3"):
            frames.render(4)


@pytest.mark.slow
def test_thumbnails_decode_upcoming_frames_up_to_a_damaged_one() -> None:
    from pydicom.encaps import encapsulate

    good, damaged = gradient("JPEG"), gradient("JPEG")[:-300]
    data = dcmread(opened(eight_bit(bytes(2), syntax=JPEGBaseline8Bit, NumberOfFrames=7)))
    data.PixelData = encapsulate([good, good, good, damaged, good, good, good])
    stream = io.BytesIO()
    data.save_as(stream)

    with unpacked(opened(stream.getvalue())) as frames:
        frames.render_thumbnail(2)
        assert {file.stem for file in frames.folder.glob("frame-*")} == {"frame-1", "frame-2", "frame-3"}
        frames.render_thumbnail(5)
        assert {file.stem for file in frames.folder.glob("frame-*")} == {
            f"frame-{number}" for number in (1, 2, 3, 5, 6, 7)
        }
        assert not list(frames.folder.glob(".*"))


def test_crashing_or_endless_codec_ends_only_its_own_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mad = tmp_path / "mad.py"
    monkeypatch.setattr(frame_decoder, "__file__", str(mad))
    data = eight_bit(gradient("JPEG"), syntax=JPEGBaseline8Bit)
    for code, sentence in (
        ("import os; os.abort()", "damaged"),
        ("import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass", "takes too long"),
        ("bytearray(1 << 50)", "damaged"),
        ("", "damaged"),
    ):
        mad.write_text(code)
        with pytest.raises(InvalidImageError, match=sentence):
            frame(opened(data))


def test_decoder_process_has_no_settings_and_limited_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, report = tmp_path / "program.py", tmp_path / "report.json"
    program.write_text(
        "import json, os, resource\n"
        "kinds = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)\n"
        "found = [[resource.getrlimit(kind)[0] for kind in kinds], sorted(os.environ)]\n"
        f"open({str(report)!r}, 'w').write(json.dumps(found))\n"
    )
    monkeypatch.setenv("PORTAL_SECRET_KEY", "s" * 50)
    monkeypatch.setattr(frame_decoder, "__file__", str(program))

    with pytest.raises(InvalidImageError, match="damaged"):
        frame(opened(eight_bit(gradient("JPEG"), syntax=JPEGBaseline8Bit)))

    limits, environment = json.loads(report.read_text())
    assert limits == [2 * 1024**3, 30, 1024**2, 0]
    assert set(environment) <= {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "LC_CTYPE"}, "Python sets the last one"
    monkeypatch.undo()
    for module in (frame_decoder, sandbox):
        assert not [name for _line, name in imports(Path(module.__file__)) if name.startswith(("procedures", "portal"))]


def test_unsupported_transfer_syntax_is_rejected_with_advice() -> None:
    assert refusal(dicom(bytes(2 * SIDE * SIDE), syntax=UID("1.2.840.10008.1.2.4.102"))) == (
        "The pixels use an unusual compression or are stored as a video, which the portal cannot decode. Export the "
        "picture uncompressed (“Explicit VR Little Endian”), or as PNG, and choose the new file."
    )


def reference(name: str) -> Any:
    """Return the values that pydicom reads."""
    data = dcmread(packaged(name))
    return apply_color_lut(data.pixel_array, data) if "RedPaletteColorLookupTableData" in data else data.pixel_array


def test_rare_encodings_match_pydicom() -> None:
    for name, bits in (
        ("examples_palette.dcm", 16),
        ("SC_rgb_rle_16bit.dcm", 16),
        ("SC_rgb_rle_16bit_2frame.dcm", 16),
        ("ExplVR_BigEnd.dcm", 8),
        ("MR_small_bigendian.dcm", 8),
        ("MR_small_expb.dcm", 8),
        ("image_dfl.dcm", 8),
    ):
        with unpacked(packaged(name)) as frames:
            found = np.stack([frames._read_samples(number) for number in range(1, frames.count + 1)])
        assert (found.squeeze() == reference(name) >> (bits - 8)).all(), name


@pytest.mark.slow
def test_palette_colors_are_correct_in_every_encoding() -> None:
    table = [bytes(range(256)), bytes(range(255, -1, -1)), bytes(256)]
    numbers = np.arange(SIDE * SIDE, dtype="u1").reshape(SIDE, SIDE)

    def words(data: bytes) -> bytes:
        return b"".join(bytes([0, value]) for value in data)

    for data, first, bits in (([*table], 0, 8), ([words(part) for part in table], 0, 16), (table, 10, 8)):
        values: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
        for channel, part in zip(("Red", "Green", "Blue"), data, strict=True):
            values[f"{channel}PaletteColorLookupTableDescriptor"] = [256, first, bits]
            values[f"{channel}PaletteColorLookupTableData"] = part
        for packed, syntax in (
            (numbers.tobytes(), ExplicitVRLittleEndian),
            (numbers.tobytes(), DeflatedExplicitVRLittleEndian),
            (bytes(jpeg_ls.encode(numbers)), JPEGLSLossless),
        ):
            image = shown(eight_bit(packed, syntax=syntax, **values))

            case = (first, bits, syntax.name)
            assert image.mode == "RGB", case
            for x in (0, 5, 10, 40):
                place = max(0, x - first)
                assert image.getpixel((x, 0)) == (place, 255 - place, 0), case


def test_palette_without_tables_is_rejected() -> None:
    with pytest.raises(InvalidImageError, match="color table is missing"):
        frame(opened(eight_bit(bytes(SIDE * SIDE), PhotometricInterpretation="PALETTE COLOR")))


def test_big_endian_words_are_swapped_across_frame_boundaries() -> None:
    side = 25
    frames_ = np.random.default_rng(1).integers(0, 255, (3, side, side), "u1")
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    data.Rows = data.Columns = side
    data.SamplesPerPixel, data.PhotometricInterpretation, data.NumberOfFrames = 1, "MONOCHROME2", 3
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    data.PixelData = np.frombuffer(frames_.tobytes() + b"\0", "u2").byteswap().tobytes()
    data["PixelData"].VR = "OW"
    stream = io.BytesIO()
    data.preamble = bytes(128)
    dcmwrite(stream, data, implicit_vr=False, little_endian=False)

    with unpacked(opened(stream.getvalue())) as frames:
        for number in (1, 2, 3):
            assert (frames._read_samples(number) == frames_[number - 1]).all(), number


def test_invalid_bitstream_is_reported_as_damaged() -> None:
    for syntax in JPEG_FORMS:
        for data in (b"\xff\xd8\xff\xd9", b"\xff\xd8" + b"\xff" * 5000, b"Nothing at all.", bytes(99)):
            with pytest.raises(InvalidImageError, match=r"damaged|too many internal parts"):
                frame(opened(eight_bit(data, syntax=syntax)))
