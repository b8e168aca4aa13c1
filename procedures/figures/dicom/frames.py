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

from procedures.figures import sandbox
from procedures.figures.decoding import InvalidImageError
from procedures.figures.dicom import frame_decoder
from procedures.figures.dicom.header import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    JPEG_SYNTAXES,
    MAX_DICOM_BYTES,
    MIN_FRAGMENT_COST,
    PALETTE_CHANNELS,
    PALETTE_INTERPRETATIONS,
    RLE_LOSSLESS,
    UNCOMPRESSED_SYNTAXES,
    DicomFile,
    damaged_message,
)
from procedures.figures.image_formats import read_bitstream_size, strip_j2k_metadata, strip_jpeg_metadata

if TYPE_CHECKING:
    import numpy as np

    Samples = np.ndarray[Any, Any]
from dataclasses import field
from typing import TYPE_CHECKING, Any

from PIL import Image

from procedures.figures.decoding import DecodedImage, build_decoded_image, limit_width
from procedures.figures.dicom.grayscale import GrayscaleLut, Preset, Window

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, Any]


# A packed frame is smaller than a plain one, but for headers and tables.
MAX_CODEC_OVERHEAD_BYTES = 64 * 1024
MAX_DECODER_MEMORY_BYTES = 2 * 1024**3
MAX_DECODER_CPU_SECONDS, MAX_DECODER_SECONDS = 30, 60
# Frames that are unpacked in advance.
MAX_PREFETCHED_FRAMES = 3
# The machine has other work; each decoder may take 2 GB for a moment.
DECODER_SLOTS = threading.BoundedSemaphore(2)
RAW_FILE, COMPRESSED_FILE = "frames.raw", "packed.raw"


@dataclass(frozen=True, slots=True)
class FrameLayout:
    """How the frames of a folder are stored.

    ``pieces``: start and length of each packed frame; none when bare. ``palette``: red, green and blue of each pattern
    of bits, in hexadecimal digits.
    """

    syntax: str
    dtype: str
    shape: tuple[int, ...]
    shift: int
    options: dict[str, Any]
    frame_ranges: tuple[tuple[int, int], ...]
    palette: str = ""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """What ``asdict`` made of one."""
        pieces = tuple((start, length) for start, length in data["frame_ranges"])
        return cls(**data | {"shape": tuple(data["shape"]), "frame_ranges": pieces})

    @property
    def frame_bytes(self) -> int:
        """Bytes of an unpacked frame."""
        import numpy as np

        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


def store_frames(file: DicomFile, folder: Path) -> FrameLayout:
    """The pixels of all frames, and nothing else, into ``folder``. Call it within ``sentences()``.

    Uncompressed frames are stored as numbers, without unused bits. Compressed ones stay compressed, without their
    comments, and the first is unpacked at once, so that a file that cannot be unpacked is refused now. Run lengths are
    all unpacked, because text could follow their end.
    """
    file.source.remaining_bytes, file.source.min_read_cost = 2 * MAX_DICOM_BYTES, MIN_FRAGMENT_COST
    layout = _build_layout(file)
    if file.transfer_syntax in UNCOMPRESSED_SYNTAXES:
        with (folder / RAW_FILE).open("xb") as raw:
            for number in range(file.frames):
                raw.write(_read_uncompressed(file, layout, number))
        return layout
    with ExitStack() as on_failure:
        on_failure.callback((folder / COMPRESSED_FILE).unlink, missing_ok=True)
        layout = FrameLayout(**asdict(layout) | {"frame_ranges": _store_compressed(file, folder / COMPRESSED_FILE)})
        if file.transfer_syntax == RLE_LOSSLESS:
            _decode_frames(layout, folder, [(number, folder / RAW_FILE) for number in range(file.frames)])
            return FrameLayout(**asdict(layout) | {"frame_ranges": ()})
        read_frame(layout, folder, 1)
        on_failure.pop_all()
    return layout


