"""The first days at home: rest, get up for meals, walk a little, leave heavy things alone."""

from procedures.fluoroscopy.pen import bad, box, disc, good, line, tube
from procedures.fluoroscopy.sheet import Layer

DAYS = {"rest": (0.24, 0.262), "meals": (0.655, 0.25), "walk": (0.227, 0.73), "heavy": (0.888, 0.862)}
SIDE, GAP, ROUND, FLOOR = 476, 16, 34, 410


def days() -> list[Layer]:
    """Four rooms, two and two."""
    layers: list[Layer] = []
    for number, scene in enumerate((_rest, _meal, _walk, _lift)):
        x = GAP + (number % 2) * (SIDE + GAP)
        y = GAP + (number // 2) * (SIDE + GAP)
        layers += [Layer("room", box(x, y, SIDE, SIDE, ROUND)), Layer("floor", _floor(x, y))]
        layers += scene(x, y)
        layers += (bad if scene is _lift else good)(x + SIDE - 58, y + 58)
    return layers


def _floor(x: float, y: float) -> str:
    """The lower strip of a room, round at its lower corners."""
    down = SIDE - FLOOR - ROUND
    return (
        f"M{x} {y + FLOOR}h{SIDE}v{down}a{ROUND} {ROUND} 0 0 1-{ROUND} {ROUND}"
        f"h-{SIDE - 2 * ROUND}a{ROUND} {ROUND} 0 0 1-{ROUND}-{ROUND}z"
    )


def head(x: float, y: float) -> list[Layer]:
    """A head that looks to the right: hair behind and above, a small nose."""
    nose = f"M{x + 36} {y - 8}q14 12 2 18"
    hair = f"M{x + 18} {y - 38}c-46-18-78 34-50 66c16-2 24-14 24-32c22 0 34-12 26-34z"
    return [Layer("skin", nose + disc(x, y, 38)), Layer("hair", hair), Layer("dot", disc(x + 19, y - 2, 4.5))]


def _rest(x: float, y: float) -> list[Layer]:
    blanket = f"M{x + 168} {y + 306}c-4-64 30-76 84-70c46 6 62-44 92-40c34 6 42 66 84 110z"
    bed = box(x + 34, y + 186, 26, 224, 8) + box(x + 48, y + 350, 392, 34, 8) + box(x + 420, y + 330, 22, 80, 8)
    return [
        Layer("linen", disc(x + 250, y + 92, 46)),
        Layer("edge", line((x + 250, y + 66), (x + 250, y + 92), (x + 270, y + 104))),
        Layer("wood", bed),
        Layer("linen", box(x + 56, y + 300, 376, 54, 18)),
        Layer("linen", box(x + 62, y + 256, 118, 50, 24)),
        Layer("skin", disc(x + 134, y + 242, 37)),
        Layer("hair", f"M{x + 136} {y + 204}c-40-6-62 42-36 72c10-26 16-38 40-44c14-6 10-24-4-28z"),
        Layer("thin", f"M{x + 142} {y + 232}q9 6 16-2M{x + 136} {y + 260}q10 4 18-1"),
        Layer("cloth", blanket),
    ]


def _meal(x: float, y: float) -> list[Layer]:
    chair = box(x + 84, y + 176, 20, 234, 8) + box(x + 84, y + 306, 108, 20, 8) + box(x + 174, y + 306, 18, 104, 8)
    bowl = f"M{x + 286} {y + 222}h84c0 26-18 38-42 38s-42-12-42-38z"
    steam = "".join(f"M{x + away} {y + 206}c-10-14 10-22 0-38" for away in (312, 344))
    return [
        Layer("wood", chair),
        *tube("leg", line((x + 150, y + 292), (x + 244, y + 296), (x + 244, y + 384))),
        Layer("dark-cloth", f"M{x + 224} {y + 384}h44c20 0 28 10 28 26h-72z"),
        *tube("torso", line((x + 156, y + 188), (x + 150, y + 274))),
        *head(x + 166, y + 112),
        Layer("wood", box(x + 256, y + 260, 196, 20, 8) + box(x + 396, y + 280, 20, 130)),
        Layer("linen", bowl + f"M{x + 396} {y + 216}h40v44h-40z"),
        Layer("thin", f"M{x + 436} {y + 226}c20-4 20 26 0 22" + steam),
        *tube("sleeve", line((x + 158, y + 196), (x + 196, y + 252), (x + 258, y + 236))),
        Layer("skin", disc(x + 266, y + 234, 17)),
    ]


def _walk(x: float, y: float) -> list[Layer]:
    leaves = f"M{x + 400} {y + 330}c-44-20-50-70-30-94c24 22 34 56 30 94c-4-52 8-92 40-104c12 44-6 84-40 104z"
    return [
        Layer("leaf", leaves),
        Layer("wood", f"M{x + 366} {y + 326}h70l-10 84h-50z"),
        *tube("sleeve", line((x + 212, y + 190), (x + 172, y + 250), (x + 178, y + 290))),
        Layer("skin", disc(x + 179, y + 302, 16)),
        *tube("leg", line((x + 208, y + 284), (x + 176, y + 340), (x + 128, y + 382))),
        Layer("dark-cloth", f"M{x + 108} {y + 372}l36 30c-10 12-24 10-34 2l-22-16c-8-8-2-16 4-16z"),
        *tube("leg", line((x + 210, y + 284), (x + 250, y + 336), (x + 258, y + 386))),
        Layer("dark-cloth", f"M{x + 238} {y + 384}h42c22 0 30 10 30 26h-72z"),
        *tube("torso", line((x + 214, y + 182), (x + 208, y + 268))),
        *tube("sleeve", line((x + 216, y + 192), (x + 248, y + 250), (x + 292, y + 244))),
        Layer("skin", disc(x + 300, y + 242, 17)),
        *head(x + 222, y + 106),
    ]


def _lift(x: float, y: float) -> list[Layer]:
    strap = line((x + 336, y + 284), (x + 336, y + 340), (x + 360, y + 340), (x + 360, y + 284))
    lid = line((x + 268, y + 316), (x + 428, y + 316)) + strap
    return [
        *tube("leg", line((x + 130, y + 270), (x + 168, y + 326), (x + 136, y + 384))),
        Layer("dark-cloth", f"M{x + 114} {y + 384}h44c20 0 28 10 28 26h-72z"),
        *tube("torso", line((x + 136, y + 254), (x + 206, y + 196))),
        *head(x + 262, y + 150),
        Layer("wood", box(x + 268, y + 284, 160, 126, 8)),
        Layer("thin", lid),
        *tube("sleeve", line((x + 208, y + 206), (x + 232, y + 276), (x + 262, y + 338))),
        Layer("skin", disc(x + 270, y + 350, 17)),
    ]
