"""The pixels of a DICOM file without the file: what waits while a person chooses a frame and a window.

A folder with ``frames.raw``, the bare pixels of all frames one behind the other, ``values.raw``, what each pattern of
bits stands for, and ``frames.json``, numbers only.
"""

import json
from array import array
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from django.utils.translation import gettext as _
from PIL import Image

from procedures.figures.dicom_file import damaged
from procedures.figures.dicom_pixels import Samples
from procedures.figures.dicom_values import Grey, Preset, Window
from procedures.figures.intake import BadPictureError, Picture, fit, picture

PIXELS, VALUES, NUMBERS = "frames.raw", "values.raw", "frames.json"
MOST_THUMBNAILS = 24
THUMBNAIL = 160
BYTES = {"L": 1, "I;16": 2, "RGB": 3}
# The darkest and the brightest hundredth are mostly shutters and metal.
EXTREMES = 0.01


class Writer:
    """Writes such a folder; what breaks off leaves no ``frames.json``, without which nothing is read."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0
        self.mode, self.size = "", (0, 0)
        self.values: Sequence[int] = ()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._raw = self._open.enter_context((self.folder / PIXELS).open("xb"))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def add(self, found: Samples) -> None:
        """One more frame. All have one size and one meaning."""
        image = found.image
        if self.count == 0:
            self.mode, self.size, self.values = image.mode, image.size, found.values
        elif (self.mode, self.size) != (image.mode, image.size) or self.values != found.values:
            raise BadPictureError(damaged())
        self._raw.write(image.tobytes())
        self.count += 1

    def finish(
        self,
        *,
        tones: list[Grey],
        usual: tuple[Preset, ...],
        stretch: float,
        modality: str = "",
        dark_bone: bool | None = None,
    ) -> None:
        """The numbers. ``tones``: one for all frames or one for each, none for colour."""
        (self.folder / VALUES).write_bytes(array("i", self.values).tobytes())
        plain = [json.dumps(tone.plain()) for tone in tones]
        kept = list(dict.fromkeys(plain))
        numbers = {
            "mode": self.mode,
            "size": self.size,
            "count": self.count,
            "stretch": stretch,
            "tones": [json.loads(tone) for tone in kept],
            "tone_of": [kept.index(tone) for tone in plain],
            "usual": [asdict(preset) for preset in usual],
            "modality": modality,
            "dark_bone": dark_bone,
        }
        (self.folder / NUMBERS).write_text(json.dumps(numbers))


@dataclass(frozen=True, slots=True)
class Frames:
    """Such a folder, read: every frame can be shown in any window.

    ``modality`` is one of dicom_values.MODALITIES, or empty. ``dark_bone`` says whether bone is darker than soft tissue
    when the frame is shown as the file asks; None when the file does not tell.
    """

    folder: Path
    mode: str
    size: tuple[int, int]
    count: int
    stretch: float
    tones: tuple[Grey, ...]
    tone_of: tuple[int, ...]
    usual: tuple[Preset, ...]
    modality: str
    dark_bone: bool | None

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises FileNotFoundError where no frames wait."""
        plain: dict[str, Any] = json.loads((folder / NUMBERS).read_text())
        return cls(
            folder,
            **plain
            | {
                "size": tuple(plain["size"]),
                "tones": tuple(Grey.of(tone) for tone in plain["tones"]),
                "tone_of": tuple(plain["tone_of"]),
                "usual": tuple(Preset(preset["label"], Window(**preset["window"])) for preset in plain["usual"]),
            },
        )

    @property
    def colour(self) -> bool:
        """Colour has neither windows nor polarity."""
        return not self.tones

    def picture(self, number: int = 1, window: Window | None = None, *, invert: bool = False) -> Picture:
        """Frame ``number`` (from 1) as 8-bit pixels, no wider than what is kept.

        Without ``window``: the file's own table, else its first window, else from the darkest to the brightest pixel.
        The file's polarity is always followed; ``invert`` turns the result.
        """
        return picture(fit(self._shown(number, window, invert=invert)))

    def thumbnail(self, number: int) -> Picture:
        """The frame as the file wants it shown, at most 160 px wide and high."""
        image = self._shown(number, None, invert=False)
        image.thumbnail((THUMBNAIL, THUMBNAIL))
        return picture(image)

    def spread(self, most: int = MOST_THUMBNAILS) -> list[int]:
        """Numbers of at most ``most`` frames, from the first to the last, evenly."""
        count = min(most, self.count)
        return sorted({1 + round(place * (self.count - 1) / max(1, count - 1)) for place in range(count)})

    def whole(self, number: int) -> Window:
        """From the darkest to the brightest pixel of a grey frame, without what only fills its corners."""
        return self._tone(number).whole(self._samples(number).numbers())

    def most(self, number: int) -> Window:
        """The same without the darkest and the brightest hundredth of the pixels."""
        tone, found = self._tone(number), self._samples(number)
        counted: dict[float, int] = {}
        for pixels, value in _counts(found):
            if value != tone.padding:
                counted[tone.rescale(value)] = counted.get(tone.rescale(value), 0) + pixels
        if not counted:
            return self.whole(number)
        numbers, passed = sorted(counted), 0
        left = EXTREMES * sum(counted.values())
        inner: list[float] = []
        for number_ in numbers:
            passed += counted[number_]
            if passed > left and passed - counted[number_] < sum(counted.values()) - left:
                inner.append(number_)
        return Window((inner[0] + inner[-1]) / 2, (inner[-1] - inner[0]) or 1.0)

    def presets(self, number: int) -> list[Preset]:
        """Windows to choose from: those of the file, those that every viewer has, those that this frame needs."""
        return [
            *self._tone(number).presets,
            *self.usual,
            Preset(_("Full range"), self.whole(number)),
            Preset(_("Without the extremes"), self.most(number)),
        ]

    def _tone(self, number: int) -> Grey:
        return self.tones[self.tone_of[number - 1] if len(self.tone_of) > 1 else 0]

    def _samples(self, number: int) -> Samples:
        if not 1 <= number <= self.count:
            raise BadPictureError(_("Choose a frame from 1 to %(frames)s.") % {"frames": self.count})
        width, height = self.size
        length = width * height * BYTES[self.mode]
        with (self.folder / PIXELS).open("rb") as raw:
            raw.seek((number - 1) * length)
            image = Image.frombytes(self.mode, self.size, raw.read(length))
        values = array("i")
        values.frombytes((self.folder / VALUES).read_bytes())
        return Samples(image, values)

    def _shown(self, number: int, window: Window | None, *, invert: bool) -> Image.Image:
        found = self._samples(number)
        image = found.image
        if self.tones:
            shades = self._tone(number).shades(found.numbers(), window, invert=invert)
            table = [shades.get(value, 0) for value in found.values]
            # Pillow looks 16-bit pixels up only as 32-bit ones.
            image = image.point(table) if image.mode == "L" else image.convert("I").point(table, "L")
        if self.stretch != 1:
            image = image.resize((image.width, max(1, round(image.height * self.stretch))), Image.Resampling.LANCZOS)
        return image


def _counts(found: Samples) -> list[tuple[int, int]]:
    """How many pixels have each stored number."""
    places = Counter(memoryview(found.image.tobytes()).cast("B" if found.image.mode == "L" else "H"))
    return [(pixels, found.values[place]) for place, pixels in places.items()]
