"""The outside of a DICOM file: read without pixels and within limits, then checked. Nothing here decodes a picture.

The data set that pydicom makes of a file holds a patient's name. It lives for one call and never leaves these modules.
"""

import io
import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, BinaryIO, cast

from django.utils.translation import gettext as _

from procedures.figures.decoding import DICOM_PREAMBLE_BYTES, InvalidImageError, is_dicom, validate_dimensions
from procedures.figures.dicom.grayscale import read_numbers

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# What the extra installs. Older portals had pydicom alone.
REQUIRED_PACKAGES = ("pydicom", "numpy", "gdcm", "jpeg_ls", "pylibjpeg", "openjpeg")
MAX_DICOM_BYTES = 250 * 1024 * 1024
MAX_HEADER_BYTES = 16 * 1024 * 1024
MAX_FRAMES = 2000
MAX_PIXELS = 20_000_000
# Of a file that is compressed as a whole: it is held in memory.
MAX_INFLATED_BYTES = 64 * 1024 * 1024

# The least that one read counts for, however short: this bounds the number of elements and fragments.
MIN_READ_COST, MIN_FRAGMENT_COST = 48, 1024
# Functional groups and lookup tables are parsed as a whole on first access.
MAX_SEQUENCE_BYTES = 4 * 1024 * 1024

IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
EXPLICIT_VR_BIG_ENDIAN = "1.2.840.10008.1.2.2"
UNCOMPRESSED_SYNTAXES = frozenset({IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN})
RLE_LOSSLESS = "1.2.840.10008.1.2.5"
# Baseline, extended with 8 or 12 bits, lossless in two forms, JPEG-LS lossless and near-lossless.
JPEG_SYNTAXES = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70, 80, 81))
# JPEG 2000 lossless and lossy, High-Throughput JPEG 2000 in three forms.
JPEG_2000_SYNTAXES = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 201, 202, 203))
SUPPORTED_SYNTAXES = UNCOMPRESSED_SYNTAXES | {RLE_LOSSLESS} | JPEG_SYNTAXES | JPEG_2000_SYNTAXES
GRAYSCALE_INTERPRETATIONS = frozenset({"MONOCHROME1", "MONOCHROME2"})
COLOR_INTERPRETATIONS = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"})
# Of these, 16 bits are taken as well; only their eight highest are kept.
COLOR_16BIT_INTERPRETATIONS = frozenset({"RGB", "YBR_ICT", "YBR_RCT"})
PALETTE_INTERPRETATIONS = frozenset({"PALETTE COLOR"})
PALETTE_CHANNELS = ("Red", "Green", "Blue")

# All that is ever read of a file; names, dates and identifiers are not among it.
LAYOUT_TAGS = (
    "SamplesPerPixel PhotometricInterpretation PlanarConfiguration NumberOfFrames Rows Columns BitsAllocated "
    "BitsStored HighBit PixelRepresentation BurnedInAnnotation PixelAspectRatio PixelSpacing ImagerPixelSpacing "
    "ExtendedOffsetTable ExtendedOffsetTableLengths"
).split() + [
    f"{channel}PaletteColorLookupTable{part}" for channel in PALETTE_CHANNELS for part in ("Descriptor", "Data")
]
VALUE_TAGS = (
    "Modality RescaleSlope RescaleIntercept ModalityLUTSequence PixelIntensityRelationship "
    "PixelIntensityRelationshipSign VOILUTSequence "
    "WindowCenter WindowWidth VOILUTFunction PresentationLUTShape PixelPaddingValue "
    "SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence"
).split()
SEQUENCE_TAGS = tuple(name for name in VALUE_TAGS if name.endswith("Sequence"))
# pydicom writes odd values of a file into the log; a name could be among them.
logging.getLogger("pydicom").addHandler(logging.NullHandler())
logging.getLogger("pydicom").propagate = False

PIXEL_DATA_TAG = {True: b"\xe0\x7f\x10\x00", False: b"\x7f\xe0\x00\x10"}
UNDEFINED_LENGTH = 0xFFFFFFFF


class DeflatedFileError(Exception):
    """From here on the file is compressed as a whole."""


