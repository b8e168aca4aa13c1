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

from procedures.figures.decoding import InvalidImageError

if TYPE_CHECKING:
    import numpy as np
    from pydicom.dataset import Dataset

    Numbers = np.ndarray[Any, Any]

MAX_PRESETS = 8
# Values of Modality that are used. Any other value is ignored: it could be a name.
FLUOROSCOPY_MODALITIES = frozenset({"XA", "RF"})
RADIOGRAPH_MODALITIES = frozenset({"CR", "DX", "RG", "IO", "PX", "MG"})
MODALITIES = (
    FLUOROSCOPY_MODALITIES
    | RADIOGRAPH_MODALITIES
    | {"CT", "MR", "US", "NM", "PT", "OT", "SC", "XC", "ES", "GM", "DMS", "OP"}
)
VOI_LINEAR, VOI_LINEAR_EXACT, VOI_SIGMOID = "LINEAR", "LINEAR_EXACT", "SIGMOID"
# pydicom spreads a window over the numbers that so many bits hold, and looks a number up as one of so many bits.
LUT_BITS = 16
WHITE_VALUE = (1 << LUT_BITS) - 1
# Of the pixels, in one shade.
MAX_SINGLE_SHADE_FRACTION = 0.95
# Larger numbers in a file have no meaning, and could overflow.
MAX_ABSOLUTE_VALUE = 1e12


@dataclass(frozen=True, slots=True)
class Window:
    """Which numbers are spread between black and white. Raises BadPictureError for a window without width."""

    center: float
    width: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.center) and math.isfinite(self.width) and self.width > 0):
            raise InvalidImageError(_("A window needs a middle and a width above zero."))

    def apply(self, values: "Numbers", voi_function: str) -> "Numbers":
        """0 (black) to 1 (white). LINEAR is defined for widths from 1 on; narrower windows are exact."""
        import numpy as np
        from pydicom.dataset import Dataset
        from pydicom.pixels.processing import apply_windowing

        data = Dataset()
        data.PhotometricInterpretation, data.BitsStored, data.PixelRepresentation = "MONOCHROME2", LUT_BITS, 0
        data.VOILUTFunction = VOI_LINEAR_EXACT if voi_function == VOI_LINEAR and self.width < 1 else voi_function
        data.add_new("WindowCenter", "FD", self.center)
        data.add_new("WindowWidth", "FD", self.width)
        with np.errstate(over="ignore"):  # far below a sigmoid all is black
            shades: Numbers = apply_windowing(values, data) / WHITE_VALUE
        return shades


@dataclass(frozen=True, slots=True)
class Preset:
    """A window with a name for a button."""

    label: str
    window: Window


@dataclass(frozen=True, slots=True)
class LinearRescale:
    """A straight line from stored numbers to what they mean."""

    slope: float
    intercept: float

    def __call__(self, values: "Numbers") -> "Numbers":
        from pydicom.dataset import Dataset
        from pydicom.pixels.processing import apply_rescale

        data = Dataset()
        data.add_new("RescaleSlope", "FD", self.slope)
        data.add_new("RescaleIntercept", "FD", self.intercept)
        return apply_rescale(values, data)


@dataclass(frozen=True, slots=True)
class LookupTable:
    """A table of the file: the number that stands for ``first``, ``first`` + 1, … with ``bits`` each."""

    first: int
    bits: int
    table: tuple[int, ...]

    def __call__(self, values: "Numbers") -> "Numbers":
        """Always with 16 bits for each entry: pydicom uses the same number of bits to count the entries."""
        import numpy as np
        from pydicom.dataset import Dataset
        from pydicom.pixels.processing import apply_voi

        item, data = Dataset(), Dataset()
        item.add_new("LUTDescriptor", "SL", [len(self.table), self.first, LUT_BITS])
        item.add_new("LUTData", "UL", list(self.table))
        data.VOILUTSequence = [item]
        places = np.clip(np.rint(values), self.first - 1, self.first + len(self.table) - 1).astype(np.int64)
        return apply_voi(places, data)


