"""What kind of picture a file may be: a suggestion that the person who uploads it confirms or corrects."""

import logging
from typing import BinaryIO

from PIL import Image

from procedures.enums import FigureKind
from procedures.figures.dicom_file import Bounded, read_dataset

logger = logging.getLogger(__name__)

# DICOM Modality (PS3.3 C.7.3.1.1.1).
MODALITIES = {
    "XA": FigureKind.FLUOROSCOPY, "RF": FigureKind.FLUOROSCOPY,
    "CR": FigureKind.RADIOGRAPH, "DX": FigureKind.RADIOGRAPH, "RG": FigureKind.RADIOGRAPH, "IO": FigureKind.RADIOGRAPH,
    "PX": FigureKind.RADIOGRAPH, "MG": FigureKind.RADIOGRAPH,
    "CT": FigureKind.CT, "MR": FigureKind.MRI,
    "XC": FigureKind.PHOTO, "GM": FigureKind.PHOTO, "DMS": FigureKind.PHOTO, "OP": FigureKind.PHOTO,
    "US": FigureKind.OTHER, "NM": FigureKind.OTHER, "PT": FigureKind.OTHER, "ES": FigureKind.PHOTO,
}  # fmt: skip
OTHER_POLARITY = {FigureKind.FLUOROSCOPY: FigureKind.RADIOGRAPH, FigureKind.RADIOGRAPH: FigureKind.FLUOROSCOPY}
TAGS = ("Modality", "PhotometricInterpretation", "PresentationLUTShape")
# A drawing is mostly flat: this part of its pixels has one of the few commonest colors.
FLAT, COMMONEST, SIDE = 0.7, 4, 128
# Mean difference of the color channels, 0 to 255, above which a picture is in color.
COLORFUL = 8


def of_dicom(stream: BinaryIO) -> str:
    """From the header: modality, and for a fluoroscope's image whether the file turns black and white around."""
    try:
        header, _source = read_dataset(Bounded(stream), list(TAGS))
        modality = str(header.get("Modality", "")).strip().upper()
        turned = (
            str(header.get("PhotometricInterpretation", "")).strip() == "MONOCHROME1"
            or str(header.get("PresentationLUTShape", "")).strip() == "INVERSE"
        )
    except Exception:
        # pydicom raises many kinds for odd headers. There is no suggestion then; decoding judges the file.
        logger.info("a DICOM header gave no suggestion for the kind of picture")
        return ""
    kind = MODALITIES.get(modality)
    # A fluoroscope stores what the detector measured: bone is dark unless the file is to be shown the other way.
    # Computed radiographs are stored either way and shown with white bone in both.
    if kind == FigureKind.FLUOROSCOPY and turned:
        kind = OTHER_POLARITY[kind]
    return kind.value if kind else ""


def inverted(kind: str) -> str:
    """The kind after black and white were switched by hand."""
    return str(OTHER_POLARITY.get(FigureKind(kind), kind)) if kind else ""


def of_pixels(image: Image.Image) -> str:
    """Photo or drawing where the pixels show it; nothing for grey pictures, which may be any kind."""
    small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.NEAREST)
    counts = sorted((count for count, _ in small.getcolors(SIDE * SIDE) or []), reverse=True)
    if sum(counts[:COMMONEST]) >= FLAT * SIDE * SIDE and small.getextrema() != ((0, 0),) * 3:
        return FigureKind.DRAWING.value
    channels = small.tobytes()
    spread = sum(max(channels[at : at + 3]) - min(channels[at : at + 3]) for at in range(0, len(channels), 3))
    return FigureKind.PHOTO.value if spread > COLORFUL * SIDE * SIDE else ""
