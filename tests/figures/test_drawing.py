"""Validation of SVG drawings: only plain shapes are allowed."""

import hashlib
from pathlib import Path

import pytest

from procedures.figures.decoding import MAX_SVG_BYTES, InvalidImageError, read_svg

NS = 'xmlns="http://www.w3.org/2000/svg"'
GOOD = f'<svg {NS} viewBox="0 0 10 10"><g fill="none" stroke="#123"><path d="M0 0h10v-2.5z"/><circle r="1"/></g></svg>'
CONTENT = Path(__file__).resolve().parents[2] / "content" / "figures"

HOSTILE = [
    f"<svg {NS}><script>alert(1)</script></svg>",
    f'<svg {NS} onload="alert(1)"/>',
    f'<svg {NS}><a href="javascript:alert(1)"><path d="M0 0"/></a></svg>',
    f'<svg {NS}><use href="#x"/></svg>',
    f'<svg {NS} xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="https://evil.example/x.png"/></svg>',
    f'<svg {NS}><image href="data:image/png;base64,AAAA"/></svg>',
    f"<svg {NS}><foreignObject><p>x</p></foreignObject></svg>",
    f"<svg {NS}><text>Jane Doe</text></svg>",
    f"<svg {NS}><title>Jane Doe</title></svg>",
    f"<svg {NS}><metadata>Jane Doe</metadata></svg>",
    f"<svg {NS}><style>*{{fill:red}}</style></svg>",
    f'<svg {NS}><path style="fill:red" d="M0 0"/></svg>',
    f'<svg {NS}><path class="x" d="M0 0"/></svg>',
    f'<svg {NS}><path id="x" d="M0 0"/></svg>',
    f'<svg {NS}><path fill="url(#x)" d="M0 0"/></svg>',
    f'<svg {NS}><path fill="URL(https://evil.example)" d="M0 0"/></svg>',
    f'<svg {NS}><path d="M0 0&quot; onload=&quot;x"/></svg>',
    f'<svg {NS}><animate attributeName="d"/></svg>',
    f'<svg {NS}><set attributeName="onload" to="x"/></svg>',
    f"<!DOCTYPE svg [<!ENTITY x 'y'>]><svg {NS}/>",
    f"<!DOCTYPE svg SYSTEM 'file:///etc/passwd'><svg {NS}/>",
    f"<!-- Jane Doe --><svg {NS}/>",
    f"<?xml-stylesheet href='https://evil.example'?><svg {NS}/>",
    f"<svg {NS}><![CDATA[<script>]]></svg>",
    "<svg/>",
    '<svg xmlns="http://www.w3.org/1999/xhtml"/>',
    f'<svg {NS}><path xmlns="http://www.w3.org/1999/xhtml" d="M0 0"/></svg>',
    "<html><body/></html>",
    f"<svg {NS}>",
    "",
    "\0",
    "GIF89a",
]


def test_plain_shapes_are_accepted_unchanged() -> None:
    data, sha256 = read_svg(GOOD.encode())

    assert data == GOOD.encode()
    assert sha256 == hashlib.sha256(GOOD.encode()).hexdigest()


def test_anything_but_plain_shapes_is_rejected(subtests: pytest.Subtests) -> None:
    for svg in HOSTILE:
        with subtests.test(svg=svg), pytest.raises(InvalidImageError, match="The drawing"):
            read_svg(svg.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "iso-8859-1"])
def test_other_encodings_are_rejected(encoding: str) -> None:
    hidden = f'<?xml version="1.0" encoding="{encoding}"?><svg {NS}><script>x</script></svg>'

    with pytest.raises(InvalidImageError):
        read_svg(hidden.encode(encoding))


def test_text_between_shapes_is_rejected() -> None:
    with pytest.raises(InvalidImageError):
        read_svg(f"<svg {NS}>Jane Doe<path d='M0 0'/></svg>".encode())


def test_processing_instruction_is_rejected() -> None:
    with pytest.raises(InvalidImageError):
        read_svg(f"<?php Jane Doe ?><svg {NS}/>".encode())


def test_oversized_drawing_is_rejected() -> None:
    with pytest.raises(InvalidImageError, match="larger than 60 kB"):
        read_svg(GOOD.replace("M0 0", "M0 0" + " " * MAX_SVG_BYTES).encode())


def test_supplied_drawings_are_accepted() -> None:
    drawings = sorted(CONTENT.glob("*.svg"))

    assert drawings
    for file in drawings:
        assert read_svg(file.read_bytes())[0]
