"""Line drawings: drawings that accompany the X-ray images, and two anatomical drawings without an X-ray.

One of the latter compares a healthy and a fractured vertebra; the other shows the nerves. Outlines come from distance
maps: marching squares, simplification, and smooth SVG paths.
"""

import itertools
import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from procedures.figures.simulation.anatomy import (
    BACK_X,
    BOUNDS_MAX,
    BOUNDS_MIN,
    FRACTURED_SPINE,
    FRONT_X,
    HALF_HEIGHT,
    HEALTHY_SPINE,
    LEVELS,
    PEDICLE_Y,
    PEDICLE_Z,
    RIB_11,
    RIB_12,
    STAGES,
    STAGES_BY_SLUG,
    Spine,
    Stage,
    VertebraShape,
    arch_distance,
    body_distance,
    lower_endplate,
    rib_solid,
    spinous_process_distance,
    upper_endplate,
    upper_endplate_at,
    vertebra_placement,
)
from procedures.figures.simulation.geometry import (
    Array,
    Placement,
    Solid,
    Vector,
    View,
    nearest_distance_maps,
    rotation_matrix,
)
from procedures.figures.simulation.illustrations import ILLUSTRATION_SLUGS, illustration_layers
from procedures.figures.simulation.imaging import make_view
from procedures.figures.simulation.svg import DARK_PALETTE, LIGHT_PALETTE, Layer, render_svg

MIN_CORNER_DEGREES = 48.0
# Marching squares. Cell edges: 0 top, 1 right, 2 bottom, 3 left. For each pattern of inside corners (bits: top left,
# top right, bottom right, bottom left), the edges that the outline connects, with the inside on the same side.
SEGMENT_TABLE: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((3, 0),), 2: ((0, 1),), 3: ((3, 1),), 4: ((1, 2),), 5: ((3, 0), (1, 2)), 6: ((0, 2),), 7: ((3, 2),),
    8: ((2, 3),), 9: ((2, 0),), 10: ((0, 1), (2, 3)), 11: ((2, 1),), 12: ((1, 3),), 13: ((1, 0),), 14: ((0, 3),),
}  # fmt: skip
CellEdge = tuple[int, int, bool]
STANDALONE_SLUGS = ("drawing-healthy-and-fractured", "drawing-nerves")
STANDALONE_RASTER = 500
COMPARISON_SCALE = 0.76
COMPARISON_VIEW = View(np.eye(3), np.zeros(3), STANDALONE_RASTER)
NERVE_VIEW = View(rotation_matrix(0, 0, 1.0), np.array([12.0, 17.0, 0.0]), STANDALONE_RASTER, half_width=50.0)
COMPARISON_COLUMNS: tuple[tuple[Spine, float], ...] = ((HEALTHY_SPINE, -53.0), (FRACTURED_SPINE, 23.0))
END_OF_CORD_MM = 4.0  # below the center of L1; farther down there are only separate nerves
STAGE_RASTER = 500
DRAWING_SLUGS: tuple[str, ...] = (*(stage.slug for stage in STAGES), *STANDALONE_SLUGS, *ILLUSTRATION_SLUGS)


def _cell_edge(row: int, column: int, edge: int) -> CellEdge:
    """Return an identifier that adjacent cells share for the edge: row, column, is_vertical."""
    if edge in (0, 2):
        return row + (edge == 2), column, False
    return row, column + (edge == 1), True


def _crossing(field: Array, edge: CellEdge) -> tuple[float, float]:
    """Return the zero crossing on an edge, as (x, y) in samples."""
    row, column, is_vertical = edge
    a = float(field[row, column])
    b = float(field[row + is_vertical, column + (not is_vertical)])
    t = a / (a - b)
    return (column, row + t) if is_vertical else (column + t, row)


