"""One vertebra as signed distances, in its own mm: x to the back, y to the feet, z to the patient's left.

Sizes are those of L1 (body 42 wide, 34 deep, 24 high at the back, canal 17–19 deep); other levels are scaled.
They are usual adult values, set for the picture and not measured on a patient; the tests pin the ones that matter.
"""

from dataclasses import dataclass

import numpy as np

from procedures.fluoroscopy.geometry import Array, capsule, plate, ramp, smooth_max, smooth_min

HALF_HEIGHT = 12.4
FRONT, BACK = -17.0, 16.6
WALL_MM, ENDPLATE_MM, ARCH_MM = 0.5, 0.7, 0.9
PEDICLE_Y, PEDICLE_Z = -4.2, 13.8
LOW = (-24.0, -30.0, -46.0)
HIGH = (74.0, 34.0, 46.0)


@dataclass(frozen=True)
class Shape:
    """What is particular about one vertebra. Millimetres; a Genant grade 2 wedge keeps 60–75 % in front."""

    wedge: float = 0.0  # loss of height at the front edge, spread evenly from the back
    step: float = 0.0  # sudden drop of the upper endplate where it is broken
    buckle: float = 0.0  # how far the upper front corner is pushed forward
    crushed: float = 0.0  # depth of the band of pressed bone under the upper endplate
    spur: float = 0.4  # lip of the rims
    thoracic: bool = False

    @property
    def front_ratio(self) -> float:
        """Height at the front over height at the back."""
        return 1 - (self.wedge + self.step) / (2 * HALF_HEIGHT)


def upper_edge(x: Array, z: Array, shape: Shape) -> Array:
    """Height y (mm) of the upper endplate at (x, z)."""
    rho = ((x - 1) / 15.5) ** 2 + (z / 19) ** 2
    bowl = np.clip(1 - rho, 0, 1)
    y = -HALF_HEIGHT + 1.7 * bowl * (2 - bowl)
    if shape.wedge or shape.step:
        slope = np.clip((14 - x) / (14 - FRONT), 0, 1.1)
        crack = -2.0 + 1.2 * np.sin(0.16 * z + 0.5)
        y = y + shape.wedge * slope**0.85
        y = y + shape.step * (ramp((crack - x) / 0.7 + 0.5) - 0.35 * ramp((-11 - x) / 3))
    return np.asarray(y, np.float32)


def upper_edge_at(x: float, shape: Shape) -> float:
    """Height y (mm) of the upper endplate in the middle plane."""
    return float(upper_edge(np.array([x], np.float32), np.zeros(1, np.float32), shape)[0])


def lower_edge(x: Array, z: Array) -> Array:
    """Height y (mm) of the lower endplate: deeper behind, as a rule."""
    bowl = np.clip(1 - ((x - 3) / 14.5) ** 2 - (z / 19) ** 2, 0, 1)
    return np.asarray(HALF_HEIGHT - 2.0 * bowl * (2 - bowl), np.float32)


def side_wall(x: Array, y: Array, z: Array, shape: Shape) -> Array:
    """Distance to the upright wall of the body: kidney-shaped, waisted by a tenth, lipped at the rims."""
    level = np.clip(y / HALF_HEIGHT, -1.1, 1.1)
    high = level * level
    waist = 0.905 + 0.085 * high + np.float32(shape.spur * 0.03) * high**4
    if shape.buckle:
        broken = ramp((upper_edge(x, z, shape) + 8.0 - y) / 4.0)
        x = x + shape.buckle * broken * ramp(-x / 9)
    depth, width = 20.5 * waist, 21.4 * waist
    qx, qz = (x - 3) / depth, z / width
    g = np.sqrt(qx * qx + qz * qz) + np.float32(1e-6)
    around = (g - 1) * g / np.sqrt((qx / depth) ** 2 + (qz / width) ** 2 + np.float32(1e-12))
    behind = x - (BACK - 0.2 + 1.0 * high - 1.6 * np.clip(1 - (z / 12) ** 2, 0, 1))
    return smooth_max(around, behind, 5.0)


