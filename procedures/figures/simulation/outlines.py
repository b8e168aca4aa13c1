"""Outlines for the line drawings: marching squares on distance maps, simplification, and smooth SVG paths."""

import itertools
import math
from collections.abc import Callable

import numpy as np

from procedures.figures.simulation import surroundings
from procedures.figures.simulation.anatomy import (
    BACK_X,
    BOUNDS_MAX,
    BOUNDS_MIN,
    FRONT_X,
    HALF_HEIGHT,
    LEVELS,
    PEDICLE_Y,
    PEDICLE_Z,
    Spine,
    VertebraShape,
    arch_distance,
    body_distance,
    lower_endplate,
    spinous_process_distance,
    upper_endplate,
    vertebra_placement,
)
from procedures.figures.simulation.geometry import Array, Solid, Vector, View, nearest_distance_maps
from procedures.figures.simulation.stages import Stage

MIN_CORNER_DEGREES = 48.0
# Marching squares. Cell edges: 0 top, 1 right, 2 bottom, 3 left. For each pattern of inside corners (bits: top left,
# top right, bottom right, bottom left), the edges that the outline connects, with the inside on the same side.
SEGMENT_TABLE: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((3, 0),), 2: ((0, 1),), 3: ((3, 1),), 4: ((1, 2),), 5: ((3, 0), (1, 2)), 6: ((0, 2),), 7: ((3, 2),),
    8: ((2, 3),), 9: ((2, 0),), 10: ((0, 1), (2, 3)), 11: ((2, 1),), 12: ((1, 3),), 13: ((1, 0),), 14: ((0, 3),),
}  # fmt: skip
CellEdge = tuple[int, int, bool]


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
    way = before / (lengths[0][:, None] + 1e-9) + after / (lengths[1][:, None] + 1e-9)
    way = way / (np.hypot(*way.T)[:, None] + 1e-9)
    way[np.abs(turn) > math.radians(MIN_CORNER_DEGREES)] = 0
    if not closed:
        way[[0, -1]] = 0
    return np.asarray(way, np.float64)


def _format_number(value: float) -> str:
    return str(round(float(value)))


def smooth_svg_path(points: Vector, *, closed: bool = True, straight: bool = False) -> str:
    """Return SVG path data in a 1000 × 1000 viewBox for a smooth curve through ``points`` (fractions)."""
    if straight:
        corners = "L".join(f"{_format_number(x)} {_format_number(y)}" for x, y in points * 1000)
        return f"M{corners}" + ("z" if closed else "")
    spots = np.round(points * 1000)
    way = _tangents(points, closed)
    count = len(points)
    parts = [f"M{_format_number(spots[0, 0])} {_format_number(spots[0, 1])}c"]
    for n in range(count if closed else count - 1):
        a, b = spots[n], spots[(n + 1) % count]
        reach = np.hypot(*(b - a)) / 3
        first = way[n] * reach
        second = b - a - way[(n + 1) % count] * reach
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
    aside = np.array([[half_width_mm, 0, 0]])
    return view.project(np.vstack([line + aside, (line - aside)[::-1]]))


def disc_outlines(view: View, spine: Spine, *, front: bool = False) -> list[Vector]:
    """Return the outlines of all discs."""
    outline = disc_outline_from_front if front else disc_outline
    return [outline(view, spine, upper, lower) for upper, lower in itertools.pairwise(LEVELS)]


def rib_outlines(view: View, spine: Spine, level: str) -> list[Vector]:
    """Return the outlines of both ribs of T11 or T12."""
    points = {"T11": surroundings.RIB_11, "T12": surroundings.RIB_12}[level]
    solid = surroundings.rib_solid(vertebra_placement(spine, level), points)
    return smooth_contours(np.asarray(nearest_distance_maps(view, solid, step=2)[0], np.float32), 0.0016)


def device_outlines(view: View, stage: Stage) -> dict[str, list[Vector]]:
    """Return the outlines of cement, balloons and needle by layer role, in drawing order."""
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
