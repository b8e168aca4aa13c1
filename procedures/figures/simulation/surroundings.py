"""Everything else in the beam: trunk, lungs, bowel gas, ribs, and calcifications in the wall of the aorta."""

import itertools

import numpy as np

from procedures.figures.simulation.geometry import (
    IDENTITY_PLACEMENT,
    Array,
    Placement,
    Point,
    Solid,
    Vector,
    capsule_distance,
    ellipsoid_distance,
    smooth_max,
    smooth_min,
    smooth_noise,
    smoothstep,
)

RIB_12: tuple[Point, ...] = ((15, -7, 19), (27, -3, 40), (34, 5, 66), (34, 18, 90), (27, 32, 106))
RIB_11: tuple[Point, ...] = (
    (15, -8, 19),
    (29, -4, 45),
    (35, 5, 78),
    (31, 24, 108),
    (18, 47, 126),
    (-2, 70, 134),
)
RIB_10: tuple[Point, ...] = (
    (15, -8, 19),
    (30, -4, 46),
    (36, 6, 82),
    (31, 27, 112),
    (14, 50, 130),
    (-12, 76, 138),
)


def trunk_distances(x: Array, y: Array, z: Array) -> tuple[Array, Array]:
    """Distances to the trunk and to the tissue under its fat. A slim patient with a hollow lower back."""
    hollow = 6.0 * np.exp(-(((y - 16) / 52) ** 2)) + 2.2 * smoothstep(1 - np.abs(z) / 24)
    side = np.abs(z) - (128 - 0.0030 * (x + 30) ** 2)
    skin = smooth_max(side.astype(np.float32), (x - (99.6 - hollow)).astype(np.float32), 70.0)
    return skin, skin + np.float32(12)


def trunk_solid() -> Solid:
    """Return the trunk, cut off above and below the image."""
    return Solid(IDENTITY_PLACEMENT, (-150, -110, -175), (106, 110, 175), trunk_distances, 2)


def lung_distances(x: Array, y: Array, z: Array) -> tuple[Array]:
    """Distance to both lungs: domes sloping steeply to the back, the right one higher."""
    top = np.where(z < 0, -86, -78) - np.float32(0.04) * (np.abs(z) - 60)
    across = np.abs(np.abs(z) - 72)
    dome = (y - (top + 0.0062 * (x + 62) ** 2 + 0.008 * across**2)) * np.float32(0.75)
    wall = (x - (46 - 0.012 * across**2 - 0.16 * (y + 20))) * np.float32(0.9)
    return (smooth_max(smooth_max(dome, wall, 14), (across - 46).astype(np.float32), 22).astype(np.float32),)


def lungs_solid() -> Solid:
    """Return the lower part of the lungs."""
    return Solid(IDENTITY_PLACEMENT, (-110, -120, -125), (60, 30, 125), lung_distances)


GAS_POCKETS: tuple[tuple[Point, Point], ...] = (
    ((-52, 22, -20), (8, 7, 14)),
    ((-49, 36, 22), (11, 10, 17)),
    ((-45, 49, 36), (9, 9, 15)),
    ((-50, 62, 12), (13, 10, 16)),
    ((-38, 71, -28), (9, 6, 12)),
)


def gas_distance(x: Array, y: Array, z: Array) -> tuple[Array]:
    """Distance to the gas in the bowel in front of the spine: a chain of pockets."""
    total: Array | None = None
    for center, radii in GAS_POCKETS:
        pocket = ellipsoid_distance(x, y, z, center, radii)
        total = pocket if total is None else smooth_min(total, pocket, 7)
    return ((total if total is not None else x) + np.float32(1.3) * smooth_noise(x, y, z, 15, 5),)


def gas_solid() -> Solid:
    """Return the bowel gas."""
    return Solid(IDENTITY_PLACEMENT, (-80, 0, -60), (-24, 84, 60), gas_distance)


def rib_solid(place: Placement, points: tuple[Point, ...]) -> Solid:
    """Return both ribs of a level: flat, curved rods, with distances to the whole rib and to its core."""
    fine = _round_corners(np.array(points, np.float64), 4)

    def distances(x: Array, y: Array, z: Array) -> tuple[Array, Array]:
        side = np.abs(z)
        whole: Array | None = None
        for a, b in itertools.pairwise(fine):
            start, end = (a[0], a[1] * 0.62, a[2]), (b[0], b[1] * 0.62, b[2])
            part = capsule_distance(x, y * np.float32(0.62), side, start, end, (3.5, 3.5))
            whole = part if whole is None else np.minimum(whole, part)
        outer = whole if whole is not None else x
        return outer, outer + np.float32(0.8)

    low, high = fine.min(axis=0) - 8, fine.max(axis=0) + 8
    return Solid(place, (low[0], low[1], -high[2]), (high[0], high[1], high[2]), distances, 2)


def _round_corners(points: Vector, rounds: int) -> Vector:
    """Smooth a polyline by Chaikin's corner cutting, then thin it to at most 13 points."""
    for _ in range(rounds):
        first, second = points[:-1] * 0.75 + points[1:] * 0.25, points[:-1] * 0.25 + points[1:] * 0.75
        points = np.vstack([points[:1], np.stack([first, second], 1).reshape(-1, 3), points[-1:]])
    keep = np.unique(np.linspace(0, len(points) - 1, 13).round().astype(int))
    return np.asarray(points[keep], np.float64)


def aorta_distance(x: Array, y: Array, z: Array) -> tuple[Array]:
    """Distance to calcified patches in the wall of the aorta, which runs just in front of the spine."""
    axis = -33 - 0.10 * y + 0.0012 * y * y
    wall = np.abs(np.sqrt((x - axis) ** 2 + (z - 8) ** 2) - 9.0) - 0.35
    patchy = 0.9 - smooth_noise(x, y, z, 17, 11, 6)
    return (np.maximum(wall, patchy * 2.0).astype(np.float32),)


def aorta_solid() -> Solid:
    """Return the calcifications, from the diaphragm down."""
    return Solid(IDENTITY_PLACEMENT, (-60, -20, -6), (-18, 90, 22), aorta_distance)
