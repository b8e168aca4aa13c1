"""Only pixels leave a DICOM file, and they match those of pydicom."""

from pathlib import Path

import pytest
from django.conf import settings
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from procedures.figures.decoding import InvalidImageError
from procedures.figures.dicom.grayscale import Window
from procedures.figures.dicom.reader import extract_frames, read_header
from procedures.figures.renditions import store_image
from procedures.models import Figure
from tests.figures.dicom_files import (
    NAME,
    PLANTED,
    SIDE,
    UID,
    dicom,
    frame,
    lookup,
    opened,
    packaged,
    ramp,
    refusal,
)


def test_stored_files_contain_no_patient_data(capfd: pytest.CaptureFixture[str]) -> None:
    data = dicom(ramp(), WindowCenter=3, WindowWidth=9, WindowCenterWidthExplanation="PLANTEDTEXT")
    assert all(planted in data for planted in PLANTED)
    root = Path(settings.MEDIA_ROOT)
    before = set(root.rglob("*"))

    info = read_header(opened(data))
    found = frame(opened(data), window=Window(7.25, 41))
    store_image(Figure(slug="from-dicom"), found)

    stored = [file.read_bytes() for file in set(root.rglob("*")) - before if file.is_file()]
    assert len(stored) == 4
    assert not [planted for planted in PLANTED for file in stored if planted in file]
    assert found.image.info == {}
    output = "".join(capfd.readouterr())
    assert not [text for text in (NAME, UID, "PLANTEDTEXT") if text in f"{info!r} {found!r} {output}"]


def test_staged_files_contain_no_patient_data(tmp_path: Path) -> None:
    group = Dataset()
    group.FrameComments = "PLANTEDTEXT"
    data = dicom(
        ramp(),
        WindowCenter=3,
        WindowWidth=9,
        WindowCenterWidthExplanation="PLANTEDTEXT",
        VOILUTSequence=lookup(range(64)),
        SharedFunctionalGroupsSequence=Items([group]),
    )

    extract_frames(opened(data), tmp_path)

    waiting = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert {file.name for file in tmp_path.iterdir()} == {"frames.raw", "frames.json"}
    assert ramp() in waiting
    assert not [planted for planted in PLANTED if planted in waiting]


def test_unused_bits_are_not_staged(tmp_path: Path) -> None:
    overlay = b"".join(
        (int.from_bytes(ramp()[at : at + 2], "little") | 0xF000).to_bytes(2, "little")
        for at in range(0, len(ramp()), 2)
    )

    extract_frames(opened(dicom(overlay, BitsStored=12, HighBit=11)), tmp_path)

    assert (tmp_path / "frames.raw").read_bytes() == ramp()


def test_oversized_uncompressed_pixels_are_rejected_before_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("procedures.figures.dicom.reader.MAX_DICOM_BYTES", 2 * SIDE * SIDE)

    extract_frames(opened(dicom(ramp())), tmp_path)
    (tmp_path / "two").mkdir()
    with pytest.raises(InvalidImageError, match="Uncompressed, the pictures are larger than 0 MB"):
        extract_frames(opened(dicom(ramp() * 2, NumberOfFrames=2)), tmp_path / "two")

    assert list((tmp_path / "two").iterdir()) == []


@pytest.mark.slow
def test_sample_files_match_pydicom(subtests: pytest.Subtests) -> None:
    for name, size in [
        ("693_J2KI.dcm", (512, 512)),
        ("CT_small.dcm", (128, 128)),
        ("MR_small_RLE.dcm", (64, 64)),
        ("MR_small_jp2klossless.dcm", (64, 64)),
        ("J2K_pixelrep_mismatch.dcm", (512, 512)),
        ("SC_rgb_jpeg_dcmtk.dcm", (100, 100)),
        ("SC_jpeg_no_color_transform.dcm", (256, 256)),
        ("SC_rgb_rle_2frame.dcm", (100, 100)),
        ("SC_ybr_full_422_uncompressed.dcm", (100, 100)),
        ("examples_overlay.dcm", (484, 300)),
        ("examples_ybr_color.dcm", (320, 240)),
    ]:
        with subtests.test(name=name, size=size):
            numpy = pytest.importorskip("numpy")
            from pydicom import dcmread
            from pydicom.pixels import apply_modality_lut

            stream = packaged(name)
            data = dcmread(stream)
            pixels = data.pixel_array[0] if data.get("NumberOfFrames", 1) > 1 else data.pixel_array
            if data.SamplesPerPixel == 1:
                values = apply_modality_lut(pixels, data).astype(float)
                # Check all values, so that nothing hides at the ends.
                low, high = float(values.min()), float(values.max())
                window = Window((low + high + 1) / 2, high - low + 1)
                wanted = numpy.round(255 * (values - low) / (high - low))
                got = frame(stream, window=window).image
            else:
                wanted, got = pixels.astype(float), frame(stream).image

            assert got.size == size
            # The only difference is that pydicom rounds halves differently for YBR.
            assert float(abs(numpy.asarray(got).astype(float) - wanted).max()) <= (1 if "ybr" in name else 0)


@pytest.mark.parametrize("name", ["MR_truncated.dcm", "badVR.dcm", "rtplan.dcm", "liver_1frame.dcm"])
def test_sample_files_without_image_are_rejected(name: str) -> None:
    assert refusal(packaged(name).read())
