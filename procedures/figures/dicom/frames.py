"""The frames of an imported file: stored in a folder, decoded in a sandbox, and rendered with a chosen window."""

import json
import secrets
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from signal import SIGKILL, SIGXCPU
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast

from django.utils.translation import gettext as _
from PIL import Image

from procedures.figures import sandbox
from procedures.figures.decoding import DecodedImage, InvalidImageError, build_decoded_image, limit_width
from procedures.figures.dicom import frame_decoder
from procedures.figures.dicom.frame_decoder import RLE_LOSSLESS
from procedures.figures.dicom.grayscale import GrayscaleLut, Preset, Window, read_lut_descriptor
from procedures.figures.dicom.header import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    JPEG_SYNTAXES,
    MAX_DICOM_BYTES,
    MIN_FRAGMENT_COST,
    PALETTE_CHANNELS,
    PALETTE_INTERPRETATIONS,
    UNCOMPRESSED_SYNTAXES,
    DicomFile,
    damaged_message,
)
from procedures.figures.image_formats import read_bitstream_size, strip_j2k_metadata, strip_jpeg_metadata

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# A compressed frame may exceed twice the raw size only by headers and tables.
MAX_CODEC_OVERHEAD_BYTES = 64 * 1024
MAX_DECODER_MEMORY_BYTES = 2 * 1024**3
MAX_DECODER_CPU_SECONDS, MAX_DECODER_SECONDS = 30, 60
# Number of frames decoded ahead of use, because starting the decoder is the expensive part.
MAX_PREFETCHED_FRAMES = 3
# At most two decoders at a time: each may briefly use 2 GB.
DECODER_SLOTS = threading.BoundedSemaphore(2)
RAW_FILE, COMPRESSED_FILE = "frames.raw", "packed.raw"
METADATA_FILE = "frames.json"
MAX_THUMBNAILS = 24
THUMBNAIL_SIZE = 160
# The darkest and the brightest one percent are mostly collimator blades and metal.
OUTLIER_FRACTION = 0.01
# Pixels counted at a time: counting needs eight bytes for each.
COUNT_BLOCK_PIXELS = 1 << 20


@dataclass(frozen=True, slots=True)
class FrameLayout:
    """How the frames in a folder are stored.

    ``frame_ranges``: offset and length of each compressed frame; empty if uncompressed. ``palette``: RGB bytes for each
    bit pattern, in hexadecimal. ``frame_decoder`` reads the other fields by name.
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
        """Restore the result of ``asdict``."""
        frame_ranges = tuple((start, length) for start, length in data["frame_ranges"])
        return cls(**data | {"shape": tuple(data["shape"]), "frame_ranges": frame_ranges})

    @property
    def frame_bytes(self) -> int:
        """Bytes of a decoded frame."""
        import numpy as np

        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


def store_frames(file: DicomFile, folder: Path) -> FrameLayout:
    """Store the pixels of all frames in ``folder``, and nothing else. Call it inside ``translate_errors()``.

    Uncompressed frames are stored raw, without unused bits. Compressed frames stay compressed, without metadata; the
    first is decoded at once, so that a file that cannot be decoded is rejected now. RLE frames are all decoded, because
    text could be hidden after the end of their data.
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


def read_frame(layout: FrameLayout, folder: Path, number: int, upcoming: Sequence[int] = ()) -> "Array":
    """Return the samples of frame ``number`` (from 1), decoding it first if necessary.

    Decoded frames are cached in the folder. ``upcoming``: frames to be read next, some of which are decoded as well.
    """
    import numpy as np

    path, start = folder / RAW_FILE, (number - 1) * layout.frame_bytes
    if layout.frame_ranges:
        path, start = _frame_path(folder, number), 0
        if not path.exists():
            missing = [other for other in upcoming if not _frame_path(folder, other).exists()]
            _decode_frames(
                layout,
                folder,
                [(frame - 1, _frame_path(folder, frame)) for frame in [number, *missing[:MAX_PREFETCHED_FRAMES]]],
            )
    with path.open("rb") as raw:
        raw.seek(start)
        samples = np.frombuffer(raw.read(layout.frame_bytes), layout.dtype).reshape(layout.shape)
    if not layout.palette:
        return samples
    colors: Array = np.frombuffer(bytes.fromhex(layout.palette), np.uint8).reshape(-1, 3)
    rgb: Array = colors[_as_indexes(samples)]
    return rgb


