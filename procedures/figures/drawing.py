"""Line drawings (SVG) that come with the content folder. Staff cannot upload SVG: it can carry script."""

import hashlib
import re
from xml.etree import ElementTree

from procedures.figures.intake import BadPictureError

NAMESPACE = "{http://www.w3.org/2000/svg}"
ELEMENTS = frozenset("svg g path circle ellipse line polygon polyline rect".split())
ATTRIBUTES = frozenset(
    "viewBox width height d cx cy r rx ry x y x1 y1 x2 y2 points fill stroke stroke-width stroke-linecap "
    "stroke-linejoin stroke-dasharray fill-opacity stroke-opacity opacity fill-rule transform".split()
)
VALUE = re.compile(r"[-#.,%a-zA-Z0-9 ()\n]*\Z")
MOST_BYTES = 60_000


def read_drawing(data: bytes) -> tuple[bytes, str]:
    """Checked bytes and their sha256. Raises BadPictureError for anything but plain shapes."""
    if len(data) > MOST_BYTES:
        raise BadPictureError("The drawing is larger than 60 kB.")
    if b"<!" in data or b"<?xml-stylesheet" in data:
        raise BadPictureError("The drawing holds a declaration or comment. Plain shapes only.")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 -- no declaration, so no entities; at most 60 kB
    except ElementTree.ParseError as error:
        raise BadPictureError(f"The drawing is not well-formed: {error}.") from error
    for element in root.iter():
        name = element.tag.removeprefix(NAMESPACE)
        if not element.tag.startswith(NAMESPACE) or name not in ELEMENTS:
            raise BadPictureError(f"The drawing holds <{name}>. Plain shapes only.")
        for attribute, value in element.attrib.items():
            if attribute not in ATTRIBUTES or not VALUE.match(value) or "url" in value.lower():
                raise BadPictureError(f"The drawing holds {attribute}=“{value[:40]}”. Plain shapes only.")
    return data, hashlib.sha256(data).hexdigest()
