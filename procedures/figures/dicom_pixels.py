"""The pixels of one frame: found in the file, unpacked within limits, as Pillow's images."""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO, cast

from PIL import Image

from procedures.figures.dicom_file import EXPLICIT, IMPLICIT, JPEG, MOST_BYTES, RLE, DicomFile, damaged
from procedures.figures.intake import BadPictureError

# A packed frame is smaller than a plain one, but for headers and tables.
TABLES = 64 * 1024
RLE_HEADER = 64


@dataclass(frozen=True, slots=True)
class Samples:
    """Grey: an ``L`` or ``I;16`` image whose pixels are places in ``values``, the stored numbers. Colour: ``RGB``."""

    image: Image.Image
    values: Sequence[int] = ()

    def numbers(self) -> set[int]:
        """The stored numbers that occur."""
        places = set(memoryview(self.image.tobytes()).cast("B" if self.image.mode == "L" else "H"))
        return {self.values[place] for place in places}


def samples(file: DicomFile, number: int) -> Samples:
    """Frame ``number`` (from 1). Call it within ``sentences()``."""
    file.source.left = MOST_BYTES
    if file.packing in {IMPLICIT, EXPLICIT}:
        file.source.seek(file.start + (number - 1) * file.frame_bytes)
        return _plain(file, file.source.read(file.frame_bytes))
    data = _packed(file, number)
    if file.packing == RLE:
        return _plain(file, _run_lengths(file, data))
    if file.packing == JPEG:
        return _jpeg(file, data)
    return _jpeg_2000(file, data)


def _packed(file: DicomFile, number: int) -> bytes:
    from pydicom.encaps import get_frame

    dataset = file.dataset
    tables = (dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths"))
    file.source.seek(file.start)
    data = get_frame(
        cast("BinaryIO", file.source),
        number - 1,
        number_of_frames=file.frames,
        extended_offsets=cast("tuple[bytes, bytes]", tables) if all(tables) else None,
    )
    if not data or len(data) > 2 * file.frame_bytes + TABLES:
        raise BadPictureError(damaged())
    return data


def _plain(file: DicomFile, data: bytes) -> Samples:
    size = (file.columns, file.rows)
    if len(data) < file.frame_bytes:
        raise BadPictureError(damaged())
    if file.samples == 1:
        mode = "L" if file.allocated == 8 else "I;16"
        return Samples(Image.frombytes(mode, size, _bare(file, data[: file.frame_bytes])), stored_values(file))
    # The full range of DICOM's YBR is that of JPEG, which Pillow calls YCbCr.
    mode = "RGB" if file.photometric == "RGB" else "YCbCr"
    if file.photometric == "YBR_FULL_422" and file.packing != RLE:
        return Samples(_halved(file, data).convert("RGB"))
    if file.planar or file.packing == RLE:
        area = file.rows * file.columns
        planes = [Image.frombytes("L", size, data[place * area : (place + 1) * area]) for place in range(3)]
        return Samples(Image.merge(mode, planes).convert("RGB"))
    return Samples(Image.frombytes(mode, size, data).convert("RGB"))


def stored_values(file: DicomFile) -> Sequence[int]:
    """The number that each pattern of bits stands for. Bits above the highest hold old overlays: they are cut off."""
    return _patterns(file.allocated, file.stored, file.high_bit + 1 - file.stored, file.signed)


@lru_cache(maxsize=4)
def _patterns(allocated: int, stored: int, low: int, signed: bool) -> Sequence[int]:
    mask, sign = (1 << stored) - 1, 1 << (stored - 1) if signed else 0
    return [(((pattern >> low) & mask) ^ sign) - sign for pattern in range(1 << allocated)]


def _bare(file: DicomFile, data: bytes) -> bytes:
    """Grey pixels without the bits that are none: the picture of an old overlay must not go along."""
    if file.stored == file.allocated:
        return data
    pixel = (((1 << file.stored) - 1) << (file.high_bit + 1 - file.stored)).to_bytes(file.allocated // 8, "little")
    mask = int.from_bytes(pixel * (len(data) // len(pixel)), "little")
    return (int.from_bytes(data, "little") & mask).to_bytes(len(data), "little")


def _halved(file: DicomFile, data: bytes) -> Image.Image:
    """Two pixels share their colour: Y Y B R."""
    if file.columns % 2:
        raise BadPictureError(damaged())
    light = bytearray(file.rows * file.columns)
    light[0::2], light[1::2] = data[0::4], data[1::4]
    half, size = (file.columns // 2, file.rows), (file.columns, file.rows)
    blue, red = (Image.frombytes("L", half, data[place::4]).resize(size, Image.Resampling.NEAREST) for place in (2, 3))
    return Image.merge("YCbCr", [Image.frombytes("L", size, bytes(light)), blue, red])


def _run_lengths(file: DicomFile, data: bytes) -> bytes:
    """PS3.5 annex G: one segment for each byte of each sample, the high byte first, packed as TIFF's PackBits."""
    count, *starts = struct.unpack("<16L", data[:RLE_HEADER])
    if count != file.samples * file.allocated // 8:
        raise BadPictureError(damaged())
    area = file.rows * file.columns
    ends = [*starts[1:count], len(data)]
    planes = [
        # As one long line: runs may cross the ends of lines. Pillow stops when the line is full.
        Image.frombytes("L", (area, 1), data[start:end], "packbits", "L")
        for start, end in zip(starts[:count], ends, strict=True)
    ]
    if file.allocated == 16:
        high, low = planes
        return Image.merge("LA", [low, high]).tobytes()
    return b"".join(plane.tobytes() for plane in planes)


def _jpeg(file: DicomFile, data: bytes) -> Samples:
    with _opened(file, data, "JPEG") as image:
        if file.samples == 1:
            return Samples(_mode(image, "L"), stored_values(file))
        if file.photometric == "RGB" and not {"adobe_transform", "jfif"} & image.info.keys():
            # The header says that these are no YBR; without a marker of its own the decoder would think so.
            image.draft("YCbCr", image.size)
            return Samples(Image.frombytes("RGB", image.size, image.tobytes()))
        return Samples(_mode(image, "RGB"))


def _jpeg_2000(file: DicomFile, data: bytes) -> Samples:
    from pydicom.pixels.utils import get_j2k_parameters

    with _opened(file, data, "JPEG2000") as image:
        if file.samples == 3:
            return Samples(_mode(image, "RGB"))
        form: dict[str, Any] = get_j2k_parameters(data)
        # Pillow widens every number to the full 8 or 16 bits and makes it positive: both are undone.
        precision, wide = form["precision"], 8 if form["precision"] <= 8 else 16
        pixels = _mode(image, "L" if wide == 8 else "I;16")
        plain = (place >> (wide - precision) for place in range(1 << wide))
        half = 1 << (precision - 1)
        if form["is_signed"]:
            return Samples(pixels, [value - half for value in plain])
        return Samples(pixels, [(value ^ half) - half if file.signed else value for value in plain])


def _opened(file: DicomFile, data: bytes, form: str) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=[form])
    if image.size != (file.columns, file.rows):
        raise BadPictureError(damaged())
    return image


def _mode(image: Image.Image, mode: str) -> Image.Image:
    image.load()
    if image.mode != mode:
        raise BadPictureError(damaged())
    return image.copy()