def _frame_path(folder: Path, number: int) -> Path:
    return folder / f"frame-{number}.raw"


def _build_layout(file: DicomFile) -> FrameLayout:
    is_grayscale = file.samples_per_pixel == 1
    itemsize = file.bits_allocated // 8 if is_grayscale else 1
    options: dict[str, Any] = {
        "rows": file.rows,
        "columns": file.columns,
        "samples_per_pixel": file.samples_per_pixel,
        "bits_allocated": file.bits_allocated,
        # Includes the bits below the stored ones, which are shifted out of the result.
        "bits_stored": file.high_bit + 1,
        "photometric_interpretation": file.photometric_interpretation,
        "pixel_representation": int(file.is_signed),
        "pixel_keyword": "PixelData",
        "number_of_frames": 1,
    }
    if not is_grayscale:
        options["planar_configuration"] = int(file.is_planar)
    return FrameLayout(
        syntax=file.transfer_syntax,
        dtype=f"{'|' if itemsize == 1 else '<'}{'i' if file.is_signed and is_grayscale else 'u'}{itemsize}",
        shape=(file.rows, file.columns) if is_grayscale else (file.rows, file.columns, file.samples_per_pixel),
        shift=file.high_bit + 1 - (file.bits_stored if is_grayscale else 8),
        options=options,
        frame_ranges=(),
        palette=_build_palette(file) if file.photometric_interpretation in PALETTE_INTERPRETATIONS else "",
    )


def _build_palette(file: DicomFile) -> str:
    """Return the RGB bytes for each bit pattern of a pixel, in hexadecimal (PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6)."""
    import numpy as np

    columns = []
    for channel in PALETTE_CHANNELS:
        name = f"{channel}PaletteColorLookupTable"
        if f"{name}Data" not in file.dataset:
            raise InvalidImageError(_("The file’s color table is missing or in an unusual format. Export it as PNG."))
        count, first, _bits = read_lut_descriptor(file.dataset[f"{name}Descriptor"].value, file.is_signed)
        data = file.dataset[f"{name}Data"].value
        is_16bit = len(data) >= 2 * count
        dtype = "u1" if not is_16bit else "<u2" if file.dataset.original_encoding[1] else ">u2"
        table = np.frombuffer(data[: count * (1 + is_16bit)], dtype)
        if len(table) != count:
            raise InvalidImageError(damaged_message())
        patterns = np.arange(1 << file.bits_allocated, dtype=f"u{file.bits_allocated // 8}")
        values = patterns.view(f"i{file.bits_allocated // 8}") if file.is_signed else patterns
        columns.append(table[np.clip(values.astype(int) - first, 0, count - 1)])
    colors = np.stack(columns, axis=1)
    # Some writers store 8-bit values in 16-bit words.
    return (colors >> 8 if int(colors.max()) > 0xFF else colors).astype(np.uint8).tobytes().hex()


def _read_uncompressed(file: DicomFile, layout: FrameLayout, number: int) -> bytes:
    import numpy as np
    from pydicom.pixels.decoders.base import get_decoder

    first = number * file.frame_bytes
    # Big-endian words are swapped in pairs of bytes, even if a frame starts or ends in the middle of a word.
    offset = first % 2
    file.source.seek(file.pixel_offset + first - offset)
    data = file.source.read(offset + file.frame_bytes + (offset + file.frame_bytes) % 2)
    data += bytes(len(data) % 2)
    if file.is_byte_swapped:
        data = np.frombuffer(data, "u2").byteswap().tobytes()
    data = data[offset : offset + file.frame_bytes]
    # The decoder expects padding after an odd number of bytes.
    data += bytes(len(data) % 2)
    syntax = EXPLICIT_VR_LITTLE_ENDIAN if file.transfer_syntax == EXPLICIT_VR_BIG_ENDIAN else file.transfer_syntax
    pixels, _properties = get_decoder(syntax).as_array(data, index=0, **layout.options)
    raw: bytes = frame_decoder.convert_to_layout(pixels, asdict(layout)).tobytes()
    return raw


