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

from procedures.figures.dicom_values import numbers_of
from procedures.figures.intake import PREAMBLE, BadPictureError, is_dicom, right_shape

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# What the extra installs. Older portals had pydicom alone.
NEEDED = ("pydicom", "numpy", "gdcm", "jpeg_ls", "pylibjpeg", "openjpeg")
MAX_BYTES = 250 * 1024 * 1024
MAX_HEADER_BYTES = 16 * 1024 * 1024
MAX_FRAMES = 2000
MAX_PIXELS = 20_000_000
# Of a file that is compressed as a whole: it is held in memory.
MAX_INFLATED = 64 * 1024 * 1024

# The least that one read counts for, however short: this bounds the number of elements and fragments.
READ_COST, FRAGMENT_COST = 48, 1024
# Functional groups and lookup tables are parsed as a whole on first access.
MAX_SEQUENCE_BYTES = 4 * 1024 * 1024

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
NATIVE = frozenset({IMPLICIT, EXPLICIT, BIG_ENDIAN})
RLE = "1.2.840.10008.1.2.5"
# Baseline, extended with 8 or 12 bits, lossless in two forms, JPEG-LS lossless and near-lossless.
JPEGS = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70, 80, 81))
# JPEG 2000 lossless and lossy, High-Throughput JPEG 2000 in three forms.
JPEG_2000 = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 201, 202, 203))
READABLE = NATIVE | {RLE} | JPEGS | JPEG_2000
GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})
COLOUR = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"})
# Of these, 16 bits are taken as well; only their eight highest are kept.
DEEP = frozenset({"RGB", "YBR_ICT", "YBR_RCT"})
PALETTE = frozenset({"PALETTE COLOR"})
CHANNELS = ("Red", "Green", "Blue")

# All that is ever read of a file; names, dates and identifiers are not among it.
LAYOUT = (
    "SamplesPerPixel PhotometricInterpretation PlanarConfiguration NumberOfFrames Rows Columns BitsAllocated "
    "BitsStored HighBit PixelRepresentation BurnedInAnnotation PixelAspectRatio PixelSpacing ImagerPixelSpacing "
    "ExtendedOffsetTable ExtendedOffsetTableLengths"
).split() + [f"{channel}PaletteColorLookupTable{part}" for channel in CHANNELS for part in ("Descriptor", "Data")]
VALUES = (
    "Modality RescaleSlope RescaleIntercept ModalityLUTSequence PixelIntensityRelationship "
    "PixelIntensityRelationshipSign VOILUTSequence "
    "WindowCenter WindowWidth VOILUTFunction PresentationLUTShape PixelPaddingValue "
    "SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence"
).split()
SEQUENCES = tuple(name for name in VALUES if name.endswith("Sequence"))
# pydicom writes odd values of a file into the log; a name could be among them.
logging.getLogger("pydicom").addHandler(logging.NullHandler())
logging.getLogger("pydicom").propagate = False

PIXEL_DATA = {True: b"\xe0\x7f\x10\x00", False: b"\x7f\xe0\x00\x10"}
UNDEFINED = 0xFFFFFFFF


class DeflatedError(Exception):
    """From here on the file is compressed as a whole."""


class Bounded(io.RawIOBase):
    """A file of which only ``left`` bytes may be read, whatever lengths and counts it declares."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        stream.seek(0)
        # Some files have the four letters, but not the preamble that pydicom expects before them.
        self._start = 4 if stream.read(4) == b"DICM" else 0
        self.size = stream.seek(0, io.SEEK_END) - self._start
        stream.seek(self._start)
        self.left, self.cost = MAX_HEADER_BYTES, READ_COST

    def read(self, size: int | None = -1, /) -> bytes:
        """At most what the file holds. Only deflated files are asked for as a whole."""
        if size is None or size < 0:
            raise DeflatedError
        there = min(size, max(0, self.size - self.tell()))
        self.left -= max(there, self.cost)
        if self.left < 0:
            raise BadPictureError(damaged())
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
    samples: int
    allocated: int
    stored: int
    high_bit: int
    signed: bool
    photometric: str
    planar: bool
    packing: str
    start: int
    length: int
    swapped: bool
    stretch: float
    dataset: "Dataset"
    source: Bounded

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame that is not compressed."""
        if self.photometric == "YBR_FULL_422" and self.packing in NATIVE:
            return self.rows * self.columns * 2
        return self.rows * self.columns * self.samples * self.allocated // 8


