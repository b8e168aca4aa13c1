"""The DICOM grayscale pipeline: rescale, window or lookup table, polarity (PS3.3 C.7.6.3, C.11).

Header values are extracted as plain numbers (``GrayscaleLut``). pydicom does the arithmetic, on temporary data sets
built from those numbers alone.
"""

import math
import struct
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from procedures.enums import FigureKind
from procedures.figures.decoding import InvalidImageError

if TYPE_CHECKING:
    import numpy as np
    from pydicom.dataset import Dataset

    Array = np.ndarray[Any, Any]

MAX_PRESETS = 8
# The kind of picture by DICOM Modality (PS3.3 C.7.3.1.1.1).
KIND_BY_MODALITY = {
    "XA": FigureKind.FLUOROSCOPY, "RF": FigureKind.FLUOROSCOPY,
    "CR": FigureKind.RADIOGRAPH, "DX": FigureKind.RADIOGRAPH, "RG": FigureKind.RADIOGRAPH, "IO": FigureKind.RADIOGRAPH,
    "PX": FigureKind.RADIOGRAPH, "MG": FigureKind.RADIOGRAPH,
    "CT": FigureKind.CT, "MR": FigureKind.MRI,
    "XC": FigureKind.PHOTO, "GM": FigureKind.PHOTO, "DMS": FigureKind.PHOTO, "OP": FigureKind.PHOTO,
    "US": FigureKind.OTHER, "NM": FigureKind.OTHER, "PT": FigureKind.OTHER, "ES": FigureKind.PHOTO,
}  # fmt: skip
FLUOROSCOPY_MODALITIES = frozenset(name for name, kind in KIND_BY_MODALITY.items() if kind is FigureKind.FLUOROSCOPY)
RADIOGRAPH_MODALITIES = frozenset(name for name, kind in KIND_BY_MODALITY.items() if kind is FigureKind.RADIOGRAPH)
# Any other value is ignored: it could be a name. OT and SC say nothing about the kind.
MODALITIES = KIND_BY_MODALITY.keys() | {"OT", "SC"}
VOI_LINEAR, VOI_LINEAR_EXACT, VOI_SIGMOID = "LINEAR", "LINEAR_EXACT", "SIGMOID"
# Output depth that pydicom is told to use for windows and lookup tables.
LUT_BITS = 16
WHITE_VALUE = (1 << LUT_BITS) - 1
# A narrow window that maps more than this fraction of the pixels to one shade is unusable.
MAX_SINGLE_SHADE_FRACTION = 0.95
# Larger values in a file are meaningless and could overflow.
MAX_ABSOLUTE_VALUE = 1e12


@dataclass(frozen=True, slots=True)
class Window:
    """The range of values shown between black and white. Raises InvalidImageError unless the width is positive."""

    center: float
    width: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.center) and math.isfinite(self.width) and self.width > 0):
            raise InvalidImageError(_("A window needs a center and a width above zero."))

    def apply(self, values: "Array", voi_function: str) -> "Array":
        """Map values to 0 (black) … 1 (white). LINEAR is undefined below width 1, where LINEAR_EXACT is used."""
        import numpy as np
        from pydicom.dataset import Dataset
        from pydicom.pixels.processing import apply_windowing

        data = Dataset()
        data.PhotometricInterpretation, data.BitsStored, data.PixelRepresentation = "MONOCHROME2", LUT_BITS, 0
        data.VOILUTFunction = VOI_LINEAR_EXACT if voi_function == VOI_LINEAR and self.width < 1 else voi_function
        data.add_new("WindowCenter", "FD", self.center)
        data.add_new("WindowWidth", "FD", self.width)
        with np.errstate(over="ignore"):  # values far below a sigmoid are black
            levels: Array = apply_windowing(values, data) / WHITE_VALUE
        return levels


@dataclass(frozen=True, slots=True)
class Preset:
    """A named window to choose from."""

    label: str
    window: Window


