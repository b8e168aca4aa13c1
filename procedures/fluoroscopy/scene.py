"""Optical depth of every layer the beam crosses, each computed once and shared by all pictures that contain it."""

import numpy as np

from procedures.fluoroscopy import attenuation as mu
from procedures.fluoroscopy import surroundings
from procedures.fluoroscopy.geometry import Array, rotation
from procedures.fluoroscopy.look import gaussian
from procedures.fluoroscopy.projection import HALF_WIDTH_MM, View, path_lengths, transmitted
from procedures.fluoroscopy.spine import LEVELS, Spine, placement, vertebra
from procedures.fluoroscopy.stages import Stage

SMALL = 200  # raster on which smooth things (trunk) are computed
TEXTURE = 0.050  # spread of the spongy bone's path from place to place
TISSUE_MM = 2.6  # spread of soft tissue thickness: muscle planes, bowel, vessels
RIBS = {"T10": surroundings.RIB_10, "T11": surroundings.RIB_11, "T12": surroundings.RIB_12}
# A lung is not empty behind and beside the spine: vessels, heart and liver share the beam.
LUNG_SHARE = 0.42


def view_of(name: str, size: int) -> View:
    """The C-arm from the side (front of the patient at the left) or from the front; never perfectly square on."""
    if name == "lateral":
        return View(rotation(0, 0, 1.0), np.array([20.0, 0.0, 0.0]), size)
    axes = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    return View(rotation(0, 1.0, 2.0) @ axes, np.array([0.0, 2.0, 0.0]), size)


def streaks(size: int, seed: int, across_mm: float, along_mm: float) -> Array:
    """Unit-spread noise, blurred by different amounts across and along the picture's upright."""
    # Drawn on a raster of its own, so that the same pattern appears at every picture size.
    rng = np.random.default_rng(seed)
    count = max(32, min(800, int(2 * HALF_WIDTH_MM / across_mm * 1.6)))
    noise = rng.standard_normal((count, count), dtype=np.float32)
    pixel = 2 * HALF_WIDTH_MM / count
    noise = _blur_one(_blur_one(noise, along_mm / pixel, 0), across_mm / pixel, 1)
    where = ((np.arange(size) + 0.5) * count / size).astype(int)
    return np.asarray((noise / noise.std())[np.ix_(where, where)], np.float32)


def _blur_one(image: Array, sigma: float, axis: int) -> Array:
    reach = max(1, int(np.ceil(3 * sigma)))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).astype(np.float32)
    parts = (tap * np.roll(image, n - reach, axis=axis) for n, tap in enumerate(taps / taps.sum()))
    return np.asarray(sum(parts, start=np.zeros_like(image)), np.float32)


class Scenery:
    """Computes and keeps the layers of one picture size. Optical depths are (size, size), no unit."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.kept: dict[tuple[object, ...], Array] = {}

    def half(self, factor: int) -> int:
        """A coarser raster for soft things, never coarser than the picture can bear."""
        return factor if self.size >= 800 else 1

    def backdrop(self, name: str) -> Array:
        """Everything but bone: trunk, lungs, gas, flecks, and the C-arm's wedge filter towards the back."""
        key = ("backdrop", name)
        if key not in self.kept:
            view = view_of(name, self.size)
            skin = path_lengths(view, surroundings.trunk_solid(), step=5, coarse=max(1, self.size // SMALL))
            depth = skin[1] * mu.SOFT_TISSUE + (skin[0] - skin[1]) * mu.FAT
            lungs = path_lengths(view, surroundings.lungs_solid(), step=4, coarse=self.half(2))[0]
            depth -= lungs * np.float32((mu.SOFT_TISSUE - mu.LUNG) * LUNG_SHARE)
            gas = path_lengths(view, surroundings.gas_solid(), step=2, coarse=self.half(2))[0]
            depth -= gas * np.float32(mu.SOFT_TISSUE - mu.GAS)
            depth += path_lengths(view, surroundings.aorta_solid(), step=1)[0] * np.float32(mu.CALCIFIED)
            tissue = gaussian(streaks(self.size, 3, 7.0, 11.0) + streaks(self.size, 4, 2.6, 4.5) * 0.5, self.size / 300)
            depth += tissue * np.float32(TISSUE_MM * mu.SOFT_TISSUE)
            if name == "lateral":
                depth += (2.5 * np.clip((view.grid()[None, :] - 2) / 74, 0, 1) ** 1.5).astype(np.float32)
            self.kept[key] = depth
        return self.kept[key]

    def bone(self, name: str, spine: Spine, level: str) -> Array:
        """One vertebra, with its ribs, in place of the soft tissue it displaces."""
        tipped = 0.0 if level.startswith("L") else spine.tipped
        key = ("bone", name, level, spine.shape(level), tipped)
        if key not in self.kept:
            view = view_of(name, self.size)
            whole, inside, crushed = path_lengths(view, vertebra(spine, level))
            grain = 1 + np.float32(TEXTURE) * gaussian(streaks(self.size, 7, 0.45, 1.5), 0.1 / 156 * self.size)
            depth = (whole - inside) * np.float32(mu.CORTICAL) - whole * np.float32(mu.SOFT_TISSUE)
            depth += inside * np.float32(mu.TRABECULAR) * grain
            if spine.shape(level).crushed:
                soft = gaussian(crushed, 0.8 / (2 * HALF_WIDTH_MM) * self.size)
                depth += np.minimum(soft, inside) * np.float32(mu.IMPACTED - mu.TRABECULAR) * (2 * grain - 1)
            if level in RIBS:
                rib = surroundings.rib_solid(placement(spine, level), RIBS[level])
                outer, inner = path_lengths(view, rib, step=2, coarse=self.half(2))
                depth += (outer - inner) * np.float32(mu.CORTICAL) + inner * np.float32(mu.TRABECULAR)
                depth -= outer * np.float32(mu.SOFT_TISSUE)
            self.kept[key] = depth.astype(np.float32)
        return self.kept[key]

    def devices(self, stage: Stage) -> Array:
        """Needle, balloon and cement, in place of the spongy bone they displace."""
        view, place = view_of(stage.view, self.size), placement(stage.spine, "L1")
        depth = np.zeros((self.size, self.size), np.float32)
        if stage.needle:
            outer, bore = path_lengths(view, stage.needle.solid(place), step=0.4)
            depth += (outer - bore) * np.float32(mu.STEEL)
            if stage.cement:
                depth += bore * np.float32(mu.cement(1.0))
        if stage.balloon:
            full, rings = path_lengths(view, stage.balloon.solid(place), step=0.5)
            depth += full * np.float32(mu.BALLOON - mu.TRABECULAR) + rings * np.float32(mu.STEEL)
        if stage.cement:
            mass = path_lengths(view, stage.cement.solid(place, stage.spine.first_lumbar), step=0.7)[0]
            clumps = gaussian(streaks(self.size, 9, 0.9, 0.9), 0.15 / 156 * self.size)
            depth += mass * np.float32(mu.cement() - mu.TRABECULAR) * (1 + np.float32(0.07) * clumps)
        return depth

    def primary(self, stage: Stage) -> Array:
        """Share of the beam that passes the whole scene, without scatter."""
        depth = self.backdrop(stage.view) + self.devices(stage)
        for level in LEVELS:
            depth = depth + self.bone(stage.view, stage.spine, level)
        return transmitted(depth)
