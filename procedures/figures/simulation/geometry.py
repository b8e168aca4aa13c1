"""Signed distance functions, placement of solids, the C-arm view, and ray marching through it.

Distances are in mm, negative inside, on float32 arrays.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SOURCE_TO_OBJECT_MM = 680.0
HALF_WIDTH_MM = 78.0
FIELD_RADIUS_MM = 75.5
MAX_BLOCK_SAMPLES = 48_000  # fits into the L2 cache of a core

Array = NDArray[np.floating[Any]]
Vector = NDArray[np.float64]
Point = tuple[float, float, float]
Distances = Callable[[Array, Array, Array], Sequence[Array]]


def smooth_max(a: Array, b: Array, k: float) -> Array:
    """Intersect two solids with an edge rounded over ``k`` mm (polynomial smooth maximum)."""
    h = np.maximum(k - np.abs(a - b), 0)
    return np.maximum(a, b) + h * h * np.float32(0.25 / k)


def smooth_min(a: Array, b: Array, k: float) -> Array:
    """Join two solids with a seam blended over ``k`` mm (polynomial smooth minimum)."""
    h = np.maximum(k - np.abs(a - b), 0)
    return np.minimum(a, b) - h * h * np.float32(0.25 / k)


def smoothstep(t: Array) -> Array:
    """Interpolate from 0 to 1 with a cubic; constant outside."""
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def capsule_distance(x: Array, y: Array, z: Array, start: Point, end: Point, radii: tuple[float, float]) -> Array:
    """Distance to a capsule from ``start`` to ``end`` (mm) whose radius changes linearly between ``radii``."""
    dx, dy, dz = (b - a for a, b in zip(start, end, strict=True))
    px, py, pz = x - np.float32(start[0]), y - np.float32(start[1]), z - np.float32(start[2])
    along = px * np.float32(dx) + py * np.float32(dy) + pz * np.float32(dz)
    t = np.clip(along * np.float32(1 / (dx * dx + dy * dy + dz * dz)), 0, 1)
    px, py, pz = px - t * np.float32(dx), py - t * np.float32(dy), pz - t * np.float32(dz)
    radius = np.float32(radii[0]) + t * np.float32(radii[1] - radii[0])
    return np.asarray(np.sqrt(px * px + py * py + pz * pz) - radius)


def ellipsoid_distance(x: Array, y: Array, z: Array, center: Point, radii: Point) -> Array:
    """First-order distance to an ellipsoid: exact on its surface, approximate elsewhere."""
    px, py, pz = ((p - np.float32(c)) for p, c in zip((x, y, z), center, strict=True))
    rx, ry, rz = (np.float32(1 / (r * r)) for r in radii)
    qx, qy, qz = px * rx, py * ry, pz * rz
    level = np.sqrt(px * qx + py * qy + pz * qz)
    slope = np.sqrt(qx * qx + qy * qy + qz * qz)
    return np.asarray(level * (level - 1) / np.maximum(slope, np.float32(1e-6)))


def plate_distance(
    x: Array, y: Array, lean: float, height: tuple[float, float], ends: Sequence[float], z: Array
) -> Array:
    """Distance to an upright plate of half-thickness ``radius``, leaning back by ``lean`` per mm of y.

    ``height``: center and half-height along y. ``ends``: (x0, z0, x1, z1, radius). All in mm.
    """
    x0, z0, x1, z1, radius = ends
    dy = y - np.float32(height[0])
    px, pz = x - np.float32(x0) - np.float32(lean) * dy, z - np.float32(z0)
    dx, dz = x1 - x0, z1 - z0
    t = np.clip((px * np.float32(dx) + pz * np.float32(dz)) * np.float32(1 / (dx * dx + dz * dz)), 0, 1)
    px, pz = px - t * np.float32(dx), pz - t * np.float32(dz)
    over = np.maximum(np.abs(dy) - np.float32(height[1]), 0)
    return np.asarray(np.sqrt(px * px + pz * pz + over * over) - np.float32(radius))


def smooth_noise(x: Array, y: Array, z: Array, wavelength: float, seed: int, waves: int = 7) -> Array:
    """Smooth, reproducible noise with a standard deviation of about 1 and a wavelength of about ``wavelength`` mm."""
    rng = np.random.default_rng(seed)
    total = np.zeros(np.broadcast_shapes(x.shape, y.shape, z.shape), np.float32)
    for _ in range(waves):
        direction = rng.normal(size=3)
        kx, ky, kz = direction / np.linalg.norm(direction) * 2 * math.pi / wavelength * rng.uniform(0.7, 1.5)
        phase = rng.uniform(0, 2 * math.pi)
        total += np.sin(np.float32(kx) * x + np.float32(ky) * y + np.float32(kz) * z + np.float32(phase))
    return total * np.float32(math.sqrt(2 / waves))


def rotation_matrix(sagittal: float, coronal: float = 0.0, axial: float = 0.0) -> Vector:
    """Return a 3 × 3 rotation matrix from degrees about the left-right (z), front-back (x) and long (y) axes."""
    cz, sz = math.cos(math.radians(sagittal)), math.sin(math.radians(sagittal))
    cx, sx = math.cos(math.radians(coronal)), math.sin(math.radians(coronal))
    cy, sy = math.cos(math.radians(axial)), math.sin(math.radians(axial))
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return np.asarray(about_z @ about_x @ about_y, np.float64)


@dataclass(frozen=True, eq=False)
class View:
    """A C-arm position.

    ``axes``: 3 × 3, columns u, v, w in patient space. ``origin``: isocenter in patient mm. ``size``: pixels per side.
    """

    axes: Vector
    origin: Vector
    size: int
    half_width: float = HALF_WIDTH_MM

    def project(self, points: Vector) -> Vector:
        """Project patient points (n, 3) in mm to image positions (n, 2) in fractions of width and height."""
        local = (np.atleast_2d(points) - self.origin) @ self.axes
        scale = 1 / (1 + local[:, 2] / SOURCE_TO_OBJECT_MM)
        return np.asarray(0.5 + local[:, :2] * scale[:, None] / (2 * self.half_width), np.float64)

    def grid(self, coarse: int = 1) -> Array:
        """Return the pixel centers along one side in mm, with ``coarse`` pixels combined into one."""
        count = self.size // coarse
        return (((np.arange(count) + 0.5) / count * 2 - 1) * self.half_width).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Placement:
    """Transform from local to patient coordinates: center + scale · rotation @ local."""

    center: Vector
    rotation: Vector
    scale: float = 1.0

    def to_patient(self, points: Vector) -> Vector:
        """Transform local points (n, 3) to patient points (n, 3), in mm."""
        return np.asarray(self.center + self.scale * np.atleast_2d(points) @ self.rotation.T, np.float64)

    def from_view(self, view: View) -> tuple[Vector, Vector]:
        """Return the matrix and offset from view to local coordinates."""
        matrix = self.rotation.T @ view.axes / self.scale
        return matrix, self.rotation.T @ (view.origin - self.center) / self.scale


IDENTITY_PLACEMENT = Placement(np.zeros(3), np.eye(3))


@dataclass(frozen=True)
class Tile:
    """The part of the image (rows and columns of the coarse raster) and the depth range that cover a solid."""

    top: int
    bottom: int
    left: int
    right: int
    near: float
    far: float


def bounding_tile(
    view: View, place: Placement, low: Sequence[float], high: Sequence[float], coarse: int
) -> Tile | None:
    """Return the tile covering the local box from ``low`` to ``high`` (mm), or None outside the image."""
    corners = np.array([[(low, high)[(n >> axis) & 1][axis] for axis in range(3)] for n in range(8)])
    patient = place.to_patient(corners)
    depth = (patient - view.origin) @ view.axes[:, 2]
    points = view.project(patient) * (view.size // coarse)
    first = np.clip(np.floor(points.min(axis=0)), 0, view.size // coarse).astype(int)
    last = np.clip(np.ceil(points.max(axis=0)), 0, view.size // coarse).astype(int)
    if (last <= first).any():
        return None
    return Tile(int(first[1]), int(last[1]), int(first[0]), int(last[0]), float(depth.min()), float(depth.max()))


class RayMarcher:
    """Samples signed distances along the rays of one tile."""

    def __init__(self, view: View, place: Placement, tile: Tile, coarse: int, step: float) -> None:
        self.matrix, self.offset = place.from_view(view)
        self.scale = place.scale
        axis = view.grid(coarse)
        self.u, self.v = axis[tile.left : tile.right], axis[tile.top : tile.bottom]
        count = max(2, int(np.ceil((tile.far - tile.near) / step)) + 1)
        self.depths = np.linspace(tile.near, tile.far, count)
        self.step = float(self.depths[1] - self.depths[0])

    def coordinates(self, rows: slice, depth: float) -> tuple[Array, Array, Array]:
        """Return local x, y, z (mm) of the samples of these rows at one depth."""
        spread = 1 + depth / SOURCE_TO_OBJECT_MM
        m, o = self.matrix, self.offset
        x, y, z = (
            (m[i, 0] * spread * self.u)[None, :].astype(np.float32)
            + (m[i, 1] * spread * self.v[rows] + (m[i, 2] * depth + o[i]))[:, None].astype(np.float32)
            for i in range(3)
        )
        return x, y, z

    def blocks(self) -> list[slice]:
        """Return row ranges small enough for the cache."""
        rows = max(1, MAX_BLOCK_SAMPLES // max(1, len(self.u)))
        return [slice(n, min(n + rows, len(self.v))) for n in range(0, len(self.v), rows)]

    def path_lengths(self, distances: Distances, count: int) -> Array:
        """Return the path length (mm) inside each of ``count`` bodies, shape (count, rows, columns).

        Distances are interpolated linearly between samples, which locates surfaces exactly: thin shells stay sharp at
        any step.
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

    def nearest_distances(self, distances: Distances, count: int) -> Array:
        """Return the smallest distance (mm) along each ray: negative inside the outline, smooth across it."""
        least = np.full((count, len(self.v), len(self.u)), 1e3, np.float32)
        for rows in self.blocks():
            for depth in self.depths:
                for n, value in enumerate(distances(*self.coordinates(rows, float(depth)))):
                    np.minimum(least[n, rows], value * np.float32(self.scale), out=least[n, rows])
        return least