@dataclass(frozen=True, slots=True)
class LinearRescale:
    """Linear mapping from stored values to modality values."""

    slope: float
    intercept: float

    def __call__(self, values: "Array") -> "Array":
        from pydicom.dataset import Dataset
        from pydicom.pixels.processing import apply_rescale

        data = Dataset()
        data.add_new("RescaleSlope", "FD", self.slope)
        data.add_new("RescaleIntercept", "FD", self.intercept)
        return apply_rescale(values, data)


@dataclass(frozen=True, slots=True)
class LookupTable:
    """A lookup table: outputs of ``bits`` bits for the inputs ``first``, ``first`` + 1, …"""

    first: int
    bits: int
    table: tuple[int, ...]

    def __call__(self, values: "Array") -> "Array":
        """Look values up with 16-bit entries, because pydicom uses the same width for the number of entries."""
        import numpy as np
        from pydicom.dataset import Dataset
        from pydicom.pixels.processing import apply_voi

        item, data = Dataset(), Dataset()
        item.add_new("LUTDescriptor", "SL", [len(self.table), self.first, LUT_BITS])
        item.add_new("LUTData", "UL", list(self.table))
        data.VOILUTSequence = [item]
        inputs = np.clip(np.rint(values), self.first - 1, self.first + len(self.table) - 1).astype(np.int64)
        return apply_voi(inputs, data)


@dataclass(frozen=True, slots=True)
class GrayscaleLut:
    """How stored values of a frame become gray levels. ``warnings``: messages about settings that are ignored."""

    rescale: LinearRescale | LookupTable
    voi_lut: LookupTable | None
    presets: tuple[Preset, ...]
    voi_function: str
    is_inverted: bool
    padding_value: int | None
    warnings: tuple[str, ...] = ()

    def apply(self, values: "Array", counts: "Array", window: Window | None, *, invert: bool) -> "Array":
        """Return gray levels 0 … 255 for the distinct stored ``values``, which ``counts`` pixels have.

        Without ``window``, use the file's lookup table, else its first window, else the full range, so that the frame
        never has a single shade. ``invert`` reverses the file's polarity.
        """
        import numpy as np

        levels = self._to_unit_range(values, counts, window)
        # Not pydicom's inversion, which assumes that the largest value is white.
        levels = 1 - levels if self.is_inverted != invert else levels
        grays: Array = np.rint(255 * np.clip(levels, 0, 1)).astype(np.uint8)
        return grays

    def is_usable(self, values: "Array", counts: "Array") -> bool:
        """Return whether the file's own table or window shows these values in more than one shade.

        A window of width 1 yields two shades. Some writers store it as a placeholder, and one shade has almost all
        pixels.
        """
        import numpy as np

        if not (self.voi_lut or self.presets):
            return False
        is_image = values != self.padding_value if self.padding_value is not None else np.ones(values.shape, bool)
        if np.count_nonzero(is_image) < 2:
            return True
        shades = np.rint(255 * self._apply_own(self.rescale(values[is_image]))).astype(np.int64)
        histogram = np.bincount(shades - shades.min(), weights=counts[is_image])
        is_narrow = not self.voi_lut and self.presets[0].window.width <= 1
        return bool(histogram.max() < histogram.sum() * (MAX_SINGLE_SHADE_FRACTION if is_narrow else 1))

    def full_range(self, values: "Array") -> Window:
        """Return the window from the smallest to the largest value that is not padding."""
        rescaled = self.rescale_values(values)
        low, high = (float(rescaled.min()), float(rescaled.max())) if rescaled.size else (0.0, 0.0)
        return Window((low + high) / 2, (high - low) or 1.0)

    def rescale_values(self, values: "Array") -> "Array":
        """Rescale the stored values, without padding."""
        return self.rescale(values if self.padding_value is None else values[values != self.padding_value])

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data: only numbers and the portal's own messages, and no text from the file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "GrayscaleLut":
        """Restore the result of ``to_dict``."""
        rescale, lookup = data["rescale"], data["voi_lut"]
        presets = (Preset(preset["label"], Window(**preset["window"])) for preset in data["presets"])
        return cls(
            **data
            | {
                "rescale": _lookup_from_dict(rescale) if "table" in rescale else LinearRescale(**rescale),
                "voi_lut": _lookup_from_dict(lookup) if lookup else None,
                "presets": tuple(presets),
                "warnings": tuple(data["warnings"]),
            }
        )

    def _to_unit_range(self, values: "Array", counts: "Array", window: Window | None) -> "Array":
        rescaled = self.rescale(values)
        if window:
            return window.apply(rescaled, self.voi_function)
        if self.is_usable(values, counts):
            return self._apply_own(rescaled)
        return self.full_range(values).apply(rescaled, VOI_LINEAR_EXACT)

    def _apply_own(self, values: "Array") -> "Array":
        if self.voi_lut:
            levels: Array = self.voi_lut(values) / ((1 << self.voi_lut.bits) - 1)
            return levels
        return self.presets[0].window.apply(values, self.voi_function)


