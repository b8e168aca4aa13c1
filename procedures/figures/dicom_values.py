"""From stored numbers to shades of grey: rescale, window or lookup table, polarity (DICOM PS3.3 C.7.6.3, C.11).

What a header says is kept as numbers (``Grey``). pydicom's own functions do the arithmetic, on a data set that is made
of these numbers and of nothing else.
"""

import math
import struct
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from procedures.figures.intake import BadPictureError

if TYPE_CHECKING:
    import numpy as np
    from pydicom.dataset import Dataset

    Numbers = np.ndarray[Any, Any]

MAX_PRESETS = 8
# Values of Modality that are used. Any other value is ignored: it could be a name.
FLUOROSCOPY = frozenset({"XA", "RF"})
RADIOGRAPHS = frozenset({"CR", "DX", "RG", "IO", "PX", "MG"})
MODALITIES = FLUOROSCOPY | RADIOGRAPHS | {"CT", "MR", "US", "NM", "PT", "OT", "SC", "XC", "ES", "GM", "DMS", "OP"}
LINEAR, EXACT, SIGMOID = "LINEAR", "LINEAR_EXACT", "SIGMOID"
# pydicom spreads a window over the numbers that so many bits hold, and looks a number up as one of so many bits.
BITS = 16
WHITE = (1 << BITS) - 1
# Of the pixels, in one shade.
NEARLY_ALL = 0.95
# Larger numbers in a file have no meaning, and could overflow.
MAX_NUMBER = 1e12


@dataclass(frozen=True, slots=True)
class Window:
    """Which numbers are spread between black and white. Raises BadPictureError for a window without width."""

    center: float
    width: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.center) and math.isfinite(self.width) and self.width > 0):
            raise BadPictureError(_("A window needs a middle and a width above zero."))

    def apply(self, numbers: "Numbers", function: str) -> "Numbers":
        """0 (black) to 1 (white). LINEAR is defined for widths from 1 on; narrower windows are exact."""
        import numpy as np
        from pydicom.dataset import Dataset
        from pydicom.pixels.processing import apply_windowing

        data = Dataset()
        data.PhotometricInterpretation, data.BitsStored, data.PixelRepresentation = "MONOCHROME2", BITS, 0
        data.VOILUTFunction = EXACT if function == LINEAR and self.width < 1 else function
        data.add_new("WindowCenter", "FD", self.center)
        data.add_new("WindowWidth", "FD", self.width)
        with np.errstate(over="ignore"):  # far below a sigmoid all is black
            shades: Numbers = apply_windowing(numbers, data) / WHITE
        return shades


@dataclass(frozen=True, slots=True)
class Preset:
    """A window with a name for a button."""

    label: str
    window: Window


