"""Whom to call when: three rows, each with what you have on the left and what to do on the right."""

from procedures.fluoroscopy.pen import box, disc, line, phone, sun
from procedures.fluoroscopy.sheet import Layer

# Each mark points at the arrow of its row.
CALLS = {"emergency": (0.503, 0.158), "today": (0.503, 0.482), "visit": (0.503, 0.806)}
TOPS = (24, 348, 672)
HEIGHT = 304


def calls() -> list[Layer]:
    """Red, amber and teal; the shapes say it without the colours."""
    cards = zip(("red-card", "amber-card", "teal-card"), TOPS, strict=True)
    layers = [Layer(role, box(24, top, 952, HEIGHT, 40)) for role, top in cards]
    layers += [*_body(), *_ambulance(), *_fever(), *phone(690, 520), *sun(842, 480), *_question(), *_calendar()]
    arrows = "".join(f"M462 {top + 152}h84m-34-34l34 34l-34 34" for top in TOPS)
    return [*layers, Layer("arrow", arrows)]


def _body() -> list[Layer]:
    """A chest that hurts, and two legs that are weak or numb."""
    burst = "M158 176l10 20l22-8l-6 22l20 12l-20 12l6 22l-22-8l-10 20l-10-20l-22 8l6-22l-20-12l20-12l-6-22l22 8z"
    return [
        Layer("cloth", "M84 300c-6-76 6-116 40-130c22-10 46-10 68 0c34 14 46 54 40 130z"),
        Layer("thin", line((116, 300), (116, 236)) + line((200, 300), (200, 236))),
        Layer("skin", disc(158, 112, 44)),
        Layer("hair", "M116 106c2-62 82-62 84 0c-16-20-68-20-84 0z"),
        Layer("sore-deep", burst),
        Layer("dark-cloth", "M288 284h38v22h-60c0-14 8-22 22-22zM388 284h-38v22h60c0-14-8-22-22-22z"),
        Layer("trousers", "M280 70h116l-10 216h-34l-14-140l-14 140h-34z"),
        Layer("edge", "M262 130l-12 14l12 14l-12 14l12 14M414 130l12 14l-12 14l12 14l-12 14"),
    ]


def _ambulance() -> list[Layer]:
    return [
        Layer("glow-edge", box(690, 74, 46, 28, 8)),
        Layer(
            "linen", "M600 116c0-9 6-14 14-14h176c9 0 14 5 14 14v124h-204zM804 142h58c12 0 20 5 26 16l26 46v36h-110z"
        ),
        Layer("glass", "M820 158h38c8 0 12 3 16 9l20 37h-74z"),
        Layer("bad", "M684 130h36v30h30v36h-30v30h-36v-30h-30v-36h30z"),
        Layer("dark-cloth", disc(668, 244, 32) + disc(852, 244, 32)),
        Layer("linen", disc(668, 244, 11) + disc(852, 244, 11)),
    ]


def _fever() -> list[Layer]:
    return [
        Layer("linen", "M166 408a26 26 0 0 1 52 0v112a46 46 0 1 1-52 0z"),
        Layer("bad", "M182 450a10 10 0 0 1 20 0v80a28 28 0 1 1-20 0z"),
        Layer("thin", line((218, 420), (238, 420)) + line((218, 452), (238, 452)) + line((218, 484), (238, 484))),
        Layer("skin", disc(334, 506, 74)),
        Layer("sore", disc(334, 502, 48, 44)),
        Layer("sore-deep", disc(334, 502, 26, 24)),
        Layer("dot", disc(334, 502, 8)),
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
    spots = "".join(disc(670 + x * 52, 832 + y * 54, 9) for x in range(4) for y in range(2))
    return [
        Layer("linen", box(620, 724, 256, 216, 20)),
        Layer("teal", "M620 784v-40a20 20 0 0 1 20-20h216a20 20 0 0 1 20 20v40z"),
        Layer("edge", line((680, 704), (680, 746)) + line((816, 704), (816, 746)) + line((620, 784), (876, 784))),
        Layer("dot", spots),
        Layer("ring", disc(774, 886, 29)),
    ]
