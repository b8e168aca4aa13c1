"""The stages of the procedure, and their devices (needle, balloons, cement) in local coordinates of L1."""

from dataclasses import dataclass

import numpy as np

from procedures.figures.simulation.anatomy import (
    BACK_X,
    FRACTURED_SPINE,
    FRONT_X,
    HEALTHY_SPINE,
    RESTORED_SPINE,
    Spine,
    VertebraShape,
    body_distance,
)
from procedures.figures.simulation.geometry import (
    Array,
    Placement,
    Point,
    Solid,
    Vector,
    ellipsoid_distance,
    smooth_max,
    smooth_noise,
)

NEEDLE_RADIUS = 1.5  # 11 gauge
BORE_RADIUS = 0.75  # inner radius of the cannula
NEEDLE_LENGTH = 150.0
NEEDLE_PEDICLE_POINT = np.array([20.5, -4.6, 14.0])  # center of the pedicle, where the needle passes
NEEDLE_TIP = np.array([-8.0, 4.4, 6.0])  # final position, in the anterior third of the body
CEMENT_LIMIT_X = BACK_X - (BACK_X - FRONT_X) / 4  # cement never fills the posterior quarter of the body


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
