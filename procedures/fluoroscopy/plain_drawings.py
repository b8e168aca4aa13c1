"""The two drawings that have no X-ray picture beside them: a healthy beside a broken vertebra, and the nerves."""

import numpy as np

from procedures.fluoroscopy import outlines as trace
from procedures.fluoroscopy.anatomy import FRONT, HALF_HEIGHT, HIGH, LOW, Shape, arch, body, upper_edge_at
from procedures.fluoroscopy.contours import path, smooth_outlines
from procedures.fluoroscopy.geometry import Array, Vector, rotation
from procedures.fluoroscopy.projection import Placement, Solid, View, outlines
from procedures.fluoroscopy.sheet import Layer
from procedures.fluoroscopy.spine import FRACTURED_SPINE, HEALTHY_SPINE, LEVELS, Spine, placement

PLAIN = ("drawing-healthy-and-fractured", "drawing-nerves")
RASTER = 500
PAIR_SCALE = 0.76
PAIR_VIEW = View(np.eye(3), np.zeros(3), RASTER)
NERVE_VIEW = View(rotation(0, 0, 1.0), np.array([12.0, 17.0, 0.0]), RASTER, half=50.0)
COLUMNS: tuple[tuple[Spine, float], ...] = ((HEALTHY_SPINE, -53.0), (FRACTURED_SPINE, 23.0))
END_OF_CORD_MM = 4.0  # below the middle of L1; further down there are only single nerves


def column_place(spine: Spine, level: str, x: float) -> Placement:
    """Where a vertebra stands in one of the two columns."""
    place = placement(spine, level)
    return Placement(place.centre * PAIR_SCALE + np.array([x, 0, 0]), place.turn, place.scale * PAIR_SCALE)


def plain_layers(slug: str) -> list[Layer]:
    """Everything in a stand-alone drawing, back to front."""
    return _pair() if slug == PLAIN[0] else _nerves()


def _outline(view: View, place: Placement, shape: Shape, *, behind: bool) -> str:
    part, low, high = (arch, LOW, HIGH) if behind else (body, (-22, -17, -25), (22, 17, 25))

    def distances(x: Array, y: Array, z: Array) -> tuple[Array]:
        return (part(x, y, z, shape),)

    field = outlines(view, Solid(place, low, high, distances))[0]
    return "".join(path(points) for points in smooth_outlines(np.asarray(field, np.float32), 0.0009))


def _pair() -> list[Layer]:
    layers: list[Layer] = []
    for spine, x in COLUMNS:
        for level in ("T12", "L2", "L1"):
            place, shape = column_place(spine, level, x), spine.shape(level)
            far = "" if level == "L1" else "-far"
            body_role = "broken" if level == "L1" and shape.step else f"body{far}"
            layers.append(Layer(f"arch{far}", _outline(PAIR_VIEW, place, shape, behind=True)))
            layers.append(Layer(body_role, _outline(PAIR_VIEW, place, shape, behind=False)))
        layers.append(Layer("measure", _height(spine, x)))
    return layers


def _height(spine: Spine, x: float) -> str:
    """A measure in front of L1: how tall it stands there."""
    place, shape = column_place(spine, "L1", x), spine.shape("L1")
    top = upper_edge_at(FRONT + 2, shape)
    ends = [(FRONT - 9, top), (FRONT - 3, top), (FRONT - 6, top), (FRONT - 6, HALF_HEIGHT)]
    ends += [(FRONT - 9, HALF_HEIGHT), (FRONT - 3, HALF_HEIGHT)]
    spots = PAIR_VIEW.project(place.to_patient(np.array([(*end, 0.0) for end in ends])))
    return "".join(path(spots[n : n + 2], closed=False, straight=True) for n in (0, 2, 4))


def _line(view: View, level: str, points: list[tuple[float, float, float]]) -> Vector:
    return view.project(placement(HEALTHY_SPINE, level).to_patient(np.array(points)))


