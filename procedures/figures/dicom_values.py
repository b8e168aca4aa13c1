"""From stored numbers to shades of grey: rescale, window or lookup table, polarity (DICOM PS3.3 C.7.6.3, C.11)."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from procedures.figures.intake import BadPictureError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MOST_PRESETS = 8
# Fluoroscopy, then radiographs, then the rest. Anything else that a file says is not passed on.
FLUOROSCOPY = frozenset({"XA", "RF"})
RADIOGRAPHS = frozenset({"CR", "DX", "RG", "PX", "MG"})
MODALITIES = FLUOROSCOPY | RADIOGRAPHS | {"CT", "MR", "US", "NM", "PT", "OT", "SC", "XC", "ES", "GM"}
LINEAR, EXACT, SIGMOID = "LINEAR", "LINEAR_EXACT", "SIGMOID"


@dataclass(frozen=True, slots=True)
class Window:
    """Which numbers are spread between black and white. Raises BadPictureError for a window without width."""

    center: float
    width: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.center) and math.isfinite(self.width) and self.width > 0):
            raise BadPictureError(_("A window needs a middle and a width above zero."))

    def shade(self, value: float, function: str = LINEAR) -> float:
        """0 (black) to 1 (white): the three formulas of C.11.2.1.2 and C.11.2.1.3."""
        center, width = self.center, self.width
        if function == SIGMOID:
            return 1 / (1 + math.exp(min(700.0, -4 * (value - center) / width)))
        if function != EXACT and width > 1:
            center, width = center - 0.5, width - 1
        elif function != EXACT:
            return float(value > center - 0.5)
        return min(1.0, max(0.0, (value - center) / width + 0.5))


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

    def __call__(self, value: float) -> float:
        return value * self.slope + self.intercept


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table of the file: the number that stands for ``first``, ``first`` + 1, … with ``bits`` each."""

    first: int
    bits: int
    table: tuple[int, ...]

    def __call__(self, value: float) -> float:
        place = round(value) - self.first
        return float(self.table[min(max(place, 0), len(self.table) - 1)])


@dataclass(frozen=True, slots=True)
class Grey:
    """How one frame's numbers become grey."""

    rescale: Linear | Lookup
    lookup: Lookup | None
    presets: tuple[Preset, ...]
    function: str
    inverted: bool
    padding: int | None

    def shades(self, values: Iterable[int], window: Window | None, *, invert: bool) -> dict[int, int]:
        """Stored number → 0 … 255. Without ``window``: the file's table, else its first window, else all of ``values``.

        ``invert`` turns what the file says about its polarity.
        """
        numbers = {value: self.rescale(value) for value in values}
        if window is None and self.lookup:
            top = (1 << self.lookup.bits) - 1
            parts = {value: self.lookup(number) / top for value, number in numbers.items()}
        else:
            chosen, function = window or self._first(numbers), self.function if window or self.presets else EXACT
            parts = {value: chosen.shade(number, function) for value, number in numbers.items()}
        turned = self.inverted != invert
        return {value: round(255 * (1 - part if turned else part)) for value, part in parts.items()}

    def whole(self, values: Iterable[int]) -> Window:
        """From the smallest to the largest number that is not padding."""
        numbers = [self.rescale(value) for value in values if value != self.padding] or [0.0]
        low, high = min(numbers), max(numbers)
        return Window((low + high) / 2, (high - low) or 1.0)

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
            }
        )

    def _first(self, numbers: dict[int, float]) -> Window:
        return self.presets[0].window if self.presets else self.whole(numbers)


def grey(dataset: "Dataset", number: int, *, signed: bool) -> Grey:
    """What the header says about frame ``number`` (from 1)."""
    padding = dataset.get("PixelPaddingValue")
    function = str(_find(dataset, number, "VOILUTFunction") or LINEAR).strip().upper()
    rescale = _rescale(dataset, number, signed=signed)
    return Grey(
        rescale=rescale,
        lookup=_lookup(dataset.get("VOILUTSequence"), signed=signed or rescale(0) < 0),
        presets=tuple(_presets(dataset, number)),
        function=function if function in {EXACT, SIGMOID} else LINEAR,
        inverted=_inverted(dataset),
        padding=None if padding is None else int(padding),
    )