@dataclass(frozen=True)
class Solid:
    """A placed object: local bounding box in mm, and a function that returns ``count`` signed distances."""

    placement: Placement
    bounds_min: tuple[float, float, float]
    bounds_max: tuple[float, float, float]
    distance_function: Distances
    count: int = 1

    def march(self, view: View, coarse: int, step: float) -> tuple[Tile, RayMarcher] | None:
        """Return the tile and its ray marcher, or None outside the image."""
        tile = bounding_tile(view, self.placement, self.bounds_min, self.bounds_max, coarse)
        return None if tile is None else (tile, RayMarcher(view, self.placement, tile, coarse, step))


def path_lengths(view: View, solid: Solid, *, step: float = 1.5, coarse: int = 1) -> Array:
    """Return path lengths in mm over the whole image, shape (count, size, size)."""
    raster = view.size // coarse
    whole = np.zeros((solid.count, raster, raster), np.float32)
    march = solid.march(view, coarse, step)
    if march is not None:
        tile, marcher = march
        part = marcher.path_lengths(solid.distance_function, solid.count)
        whole[:, tile.top : tile.bottom, tile.left : tile.right] = part
    return whole if coarse == 1 else resample(whole, view.size)


def nearest_distance_maps(view: View, solid: Solid, *, step: float = 1.5) -> Array:
    """Return the smallest distance (mm) along each ray, shape (count, size, size); 1000 outside the tile."""
    whole = np.full((solid.count, view.size, view.size), 1e3, np.float32)
    march = solid.march(view, 1, step)
    if march is not None:
        tile, marcher = march
        part = marcher.nearest_distances(solid.distance_function, solid.count)
        whole[:, tile.top : tile.bottom, tile.left : tile.right] = part
    return whole


def resample(maps: Array, size: int) -> Array:
    """Resample maps (..., n, n) to (..., size, size), linearly between pixel centers."""
    small = maps.shape[-1]
    where = np.clip((np.arange(size) + 0.5) * small / size - 0.5, 0, small - 1)
    low = np.minimum(where.astype(int), small - 2)
    part = (where - low).astype(np.float32)
    rows = maps[..., low, :] * (1 - part)[:, None] + maps[..., low + 1, :] * part[:, None]
    return np.asarray(rows[..., low] * (1 - part) + rows[..., low + 1] * part, np.float32)


def transmission(optical_depth: Array) -> Array:
    """Return the transmitted fraction of the beam (Beer–Lambert) for the sum of attenuation × path length."""
    return np.exp(-optical_depth)