def _cord(view: View) -> str:
    """The spinal cord: a band in the canal that ends in a point behind L1."""
    middle = [placement(HEALTHY_SPINE, level).to_patient(np.array([[trace.CANAL_X, 0, 0]]))[0] for level in LEVELS[:3]]
    line = np.array([*middle, *placement(HEALTHY_SPINE, "L1").to_patient(
        np.array([[trace.CANAL_X, -8, 0], [trace.CANAL_X, END_OF_CORD_MM, 0]]))])  # fmt: skip
    half = np.array([4.2, 4.2, 4.2, 3.6, 0.3])[:, None] * np.array([[1.0, 0, 0]])
    return path(view.project(np.vstack([line + half, (line - half)[::-1]])))


def _strands(view: View) -> str:
    """Single nerves that run on down the canal from the end of the cord."""
    parts = []
    for aside in (-4.2, -1.4, 1.4, 4.2):
        start = placement(HEALTHY_SPINE, "L1").to_patient(np.array([[trace.CANAL_X + aside * 0.5, -2, 0]]))
        below = [
            placement(HEALTHY_SPINE, level).to_patient(np.array([[trace.CANAL_X + aside, y, 0]]))
            for level, y in (("L1", 12), ("L2", 0), ("L3", 0), ("L4", 0))
        ]
        parts.append(path(view.project(np.vstack([start, *below])), closed=False))
    return "".join(parts)


def _roots(view: View) -> str:
    """The nerves that leave the canal below each pedicle, towards the front and down."""
    curve = [(24.0, 5.0, 8.0), (20.0, 9.5, 14.0), (13.0, 15.0, 20.0), (5.0, 22.5, 25.0), (-2.0, 33.0, 28.0)]
    return "".join(path(_line(view, level, curve), closed=False) for level in ("T12", "L1", "L2"))


def _nerves() -> list[Layer]:
    view, spine = NERVE_VIEW, HEALTHY_SPINE
    layers = [Layer("disc", "".join(path(points) for points in _near(trace.discs(view, spine))))]
    layers.append(Layer("arch", "".join(_bone(level, behind=True) for level in LEVELS[1:6])))
    layers.append(Layer("body", "".join(_bone(level, behind=False) for level in LEVELS[1:6])))
    layers += [Layer("strand", _strands(view)), Layer("nerve", _cord(view)), Layer("root", _roots(view))]
    return [*layers, Layer("root-line", _roots(view))]


def _near(curves: list[Vector]) -> list[Vector]:
    return [c for c in curves if (c.max(axis=0) > 0).all() and (c.min(axis=0) < 1).all()]


def _bone(level: str, *, behind: bool) -> str:
    return _outline(NERVE_VIEW, placement(HEALTHY_SPINE, level), HEALTHY_SPINE.shape(level), behind=behind)


def plain_points(slug: str) -> dict[str, Vector]:
    """What marks in a stand-alone drawing may show, as picture positions."""
    if slug == PLAIN[0]:
        (healthy, left), (broken, right) = COLUMNS
        front = np.array([[-15.5, -5.0, 0.0]])
        step = upper_edge_at(-3.0, broken.shape("L1"))
        whole, crushed = column_place(healthy, "L1", left), column_place(broken, "L1", right)
        return {
            "height": PAIR_VIEW.project(whole.to_patient(np.array([[FRONT - 6, 4.0, 0]])))[0],
            "healthy": PAIR_VIEW.project(whole.to_patient(np.array([[-6.0, 0, 0]])))[0],
            "break": PAIR_VIEW.project(crushed.to_patient(np.array([[-3.0, step + 0.4, 0]])))[0],
            "front": PAIR_VIEW.project(crushed.to_patient(front + np.array([[0, 8.0, 0]])))[0],
        }
    return {
        "vertebra": _line(NERVE_VIEW, "L2", [(-6, 0, 0)])[0],
        "disc": _line(NERVE_VIEW, "L1", [(-8, HALF_HEIGHT + 4, 0)])[0],
        "cord": _line(NERVE_VIEW, "T12", [(trace.CANAL_X, 10, 0)])[0],
        "root": _line(NERVE_VIEW, "L1", [(13, 15, 20)])[0],
        "strands": _line(NERVE_VIEW, "L2", [(trace.CANAL_X + 1.4, 6, 0)])[0],
    }