def trace_contours(field: Array) -> list[Vector]:
    """Return closed outlines (n, 2) of ``field`` < 0, in fractions of its width, largest first."""
    size = field.shape[0]
    # Clip large values, which would shift crossings next to the border.
    padded = np.pad(np.clip(field, -2, 2), 1, constant_values=2.0).astype(np.float32)
    inside = padded < 0
    code = inside[:-1, :-1] * 1 + inside[:-1, 1:] * 2 + inside[1:, 1:] * 4 + inside[1:, :-1] * 8
    next_edges: dict[CellEdge, CellEdge] = {}
    for row, column in zip(*np.nonzero((code > 0) & (code < 15)), strict=True):
        for a, b in SEGMENT_TABLE[int(code[row, column])]:
            next_edges[_cell_edge(int(row), int(column), a)] = _cell_edge(int(row), int(column), b)
    outlines = []
    while next_edges:
        start, edge = next_edges.popitem()
        loop = [start]
        while edge != start:
            loop.append(edge)
            edge = next_edges.pop(edge)
        points = np.array([_crossing(padded, crossed) for crossed in loop])
        outlines.append((points - 0.5) / size)
    return sorted(outlines, key=polygon_area, reverse=True)


def polygon_area(points: Vector) -> float:
    """Return the area of a closed outline."""
    x, y = points[:, 0], points[:, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def simplify(points: Vector, tolerance: float) -> Vector:
    """Simplify a closed outline by Ramer–Douglas–Peucker to within ``tolerance``."""
    far = int(np.argmax(np.hypot(*(points - points[0]).T)))
    rolled = np.vstack([points, points[:1]])
    keep = {0, far, len(points)}
    stack = [(0, far), (far, len(points))]
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        chord = rolled[last] - rolled[first]
        between = rolled[first + 1 : last] - rolled[first]
        distances = np.abs(between[:, 0] * chord[1] - between[:, 1] * chord[0]) / (np.hypot(*chord) + 1e-12)
        worst = int(np.argmax(distances))
        if distances[worst] > tolerance:
            middle = first + 1 + worst
            keep.add(middle)
            stack += [(first, middle), (middle, last)]
    return np.asarray(rolled[sorted(keep)][:-1], np.float64)


def _tangents(points: Vector, closed: bool) -> Vector:
    """Return Catmull–Rom tangents; zero at corners and open ends, so that they stay sharp."""
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    turn = np.arctan2(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0], (before * after).sum(axis=1))
    lengths = np.hypot(*before.T), np.hypot(*after.T)
    tangents = before / (lengths[0][:, None] + 1e-9) + after / (lengths[1][:, None] + 1e-9)
    tangents = tangents / (np.hypot(*tangents.T)[:, None] + 1e-9)
    tangents[np.abs(turn) > math.radians(MIN_CORNER_DEGREES)] = 0
    if not closed:
        tangents[[0, -1]] = 0
    return np.asarray(tangents, np.float64)


def _format_number(value: float) -> str:
    return str(round(float(value)))


def smooth_svg_path(points: Vector, *, closed: bool = True, straight: bool = False) -> str:
    """Return SVG path data in a 1000 × 1000 viewBox for a smooth curve through ``points`` (fractions)."""
    if straight:
        corners = "L".join(f"{_format_number(x)} {_format_number(y)}" for x, y in points * 1000)
        return f"M{corners}" + ("z" if closed else "")
    rounded = np.round(points * 1000)
    tangents = _tangents(points, closed)
    count = len(points)
    parts = [f"M{_format_number(rounded[0, 0])} {_format_number(rounded[0, 1])}c"]
    for n in range(count if closed else count - 1):
        a, b = rounded[n], rounded[(n + 1) % count]
        reach = np.hypot(*(b - a)) / 3
        first = tangents[n] * reach
        second = b - a - tangents[(n + 1) % count] * reach
        numbers = [_format_number(value) for value in (*first, *second, *(b - a))]
        parts.append(" ".join(numbers) + " ")
    return "".join(parts).strip().replace(" -", "-") + ("z" if closed else "")


def smooth_contours(field: Array, tolerance: float = 0.0007, min_area: float = 6e-5) -> list[Vector]:
    """Thinned outlines of a distance map, without specks; border runs are moved out of sight."""
    found = [
        simplify(points, tolerance)
        for points in trace_contours(field)
        if len(points) > 6 and polygon_area(points) > min_area
    ]
    for points in found:
        points[points < 0.002] -= 0.02
        points[points > 0.998] += 0.02
    return found


DistanceFunction = Callable[[Array, Array, Array, VertebraShape], Array]
CANAL_X = BACK_X + 8.2  # center of the spinal canal, in local mm