def body(x: Array, y: Array, z: Array, shape: Shape, shrink: bool = False) -> Array:
    """Distance to the vertebral body, or with `shrink` to the spongy bone inside its shell."""
    wall = side_wall(x, y, z, shape) + np.float32(WALL_MM if shrink else 0)
    plates = np.maximum(upper_edge(x, z, shape) - y, y - lower_edge(x, z)) + np.float32(ENDPLATE_MM if shrink else 0)
    return smooth_max(wall, plates, 1.3)


def arch(x: Array, y: Array, z: Array, shape: Shape) -> Array:
    """Distance to everything behind the body: pedicles, laminae, joint processes, side and spinous processes."""
    z = np.abs(z)
    squeezed = PEDICLE_Y + (y - PEDICLE_Y) * np.float32(0.62)
    pedicle = capsule(x, squeezed, z, (9, PEDICLE_Y, 12.6), (25.5, PEDICLE_Y + 0.6, 15.2), (4.5, 4.3))
    flat = x * np.float32(1.12)
    upper = capsule(flat, y, z, (29.5, -4, 15.2), (31.2, -19, 15.6), (4.6, 3.4))
    isthmus = capsule(flat, y, z, (30.5, -4, 14.2), (38.0, 11, 12.6), (4.6, 4.4))
    lower = capsule(flat, y, z, (38.0, 10, 12.6), (39.8, 21.5, 12.8), (4.8, 3.2))
    lamina = plate(x, y, 0.24, (6.5, 6.5), (30.6, 12.5, 38.2, 0.0, 2.6), z)
    joined = smooth_min(smooth_min(pedicle, upper, 5), smooth_min(isthmus, lower, 5), 5)
    joined = smooth_min(joined, lamina, 4.5)
    if shape.thoracic:
        side = capsule(flat, y, z, (30.5, -5, 16), (36, -9, 26), (4.4, 3.6))
    else:
        side = capsule(x * np.float32(1.25), y, z, (33.5, -4.5, 16), (38, -6.5, 41), (4.2, 2.7))
    return smooth_min(smooth_min(joined, side, 4.5), spinous(x, y, z, shape), 6)


def spinous(x: Array, y: Array, z: Array, shape: Shape) -> Array:
    """Distance to the spinous process: a hatchet-shaped plate, thicker at its back and lower edge."""
    edges: tuple[tuple[float, float, float, float], ...]
    if shape.thoracic:
        edges = ((36, 1, -0.5, -1), (58, 16, 1, 0.1), (56, 23, -0.42, 1), (36, 12, -1, 0.2))
    else:
        edges = ((36, -2.5, -0.16, -1), (66.5, 8, 1, -0.16), (58, 19.5, -0.06, 1), (36, 8, -1, 0.15))
    outline: Array | None = None
    for px, py, nx, ny in edges:
        length = np.hypot(nx, ny)
        side = (x - np.float32(px)) * np.float32(nx / length) + (y - np.float32(py)) * np.float32(ny / length)
        outline = side if outline is None else smooth_max(outline, side, 7.0)
    assert outline is not None  # noqa: S101 -- the loop above always runs; this only tells the type checker
    thick = 2.1 + 1.3 * ramp((x - 44) / 18) + 0.8 * ramp((y - 8) / 10)
    return smooth_max(outline, z - thick, 3.5)


def bone(x: Array, y: Array, z: Array, shape: Shape) -> tuple[Array, Array, Array]:
    """Distances to the whole bone, to its spongy inside, and to the crushed band under a broken endplate."""
    behind = arch(x, y, z, shape)
    whole = smooth_min(body(x, y, z, shape), behind, 4.0)
    inside = smooth_min(body(x, y, z, shape, shrink=True), behind + np.float32(ARCH_MM), 4.0)
    if not shape.crushed:
        return whole, inside, inside
    depth = y - upper_edge(x, z, shape) - np.float32(shape.crushed)
    return whole, inside, np.maximum(body(x, y, z, shape, shrink=True), depth * np.float32(0.8))
