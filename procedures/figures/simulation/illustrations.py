"""Hand-drawn illustrations of advice that X-ray images cannot show, such as what to do and where to look."""

from collections.abc import Callable, Sequence

from procedures.figures.simulation.svg import (
    Layer,
    check_icon,
    cross_icon,
    ellipse,
    moon_icon,
    outlined_stroke,
    phone_icon,
    polyline,
    rectangle,
    sun_icon,
    warning_icon,
)

# Layers at a position.
Drawing = Callable[[float, float], list[Layer]]

# Each marker points at the arrow of its row.
WHOM_TO_CALL_TARGETS = {"emergency": (0.503, 0.158), "today": (0.503, 0.482), "visit": (0.503, 0.806)}
CARD_TOPS = (24, 348, 672)
CARD_HEIGHT = 304


def whom_to_call_layers() -> list[Layer]:
    """Three rows in red, amber, and teal: symptoms on the left, what to do on the right. Shapes work without color."""
    cards = zip(("red-card", "amber-card", "teal-card"), CARD_TOPS, strict=True)
    layers = [Layer(role, rectangle(24, top, 952, CARD_HEIGHT, 40)) for role, top in cards]
    layers += [
        *_symptoms(),
        *_ambulance(),
        *_fever(),
        *phone_icon(680, 512),
        *sun_icon(846, 440, 32),
        *moon_icon(846, 580, 44),
        *_question(),
        *_calendar(),
    ]
    arrows = "".join(f"M462 {top + 152}h84m-34-34l34 34l-34 34" for top in CARD_TOPS)
    return [*layers, Layer("arrow", arrows)]


def _symptoms() -> list[Layer]:
    """Chest pain, and weak or numb legs."""
    burst = "M158 176l10 20l22-8l-6 22l20 12l-20 12l6 22l-22-8l-10 20l-10-20l-22 8l6-22l-20-12l20-12l-6-22l22 8z"
    return [
        Layer("cloth", "M84 300c-6-76 6-116 40-130c22-10 46-10 68 0c34 14 46 54 40 130z"),
        Layer("thin", polyline((116, 300), (116, 236)) + polyline((200, 300), (200, 236))),
        Layer("skin", ellipse(158, 112, 44)),
        Layer("hair", "M116 106c2-62 82-62 84 0c-16-20-68-20-84 0z"),
        Layer("sore-deep", burst),
        Layer("dark-cloth", "M288 284h38v22h-60c0-14 8-22 22-22zM388 284h-38v22h60c0-14-8-22-22-22z"),
        Layer("trousers", "M280 70h116l-10 216h-34l-14-140l-14 140h-34z"),
        Layer("edge", "M262 130l-12 14l12 14l-12 14l12 14M414 130l12 14l-12 14l12 14l-12 14"),
    ]


def _ambulance() -> list[Layer]:
    return [
        Layer("glow-edge", rectangle(690, 74, 46, 28, 8)),
        Layer(
            "linen", "M600 116c0-9 6-14 14-14h176c9 0 14 5 14 14v124h-204zM804 142h58c12 0 20 5 26 16l26 46v36h-110z"
        ),
        Layer("glass", "M820 158h38c8 0 12 3 16 9l20 37h-74z"),
        Layer("bad", "M684 130h36v30h30v36h-30v30h-36v-30h-30v-36h30z"),
        Layer("dark-cloth", ellipse(668, 244, 32) + ellipse(852, 244, 32)),
        Layer("linen", ellipse(668, 244, 11) + ellipse(852, 244, 11)),
    ]


def _fever() -> list[Layer]:
    return [
        Layer("linen", "M166 408a26 26 0 0 1 52 0v112a46 46 0 1 1-52 0z"),
        Layer("bad", "M182 450a10 10 0 0 1 20 0v80a28 28 0 1 1-20 0z"),
        Layer(
            "thin",
            polyline((218, 420), (238, 420)) + polyline((218, 452), (238, 452)) + polyline((218, 484), (238, 484)),
        ),
        Layer("skin", ellipse(334, 506, 74)),
        Layer("sore", ellipse(334, 502, 48, 44)),
        Layer("sore-deep", ellipse(334, 502, 26, 24)),
        Layer("dot", ellipse(334, 502, 8)),
    ]


def _question() -> list[Layer]:
    bubble = (
        "M158 716h192c26 0 42 16 42 42v92c0 26-16 42-42 42h-96l-54 46v-46h-42c-26 0-42-16-42-42v-92c0-26 16-42 42-42z"
    )
    return [
        Layer("linen", bubble),
        Layer("arrow", "M220 776c2-46 72-44 70 2c-2 30-36 26-36 54M254 860v2"),
    ]


def _calendar() -> list[Layer]:
    dots = "".join(ellipse(670 + x * 52, 832 + y * 54, 9) for x in range(4) for y in range(2))
    return [
        Layer("linen", rectangle(620, 724, 256, 216, 20)),
        Layer("teal", "M620 784v-40a20 20 0 0 1 20-20h216a20 20 0 0 1 20 20v40z"),
        Layer(
            "edge",
            polyline((680, 704), (680, 746)) + polyline((816, 704), (816, 746)) + polyline((620, 784), (876, 784)),
        ),
        Layer("dot", dots),
        Layer("ring", ellipse(774, 886, 29)),
    ]


FIRST_DAYS_TARGETS = {"rest": (0.24, 0.262), "meals": (0.655, 0.25), "walk": (0.227, 0.73), "heavy": (0.888, 0.862)}
ROOM_SIZE, ROOM_GAP, ROOM_CORNER_RADIUS, ROOM_FLOOR_Y = 476, 16, 34, 410


def first_days_layers() -> list[Layer]:
    """Four scenes in a 2 × 2 grid, each with a check mark or a cross."""
    return _four_rooms((_rest, _meal, _walk, _lift), (check_icon, check_icon, check_icon, cross_icon))


