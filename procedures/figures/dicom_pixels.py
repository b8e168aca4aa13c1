"""The pixels of frames: copied from the file, stored compressed or bare, and unpacked by a decoder within limits."""

import json
import secrets
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from signal import SIGKILL, SIGXCPU
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast

from django.utils.translation import gettext as _

from procedures.figures import decoder, sandbox
from procedures.figures.bitstreams import bare_j2k, frame_size, without_extras
from procedures.figures.dicom_file import (
    BIG_ENDIAN,
    CHANNELS,
    EXPLICIT,
    FRAGMENT_COST,
    JPEGS,
    MAX_BYTES,
    NATIVE,
    PALETTE,
    RLE,
    DicomFile,
    damaged,
)
from procedures.figures.intake import BadPictureError

if TYPE_CHECKING:
    import numpy as np

    Samples = np.ndarray[Any, Any]

# A packed frame is smaller than a plain one, but for headers and tables.
TABLES = 64 * 1024
MAX_MEMORY = 2 * 1024**3
MAX_CPU_SECONDS, MAX_SECONDS = 30, 60
# Frames that are unpacked in advance.
MAX_ALONG = 3
# The machine has other work; each decoder may take 2 GB for a moment.
AT_ONCE = threading.BoundedSemaphore(2)
PIXELS, PACKED = "frames.raw", "packed.raw"


@dataclass(frozen=True, slots=True)
class Layout:
    """How the frames of a folder are stored.

    ``pieces``: start and length of each packed frame; none when bare. ``palette``: red, green and blue of each pattern
    of bits, in hexadecimal digits.
    """

    syntax: str
    dtype: str
    shape: tuple[int, ...]
    shift: int
    options: dict[str, Any]
    pieces: tuple[tuple[int, int], ...]
    palette: str = ""

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Self:
        """What ``asdict`` made of one."""
        pieces = tuple((start, length) for start, length in plain["pieces"])
        return cls(**plain | {"shape": tuple(plain["shape"]), "pieces": pieces})

    @property
    def frame_bytes(self) -> int:
        """Bytes of an unpacked frame."""
        import numpy as np

        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


def store(file: DicomFile, folder: Path) -> Layout:
    """The pixels of all frames, and nothing else, into ``folder``. Call it within ``sentences()``.

    Uncompressed frames are stored as numbers, without unused bits. Compressed ones stay compressed, without their
    comments, and the first is unpacked at once, so that a file that cannot be unpacked is refused now. Run lengths are
    all unpacked, because text could follow their end.
    """
    file.source.left, file.source.cost = 2 * MAX_BYTES, FRAGMENT_COST
    layout = _layout(file)
    if file.packing in NATIVE:
        with (folder / PIXELS).open("xb") as raw:
            for number in range(file.frames):
                raw.write(_native(file, layout, number))
        return layout
    with ExitStack() as on_failure:
        on_failure.callback((folder / PACKED).unlink, missing_ok=True)
        layout = Layout(**asdict(layout) | {"pieces": _pack(file, folder / PACKED)})
        if file.packing == RLE:
            _unpack(layout, folder, [(number, folder / PIXELS) for number in range(file.frames)])
            return Layout(**asdict(layout) | {"pieces": ()})
        read(layout, folder, 1)
        on_failure.pop_all()
    return layout


def read(layout: Layout, folder: Path, number: int, following: Sequence[int] = ()) -> "Samples":
    """Frame ``number`` (from 1). One that is still packed is unpacked, and the result is stored in the folder.

    ``following``: the next frames to be read. Some are unpacked along with it, because starting costs most.
    """
    import numpy as np

    place, start = folder / PIXELS, (number - 1) * layout.frame_bytes
    if layout.pieces:
        place, start = _place(folder, number), 0
        if not place.exists():
            missing = [other for other in following if not _place(folder, other).exists()]
            _unpack(layout, folder, [(one - 1, _place(folder, one)) for one in [number, *missing[:MAX_ALONG]]])
    with place.open("rb") as raw:
        raw.seek(start)
        found = np.frombuffer(raw.read(layout.frame_bytes), layout.dtype).reshape(layout.shape)
    if not layout.palette:
        return found
    colors: Samples = np.frombuffer(bytes.fromhex(layout.palette), np.uint8).reshape(-1, 3)
    shown: Samples = colors[found.view(f"u{found.dtype.itemsize}")]
    return shown


def _place(folder: Path, number: int) -> Path:
    return folder / f"frame-{number}.raw"


def _layout(file: DicomFile) -> Layout:
    grey = file.samples == 1
    size = file.allocated // 8 if grey else 1
    options: dict[str, Any] = {
        "rows": file.rows,
        "columns": file.columns,
        "samples_per_pixel": file.samples,
        "bits_allocated": file.allocated,
        # With the bits below the stored ones: they are shifted out of the result.
        "bits_stored": file.high_bit + 1,
        "photometric_interpretation": file.photometric,
        "pixel_representation": int(file.signed),
        "pixel_keyword": "PixelData",
        "number_of_frames": 1,
    }
    if not grey:
        options["planar_configuration"] = int(file.planar)
    return Layout(
        syntax=file.packing,
        dtype=f"{'|' if size == 1 else '<'}{'i' if file.signed and grey else 'u'}{size}",
        shape=(file.rows, file.columns) if grey else (file.rows, file.columns, file.samples),
        shift=file.high_bit + 1 - (file.stored if grey else 8),
        options=options,
        pieces=(),
        palette=_palette(file) if file.photometric in PALETTE else "",
    )


