"""Hand-drawn illustrations: whom to call, the first days, a safe home, and the needle site."""

from procedures.figures.simulation.svg import (
    Layer,
    check_icon,
    cross_icon,
    ellipse,
    outlined_stroke,
    phone_icon,
    polyline,
    rectangle,
    sun_icon,
    warning_icon,
)

# Each marker points at the arrow of its row.
WHOM_TO_CALL_TARGETS = {"emergency": (0.503, 0.158), "today": (0.503, 0.482), "visit": (0.503, 0.806)}
CARD_TOPS = (24, 348, 672)
CARD_HEIGHT = 304


def whom_to_call_layers() -> list[Layer]:
    """Three rows in red, amber and teal: symptoms on the left, what to do on the right. Shapes work without color."""
    cards = zip(("red-card", "amber-card", "teal-card"), CARD_TOPS, strict=True)
    layers = [Layer(role, rectangle(24, top, 952, CARD_HEIGHT, 40)) for role, top in cards]
    layers += [
        *_symptoms(),
        *_ambulance(),
        *_fever(),
        *phone_icon(690, 520),
        *sun_icon(842, 480),
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
    spots = "".join(ellipse(670 + x * 52, 832 + y * 54, 9) for x in range(4) for y in range(2))
    return [
        Layer("linen", rectangle(620, 724, 256, 216, 20)),
        Layer("teal", "M620 784v-40a20 20 0 0 1 20-20h216a20 20 0 0 1 20 20v40z"),
        Layer(
            "edge",
            polyline((680, 704), (680, 746)) + polyline((816, 704), (816, 746)) + polyline((620, 784), (876, 784)),
        ),
        Layer("dot", spots),
        Layer("ring", ellipse(774, 886, 29)),
    ]


FIRST_DAYS_TARGETS = {"rest": (0.24, 0.262), "meals": (0.655, 0.25), "walk": (0.227, 0.73), "heavy": (0.888, 0.862)}
ROOM_SIZE, ROOM_GAP, ROOM_CORNER_RADIUS, ROOM_FLOOR_Y = 476, 16, 34, 410


def first_days_layers() -> list[Layer]:
    """Four scenes in a 2 × 2 grid, each with a check mark or a cross."""
    layers: list[Layer] = []
    for number, scene in enumerate((_rest, _meal, _walk, _lift)):
        x = ROOM_GAP + (number % 2) * (ROOM_SIZE + ROOM_GAP)
        y = ROOM_GAP + (number // 2) * (ROOM_SIZE + ROOM_GAP)
        layers += [
            Layer("room", rectangle(x, y, ROOM_SIZE, ROOM_SIZE, ROOM_CORNER_RADIUS)),
            Layer("floor", _floor_path(x, y)),
        ]
        layers += scene(x, y)
        layers += (cross_icon if scene is _lift else check_icon)(x + ROOM_SIZE - 58, y + 58)
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


MarkerTargets = dict[str, tuple[float, float]]
_ILLUSTRATIONS = {
    "drawing-needle-site": (needle_site_layers, NEEDLE_SITE_TARGETS),
    "drawing-first-days": (first_days_layers, FIRST_DAYS_TARGETS),
    "drawing-safe-home": (safe_home_layers, SAFE_HOME_TARGETS),
    "drawing-whom-to-call": (whom_to_call_layers, WHOM_TO_CALL_TARGETS),
}
ILLUSTRATION_SLUGS: tuple[str, ...] = tuple(_ILLUSTRATIONS)


def illustration_layers(slug: str) -> list[Layer]:
    """Return the layers of an illustration, back to front."""
    return _ILLUSTRATIONS[slug][0]()


def illustration_targets(slug: str) -> MarkerTargets:
    """Return the image positions of the marker targets, in fractions."""
    return _ILLUSTRATIONS[slug][1]
