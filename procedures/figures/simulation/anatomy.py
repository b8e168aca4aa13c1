"""The spine model: a vertebra as signed distances, and the placement of T10 to L4.

Local coordinates are in mm: x points toward the back, y toward the feet, and z toward the patient's left. Dimensions
are those of L1 (body 42 wide, 34 deep, 24 high at the back, canal 17–19 deep); other levels are scaled. They are
typical adult values, not measurements of a patient; tests cover the important ones.

Everything else in the beam follows: trunk, lungs, bowel gas, ribs, and calcifications in the wall of the aorta.
The stages of the procedure place their devices (needle, balloons, cement) in local coordinates of L1.
"""

import itertools
from dataclasses import dataclass

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
    plate_distance,
    rotation_matrix,
    smooth_max,
    smooth_min,
    smooth_noise,
    smoothstep,
)

HALF_HEIGHT = 12.4
FRONT_X, BACK_X = -17.0, 16.6
WALL_MM, ENDPLATE_MM, ARCH_MM = 0.5, 0.7, 0.9
PEDICLE_Y, PEDICLE_Z = -4.2, 13.8
BOUNDS_MIN = (-24.0, -30.0, -46.0)
BOUNDS_MAX = (74.0, 34.0, 46.0)
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

NEEDLE_RADIUS = 1.5  # 11 gauge
BORE_RADIUS = 0.75  # inner radius of the cannula
NEEDLE_LENGTH = 150.0
NEEDLE_PEDICLE_POINT = np.array([20.5, -4.6, 14.0])  # center of the pedicle, where the needle passes
NEEDLE_TIP = np.array([-8.0, 4.4, 6.0])  # final position, in the anterior third of the body
CEMENT_LIMIT_X = BACK_X - (BACK_X - FRONT_X) / 4  # cement never fills the posterior quarter of the body


@dataclass(frozen=True)
class VertebraShape:
    """Shape parameters of a vertebra, in mm. A Genant grade 2 wedge keeps 60–75 % of the anterior height."""

    wedge: float = 0.0  # height loss at the front edge, increasing evenly from the back
    step: float = 0.0  # abrupt drop of the upper endplate at the fracture
    buckle: float = 0.0  # forward displacement of the upper front corner
    crushed: float = 0.0  # depth of the band of compacted bone under the upper endplate
    spur: float = 0.4  # bony lip of the rims
    thoracic: bool = False


def upper_endplate(x: Array, z: Array, shape: VertebraShape) -> Array:
    """Return y (mm) of the upper endplate at (x, z)."""
    rho = ((x - 1) / 15.5) ** 2 + (z / 19) ** 2
    bowl = np.clip(1 - rho, 0, 1)
    y = -HALF_HEIGHT + 1.7 * bowl * (2 - bowl)
    if shape.wedge or shape.step:
        slope = np.clip((14 - x) / (14 - FRONT_X), 0, 1.1)
        crack = -2.0 + 1.2 * np.sin(0.16 * z + 0.5)
        y = y + shape.wedge * slope**0.85
        y = y + shape.step * (smoothstep((crack - x) / 0.7 + 0.5) - 0.35 * smoothstep((-11 - x) / 3))
    return np.asarray(y, np.float32)


def upper_endplate_at(x: float, shape: VertebraShape) -> float:
    """Return y (mm) of the upper endplate in the midsagittal plane."""
    return float(upper_endplate(np.array([x], np.float32), np.zeros(1, np.float32), shape)[0])


def lower_endplate(x: Array, z: Array) -> Array:
    """Return y (mm) of the lower endplate, which is usually more concave at the back."""
    bowl = np.clip(1 - ((x - 3) / 14.5) ** 2 - (z / 19) ** 2, 0, 1)
    return np.asarray(HALF_HEIGHT - 2.0 * bowl * (2 - bowl), np.float32)