def _palette(file: DicomFile) -> str:
    """The file's table of colors for each number that a pixel can hold (PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6)."""
    import numpy as np

    columns = []
    for channel in CHANNELS:
        name = f"{channel}PaletteColorLookupTable"
        if f"{name}Data" not in file.dataset:
            raise BadPictureError(_("The file’s table of colors is missing or of an unusual form. Export it as PNG."))
        count, first, _bits = (int(part) for part in file.dataset[f"{name}Descriptor"].value)
        # Like the numbers of a grey table, these are stored with a sign or without.
        count, first = count & 0xFFFF or 0x10000, first & 0xFFFF
        first -= 0x10000 if file.signed and first >= 0x8000 else 0
        data = file.dataset[f"{name}Data"].value
        words = len(data) >= 2 * count
        dtype = "u1" if not words else "<u2" if file.dataset.original_encoding[1] else ">u2"
        table = np.frombuffer(data[: count * (1 + words)], dtype)
        if len(table) != count:
            raise BadPictureError(damaged())
        patterns = np.arange(1 << file.allocated, dtype=f"u{file.allocated // 8}")
        numbers = patterns.view(f"i{file.allocated // 8}") if file.signed else patterns
        columns.append(table[np.clip(numbers.astype(int) - first, 0, count - 1)])
    colors = np.stack(columns, axis=1)
    # Some writers store 8-bit numbers in 16-bit words.
    return (colors >> 8 if int(colors.max()) > 0xFF else colors).astype(np.uint8).tobytes().hex()


def _native(file: DicomFile, layout: Layout, number: int) -> bytes:
    import numpy as np
    from pydicom.pixels.decoders.base import get_decoder

    first = number * file.frame_bytes
    # Bytes of big-endian words are swapped in pairs, also where a frame begins or ends in the middle of one.
    over = first % 2
    file.source.seek(file.start + first - over)
    data = file.source.read(over + file.frame_bytes + (over + file.frame_bytes) % 2)
    data += bytes(len(data) % 2)
    if file.swapped:
        data = np.frombuffer(data, "u2").byteswap().tobytes()
    data = data[over : over + file.frame_bytes]
    # One frame of an odd number of bytes has no padding of its own.
    data += bytes(len(data) % 2)
    syntax = EXPLICIT if file.packing == BIG_ENDIAN else file.packing
    found, _properties = get_decoder(syntax).as_array(data, index=0, **layout.options)
    plain: bytes = decoder.fitting(found, asdict(layout)).tobytes()
    return plain


def _pack(file: DicomFile, place: Path) -> list[tuple[int, int]]:
    pieces, at = [], 0
    with place.open("xb") as packed:
        for data in islice(_bitstreams(file), file.frames):
            if not data or len(data) > 2 * file.frame_bytes + TABLES:
                raise BadPictureError(damaged())
            bare = _bare(file, data)
            packed.write(bare)
            pieces.append((at, len(bare)))
            at += len(bare)
    if len(pieces) < file.frames:
        raise BadPictureError(damaged())
    return pieces


def _bitstreams(file: DicomFile) -> Iterator[bytes]:
    from pydicom.encaps import generate_frames

    tables = (file.dataset.get("ExtendedOffsetTable"), file.dataset.get("ExtendedOffsetTableLengths"))
    file.source.seek(file.start)
    return generate_frames(
        cast("BinaryIO", file.source),
        number_of_frames=file.frames,
        extended_offsets=cast("tuple[bytes, bytes]", tables) if all(tables) else None,
    )


def _bare(file: DicomFile, data: bytes) -> bytes:
    """A bitstream without text, checked for the size that the header declares: decoders allocate what it declares."""
    if file.packing == RLE:
        return data
    data = without_extras(data, colors=False) if file.packing in JPEGS else bare_j2k(data)
    if frame_size(data) != (file.columns, file.rows, file.samples):
        raise BadPictureError(damaged())
    return data


def _unpack(layout: Layout, folder: Path, wanted: list[tuple[int, Path]]) -> None:
    """Append frames to the files named with them, in a process of its own. The first must succeed; later ones may fail.

    Each file gets one frame, or a single file gets them all.
    """
    drafts = {place: folder / f".{secrets.token_hex(4)}" for _number, place in wanted}
    size = layout.frame_bytes * len(wanted) // len(drafts)
    task = asdict(layout) | {
        "source": str(folder / PACKED),
        "frames": [[*layout.pieces[number], str(drafts[place])] for number, place in wanted],
    }
    try:
        with AT_ONCE:
            ended = _run(task, size)
        for place, draft in drafts.items():
            if draft.exists() and draft.stat().st_size == size:
                draft.replace(place)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    if not wanted[0][1].exists():
        raise BadPictureError(_too_much() if ended in {-SIGXCPU, -SIGKILL} else damaged())


def _run(task: dict[str, Any], size: int) -> int:
    """How the decoder ended. ``size``: bytes of the largest file that it writes."""
    try:
        return sandbox.run(
            Path(decoder.__file__),
            json.dumps(task).encode(),
            memory=MAX_MEMORY,
            cpu_seconds=MAX_CPU_SECONDS,
            seconds=MAX_SECONDS,
            file_bytes=(1 + (size >> 20)) << 20,
        ).returncode
    except subprocess.TimeoutExpired:
        return -SIGKILL


def _too_much() -> str:
    return _("A frame takes too long to unpack. Export the pictures uncompressed (“Explicit VR Little Endian”).")