def read_frame(layout: FrameLayout, folder: Path, number: int, upcoming: Sequence[int] = ()) -> "Samples":
    """Frame ``number`` (from 1). One that is still packed is unpacked, and the result is stored in the folder.

    ``following``: the next frames to be read. Some are unpacked along with it, because starting costs most.
    """
    import numpy as np

    place, start = folder / RAW_FILE, (number - 1) * layout.frame_bytes
    if layout.frame_ranges:
        place, start = _frame_path(folder, number), 0
        if not place.exists():
            missing = [other for other in upcoming if not _frame_path(folder, other).exists()]
            _decode_frames(
                layout,
                folder,
                [(one - 1, _frame_path(folder, one)) for one in [number, *missing[:MAX_PREFETCHED_FRAMES]]],
            )
    with place.open("rb") as raw:
        raw.seek(start)
        found = np.frombuffer(raw.read(layout.frame_bytes), layout.dtype).reshape(layout.shape)
    if not layout.palette:
        return found
    colors: Samples = np.frombuffer(bytes.fromhex(layout.palette), np.uint8).reshape(-1, 3)
    shown: Samples = colors[found.view(f"u{found.dtype.itemsize}")]
    return shown


def _frame_path(folder: Path, number: int) -> Path:
    return folder / f"frame-{number}.raw"


def _build_layout(file: DicomFile) -> FrameLayout:
    grey = file.samples_per_pixel == 1
    size = file.bits_allocated // 8 if grey else 1
    options: dict[str, Any] = {
        "rows": file.rows,
        "columns": file.columns,
        "samples_per_pixel": file.samples_per_pixel,
        "bits_allocated": file.bits_allocated,
        # With the bits below the stored ones: they are shifted out of the result.
        "bits_stored": file.high_bit + 1,
        "photometric_interpretation": file.photometric_interpretation,
        "pixel_representation": int(file.is_signed),
        "pixel_keyword": "PixelData",
        "number_of_frames": 1,
    }
    if not grey:
        options["planar_configuration"] = int(file.is_planar)
    return FrameLayout(
        syntax=file.transfer_syntax,
        dtype=f"{'|' if size == 1 else '<'}{'i' if file.is_signed and grey else 'u'}{size}",
        shape=(file.rows, file.columns) if grey else (file.rows, file.columns, file.samples_per_pixel),
        shift=file.high_bit + 1 - (file.bits_stored if grey else 8),
        options=options,
        frame_ranges=(),
        palette=_build_palette(file) if file.photometric_interpretation in PALETTE_INTERPRETATIONS else "",
    )


def _build_palette(file: DicomFile) -> str:
    """The file's table of colors for each number that a pixel can hold (PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6)."""
    import numpy as np

    columns = []
    for channel in PALETTE_CHANNELS:
        name = f"{channel}PaletteColorLookupTable"
        if f"{name}Data" not in file.dataset:
            raise InvalidImageError(_("The file’s table of colors is missing or of an unusual form. Export it as PNG."))
        count, first, _bits = (int(part) for part in file.dataset[f"{name}Descriptor"].value)
        # Like the numbers of a grey table, these are stored with a sign or without.
        count, first = count & 0xFFFF or 0x10000, first & 0xFFFF
        first -= 0x10000 if file.is_signed and first >= 0x8000 else 0
        data = file.dataset[f"{name}Data"].value
        words = len(data) >= 2 * count
        dtype = "u1" if not words else "<u2" if file.dataset.original_encoding[1] else ">u2"
        table = np.frombuffer(data[: count * (1 + words)], dtype)
        if len(table) != count:
            raise InvalidImageError(damaged_message())
        patterns = np.arange(1 << file.bits_allocated, dtype=f"u{file.bits_allocated // 8}")
        numbers = patterns.view(f"i{file.bits_allocated // 8}") if file.is_signed else patterns
        columns.append(table[np.clip(numbers.astype(int) - first, 0, count - 1)])
    colors = np.stack(columns, axis=1)
    # Some writers store 8-bit numbers in 16-bit words.
    return (colors >> 8 if int(colors.max()) > 0xFF else colors).astype(np.uint8).tobytes().hex()