def _four_rooms(scenes: Sequence[Drawing], icons: Sequence[Drawing] = (), *, has_floor: bool = True) -> list[Layer]:
    """Draw four scenes in a 2 × 2 grid of rooms, each with its icon, if any, in the upper right corner."""
    layers: list[Layer] = []
    for number, scene in enumerate(scenes):
        x = ROOM_GAP + (number % 2) * (ROOM_SIZE + ROOM_GAP)
        y = ROOM_GAP + (number // 2) * (ROOM_SIZE + ROOM_GAP)
        layers.append(Layer("room", rectangle(x, y, ROOM_SIZE, ROOM_SIZE, ROOM_CORNER_RADIUS)))
        if has_floor:
            layers.append(Layer("floor", _floor_path(x, y)))
        layers += scene(x, y)
        if icons:
            layers += icons[number](x + ROOM_SIZE - 58, y + 58)
    return layers


def _floor_path(x: float, y: float) -> str:
    """Return path data of the bottom strip of a scene, with rounded lower corners."""
    r = ROOM_CORNER_RADIUS
    down = ROOM_SIZE - ROOM_FLOOR_Y - r
    return (
        f"M{x} {y + ROOM_FLOOR_Y}h{ROOM_SIZE}v{down}a{r} {r} 0 0 1-{r} {r}h-{ROOM_SIZE - 2 * r}a{r} {r} 0 0 1-{r}-{r}z"
    )


def _head(x: float, y: float) -> list[Layer]:
    """Head facing right."""
    nose = f"M{x + 36} {y - 8}q14 12 2 18"
    hair = f"M{x + 18} {y - 38}c-46-18-78 34-50 66c16-2 24-14 24-32c22 0 34-12 26-34z"
    return [Layer("skin", nose + ellipse(x, y, 38)), Layer("hair", hair), Layer("dot", ellipse(x + 19, y - 2, 4.5))]


def _rest(x: float, y: float) -> list[Layer]:
    blanket = f"M{x + 168} {y + 306}c-4-64 30-76 84-70c46 6 62-44 92-40c34 6 42 66 84 110z"
    bed = (
        rectangle(x + 34, y + 186, 26, 224, 8)
        + rectangle(x + 48, y + 350, 392, 34, 8)
        + rectangle(x + 420, y + 330, 22, 80, 8)
    )
    return [
        Layer("linen", ellipse(x + 250, y + 92, 46)),
        Layer("edge", polyline((x + 250, y + 66), (x + 250, y + 92), (x + 270, y + 104))),
        Layer("wood", bed),
        Layer("linen", rectangle(x + 56, y + 300, 376, 54, 18)),
        Layer("linen", rectangle(x + 62, y + 256, 118, 50, 24)),
        Layer("skin", ellipse(x + 134, y + 242, 37)),
        Layer("hair", f"M{x + 136} {y + 204}c-40-6-62 42-36 72c10-26 16-38 40-44c14-6 10-24-4-28z"),
        Layer("thin", f"M{x + 142} {y + 232}q9 6 16-2M{x + 136} {y + 260}q10 4 18-1"),
        Layer("cloth", blanket),
    ]


def _meal(x: float, y: float) -> list[Layer]:
    chair = (
        rectangle(x + 84, y + 176, 20, 234, 8)
        + rectangle(x + 84, y + 306, 108, 20, 8)
        + rectangle(x + 174, y + 306, 18, 104, 8)
    )
    bowl = f"M{x + 286} {y + 222}h84c0 26-18 38-42 38s-42-12-42-38z"
    steam = "".join(f"M{x + away} {y + 206}c-10-14 10-22 0-38" for away in (312, 344))
    return [
        Layer("wood", chair),
        *outlined_stroke("leg", polyline((x + 150, y + 292), (x + 244, y + 296), (x + 244, y + 384))),
        Layer("dark-cloth", f"M{x + 224} {y + 384}h44c20 0 28 10 28 26h-72z"),
        *outlined_stroke("torso", polyline((x + 156, y + 188), (x + 150, y + 274))),
        *_head(x + 166, y + 112),
        Layer("wood", rectangle(x + 256, y + 260, 196, 20, 8) + rectangle(x + 396, y + 280, 20, 130)),
        Layer("linen", bowl + f"M{x + 396} {y + 216}h40v44h-40z"),
        Layer("thin", f"M{x + 436} {y + 226}c20-4 20 26 0 22" + steam),
        *outlined_stroke("sleeve", polyline((x + 158, y + 196), (x + 196, y + 252), (x + 258, y + 236))),
        Layer("skin", ellipse(x + 266, y + 234, 17)),
    ]


def _walk(x: float, y: float) -> list[Layer]:
    leaves = f"M{x + 400} {y + 330}c-44-20-50-70-30-94c24 22 34 56 30 94c-4-52 8-92 40-104c12 44-6 84-40 104z"
    return [
        Layer("leaf", leaves),
        Layer("wood", f"M{x + 366} {y + 326}h70l-10 84h-50z"),
        *outlined_stroke("sleeve", polyline((x + 212, y + 190), (x + 172, y + 250), (x + 178, y + 290))),
        Layer("skin", ellipse(x + 179, y + 302, 16)),
        *outlined_stroke("leg", polyline((x + 208, y + 284), (x + 176, y + 340), (x + 128, y + 382))),
        Layer("dark-cloth", f"M{x + 108} {y + 372}l36 30c-10 12-24 10-34 2l-22-16c-8-8-2-16 4-16z"),
        *outlined_stroke("leg", polyline((x + 210, y + 284), (x + 250, y + 336), (x + 258, y + 386))),
        Layer("dark-cloth", f"M{x + 238} {y + 384}h42c22 0 30 10 30 26h-72z"),
        *outlined_stroke("torso", polyline((x + 214, y + 182), (x + 208, y + 268))),
        *outlined_stroke("sleeve", polyline((x + 216, y + 192), (x + 248, y + 250), (x + 292, y + 244))),
        Layer("skin", ellipse(x + 300, y + 242, 17)),
        *_head(x + 222, y + 106),
    ]


def _lift(x: float, y: float) -> list[Layer]:
    strap = polyline((x + 336, y + 284), (x + 336, y + 340), (x + 360, y + 340), (x + 360, y + 284))
    lid = polyline((x + 268, y + 316), (x + 428, y + 316)) + strap
    return [
        *outlined_stroke("leg", polyline((x + 130, y + 270), (x + 168, y + 326), (x + 136, y + 384))),
        Layer("dark-cloth", f"M{x + 114} {y + 384}h44c20 0 28 10 28 26h-72z"),
        *outlined_stroke("torso", polyline((x + 136, y + 254), (x + 206, y + 196))),
        *_head(x + 262, y + 150),
        Layer("wood", rectangle(x + 268, y + 284, 160, 126, 8)),
        Layer("thin", lid),
        *outlined_stroke("sleeve", polyline((x + 208, y + 206), (x + 232, y + 276), (x + 262, y + 338))),
        Layer("skin", ellipse(x + 270, y + 350, 17)),
    ]


SAFE_HOME_TARGETS = {
    "light": (0.424, 0.39), "bar": (0.79, 0.40), "rail": (0.268, 0.722),
    "phone": (0.747, 0.80), "shoes": (0.85, 0.895), "floor": (0.49, 0.935),
}  # fmt: skip
HOUSE_LEFT, HOUSE_RIGHT, HOUSE_TOP, HOUSE_MIDDLE, HOUSE_BOTTOM, HOUSE_FLOOR = 84, 916, 234, 566, 954, 918
STEP_COUNT, STEP_DEPTH, STEP_HEIGHT, STAIRS_LEFT = 5, 66, 38, 110


def safe_home_layers() -> list[Layer]:
    """House with four rooms: bedroom and bathroom above, stairs and living room below."""
    width = HOUSE_RIGHT - HOUSE_LEFT
    walls = (
        rectangle(HOUSE_LEFT, HOUSE_TOP, width, HOUSE_BOTTOM - HOUSE_TOP)
        + polyline((HOUSE_LEFT, HOUSE_MIDDLE), (HOUSE_RIGHT, HOUSE_MIDDLE))
        + polyline((500, HOUSE_TOP), (500, HOUSE_MIDDLE))
    )
    floors = rectangle(HOUSE_LEFT, HOUSE_FLOOR, width, HOUSE_BOTTOM - HOUSE_FLOOR)
    floors += rectangle(HOUSE_LEFT, HOUSE_MIDDLE - 22, width, 22)
    return [
        Layer("wood", rectangle(700, 60, 66, 120)),
        Layer("roof", "M490 40q10-6 20 0L952 214q16 20-10 20H58q-26 0-10-20z"),
        Layer("room", rectangle(HOUSE_LEFT, HOUSE_TOP, width, HOUSE_BOTTOM - HOUSE_TOP)),
        Layer("floor", floors),
        *_bedroom(),
        *_bathroom(),
        *_stairs(),
        *_living_room(),
        Layer("edge", walls),
    ]  # fmt: skip


def _bedroom() -> list[Layer]:
    return [
        Layer("glow", ellipse(424, 394, 78)),
        Layer(
            "wood", rectangle(108, 384, 20, 160, 6) + rectangle(116, 504, 244, 24, 6) + rectangle(344, 488, 18, 56, 6)
        ),
        Layer("linen", rectangle(124, 462, 232, 44, 14) + rectangle(130, 430, 80, 36, 16)),
        Layer("cloth", "M204 462c30-16 116-16 152 0v44h-152z"),
        Layer("wood", rectangle(384, 468, 84, 76, 6)),
        Layer("edge", polyline((426, 468), (426, 418)) + polyline((410, 506), (442, 506))),
        Layer("glow-edge", "M402 362h48l18 58h-84z"),
    ]


def _bathroom() -> list[Layer]:
    bars = polyline((622, 446), (622, 366)) + polyline((726, 400), (836, 400))
    return [
        Layer("linen", rectangle(536, 396, 48, 90, 10) + "M546 486h92c0 30-18 44-40 44h-6v14h-36v-14z"),
        Layer("linen", "M690 462h204c6 0 10 4 10 10c0 46-18 72-54 72h-116c-36 0-54-26-54-72c0-6 4-10 10-10z"),
        Layer("edge", polyline((878, 462), (878, 330), (848, 330), (848, 346))),
        Layer("grip-edge", bars),
        Layer("grip", bars),
    ]


def _stairs() -> list[Layer]:
    steps = f"M{STAIRS_LEFT} {HOUSE_FLOOR}" + f"v-{STEP_HEIGHT}h{STEP_DEPTH}" * STEP_COUNT + f"V{HOUSE_FLOOR}z"
    near, far = _rail(124, 805), _rail(146, 752)
    return [
        Layer("grip-far", far),
        Layer("wood", steps),
        Layer("grip-edge", near),
        Layer("grip", near),
    ]


def _rail(x: float, y: float) -> str:
    """Return path data of a handrail from its lower end, with three posts down to the steps."""
    slope, tread = STEP_HEIGHT / STEP_DEPTH, 2 * STEP_DEPTH
    posts = "".join(
        polyline(
            (x + n * tread, round(y - n * tread * slope)), (x + n * tread, HOUSE_FLOOR - STEP_HEIGHT * (2 * n + 1))
        )
        for n in range(3)
    )
    return polyline((x - 14, y + 8), (x + 292, round(y - 292 * slope))) + posts


def _living_room() -> list[Layer]:
    chair = "M536 728a38 38 0 0 1 76 0v74h64a26 26 0 0 1 26 26v66h-166z"
    return [
        Layer("wood", rectangle(550, 894, 16, 24) + rectangle(672, 894, 16, 24)),
        Layer("cloth", chair),
        Layer("thin", "M612 802v28a20 20 0 0 1-20 20"),
        Layer("wood", rectangle(712, 842, 74, 16, 6) + rectangle(740, 858, 18, 60)),
        Layer("dark-cloth", rectangle(732, 778, 34, 64, 8)),
        Layer("glow", rectangle(740, 788, 18, 40, 2)),
        Layer("dark-cloth", "M806 872c20 8 34 0 38-14c12 22 28 30 52 32c18 2 20 28 6 28h-96z"),
        Layer("sign", polyline((812, 905), (896, 905))),
    ]


NEEDLE_SITE_TARGETS = {"site": (0.446, 0.372), "clean": (0.242, 0.723), "red": (0.838, 0.668), "wet": (0.733, 0.83)}
LEFT_VIEW_X, RIGHT_VIEW_X, VIEW_Y, VIEW_RADIUS = 255, 745, 735, 205

_TORSO_PATH = (
    "M446 90V140C438 170 386 176 334 192C298 204 282 230 288 276C298 346 336 388 338 452L330 540H670"
    "L662 452C664 388 702 346 712 276C718 230 702 204 666 192C614 176 562 170 554 140V90z"
)


def needle_site_layers() -> list[Layer]:
    """Patient's back with a small dressing, and two close-ups below."""
    return [*_back(), *_close_views()]


def _back() -> list[Layer]:
    blades = "M372 262c14 44 40 66 72 70M628 262c-14 44-40 66-72 70"
    spine = "".join(polyline((500, y), (500, y + 14)) for y in range(196, 440, 34))
    return [
        *outlined_stroke("bare-arm", "M316 240c-34 80-52 190-56 300M684 240c34 80 52 190 56 300"),
        Layer("skin", _TORSO_PATH),
        Layer("hair", ellipse(500, 30, 92, 96)),
        Layer("thin", blades + spine),
        Layer("cloth", "M334 478c110 18 222 18 332 0l26 82h-384z"),
        Layer("linen", rectangle(440, 346, 52, 52, 12)),
        Layer("thin", polyline((466, 362), (466, 382)) + polyline((456, 372), (476, 372))),
        Layer("paper", rectangle(0, 508, 1000, 492)),
        Layer("thin", polyline((440, 398), (352, 556)) + polyline((492, 398), (648, 556))),
    ]


def _close_views() -> list[Layer]:
    blotch = (
        "M612 742c-8-58 28-116 92-122 40-22 104-8 132 34 40 30 48 92 18 130-12 54-66 84-116 70-62 8-118-46-126-112z"
    )
    inner = "M672 738c2-42 36-72 78-68 40-4 78 28 76 70-2 40-36 68-76 68-42 2-76-30-78-70z"
    rise = "M584 690c-14 32-14 68 0 100M906 690c14 32 14 68 0 100"
    drop = "M752 762c20 28 30 44 30 60a30 30 0 0 1-60 0c0-16 10-32 30-60z"
    return [
        Layer("skin", ellipse(LEFT_VIEW_X, VIEW_Y, VIEW_RADIUS) + ellipse(RIGHT_VIEW_X, VIEW_Y, VIEW_RADIUS)),
        Layer("sore", blotch),
        Layer("sore-deep", inner),
        Layer("thin", rise),
        Layer("drop", drop),
        Layer("dot", ellipse(LEFT_VIEW_X, VIEW_Y - 5, 11) + ellipse(752, 738, 15)),
        *check_icon(LEFT_VIEW_X + 142, VIEW_Y + 150),
        *warning_icon(RIGHT_VIEW_X + 142, VIEW_Y + 150),
    ]


SADDLE_AREA_TARGETS = {"front": (0.262, 0.47), "back": (0.738, 0.43), "thighs": (0.765, 0.60), "legs": (0.172, 0.80)}


def saddle_area_layers() -> list[Layer]:
    """Lower body from the front and from behind, with the area that would touch a saddle in color."""
    back = "".join(polyline((738 + side * 6, 300), (738 + side * 2, 396)) for side in (-1, 1))
    folds = "M738 452c-36 34-84 34-112 4M738 452c36 34 84 34 112 4"
    return [
        *_lower_body(262),
        *_lower_body(738),
        Layer("feel", _saddle_path(262, 420)),
        Layer("feel", _saddle_path(738, 372)),
        Layer("feel-deep", ellipse(262, 470, 24, 34) + ellipse(738, 430, 20, 40)),
        Layer("thin", folds + back),
    ]


def _lower_body(x: float) -> list[Layer]:
    """A shirt, hips, and legs that end below the knees, around a vertical axis."""
    left = f"M{x - 104} 150C{x - 112} 250 {x - 156} 300 {x - 152} 400C{x - 150} 560 {x - 126} 640 {x - 122} 740"
    left += f"C{x - 134} 820 {x - 118} 900 {x - 100} 1010H{x - 44}C{x - 28} 900 {x - 30} 820 {x - 32} 740"
    right = f"C{x - 20} 640 {x - 12} 560 {x} 500C{x + 12} 560 {x + 20} 640 {x + 32} 740C{x + 30} 820 {x + 28} 900 "
    right += f"{x + 44} 1010H{x + 100}C{x + 118} 900 {x + 134} 820 {x + 122} 740C{x + 126} 640 {x + 150} 560 "
    right += f"{x + 152} 400C{x + 156} 300 {x + 112} 250 {x + 104} 150z"
    shirt = f"M{x - 128} 40h256l8 150c-80 26-192 26-272 0z"
    return [Layer("skin", left + right), Layer("cloth", shirt)]


def _saddle_path(x: float, top: float) -> str:
    """Return path data of the area between the legs and down the inner thighs, from ``top``."""
    return (
        f"M{x - 50} {top}C{x - 20} {top - 20} {x + 20} {top - 20} {x + 50} {top}"
        f"C{x + 84} 520 {x + 70} 620 {x + 46} 700L{x + 30} 700C{x + 20} 620 {x + 12} 560 {x} 506"
        f"C{x - 12} 560 {x - 20} 620 {x - 30} 700L{x - 46} 700C{x - 70} 620 {x - 84} 520 {x - 50} {top}z"
    )


LOG_ROLL_TARGETS = {"bend": (0.36, 0.225), "roll": (0.785, 0.27), "push": (0.145, 0.75), "sit": (0.755, 0.72)}


def log_roll_layers() -> list[Layer]:
    """Four scenes in a 2 × 2 grid: lie with bent knees, roll onto the side, push up, and sit."""
    return _four_rooms((_lie, _roll, _push_up, _sit))


def _bed(x: float, y: float, width: float) -> list[Layer]:
    frame = rectangle(x + 30, y + 200, 22, 210, 8) + rectangle(x + 40, y + 356, width - 16, 26, 8)
    frame += rectangle(x + width, y + 340, 20, 70, 8)
    return [
        Layer("wood", frame),
        Layer("linen", rectangle(x + 52, y + 310, width - 40, 50, 18)),
        Layer("linen", rectangle(x + 58, y + 272, 108, 44, 20)),
    ]


def _lying_head(x: float, y: float) -> list[Layer]:
    """Head on a pillow, seen from the side, with the face up."""
    hair = f"M{x - 34} {y - 14}c-16 30 4 56 34 52c6-24-2-36-18-40c-2-10-8-14-16-12z"
    return [Layer("skin", ellipse(x, y, 37)), Layer("hair", hair), Layer("thin", f"M{x + 6} {y - 18}q6 9 16 4")]


def _lie(x: float, y: float) -> list[Layer]:
    return [
        *_bed(x, y, 412),
        *outlined_stroke("torso", polyline((x + 178, y + 276), (x + 256, y + 276))),
        *outlined_stroke("leg", polyline((x + 270, y + 282), (x + 334, y + 200), (x + 374, y + 292))),
        Layer("dark-cloth", f"M{x + 356} {y + 290}h52c20 0 26 8 26 22h-78z"),
        *_lying_head(x + 116, y + 256),
        *outlined_stroke("sleeve", polyline((x + 178, y + 262), (x + 226, y + 290), (x + 268, y + 262))),
        Layer("skin", ellipse(x + 274, y + 256, 16)),
    ]


def _roll(x: float, y: float) -> list[Layer]:
    turn = f"M{x + 96} {y + 160}c40-74 168-84 226-8m-6-46l10 48l-48-4"
    face = ellipse(x + 110, y + 250, 4.5) + ellipse(x + 136, y + 250, 4.5)
    return [
        *_bed(x, y, 412),
        *outlined_stroke("leg", polyline((x + 270, y + 280), (x + 352, y + 258), (x + 352, y + 318))),
        Layer("dark-cloth", f"M{x + 334} {y + 306}h48c18 0 24 10 24 24h-72z"),
        *outlined_stroke("torso", polyline((x + 178, y + 274), (x + 262, y + 274))),
        Layer("skin", ellipse(x + 118, y + 254, 38)),
        Layer("hair", f"M{x + 84} {y + 240}c2-48 74-56 76-4c-24-12-52-12-76 4z"),
        Layer("dot", face),
        Layer("thin", f"M{x + 114} {y + 272}q10 7 20 0"),
        *outlined_stroke("sleeve", polyline((x + 190, y + 280), (x + 206, y + 326), (x + 150, y + 332))),
        Layer("skin", ellipse(x + 140, y + 332, 16)),
        Layer("arrow", turn),
    ]


def _push_up(x: float, y: float) -> list[Layer]:
    return [
        *_bed(x, y, 250),
        *outlined_stroke("leg", polyline((x + 240, y + 284), (x + 330, y + 296), (x + 330, y + 384))),
        Layer("dark-cloth", f"M{x + 310} {y + 384}h46c20 0 28 10 28 26h-74z"),
        *outlined_stroke("torso", polyline((x + 166, y + 214), (x + 234, y + 274))),
        *_head(x + 142, y + 136),
        *outlined_stroke("sleeve", polyline((x + 158, y + 224), (x + 118, y + 268), (x + 132, y + 318))),
        Layer("skin", ellipse(x + 134, y + 326, 17)),
        Layer("arrow", f"M{x + 250} {y + 160}c34-22 42-54 36-92m-34 30l34-32l32 34"),
    ]


def _sit(x: float, y: float) -> list[Layer]:
    return [
        *_bed(x, y, 250),
        *outlined_stroke("leg", polyline((x + 230, y + 288), (x + 324, y + 296), (x + 324, y + 384))),
        Layer("dark-cloth", f"M{x + 304} {y + 384}h46c20 0 28 10 28 26h-74z"),
        *outlined_stroke("torso", polyline((x + 232, y + 184), (x + 228, y + 268))),
        *_head(x + 240, y + 106),
        *outlined_stroke("sleeve", polyline((x + 232, y + 196), (x + 250, y + 256), (x + 296, y + 268))),
        Layer("skin", ellipse(x + 306, y + 270, 17)),
        *check_icon(x + ROOM_SIZE - 58, y + 58),
    ]


SAFE_MOVES_TARGETS = {"knees": (0.19, 0.3), "waist": (0.735, 0.27), "turn": (0.235, 0.915), "crunch": (0.67, 0.86)}


def safe_moves_layers() -> list[Layer]:
    """Four scenes: bend at the hips and knees, not at the waist; turn with the feet; and no sit-ups."""
    return _four_rooms((_squat, _bend_at_waist, _turn, _sit_up), (check_icon, cross_icon, check_icon, cross_icon))


def _squat(x: float, y: float) -> list[Layer]:
    return [
        *outlined_stroke("leg", polyline((x + 158, y + 292), (x + 250, y + 296), (x + 206, y + 384))),
        Layer("dark-cloth", f"M{x + 184} {y + 384}h48c20 0 28 10 28 26h-76z"),
        *outlined_stroke("torso", polyline((x + 206, y + 196), (x + 166, y + 274))),
        *_head(x + 232, y + 124),
        *outlined_stroke("sleeve", polyline((x + 208, y + 206), (x + 268, y + 262), (x + 318, y + 338))),
        Layer("skin", ellipse(x + 324, y + 350, 17)),
        Layer("linen", ellipse(x + 336, y + 386, 24)),
    ]


def _bend_at_waist(x: float, y: float) -> list[Layer]:
    return [
        *outlined_stroke("leg", polyline((x + 156, y + 250), (x + 156, y + 384))),
        Layer("dark-cloth", f"M{x + 134} {y + 384}h48c20 0 28 10 28 26h-76z"),
        *outlined_stroke("torso", polyline((x + 168, y + 236), (x + 250, y + 246))),
        Layer("skin", ellipse(x + 318, y + 290, 38)),
        Layer("hair", f"M{x + 300} {y + 256}c36-24 78 12 58 58c-18-4-24-14-26-30c-16-4-28-14-32-28z"),
        *outlined_stroke("sleeve", polyline((x + 250, y + 256), (x + 258, y + 312), (x + 232, y + 366))),
        Layer("skin", ellipse(x + 228, y + 378, 16)),
    ]


def _turn(x: float, y: float) -> list[Layer]:
    return [
        *outlined_stroke("leg", polyline((x + 196, y + 284), (x + 176, y + 384))),
        *outlined_stroke("leg", polyline((x + 210, y + 284), (x + 262, y + 384))),
        Layer(
            "dark-cloth", f"M{x + 150} {y + 384}h48c16 0 24 10 24 26h-72zM{x + 240} {y + 384}h46c18 0 26 10 26 26h-72z"
        ),
        *outlined_stroke("torso", polyline((x + 206, y + 184), (x + 204, y + 268))),
        *outlined_stroke("sleeve", polyline((x + 206, y + 194), (x + 226, y + 250), (x + 222, y + 296))),
        Layer("skin", ellipse(x + 221, y + 308, 16)),
        *_head(x + 214, y + 106),
        Layer("arrow", f"M{x + 110} {y + 436}c60 30 170 30 232-4m-46-10l48 8l-14 46"),
    ]


def _sit_up(x: float, y: float) -> list[Layer]:
    return [
        Layer("cloth", rectangle(x + 60, y + 392, 356, 20, 10)),
        *outlined_stroke("leg", polyline((x + 244, y + 366), (x + 316, y + 296), (x + 348, y + 384))),
        Layer("dark-cloth", f"M{x + 330} {y + 368}h42c18 0 24 10 24 24h-70z"),
        *outlined_stroke("torso", polyline((x + 236, y + 346), (x + 172, y + 296))),
        *_head(x + 148, y + 222),
        *outlined_stroke("sleeve", polyline((x + 172, y + 300), (x + 108, y + 296), (x + 116, y + 242))),
    ]


CEMENT_LEAK_TARGETS = {"inside": (0.36, 0.71), "beside": (0.163, 0.628), "nerve": (0.575, 0.735), "lung": (0.64, 0.26)}


def cement_leak_layers() -> list[Layer]:
    """A treated bone from the side with cement outside it in front, at the nerves, and in a lung."""
    canal = "M566 400C556 560 556 800 576 1010H666C646 800 646 560 656 400z"
    strands = "".join(f"M{x} 400C{x - 10} 560 {x - 10} 800 {x + 10} 1010" for x in (592, 612, 632))
    vein = "M452 640C460 490 520 440 570 400C620 360 646 330 640 276"
    leaks = "M196 610c-34-14-62 4-56 28c6 26 40 30 60 14zM528 690c34-12 78 8 74 44c-4 34-52 40-78 22z"
    return [
        Layer("arch", _arch_path(0)),
        Layer("arch", _arch_path(300)),
        Layer("nerve", canal),
        Layer("strand", strands),
        Layer("body-far", _block_path(430, 120)),
        Layer("disc", rectangle(212, 556, 316, 34, 16) + rectangle(212, 846, 316, 34, 16)),
        Layer("broken", _block_path(590, 256)),
        Layer("body-far", _block_path(880, 160)),
        Layer("cement", "M300 680c10-46 74-56 128-40c52 14 56 70 20 104c-42 40-124 34-146-2c-12-20-6-42-2-62z"),
        Layer("cement", leaks),
        *_lungs(),
        Layer("bare-vein", vein),
        Layer("cement", ellipse(640, 260, 20)),
    ]


def _block_path(top: float, height: float) -> str:
    """Return path data of one bone of the spine from the side: a block with hollow sides."""
    side = height / 3
    return (
        f"M200 {top + 16}q0-16 16-16h304q16 0 16 16c-22 {side} -22 {2 * side - 32} 0 {height - 32}q0 16-16 16h-304"
        f"q-16 0-16-16c22-{side} 22-{2 * side - 32} 0-{height - 32}z"
    )


def _arch_path(shift: float) -> str:
    """Return path data of the back part of a bone."""
    y = 430 + shift
    return f"M520 {y}h150c40 0 60 14 96 20l132 26c40 10 40 74 0 84l-110 22c-50 8-80-6-118-6h-150z"


def _lungs() -> list[Layer]:
    right = "M700 74c-74 22-116 112-118 226c0 40 34 52 66 40c46-16 66-28 66-72z"
    left = "M790 74c74 22 116 112 118 226c0 40-34 52-66 40c-46-16-66-28-66-72z"
    pipe = "M745 30v86m0 0l-46 54m46-54l46 54"
    return [Layer("skin", right + left), Layer("edge", pipe)]


THREE_CHOICES_TARGETS = {"care": (0.21, 0.21), "needle": (0.2, 0.51), "balloon": (0.19, 0.836)}


def three_choices_layers() -> list[Layer]:
    """Three rows: medicine and walking; needle, then cement; balloon, then cement."""
    layers = [Layer("teal-card", rectangle(24, top, 952, CARD_HEIGHT, 40)) for top in CARD_TOPS]
    layers += [
        *_pill_bottle(150, 70),
        Layer("linen", ellipse(340, 258, 26) + ellipse(394, 246, 22)),
        *outlined_stroke("leg", polyline((742, 206), (700, 250), (668, 290))),
        *outlined_stroke("leg", polyline((742, 206), (790, 248), (800, 290))),
        Layer("dark-cloth", "M644 282l36 22h-58zM782 288h42c14 0 20 8 20 18h-62z"),
        *outlined_stroke("torso", polyline((746, 138), (742, 190))),
        *outlined_stroke("sleeve", polyline((748, 142), (780, 186), (826, 178))),
        Layer("skin", ellipse(752, 76, 32) + ellipse(834, 176, 14)),
        Layer("hair", "M724 72c-6-46 56-62 66-18c-16 8-34 6-44 2c-4 14-10 18-22 16z"),
    ]
    vertebroplasty, kyphoplasty = CARD_TOPS[1:]
    layers += [
        *_three_bones(150, vertebroplasty),
        Layer("needle", f"M216 {vertebroplasty + 168}l252-72l7 24l-252 72z"),
        Layer("cement", ellipse(218, vertebroplasty + 176, 26, 18)),
        *_three_bones(640, vertebroplasty),
        Layer("cement", _cement_path(740, vertebroplasty + 162)),
        *_three_bones(150, kyphoplasty),
        Layer("needle", f"M216 {kyphoplasty + 168}l252-72l7 24l-252 72z"),
        Layer("balloon", ellipse(228, kyphoplasty + 168, 58, 32)),
        *_three_bones(640, kyphoplasty),
        Layer("cement", ellipse(740, kyphoplasty + 166, 62, 34)),
    ]
    arrows = "".join(f"M540 {top + 172}h52m-24-24l24 24l-24 24" for top in CARD_TOPS[1:])
    return [*layers, Layer("arrow", arrows + "M518 170h52M544 144v52")]


def _three_bones(x: float, top: float) -> list[Layer]:
    """Three bones of the spine from the side, 200 wide; the front of the middle one is lower than its back."""
    return [
        Layer("disc", rectangle(x + 12, top + 76, 176, 70, 12) + rectangle(x + 12, top + 206, 176, 26, 12)),
        Layer("arch", _small_block(x, top + 20, 64, 0) + _small_block(x, top + 224, 64, 0)),
        Layer("broken", _small_block(x, top + 98, 112, 40)),
    ]


def _small_block(x: float, y: float, height: float, drop: float) -> str:
    """Return path data of one bone, 200 wide, with hollow sides. Its top edge falls by ``drop`` toward the front."""
    front, bend = height - drop, 10
    return (
        f"M{x} {y + drop}L{x + 200} {y}q-{bend * 2} {height / 2:g} 0 {height}H{x}q{bend * 2}-{front / 2:g} 0-{front}z"
    )


def _cement_path(x: float, y: float) -> str:
    """Return path data of cement that spread unevenly."""
    return f"M{x - 62} {y + 10}c8-30 40-20 62-32c28-12 60-4 60 16c0 24-30 18-52 30c-26 14-76 12-70-14z"


def _pill_bottle(x: float, y: float) -> list[Layer]:
    return [
        Layer("glow-edge", rectangle(x, y + 48, 132, 166, 18)),
        Layer("linen", rectangle(x - 10, y, 152, 52, 12) + rectangle(x, y + 92, 132, 74)),
        Layer("thin", polyline((x + 22, y + 116), (x + 110, y + 116)) + polyline((x + 22, y + 140), (x + 86, y + 140))),
    ]


GET_READY_TARGETS = {"list": (0.2, 0.25), "plan": (0.714, 0.248), "food": (0.19, 0.8), "ride": (0.7, 0.8)}


def get_ready_layers() -> list[Layer]:
    """Four scenes in a 2 × 2 grid: a medicine list, a plan with dates, food and drink with a clock, and a ride home."""
    return _four_rooms((_medicine_list, _dated_plan, _fasting, _ride), has_floor=False)


def _sheet(x: float, y: float, width: float, height: float) -> list[Layer]:
    """Paper with a folded corner."""
    fold = 44
    outline = f"M{x} {y}h{width - fold}l{fold} {fold}v{height - fold}h-{width}z"
    return [Layer("linen", outline), Layer("thin", f"M{x + width - fold} {y}v{fold}h{fold}")]


def _medicine_list(x: float, y: float) -> list[Layer]:
    lines = "".join(polyline((x + 118, y + 150 + n * 52), (x + 226, y + 150 + n * 52)) for n in range(5))
    dots = "".join(ellipse(x + 94, y + 150 + n * 52, 8) for n in range(5))
    return [
        *_sheet(x + 60, y + 90, 206, 318),
        Layer("thin", lines),
        Layer("dot", dots),
        *_pill_bottle(x + 296, y + 190),
    ]


def _dated_plan(x: float, y: float) -> list[Layer]:
    dots = "".join(ellipse(x + 142 + column * 64, y + 232 + row * 62, 10) for column in range(4) for row in range(3))
    rings = ellipse(x + 206, y + 232, 34) + ellipse(x + 334, y + 356, 34)
    return [
        Layer("linen", rectangle(x + 86, y + 110, 304, 306, 22)),
        Layer("teal", f"M{x + 86} {y + 184}v-52a22 22 0 0 1 22-22h260a22 22 0 0 1 22 22v52z"),
        Layer("edge", "".join(polyline((x + across, y + 84), (x + across, y + 136)) for across in (158, 318))),
        Layer("dot", dots),
        Layer("ring", rings),
    ]


def _fasting(x: float, y: float) -> list[Layer]:
    hands = polyline((x + 344, y + 96), (x + 344, y + 148), (x + 380, y + 168))
    return [
        Layer("linen", ellipse(x + 170, y + 292, 122) + ellipse(x + 170, y + 292, 74)),
        Layer("thin", f"M{x + 30} {y + 200}v60m-16-60v40q0 20 16 20t16-20v-40M{x + 30} {y + 260}v130"),
        Layer("glass", f"M{x + 330} {y + 236}h100l-14 170h-72z"),
        Layer("thin", f"M{x + 336} {y + 290}h88"),
        Layer("linen", ellipse(x + 344, y + 148, 80)),
        Layer("edge", hands),
    ]


def _ride(x: float, y: float) -> list[Layer]:
    x -= 20
    body = f"M{x + 40} {y + 330}c0-34 14-50 44-54l58-8l62-84c10-12 22-18 38-18h110c16 0 26 6 34 18l46 84"
    body += f"c24 4 34 22 34 48v44H{x + 40}z"
    windows = f"M{x + 190} {y + 264}l44-60c4-6 10-8 16-8h36v68zM{x + 310} {y + 196}h40c8 0 12 4 16 10l30 58h-86z"
    wheels = ellipse(x + 136, y + 360, 46) + ellipse(x + 378, y + 360, 46)
    hubs = ellipse(x + 136, y + 360, 16) + ellipse(x + 378, y + 360, 16)
    return [
        Layer("cloth", body),
        Layer("glass", windows),
        Layer("skin", ellipse(x + 256, y + 240, 22) + ellipse(x + 342, y + 238, 22)),
        Layer("hair", "".join(f"M{left} {y + 236}c0-30 44-30 44 0c-14-8-30-8-44 0z" for left in (x + 234, x + 320))),
        Layer("dark-cloth", wheels),
        Layer("linen", hubs),
    ]


CALCIUM_DAY_TARGETS = {
    "milk": (0.25, 0.3),
    "yogurt": (0.7, 0.265),
    "cheese": (0.21, 0.72),
    "other-foods": (0.685, 0.74),
}


def calcium_day_layers() -> list[Layer]:
    """Four scenes in a 2 × 2 grid: milk, yogurt, cheese, and a plate of other foods."""
    return _four_rooms((_milk, _yogurt, _cheese, _plate), has_floor=False)


def _milk(x: float, y: float) -> list[Layer]:
    return [
        Layer("glass", f"M{x + 136} {y + 96}h204l-30 316q-2 18-20 18h-104q-18 0-20-18z"),
        Layer("dairy", f"M{x + 146} {y + 180}q46 18 92 0t92 0l-21 228q-2 14-17 14h-108q-15 0-17-14z"),
    ]


def _yogurt(x: float, y: float) -> list[Layer]:
    return [
        *outlined_stroke("spoon", polyline((x + 278, y + 180), (x + 376, y + 62))),
        Layer("dairy", f"M{x + 128} {y + 192}c14-34 40-22 58-40c20-20 48-8 66 4c24 14 74-4 98 36z"),
        Layer("cloth", f"M{x + 120} {y + 220}h236l-28 190q-3 20-22 20h-136q-19 0-22-20z"),
        Layer("linen", f"M{x + 132} {y + 278}h212l-14 92h-184z" + rectangle(x + 100, y + 188, 276, 36, 16)),
        Layer("bad", ellipse(x + 240, y + 336, 20)),
        Layer("thin", f"M{x + 240} {y + 316}q2-16 16-20"),
    ]


def _cheese(x: float, y: float) -> list[Layer]:
    holes = ellipse(x + 146, y + 322, 30) + ellipse(x + 266, y + 290, 20) + ellipse(x + 332, y + 350, 26)
    holes += ellipse(x + 302, y + 188, 28, 12)
    top = f"M{x + 68} {y + 244}L{x + 290} {y + 126}Q{x + 398} {y + 148} {x + 414} {y + 244}z"
    return [
        Layer("glow-edge", top + f"M{x + 68} {y + 244}h346v144q0 12-12 12h-322q-12 0-12-12z"),
        Layer("room", holes),
        Layer("thin", holes),
    ]


def _plate(x: float, y: float) -> list[Layer]:
    """A plate from above, with a vegetable, beans, and bread."""
    beans = ellipse(x + 261, y + 178, 18) + ellipse(x + 300, y + 192, 18) + ellipse(x + 286, y + 156, 18)
    florets = "c-28-12-22-54 10-54c2-34 48-44 62-18c24-16 58 6 48 34c22 12 10 42-14 42z"
    loaf = "c-24-4-26-46 10-52c24-5 60-5 78 0c32 8 30 50 6 54v52q0 12-12 12h-70q-12 0-12-12z"
    return [
        Layer("linen", ellipse(x + 238, y + 250, 184) + ellipse(x + 238, y + 250, 142)),
        Layer("wood", f"M{x + 246} {y + 278}{loaf}"),
        Layer("glass", f"M{x + 164} {y + 242}l10 84q2 12 14 12h14q12 0 12-12l12-84z"),
        Layer("leaf", f"M{x + 134} {y + 250}{florets}"),
        Layer("drop", beans),
    ]


WHAT_TO_BRING_TARGETS = {"list": (0.2, 0.25), "scans": (0.652, 0.276), "cards": (0.214, 0.688), "person": (0.668, 0.72)}


def what_to_bring_layers() -> list[Layer]:
    """Four scenes in a 2 × 2 grid: a medicine list, scans, a card with glasses and a hearing aid, and a note taker."""
    return _four_rooms((_medicine_list, _scans, _card_and_aids, _note_taker), has_floor=False)


def _scans(x: float, y: float) -> list[Layer]:
    """A disc, and a phone that shows an X-ray."""
    bones = "".join(rectangle(x + 330, y + top, 62, height, 8) for top, height in ((150, 48), (208, 28), (246, 48)))
    return [
        Layer("linen", ellipse(x + 152, y + 268, 118)),
        Layer("glass", ellipse(x + 152, y + 268, 42) + ellipse(x + 152, y + 268, 16)),
        Layer("thin", f"M{x + 92} {y + 206}q22-24 54-30M{x + 212} {y + 330}q-22 24-54 30"),
        Layer("dark-cloth", rectangle(x + 290, y + 86, 142, 270, 20)),
        Layer("glass", rectangle(x + 304, y + 112, 114, 206, 6)),
        Layer("body", bones),
        Layer("dot", ellipse(x + 361, y + 337, 7)),
    ]


def _card_and_aids(x: float, y: float) -> list[Layer]:
    """An insurance card, glasses, and a hearing aid."""
    cross = f"M{x + 116} {y + 176}h20v-20h22v20h20v22h-20v20h-22v-20h-20z"
    words = polyline((x + 206, y + 170), (x + 300, y + 170)) + polyline((x + 206, y + 206), (x + 272, y + 206))
    arms = f"M{x + 44} {y + 330}l-12-34M{x + 296} {y + 330}l12-34"
    return [
        Layer("linen", rectangle(x + 84, y + 118, 252, 138, 18)),
        Layer("teal", cross),
        Layer("thin", words),
        Layer("glass", ellipse(x + 98, y + 344, 56) + ellipse(x + 242, y + 344, 56)),
        Layer("edge", f"M{x + 154} {y + 334}q16-16 32 0{arms}"),
        Layer("thin", f"M{x + 398} {y + 290}c-34 4-40 44-22 66"),
        Layer("skin", f"M{x + 394} {y + 276}c44-16 72 20 60 68c-8 32-40 40-46 18c-4-16 12-24 12-46c0-18-12-22-28-18z"),
        Layer("linen", ellipse(x + 378, y + 370, 15)),
    ]


def _note_taker(x: float, y: float) -> list[Layer]:
    """A seated person writing in a notebook."""
    chair = (
        rectangle(x + 84, y + 196, 20, 234, 8)
        + rectangle(x + 84, y + 326, 108, 20, 8)
        + rectangle(x + 174, y + 326, 18, 104, 8)
    )
    notes = polyline((x + 298, y + 238), (x + 366, y + 206)) + polyline((x + 310, y + 262), (x + 378, y + 230))
    return [
        Layer("wood", chair),
        *outlined_stroke("leg", polyline((x + 150, y + 312), (x + 254, y + 316), (x + 254, y + 404))),
        Layer("dark-cloth", f"M{x + 234} {y + 404}h44c20 0 28 10 28 26h-72z"),
        *outlined_stroke("torso", polyline((x + 156, y + 208), (x + 150, y + 294))),
        *_head(x + 166, y + 132),
        Layer("linen", f"M{x + 268} {y + 228}l108-50l50 96l-108 50z"),
        Layer("thin", notes),
        *outlined_stroke("sleeve", polyline((x + 158, y + 216), (x + 206, y + 276), (x + 296, y + 284))),
        Layer("skin", ellipse(x + 306, y + 284, 17)),
        Layer("edge", polyline((x + 300, y + 296), (x + 342, y + 216))),
    ]


THREE_QUESTIONS_TARGETS = {"star": (0.735, 0.225), "box": (0.222, 0.225), "pen": (0.86, 0.66)}


def three_questions_layers() -> list[Layer]:
    """A list of questions on paper. Three have a star, and a pen lies beside it."""
    rows = [225 + n * 140 for n in range(5)]
    boxes = "".join(rectangle(190, y - 32, 64, 64, 10) for y in rows)
    lines = "".join(
        polyline((296, y - 16), (620, y - 16)) + polyline((296, y + 18), (620 - 60 * (n % 2) - 40, y + 18))
        for n, y in enumerate(rows)
    )
    checks = "".join(polyline((204, y), (218, y + 16), (244, y - 20)) for y in (rows[0], rows[2], rows[3]))
    stars = "".join(_star(735, y) for y in (rows[0], rows[2], rows[3]))
    pen = "M920 500l44 20l-118 282l-44-20zM802 782l44 20l-40 48z"
    return [
        *_sheet(110, 90, 720, 830),
        Layer("linen", boxes),
        Layer("thin", lines),
        Layer("edge", checks),
        Layer("glow-edge", stars),
        Layer("cloth", pen),
    ]


def _star(x: float, y: float) -> str:
    """Return path data of a five-pointed star, about 100 wide."""
    return f"M{x} {y - 50}l15 34l37 4l-28 25l8 37l-32-19l-32 19l8-37l-28-25l37-4z"


PAGE_REVIEW_TARGETS = {"write": (0.2, 0.3), "read": (0.76, 0.35), "approve": (0.56, 0.85)}


def page_review_layers() -> list[Layer]:
    """Three sheets: one with a pencil, one under a magnifying glass, and one with a check mark."""
    sheets = ((70, 110), (550, 110), (310, 540))
    layers: list[Layer] = []
    for x, y in sheets:
        lines = "".join(polyline((x + 50, y + 90 + n * 56), (x + 240, y + 90 + n * 56)) for n in range(5))
        layers += [*_sheet(x, y, 300, 380), Layer("thin", lines)]
    return [
        *layers,
        Layer("glow-edge", "M372 250l40 26l-110 166l-40-26zM262 416l40 26l-44 22z"),
        Layer("glass", ellipse(760, 350, 96)),
        Layer("handset-edge", polyline((832, 424), (912, 506))),
        Layer("handset", polyline((832, 424), (912, 506))),
        Layer("good", ellipse(560, 850, 84)),
        Layer("sign", polyline((522, 852), (548, 882), (602, 820))),
        Layer("arrow", "M432 220h70m-30-30l30 30l-30 30M730 560v70h-70m30-30l-30 30l30 30"),
    ]


ON_THE_TABLE_TARGETS = {"you": (0.46, 0.585), "machine": (0.585, 0.274), "screen": (0.83, 0.24), "nurse": (0.19, 0.42)}


def on_the_table_layers() -> list[Layer]:
    """A room with a patient face down on a table, an X-ray machine around the table, a screen, and a nurse."""
    arc = "M620 270C800 300 850 560 800 720C770 800 690 820 620 800"
    return [
        Layer("room", rectangle(0, 0, 1000, 880)),
        Layer("floor", rectangle(0, 880, 1000, 120)),
        Layer("edge", polyline((0, 880), (1000, 880))),
        *_nurse(),
        Layer("dark-cloth", rectangle(740, 120, 220, 190, 16)),
        Layer("glass", rectangle(760, 140, 180, 150, 8)),
        Layer("body", rectangle(800, 160, 60, 34, 6) + rectangle(800, 202, 60, 26, 6) + rectangle(800, 236, 60, 34, 6)),
        Layer("needle", "M846 214l84-34l3 9l-84 34z"),
        *outlined_stroke("handset", arc),
        Layer("wood", rectangle(170, 640, 640, 36, 10) + rectangle(380, 676, 60, 204)),
        Layer("linen", rectangle(190, 610, 600, 34, 14) + rectangle(206, 574, 130, 44, 20)),
        *outlined_stroke("leg", polyline((560, 590), (760, 596))),
        Layer("dark-cloth", "M744 570h44v50h-44z"),
        *outlined_stroke("torso", polyline((392, 570), (520, 572))),
        Layer("skin", ellipse(296, 552, 40)),
        Layer("hair", "M258 546c-2-50 76-58 80-6c-22 8-54 12-80 6z"),
        Layer("linen", rectangle(430, 524, 120, 20, 8)),
        *outlined_stroke("sleeve", polyline((372, 580), (330, 604), (268, 606))),
        Layer("skin", ellipse(258, 606, 16)),
        Layer("dark-cloth", rectangle(520, 226, 130, 96, 14) + rectangle(520, 770, 130, 70, 14)),
    ]


def _nurse() -> list[Layer]:
    """A person behind the head of the table."""
    return [
        Layer("cloth", "M96 880V470c0-70 40-100 96-100s96 30 96 100V620H240V880z"),
        Layer("skin", ellipse(192, 286, 56)),
        Layer("hair", "M136 284c-8-84 120-92 114-2c-30-24-80-26-114 2z"),
        Layer("dot", ellipse(176, 290, 5) + ellipse(212, 290, 5)),
        Layer("thin", "M180 314q14 10 28 0M192 380v90"),
        *outlined_stroke("sleeve", polyline((250, 430), (288, 510), (330, 540))),
    ]


MarkerTargets = dict[str, tuple[float, float]]
_ILLUSTRATIONS = {
    "drawing-needle-site": (needle_site_layers, NEEDLE_SITE_TARGETS),
    "drawing-first-days": (first_days_layers, FIRST_DAYS_TARGETS),
    "drawing-safe-home": (safe_home_layers, SAFE_HOME_TARGETS),
    "drawing-whom-to-call": (whom_to_call_layers, WHOM_TO_CALL_TARGETS),
    "drawing-saddle-area": (saddle_area_layers, SADDLE_AREA_TARGETS),
    "drawing-log-roll": (log_roll_layers, LOG_ROLL_TARGETS),
    "drawing-safe-moves": (safe_moves_layers, SAFE_MOVES_TARGETS),
    "drawing-cement-leak": (cement_leak_layers, CEMENT_LEAK_TARGETS),
    "drawing-three-choices": (three_choices_layers, THREE_CHOICES_TARGETS),
    "drawing-get-ready": (get_ready_layers, GET_READY_TARGETS),
    "drawing-calcium-day": (calcium_day_layers, CALCIUM_DAY_TARGETS),
    "drawing-what-to-bring": (what_to_bring_layers, WHAT_TO_BRING_TARGETS),
    "drawing-three-questions": (three_questions_layers, THREE_QUESTIONS_TARGETS),
    "drawing-page-review": (page_review_layers, PAGE_REVIEW_TARGETS),
    "drawing-on-the-table": (on_the_table_layers, ON_THE_TABLE_TARGETS),
}
ILLUSTRATION_SLUGS: tuple[str, ...] = tuple(_ILLUSTRATIONS)


def illustration_layers(slug: str) -> list[Layer]:
    """Return the layers of an illustration, back to front."""
    return _ILLUSTRATIONS[slug][0]()


def illustration_targets(slug: str) -> MarkerTargets:
    """Return the image positions of the marker targets, in fractions."""
    return _ILLUSTRATIONS[slug][1]
