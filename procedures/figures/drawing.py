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
XML_LINE = re.compile(r'\A<\?xml version="1\.0"(?: encoding="utf-8")?\s*\?>', re.IGNORECASE)
MAX_BYTES = 60_000


def read_drawing(data: bytes) -> tuple[bytes, str]:
    """Checked bytes and their sha256. Raises BadPictureError for anything but plain shapes."""
    if len(data) > MAX_BYTES:
        raise BadPictureError("The drawing is larger than 60 kB.")
    try:
        text = XML_LINE.sub("", data.decode())
    except UnicodeDecodeError as error:
        raise BadPictureError("The drawing is not UTF-8 text. Save it as UTF-8.") from error
    if any(sign in text for sign in ("<!", "<?", "\0")):
        raise BadPictureError("The drawing holds a declaration or comment. Plain shapes only.")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 -- no declaration, so no entities; at most 60 kB
    except ElementTree.ParseError as error:
        raise BadPictureError(f"The drawing is not well-formed: {error}.") from error
    for element in root.iter():
        name = element.tag.removeprefix(NAMESPACE)
        if not element.tag.startswith(NAMESPACE) or name not in ELEMENTS:
            raise BadPictureError(f"The drawing holds <{name}>. Plain shapes only.")
        if f"{element.text or ''}{element.tail or ''}".strip():
            raise BadPictureError("The drawing holds words. Plain shapes only.")
        for attribute, value in element.attrib.items():
            if attribute not in ATTRIBUTES or not VALUE.match(value) or "url" in value.lower():
                raise BadPictureError(f"The drawing holds {attribute}=“{value[:40]}”. Plain shapes only.")
    return data, hashlib.sha256(data).hexdigest()
