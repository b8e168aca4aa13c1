"""Signed distances in mm (negative inside) on float32 arrays, and the rotations that place them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Vector = NDArray[np.float64]
Point = tuple[float, float, float]


def smooth_max(a: Array, b: Array, k: float) -> Array:
    """Intersection whose edge is rounded over `k` mm (polynomial blend)."""
    h = np.maximum(k - np.abs(a - b), 0)
    return np.maximum(a, b) + h * h * np.float32(0.25 / k)


def smooth_min(a: Array, b: Array, k: float) -> Array:
    """Union whose seam is filled over `k` mm: parts of one bone flow into each other."""
    h = np.maximum(k - np.abs(a - b), 0)
    return np.minimum(a, b) - h * h * np.float32(0.25 / k)


def ramp(t: Array) -> Array:
    """0 below 0, 1 above 1, a smooth cubic between."""
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def capsule(x: Array, y: Array, z: Array, start: Point, end: Point, radii: tuple[float, float]) -> Array:
    """A rounded rod from `start` to `end` (mm) whose radius runs from the first to the second of `radii`."""
    dx, dy, dz = (b - a for a, b in zip(start, end, strict=True))
    px, py, pz = x - np.float32(start[0]), y - np.float32(start[1]), z - np.float32(start[2])
    along = px * np.float32(dx) + py * np.float32(dy) + pz * np.float32(dz)
    t = np.clip(along * np.float32(1 / (dx * dx + dy * dy + dz * dz)), 0, 1)
    px, py, pz = px - t * np.float32(dx), py - t * np.float32(dy), pz - t * np.float32(dz)
    radius = np.float32(radii[0]) + t * np.float32(radii[1] - radii[0])
    return np.asarray(np.sqrt(px * px + py * py + pz * pz) - radius)


def ellipsoid(x: Array, y: Array, z: Array, centre: Point, radii: Point) -> Array:
    """First-order distance to an ellipsoid: exact on its surface, close to it elsewhere."""
    px, py, pz = ((p - np.float32(c)) for p, c in zip((x, y, z), centre, strict=True))
    rx, ry, rz = (np.float32(1 / (r * r)) for r in radii)
    qx, qy, qz = px * rx, py * ry, pz * rz
    level = np.sqrt(px * qx + py * qy + pz * qz)
    slope = np.sqrt(qx * qx + qy * qy + qz * qz)
    return np.asarray(level * (level - 1) / np.maximum(slope, np.float32(1e-6)))


def plate(x: Array, y: Array, lean: float, height: tuple[float, float], ends: Sequence[float], z: Array) -> Array:
    """An upright plate of half-thickness `ends[4]` from (x0, z0) to (x1, z1), leaning back by `lean` per mm.

    `height` is (centre, half-height) along y; `ends` is (x0, z0, x1, z1, radius), all mm.
    """
    x0, z0, x1, z1, radius = ends
    dy = y - np.float32(height[0])
    px, pz = x - np.float32(x0) - np.float32(lean) * dy, z - np.float32(z0)
    dx, dz = x1 - x0, z1 - z0
    t = np.clip((px * np.float32(dx) + pz * np.float32(dz)) * np.float32(1 / (dx * dx + dz * dz)), 0, 1)
    px, pz = px - t * np.float32(dx), pz - t * np.float32(dz)
    over = np.maximum(np.abs(dy) - np.float32(height[1]), 0)
    return np.asarray(np.sqrt(px * px + pz * pz + over * over) - np.float32(radius))


def rumple(x: Array, y: Array, z: Array, wavelength: float, seed: int, waves: int = 7) -> Array:
    """Smooth repeatable unevenness of about unit spread, `wavelength` mm from crest to crest."""
    rng = np.random.default_rng(seed)
    total = np.zeros(np.broadcast_shapes(x.shape, y.shape, z.shape), np.float32)
    for _ in range(waves):
        direction = rng.normal(size=3)
        kx, ky, kz = direction / np.linalg.norm(direction) * 2 * math.pi / wavelength * rng.uniform(0.7, 1.5)
        phase = rng.uniform(0, 2 * math.pi)
        total += np.sin(np.float32(kx) * x + np.float32(ky) * y + np.float32(kz) * z + np.float32(phase))
    return total * np.float32(math.sqrt(2 / waves))


def rotation(sagittal: float, coronal: float = 0.0, axial: float = 0.0) -> Vector:
    """3 × 3 matrix, degrees: about the left-right axis z, then the front-back axis x, then the long axis y."""
    cz, sz = math.cos(math.radians(sagittal)), math.sin(math.radians(sagittal))
    cx, sx = math.cos(math.radians(coronal)), math.sin(math.radians(coronal))
    cy, sy = math.cos(math.radians(axial)), math.sin(math.radians(axial))
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return np.asarray(about_z @ about_x @ about_y, np.float64)
