"""Pictures out of DICOM files (extra ``dicom``). Only pixels leave: no text, no number, no overlay, no file.

No file counts as clean. Names are often part of the picture itself, and ``BurnedInAnnotation: NO`` is no proof: a
person looks, crops or blackens (``figures.edit``), and ticks. Every refusal is a BadPictureError with a sentence.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import BinaryIO

from django.utils.translation import gettext as _
from PIL import Image

from procedures.figures.dicom_file import COLOUR, DicomFile, open_dicom, sentences
from procedures.figures.dicom_pixels import Samples, samples, stored_values
from procedures.figures.dicom_values import Grey, Preset, Window, grey, usual_presets
from procedures.figures.intake import BadPictureError, Picture, fit, picture

__all__ = [
    "DicomInfo",
    "Preset",
    "Thumbnail",
    "Window",
    "frame",
    "installed",
    "read_header",
    "thumbnails",
    "whole_window",
]

MOST_THUMBNAILS = 24
THUMBNAIL = 160


@dataclass(frozen=True, slots=True)
class DicomInfo:
    """What the import screen needs: sizes, the windows that the file proposes, the ends of its sliders."""

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


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A frame, small; ``number`` from 1."""

    number: int
    picture: Picture


def installed() -> bool:
    """Is pydicom there? Screens ask before they offer DICOM."""
    return find_spec("pydicom") is not None


def read_header(stream: BinaryIO) -> DicomInfo:
    """What the file holds, without reading its pixels."""
    with sentences():
        file = open_dicom(stream)
        if file.photometric in COLOUR:
            return DicomInfo(file.rows, file.columns, file.frames, True, False, (), 0, 255)
        tones = grey(file.dataset, 1, signed=file.signed)
        numbers = [tones.rescale(value) for value in set(stored_values(file))]
        return DicomInfo(
            rows=file.rows,
            columns=file.columns,
            frames=file.frames,
            colour=False,
            inverted=tones.inverted,
            presets=tones.presets + usual_presets(file.dataset),
            lowest=min(numbers),
            highest=max(numbers),
        )


def frame(stream: BinaryIO, number: int = 1, window: Window | None = None, invert: bool = False) -> Picture:
    """Frame ``number`` (from 1) as 8-bit pixels, no wider than what is kept.

    Without ``window``: the file's own table, else its first window, else from the darkest to the brightest pixel.
    The file's polarity is always followed; ``invert`` turns the result. Colour has neither.
    """
    with sentences():
        file = open_dicom(stream)
        return picture(fit(_shown(file, number, window, invert=invert)))


def thumbnails(stream: BinaryIO, most: int = MOST_THUMBNAILS) -> list[Thumbnail]:
    """Small pictures of at most ``most`` frames, spread over the file from its first to its last."""
    with sentences():
        file = open_dicom(stream)
        count = min(max(1, most), MOST_THUMBNAILS, file.frames)
        numbers = sorted({1 + round(place * (file.frames - 1) / max(1, count - 1)) for place in range(count)})
        made = []
        for number in numbers:
            image = _shown(file, number, None, invert=False)
            image.thumbnail((THUMBNAIL, THUMBNAIL))
            made.append(Thumbnail(number, picture(image)))
        return made


def whole_window(stream: BinaryIO, number: int = 1) -> Window:
    """From the darkest to the brightest pixel of a grey frame: a preset that needs its pixels."""
    with sentences():
        file = open_dicom(stream)
        found = _samples(file, number)
        return _grey(file, number).whole(_numbers(found)) if found.values else Window(127.5, 255)


def _grey(file: DicomFile, number: int) -> Grey:
    return grey(file.dataset, number, signed=file.signed)


def _samples(file: DicomFile, number: int) -> Samples:
    if not 1 <= number <= file.frames:
        raise BadPictureError(_("Choose a frame from 1 to %(frames)s.") % {"frames": file.frames})
    return samples(file, number)


def _shown(file: DicomFile, number: int, window: Window | None, *, invert: bool) -> Image.Image:
    found = _samples(file, number)
    image = found.image
    if found.values:
        shades = _grey(file, number).shades(_numbers(found), window, invert=invert)
        table = [shades.get(value, 0) for value in found.values]
        # Pillow looks 16-bit pixels up only as 32-bit ones.
        image = image.point(table) if image.mode == "L" else image.convert("I").point(table, "L")
    if file.stretch != 1:
        image = image.resize((image.width, max(1, round(image.height * file.stretch))), Image.Resampling.LANCZOS)
    return image


def _numbers(found: Samples) -> set[int]:
    """The stored numbers that occur in the frame."""
    places = set(memoryview(found.image.tobytes()).cast("B" if found.image.mode == "L" else "H"))
    return {found.values[place] for place in places}
