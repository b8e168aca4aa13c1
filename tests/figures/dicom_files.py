"""Builders for synthetic DICOM files with planted patient data."""

import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, XRayAngiographicImageStorage

from procedures.figures.decoding import DecodedImage, InvalidImageError
from procedures.figures.dicom.grayscale import Window
from procedures.figures.dicom.reader import FrameSet, extract_frames, read_header

NAME, UID = "PLANTED^PATIENT", "1.2.826.0.1.3680043.99.4711.4712"
PLANTED = [NAME.encode(), UID.encode(), b"PLANTEDTEXT"]
SIDE = 64


def ramp(*, step: int = 1, wide: bool = True) -> bytes:
    """Return stored values 0, step, 2 × step … from left to right, the same in each row."""
    size = 2 if wide else 1
    return b"".join((column * step).to_bytes(size, "little") for column in range(SIDE)) * SIDE


def dicom(pixels: bytes, **values: Any) -> bytes:
    """Return a 64 × 64 grayscale XA file with 16 bits and patient data, with ``values`` overriding elements."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = values.pop("syntax", ExplicitVRLittleEndian)
    meta.MediaStorageSOPClassUID = XRayAngiographicImageStorage
    meta.MediaStorageSOPInstanceUID = UID
    data = Dataset()
    data.file_meta = meta
    data.SOPClassUID, data.SOPInstanceUID = XRayAngiographicImageStorage, UID
    data.PatientName, data.PatientID, data.StudyInstanceUID = NAME, "PLANTEDTEXT", UID
    data.StudyDescription = data.ImageComments = "PLANTEDTEXT of the study"
    data.Modality = "XA"
    data.Rows = data.Columns = SIDE
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    block = data.private_block(0x0019, "PLANTEDTEXT", create=True)
    block.add_new(0x01, "LO", NAME)
    for name, value in values.items():
        setattr(data, name, value)
    data.PixelData = pixels
    data["PixelData"].VR = "OW" if data.BitsAllocated == 16 else "OB"
    if meta.TransferSyntaxUID.is_encapsulated:
        data.PixelData = encapsulate([pixels])
        data["PixelData"].VR = "OB"
        data["PixelData"].is_undefined_length = True
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def eight_bit(pixels: bytes, **values: Any) -> bytes:
    """Return a file like ``dicom``, with 8 bits."""
    return dicom(pixels, **{"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, **values})


def color(pixels: bytes, photometric: str = "RGB", **values: Any) -> bytes:
    """Return a color secondary capture, interleaved."""
    given = {"PlanarConfiguration": 0, "Modality": "OT", "SOPClassUID": SecondaryCaptureImageStorage, **values}
    return eight_bit(pixels, SamplesPerPixel=3, PhotometricInterpretation=photometric, **given)


def lookup(table: Sequence[int], *, first: int = 0, bits: int = 8) -> Items:
    """Return a lookup table for stored values from ``first`` on."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(table), first, bits])
    item.add_new("LUTData", "US", list(table))
    item.LUTExplanation = "PLANTEDTEXT"
    return Items([item])


def overlay_plane(vr: str) -> Dataset:
    """Return an overlay plane that covers the whole image."""
    plane = Dataset()
    plane.add_new(0x60000010, "US", SIDE)
    plane.add_new(0x60000011, "US", SIDE)
    plane.add_new(0x60000040, "CS", "G")
    plane.add_new(0x60000050, "SS", [1, 1])
    plane.add_new(0x60000100, "US", 1)
    plane.add_new(0x60000102, "US", 0)
    plane.add_new(0x60003000, vr, b"\xff" * (SIDE * SIDE // 8))
    return plane


def opened(data: bytes) -> io.BytesIO:
    return io.BytesIO(data)


@contextmanager
def unpacked(stream: BinaryIO) -> Iterator[FrameSet]:
    """The extracted frames, as in staging."""
    with tempfile.TemporaryDirectory() as folder:
        yield extract_frames(stream, Path(folder))


def frame(stream: BinaryIO, number: int = 1, window: Window | None = None, *, invert: bool = False) -> DecodedImage:
    """Extract the file and render one frame."""
    with unpacked(stream) as frames:
        return frames.render(number, window, invert=invert)


def shown(data: bytes, *args: Any, **kwargs: Any) -> Image.Image:
    return frame(opened(data), *args, **kwargs).image


def row(data: bytes, *args: Any, **kwargs: Any) -> list[int]:
    """Return the gray levels of the first row."""
    return list(shown(data, *args, **kwargs).tobytes()[:SIDE])


def packaged(name: str) -> io.BytesIO:
    """Return a sample file from pydicom."""
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    return io.BytesIO(Path(path).read_bytes())


def refusal(data: bytes) -> str:
    """Return the error message, which must be the same for the header and for a frame."""
    with pytest.raises(InvalidImageError) as by_header:
        read_header(opened(data))
    with pytest.raises(InvalidImageError) as by_frame:
        frame(opened(data))
    assert str(by_header.value) == str(by_frame.value)
    return str(by_header.value)


def without_pydicom(monkeypatch: pytest.MonkeyPatch) -> None:
    """A portal installed without the ``dicom`` extra."""
    monkeypatch.setattr("procedures.figures.dicom.header.find_spec", lambda _name: None)