def _read_uncompressed(file: DicomFile, layout: FrameLayout, number: int) -> bytes:
    import numpy as np
    from pydicom.pixels.decoders.base import get_decoder

    first = number * file.frame_bytes
    # Bytes of big-endian words are swapped in pairs, also where a frame begins or ends in the middle of one.
    over = first % 2
    file.source.seek(file.pixel_offset + first - over)
    data = file.source.read(over + file.frame_bytes + (over + file.frame_bytes) % 2)
    data += bytes(len(data) % 2)
    if file.is_byte_swapped:
        data = np.frombuffer(data, "u2").byteswap().tobytes()
    data = data[over : over + file.frame_bytes]
    # One frame of an odd number of bytes has no padding of its own.
    data += bytes(len(data) % 2)
    syntax = EXPLICIT_VR_LITTLE_ENDIAN if file.transfer_syntax == EXPLICIT_VR_BIG_ENDIAN else file.transfer_syntax
    found, _properties = get_decoder(syntax).as_array(data, index=0, **layout.options)
    plain: bytes = frame_decoder.convert_to_layout(found, asdict(layout)).tobytes()
    return plain


def _store_compressed(file: DicomFile, path: Path) -> list[tuple[int, int]]:
    pieces, at = [], 0
    with path.open("xb") as packed:
        for data in islice(_iter_bitstreams(file), file.frames):
            if not data or len(data) > 2 * file.frame_bytes + MAX_CODEC_OVERHEAD_BYTES:
                raise InvalidImageError(damaged_message())
            bare = _strip_bitstream(file, data)
            packed.write(bare)
            pieces.append((at, len(bare)))
            at += len(bare)
    if len(pieces) < file.frames:
        raise InvalidImageError(damaged_message())
    return pieces


def _iter_bitstreams(file: DicomFile) -> Iterator[bytes]:
    from pydicom.encaps import generate_frames

    tables = (file.dataset.get("ExtendedOffsetTable"), file.dataset.get("ExtendedOffsetTableLengths"))
    file.source.seek(file.pixel_offset)
    return generate_frames(
        cast("BinaryIO", file.source),
        number_of_frames=file.frames,
        extended_offsets=cast("tuple[bytes, bytes]", tables) if all(tables) else None,
    )


def _strip_bitstream(file: DicomFile, data: bytes) -> bytes:
    """A bitstream without text, checked for the size that the header declares: decoders allocate what it declares."""
    if file.transfer_syntax == RLE_LOSSLESS:
        return data
    data = (
        strip_jpeg_metadata(data, keep_color_profile=False)
        if file.transfer_syntax in JPEG_SYNTAXES
        else strip_j2k_metadata(data)
    )
    if read_bitstream_size(data) != (file.columns, file.rows, file.samples_per_pixel):
        raise InvalidImageError(damaged_message())
    return data


def _decode_frames(layout: FrameLayout, folder: Path, targets: list[tuple[int, Path]]) -> None:
    """Append frames to the files named with them, in a process of its own. The first must succeed; later ones may fail.

    Each file gets one frame, or a single file gets them all.
    """
    drafts = {place: folder / f".{secrets.token_hex(4)}" for _number, place in targets}
    size = layout.frame_bytes * len(targets) // len(drafts)
    task = asdict(layout) | {
        "source": str(folder / COMPRESSED_FILE),
        "frames": [[*layout.frame_ranges[number], str(drafts[place])] for number, place in targets],
    }
    try:
        with DECODER_SLOTS:
            ended = _run_decoder(task, size)
        for place, draft in drafts.items():
            if draft.exists() and draft.stat().st_size == size:
                draft.replace(place)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    if not targets[0][1].exists():
        raise InvalidImageError(_too_slow_message() if ended in {-SIGXCPU, -SIGKILL} else damaged_message())


def _run_decoder(task: dict[str, Any], max_file_bytes: int) -> int:
    """How the decoder ended. ``size``: bytes of the largest file that it writes."""
    try:
        return sandbox.run_sandboxed(
            Path(frame_decoder.__file__),
            json.dumps(task).encode(),
            memory_bytes=MAX_DECODER_MEMORY_BYTES,
            cpu_seconds=MAX_DECODER_CPU_SECONDS,
            timeout_seconds=MAX_DECODER_SECONDS,
            max_file_bytes=(1 + (max_file_bytes >> 20)) << 20,
        ).returncode
    except subprocess.TimeoutExpired:
        return -SIGKILL