def side_wall_distance(x: Array, y: Array, z: Array, shape: VertebraShape) -> Array:
    """Distance to the side wall of the body: kidney-shaped, 10 % narrower at the waist, with lipped rims."""
    level = np.clip(y / HALF_HEIGHT, -1.1, 1.1)
    high = level * level
    waist = 0.905 + 0.085 * high + np.float32(shape.spur * 0.03) * high**4
    if shape.buckle:
        broken = smoothstep((upper_endplate(x, z, shape) + 8.0 - y) / 4.0)
        x = x + shape.buckle * broken * smoothstep(-x / 9)
    depth, width = 20.5 * waist, 21.4 * waist
    qx, qz = (x - 3) / depth, z / width
    g = np.sqrt(qx * qx + qz * qz) + np.float32(1e-6)
    around = (g - 1) * g / np.sqrt((qx / depth) ** 2 + (qz / width) ** 2 + np.float32(1e-12))
    behind = x - (BACK_X - 0.2 + 1.0 * high - 1.6 * np.clip(1 - (z / 12) ** 2, 0, 1))
    return smooth_max(around, behind, 5.0)


def body_distance(x: Array, y: Array, z: Array, shape: VertebraShape, shrink: bool = False) -> Array:
    """Distance to the vertebral body, or with ``shrink`` to the trabecular bone inside its shell."""
    wall = side_wall_distance(x, y, z, shape) + np.float32(WALL_MM if shrink else 0)
    plates = np.maximum(upper_endplate(x, z, shape) - y, y - lower_endplate(x, z)) + np.float32(
        ENDPLATE_MM if shrink else 0
    )
    return smooth_max(wall, plates, 1.3)


def arch_distance(x: Array, y: Array, z: Array, shape: VertebraShape) -> Array:
    """Distance to the posterior elements: pedicles, laminae, articular, transverse, and spinous processes."""
    z = np.abs(z)
    squeezed = PEDICLE_Y + (y - PEDICLE_Y) * np.float32(0.62)
    pedicle = capsule_distance(x, squeezed, z, (9, PEDICLE_Y, 12.6), (25.5, PEDICLE_Y + 0.6, 15.2), (4.5, 4.3))
    flat = x * np.float32(1.12)
    upper = capsule_distance(flat, y, z, (29.5, -4, 15.2), (31.2, -19, 15.6), (4.6, 3.4))
    isthmus = capsule_distance(flat, y, z, (30.5, -4, 14.2), (38.0, 11, 12.6), (4.6, 4.4))
    lower = capsule_distance(flat, y, z, (38.0, 10, 12.6), (39.8, 21.5, 12.8), (4.8, 3.2))
    lamina = plate_distance(x, y, 0.24, (6.5, 6.5), (30.6, 12.5, 38.2, 0.0, 2.6), z)
    joined = smooth_min(smooth_min(pedicle, upper, 5), smooth_min(isthmus, lower, 5), 5)
    joined = smooth_min(joined, lamina, 4.5)
    if shape.thoracic:
        side = capsule_distance(flat, y, z, (30.5, -5, 16), (36, -9, 26), (4.4, 3.6))
    else:
        side = capsule_distance(x * np.float32(1.25), y, z, (33.5, -4.5, 16), (38, -6.5, 41), (4.2, 2.7))
    return smooth_min(smooth_min(joined, side, 4.5), spinous_process_distance(x, y, z, shape), 6)


def spinous_process_distance(x: Array, y: Array, z: Array, shape: VertebraShape) -> Array:
    """Distance to the spinous process: a hatchet-shaped plate, thicker at its posterior and lower edges."""
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
    assert outline is not None  # noqa: S101 -- for the type checker: the loop always runs
    half_thickness = 2.1 + 1.3 * smoothstep((x - 44) / 18) + 0.8 * smoothstep((y - 8) / 10)
    return smooth_max(outline, z - half_thickness, 3.5)


def bone_distances(x: Array, y: Array, z: Array, shape: VertebraShape) -> tuple[Array, Array, Array]:
    """Distances to the whole bone, its trabecular core, and the compacted band under a fractured endplate."""
    behind = arch_distance(x, y, z, shape)
    whole = smooth_min(body_distance(x, y, z, shape), behind, 4.0)
    inside = smooth_min(body_distance(x, y, z, shape, shrink=True), behind + np.float32(ARCH_MM), 4.0)
    if not shape.crushed:
        return whole, inside, inside
    depth = y - upper_endplate(x, z, shape) - np.float32(shape.crushed)
    return whole, inside, np.maximum(body_distance(x, y, z, shape, shrink=True), depth * np.float32(0.8))


