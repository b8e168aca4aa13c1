"""The C-arm: a point source, diverging rays, and path lengths through bodies given as signed distances.

View coordinates are mm: u to the right of the picture, v down, w along the beam, 0 at the isocentre. The picture
is measured in the plane through the isocentre, so that 1 mm there is 1 mm in the picture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from procedures.fluoroscopy.geometry import Array, Vector

SOURCE_TO_OBJECT_MM = 680.0
HALF_WIDTH_MM = 78.0
FIELD_RADIUS_MM = 75.5
ROWS_AT_ONCE = 48_000  # samples per block: about what a core's second-level cache holds

Distances = Callable[[Array, Array, Array], Sequence[Array]]


@dataclass(frozen=True, eq=False)
class View:
    """A C-arm position: `axes` (3 × 3, columns u, v, w in patient space), `origin` the isocentre in patient mm,
    `size` its pixels and `half` its half width in mm."""

    axes: Vector
    origin: Vector
    size: int
    half: float = HALF_WIDTH_MM

    def project(self, points: Vector) -> Vector:
        """Patient points (n, 3) in mm to picture positions (n, 2), 0 to 1 of the width and height."""
        local = (np.atleast_2d(points) - self.origin) @ self.axes
        scale = 1 / (1 + local[:, 2] / SOURCE_TO_OBJECT_MM)
        return np.asarray(0.5 + local[:, :2] * scale[:, None] / (2 * self.half), np.float64)

    def grid(self, coarse: int = 1) -> Array:
        """Positions in mm of the pixel centres along one side, every `coarse` pixels taken as one."""
        count = self.size // coarse
        return (((np.arange(count) + 0.5) / count * 2 - 1) * self.half).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a thing stands: patient = centre + scale · turn @ local."""

    centre: Vector
    turn: Vector
    scale: float = 1.0

    def to_patient(self, points: Vector) -> Vector:
        """Local points (n, 3) to patient points (n, 3), mm."""
        return np.asarray(self.centre + self.scale * np.atleast_2d(points) @ self.turn.T, np.float64)

    def from_view(self, view: View) -> tuple[Vector, Vector]:
        """Matrix and offset that take view coordinates straight to local ones."""
        matrix = self.turn.T @ view.axes / self.scale
        return matrix, self.turn.T @ (view.origin - self.centre) / self.scale


WORLD = Placement(np.zeros(3), np.eye(3))


@dataclass(frozen=True)
class Tile:
    """A part of the picture (rows, columns at the coarse raster) and the stretch of the beam that crosses a thing."""

    top: int
    bottom: int
    left: int
    right: int
    near: float
    far: float