def body_distance_map(view: View, spine: Spine, level: str) -> Array:
    """Return the distance map of a vertebral body in mm, shape (size, size)."""
    return _distance_map(view, spine, level, body_distance)


def arch_distance_map(view: View, spine: Spine, level: str) -> Array:
    """Return the distance map of the posterior elements."""
    return _distance_map(view, spine, level, arch_distance)


def _distance_map(view: View, spine: Spine, level: str, part: DistanceFunction) -> Array:
    shape = spine.shape(level)
    low, high = (BOUNDS_MIN, BOUNDS_MAX) if part is arch_distance else ((-22, -17, -25), (22, 17, 25))
    solid = Solid(vertebra_placement(spine, level), low, high, lambda x, y, z: (part(x, y, z, shape),))
    return np.asarray(nearest_distance_maps(view, solid)[0], np.float32)


def disc_outline(view: View, spine: Spine, upper: str, lower: str) -> Vector:
    """Return the outline (n, 2) of a disc in the midsagittal plane, slightly bulging."""
    x = np.linspace(FRONT_X + 0.6, BACK_X - 0.8, 9)
    zero = np.zeros_like(x)
    above = np.column_stack([x, lower_endplate(x.astype(np.float32), zero.astype(np.float32)), zero])
    shape = spine.shape(lower)
    below = np.column_stack([x, upper_endplate(x.astype(np.float32), zero.astype(np.float32), shape), zero])
    top = vertebra_placement(spine, upper).to_patient(above)
    bottom = vertebra_placement(spine, lower).to_patient(below)[::-1]
    back = (top[-1:] + bottom[:1]) / 2 + np.array([[1.4, 0, 0]])
    front = (top[:1] + bottom[-1:]) / 2 - np.array([[1.6, 0, 0]])
    return view.project(np.vstack([top, back, bottom, front]))


def disc_outline_from_front(view: View, spine: Spine, upper: str, lower: str) -> Vector:
    """Return the outline (n, 2) of a disc in the front view."""
    z = np.linspace(-18.5, 18.5, 3)
    zero = np.zeros_like(z)
    above = np.column_stack([zero, lower_endplate(zero.astype(np.float32), z.astype(np.float32)), z])
    edge = upper_endplate(zero.astype(np.float32), z.astype(np.float32), spine.shape(lower))
    top = vertebra_placement(spine, upper).to_patient(above)
    bottom = vertebra_placement(spine, lower).to_patient(np.column_stack([zero, edge, z]))[::-1]
    bulge = np.array([[0, 0, 1.6]])
    right, left = (top[-1:] + bottom[:1]) / 2 + bulge, (top[:1] + bottom[-1:]) / 2 - bulge
    return view.project(np.vstack([top, right, bottom, left]))


def pedicle_outlines(view: View, spine: Spine, level: str) -> list[Vector]:
    """Return the two pedicles of a level in the front view, as ovals (8, 2)."""
    around = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    y, z = PEDICLE_Y + 6.3 * np.sin(around), 4.4 * np.cos(around)
    place = vertebra_placement(spine, level)
    sides = (np.column_stack([np.full(8, 18.0), y, z + side * PEDICLE_Z]) for side in (-1, 1))
    return [view.project(place.to_patient(points)) for points in sides]


def spinous_outline(view: View, spine: Spine, level: str) -> list[Vector]:
    """Return outlines of the spinous process, which is visible within the arch in the front view."""
    shape = spine.shape(level)

    def distances(x: Array, y: Array, z: Array) -> tuple[Array]:
        return (spinous_process_distance(x, y, np.abs(z), shape),)

    solid = Solid(vertebra_placement(spine, level), (32, -8, -8), BOUNDS_MAX, distances)
    return smooth_contours(np.asarray(nearest_distance_maps(view, solid)[0], np.float32), 0.0022)


def canal_outline(view: View, spine: Spine, half_width_mm: float) -> Vector:
    """Return the outline (n, 2) of a band of ``half_width_mm`` on either side of the spinal canal's center."""
    middle = []
    for level in LEVELS:
        ends = np.array([[CANAL_X, -HALF_HEIGHT, 0], [CANAL_X, HALF_HEIGHT, 0]])
        middle.append(vertebra_placement(spine, level).to_patient(ends).mean(axis=0))
    line = np.array(middle)
    offset = np.array([[half_width_mm, 0, 0]])
    return view.project(np.vstack([line + offset, (line - offset)[::-1]]))