class BoundedReader(io.RawIOBase):
    """A file of which only ``left`` bytes may be read, whatever lengths and counts it declares."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        stream.seek(0)
        # Some files have the four letters, but not the preamble that pydicom expects before them.
        self._start = 4 if stream.read(4) == b"DICM" else 0
        self.size = stream.seek(0, io.SEEK_END) - self._start
        stream.seek(self._start)
        self.remaining_bytes, self.min_read_cost = MAX_HEADER_BYTES, MIN_READ_COST

    def read(self, size: int | None = -1, /) -> bytes:
        """At most what the file holds. Only deflated files are asked for as a whole."""
        if size is None or size < 0:
            raise DeflatedFileError
        there = min(size, max(0, self.size - self.tell()))
        self.remaining_bytes -= max(there, self.min_read_cost)
        if self.remaining_bytes < 0:
            raise InvalidImageError(damaged_message())
        return self._stream.read(there)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._stream.seek(offset + (self._start if whence == 0 else 0), whence) - self._start

    def tell(self) -> int:
        return self._stream.tell() - self._start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class DicomFile:
    """A checked header. ``start`` is where the first pixel (or the first packed item) lies, ``length`` its bytes."""

    rows: int
    columns: int
    frames: int
    samples_per_pixel: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    photometric_interpretation: str
    is_planar: bool
    transfer_syntax: str
    pixel_offset: int
    pixel_length: int
    is_byte_swapped: bool
    pixel_aspect: float
    dataset: "Dataset"
    source: BoundedReader

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame that is not compressed."""
        if self.photometric_interpretation == "YBR_FULL_422" and self.transfer_syntax in UNCOMPRESSED_SYNTAXES:
            return self.rows * self.columns * 2
        return self.rows * self.columns * self.samples_per_pixel * self.bits_allocated // 8


def is_dicom_installed() -> bool:
    """Whether pydicom and its codecs are installed. Screens ask before they offer DICOM."""
    return all(find_spec(name) is not None for name in REQUIRED_PACKAGES)


def damaged_message() -> str:
    return _("The DICOM file is damaged or cut off. Export it again and choose that.")


def unsupported_syntax_message() -> str:
    return _(
        "The pixels are packed in an unusual form or as a film, which the portal cannot unpack. Export the picture "
        "uncompressed (“Explicit VR Little Endian”), or as PNG, and choose that."
    )


