"""SVG output of the line drawings: palettes for light and dark pages, shapes, and shared icons.

Files contain only paths and one rectangle, with presentation attributes.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """One SVG path. ``role`` is a key of the palettes."""

    role: str
    data: str
    opacity: float = 1.0


@dataclass(frozen=True)
class Ink:
    """Fill and stroke of a role. ``width``: of the stroke, in a viewBox of 1000."""

    fill: str
    stroke: str
    width: float = 3.0


Palette = dict[str, Ink]

LIGHT_PALETTE: Palette = {
    "paper": Ink("#faf7f2", "none"),
    "rib": Ink("#f6eddb", "#c3b89f", 2.2),
    "nerve": Ink("#f3d98b", "#b98f2c", 2.2),
    "root": Ink("none", "#c79a30", 11),
    "root-line": Ink("none", "#f3d98b", 7),
    "strand": Ink("none", "#c79a30", 6),
    "bare-vein": Ink("none", "#5a78b8", 12),
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
    "room": Ink("#f1e7d3", "none"),
    "floor": Ink("#ddcba6", "none"),
    "roof": Ink("#d8b48c", "#1d2b33", 6),
    "edge": Ink("none", "#1d2b33", 6),
    "thin": Ink("none", "#1d2b33", 5),
    "dot": Ink("#1d2b33", "none"),
    "wood": Ink("#e0c08e", "#1d2b33", 6),
    "linen": Ink("#fffdf7", "#1d2b33", 6),
    "dairy": Ink("#fffdf7", "#1d2b33", 5),
    "spoon-edge": Ink("none", "#1d2b33", 30),
    "spoon": Ink("none", "#c3c9c9", 18),
    "cloth": Ink("#86bbb4", "#1d2b33", 6),
    "dark-cloth": Ink("#37545c", "#1d2b33", 6),
    "skin": Ink("#f0d2b4", "#1d2b33", 6),
    "hair": Ink("#c3c9c9", "#1d2b33", 6),
    "leaf": Ink("#8fb98a", "#1d2b33", 6),
    "glass": Ink("#cfe3e4", "#1d2b33", 5),
    "glow": Ink("#f8e2a0", "none"),
    "glow-edge": Ink("#f8d674", "#1d2b33", 6),
    "bare-arm-edge": Ink("none", "#1d2b33", 88),
    "bare-arm": Ink("none", "#f0d2b4", 76),
    "torso-edge": Ink("none", "#1d2b33", 96),
    "torso": Ink("none", "#86bbb4", 84),
    "sleeve-edge": Ink("none", "#1d2b33", 44),
    "sleeve": Ink("none", "#86bbb4", 32),
    "leg-edge": Ink("none", "#1d2b33", 54),
    "leg": Ink("none", "#5f7f88", 42),
    "trousers": Ink("#5f7f88", "#1d2b33", 6),
    "handset-edge": Ink("none", "#1d2b33", 42),
    "handset": Ink("none", "#37545c", 30),
    "grip-far": Ink("none", "#7ba5a2", 12),
    "grip-edge": Ink("none", "#1d2b33", 22),
    "grip": Ink("none", "#2f9a90", 12),
    "sore": Ink("#eda293", "none"),
    "sore-deep": Ink("#cf5246", "none"),
    "feel": Ink("#a9bfe8", "none"),
    "feel-deep": Ink("#5a78b8", "none"),
    "drop": Ink("#f3cf6b", "#1d2b33", 5),
    "good": Ink("#0b5f60", "none"),
    "bad": Ink("#9d1226", "none"),
    "sign": Ink("none", "#ffffff", 12),
    "teal": Ink("#0b5f60", "none"),
    "arrow": Ink("none", "#1d2b33", 14),
    "ring": Ink("none", "#9d1226", 8),
    "red-card": Ink("#fae3de", "#9d1226", 8),
    "amber-card": Ink("#fcefcd", "#8a5c00", 8),
    "teal-card": Ink("#dfeeeb", "#0b5f60", 8),
}
DARK_PALETTE: Palette = {
    "paper": Ink("#12181b", "none"),
    "rib": Ink("#1d2428", "#59605e", 2.2),
    "nerve": Ink("#6b5621", "#d8b458", 2.2),
    "root": Ink("none", "#d8b458", 11),
    "root-line": Ink("none", "#6b5621", 7),
    "strand": Ink("none", "#d8b458", 5),
    "bare-vein": Ink("none", "#8fb0f0", 12),
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
    "room": Ink("#22292b", "none"),
    "floor": Ink("#3a3a30", "none"),
    "roof": Ink("#5e4a35", "#efe3c8", 6),
    "edge": Ink("none", "#efe3c8", 6),
    "thin": Ink("none", "#efe3c8", 5),
    "dot": Ink("#f7efe0", "none"),
    "wood": Ink("#66522f", "#efe3c8", 6),
    "linen": Ink("#3b4549", "#efe3c8", 6),
    "dairy": Ink("#cfc4aa", "#efe3c8", 5),
    "spoon-edge": Ink("none", "#efe3c8", 30),
    "spoon": Ink("none", "#7d8685", 18),
    "cloth": Ink("#2d6f6a", "#efe3c8", 6),
    "dark-cloth": Ink("#1f3a42", "#efe3c8", 6),
    "skin": Ink("#8a6850", "#f6dfc9", 6),
    "hair": Ink("#7d8685", "#efe3c8", 6),
    "leaf": Ink("#3f6a40", "#efe3c8", 6),
    "glass": Ink("#24525a", "#efe3c8", 5),
    "glow": Ink("#6a5618", "none"),
    "glow-edge": Ink("#e8bd4b", "#f7efe0", 6),
    "bare-arm-edge": Ink("none", "#f6dfc9", 88),
    "bare-arm": Ink("none", "#8a6850", 76),
    "torso-edge": Ink("none", "#efe3c8", 96),
    "torso": Ink("none", "#2d6f6a", 84),
    "sleeve-edge": Ink("none", "#efe3c8", 44),
    "sleeve": Ink("none", "#2d6f6a", 32),
    "leg-edge": Ink("none", "#efe3c8", 54),
    "leg": Ink("none", "#33474e", 42),
    "trousers": Ink("#33474e", "#efe3c8", 6),
    "handset-edge": Ink("none", "#efe3c8", 42),
    "handset": Ink("none", "#1f3a42", 30),
    "grip-far": Ink("none", "#4d8a85", 12),
    "grip-edge": Ink("none", "#12181b", 22),
    "grip": Ink("none", "#7fd6cf", 12),
    "sore": Ink("#b0574b", "none"),
    "sore-deep": Ink("#e0705f", "none"),
    "feel": Ink("#47639c", "none"),
    "feel-deep": Ink("#8fb0f0", "none"),
    "drop": Ink("#b98f2c", "#f7efe0", 5),
    "good": Ink("#7fd6cf", "none"),
    "bad": Ink("#ff9c9c", "none"),
    "sign": Ink("none", "#12181b", 12),
    "teal": Ink("#1c6b68", "none"),
    "arrow": Ink("none", "#f7efe0", 14),
    "ring": Ink("none", "#ff9c9c", 8),
    "red-card": Ink("#34191b", "#ff9c9c", 8),
    "amber-card": Ink("#312811", "#ffcb61", 8),
    "teal-card": Ink("#122d2c", "#7fd6cf", 8),
}


def render_svg(layers: Iterable[Layer], palette: Palette) -> str:
    """Return an SVG file of 1000 × 1000: background, then the layers from back to front."""
    paper = palette["paper"].fill
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000" width="1000" height="1000">',
        f'<rect width="1000" height="1000" fill="{paper}"/>',
        '<g stroke-linejoin="round" stroke-linecap="round">',
        *(_render_path(layer, palette[layer.role]) for layer in layers if layer.data),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _render_path(layer: Layer, ink: Ink) -> str:
    attributes = [f'fill="{ink.fill}"']
    if ink.stroke != "none":
        attributes.append(f'stroke="{ink.stroke}" stroke-width="{ink.width:g}"')
    if layer.opacity < 1:
        attributes.append(f'opacity="{layer.opacity:g}"')
    return f'<path {" ".join(attributes)} d="{layer.data}"/>'


def ellipse(x: float, y: float, rx: float, ry: float | None = None) -> str:
    """Return path data of a circle, or of an ellipse if ``ry`` is given, around its center."""
    ry = rx if ry is None else ry
    return f"M{x - rx:g} {y:g}a{rx:g} {ry:g} 0 1 1 {2 * rx:g} 0a{rx:g} {ry:g} 0 1 1 {-2 * rx:g} 0z"


def rectangle(x: float, y: float, width: float, height: float, r: float = 0) -> str:
    """Return path data of a rectangle from its upper left corner, with corner radius ``r``."""
    if not r:
        return f"M{x:g} {y:g}h{width:g}v{height:g}h{-width:g}z"
    across, down = width - 2 * r, height - 2 * r
    corner = f"a{r:g} {r:g} 0 0 1 "
    return (
        f"M{x + r:g} {y:g}h{across:g}{corner}{r:g} {r:g}v{down:g}{corner}{-r:g} {r:g}"
        f"h{-across:g}{corner}{-r:g} {-r:g}v{-down:g}{corner}{r:g} {-r:g}z"
    )


def polyline(*points: tuple[float, float]) -> str:
    """Return path data of straight lines through the points."""
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def outlined_stroke(role: str, data: str) -> list[Layer]:
    """Return a stroke with an outline, for limbs. ``role`` and ``role``-edge are in the palettes."""
    return [Layer(f"{role}-edge", data), Layer(role, data)]


def check_icon(x: float, y: float) -> list[Layer]:
    """Check mark in a disc: do this."""
    return [
        Layer("good", ellipse(x, y, 38)),
        Layer("sign", polyline((x - 17, y + 1), (x - 5, y + 15), (x + 18, y - 13))),
    ]


def cross_icon(x: float, y: float) -> list[Layer]:
    """Cross in a disc: do not do this."""
    return [Layer("bad", ellipse(x, y, 38)), Layer("sign", polyline((x - 14, y - 14), (x + 14, y + 14))
            + polyline((x + 14, y - 14), (x - 14, y + 14)))]  # fmt: skip


def warning_icon(x: float, y: float) -> list[Layer]:
    """Exclamation mark in a disc: get help."""
    return [
        Layer("bad", ellipse(x, y, 46)),
        Layer("sign", polyline((x, y - 25), (x, y + 5)) + polyline((x, y + 24), (x, y + 25))),
    ]


def phone_icon(x: float, y: float) -> list[Layer]:
    """Telephone handset, about 160 wide, around its center."""
    ends = rectangle(x - 82, y - 6, 56, 46, 16) + rectangle(x + 26, y - 6, 56, 46, 16)
    bow = f"M{x - 56:g} {y:g}c10-56 102-56 112 0"
    return [*outlined_stroke("handset", bow), Layer("dark-cloth", ends)]


def sun_icon(x: float, y: float, r: float) -> list[Layer]:
    """Sun with eight rays, for "today"."""
    directions = ((1, 0), (0.7, 0.7), (0, 1), (-0.7, 0.7), (-1, 0), (-0.7, -0.7), (0, -1), (0.7, -0.7))
    rays = "".join(
        polyline((x + a * (r + 16), y + b * (r + 16)), (x + a * (r + 34), y + b * (r + 34))) for a, b in directions
    )
    return [Layer("glow-edge", ellipse(x, y, r)), Layer("edge", rays)]


def moon_icon(x: float, y: float, r: float) -> list[Layer]:
    """Crescent moon with two stars, for "at night"."""
    inner = f"{r * 0.86:g} {r * 0.86:g} 0 0 1 {-r * 0.7:g} {-r * 1.5:g}"
    crescent = f"M{x + r * 0.3:g} {y - r:g}a{r:g} {r:g} 0 1 0 {r * 0.7:g} {r * 1.5:g}a{inner}z"
    stars = ellipse(x + r * 0.9, y - r * 0.7, 6) + ellipse(x + r * 1.3, y, 5)
    return [Layer("glow-edge", crescent), Layer("dot", stars)]