def disc_outlines(view: View, spine: Spine, *, front: bool = False) -> list[Vector]:
    """Return the outlines of all discs."""
    outline = disc_outline_from_front if front else disc_outline
    return [outline(view, spine, upper, lower) for upper, lower in itertools.pairwise(LEVELS)]


def rib_outlines(view: View, spine: Spine, level: str) -> list[Vector]:
    """Return the outlines of both ribs of T11 or T12."""
    points = {"T11": RIB_11, "T12": RIB_12}[level]
    solid = rib_solid(vertebra_placement(spine, level), points)
    return smooth_contours(np.asarray(nearest_distance_maps(view, solid, step=2)[0], np.float32), 0.0016)


def device_outlines(view: View, stage: Stage) -> dict[str, list[Vector]]:
    """Return the outlines of cement, balloons, and needle by layer role, in drawing order."""
    place = vertebra_placement(stage.spine, "L1")
    outlines: dict[str, list[Vector]] = {}
    if stage.cement:
        mass = nearest_distance_maps(view, stage.cement.solid(place, stage.spine.l1_shape), step=0.7)[0]
        outlines["cement"] = smooth_contours(np.asarray(mass, np.float32), 0.0013)
    if stage.balloon:
        full, metal = nearest_distance_maps(view, stage.balloon.solid(place), step=0.5)
        outlines["balloon"] = smooth_contours(np.asarray(full, np.float32), 0.0005)
        outlines["metal"] = smooth_contours(np.asarray(metal, np.float32), 0.0006, 1e-5)
    if stage.needle:
        outer = nearest_distance_maps(view, stage.needle.solid(place), step=0.3)[0]
        outlines["needle"] = smooth_contours(np.asarray(outer, np.float32), 0.0004)
    return outlines


def column_placement(spine: Spine, level: str, x: float) -> Placement:
    """Return the placement of a vertebra in one of the two columns of the comparison."""
    place = vertebra_placement(spine, level)
    return Placement(
        place.center * COMPARISON_SCALE + np.array([x, 0, 0]), place.rotation, place.scale * COMPARISON_SCALE
    )


def standalone_layers(slug: str) -> list[Layer]:
    """Return the layers of a standalone drawing, back to front."""
    return _comparison_layers() if slug == STANDALONE_SLUGS[0] else _nerve_layers()


def _bone_outline(view: View, place: Placement, shape: VertebraShape, *, is_arch: bool) -> str:
    part, low, high = (
        (arch_distance, BOUNDS_MIN, BOUNDS_MAX) if is_arch else (body_distance, (-22, -17, -25), (22, 17, 25))
    )

    def distances(x: Array, y: Array, z: Array) -> tuple[Array]:
        return (part(x, y, z, shape),)

    field = nearest_distance_maps(view, Solid(place, low, high, distances))[0]
    return "".join(smooth_svg_path(points) for points in smooth_contours(np.asarray(field, np.float32), 0.0009))


def _comparison_layers() -> list[Layer]:
    layers: list[Layer] = []
    for spine, x in COMPARISON_COLUMNS:
        for level in ("T12", "L2", "L1"):
            place, shape = column_placement(spine, level, x), spine.shape(level)
            far = "" if level == "L1" else "-far"
            body_role = "broken" if level == "L1" and shape.step else f"body{far}"
            layers.append(Layer(f"arch{far}", _bone_outline(COMPARISON_VIEW, place, shape, is_arch=True)))
            layers.append(Layer(body_role, _bone_outline(COMPARISON_VIEW, place, shape, is_arch=False)))
        layers.append(Layer("measure", _height_measure(spine, x)))
    return layers