LEVELS = ("T10", "T11", "T12", "L1", "L2", "L3", "L4")
VERTEBRA_SCALES = (0.86, 0.90, 0.95, 1.0, 1.03, 1.06, 1.08)
# Forward lean of each vertebra's long axis in degrees, going down: from thoracic kyphosis to lumbar lordosis.
SAGITTAL_ANGLES = (1.0, 3.5, 5.5, 5.0, 2.0, -3.0, -9.0)
# Small tilts, because no patient lies perfectly straight.
CORONAL_ANGLES = (1.2, 0.8, -0.6, 0.5, 1.0, -0.8, -1.0)
AXIAL_ANGLES = (1.5, 1.0, 0.5, -0.7, -1.0, 0.4, 0.8)
DISC_HEIGHTS = (5.0, 5.8, 7.2, 7.8, 8.6, 9.8)

HEALTHY = VertebraShape()
FRACTURED = VertebraShape(wedge=6.3, step=2.2, buckle=1.4, crushed=5.0)
RESTORED = VertebraShape(wedge=1.7, step=0.8, buckle=0.9, crushed=2.5)
THORACIC = VertebraShape(thoracic=True)


@dataclass(frozen=True)
class Spine:
    """A state of the spine: the shape of L1, and by how many degrees everything above it tilts forward."""

    name: str
    l1_shape: VertebraShape
    tilt_degrees: float

    def shape(self, level: str) -> VertebraShape:
        if level == "L1":
            return self.l1_shape
        return THORACIC if level.startswith("T1") and level != "T12" else HEALTHY


HEALTHY_SPINE = Spine("healthy", HEALTHY, 0.0)
FRACTURED_SPINE = Spine("fractured", FRACTURED, 7.0)
RESTORED_SPINE = Spine("restored", RESTORED, 2.0)


def _build_placements() -> dict[str, Placement]:
    """Place the vertebrae of the healthy spine, stacked up and down from L1 with discs between them."""
    rotations = [
        rotation_matrix(a, b, c) for a, b, c in zip(SAGITTAL_ANGLES, CORONAL_ANGLES, AXIAL_ANGLES, strict=True)
    ]
    sagittal_rotations = [rotation_matrix(a) for a in SAGITTAL_ANGLES]
    down = [sagittal_rotations[n] @ np.array([0, HALF_HEIGHT * VERTEBRA_SCALES[n], 0]) for n in range(len(LEVELS))]
    centers: dict[int, Vector] = {3: np.zeros(3)}
    for n in range(3, len(LEVELS) - 1):
        gap = rotation_matrix((SAGITTAL_ANGLES[n] + SAGITTAL_ANGLES[n + 1]) / 2) @ np.array([0, DISC_HEIGHTS[n], 0])
        centers[n + 1] = centers[n] + down[n] + gap + down[n + 1]
    for n in range(3, 0, -1):
        gap = rotation_matrix((SAGITTAL_ANGLES[n] + SAGITTAL_ANGLES[n - 1]) / 2) @ np.array([0, DISC_HEIGHTS[n - 1], 0])
        centers[n - 1] = centers[n] - down[n] - gap - down[n - 1]
    return {level: Placement(centers[n], rotations[n], VERTEBRA_SCALES[n]) for n, level in enumerate(LEVELS)}


HEALTHY_PLACEMENTS = _build_placements()


def vertebra_placement(spine: Spine, level: str) -> Placement:
    """Return the placement of a vertebra. Those above L1 tilt about the upper back corner of its body."""
    place = HEALTHY_PLACEMENTS[level]
    if not spine.tilt_degrees or level.startswith("L"):
        return place
    hinge = HEALTHY_PLACEMENTS["L1"].to_patient(np.array([[BACK_X, -HALF_HEIGHT - 2, 0]]))[0]
    tip = rotation_matrix(-spine.tilt_degrees)
    return Placement(hinge + tip @ (place.center - hinge), tip @ place.rotation, place.scale)


