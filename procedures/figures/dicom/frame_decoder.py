"""Decoder program for compressed DICOM frames, run by ``figures.sandbox`` with its task as JSON on stdin.

Imports nothing from the portal, and starts in half a second.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

RLE_LOSSLESS = "1.2.840.10008.1.2.5"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
JPEG_LS_SYNTAXES = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
# For each transfer syntax, a codec that is known to decode it correctly.
DECODER_PLUGINS = {
    RLE_LOSSLESS: "pydicom",
    "1.2.840.10008.1.2.4.50": "pillow",
    JPEG_EXTENDED: "pillow",
    "1.2.840.10008.1.2.4.57": "gdcm",
    "1.2.840.10008.1.2.4.70": "gdcm",
    JPEG_LS_SYNTAXES[0]: "pyjpegls",
    JPEG_LS_SYNTAXES[1]: "pyjpegls",
    "1.2.840.10008.1.2.4.90": "pylibjpeg",
    "1.2.840.10008.1.2.4.91": "pylibjpeg",
    "1.2.840.10008.1.2.4.201": "pylibjpeg",
    "1.2.840.10008.1.2.4.202": "pylibjpeg",
    "1.2.840.10008.1.2.4.203": "pylibjpeg",
}


def decode_frame(transfer_syntax: str, data: bytes, options: dict[str, Any]) -> Any:
    """Decode one frame to an array."""
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder

    if transfer_syntax == JPEG_EXTENDED:
        if read_jpeg_precision(data) > 8:
            return decode_12bit_jpeg(data, options)
        options = options | {"bits_stored": 8}
    plugin = DECODER_PLUGINS[transfer_syntax]
    pixels, _properties = get_decoder(transfer_syntax).as_array(
        encapsulate([data]), index=0, decoding_plugin=plugin, **options
    )
    return pixels


def read_jpeg_precision(data: bytes) -> int:
    """Return the bits per sample of an extended-process JPEG."""
    from pydicom.pixels.utils import _get_jpg_parameters

    return int(_get_jpg_parameters(data)["precision"])


def decode_12bit_jpeg(data: bytes, options: dict[str, Any]) -> Any:
    """Decode with GDCM directly: pydicom rejects it for 12 bits, because releases before 3.2 clipped them."""
    import gdcm
    import numpy as np

    fragment, fragments = gdcm.Fragment(), gdcm.SequenceOfFragments.New()
    fragment.SetByteStringValue(data)
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((options["columns"], options["rows"], 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.GetPIType(options["photometric_interpretation"])
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(JPEG_EXTENDED)))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, 12, 11, options["pixel_representation"]))
    # SWIG returns bytes as text.
    pixels = image.GetBuffer().encode("utf-8", "surrogateescape")
    return np.frombuffer(pixels, "<i2" if options["pixel_representation"] else "<u2").reshape(
        options["rows"], options["columns"]
    )


def convert_to_layout(pixels: Any, task: dict[str, Any]) -> Any:
    """Convert to the dtype of the task. Raise ValueError if the shape differs or values do not fit."""
    import numpy as np

    if pixels.shape != tuple(task["shape"]):
        raise ValueError("unexpected shape")
    pixels = np.right_shift(pixels, task["shift"]) if task["shift"] else pixels
    stored = np.dtype(task["dtype"])
    if pixels.dtype != stored:
        limits = np.iinfo(stored)
        if int(pixels.min()) < limits.min or int(pixels.max()) > limits.max:
            raise ValueError("more bits than declared")
    return np.ascontiguousarray(pixels, stored)


def main() -> None:
    """Decode the frames of the task and append each to its target file. The first failure ends the process."""
    task = json.load(sys.stdin)
    with Path(task["source"]).open("rb") as source:
        for start, length, target in task["frames"]:
            source.seek(start)
            pixels = convert_to_layout(decode_frame(task["syntax"], source.read(length), task["options"]), task)
            with Path(target).open("ab") as file:
                file.write(pixels.tobytes())
    # Some codecs crash at interpreter shutdown; by now all frames are written.
    os._exit(0)


if __name__ == "__main__":
    main()
