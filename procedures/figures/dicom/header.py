"""Reading and validation of DICOM headers within fixed limits. Nothing here decodes pixels.

A pydicom data set may contain a patient's name. It exists only during one call and is never passed outside this
package.
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

from portal import MEGABYTE
from portal.security import MAX_FILE_BYTES
from procedures.figures.decoding import DICOM_PREAMBLE_BYTES, InvalidImageError, is_dicom, validate_dimensions
from procedures.figures.dicom.frame_decoder import DECODER_PLUGINS
from procedures.figures.dicom.grayscale import read_numbers

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# The packages of the extra ``dicom``. Older installations had only pydicom.
REQUIRED_PACKAGES = ("pydicom", "numpy", "gdcm", "jpeg_ls", "pylibjpeg", "openjpeg")
MAX_DICOM_BYTES = MAX_FILE_BYTES
MAX_HEADER_BYTES = 16 * 1024 * 1024
MAX_FRAMES = 2000
MAX_PIXELS = 20_000_000
# For a deflated data set, which is held in memory.
MAX_INFLATED_BYTES = 64 * 1024 * 1024

# Minimum cost in bytes of any read, however short: this bounds the number of elements and fragments.
MIN_READ_COST, MIN_FRAGMENT_COST = 48, 1024
# pydicom parses functional groups and lookup tables completely on first access.
MAX_SEQUENCE_BYTES = 4 * 1024 * 1024

IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
EXPLICIT_VR_BIG_ENDIAN = "1.2.840.10008.1.2.2"
UNCOMPRESSED_SYNTAXES = frozenset({IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN})
SUPPORTED_SYNTAXES = UNCOMPRESSED_SYNTAXES | DECODER_PLUGINS.keys()
# Baseline, extended (8 or 12 bits), two lossless processes, JPEG-LS lossless and near-lossless; not JPEG 2000.
JPEG_SYNTAXES = frozenset(
    syntax for syntax, plugin in DECODER_PLUGINS.items() if plugin in {"pillow", "gdcm", "pyjpegls"}
)
GRAYSCALE_INTERPRETATIONS = frozenset({"MONOCHROME1", "MONOCHROME2"})
COLOR_INTERPRETATIONS = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"})
# Also accepted with 16 bits; only the eight most significant bits are used.
COLOR_16BIT_INTERPRETATIONS = frozenset({"RGB", "YBR_ICT", "YBR_RCT"})
PALETTE_INTERPRETATIONS = frozenset({"PALETTE COLOR"})
PALETTE_CHANNELS = ("Red", "Green", "Blue")

# The only elements that are ever read. They include no names, dates, or identifiers.
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
# pydicom logs invalid values, which could include a name.
logging.getLogger("pydicom").addHandler(logging.NullHandler())
logging.getLogger("pydicom").propagate = False

PIXEL_DATA_TAG = {True: b"\xe0\x7f\x10\x00", False: b"\x7f\xe0\x00\x10"}
UNDEFINED_LENGTH = 0xFFFFFFFF


class DeflatedFileError(Exception):
    """The rest of the file is a deflated data set."""


class BoundedReader(io.RawIOBase):
    """A file object that raises InvalidImageError after ``remaining_bytes``, whatever lengths the file declares."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        stream.seek(0)
        # Some files have the "DICM" prefix without the preamble that pydicom expects before it.
        self._start = 4 if stream.read(4) == b"DICM" else 0
        self.size = stream.seek(0, io.SEEK_END) - self._start
        stream.seek(self._start)
        self.remaining_bytes, self.min_read_cost = MAX_HEADER_BYTES, MIN_READ_COST

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to ``size`` bytes. An unlimited read means that pydicom found a deflated data set."""
        if size is None or size < 0:
            raise DeflatedFileError
        available = min(size, max(0, self.size - self.tell()))
        self.remaining_bytes -= max(available, self.min_read_cost)
        if self.remaining_bytes < 0:
            raise InvalidImageError(damaged_message())
        return self._stream.read(available)

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
    """A validated header.

    ``pixel_offset`` and ``pixel_length``: position and bytes of the value of Pixel Data, or of its first item if
    encapsulated. ``pixel_aspect``: height of a pixel divided by its width.
    """

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
        """Bytes of one uncompressed frame."""
        if self.photometric_interpretation == "YBR_FULL_422" and self.transfer_syntax in UNCOMPRESSED_SYNTAXES:
            return self.rows * self.columns * 2
        return self.rows * self.columns * self.samples_per_pixel * self.bits_allocated // 8


def is_dicom_installed() -> bool:
    """Return whether pydicom and its codecs are installed, so that screens can offer DICOM."""
    return all(find_spec(name) is not None for name in REQUIRED_PACKAGES)


def damaged_message() -> str:
    return _("The DICOM file is damaged or incomplete. Export it again and choose the new file.")


def unsupported_syntax_message() -> str:
    return _(
        "The pixels use an unusual compression or are stored as a video, which the portal cannot decode. Export the "
        "picture uncompressed (“Explicit VR Little Endian”), or as PNG, and choose the new file."
    )


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn any exception inside into InvalidImageError, without its cause, whose text may quote the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InvalidImageError:
        raise
    except Exception:
        # Parsers raise all kinds of exceptions for damaged files.
        raise InvalidImageError(damaged_message()) from None


def open_dicom(stream: BinaryIO) -> DicomFile:
    """Read and validate a header. Call it inside ``translate_errors()``."""
    if not is_dicom_installed():
        raise InvalidImageError(_("DICOM import is not set up. Ask your IT team."))
    source = BoundedReader(stream)
    if source.size > MAX_DICOM_BYTES:
        message = _("The DICOM file is larger than %(size)s MB. Export fewer frames and choose the new file.")
        raise InvalidImageError(message % {"size": MAX_DICOM_BYTES // MEGABYTE})
    if not is_dicom(source.read(DICOM_PREAMBLE_BYTES)):
        raise InvalidImageError(_("This is not a DICOM file."))
    dataset, source = read_dataset(source, [*LAYOUT_TAGS, *VALUE_TAGS])
    transfer_syntax = _read_transfer_syntax(dataset)
    if transfer_syntax not in SUPPORTED_SYNTAXES:
        raise InvalidImageError(unsupported_syntax_message())
    if _read_text(dataset, "BurnedInAnnotation") == "YES":
        raise InvalidImageError(
            _("The file states that its picture contains a name, date, or number. Choose a picture without one.")
        )
    for name in SEQUENCE_TAGS:
        raw = dataset.get_item(name)
        if raw is not None and isinstance(raw.value, bytes) and len(raw.value) > MAX_SEQUENCE_BYTES:
            raise InvalidImageError(damaged_message())
    return _build_dicom_file(dataset, source, transfer_syntax)


def read_dataset(source: BoundedReader, tags: list[str]) -> "tuple[Dataset, BoundedReader]":
    """Read these elements up to the pixels. Also return the reader positioned there: an inflated copy if deflated."""
    from pydicom import dcmread

    source.seek(0)
    try:
        dataset = dcmread(cast("BinaryIO", source), stop_before_pixels=True, specific_tags=list(tags), force=True)
    except DeflatedFileError:
        source = _inflate(source)
        dataset = dcmread(cast("BinaryIO", source), stop_before_pixels=True, specific_tags=list(tags), force=True)
    return dataset, source


def _inflate(source: BoundedReader) -> BoundedReader:
    """Inflate the data set that follows the uncompressed file meta information. The same read limits apply to it."""
    source.remaining_bytes = MAX_DICOM_BYTES
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = decompressor.decompress(source.read(MAX_INFLATED_BYTES), MAX_INFLATED_BYTES)
    if not decompressor.eof and len(inflated) == MAX_INFLATED_BYTES:
        raise InvalidImageError(
            _("Decompressed, the file is larger than 64 MB. Export it uncompressed (“Explicit VR Little Endian”).")
        )
    return BoundedReader(io.BytesIO(inflated))


def _read_transfer_syntax(dataset: "Dataset") -> str:
    """Return the transfer syntax UID, derived from the element encoding if the file does not declare it."""
    meta = getattr(dataset, "file_meta", None)
    declared = str(meta.get("TransferSyntaxUID") or "").strip("\0 ") if meta is not None else ""
    if declared:
        return declared
    implicit, little = dataset.original_encoding
    if not little:
        return EXPLICIT_VR_BIG_ENDIAN
    return IMPLICIT_VR_LITTLE_ENDIAN if implicit else EXPLICIT_VR_LITTLE_ENDIAN


def _build_dicom_file(dataset: "Dataset", source: BoundedReader, transfer_syntax: str) -> DicomFile:
    implicit, little = dataset.original_encoding
    start, length, is_word = _locate_pixel_data(source, is_implicit=bool(implicit), is_little_endian=bool(little))
    rows, columns = _read_number(dataset, "Rows", 0), _read_number(dataset, "Columns", 0)
    if not start or "Rows" not in dataset or "Columns" not in dataset:
        raise InvalidImageError(_("This DICOM file contains no picture. Choose another one."))
    samples, frames = _read_number(dataset, "SamplesPerPixel", 1), _read_number(dataset, "NumberOfFrames", 1) or 1
    value_count = max(1, rows * columns * samples * frames)
    allocated = _read_number(
        dataset, "BitsAllocated", 8 * length // value_count if transfer_syntax in UNCOMPRESSED_SYNTAXES else 0
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
        is_byte_swapped=not little and (is_word or allocated > 8),
        pixel_aspect=_read_pixel_aspect(dataset),
        dataset=dataset,
        source=source,
    )
    _validate_layout(file)
    return file


def _validate_layout(file: DicomFile) -> None:
    """Raise InvalidImageError for any pixel layout that cannot be displayed correctly."""
    if not 0 < file.rows * file.columns <= MAX_PIXELS:
        raise InvalidImageError(_("The picture has no pixels, or more than 20 million. Export a smaller copy."))
    if not 0 < file.frames <= MAX_FRAMES:
        raise InvalidImageError(_("The file has more than 2000 frames. Export fewer and choose the new file."))
    validate_dimensions((file.columns, file.rows))
    is_grayscale = (
        file.photometric_interpretation in GRAYSCALE_INTERPRETATIONS | PALETTE_INTERPRETATIONS
        and file.samples_per_pixel == 1
        and file.bits_allocated in {8, 16}
    )
    is_16bit_color = (
        file.bits_allocated == 16
        and file.bits_stored >= 8
        and file.photometric_interpretation in COLOR_16BIT_INTERPRETATIONS
    )
    is_color = (
        file.photometric_interpretation in COLOR_INTERPRETATIONS
        and file.samples_per_pixel == 3
        and (is_16bit_color or file.bits_allocated == file.bits_stored == 8)
    )
    if not (is_grayscale or is_color):
        raise InvalidImageError(_("The picture is neither grayscale nor color with up to 16 bits. Export it as PNG."))
    if not 0 < file.bits_stored <= file.high_bit + 1 <= file.bits_allocated:
        raise InvalidImageError(damaged_message())
    if file.pixel_length != UNDEFINED_LENGTH and file.pixel_offset + file.pixel_length > file.source.size:
        raise InvalidImageError(damaged_message())
    if file.transfer_syntax in UNCOMPRESSED_SYNTAXES and file.frames * file.frame_bytes > file.pixel_length:
        raise InvalidImageError(damaged_message())


def _locate_pixel_data(source: BoundedReader, *, is_implicit: bool, is_little_endian: bool) -> tuple[int, int, bool]:
    """Return the offset and length of Pixel Data, where pydicom stopped, and whether its VR is OW; zeros if absent."""
    head = source.read(8)
    if head[:4] != PIXEL_DATA_TAG[is_little_endian]:
        return 0, 0, False
    # Some writers declare explicit VR and switch to implicit VR partway.
    length = source.read(4) if head[4:6] in {b"OB", b"OW"} and not is_implicit else head[4:]
    return source.tell(), struct.unpack("<L" if is_little_endian else ">L", length)[0], head[4:6] == b"OW"


def _read_number(dataset: "Dataset", name: str, default: int) -> int:
    numbers = read_numbers(dataset, name)
    return int(numbers[0]) if numbers else default


def _read_text(dataset: "Dataset", name: str) -> str:
    value = dataset.get(name)
    # If a single-valued element has several values, use the first.
    value = value if isinstance(value, str) else next(iter(value or ()), "")
    return str(value).strip("\0 ").upper()


def _read_pixel_aspect(dataset: "Dataset") -> float:
    """Return the height of a pixel divided by its width. Implausible values are ignored."""
    for name in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing"):
        spacing = read_numbers(dataset, name)
        if len(spacing) == 2 and min(spacing) > 0 and 0.2 <= spacing[0] / spacing[1] <= 5:
            return spacing[0] / spacing[1]
    return 1.0
