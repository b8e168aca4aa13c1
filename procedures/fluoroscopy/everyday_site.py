"""The needle site in the days after: where it is, a clean one, and one that needs a call."""

from procedures.fluoroscopy.pen import box, disc, good, line, tube, watch_out
from procedures.fluoroscopy.sheet import Layer

SITE = {"site": (0.446, 0.372), "clean": (0.242, 0.723), "red": (0.838, 0.668), "wet": (0.733, 0.83)}
LEFT, RIGHT, MIDDLE, RADIUS = 255, 745, 735, 205

_TORSO = (
    "M446 90V140C438 170 386 176 334 192C298 204 282 230 288 276C298 346 336 388 338 452L330 540H670"
    "L662 452C664 388 702 346 712 276C718 230 702 204 666 192C614 176 562 170 554 140V90z"
)


def needle_site() -> list[Layer]:
    """A back with a small dressing above; two close views below it."""
    return [*_back(), *_close_views()]


def _back() -> list[Layer]:
    blades = "M372 262c14 44 40 66 72 70M628 262c-14 44-40 66-72 70"
    spine = "".join(line((500, y), (500, y + 14)) for y in range(196, 440, 34))
    return [
        *tube("bare-arm", "M316 240c-34 80-52 190-56 300M684 240c34 80 52 190 56 300"),
        Layer("skin", _TORSO),
        Layer("hair", disc(500, 30, 92, 96)),
        Layer("thin", blades + spine),
        Layer("cloth", "M334 478c110 18 222 18 332 0l26 82h-384z"),
        Layer("linen", box(440, 346, 52, 52, 12)),
        Layer("thin", line((466, 362), (466, 382)) + line((456, 372), (476, 372))),
        Layer("paper", box(0, 508, 1000, 492)),
        Layer("thin", line((440, 398), (352, 556)) + line((492, 398), (648, 556))),
    ]


def _close_views() -> list[Layer]:
    blotch = (
        "M612 742c-8-58 28-116 92-122 40-22 104-8 132 34 40 30 48 92 18 130-12 54-66 84-116 70-62 8-118-46-126-112z"
    )
    inner = "M672 738c2-42 36-72 78-68 40-4 78 28 76 70-2 40-36 68-76 68-42 2-76-30-78-70z"
    rise = "M584 690c-14 32-14 68 0 100M906 690c14 32 14 68 0 100"
    drop = "M752 762c20 28 30 44 30 60a30 30 0 0 1-60 0c0-16 10-32 30-60z"
    return [
        Layer("skin", disc(LEFT, MIDDLE, RADIUS) + disc(RIGHT, MIDDLE, RADIUS)),
        Layer("sore", blotch),
        Layer("sore-deep", inner),
        Layer("thin", rise),
        Layer("drop", drop),
        Layer("dot", disc(LEFT, MIDDLE - 5, 11) + disc(752, 738, 15)),
        *good(LEFT + 142, MIDDLE + 150),
        *watch_out(RIGHT + 142, MIDDLE + 150),
    ]