@dataclass(frozen=True, slots=True)
class GrayscaleLut:
    """How one frame's numbers become grey. ``notes``: what of the file had to be ignored, as sentences."""

    rescale: LinearRescale | LookupTable
    voi_lut: LookupTable | None
    presets: tuple[Preset, ...]
    voi_function: str
    is_inverted: bool
    padding_value: int | None
    warnings: tuple[str, ...] = ()

    def apply(self, values: "Numbers", counts: "Numbers", window: Window | None, *, invert: bool) -> "Numbers":
        """Shades 0 … 255 of the stored numbers that occur; ``counts``: how many pixels have each.

        Without ``window``: the file's table, else its first window, else all of ``values``; never one shade for all.
        ``invert`` turns what the file says about its polarity.
        """
        import numpy as np

        parts = self._to_unit_range(values, counts, window)
        # pydicom's inversion starts from the largest number there is, which need not be white.
        turned = 1 - parts if self.is_inverted != invert else parts
        shades: Numbers = np.rint(255 * np.clip(turned, 0, 1)).astype(np.uint8)
        return shades

    def is_usable(self, values: "Numbers", counts: "Numbers") -> bool:
        """Whether the file's own table or window tells these numbers apart.

        A width of 1 makes two shades. Some writers put it where they know no window: then one of them has all pixels.
        """
        import numpy as np

        if not (self.voi_lut or self.presets):
            return False
        inside = values != self.padding_value if self.padding_value is not None else np.ones(values.shape, bool)
        if np.count_nonzero(inside) < 2:
            return True
        shades = np.rint(255 * self._apply_own(self.rescale(values[inside]))).astype(np.int64)
        pixels = np.bincount(shades - shades.min(), weights=counts[inside])
        narrow = not self.voi_lut and self.presets[0].window.width <= 1
        return bool(pixels.max() < pixels.sum() * (MAX_SINGLE_SHADE_FRACTION if narrow else 1))

    def full_range(self, values: "Numbers") -> Window:
        """From the smallest to the largest number that is not padding."""
        numbers = self.rescale_values(values)
        low, high = (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 0.0)
        return Window((low + high) / 2, (high - low) or 1.0)

    def rescale_values(self, values: "Numbers") -> "Numbers":
        """What stored numbers mean, without those that only fill corners."""
        return self.rescale(values if self.padding_value is None else values[values != self.padding_value])

    def to_dict(self) -> dict[str, Any]:
        """As numbers and our own words, for a file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "GrayscaleLut":
        """What ``plain()`` gave."""
        scale, lookup = data["rescale"], data["voi_lut"]
        presets = (Preset(preset["label"], Window(**preset["window"])) for preset in data["presets"])
        return cls(
            **data
            | {
                "rescale": _lookup_from_dict(scale) if "table" in scale else LinearRescale(**scale),
                "voi_lut": _lookup_from_dict(lookup) if lookup else None,
                "presets": tuple(presets),
                "warnings": tuple(data["warnings"]),
            }
        )

    def _to_unit_range(self, values: "Numbers", counts: "Numbers", window: Window | None) -> "Numbers":
        numbers = self.rescale(values)
        if window:
            return window.apply(numbers, self.voi_function)
        if self.is_usable(values, counts):
            return self._apply_own(numbers)
        return self.full_range(values).apply(numbers, VOI_LINEAR_EXACT)

    def _apply_own(self, values: "Numbers") -> "Numbers":
        if self.voi_lut:
            parts: Numbers = self.voi_lut(values) / ((1 << self.voi_lut.bits) - 1)
            return parts
        return self.presets[0].window.apply(values, self.voi_function)


def build_lut(dataset: "Dataset", frame_number: int, *, is_signed: bool) -> GrayscaleLut:
    """What the header says about frame ``number`` (from 1)."""
    notes: list[str] = []
    padding = read_numbers(dataset, "PixelPaddingValue")
    function = str(_find_value(dataset, frame_number, "VOILUTFunction") or VOI_LINEAR).strip("\0 ").upper()
    function = function if function in {VOI_LINEAR_EXACT, VOI_SIGMOID} else VOI_LINEAR
    rescale = _read_rescale(dataset, frame_number, is_signed, notes)
    below_zero = is_signed or (isinstance(rescale, LinearRescale) and rescale.intercept < 0)
    lookup = _read_lookup(_get_value(dataset, "VOILUTSequence"), below_zero, notes)
    return GrayscaleLut(
        rescale=rescale,
        voi_lut=lookup,
        presets=tuple(_read_presets(dataset, frame_number, function, notes)),
        voi_function=function,
        is_inverted=_is_inverted(dataset),
        padding_value=int(padding[0]) if padding else None,
        warnings=tuple(dict.fromkeys(notes)),
    )


def _get_value(dataset: "Dataset", name: str) -> Any:
    """A value of the file; None if it is missing or invalid."""
    try:
        return dataset.get(name)
    except Exception:
        # pydicom converts a value on access, and raises many kinds of errors for broken ones. All values are optional.
        return None


def read_numbers(dataset: "Dataset", name: str) -> list[float]:
    """The numbers of an optional value; an empty list when one of them is broken."""
    return _parse_numbers(_get_value(dataset, name))


def _parse_numbers(value: Any) -> list[float]:
    parts = value if isinstance(value, Iterable) and not isinstance(value, str | bytes) else [value]
    try:
        numbers = [float(str(part).strip("\0 ")) for part in parts if part not in (None, "")]
    except ValueError:
        return []
    return numbers if all(abs(number) <= MAX_ABSOLUTE_VALUE for number in numbers) else []


def _find_value(dataset: "Dataset", frame_number: int, name: str) -> Any:
    """A value of the file, else of the groups that hold it for all frames or for this one."""
    if name in dataset:
        return _get_value(dataset, name)
    own = list(_get_value(dataset, "PerFrameFunctionalGroupsSequence") or ())
    shared = list(_get_value(dataset, "SharedFunctionalGroupsSequence") or ())
    for group in [*own[frame_number - 1 : frame_number], *shared]:
        for sequence in ("FrameVOILUTSequence", "PixelValueTransformationSequence"):
            for item in _get_value(group, sequence) or ():
                if name in item:
                    return _get_value(item, name)
    return None


def _read_rescale(
    dataset: "Dataset", frame_number: int, is_signed: bool, warnings: list[str]
) -> LinearRescale | LookupTable:
    # For X-ray films such a table leads to what the detector measured, not to what is looked at (PS3.4 N.2.1.2).
    if str(_get_value(dataset, "PixelIntensityRelationship") or "").strip("\0 ").upper() not in {"LOG", "DISP"}:
        lookup = _read_lookup(_get_value(dataset, "ModalityLUTSequence"), is_signed, warnings)
        if lookup:
            return lookup
    slopes, intercepts = (
        _parse_numbers(_find_value(dataset, frame_number, name)) for name in ("RescaleSlope", "RescaleIntercept")
    )
    slope, intercept = (slopes or [1.0])[0], (intercepts or [0.0])[0]
    if slope == 0:
        warnings.append(_("The file’s scale is 0, which would make all shades the same. The scale was ignored."))
        slope = 1.0
    return LinearRescale(slope, intercept)


def _lookup_from_dict(data: dict[str, Any]) -> LookupTable:
    return LookupTable(data["first"], data["bits"], tuple(data["table"]))


def _read_lookup(sequence: Any, is_signed: bool, warnings: list[str]) -> LookupTable | None:
    if not sequence:
        return None
    try:
        found = _parse_lookup(sequence[0], is_signed)
    except Exception:
        found = None
    if found is None:
        warnings.append(_("The file’s lookup table is empty or damaged. It was ignored."))
    return found


def _parse_lookup(item: "Dataset", is_signed: bool) -> LookupTable | None:
    count, first, bits = (int(part) for part in item.LUTDescriptor)
    # Writers store the three numbers with or without a sign.
    count, first = count & 0xFFFF or 0x10000, first & 0xFFFF
    if is_signed and first >= 0x8000:
        first -= 0x10000
    data = item.LUTData
    if isinstance(data, bytes):
        order = "<" if item.original_encoding[1] is not False else ">"
        data = data if len(data) < 2 * count else struct.unpack(f"{order}{count}H", data[: 2 * count])
    parts = data if isinstance(data, Iterable) else [data]
    table = tuple(int(part) & 0xFFFF for part in parts)[:count]
    if not table or not 0 < bits <= LUT_BITS:
        return None
    return LookupTable(first, bits, tuple(min(part, (1 << bits) - 1) for part in table))


def _read_presets(dataset: "Dataset", frame_number: int, voi_function: str, warnings: list[str]) -> Iterator[Preset]:
    centers, widths = (
        _parse_numbers(_find_value(dataset, frame_number, name)) for name in ("WindowCenter", "WindowWidth")
    )
    least = 1.0 if voi_function == VOI_LINEAR else 0.0
    for place, (center, width) in enumerate(zip(centers, widths, strict=False), start=1):
        if place > MAX_PRESETS:
            break
        if width > 0 and width >= least:
            # The name is ours: the explanations that files carry are free text.
            yield Preset(_("Window %(number)s of the file") % {"number": place}, Window(center, width))
        else:
            warnings.append(
                _("Window %(number)s of the file has no usable width. It is not offered.") % {"number": place}
            )


def read_modality(dataset: "Dataset") -> str:
    """The kind of machine, one of MODALITIES, or empty."""
    said = str(_get_value(dataset, "Modality") or "").strip("\0 ").upper()
    return said if said in MODALITIES else ""


def is_bone_dark(dataset: "Dataset") -> bool | None:
    """Whether bone is darker than soft tissue when shown as the file asks; None when the file does not say.

    Pixel Intensity Relationship Sign (PS3.3 C.8.11.3.1.2) says which numbers bone has: 1 means low ones, as everywhere
    in angiography and fluoroscopy. Radiographs and CT without it are shown with white bone.
    """
    kind = read_modality(dataset)
    sign = _get_value(dataset, "PixelIntensityRelationshipSign")
    if sign not in (1, -1) and kind in FLUOROSCOPY_MODALITIES:
        sign = 1
    if sign in (1, -1) and kind in FLUOROSCOPY_MODALITIES | RADIOGRAPH_MODALITIES:
        return bool(sign == 1) != _is_inverted(dataset)
    return False if kind in RADIOGRAPH_MODALITIES | {"CT"} else None


def _is_inverted(dataset: "Dataset") -> bool:
    shape = str(_get_value(dataset, "PresentationLUTShape") or "").strip("\0 ").upper()
    photometric = str(_get_value(dataset, "PhotometricInterpretation") or "").strip("\0 ").upper()
    return photometric == "MONOCHROME1" or shape == "INVERSE"


def standard_presets(dataset: "Dataset") -> tuple[Preset, ...]:
    """Windows that every viewer offers: only the numbers of CT mean the same on every machine."""
    if read_modality(dataset) != "CT":
        return ()
    return Preset(_("Bone"), Window(480, 2500)), Preset(_("Soft tissue"), Window(50, 400))
