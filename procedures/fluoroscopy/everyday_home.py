"""A home cut open: light, rails, grab bars, firm shoes, a phone, and nothing on the floor."""

from procedures.fluoroscopy.pen import box, disc, line
from procedures.fluoroscopy.sheet import Layer

HOME = {
    "light": (0.424, 0.39), "bar": (0.79, 0.40), "rail": (0.268, 0.722),
    "phone": (0.747, 0.80), "shoes": (0.85, 0.895), "floor": (0.49, 0.935),
}  # fmt: skip
LEFT, RIGHT, TOP, MIDDLE, BOTTOM, FLOOR = 84, 916, 234, 566, 954, 918
STEPS, STEP, RISE, FOOT = 5, 66, 38, 110


def home() -> list[Layer]:
    """A house with four rooms: bedroom and bathroom above, stairs and living room below."""
    width = RIGHT - LEFT
    walls = (
        box(LEFT, TOP, width, BOTTOM - TOP) + line((LEFT, MIDDLE), (RIGHT, MIDDLE)) + line((500, TOP), (500, MIDDLE))
    )
    return [
        Layer("wood", box(700, 60, 66, 120)),
        Layer("roof", "M490 40q10-6 20 0L952 214q16 20-10 20H58q-26 0-10-20z"),
        Layer("room", box(LEFT, TOP, width, BOTTOM - TOP)),
        Layer("floor", box(LEFT, FLOOR, width, BOTTOM - FLOOR) + box(LEFT, MIDDLE - 22, width, 22)),
        *_bedroom(),
        *_bathroom(),
        *_stairs(),
        *_living_room(),
        Layer("edge", walls),
    ]  # fmt: skip


def _bedroom() -> list[Layer]:
    return [
        Layer("glow", disc(424, 394, 78)),
        Layer("wood", box(108, 384, 20, 160, 6) + box(116, 504, 244, 24, 6) + box(344, 488, 18, 56, 6)),
        Layer("linen", box(124, 462, 232, 44, 14) + box(130, 430, 80, 36, 16)),
        Layer("cloth", "M204 462c30-16 116-16 152 0v44h-152z"),
        Layer("wood", box(384, 468, 84, 76, 6)),
        Layer("edge", line((426, 468), (426, 418)) + line((410, 506), (442, 506))),
        Layer("glow-edge", "M402 362h48l18 58h-84z"),
    ]


def _bathroom() -> list[Layer]:
    bars = line((622, 446), (622, 366)) + line((726, 400), (836, 400))
    return [
        Layer("linen", box(536, 396, 48, 90, 10) + "M546 486h92c0 30-18 44-40 44h-6v14h-36v-14z"),
        Layer("linen", "M690 462h204c6 0 10 4 10 10c0 46-18 72-54 72h-116c-36 0-54-26-54-72c0-6 4-10 10-10z"),
        Layer("edge", line((878, 462), (878, 330), (848, 330), (848, 346))),
        Layer("grip-edge", bars),
        Layer("grip", bars),
    ]


def _stairs() -> list[Layer]:
    steps = f"M{FOOT} {FLOOR}" + f"v-{RISE}h{STEP}" * STEPS + f"V{FLOOR}z"
    near, far = _rail(124, 805), _rail(146, 752)
    return [
        Layer("grip-far", far),
        Layer("wood", steps),
        Layer("grip-edge", near),
        Layer("grip", near),
    ]


def _rail(x: float, y: float) -> str:
    """A rail up the stairs from its lower end, with three posts down to the steps."""
    slope, tread = RISE / STEP, 2 * STEP
    posts = "".join(
        line((x + n * tread, round(y - n * tread * slope)), (x + n * tread, FLOOR - RISE * (2 * n + 1)))
        for n in range(3)
    )
    return line((x - 14, y + 8), (x + 292, round(y - 292 * slope))) + posts


def _living_room() -> list[Layer]:
    chair = "M536 728a38 38 0 0 1 76 0v74h64a26 26 0 0 1 26 26v66h-166z"
    return [
        Layer("wood", box(550, 894, 16, 24) + box(672, 894, 16, 24)),
        Layer("cloth", chair),
        Layer("thin", "M612 802v28a20 20 0 0 1-20 20"),
        Layer("wood", box(712, 842, 74, 16, 6) + box(740, 858, 18, 60)),
        Layer("dark-cloth", box(732, 778, 34, 64, 8)),
        Layer("glow", box(740, 788, 18, 40, 2)),
        Layer("dark-cloth", "M806 872c20 8 34 0 38-14c12 22 28 30 52 32c18 2 20 28 6 28h-96z"),
        Layer("sign", line((812, 905), (896, 905))),
    ]
