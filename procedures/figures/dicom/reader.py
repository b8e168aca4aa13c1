"""Import of DICOM files and 16-bit PNGs (extra ``dicom``), for which a user chooses the display window.

Only pixels are extracted: no text, no overlays, no part of the data set.

No file is trusted to be de-identified. Names are often burned into the pixels, and ``BurnedInAnnotation: NO`` proves
nothing: a person always checks the image, and crops or redacts it (``figures.redaction``). Errors are
InvalidImageError.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.utils.translation import gettext as _

from portal import MEGABYTE
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
    """A summary of the header."""

    rows: int
    columns: int
    frames: int
    is_color: bool
    is_inverted: bool
    presets: tuple[Preset, ...]


def read_header(stream: BinaryIO) -> DicomHeader:
    """Read the header without the pixels. Raise InvalidImageError."""
    with translate_errors():
        return _build_header(open_dicom(stream))


def extract_frames(stream: BinaryIO, folder: Path) -> FrameSet:
    """Write the pixels of all frames, and the parameters to display them, into the empty ``folder``.

    The header is validated before any pixel is read; at most MAX_DICOM_BYTES of pixels are written. Raises
    InvalidImageError.
    """
    with translate_errors():
        file = open_dicom(stream)
        info = _build_header(file)
        if (
            file.rows * file.columns * file.samples_per_pixel * (file.bits_allocated // 8) * file.frames
            > MAX_DICOM_BYTES
        ):
            message = _("Uncompressed, the pictures are larger than %(size)s MB. Export fewer frames.")
            raise InvalidImageError(message % {"size": MAX_DICOM_BYTES // MEGABYTE})
        layout = store_frames(file, folder)
        lut_count = file.frames if "PerFrameFunctionalGroupsSequence" in file.dataset else 1
        write_metadata(
            folder,
            layout,
            count=file.frames,
            luts=[] if info.is_color else [_build_frame_lut(file, number) for number in range(1, lut_count + 1)],
            standard_presets=() if info.is_color else standard_presets(file.dataset),
            pixel_aspect=file.pixel_aspect,
            modality=read_modality(file.dataset),
            dark_bone=is_bone_dark(file.dataset),
        )
    return FrameSet.load(folder)


def extract_16bit_png(data: bytes, folder: Path) -> bool:
    """Write a 16-bit grayscale PNG to ``folder`` as a single frame; do nothing for any other image.

    Return True if the user must choose a window, because the file does not declare its white level. ``data`` must
    already have passed ``decode_image``.
    """
    samples = read_16bit_grayscale(data) if is_dicom_installed() else None
    if samples is None:
        return False
    image, white = samples
    (folder / RAW_FILE).write_bytes(image.tobytes())
    max_value = (1 << white.bits) - 1
    presets = [Preset(_("All %(bits)s bits") % {"bits": white.bits}, Window(max_value / 2, max_value))]
    warnings = []
    if white.value < max_value:
        presets.insert(0, Preset(_("Without bright spots"), Window(white.value / 2, white.value)))
    if white.is_dim:
        warnings.append(
            _("Most of the picture is much darker than white. Choose the window that shows it best, and check it.")
        )
    elif not white.is_declared:
        warning = _("The file stores 16 bits per pixel but uses only %(bits)s. It does not say which value is white.")
        warnings.append(warning % {"bits": white.bits})
    lut = GrayscaleLut(LinearRescale(1, 0), None, tuple(presets), VOI_LINEAR_EXACT, False, None, tuple(warnings))
    write_metadata(
        folder,
        FrameLayout(EXPLICIT_VR_LITTLE_ENDIAN, "<u2", (image.height, image.width), 0, {}, ()),
        count=1,
        luts=[lut],
        standard_presets=(),
        pixel_aspect=1,
        modality="",
        dark_bone=None,
    )
    return not white.is_declared


def _build_header(file: DicomFile) -> DicomHeader:
    if file.photometric_interpretation in COLOR_INTERPRETATIONS | PALETTE_INTERPRETATIONS:
        return DicomHeader(file.rows, file.columns, file.frames, True, False, ())
    lut = _build_frame_lut(file, 1)
    return DicomHeader(
        rows=file.rows,
        columns=file.columns,
        frames=file.frames,
        is_color=False,
        is_inverted=lut.is_inverted,
        presets=lut.presets + standard_presets(file.dataset),
    )


def _build_frame_lut(file: DicomFile, number: int) -> GrayscaleLut:
    return build_lut(file.dataset, number, is_signed=file.is_signed)
