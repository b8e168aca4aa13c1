"""Outlines out of a map of distances: marching squares, thinning, and smooth SVG paths."""

import math

import numpy as np

from procedures.fluoroscopy.geometry import Array, Vector

CORNER_DEGREES = 48.0
# Cell sides: 0 top, 1 right, 2 bottom, 3 left. For each pattern of inside corners (bits: top left, top right,
# bottom right, bottom left) the sides that the outline joins, inside kept on one hand.
JOINS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((3, 0),), 2: ((0, 1),), 3: ((3, 1),), 4: ((1, 2),), 5: ((3, 0), (1, 2)), 6: ((0, 2),), 7: ((3, 2),),
    8: ((2, 3),), 9: ((2, 0),), 10: ((0, 1), (2, 3)), 11: ((2, 1),), 12: ((1, 3),), 13: ((1, 0),), 14: ((0, 3),),
}  # fmt: skip
Side = tuple[int, int, bool]


def _side(row: int, column: int, side: int) -> Side:
    """A name for a cell side shared with the neighbour cell: row, column, upright or level."""
    if side in (0, 2):
        return row + (side == 2), column, False
    return row, column + (side == 1), True


def _crossing(field: Array, name: Side) -> tuple[float, float]:
    """Where the zero level crosses a side, as (x, y) in samples."""
    row, column, upright = name
    a = float(field[row, column])
    b = float(field[row + upright, column + (not upright)])
    t = a / (a - b)
    return (column, row + t) if upright else (column + t, row)


def trace(field: Array) -> list[Vector]:
    """Closed outlines (n, 2) of `field` < 0, x and y from 0 to 1 of its width; what leaves the picture is cut."""
    size = field.shape[0]
    # No value may be so large that a crossing next to the border is thrown far off.
    padded = np.pad(np.clip(field, -2, 2), 1, constant_values=2.0).astype(np.float32)
    inside = padded < 0
    code = inside[:-1, :-1] * 1 + inside[:-1, 1:] * 2 + inside[1:, 1:] * 4 + inside[1:, :-1] * 8
    follows: dict[Side, Side] = {}
    for row, column in zip(*np.nonzero((code > 0) & (code < 15)), strict=True):
        for a, b in JOINS[int(code[row, column])]:
            follows[_side(int(row), int(column), a)] = _side(int(row), int(column), b)
    outlines = []
    while follows:
        start, here = follows.popitem()
        loop = [start]
        while here != start:
            loop.append(here)
            here = follows.pop(here)
        points = np.array([_crossing(padded, name) for name in loop])
        outlines.append((points - 0.5) / size)
    return sorted(outlines, key=area, reverse=True)


def area(points: Vector) -> float:
    """Area inside a closed outline."""
    x, y = points[:, 0], points[:, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def thin(points: Vector, tolerance: float) -> Vector:
    """A closed outline with the points that matter (Ramer–Douglas–Peucker), never off by more than `tolerance`."""
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
        away = np.abs(between[:, 0] * chord[1] - between[:, 1] * chord[0]) / (np.hypot(*chord) + 1e-12)
        worst = int(np.argmax(away))
        if away[worst] > tolerance:
            middle = first + 1 + worst
            keep.add(middle)
            stack += [(first, middle), (middle, last)]
    return np.asarray(rolled[sorted(keep)][:-1], np.float64)


def _tangents(points: Vector, closed: bool) -> Vector:
    """Catmull–Rom directions; none at corners and loose ends, so that they stay sharp."""
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    turn = np.arctan2(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0], (before * after).sum(axis=1))
    lengths = np.hypot(*before.T), np.hypot(*after.T)
    way = before / (lengths[0][:, None] + 1e-9) + after / (lengths[1][:, None] + 1e-9)
    way = way / (np.hypot(*way.T)[:, None] + 1e-9)
    way[np.abs(turn) > math.radians(CORNER_DEGREES)] = 0
    if not closed:
        way[[0, -1]] = 0
    return np.asarray(way, np.float64)


def _number(value: float) -> str:
    return str(round(float(value)))


def path(points: Vector, *, closed: bool = True, straight: bool = False) -> str:
    """SVG path data of a smooth curve through `points`, 0 to 1 of the width, on a 1000 × 1000 board."""
    if straight:
        corners = "L".join(f"{_number(x)} {_number(y)}" for x, y in points * 1000)
        return f"M{corners}" + ("z" if closed else "")
    spots = np.round(points * 1000)
    way = _tangents(points, closed)
    count = len(points)
    parts = [f"M{_number(spots[0, 0])} {_number(spots[0, 1])}c"]
    for n in range(count if closed else count - 1):
        a, b = spots[n], spots[(n + 1) % count]
        reach = np.hypot(*(b - a)) / 3
        first = way[n] * reach
        second = b - a - way[(n + 1) % count] * reach
        numbers = [_number(value) for value in (*first, *second, *(b - a))]
        parts.append(" ".join(numbers) + " ")
    return "".join(parts).strip().replace(" -", "-") + ("z" if closed else "")


def smooth_outlines(field: Array, tolerance: float = 0.0007, smallest: float = 6e-5) -> list[Vector]:
    """Thinned outlines of a distance map, without specks; border runs are moved out of sight."""
    found = [thin(points, tolerance) for points in trace(field) if len(points) > 6 and area(points) > smallest]
    for points in found:
        points[points < 0.002] -= 0.02
        points[points > 0.998] += 0.02
    return found