def vertebra_solid(spine: Spine, level: str) -> Solid:
    """Return the solid of a vertebra, with the distances of ``bone_distances``."""
    shape = spine.shape(level)

    def distances(x: Array, y: Array, z: Array) -> tuple[Array, Array, Array]:
        return bone_distances(x, y, z, shape)

    return Solid(vertebra_placement(spine, level), BOUNDS_MIN, BOUNDS_MAX, distances, 3)


def trunk_distances(x: Array, y: Array, z: Array) -> tuple[Array, Array]:
    """Return distances to the trunk and to the tissue under its fat, for a slim patient with a curved lower back."""
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


def needle_direction() -> Vector:
    """Return the unit vector from the tip through the pedicle to the handle: 10–20° caudal, converging medially."""
    direction = NEEDLE_PEDICLE_POINT - NEEDLE_TIP
    return np.asarray(direction / np.linalg.norm(direction), np.float64)


@dataclass(frozen=True)
class Needle:
    """An 11-gauge cannula on the planned path, ``retraction`` mm short of its final position."""

    retraction: float = 0.0
    has_stylet: bool = True  # the trocar is still inside

    @property
    def tip(self) -> Vector:
        """The tip in local coordinates of L1, in mm."""
        return np.asarray(NEEDLE_TIP + needle_direction() * self.retraction, np.float64)

    def solid(self, place: Placement) -> Solid:
        """Return distances to the outer wall and to the bore. The local x axis runs from the tip along the needle."""
        along = needle_direction()
        across = np.cross(along, np.array([0.0, 1.0, 0.0]))
        across /= np.linalg.norm(across)
        turn = np.column_stack([along, np.cross(across, along), across])
        frame = Placement(place.to_patient(self.tip)[0], place.rotation @ turn, place.scale)

        def distances(x: Array, y: Array, z: Array) -> tuple[Array, Array]:
            radius = np.sqrt(y * y + z * z)
            if self.has_stylet:  # the three facets of the trocar tip look like a cone from the side
                outer = np.maximum(radius - NEEDLE_RADIUS, radius * np.float32(0.86) - x * np.float32(0.5))
                return outer, outer + 50
            bevel = np.maximum(-x + y * np.float32(0.35), x - NEEDLE_LENGTH)
            return np.maximum(radius - NEEDLE_RADIUS, bevel), np.maximum(radius - BORE_RADIUS, bevel)

        return Solid(frame, (-1.0, -1.6, -1.6), (NEEDLE_LENGTH, 1.6, 1.6), distances, 2)


@dataclass(frozen=True)
class Balloon:
    """Two inflated balloons, 16 mm long, one on each side, on thin catheters with two radiopaque rings each."""

    center: Point = (-3.6, 1.3, 7.9)
    radii: Point = (8.0, 6.8, 7.2)
    slope: float = -0.135  # of the catheter, which exits the needle just above the middle of the body

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """Distance to both balloons, with a slight waist, because bone yields unevenly."""
        side = np.abs(z)
        whole = ellipsoid_distance(x, y, side, self.center, self.radii)
        crease = np.float32(0.35) * np.cos(0.55 * (x - self.center[0])) * np.clip(1 - np.abs(whole), 0, 1)
        return np.asarray(whole + crease)

    def metal_distance(self, x: Array, y: Array, z: Array) -> Array:
        """Distance to the catheter in each balloon: a thin rod with a radiopaque ring at either end."""
        dx = x - np.float32(self.center[0])
        dy = y - np.float32(self.center[1]) - dx * np.float32(self.slope)
        radius = np.sqrt(dy * dy + (np.abs(z) - np.float32(self.center[2])) ** 2)
        reach = np.float32(self.radii[0])
        rings = np.maximum(np.abs(np.abs(dx) - reach + 0.6) - 0.7, radius - 0.8)
        rod = np.maximum(np.maximum(-dx - reach - 0.8, dx - reach - 3.4), radius - 0.3)
        return np.asarray(np.minimum(rings, rod))

    def solid(self, place: Placement) -> Solid:
        """Return distances to the contrast-filled balloons and to the metal inside."""
        return Solid(
            place,
            (-16, -9, -19),
            (13, 11, 19),
            lambda x, y, z: (self.distance(x, y, z), self.metal_distance(x, y, z)),
            2,
        )


