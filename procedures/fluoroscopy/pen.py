"""Plain shapes as SVG path data on the board of 1000 × 1000, for the drawings of people and rooms."""

from procedures.fluoroscopy.sheet import Layer


def disc(x: float, y: float, rx: float, ry: float | None = None) -> str:
    """A circle, or an ellipse with `ry`, around its middle."""
    ry = rx if ry is None else ry
    return f"M{x - rx:g} {y:g}a{rx:g} {ry:g} 0 1 1 {2 * rx:g} 0a{rx:g} {ry:g} 0 1 1 {-2 * rx:g} 0z"


def box(x: float, y: float, width: float, height: float, r: float = 0) -> str:
    """A rectangle from its upper left corner, with round corners of `r`."""
    if not r:
        return f"M{x:g} {y:g}h{width:g}v{height:g}h{-width:g}z"
    across, down = width - 2 * r, height - 2 * r
    corner = f"a{r:g} {r:g} 0 0 1 "
    return (
        f"M{x + r:g} {y:g}h{across:g}{corner}{r:g} {r:g}v{down:g}{corner}{-r:g} {r:g}"
        f"h{-across:g}{corner}{-r:g} {-r:g}v{-down:g}{corner}{r:g} {-r:g}z"
    )


def line(*spots: tuple[float, float]) -> str:
    """Straight strokes from spot to spot."""
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in spots)


def tube(role: str, data: str) -> list[Layer]:
    """A stroke with an edge around it: arms and legs. Both roles are in the palette."""
    return [Layer(f"{role}-edge", data), Layer(role, data)]


def good(x: float, y: float) -> list[Layer]:
    """A tick in a disc: this is right."""
    return [Layer("good", disc(x, y, 38)), Layer("sign", line((x - 17, y + 1), (x - 5, y + 15), (x + 18, y - 13)))]


def bad(x: float, y: float) -> list[Layer]:
    """A cross in a disc: not this."""
    return [Layer("bad", disc(x, y, 38)), Layer("sign", line((x - 14, y - 14), (x + 14, y + 14))
            + line((x + 14, y - 14), (x - 14, y + 14)))]  # fmt: skip


def watch_out(x: float, y: float) -> list[Layer]:
    """An exclamation mark in a disc: get help with this."""
    return [Layer("bad", disc(x, y, 46)), Layer("sign", line((x, y - 25), (x, y + 5)) + line((x, y + 24), (x, y + 25)))]


def phone(x: float, y: float) -> list[Layer]:
    """The handset of a telephone, 150 wide, around its middle."""
    ends = box(x - 82, y - 6, 56, 46, 16) + box(x + 26, y - 6, 56, 46, 16)
    bow = f"M{x - 56:g} {y:g}c10-56 102-56 112 0"
    return [*tube("handset", bow), Layer("dark-cloth", ends)]


def sun(x: float, y: float, r: float = 40) -> list[Layer]:
    """A sun with eight rays: by day, today."""
    ways = ((1, 0), (0.7, 0.7), (0, 1), (-0.7, 0.7), (-1, 0), (-0.7, -0.7), (0, -1), (0.7, -0.7))
    rays = "".join(line((x + a * (r + 16), y + b * (r + 16)), (x + a * (r + 34), y + b * (r + 34))) for a, b in ways)
    return [Layer("glow-edge", disc(x, y, r)), Layer("edge", rays)]