def _store_compressed(file: DicomFile, path: Path) -> list[tuple[int, int]]:
    frame_ranges, at = [], 0
    with path.open("xb") as output:
        for data in islice(_iter_bitstreams(file), file.frames):
            if not data or len(data) > 2 * file.frame_bytes + MAX_CODEC_OVERHEAD_BYTES:
                raise InvalidImageError(damaged_message())
            stripped = _strip_bitstream(file, data)
            output.write(stripped)
            frame_ranges.append((at, len(stripped)))
            at += len(stripped)
    if len(frame_ranges) < file.frames:
        raise InvalidImageError(damaged_message())
    return frame_ranges


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
    """Strip metadata, and check that the bitstream has the declared size, which decoders allocate."""
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
    """Decode frames (indexes from 0) in a sandbox and append each to its target file.

    Each frame has a file of its own, or all share one. Raise InvalidImageError if the first frame fails; later ones
    may fail silently, because they are decoded ahead of use.
    """
    temporary = {path: folder / f".{secrets.token_hex(4)}" for _index, path in targets}
    size = layout.frame_bytes * len(targets) // len(temporary)
    task = asdict(layout) | {
        "source": str(folder / COMPRESSED_FILE),
        "frames": [[*layout.frame_ranges[index], str(temporary[path])] for index, path in targets],
    }
    try:
        with DECODER_SLOTS:
            exit_code = _run_decoder(task, size)
        for path, file in temporary.items():
            if file.exists() and file.stat().st_size == size:
                file.replace(path)
    finally:
        for file in temporary.values():
            file.unlink(missing_ok=True)
    if not targets[0][1].exists():
        raise InvalidImageError(_too_slow_message() if exit_code in {-SIGXCPU, -SIGKILL} else damaged_message())


def _run_decoder(task: dict[str, Any], max_file_bytes: int) -> int:
    """Return the exit code of the decoder. ``max_file_bytes``: size of the largest file that it writes."""
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
    return _("A frame takes too long to decode. Export the pictures uncompressed (“Explicit VR Little Endian”).")


def write_metadata(
    folder: Path, layout: FrameLayout, *, luts: list[GrayscaleLut], standard_presets: tuple[Preset, ...], **facts: Any
) -> None:
    """Write the metadata file. Call it last: without it, the folder counts as empty.

    ``luts``: one for all frames, or one for each; duplicates are stored once.
    """
    serialized = [json.dumps(lut.to_dict()) for lut in luts]
    indexes = {lut: index for index, lut in enumerate(dict.fromkeys(serialized))}
    metadata = {
        "layout": asdict(layout),
        "luts": [json.loads(lut) for lut in indexes],
        "lut_indexes": [indexes[lut] for lut in serialized],
        "standard_presets": [asdict(preset) for preset in standard_presets],
        **facts,
    }
    (folder / METADATA_FILE).write_text(json.dumps(metadata))