def build_lut(dataset: "Dataset", frame_number: int, *, is_signed: bool) -> GrayscaleLut:
    """Build the pipeline of a frame (numbered from 1) from the header."""
    warnings: list[str] = []
    padding = read_numbers(dataset, "PixelPaddingValue")
    function = str(_find_value(dataset, frame_number, "VOILUTFunction") or VOI_LINEAR).strip("\0 ").upper()
    function = function if function in {VOI_LINEAR_EXACT, VOI_SIGMOID} else VOI_LINEAR
    rescale = _read_rescale(dataset, frame_number, is_signed, warnings)
    has_negative_values = is_signed or (isinstance(rescale, LinearRescale) and rescale.intercept < 0)
    lookup = _read_lookup(_get_value(dataset, "VOILUTSequence"), has_negative_values, warnings)
    return GrayscaleLut(
        rescale=rescale,
        voi_lut=lookup,
        presets=tuple(_read_presets(dataset, frame_number, function, warnings)),
        voi_function=function,
        is_inverted=_is_inverted(dataset),
        padding_value=int(padding[0]) if padding else None,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _get_value(dataset: "Dataset", name: str) -> Any:
    """Return the value of an element, or None if it is missing or invalid."""
    try:
        return dataset.get(name)
    except Exception:
        # pydicom converts values on access and raises many exception types for invalid ones. All values are optional.
        return None


def read_numbers(dataset: "Dataset", name: str) -> list[float]:
    """Return the numbers of an optional element; an empty list if it is missing or any of them is invalid."""
    return _parse_numbers(_get_value(dataset, name))


def _parse_numbers(value: Any) -> list[float]:
    parts = value if isinstance(value, Iterable) and not isinstance(value, str | bytes) else [value]
    try:
        numbers = [float(str(part).strip("\0 ")) for part in parts if part not in (None, "")]
    except ValueError:
        return []
    return numbers if all(abs(number) <= MAX_ABSOLUTE_VALUE for number in numbers) else []


def _find_value(dataset: "Dataset", frame_number: int, name: str) -> Any:
    """Return a top-level value, else that of the frame's functional groups, else of the shared ones."""
    if name in dataset:
        return _get_value(dataset, name)
    per_frame = list(_get_value(dataset, "PerFrameFunctionalGroupsSequence") or ())
    shared = list(_get_value(dataset, "SharedFunctionalGroupsSequence") or ())
    for group in [*per_frame[frame_number - 1 : frame_number], *shared]:
        for sequence in ("FrameVOILUTSequence", "PixelValueTransformationSequence"):
            for item in _get_value(group, sequence) or ():
                if name in item:
                    return _get_value(item, name)
    return None


def _read_rescale(
    dataset: "Dataset", frame_number: int, is_signed: bool, warnings: list[str]
) -> LinearRescale | LookupTable:
    # For these X-ray images the table yields detector values, not values for display (PS3.4 N.2.1.2).
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
        lookup = _parse_lookup(sequence[0], is_signed)
    except Exception:
        lookup = None
    if lookup is None:
        warnings.append(_("The file’s lookup table is empty or damaged. It was ignored."))
    return lookup


def read_lut_descriptor(descriptor: Iterable[Any], is_signed: bool) -> tuple[int, int, int]:
    """Return the number of entries, the first mapped value, and the bits per entry of a lookup table."""
    count, first, bits = (int(part) for part in descriptor)
    # Writers store the descriptor with or without a sign.
    count, first = count & 0xFFFF or 0x10000, first & 0xFFFF
    return count, first - 0x10000 if is_signed and first >= 0x8000 else first, bits


def _parse_lookup(item: "Dataset", is_signed: bool) -> LookupTable | None:
    count, first, bits = read_lut_descriptor(item.LUTDescriptor, is_signed)
    data = item.LUTData
    if isinstance(data, bytes):
        order = "<" if item.original_encoding[1] is not False else ">"
        data = data if len(data) < 2 * count else struct.unpack(f"{order}{count}H", data[: 2 * count])
    entries = data if isinstance(data, Iterable) else [data]
    table = tuple(int(entry) & 0xFFFF for entry in entries)[:count]
    if not table or not 0 < bits <= LUT_BITS:
        return None
    return LookupTable(first, bits, tuple(min(entry, (1 << bits) - 1) for entry in table))


def _read_presets(dataset: "Dataset", frame_number: int, voi_function: str, warnings: list[str]) -> Iterator[Preset]:
    centers, widths = (
        _parse_numbers(_find_value(dataset, frame_number, name)) for name in ("WindowCenter", "WindowWidth")
    )
    min_width = 1.0 if voi_function == VOI_LINEAR else 0.0
    for number, (center, width) in enumerate(zip(centers, widths, strict=False), start=1):
        if number > MAX_PRESETS:
            break
        if width > 0 and width >= min_width:
            # Do not use the explanation in the file, which is free text.
            yield Preset(_("Window %(number)s of the file") % {"number": number}, Window(center, width))
        else:
            warnings.append(
                _("Window %(number)s of the file has no usable width and was left out.") % {"number": number}
            )


def read_modality(dataset: "Dataset") -> str:
    """Return one of MODALITIES, or "" for any other value."""
    modality = str(_get_value(dataset, "Modality") or "").strip("\0 ").upper()
    return modality if modality in MODALITIES else ""


def is_bone_dark(dataset: "Dataset") -> bool | None:
    """Return whether bone is darker than soft tissue when displayed as the file specifies; None if unknown.

    Pixel Intensity Relationship Sign (PS3.3 C.8.11.3.1.2) of 1 means low values for bone, which is also the rule in
    angiography and fluoroscopy. Radiographs and CT without it are displayed with white bone.
    """
    modality = read_modality(dataset)
    sign = _get_value(dataset, "PixelIntensityRelationshipSign")
    if sign not in (1, -1) and modality in FLUOROSCOPY_MODALITIES:
        sign = 1
    if sign in (1, -1) and modality in FLUOROSCOPY_MODALITIES | RADIOGRAPH_MODALITIES:
        return bool(sign == 1) != _is_inverted(dataset)
    return False if modality in RADIOGRAPH_MODALITIES | {"CT"} else None


def _is_inverted(dataset: "Dataset") -> bool:
    shape = str(_get_value(dataset, "PresentationLUTShape") or "").strip("\0 ").upper()
    photometric = str(_get_value(dataset, "PhotometricInterpretation") or "").strip("\0 ").upper()
    return photometric == "MONOCHROME1" or shape == "INVERSE"


def standard_presets(dataset: "Dataset") -> tuple[Preset, ...]:
    """Return the usual windows for CT, the only modality whose values mean the same on every scanner."""
    if read_modality(dataset) != "CT":
        return ()
    return Preset(_("Bone"), Window(480, 2500)), Preset(_("Soft tissue"), Window(50, 400))