def _height_measure(spine: Spine, x: float) -> str:
    """Return path data of a dimension line in front of L1 that shows its height."""
    place, shape = column_placement(spine, "L1", x), spine.shape("L1")
    top = upper_endplate_at(FRONT_X + 2, shape)
    ends = [(FRONT_X - 9, top), (FRONT_X - 3, top), (FRONT_X - 6, top), (FRONT_X - 6, HALF_HEIGHT)]
    ends += [(FRONT_X - 9, HALF_HEIGHT), (FRONT_X - 3, HALF_HEIGHT)]
    points = COMPARISON_VIEW.project(place.to_patient(np.array([(*end, 0.0) for end in ends])))
    return "".join(smooth_svg_path(points[n : n + 2], closed=False, straight=True) for n in (0, 2, 4))


def _project_points(view: View, level: str, points: list[tuple[float, float, float]]) -> Vector:
    return view.project(vertebra_placement(HEALTHY_SPINE, level).to_patient(np.array(points)))


def _spinal_cord(view: View) -> str:
    """Return path data of the spinal cord: a band in the canal that tapers to a point behind L1."""
    middle = [
        vertebra_placement(HEALTHY_SPINE, level).to_patient(np.array([[CANAL_X, 0, 0]]))[0] for level in LEVELS[:3]
    ]
    line = np.array([*middle, *vertebra_placement(HEALTHY_SPINE, "L1").to_patient(
        np.array([[CANAL_X, -8, 0], [CANAL_X, END_OF_CORD_MM, 0]]))])  # fmt: skip
    half = np.array([4.2, 4.2, 4.2, 3.6, 0.3])[:, None] * np.array([[1.0, 0, 0]])
    return smooth_svg_path(view.project(np.vstack([line + half, (line - half)[::-1]])))


def _nerve_strands(view: View) -> str:
    """Return path data of the nerves that continue down the canal from the end of the cord."""
    parts = []
    for offset in (-4.2, -1.4, 1.4, 4.2):
        start = vertebra_placement(HEALTHY_SPINE, "L1").to_patient(np.array([[CANAL_X + offset * 0.5, -2, 0]]))
        below = [
            vertebra_placement(HEALTHY_SPINE, level).to_patient(np.array([[CANAL_X + offset, y, 0]]))
            for level, y in (("L1", 12), ("L2", 0), ("L3", 0), ("L4", 0))
        ]
        parts.append(smooth_svg_path(view.project(np.vstack([start, *below])), closed=False))
    return "".join(parts)


def _nerve_roots(view: View) -> str:
    """Return path data of the nerve roots that exit below each pedicle, forward and down."""
    curve = [(24.0, 5.0, 8.0), (20.0, 9.5, 14.0), (13.0, 15.0, 20.0), (5.0, 22.5, 25.0), (-2.0, 33.0, 28.0)]
    return "".join(smooth_svg_path(_project_points(view, level, curve), closed=False) for level in ("T12", "L1", "L2"))


def _nerve_layers() -> list[Layer]:
    view, spine = NERVE_VIEW, HEALTHY_SPINE
    layers = [Layer("disc", _visible_paths(disc_outlines(view, spine)))]
    layers.append(Layer("arch", "".join(_nerve_view_bone(level, behind=True) for level in LEVELS[1:6])))
    layers.append(Layer("body", "".join(_nerve_view_bone(level, behind=False) for level in LEVELS[1:6])))
    layers += [
        Layer("strand", _nerve_strands(view)),
        Layer("nerve", _spinal_cord(view)),
        Layer("root", _nerve_roots(view)),
    ]
    return [*layers, Layer("root-line", _nerve_roots(view))]


def _visible_curves(curves: list[Vector]) -> list[Vector]:
    return [curve for curve in curves if (curve.max(axis=0) > 0).all() and (curve.min(axis=0) < 1).all()]


def _nerve_view_bone(level: str, *, behind: bool) -> str:
    return _bone_outline(
        NERVE_VIEW, vertebra_placement(HEALTHY_SPINE, level), HEALTHY_SPINE.shape(level), is_arch=behind
    )