def _find(dataset: "Dataset", number: int, name: str) -> Any:
    """A value of the file, else of the groups that hold it for all frames or for this one."""
    if name in dataset:
        return dataset.get(name)
    own = list(dataset.get("PerFrameFunctionalGroupsSequence") or ())
    shared = list(dataset.get("SharedFunctionalGroupsSequence") or ())
    for group in [*own[number - 1 : number], *shared]:
        for sequence in ("FrameVOILUTSequence", "PixelValueTransformationSequence"):
            for item in group.get(sequence) or ():
                if name in item:
                    return item.get(name)
    return None


def _rescale(dataset: "Dataset", number: int, *, signed: bool) -> Linear | Lookup:
    # For X-ray films such a table leads to what the detector measured, not to what is looked at (PS3.4 N.2.1.2).
    if str(dataset.get("PixelIntensityRelationship", "")).strip().upper() not in {"LOG", "DISP"}:
        lookup = _lookup(dataset.get("ModalityLUTSequence"), signed=signed)
        if lookup:
            return lookup
    given = (_find(dataset, number, name) for name in ("RescaleSlope", "RescaleIntercept"))
    slope, intercept = (
        default if value in (None, "") else float(value) for value, default in zip(given, (1.0, 0.0), strict=True)
    )
    return Linear(slope, intercept)


def _table(plain: dict[str, Any]) -> Lookup:
    return Lookup(plain["first"], plain["bits"], tuple(plain["table"]))


def _lookup(sequence: Any, *, signed: bool) -> Lookup | None:
    if not sequence:
        return None
    count, first, bits = (int(part) for part in sequence[0].LUTDescriptor)
    # The three numbers are stored without sign, or with it, as the file's writer thought best.
    count, first = count & 0xFFFF or 0x10000, first & 0xFFFF
    if signed and first >= 0x8000:
        first -= 0x10000
    data = sequence[0].LUTData
    if isinstance(data, bytes):
        data = data if len(data) < 2 * count else memoryview(data[: 2 * count]).cast("H")
    table = tuple(int(part) & 0xFFFF for part in data)[:count]
    if not table or not 0 < bits <= 16:
        raise ValueError
    return Lookup(first, bits, tuple(min(part, (1 << bits) - 1) for part in table))


def _presets(dataset: "Dataset", number: int) -> Iterator[Preset]:
    centers, widths = (_many(_find(dataset, number, name)) for name in ("WindowCenter", "WindowWidth"))
    for place, (center, width) in enumerate(zip(centers, widths, strict=False), start=1):
        if place > MOST_PRESETS:
            break
        if width > 0:
            # The name is ours: the explanations that files carry are free text.
            yield Preset(_("Window %(number)s of the file") % {"number": place}, Window(center, width))


def modality(dataset: "Dataset") -> str:
    """The kind of machine, as one of MODALITIES; empty when it is none of them."""
    said = str(dataset.get("Modality", "") or "").strip().upper()
    return said if said in MODALITIES else ""


def dark_bone(dataset: "Dataset") -> bool | None:
    """Whether bone is darker than soft tissue when shown as the file asks; None when the file does not tell.

    Pixel Intensity Relationship Sign (PS3.3 C.8.11.3.1.2) says which numbers bone has: 1 means low ones, as everywhere
    in angiography and fluoroscopy. Radiographs and CT without it are shown with white bone.
    """
    kind = modality(dataset)
    sign = dataset.get("PixelIntensityRelationshipSign")
    if sign not in (1, -1) and kind in FLUOROSCOPY:
        sign = 1
    if sign in (1, -1) and kind in FLUOROSCOPY | RADIOGRAPHS:
        return (sign == 1) != _inverted(dataset)
    return False if kind in RADIOGRAPHS | {"CT"} else None


def _inverted(dataset: "Dataset") -> bool:
    shape = str(dataset.get("PresentationLUTShape", "") or "").strip().upper()
    photometric = str(dataset.get("PhotometricInterpretation", "") or "").strip().upper()
    return photometric == "MONOCHROME1" or shape == "INVERSE"


def usual_presets(dataset: "Dataset") -> tuple[Preset, ...]:
    """Windows that every viewer offers: only the numbers of CT mean the same on every machine."""
    if str(dataset.get("Modality", "")).strip().upper() != "CT":
        return ()
    return Preset(_("Bone"), Window(480, 2500)), Preset(_("Soft tissue"), Window(50, 400))


def _many(value: Any) -> list[float]:
    if value in (None, ""):
        return []
    return [float(part) for part in (value if isinstance(value, Iterable) else [value])]
