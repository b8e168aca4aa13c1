"""What the operator brings in, in L1's own mm (x to the back, y to the feet, z to the patient's left)."""

from dataclasses import dataclass

import numpy as np

from procedures.fluoroscopy.anatomy import BACK, FRONT, Shape, body
from procedures.fluoroscopy.geometry import Array, Point, Vector, ellipsoid, rumple, smooth_max
from procedures.fluoroscopy.projection import Placement, Solid

NEEDLE_RADIUS = 1.5  # 11 gauge
BORE_RADIUS = 0.75  # of the filler tube inside the cannula
NEEDLE_LENGTH = 150.0
PEDICLE = np.array([20.5, -4.6, 14.0])  # the needle passes here, in the middle of the pedicle
TIP = np.array([-8.0, 4.4, 6.0])  # in place: the front third of the body
QUARTER = BACK - (BACK - FRONT) / 4  # cement stays in front of this


def needle_axis() -> Vector:
    """Unit vector from the tip back through the pedicle to the handle: 10–20° caudal, converging to the middle."""
    way = PEDICLE - TIP
    return np.asarray(way / np.linalg.norm(way), np.float64)


@dataclass(frozen=True)
class Needle:
    """An 11-gauge cannula along the planned line; `back` mm short of its final place."""

    back: float = 0.0
    stylet: bool = True  # the sharp inner rod is still inside

    @property
    def tip(self) -> Vector:
        """The end of the needle in L1's mm."""
        return np.asarray(TIP + needle_axis() * self.back, np.float64)

    def solid(self, place: Placement) -> Solid:
        """Distances to the outer wall and to the empty bore, along the needle's own x axis from its tip."""
        along = needle_axis()
        across = np.cross(along, np.array([0.0, 1.0, 0.0]))
        across /= np.linalg.norm(across)
        turn = np.column_stack([along, np.cross(across, along), across])
        frame = Placement(place.to_patient(self.tip)[0], place.turn @ turn, place.scale)

        def distances(x: Array, y: Array, z: Array) -> tuple[Array, Array]:
            radius = np.sqrt(y * y + z * z)
            if self.stylet:  # a trocar point: three short facets look like a cone from the side
                outer = np.maximum(radius - NEEDLE_RADIUS, radius * np.float32(0.86) - x * np.float32(0.5))
                return outer, outer + 50
            bevel = np.maximum(-x + y * np.float32(0.35), x - NEEDLE_LENGTH)
            return np.maximum(radius - NEEDLE_RADIUS, bevel), np.maximum(radius - BORE_RADIUS, bevel)

        return Solid(frame, (-1.0, -1.6, -1.6), (NEEDLE_LENGTH, 1.6, 1.6), distances, 2)


@dataclass(frozen=True)
class Balloon:
    """Two inflated balloons, one from each side, 16 mm long, each on a thin catheter with two marker rings."""

    centre: Point = (-3.6, 1.3, 7.9)
    radii: Point = (8.0, 6.8, 7.2)
    slope: float = -0.135  # of the catheter, which leaves the needle a little above the middle of the body

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        """Distance to both balloons; a slight waist, as bone does not give way evenly."""
        side = np.abs(z)
        whole = ellipsoid(x, y, side, self.centre, self.radii)
        crease = np.float32(0.35) * np.cos(0.55 * (x - self.centre[0])) * np.clip(1 - np.abs(whole), 0, 1)
        return np.asarray(whole + crease)

    def metal(self, x: Array, y: Array, z: Array) -> Array:
        """Distance to the catheter that carries each balloon: a thin rod with a marker ring at both ends."""
        dx = x - np.float32(self.centre[0])
        dy = y - np.float32(self.centre[1]) - dx * np.float32(self.slope)
        radius = np.sqrt(dy * dy + (np.abs(z) - np.float32(self.centre[2])) ** 2)
        reach = np.float32(self.radii[0])
        rings = np.maximum(np.abs(np.abs(dx) - reach + 0.6) - 0.7, radius - 0.8)
        rod = np.maximum(np.maximum(-dx - reach - 0.8, dx - reach - 3.4), radius - 0.3)
        return np.asarray(np.minimum(rings, rod))

    def solid(self, place: Placement) -> Solid:
        """Distances to the contrast-filled balloons and to the metal in them."""
        return Solid(
            place,
            (-16, -9, -19),
            (13, 11, 19),
            lambda x, y, z: (self.distance(x, y, z), self.metal(x, y, z)),
            2,
        )


@dataclass(frozen=True)
class Cement:
    """A noise-warped ellipsoid inside the body; `loose` cement seeps further between the trabeculae."""

    centre: Point
    radii: Point
    uneven: float
    seed: int
    loose: bool = False
    both_sides: bool = False

    def distance(self, x: Array, y: Array, z: Array, shape: Shape) -> Array:
        """Distance to the cement, kept inside the shell and in front of the back quarter of the body."""
        core = ellipsoid(x, y, np.abs(z) if self.both_sides else z, self.centre, self.radii)
        edge = 0.62 * rumple(x, y, z, 11.0, self.seed) + 0.26 * rumple(x, y, z, 4.6, self.seed + 1)
        if self.loose:
            edge = edge + 0.30 * rumple(x, y, z, 2.4, self.seed + 2)
        mass = core + edge * np.float32(self.uneven)
        shell = body(x, y, z, shape) + np.float32(1.2)
        return smooth_max(smooth_max(mass, shell, 1.0), x - np.float32(QUARTER - 0.6), 1.0)

    def solid(self, place: Placement, shape: Shape) -> Solid:
        """Distance to the cement within the vertebra `place` of that `shape`."""
        return Solid(place, (-18, -14, -21), (11, 14, 21), lambda x, y, z: (self.distance(x, y, z, shape),))