def standalone_targets(slug: str) -> dict[str, Vector]:
    """Return the image positions of the marker targets in a standalone drawing."""
    if slug == STANDALONE_SLUGS[0]:
        (healthy, left), (broken, right) = COMPARISON_COLUMNS
        front = np.array([[-15.5, -5.0, 0.0]])
        step = upper_endplate_at(-3.0, broken.shape("L1"))
        whole, crushed = column_placement(healthy, "L1", left), column_placement(broken, "L1", right)
        return {
            "height": COMPARISON_VIEW.project(whole.to_patient(np.array([[FRONT_X - 6, 4.0, 0]])))[0],
            "healthy": COMPARISON_VIEW.project(whole.to_patient(np.array([[-6.0, 0, 0]])))[0],
            "break": COMPARISON_VIEW.project(crushed.to_patient(np.array([[-3.0, step + 0.4, 0]])))[0],
            "front": COMPARISON_VIEW.project(crushed.to_patient(front + np.array([[0, 8.0, 0]])))[0],
        }
    return {
        "vertebra": _project_points(NERVE_VIEW, "L2", [(-6, 0, 0)])[0],
        "disc": _project_points(NERVE_VIEW, "L1", [(-8, HALF_HEIGHT + 4, 0)])[0],
        "cord": _project_points(NERVE_VIEW, "T12", [(CANAL_X, 10, 0)])[0],
        "root": _project_points(NERVE_VIEW, "L1", [(13, 15, 20)])[0],
        "strands": _project_points(NERVE_VIEW, "L2", [(CANAL_X + 1.4, 6, 0)])[0],
    }


@lru_cache(maxsize=64)
def _vertebra_paths(view: str, spine: Spine, level: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return path data of a vertebra's body and of its arch."""
    camera = make_view(view, STAGE_RASTER)
    fields = (body_distance_map(camera, spine, level), arch_distance_map(camera, spine, level))
    tolerance = (
        0.0012 if view == "lateral" else 0.0027
    )  # the front view has more outlines, and the file size is limited
    body, arch = (tuple(smooth_svg_path(points) for points in smooth_contours(field, tolerance)) for field in fields)
    return body, arch


def _visible_paths(curves: list[Vector], *, straight: bool = False) -> str:
    """Return path data of the curves that are inside the image, at least in part."""
    return "".join(smooth_svg_path(curve, straight=straight) for curve in _visible_curves(curves))


def _vertebra_layers(stage: Stage) -> list[Layer]:
    """Return the vertebrae. Bodies are in front of the arches in the lateral view, behind them in the front view."""
    arches, bodies, broken = [], "", ""
    for level in LEVELS:
        body, arch = _vertebra_paths(stage.view, stage.spine, level)
        arches.append(Layer("arch", "".join(arch)))
        if level == "L1" and stage.spine.l1_shape.step > 1:
            broken = "".join(body)
        else:
            bodies += "".join(body)
    front = [Layer("body", bodies), Layer("broken", broken)]
    return [*arches, *front] if stage.view == "lateral" else [*front, *arches]


def _stage_layers(stage: Stage) -> list[Layer]:
    """Return the layers of a stage's drawing, back to front."""
    view, front = make_view(stage.view, STAGE_RASTER), stage.view == "front"
    layers = [Layer("rib", _visible_paths(rib_outlines(view, stage.spine, level))) for level in ("T11", "T12")]
    if not front:
        layers.append(Layer("nerve", smooth_svg_path(canal_outline(view, stage.spine, 6.5))))
    layers.append(Layer("disc", _visible_paths(disc_outlines(view, stage.spine, front=front))))
    layers += _vertebra_layers(stage)
    if front:
        pedicles = [curve for level in LEVELS for curve in pedicle_outlines(view, stage.spine, level)]
        spinous_processes = [curve for level in LEVELS for curve in spinous_outline(view, stage.spine, level)]
        layers += [Layer("oval", _visible_paths(pedicles)), Layer("ridge", _visible_paths(spinous_processes))]
    for name, curves in device_outlines(view, stage).items():
        layers.append(Layer(name, _visible_paths(curves, straight=name == "needle")))
    return layers


@lru_cache(maxsize=32)
def _cached_layers(slug: str) -> tuple[Layer, ...]:
    if slug in ILLUSTRATION_SLUGS:
        return tuple(illustration_layers(slug))
    return tuple(_stage_layers(STAGES_BY_SLUG[slug]) if slug in STAGES_BY_SLUG else standalone_layers(slug))


def render_drawing(slug: str, *, is_dark: bool) -> str:
    """Return the SVG text of a drawing for the light or the dark color scheme."""
    return render_svg(_cached_layers(slug), DARK_PALETTE if is_dark else LIGHT_PALETTE)