def _too_slow_message() -> str:
    return _("A frame takes too long to unpack. Export the pictures uncompressed (“Explicit VR Little Endian”).")


METADATA_FILE = "frames.json"
MAX_THUMBNAILS = 24
THUMBNAIL_SIZE = 160
# The darkest and the brightest hundredth are mostly shutters and metal.
OUTLIER_FRACTION = 0.01
# Pixels that are counted at once: counting needs eight bytes for each.
COUNT_BLOCK_PIXELS = 1 << 20


def write_metadata(
    folder: Path, layout: FrameLayout, *, luts: list[GrayscaleLut], standard_presets: tuple[Preset, ...], **facts: Any
) -> None:
    """Write the numbers, last: nothing is read without them. ``tones``: one for all frames or one for each."""
    plain = [json.dumps(tone.to_dict()) for tone in luts]
    kept = {tone: place for place, tone in enumerate(dict.fromkeys(plain))}
    numbers = {
        "layout": asdict(layout),
        "luts": [json.loads(tone) for tone in kept],
        "lut_indexes": [kept[tone] for tone in plain],
        "standard_presets": [asdict(preset) for preset in standard_presets],
        **facts,
    }
    (folder / METADATA_FILE).write_text(json.dumps(numbers))


@dataclass(frozen=True, slots=True)
class FrameSet:
    """Such a folder, read: every frame can be shown in any window.

    ``modality`` is one of dicom_values.MODALITIES, or empty. ``dark_bone`` says whether bone is darker than soft tissue
    when the frame is shown as the file asks; None when the file does not say.
    """

    folder: Path
    layout: FrameLayout
    count: int
    pixel_aspect: float
    luts: tuple[GrayscaleLut, ...]
    lut_indexes: tuple[int, ...]
    standard_presets: tuple[Preset, ...]
    modality: str
    dark_bone: bool | None
    # Results of _counted, by number of the frame.
    _histograms: "dict[int, tuple[Numbers, Numbers]]" = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises FileNotFoundError where no frames wait."""
        plain: dict[str, Any] = json.loads((folder / METADATA_FILE).read_text())
        return cls(
            folder,
            **plain
            | {
                "layout": FrameLayout.from_dict(plain["layout"]),
                "luts": tuple(GrayscaleLut.from_dict(tone) for tone in plain["luts"]),
                "lut_indexes": tuple(plain["lut_indexes"]),
                "standard_presets": tuple(
                    Preset(preset["label"], Window(**preset["window"])) for preset in plain["standard_presets"]
                ),
            },
        )

    @property
    def is_color(self) -> bool:
        """Colour has neither windows nor polarity."""
        return not self.luts

    def render(self, number: int = 1, window: Window | None = None, *, invert: bool = False) -> DecodedImage:
        """Frame ``number`` (from 1) as 8-bit pixels, no wider than what is kept.

        Without ``window``: the file's own table, else its first window, else from the darkest to the brightest pixel.
        The file's polarity is always followed; ``invert`` turns the result.
        """
        return build_decoded_image(limit_width(self._render_image(number, window, invert=invert)))

    def render_thumbnail(self, number: int) -> DecodedImage:
        """The frame as the file wants it shown, at most 160 px wide and high. Also unpacks the next few frames."""
        following = [other for other in self.sample_frames() if other > number]
        image = self._render_image(number, None, invert=False, upcoming=following)
        image.thumbnail((THUMBNAIL_SIZE, THUMBNAIL_SIZE))
        return build_decoded_image(image)

    def sample_frames(self, max_count: int = MAX_THUMBNAILS) -> list[int]:
        """Numbers of at most ``most`` frames, from the first to the last, evenly."""
        count = min(max_count, self.count)
        return sorted({1 + round(place * (self.count - 1) / max(1, count - 1)) for place in range(count)})

    def warnings(self, number: int) -> list[str]:
        """What of the file is ignored for a grey frame, as sentences."""
        tone = self._lut_for(number)
        if (tone.voi_lut or tone.presets) and not tone.is_usable(*self._histogram(number)):
            return [*tone.warnings, _unusable_window_message()]
        return list(tone.warnings)

    def full_range(self, number: int) -> Window:
        """From the darkest to the brightest pixel of a grey frame, without what only fills its corners."""
        return self._lut_for(number).full_range(self._histogram(number)[0])

    def presets(self, number: int) -> list[Preset]:
        """Windows to choose from: those of the file, those that every viewer has, those that this frame needs."""
        tone = self._lut_for(number)
        values, counts = self._histogram(number)
        return [
            *tone.presets,
            *self.standard_presets,
            Preset(_("Full range"), tone.full_range(values)),
            Preset(_("Without the extremes"), _window_without_outliers(tone, values, counts)),
        ]

    def _lut_for(self, number: int) -> GrayscaleLut:
        return self.luts[self.lut_indexes[number - 1] if len(self.lut_indexes) > 1 else 0]

    def _read_samples(self, number: int, upcoming: Sequence[int] = ()) -> "Numbers":
        if not 1 <= number <= self.count:
            raise InvalidImageError(_("Choose a frame from 1 to %(frames)s.") % {"frames": self.count})
        return read_frame(self.layout, self.folder, number, upcoming)

    def _histogram(self, number: int, samples: "Numbers | None" = None) -> "tuple[Numbers, Numbers]":
        """The stored numbers that occur in a grey frame, in order, and how many pixels have each. Counted once."""
        if number not in self._histograms:
            self._histograms[number] = _count_values(self._read_samples(number) if samples is None else samples)
        return self._histograms[number]

    def _render_image(
        self, number: int, window: Window | None, *, invert: bool, upcoming: Sequence[int] = ()
    ) -> Image.Image:
        import numpy as np

        found = self._read_samples(number, upcoming)
        if self.luts:
            values, counts = self._histogram(number, found)
            table = np.zeros(1 << (8 * found.dtype.itemsize), np.uint8)
            table[_as_indexes(values)] = self._lut_for(number).apply(values, counts, window, invert=invert)
            found = table[_as_indexes(found)]
        height, width = found.shape[:2]
        image = Image.frombytes("L" if self.luts else "RGB", (width, height), found.tobytes())
        if self.pixel_aspect != 1:
            image = image.resize(
                (image.width, max(1, round(image.height * self.pixel_aspect))), Image.Resampling.LANCZOS
            )
        return image


def _unusable_window_message() -> str:
    return _(
        "The file’s own window would show nearly all of this frame in one shade. It is shown from its darkest to its "
        "brightest pixel."
    )


def _as_indexes(values: "Numbers") -> "Numbers":
    """Numbers as indexes into a table of all their bit patterns."""
    return values.view(f"u{values.dtype.itemsize}")


def _count_values(samples: "Numbers") -> "tuple[Numbers, Numbers]":
    import numpy as np

    patterns = _as_indexes(samples.ravel())
    counts = np.zeros(1 << (8 * samples.dtype.itemsize), np.int64)
    for start in range(0, patterns.size, COUNT_BLOCK_PIXELS):
        counts += np.bincount(patterns[start : start + COUNT_BLOCK_PIXELS], minlength=counts.size)
    present = np.flatnonzero(counts)
    values = present.astype(patterns.dtype).view(samples.dtype)
    order = np.argsort(values)
    return values[order], counts[present][order]


def _window_without_outliers(lut: GrayscaleLut, values: "Numbers", counts: "Numbers") -> Window:
    """From the darkest to the brightest pixel, without the darkest and the brightest hundredth of them."""
    import numpy as np

    if lut.padding_value is not None and np.any(values != lut.padding_value):
        counts = counts[values != lut.padding_value]
    numbers = lut.rescale_values(values)
    if not numbers.size:
        return lut.full_range(values)
    order = np.argsort(numbers)
    numbers, passed = numbers[order], np.cumsum(counts[order])
    left = OUTLIER_FRACTION * passed[-1]
    low = numbers[np.searchsorted(passed, left, side="right")]
    high = numbers[np.searchsorted(passed, passed[-1] - left, side="left")]
    return Window((float(low) + float(high)) / 2, float(high - low) or 1.0)
