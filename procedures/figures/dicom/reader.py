"""Read pictures from DICOM files and 16-bit PNGs (extra ``dicom``), for which a person chooses a window.

Only pixels leave: no text, no overlay, no part of the data set.

No file counts as clean. Names are often part of the picture itself, and ``BurnedInAnnotation: NO`` is no proof: a
person looks, crops or blackens (``figures.edit``), and ticks. Every refusal is a BadPictureError with a sentence.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from django.utils.translation import gettext as _

from procedures.figures.decoding import DICOM_PREAMBLE_BYTES, InvalidImageError, is_dicom, read_16bit_grayscale
from procedures.figures.dicom.frames import RAW_FILE, FrameLayout, FrameSet, store_frames, write_metadata
from procedures.figures.dicom.grayscale import (
    VOI_LINEAR_EXACT,
    GrayscaleLut,
    LinearRescale,
    Preset,
    Window,
    build_lut,
    is_bone_dark,
    read_modality,
    standard_presets,
)
from procedures.figures.dicom.header import (
    COLOR_INTERPRETATIONS,
    EXPLICIT_VR_LITTLE_ENDIAN,
    MAX_DICOM_BYTES,
    PALETTE_INTERPRETATIONS,
    DicomFile,
    is_dicom_installed,
    open_dicom,
    translate_errors,
)

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "DICOM_PREAMBLE_BYTES",
    "MAX_DICOM_BYTES",
    "DicomHeader",
    "FrameSet",
    "extract_16bit_png",
    "extract_frames",
    "is_dicom",
    "is_dicom_installed",
    "read_header",
]


@dataclass(frozen=True, slots=True)
class DicomHeader:
    """What a header says of its picture; ``lowest`` and ``highest`` are the least and most that its bits can hold."""

    rows: int
    columns: int
    frames: int
    is_color: bool
    is_inverted: bool
    presets: tuple[Preset, ...]
    min_value: float
    max_value: float
    # Always: whatever the file says about itself.
    needs_human_check: bool = True


def read_header(stream: BinaryIO) -> DicomHeader:
    """What the file holds, without reading its pixels."""
    with translate_errors():
        return _build_header(open_dicom(stream))


def extract_frames(stream: BinaryIO, folder: Path) -> FrameSet:
    """The pixels of all frames into an empty ``folder``, with the numbers that turn them into grey, and nothing else.

    The header is judged before the first pixel is read; no more than MAX_BYTES of pixels are written.
    """
    with translate_errors():
        file = open_dicom(stream)
        info = _build_header(file)
        if (
            file.rows * file.columns * file.samples_per_pixel * (file.bits_allocated // 8) * file.frames
            > MAX_DICOM_BYTES
        ):
            raise InvalidImageError(_("Unpacked, the pictures are larger than 250 MB. Export fewer frames."))
        layout = store_frames(file, folder)
        own = file.frames if "PerFrameFunctionalGroupsSequence" in file.dataset else 1
        write_metadata(
            folder,
            layout,
            count=file.frames,
            luts=[] if info.is_color else [_build_frame_lut(file, number) for number in range(1, own + 1)],
            standard_presets=() if info.is_color else standard_presets(file.dataset),
            pixel_aspect=file.pixel_aspect,
            modality=read_modality(file.dataset),
            dark_bone=is_bone_dark(file.dataset),
        )
    return FrameSet.load(folder)


def extract_16bit_png(data: bytes, folder: Path) -> bool:
    """Write the numbers of a grey PNG with 16 bits to ``folder``, as one frame; nothing for any other picture.

    True when a person has to choose a window, because the file does not say which number is white. Call it with a file
    that ``read_picture`` has accepted.
    """
    found = read_16bit_grayscale(data) if is_dicom_installed() else None
    if found is None:
        return False
    image, white = found
    (folder / RAW_FILE).write_bytes(image.tobytes())
    most = (1 << white.bits) - 1
    presets = [Preset(_("All %(bits)s bits") % {"bits": white.bits}, Window(most / 2, most))]
    notes = []
    if white.value < most:
        presets.insert(0, Preset(_("Without bright spots"), Window(white.value / 2, white.value)))
    if white.is_dim:
        notes.append(
            _("Most of the picture is much darker than white. Choose the window that shows it best, and check it.")
        )
    elif not white.is_declared:
        note = _(
            "The file has room for 16 bits in each pixel and uses %(bits)s. It does not say which number is white."
        )
        notes.append(note % {"bits": white.bits})
    tone = GrayscaleLut(LinearRescale(1, 0), None, tuple(presets), VOI_LINEAR_EXACT, False, None, tuple(notes))
    write_metadata(
        folder,
        FrameLayout(EXPLICIT_VR_LITTLE_ENDIAN, "<u2", (image.height, image.width), 0, {}, ()),
        count=1,
        luts=[tone],
        standard_presets=(),
        pixel_aspect=1,
        modality="",
        dark_bone=None,
    )
    return not white.is_declared


def _build_header(file: DicomFile) -> DicomHeader:
    if file.photometric_interpretation in COLOR_INTERPRETATIONS | PALETTE_INTERPRETATIONS:
        return DicomHeader(file.rows, file.columns, file.frames, True, False, (), 0, 255)
    tones = _build_frame_lut(file, 1)
    numbers = tones.rescale(_possible_values(file))
    return DicomHeader(
        rows=file.rows,
        columns=file.columns,
        frames=file.frames,
        is_color=False,
        is_inverted=tones.is_inverted,
        presets=tones.presets + standard_presets(file.dataset),
        min_value=float(numbers.min()),
        max_value=float(numbers.max()),
    )


def _possible_values(file: DicomFile) -> "np.ndarray[Any, Any]":
    """All numbers that the stored bits can hold."""
    import numpy as np

    half = 1 << (file.bits_stored - 1)
    return np.arange(-half, half) if file.is_signed else np.arange(2 * half)


def _build_frame_lut(file: DicomFile, number: int) -> GrayscaleLut:
    return build_lut(file.dataset, number, is_signed=file.is_signed)