def tile_of(view: View, place: Placement, low: Sequence[float], high: Sequence[float], coarse: int) -> Tile | None:
    """The tile that covers the local box from `low` to `high` (mm), or None when it is outside the picture."""
    corners = np.array([[(low, high)[(n >> axis) & 1][axis] for axis in range(3)] for n in range(8)])
    patient = place.to_patient(corners)
    depth = (patient - view.origin) @ view.axes[:, 2]
    spots = view.project(patient) * (view.size // coarse)
    first = np.clip(np.floor(spots.min(axis=0)), 0, view.size // coarse).astype(int)
    last = np.clip(np.ceil(spots.max(axis=0)), 0, view.size // coarse).astype(int)
    if (last <= first).any():
        return None
    return Tile(int(first[1]), int(last[1]), int(first[0]), int(last[0]), float(depth.min()), float(depth.max()))


class Marcher:
    """Walks the rays of one tile through one placed thing and hands its distances to a collector."""

    def __init__(self, view: View, place: Placement, tile: Tile, coarse: int, step: float) -> None:
        self.matrix, self.offset = place.from_view(view)
        self.scale = place.scale
        axis = view.grid(coarse)
        self.u, self.v = axis[tile.left : tile.right], axis[tile.top : tile.bottom]
        count = max(2, int(np.ceil((tile.far - tile.near) / step)) + 1)
        self.depths = np.linspace(tile.near, tile.far, count)
        self.step = float(self.depths[1] - self.depths[0])

    def coordinates(self, rows: slice, depth: float) -> tuple[Array, Array, Array]:
        """Local x, y, z (mm) of the samples of some rows at one depth."""
        spread = 1 + depth / SOURCE_TO_OBJECT_MM
        m, o = self.matrix, self.offset
        x, y, z = (
            (m[i, 0] * spread * self.u)[None, :].astype(np.float32)
            + (m[i, 1] * spread * self.v[rows] + (m[i, 2] * depth + o[i]))[:, None].astype(np.float32)
            for i in range(3)
        )
        return x, y, z

    def blocks(self) -> list[slice]:
        """Row ranges small enough to stay in the cache."""
        rows = max(1, ROWS_AT_ONCE // max(1, len(self.u)))
        return [slice(n, min(n + rows, len(self.v))) for n in range(0, len(self.v), rows)]

    def paths(self, distances: Distances, count: int) -> Array:
        """Path length (mm) inside each of `count` bodies, shape (count, rows, columns).

        Between two samples a distance is taken as linear, which places a surface between them exactly: thin shells
        stay crisp in the picture at any step.
        """
        total = np.zeros((count, len(self.v), len(self.u)), np.float32)
        for rows in self.blocks():
            before: Sequence[Array] = []
            for depth in self.depths:
                now = distances(*self.coordinates(rows, float(depth)))
                for n, (a, b) in enumerate(zip(before, now, strict=False)):
                    inside = np.maximum(-a, 0) + np.maximum(-b, 0)
                    total[n, rows] += inside / (np.abs(a) + np.abs(b) + np.float32(1e-9))
                before = now
        slant = np.sqrt(1 + (self.u[None, :] ** 2 + self.v[:, None] ** 2) / SOURCE_TO_OBJECT_MM**2)
        return (total * slant * np.float32(self.step)).astype(np.float32)

    def nearest(self, distances: Distances, count: int) -> Array:
        """Smallest distance (mm) along each ray: below zero inside the outline, smooth across it."""
        least = np.full((count, len(self.v), len(self.u)), 1e3, np.float32)
        for rows in self.blocks():
            for depth in self.depths:
                for n, value in enumerate(distances(*self.coordinates(rows, float(depth)))):
                    np.minimum(least[n, rows], value * np.float32(self.scale), out=least[n, rows])
        return least


@dataclass(frozen=True)
class Solid:
    """Something to project: a placement, a local bounding box in mm and its signed distances."""

    place: Placement
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    distances: Distances
    count: int = 1

    def march(self, view: View, coarse: int, step: float) -> tuple[Tile, Marcher] | None:
        """The tile and its marcher, or None outside the picture."""
        tile = tile_of(view, self.place, self.low, self.high, coarse)
        return None if tile is None else (tile, Marcher(view, self.place, tile, coarse, step))


def path_lengths(view: View, solid: Solid, *, step: float = 1.5, coarse: int = 1) -> Array:
    """Path lengths in mm over the whole picture, shape (count, size, size)."""
    raster = view.size // coarse
    whole = np.zeros((solid.count, raster, raster), np.float32)
    found = solid.march(view, coarse, step)
    if found is not None:
        tile, marcher = found
        part = marcher.paths(solid.distances, solid.count)
        whole[:, tile.top : tile.bottom, tile.left : tile.right] = part
    return whole if coarse == 1 else enlarge(whole, view.size)


def outlines(view: View, solid: Solid, *, step: float = 1.5, coarse: int = 1) -> Array:
    """Smallest distance (mm) along each ray, shape (count, raster, raster); 1000 where nothing is near."""
    raster = view.size // coarse
    whole = np.full((solid.count, raster, raster), 1e3, np.float32)
    found = solid.march(view, coarse, step)
    if found is not None:
        tile, marcher = found
        part = marcher.nearest(solid.distances, solid.count)
        whole[:, tile.top : tile.bottom, tile.left : tile.right] = part
    return whole


def enlarge(maps: Array, size: int) -> Array:
    """Maps (..., n, n) resampled to (..., size, size), linear between pixel centres."""
    small = maps.shape[-1]
    where = np.clip((np.arange(size) + 0.5) * small / size - 0.5, 0, small - 1)
    low = np.minimum(where.astype(int), small - 2)
    part = (where - low).astype(np.float32)
    rows = maps[..., low, :] * (1 - part)[:, None] + maps[..., low + 1, :] * part[:, None]
    return np.asarray(rows[..., low] * (1 - part) + rows[..., low + 1] * part, np.float32)


def transmitted(optical_depth: Array) -> Array:
    """Beer–Lambert: the share of the beam that passes, for a depth that is the sum of attenuation × path length."""
    return np.exp(-optical_depth)