@dataclass(frozen=True, slots=True)
class Linear:
    """A straight line from stored numbers to what they mean."""

    slope: float
    intercept: float

    def __call__(self, numbers: "Numbers") -> "Numbers":
        from pydicom.dataset import Dataset
        from pydicom.pixels.processing import apply_rescale

        data = Dataset()
        data.add_new("RescaleSlope", "FD", self.slope)
        data.add_new("RescaleIntercept", "FD", self.intercept)
        return apply_rescale(numbers, data)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table of the file: the number that stands for ``first``, ``first`` + 1, … with ``bits`` each."""

    first: int
    bits: int
    table: tuple[int, ...]

    def __call__(self, numbers: "Numbers") -> "Numbers":
        """Always with 16 bits for each entry: pydicom uses the same number of bits to count the entries."""
        import numpy as np
        from pydicom.dataset import Dataset
        from pydicom.pixels.processing import apply_voi

        item, data = Dataset(), Dataset()
        item.add_new("LUTDescriptor", "SL", [len(self.table), self.first, BITS])
        item.add_new("LUTData", "UL", list(self.table))
        data.VOILUTSequence = [item]
        places = np.clip(np.rint(numbers), self.first - 1, self.first + len(self.table) - 1).astype(np.int64)
        return apply_voi(places, data)


@dataclass(frozen=True, slots=True)
class Grey:
    """How one frame's numbers become grey. ``notes``: what of the file had to be ignored, as sentences."""

    rescale: Linear | Lookup
    lookup: Lookup | None
    presets: tuple[Preset, ...]
    function: str
    inverted: bool
    padding: int | None
    notes: tuple[str, ...] = ()

    def shades(self, values: "Numbers", counts: "Numbers", window: Window | None, *, invert: bool) -> "Numbers":
        """Shades 0 … 255 of the stored numbers that occur; ``counts``: how many pixels have each.

        Without ``window``: the file's table, else its first window, else all of ``values``; never one shade for all.
        ``invert`` turns what the file says about its polarity.
        """
        import numpy as np

        parts = self._parts(values, counts, window)
        # pydicom's inversion starts from the largest number there is, which need not be white.
        turned = 1 - parts if self.inverted != invert else parts
        shades: Numbers = np.rint(255 * np.clip(turned, 0, 1)).astype(np.uint8)
        return shades

    def usable(self, values: "Numbers", counts: "Numbers") -> bool:
        """Whether the file's own table or window tells these numbers apart.

        A width of 1 makes two shades. Some writers put it where they know no window: then one of them has all pixels.
        """
        import numpy as np

        if not (self.lookup or self.presets):
            return False
        inside = values != self.padding if self.padding is not None else np.ones(values.shape, bool)
        if np.count_nonzero(inside) < 2:
            return True
        shades = np.rint(255 * self._own(self.rescale(values[inside]))).astype(np.int64)
        pixels = np.bincount(shades - shades.min(), weights=counts[inside])
        narrow = not self.lookup and self.presets[0].window.width <= 1
        return bool(pixels.max() < pixels.sum() * (NEARLY_ALL if narrow else 1))

    def whole(self, values: "Numbers") -> Window:
        """From the smallest to the largest number that is not padding."""
        numbers = self.numbers(values)
        low, high = (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 0.0)
        return Window((low + high) / 2, (high - low) or 1.0)

    def numbers(self, values: "Numbers") -> "Numbers":
        """What stored numbers mean, without those that only fill corners."""
        return self.rescale(values if self.padding is None else values[values != self.padding])

    def plain(self) -> dict[str, Any]:
        """As numbers and our own words, for a file."""
        return asdict(self)

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Grey":
        """What ``plain()`` gave."""
        scale, lookup = plain["rescale"], plain["lookup"]
        presets = (Preset(preset["label"], Window(**preset["window"])) for preset in plain["presets"])
        return cls(
            **plain
            | {
                "rescale": _table(scale) if "table" in scale else Linear(**scale),
                "lookup": _table(lookup) if lookup else None,
                "presets": tuple(presets),
                "notes": tuple(plain["notes"]),
            }
        )

    def _parts(self, values: "Numbers", counts: "Numbers", window: Window | None) -> "Numbers":
        numbers = self.rescale(values)
        if window:
            return window.apply(numbers, self.function)
        if self.usable(values, counts):
            return self._own(numbers)
        return self.whole(values).apply(numbers, EXACT)

    def _own(self, numbers: "Numbers") -> "Numbers":
        if self.lookup:
            parts: Numbers = self.lookup(numbers) / ((1 << self.lookup.bits) - 1)
            return parts
        return self.presets[0].window.apply(numbers, self.function)


def grey(dataset: "Dataset", number: int, *, signed: bool) -> Grey:
    """What the header says about frame ``number`` (from 1)."""
    notes: list[str] = []
    padding = numbers_of(dataset, "PixelPaddingValue")
    function = str(_find(dataset, number, "VOILUTFunction") or LINEAR).strip("\0 ").upper()
    function = function if function in {EXACT, SIGMOID} else LINEAR
    rescale = _rescale(dataset, number, signed, notes)
    below_zero = signed or (isinstance(rescale, Linear) and rescale.intercept < 0)
    lookup = _lookup(_value(dataset, "VOILUTSequence"), below_zero, notes)
    return Grey(
        rescale=rescale,
        lookup=lookup,
        presets=tuple(_presets(dataset, number, function, notes)),
        function=function,
        inverted=_inverted(dataset),
        padding=int(padding[0]) if padding else None,
        notes=tuple(dict.fromkeys(notes)),
    )


def _value(dataset: "Dataset", name: str) -> Any:
    """A value of the file; None if it is missing or invalid."""
    try:
        return dataset.get(name)
    except Exception:
        # pydicom converts a value on access, and raises many kinds of errors for broken ones. All values are optional.
        return None


def numbers_of(dataset: "Dataset", name: str) -> list[float]:
    """The numbers of an optional value; an empty list when one of them is broken."""
    return _numbers(_value(dataset, name))


def _numbers(value: Any) -> list[float]:
    parts = value if isinstance(value, Iterable) and not isinstance(value, str | bytes) else [value]
    try:
        numbers = [float(str(part).strip("\0 ")) for part in parts if part not in (None, "")]
    except ValueError:
        return []
    return numbers if all(abs(number) <= MAX_NUMBER for number in numbers) else []


def _find(dataset: "Dataset", number: int, name: str) -> Any:
    """A value of the file, else of the groups that hold it for all frames or for this one."""
    if name in dataset:
        return _value(dataset, name)
    own = list(_value(dataset, "PerFrameFunctionalGroupsSequence") or ())
    shared = list(_value(dataset, "SharedFunctionalGroupsSequence") or ())
    for group in [*own[number - 1 : number], *shared]:
        for sequence in ("FrameVOILUTSequence", "PixelValueTransformationSequence"):
            for item in _value(group, sequence) or ():
                if name in item:
                    return _value(item, name)
    return None