@dataclass(frozen=True, slots=True)
class FrameSet:
    """The frames in a folder, each of which can be rendered with any window.

    ``modality``: one of ``grayscale.MODALITIES``, or "". ``dark_bone``: whether bone is darker than soft tissue when
    displayed as the file specifies; None if unknown.
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
    # Results of _count_values, by frame number.
    _histograms: "dict[int, tuple[Array, Array]]" = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the frames in ``folder``. Raise FileNotFoundError if there are none."""
        metadata: dict[str, Any] = json.loads((folder / METADATA_FILE).read_text())
        return cls(
            folder,
            **metadata
            | {
                "layout": FrameLayout.from_dict(metadata["layout"]),
                "luts": tuple(GrayscaleLut.from_dict(lut) for lut in metadata["luts"]),
                "lut_indexes": tuple(metadata["lut_indexes"]),
                "standard_presets": tuple(
                    Preset(preset["label"], Window(**preset["window"])) for preset in metadata["standard_presets"]
                ),
            },
        )

    @property
    def is_color(self) -> bool:
        """Whether the frames are in color, which has no windows and no polarity."""
        return not self.luts

    def render(self, number: int = 1, window: Window | None = None, *, invert: bool = False) -> DecodedImage:
        """Render frame ``number`` (from 1) to 8-bit pixels, at most MAX_WIDTH wide.

        Without ``window``, use the file's lookup table, else its first window, else the full range of values. The
        file's polarity always applies; ``invert`` inverts the result.
        """
        return build_decoded_image(limit_width(self._render_image(number, window, invert=invert)))

    def render_thumbnail(self, number: int) -> DecodedImage:
        """Render a thumbnail with the file's own window. Also decodes some of the next thumbnails' frames."""
        upcoming = [other for other in self.sample_frames() if other > number]
        image = self._render_image(number, None, invert=False, upcoming=upcoming)
        image.thumbnail((THUMBNAIL_SIZE, THUMBNAIL_SIZE))
        return build_decoded_image(image)

    def sample_frames(self, max_count: int = MAX_THUMBNAILS) -> list[int]:
        """Return up to ``max_count`` evenly spaced frame numbers, including the first and the last."""
        count = min(max_count, self.count)
        return sorted({1 + round(index * (self.count - 1) / max(1, count - 1)) for index in range(count)})

    def warnings(self, number: int) -> list[str]:
        """Return messages about settings in the file that are ignored for a grayscale frame."""
        lut = self._lut_for(number)
        if (lut.voi_lut or lut.presets) and not lut.is_usable(*self._histogram(number)):
            return [*lut.warnings, _unusable_window_message()]
        return list(lut.warnings)

    def full_range(self, number: int) -> Window:
        """Return the window from the darkest to the brightest pixel of a grayscale frame, ignoring padding."""
        return self._lut_for(number).full_range(self._histogram(number)[0])

    def presets(self, number: int) -> list[Preset]:
        """Return the windows to choose from: the file's own, the standard ones, and those computed for this frame."""
        lut = self._lut_for(number)
        values, counts = self._histogram(number)
        return [
            *lut.presets,
            *self.standard_presets,
            Preset(_("Full range"), lut.full_range(values)),
            Preset(_("Excluding extreme values"), _window_without_outliers(lut, values, counts)),
        ]

    def _lut_for(self, number: int) -> GrayscaleLut:
        return self.luts[self.lut_indexes[number - 1] if len(self.lut_indexes) > 1 else 0]

    def _read_samples(self, number: int, upcoming: Sequence[int] = ()) -> "Array":
        if not 1 <= number <= self.count:
            raise InvalidImageError(_("Choose a frame from 1 to %(frames)s.") % {"frames": self.count})
        return read_frame(self.layout, self.folder, number, upcoming)

    def _histogram(self, number: int, samples: "Array | None" = None) -> "tuple[Array, Array]":
        """Return the distinct stored values of a grayscale frame, sorted, and their pixel counts. Cached."""
        if number not in self._histograms:
            self._histograms[number] = _count_values(self._read_samples(number) if samples is None else samples)
        return self._histograms[number]

    def _render_image(
        self, number: int, window: Window | None, *, invert: bool, upcoming: Sequence[int] = ()
    ) -> Image.Image:
        import numpy as np

        pixels = self._read_samples(number, upcoming)
        if self.luts:
            values, counts = self._histogram(number, pixels)
            table = np.zeros(1 << (8 * pixels.dtype.itemsize), np.uint8)
            table[_as_indexes(values)] = self._lut_for(number).apply(values, counts, window, invert=invert)
            pixels = table[_as_indexes(pixels)]
        height, width = pixels.shape[:2]
        image = Image.frombytes("L" if self.luts else "RGB", (width, height), pixels.tobytes())
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


def _as_indexes(values: "Array") -> "Array":
    """Reinterpret values as unsigned, to index a table of all bit patterns."""
    return values.view(f"u{values.dtype.itemsize}")


def _count_values(samples: "Array") -> "tuple[Array, Array]":
    import numpy as np

    patterns = _as_indexes(samples.ravel())
    counts = np.zeros(1 << (8 * samples.dtype.itemsize), np.int64)
    for start in range(0, patterns.size, COUNT_BLOCK_PIXELS):
        counts += np.bincount(patterns[start : start + COUNT_BLOCK_PIXELS], minlength=counts.size)
    present = np.flatnonzero(counts)
    values = present.astype(patterns.dtype).view(samples.dtype)
    order = np.argsort(values)
    return values[order], counts[present][order]


def _window_without_outliers(lut: GrayscaleLut, values: "Array", counts: "Array") -> Window:
    """Return the window that excludes the darkest and the brightest OUTLIER_FRACTION of pixels."""
    import numpy as np

    if lut.padding_value is not None and np.any(values != lut.padding_value):
        counts = counts[values != lut.padding_value]
    rescaled = lut.rescale_values(values)
    if not rescaled.size:
        return lut.full_range(values)
    order = np.argsort(rescaled)
    rescaled, cumulative = rescaled[order], np.cumsum(counts[order])
    outliers = OUTLIER_FRACTION * cumulative[-1]
    low = rescaled[np.searchsorted(cumulative, outliers, side="right")]
    high = rescaled[np.searchsorted(cumulative, cumulative[-1] - outliers, side="left")]
    return Window((float(low) + float(high)) / 2, float(high - low) or 1.0)
