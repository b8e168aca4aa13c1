"""Read pictures from DICOM files and 16-bit PNGs (extra ``dicom``), for which a person chooses a window.

Only pixels leave: no text, no overlay, no part of the data set.

No file counts as clean. Names are often part of the picture itself, and ``BurnedInAnnotation: NO`` is no proof: a
person looks, crops or blackens (``figures.edit``), and ticks. Every refusal is a BadPictureError with a sentence.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from django.utils.translation import gettext as _

from procedures.figures.dicom_file import (
    COLOUR,
    EXPLICIT,
    MAX_BYTES,
    PALETTE,
    DicomFile,
    installed,
    open_dicom,
    sentences,
)
from procedures.figures.dicom_frames import Frames, finish
from procedures.figures.dicom_pixels import PIXELS, Layout, store
from procedures.figures.dicom_values import (
    EXACT,
    Grey,
    Linear,
    Preset,
    Window,
    dark_bone,
    grey,
    modality,
    usual_presets,
)
from procedures.figures.intake import PREAMBLE, BadPictureError, is_dicom, sixteen_bits

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "MAX_BYTES",
    "PREAMBLE",
    "DicomInfo",
    "Frames",
    "installed",
    "is_dicom",
    "read_header",
    "unpack",
    "unpack_sixteen_bits",
]


@dataclass(frozen=True, slots=True)
class DicomInfo:
    """What a header says of its picture; ``lowest`` and ``highest`` are the least and most that its bits can hold."""

    rows: int
    columns: int
    frames: int
    colour: bool
    inverted: bool
    presets: tuple[Preset, ...]
    lowest: float
    highest: float
    # Always: whatever the file says about itself.
    needs_human_check: bool = True


def read_header(stream: BinaryIO) -> DicomInfo:
    """What the file holds, without reading its pixels."""
    with sentences():
        return _info(open_dicom(stream))


def unpack(stream: BinaryIO, folder: Path) -> Frames:
    """The pixels of all frames into an empty ``folder``, with the numbers that turn them into grey, and nothing else.

    The header is judged before the first pixel is read; no more than MAX_BYTES of pixels are written.
    """
    with sentences():
        file = open_dicom(stream)
        info = _info(file)
        if file.rows * file.columns * file.samples * (file.allocated // 8) * file.frames > MAX_BYTES:
            raise BadPictureError(_("Unpacked, the pictures are larger than 250 MB. Export fewer frames."))
        layout = store(file, folder)
        own = file.frames if "PerFrameFunctionalGroupsSequence" in file.dataset else 1
        finish(
            folder,
            layout,
            count=file.frames,
            tones=[] if info.colour else [_grey(file, number) for number in range(1, own + 1)],
            usual=() if info.colour else usual_presets(file.dataset),
            stretch=file.stretch,
            modality=modality(file.dataset),
            dark_bone=dark_bone(file.dataset),
        )
    return Frames.load(folder)


def unpack_sixteen_bits(data: bytes, folder: Path) -> bool:
    """Write the numbers of a grey PNG with 16 bits to ``folder``, as one frame; nothing for any other picture.

    True when a person has to choose a window, because the file does not say which number is white. Call it with a file
    that ``read_picture`` has accepted.
    """
    found = sixteen_bits(data) if installed() else None
    if found is None:
        return False
    image, white = found
    (folder / PIXELS).write_bytes(image.tobytes())
    most = (1 << white.bits) - 1
    presets = [Preset(_("All %(bits)s bits") % {"bits": white.bits}, Window(most / 2, most))]
    notes = []
    if white.number < most:
        presets.insert(0, Preset(_("Without bright spots"), Window(white.number / 2, white.number)))
    if white.dim:
        notes.append(
            _("Most of the picture is much darker than white. Choose the window that shows it best, and check it.")
        )
    elif not white.told:
        note = _(
            "The file has room for 16 bits in each pixel and uses %(bits)s. It does not say which number is white."
        )
        notes.append(note % {"bits": white.bits})
    tone = Grey(Linear(1, 0), None, tuple(presets), EXACT, False, None, tuple(notes))
    finish(
        folder,
        Layout(EXPLICIT, "<u2", (image.height, image.width), 0, {}, ()),
        count=1,
        tones=[tone],
        usual=(),
        stretch=1,
        modality="",
        dark_bone=None,
    )
    return not white.told


def _info(file: DicomFile) -> DicomInfo:
    if file.photometric in COLOUR | PALETTE:
        return DicomInfo(file.rows, file.columns, file.frames, True, False, (), 0, 255)
    tones = _grey(file, 1)
    numbers = tones.rescale(_possible(file))
    return DicomInfo(
        rows=file.rows,
        columns=file.columns,
        frames=file.frames,
        colour=False,
        inverted=tones.inverted,
        presets=tones.presets + usual_presets(file.dataset),
        lowest=float(numbers.min()),
        highest=float(numbers.max()),
    )


def _possible(file: DicomFile) -> "np.ndarray[Any, Any]":
    """All numbers that the stored bits can hold."""
    import numpy as np

    half = 1 << (file.stored - 1)
    return np.arange(-half, half) if file.signed else np.arange(2 * half)


def _grey(file: DicomFile, number: int) -> Grey:
    return grey(file.dataset, number, signed=file.signed)