def _rescale(dataset: "Dataset", number: int, signed: bool, notes: list[str]) -> Linear | Lookup:
    # For X-ray films such a table leads to what the detector measured, not to what is looked at (PS3.4 N.2.1.2).
    if str(_value(dataset, "PixelIntensityRelationship") or "").strip("\0 ").upper() not in {"LOG", "DISP"}:
        lookup = _lookup(_value(dataset, "ModalityLUTSequence"), signed, notes)
        if lookup:
            return lookup
    slopes, intercepts = (_numbers(_find(dataset, number, name)) for name in ("RescaleSlope", "RescaleIntercept"))
    slope, intercept = (slopes or [1.0])[0], (intercepts or [0.0])[0]
    if slope == 0:
        notes.append(_("The file’s scale is 0, which would make all shades the same. The scale was ignored."))
        slope = 1.0
    return Linear(slope, intercept)


def _table(plain: dict[str, Any]) -> Lookup:
    return Lookup(plain["first"], plain["bits"], tuple(plain["table"]))


def _lookup(sequence: Any, signed: bool, notes: list[str]) -> Lookup | None:
    if not sequence:
        return None
    try:
        found = _read_table(sequence[0], signed)
    except Exception:
        found = None
    if found is None:
        notes.append(_("The file’s lookup table is empty or damaged. It was ignored."))
    return found


def _read_table(item: "Dataset", signed: bool) -> Lookup | None:
    count, first, bits = (int(part) for part in item.LUTDescriptor)
    # Writers store the three numbers with or without a sign.
    count, first = count & 0xFFFF or 0x10000, first & 0xFFFF
    if signed and first >= 0x8000:
        first -= 0x10000
    data = item.LUTData
    if isinstance(data, bytes):
        order = "<" if item.original_encoding[1] is not False else ">"
        data = data if len(data) < 2 * count else struct.unpack(f"{order}{count}H", data[: 2 * count])
    parts = data if isinstance(data, Iterable) else [data]
    table = tuple(int(part) & 0xFFFF for part in parts)[:count]
    if not table or not 0 < bits <= BITS:
        return None
    return Lookup(first, bits, tuple(min(part, (1 << bits) - 1) for part in table))


def _presets(dataset: "Dataset", number: int, function: str, notes: list[str]) -> Iterator[Preset]:
    centers, widths = (_numbers(_find(dataset, number, name)) for name in ("WindowCenter", "WindowWidth"))
    least = 1.0 if function == LINEAR else 0.0
    for place, (center, width) in enumerate(zip(centers, widths, strict=False), start=1):
        if place > MAX_PRESETS:
            break
        if width > 0 and width >= least:
            # The name is ours: the explanations that files carry are free text.
            yield Preset(_("Window %(number)s of the file") % {"number": place}, Window(center, width))
        else:
            notes.append(_("Window %(number)s of the file has no usable width. It is not offered.") % {"number": place})


def modality(dataset: "Dataset") -> str:
    """The kind of machine, one of MODALITIES, or empty."""
    said = str(_value(dataset, "Modality") or "").strip("\0 ").upper()
    return said if said in MODALITIES else ""


def dark_bone(dataset: "Dataset") -> bool | None:
    """Whether bone is darker than soft tissue when shown as the file asks; None when the file does not say.

    Pixel Intensity Relationship Sign (PS3.3 C.8.11.3.1.2) says which numbers bone has: 1 means low ones, as everywhere
    in angiography and fluoroscopy. Radiographs and CT without it are shown with white bone.
    """
    kind = modality(dataset)
    sign = _value(dataset, "PixelIntensityRelationshipSign")
    if sign not in (1, -1) and kind in FLUOROSCOPY:
        sign = 1
    if sign in (1, -1) and kind in FLUOROSCOPY | RADIOGRAPHS:
        return bool(sign == 1) != _inverted(dataset)
    return False if kind in RADIOGRAPHS | {"CT"} else None


def _inverted(dataset: "Dataset") -> bool:
    shape = str(_value(dataset, "PresentationLUTShape") or "").strip("\0 ").upper()
    photometric = str(_value(dataset, "PhotometricInterpretation") or "").strip("\0 ").upper()
    return photometric == "MONOCHROME1" or shape == "INVERSE"


def usual_presets(dataset: "Dataset") -> tuple[Preset, ...]:
    """Windows that every viewer offers: only the numbers of CT mean the same on every machine."""
    if modality(dataset) != "CT":
        return ()
    return Preset(_("Bone"), Window(480, 2500)), Preset(_("Soft tissue"), Window(50, 400))
