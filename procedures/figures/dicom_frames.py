"""The pixels of a DICOM file without the file: what waits while a person chooses a frame and a window.

A folder with ``frames.raw``, the numbers of all frames one behind the other, or with ``packed.raw``, the compressed
frames, of which each is unpacked when it is first asked for; and ``frames.json``, numbers only.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from django.utils.translation import gettext as _
from PIL import Image

from procedures.figures.dicom_pixels import Layout, read
from procedures.figures.dicom_values import Grey, Preset, Window
from procedures.figures.intake import BadPictureError, Picture, fit, picture

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, Any]

NUMBERS = "frames.json"
MAX_THUMBNAILS = 24
THUMBNAIL = 160
# The darkest and the brightest hundredth are mostly shutters and metal.
EXTREMES = 0.01
# Pixels that are counted at once: counting needs eight bytes for each.
STRIP = 1 << 20


def finish(folder: Path, layout: Layout, *, tones: list[Grey], usual: tuple[Preset, ...], **facts: Any) -> None:
    """Write the numbers, last: nothing is read without them. ``tones``: one for all frames or one for each."""
    plain = [json.dumps(tone.plain()) for tone in tones]
    kept = {tone: place for place, tone in enumerate(dict.fromkeys(plain))}
    numbers = {
        "layout": asdict(layout),
        "tones": [json.loads(tone) for tone in kept],
        "tone_of": [kept[tone] for tone in plain],
        "usual": [asdict(preset) for preset in usual],
        **facts,
    }
    (folder / NUMBERS).write_text(json.dumps(numbers))


@dataclass(frozen=True, slots=True)
class Frames:
    """Such a folder, read: every frame can be shown in any window.

    ``modality`` is one of dicom_values.MODALITIES, or empty. ``dark_bone`` says whether bone is darker than soft tissue
    when the frame is shown as the file asks; None when the file does not say.
    """

    folder: Path
    layout: Layout
    count: int
    stretch: float
    tones: tuple[Grey, ...]
    tone_of: tuple[int, ...]
    usual: tuple[Preset, ...]
    modality: str
    dark_bone: bool | None
    # Results of _counted, by number of the frame.
    _counts: "dict[int, tuple[Numbers, Numbers]]" = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises FileNotFoundError where no frames wait."""
        plain: dict[str, Any] = json.loads((folder / NUMBERS).read_text())
        return cls(
            folder,
            **plain
            | {
                "layout": Layout.of(plain["layout"]),
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
        """The frame as the file wants it shown, at most 160 px wide and high. Also unpacks the next few frames."""
        following = [other for other in self.spread() if other > number]
        image = self._shown(number, None, invert=False, following=following)
        image.thumbnail((THUMBNAIL, THUMBNAIL))
        return picture(image)

    def spread(self, most: int = MAX_THUMBNAILS) -> list[int]:
        """Numbers of at most ``most`` frames, from the first to the last, evenly."""
        count = min(most, self.count)
        return sorted({1 + round(place * (self.count - 1) / max(1, count - 1)) for place in range(count)})

    def notes(self, number: int) -> list[str]:
        """What of the file is ignored for a grey frame, as sentences."""
        tone = self._tone(number)
        if (tone.lookup or tone.presets) and not tone.usable(*self._counted(number)):
            return [*tone.notes, _without_window()]
        return list(tone.notes)

    def whole(self, number: int) -> Window:
        """From the darkest to the brightest pixel of a grey frame, without what only fills its corners."""
        return self._tone(number).whole(self._counted(number)[0])

    def presets(self, number: int) -> list[Preset]:
        """Windows to choose from: those of the file, those that every viewer has, those that this frame needs."""
        tone = self._tone(number)
        values, counts = self._counted(number)
        return [
            *tone.presets,
            *self.usual,
            Preset(_("Full range"), tone.whole(values)),
            Preset(_("Without the extremes"), _inner(tone, values, counts)),
        ]

    def _tone(self, number: int) -> Grey:
        return self.tones[self.tone_of[number - 1] if len(self.tone_of) > 1 else 0]

    def _samples(self, number: int, following: Sequence[int] = ()) -> "Numbers":
        if not 1 <= number <= self.count:
            raise BadPictureError(_("Choose a frame from 1 to %(frames)s.") % {"frames": self.count})
        return read(self.layout, self.folder, number, following)

    def _counted(self, number: int, samples: "Numbers | None" = None) -> "tuple[Numbers, Numbers]":
        """The stored numbers that occur in a grey frame, in order, and how many pixels have each. Counted once."""
        if number not in self._counts:
            self._counts[number] = _count(self._samples(number) if samples is None else samples)
        return self._counts[number]

    def _shown(self, number: int, window: Window | None, *, invert: bool, following: Sequence[int] = ()) -> Image.Image:
        import numpy as np

        found = self._samples(number, following)
        if self.tones:
            values, counts = self._counted(number, found)
            table = np.zeros(1 << (8 * found.dtype.itemsize), np.uint8)
            table[_places(values)] = self._tone(number).shades(values, counts, window, invert=invert)
            found = table[_places(found)]
        height, width = found.shape[:2]
        image = Image.frombytes("L" if self.tones else "RGB", (width, height), found.tobytes())
        if self.stretch != 1:
            image = image.resize((image.width, max(1, round(image.height * self.stretch))), Image.Resampling.LANCZOS)
        return image


def _without_window() -> str:
    return _(
        "The file’s own window would show nearly all of this frame in one shade. It is shown from its darkest to its "
        "brightest pixel."
    )


def _places(values: "Numbers") -> "Numbers":
    """Numbers as indexes into a table of all their bit patterns."""
    return values.view(f"u{values.dtype.itemsize}")


def _count(found: "Numbers") -> "tuple[Numbers, Numbers]":
    import numpy as np

    patterns = _places(found.ravel())
    counts = np.zeros(1 << (8 * found.dtype.itemsize), np.int64)
    for start in range(0, patterns.size, STRIP):
        counts += np.bincount(patterns[start : start + STRIP], minlength=counts.size)
    present = np.flatnonzero(counts)
    values = present.astype(patterns.dtype).view(found.dtype)
    order = np.argsort(values)
    return values[order], counts[present][order]


def _inner(tone: Grey, values: "Numbers", counts: "Numbers") -> Window:
    """From the darkest to the brightest pixel, without the darkest and the brightest hundredth of them."""
    import numpy as np

    if tone.padding is not None and np.any(values != tone.padding):
        counts = counts[values != tone.padding]
    numbers = tone.numbers(values)
    if not numbers.size:
        return tone.whole(values)
    order = np.argsort(numbers)
    numbers, passed = numbers[order], np.cumsum(counts[order])
    left = EXTREMES * passed[-1]
    low = numbers[np.searchsorted(passed, left, side="right")]
    high = numbers[np.searchsorted(passed, passed[-1] - left, side="left")]
    return Window((float(low) + float(high)) / 2, float(high - low) or 1.0)