def installed() -> bool:
    """Whether pydicom and its codecs are installed. Screens ask before they offer DICOM."""
    return all(find_spec(name) is not None for name in NEEDED)


def damaged() -> str:
    return _("The DICOM file is damaged or cut off. Export it again and choose that.")


def unknown_packing() -> str:
    return _(
        "The pixels are packed in an unusual form or as a film, which the portal cannot unpack. Export the picture "
        "uncompressed (“Explicit VR Little Endian”), or as PNG, and choose that."
    )


@contextmanager
def sentences() -> Iterator[None]:
    """Whatever goes wrong inside is a BadPictureError. The cause is dropped: its text may quote the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except BadPictureError:
        raise
    except Exception:
        # Readers of broken files raise every kind of error there is.
        raise BadPictureError(damaged()) from None


def open_dicom(stream: BinaryIO) -> DicomFile:
    """The header, read and checked. Call it within ``sentences()``."""
    if not installed():
        raise BadPictureError(
            _("DICOM files need an addition to the portal. Ask IT for: pip install 'plainspine[dicom]'.")
        )
    source = Bounded(stream)
    if source.size > MAX_BYTES:
        raise BadPictureError(_("The DICOM file is larger than 250 MB. Export fewer frames and choose that."))
    if not is_dicom(source.read(PREAMBLE)):
        raise BadPictureError(_("This is not a DICOM file."))
    dataset, source = read_dataset(source, [*LAYOUT, *VALUES])
    packing = _packing(dataset)
    if packing not in READABLE:
        raise BadPictureError(unknown_packing())
    if _text(dataset, "BurnedInAnnotation") == "YES":
        raise BadPictureError(
            _("The file says that a name, date or number is burned into its picture. Choose one without.")
        )
    for name in SEQUENCES:
        raw = dataset.get_item(name)
        if raw is not None and isinstance(raw.value, bytes) and len(raw.value) > MAX_SEQUENCE_BYTES:
            raise BadPictureError(damaged())
    return _checked(dataset, source, packing)


def read_dataset(source: Bounded, tags: list[str]) -> "tuple[Dataset, Bounded]":
    """These elements up to the pixels, and the file in which the pixels follow: an inflated one if it was deflated."""
    from pydicom import dcmread

    source.seek(0)
    try:
        found = dcmread(cast("BinaryIO", source), stop_before_pixels=True, specific_tags=list(tags), force=True)
    except DeflatedError:
        source = _inflated(source)
        found = dcmread(cast("BinaryIO", source), stop_before_pixels=True, specific_tags=list(tags), force=True)
    return found, source


def _inflated(source: Bounded) -> Bounded:
    """The data set of a deflated file, of which only the header is plain. The same limits hold for reading it."""
    source.left = MAX_BYTES
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = unpacker.decompress(source.read(MAX_INFLATED), MAX_INFLATED)
    if not unpacker.eof and len(plain) == MAX_INFLATED:
        raise BadPictureError(
            _("Unpacked, the file is larger than 64 MB. Export it uncompressed (“Explicit VR Little Endian”).")
        )
    return Bounded(io.BytesIO(plain))


def _packing(dataset: "Dataset") -> str:
    """The transfer syntax; for a file without one, how its elements are written."""
    meta = getattr(dataset, "file_meta", None)
    said = str(meta.get("TransferSyntaxUID") or "").strip("\0 ") if meta is not None else ""
    if said:
        return said
    implicit, little = dataset.original_encoding
    if not little:
        return BIG_ENDIAN
    return IMPLICIT if implicit else EXPLICIT


def _checked(dataset: "Dataset", source: Bounded, packing: str) -> DicomFile:
    implicit, little = dataset.original_encoding
    start, length, words = _pixel_data(source, implicit=bool(implicit), little=bool(little))
    rows, columns = _number(dataset, "Rows", 0), _number(dataset, "Columns", 0)
    if not start or "Rows" not in dataset or "Columns" not in dataset:
        raise BadPictureError(_("This DICOM file holds no picture. Choose another one."))
    samples, frames = _number(dataset, "SamplesPerPixel", 1), _number(dataset, "NumberOfFrames", 1) or 1
    numbers = max(1, rows * columns * samples * frames)
    allocated = _number(dataset, "BitsAllocated", 8 * length // numbers if packing in NATIVE else 0)
    stored = _number(dataset, "BitsStored", allocated)
    file = DicomFile(
        rows=rows,
        columns=columns,
        frames=frames,
        samples=samples,
        allocated=allocated,
        stored=stored,
        high_bit=_number(dataset, "HighBit", stored - 1),
        signed=_number(dataset, "PixelRepresentation", 0) == 1,
        photometric=_text(dataset, "PhotometricInterpretation") or ("MONOCHROME2" if samples == 1 else "RGB"),
        planar=_number(dataset, "PlanarConfiguration", 0) == 1,
        packing=packing,
        start=start,
        length=length,
        swapped=not little and (words or allocated > 8),
        stretch=_stretch(dataset),
        dataset=dataset,
        source=source,
    )
    _refuse_odd(file)
    return file


def _refuse_odd(file: DicomFile) -> None:
    """What the importer does not show rightly, it does not show."""
    if not 0 < file.rows * file.columns <= MAX_PIXELS:
        raise BadPictureError(_("The picture has no pixels, or more than 20 million. Export a smaller copy."))
    if not 0 < file.frames <= MAX_FRAMES:
        raise BadPictureError(_("The file has more than 2000 frames. Export fewer and choose that."))
    right_shape((file.columns, file.rows))
    grey = file.photometric in GREY | PALETTE and file.samples == 1 and file.allocated in {8, 16}
    deep = file.allocated == 16 and file.stored >= 8 and file.photometric in DEEP
    colour = file.photometric in COLOUR and file.samples == 3 and (deep or file.allocated == file.stored == 8)
    if not (grey or colour):
        raise BadPictureError(_("The picture is neither grey nor colour with up to 16 bits. Export it as PNG."))
    if not 0 < file.stored <= file.high_bit + 1 <= file.allocated:
        raise BadPictureError(damaged())
    if file.length != UNDEFINED and file.start + file.length > file.source.size:
        raise BadPictureError(damaged())
    if file.packing in NATIVE and file.frames * file.frame_bytes > file.length:
        raise BadPictureError(damaged())


def _pixel_data(source: Bounded, *, implicit: bool, little: bool) -> tuple[int, int, bool]:
    """Start and length of the value of the element that pydicom stopped at, and whether it consists of words.

    Zeros when it is not pixels.
    """
    head = source.read(8)
    if head[:4] != PIXEL_DATA[little]:
        return 0, 0, False
    # Some writers say explicit and fall back to implicit on the way.
    length = source.read(4) if head[4:6] in {b"OB", b"OW"} and not implicit else head[4:]
    return source.tell(), struct.unpack("<L" if little else ">L", length)[0], head[4:6] == b"OW"


def _number(dataset: "Dataset", name: str, default: int) -> int:
    found = numbers_of(dataset, name)
    return int(found[0]) if found else default


def _text(dataset: "Dataset", name: str) -> str:
    value = dataset.get(name)
    # More than one value where there should be one: the first counts.
    value = value if isinstance(value, str) else next(iter(value or ()), "")
    return str(value).strip("\0 ").upper()


def _stretch(dataset: "Dataset") -> float:
    """How much higher than wide a pixel is. Sizes that make no sense are ignored."""
    for name in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing"):
        sizes = numbers_of(dataset, name)
        if len(sizes) == 2 and min(sizes) > 0 and 0.2 <= sizes[0] / sizes[1] <= 5:
            return sizes[0] / sizes[1]
    return 1.0
