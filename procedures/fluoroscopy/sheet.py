"""The paper of the line drawings: colours by role, and SVG of nothing but paths with presentation attributes."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """One path: what it is, its data, and how much of it shows."""

    role: str
    data: str
    opacity: float = 1.0


@dataclass(frozen=True)
class Ink:
    """Fill and line of a role; width on a board of 1000."""

    fill: str
    line: str
    width: float = 3.0


Palette = dict[str, Ink]

LIGHT: Palette = {
    "paper": Ink("#faf7f2", "none"),
    "rib": Ink("#f6eddb", "#c3b89f", 2.2),
    "nerve": Ink("#f3d98b", "#b98f2c", 2.2),
    "root": Ink("none", "#c79a30", 11),
    "root-line": Ink("none", "#f3d98b", 7),
    "strand": Ink("none", "#c79a30", 6),
    "disc": Ink("#d6e3e4", "#7f9799", 2.2),
    "arch": Ink("#e9dab9", "#6a6250", 2.4),
    "arch-far": Ink("#f3ebda", "#b9b1a0", 2),
    "body-far": Ink("#f8f1e3", "#a4a5a0", 2.4),
    "oval": Ink("#f4e9d0", "#1d2b33", 3),
    "ridge": Ink("none", "#1d2b33", 3),
    "body": Ink("#f4e9d0", "#1d2b33", 3.4),
    "broken": Ink("#f2d3bd", "#1d2b33", 3.8),
    "cement": Ink("#37454d", "#1d2b33", 2.6),
    "balloon": Ink("#3d9590", "#0b504d", 3),
    "metal": Ink("#1d2b33", "none", 0),
    "needle": Ink("#8f9ba1", "#1d2b33", 2.4),
    "measure": Ink("none", "#0f6b6b", 3.6),
}
DARK: Palette = {
    "paper": Ink("#12181b", "none"),
    "rib": Ink("#1d2428", "#59605e", 2.2),
    "nerve": Ink("#6b5621", "#d8b458", 2.2),
    "root": Ink("none", "#d8b458", 11),
    "root-line": Ink("none", "#6b5621", 7),
    "strand": Ink("none", "#d8b458", 5),
    "disc": Ink("#24383c", "#7a9498", 2.2),
    "arch": Ink("#4a4437", "#b9ad92", 2.4),
    "arch-far": Ink("#262624", "#5d5a50", 2),
    "body-far": Ink("#34332d", "#77736a", 2.4),
    "oval": Ink("#6b6350", "#efe3c8", 3),
    "ridge": Ink("none", "#efe3c8", 3),
    "body": Ink("#6b6350", "#efe3c8", 3.4),
    "broken": Ink("#7d5743", "#f6dfc9", 3.8),
    "cement": Ink("#d5dde0", "#f7fafb", 2.6),
    "balloon": Ink("#2b8f89", "#9be3dd", 3),
    "metal": Ink("#f7fafb", "none", 0),
    "needle": Ink("#aab6bc", "#f2f6f8", 2.4),
    "measure": Ink("none", "#7fd6cf", 3.6),
}


def sheet(layers: Iterable[Layer], palette: Palette) -> str:
    """An SVG file of 1000 × 1000: paper, then the layers from back to front."""
    paper = palette["paper"].fill
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000" width="1000" height="1000">',
        f'<rect width="1000" height="1000" fill="{paper}"/>',
        '<g stroke-linejoin="round" stroke-linecap="round">',
        *(_path(layer, palette[layer.role]) for layer in layers if layer.data),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _path(layer: Layer, ink: Ink) -> str:
    attributes = [f'fill="{ink.fill}"']
    if ink.line != "none":
        attributes.append(f'stroke="{ink.line}" stroke-width="{ink.width:g}"')
    if layer.opacity < 1:
        attributes.append(f'opacity="{layer.opacity:g}"')
    return f'<path {" ".join(attributes)} d="{layer.data}"/>'