@contextmanager
def translate_errors() -> Iterator[None]:
    """Whatever goes wrong inside is a BadPictureError. The cause is dropped: its text may quote the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InvalidImageError:
        raise
    except Exception:
        # Readers of broken files raise every kind of error there is.
        raise InvalidImageError(damaged_message()) from None


def open_dicom(stream: BinaryIO) -> DicomFile:
    """The header, read and checked. Call it within ``sentences()``."""
    if not is_dicom_installed():
        raise InvalidImageError(
            _("DICOM files need an addition to the portal. Ask IT for: pip install 'plainspine[dicom]'.")
        )
    source = BoundedReader(stream)
    if source.size > MAX_DICOM_BYTES:
        raise InvalidImageError(_("The DICOM file is larger than 250 MB. Export fewer frames and choose that."))
    if not is_dicom(source.read(DICOM_PREAMBLE_BYTES)):
        raise InvalidImageError(_("This is not a DICOM file."))
    dataset, source = read_dataset(source, [*LAYOUT_TAGS, *VALUE_TAGS])
    packing = _read_transfer_syntax(dataset)
    if packing not in SUPPORTED_SYNTAXES:
        raise InvalidImageError(unsupported_syntax_message())
    if _read_text(dataset, "BurnedInAnnotation") == "YES":
        raise InvalidImageError(
            _("The file says that a name, date or number is burned into its picture. Choose one without.")
        )
    for name in SEQUENCE_TAGS:
        raw = dataset.get_item(name)
        if raw is not None and isinstance(raw.value, bytes) and len(raw.value) > MAX_SEQUENCE_BYTES:
            raise InvalidImageError(damaged_message())
    return _build_dicom_file(dataset, source, packing)


def read_dataset(source: BoundedReader, tags: list[str]) -> "tuple[Dataset, BoundedReader]":
    """These elements up to the pixels, and the file in which the pixels follow: an inflated one if it was deflated."""
    from pydicom import dcmread

    source.seek(0)
    try:
        found = dcmread(cast("BinaryIO", source), stop_before_pixels=True, specific_tags=list(tags), force=True)
    except DeflatedFileError:
        source = _inflate(source)
        found = dcmread(cast("BinaryIO", source), stop_before_pixels=True, specific_tags=list(tags), force=True)
    return found, source


def _inflate(source: BoundedReader) -> BoundedReader:
    """The data set of a deflated file, of which only the header is plain. The same limits hold for reading it."""
    source.remaining_bytes = MAX_DICOM_BYTES
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = unpacker.decompress(source.read(MAX_INFLATED_BYTES), MAX_INFLATED_BYTES)
    if not unpacker.eof and len(plain) == MAX_INFLATED_BYTES:
        raise InvalidImageError(
            _("Unpacked, the file is larger than 64 MB. Export it uncompressed (“Explicit VR Little Endian”).")
        )
    return BoundedReader(io.BytesIO(plain))


def _read_transfer_syntax(dataset: "Dataset") -> str:
    """The transfer syntax; for a file without one, how its elements are written."""
    meta = getattr(dataset, "file_meta", None)
    said = str(meta.get("TransferSyntaxUID") or "").strip("\0 ") if meta is not None else ""
    if said:
        return said
    implicit, little = dataset.original_encoding
    if not little:
        return EXPLICIT_VR_BIG_ENDIAN
    return IMPLICIT_VR_LITTLE_ENDIAN if implicit else EXPLICIT_VR_LITTLE_ENDIAN


def _build_dicom_file(dataset: "Dataset", source: BoundedReader, transfer_syntax: str) -> DicomFile:
    implicit, little = dataset.original_encoding
    start, length, words = _locate_pixel_data(source, is_implicit=bool(implicit), is_little_endian=bool(little))
    rows, columns = _read_number(dataset, "Rows", 0), _read_number(dataset, "Columns", 0)
    if not start or "Rows" not in dataset or "Columns" not in dataset:
        raise InvalidImageError(_("This DICOM file holds no picture. Choose another one."))
    samples, frames = _read_number(dataset, "SamplesPerPixel", 1), _read_number(dataset, "NumberOfFrames", 1) or 1
    numbers = max(1, rows * columns * samples * frames)
    allocated = _read_number(
        dataset, "BitsAllocated", 8 * length // numbers if transfer_syntax in UNCOMPRESSED_SYNTAXES else 0
    )
    stored = _read_number(dataset, "BitsStored", allocated)
    file = DicomFile(
        rows=rows,
        columns=columns,
        frames=frames,
        samples_per_pixel=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=_read_number(dataset, "HighBit", stored - 1),
        is_signed=_read_number(dataset, "PixelRepresentation", 0) == 1,
        photometric_interpretation=_read_text(dataset, "PhotometricInterpretation")
        or ("MONOCHROME2" if samples == 1 else "RGB"),
        is_planar=_read_number(dataset, "PlanarConfiguration", 0) == 1,
        transfer_syntax=transfer_syntax,
        pixel_offset=start,
        pixel_length=length,
        is_byte_swapped=not little and (words or allocated > 8),
        pixel_aspect=_read_pixel_aspect(dataset),
        dataset=dataset,
        source=source,
    )
    _validate_layout(file)
    return file


def _validate_layout(file: DicomFile) -> None:
    """What the importer does not show rightly, it does not show."""
    if not 0 < file.rows * file.columns <= MAX_PIXELS:
        raise InvalidImageError(_("The picture has no pixels, or more than 20 million. Export a smaller copy."))
    if not 0 < file.frames <= MAX_FRAMES:
        raise InvalidImageError(_("The file has more than 2000 frames. Export fewer and choose that."))
    validate_dimensions((file.columns, file.rows))
    grey = (
        file.photometric_interpretation in GRAYSCALE_INTERPRETATIONS | PALETTE_INTERPRETATIONS
        and file.samples_per_pixel == 1
        and file.bits_allocated in {8, 16}
    )
    deep = (
        file.bits_allocated == 16
        and file.bits_stored >= 8
        and file.photometric_interpretation in COLOR_16BIT_INTERPRETATIONS
    )
    colour = (
        file.photometric_interpretation in COLOR_INTERPRETATIONS
        and file.samples_per_pixel == 3
        and (deep or file.bits_allocated == file.bits_stored == 8)
    )
    if not (grey or colour):
        raise InvalidImageError(_("The picture is neither grey nor colour with up to 16 bits. Export it as PNG."))
    if not 0 < file.bits_stored <= file.high_bit + 1 <= file.bits_allocated:
        raise InvalidImageError(damaged_message())
    if file.pixel_length != UNDEFINED_LENGTH and file.pixel_offset + file.pixel_length > file.source.size:
        raise InvalidImageError(damaged_message())
    if file.transfer_syntax in UNCOMPRESSED_SYNTAXES and file.frames * file.frame_bytes > file.pixel_length:
        raise InvalidImageError(damaged_message())


def _locate_pixel_data(source: BoundedReader, *, is_implicit: bool, is_little_endian: bool) -> tuple[int, int, bool]:
    """Start and length of the value of the element that pydicom stopped at, and whether it consists of words.

    Zeros when it is not pixels.
    """
    head = source.read(8)
    if head[:4] != PIXEL_DATA_TAG[is_little_endian]:
        return 0, 0, False
    # Some writers say explicit and fall back to implicit on the way.
    length = source.read(4) if head[4:6] in {b"OB", b"OW"} and not is_implicit else head[4:]
    return source.tell(), struct.unpack("<L" if is_little_endian else ">L", length)[0], head[4:6] == b"OW"


def _read_number(dataset: "Dataset", name: str, default: int) -> int:
    found = read_numbers(dataset, name)
    return int(found[0]) if found else default


def _read_text(dataset: "Dataset", name: str) -> str:
    value = dataset.get(name)
    # More than one value where there should be one: the first counts.
    value = value if isinstance(value, str) else next(iter(value or ()), "")
    return str(value).strip("\0 ").upper()


def _read_pixel_aspect(dataset: "Dataset") -> float:
    """How much higher than wide a pixel is. Sizes that make no sense are ignored."""
    for name in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing"):
        sizes = read_numbers(dataset, name)
        if len(sizes) == 2 and min(sizes) > 0 and 0.2 <= sizes[0] / sizes[1] <= 5:
            return sizes[0] / sizes[1]
    return 1.0