@dataclass(frozen=True)
class Cement:
    """An irregular ellipsoid inside the body. ``is_loose``: spreads farther between the trabeculae."""

    center: Point
    radii: Point
    roughness: float
    seed: int
    is_loose: bool = False
    both_sides: bool = False

    def distance(self, x: Array, y: Array, z: Array, shape: VertebraShape) -> Array:
        """Distance to the cement, confined to the shell and to the anterior three quarters of the body."""
        core = ellipsoid_distance(x, y, np.abs(z) if self.both_sides else z, self.center, self.radii)
        edge = 0.62 * smooth_noise(x, y, z, 11.0, self.seed) + 0.26 * smooth_noise(x, y, z, 4.6, self.seed + 1)
        if self.is_loose:
            edge = edge + 0.30 * smooth_noise(x, y, z, 2.4, self.seed + 2)
        mass = core + edge * np.float32(self.roughness)
        shell = body_distance(x, y, z, shape) + np.float32(1.2)
        return smooth_max(smooth_max(mass, shell, 1.0), x - np.float32(CEMENT_LIMIT_X - 0.6), 1.0)

    def solid(self, place: Placement, shape: VertebraShape) -> Solid:
        """Return the cement inside the vertebra with this placement and shape."""
        return Solid(place, (-18, -14, -21), (11, 14, 21), lambda x, y, z: (self.distance(x, y, z, shape),))


@dataclass(frozen=True)
class Stage:
    """One image of the set. ``view``: lateral or front. ``seed``: of the quantum mottle."""

    slug: str
    spine: Spine
    seed: int
    needle: Needle | None = None
    balloon: Balloon | None = None
    cement: Cement | None = None
    view: str = "lateral"


CEMENT_FILLING = Cement((-6.9, 3.0, 6.5), (8.6, 6.2, 9.0), 1.3, seed=21)
CEMENT_FILLED = Cement((-4.4, 1.2, 5.3), (11.4, 6.5, 7.3), 1.25, seed=21, both_sides=True)
CEMENT_SEEPED = Cement((-4.6, 3.2, 4.0), (9.6, 6.2, 11.0), 1.75, seed=33, is_loose=True)

STAGES: tuple[Stage, ...] = (
    Stage("kyphoplasty-healthy", HEALTHY_SPINE, 101),
    Stage("kyphoplasty-fracture", FRACTURED_SPINE, 102),
    Stage("kyphoplasty-needle-entering", FRACTURED_SPINE, 103, Needle(retraction=31)),
    Stage("kyphoplasty-needle", FRACTURED_SPINE, 104, Needle()),
    Stage("kyphoplasty-balloon", RESTORED_SPINE, 105, Needle(retraction=17.5, has_stylet=False), Balloon()),
    Stage(
        "kyphoplasty-cement-going-in",
        RESTORED_SPINE,
        106,
        Needle(retraction=7.5, has_stylet=False),
        cement=CEMENT_FILLING,
    ),
    Stage("kyphoplasty-cement-done", RESTORED_SPINE, 107, cement=CEMENT_FILLED),
    Stage("kyphoplasty-front-view", RESTORED_SPINE, 108, cement=CEMENT_FILLED, view="front"),
    Stage("vertebroplasty-needle", FRACTURED_SPINE, 109, Needle()),
    Stage(
        "vertebroplasty-cement", FRACTURED_SPINE, 110, Needle(retraction=7.0, has_stylet=False), cement=CEMENT_SEEPED
    ),
)
STAGES_BY_SLUG = {stage.slug: stage for stage in STAGES}
