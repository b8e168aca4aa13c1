"""What kind of picture a file may be: a suggestion that the person who uploads it confirms or corrects."""

from PIL import Image

from procedures.enums import FigureKind
from procedures.figures.dicom_frames import Frames

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
# A drawing is mostly flat: this part of its pixels has one of the few commonest colors.
FLAT, COMMONEST, SIDE = 0.7, 4, 128
# Mean difference of the color channels, 0 to 255, above which a picture is in color.
COLORFUL = 8


def of_frames(frames: Frames) -> str:
    """From what the DICOM header says: modality, and for a fluoroscope's image whether bone looks dark in it.

    Computed radiographs are stored either way and shown with white bone in both.
    """
    kind = MODALITIES.get(frames.modality)
    if kind == FigureKind.FLUOROSCOPY and frames.dark_bone is False:
        kind = FigureKind.RADIOGRAPH
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
