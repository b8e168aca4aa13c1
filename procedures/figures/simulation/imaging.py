"""Image formation from the model: optical depth, scatter, quantum mottle, image intensifier, and display window."""

import numpy as np

from procedures.figures.simulation.anatomy import (
    LEVELS,
    RIB_10,
    RIB_11,
    RIB_12,
    Spine,
    Stage,
    aorta_solid,
    gas_solid,
    lungs_solid,
    rib_solid,
    trunk_solid,
    vertebra_placement,
    vertebra_solid,
)
from procedures.figures.simulation.geometry import (
    FIELD_RADIUS_MM,
    HALF_WIDTH_MM,
    Array,
    View,
    path_lengths,
    resample,
    rotation_matrix,
    transmission,
)

# Linear attenuation at 55 keV, the mean energy of a fluoroscopy beam, in 1/mm. Soft tissue, fat, bone, cement, and
# steel are rounded textbook values. Lung, compacted bone, diluted contrast medium and calcified vessel wall are chosen
# by eye within plausible ranges: the images are for teaching only.
MU_SOFT_TISSUE = 0.0227
MU_FAT = 0.0194
MU_LUNG = 0.0062
MU_GAS = 0.0
MU_TRABECULAR = 0.0262
MU_IMPACTED = 0.0345  # compacted trabeculae under a fractured endplate
MU_CORTICAL = 0.0690
MU_STEEL = 1.18
MU_BALLOON = 0.100  # filled with diluted contrast medium
MU_CEMENT_10 = 0.104  # PMMA with 10 % barium sulfate
MU_CEMENT_30 = 0.315  # PMMA with 30 % barium sulfate
MU_CALCIFIED = 0.060
CEMENT_FRACTION = 0.65  # of the volume of infiltrated bone
SCATTER_FRACTION = 1.1  # scatter-to-primary ratio for a trunk of this thickness with a grid
SCATTER_BLUR_MM = 35.0
MOTTLE = 0.04
LOW_PASS_MM = 28.0
LOW_PASS_FRACTION = 0.70
VIGNETTE = 0.17
GAMMA = 0.9
WINDOW_PERCENTILES = (0.6, 98.6)
METAL_HEADROOM = 0.24
SHOULDER = 0.72
MAX_MEDIAN_LEVEL = 0.58  # a brighter median would make soft tissue glare
SURROUND_LEVEL = 0.02  # monitor around the circular field
MOTTLE_RASTER = 1000  # lines of the fluoroscope; its grain is independent of the output size
TRUNK_RASTER = 200  # raster for smooth objects
BONE_TEXTURE = 0.050  # relative variation of trabecular bone
TISSUE_VARIATION_MM = 2.6  # variation of soft tissue thickness: muscle planes, bowel, vessels
RIB_POINTS = {"T10": RIB_10, "T11": RIB_11, "T12": RIB_12}
# Less than 1, because vessels, heart, and liver overlap the lungs.
LUNG_FRACTION = 0.42


def cement_attenuation(fraction: float = CEMENT_FRACTION) -> float:
    """Return the attenuation (1/mm) of bone with this fraction of it filled by typical cement (20 % barium)."""
    return fraction * (MU_CEMENT_10 + MU_CEMENT_30) / 2 + (1 - fraction) * MU_TRABECULAR


def gaussian_blur(image: Array, sigma: float) -> Array:
    """Blur by ``sigma`` pixels, mirroring at the edges."""
    if sigma < 0.15:
        return image
    reach = max(1, int(np.ceil(3.2 * sigma)))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    taps = (taps / taps.sum()).astype(np.float32)
    for axis in (0, 1):
        padded = np.pad(image, [(reach, reach) if n == axis else (0, 0) for n in (0, 1)], mode="symmetric")
        count = image.shape[axis]
        parts = (tap * padded.take(range(n, n + count), axis=axis) for n, tap in enumerate(taps))
        image = np.asarray(sum(parts, start=np.zeros_like(image)), np.float32)
    return image


def wide_blur(image: Array, sigma_mm: float, inside: Array) -> Array:
    """Blur widely inside the field only, normalized so that nothing darkens toward the rim."""
    size = image.shape[0]
    factor = max(1, size // 160)
    small = size // factor
    crop = factor * small

    def shrink(full: Array) -> Array:
        return np.asarray(full[:crop, :crop].reshape(small, factor, small, factor).mean(axis=(1, 3)))

    weight = shrink(inside)
    sigma = sigma_mm / (2 * HALF_WIDTH_MM) * small
    blurred = gaussian_blur(shrink(image * inside), sigma) / np.maximum(gaussian_blur(weight, sigma), 1e-3)
    return resample(blurred.astype(np.float32), size)


def distance_from_center_mm(size: int) -> Array:
    """Return the distance of every pixel from the image center, in mm in the object plane."""
    axis = (((np.arange(size) + 0.5) / size * 2 - 1) * HALF_WIDTH_MM).astype(np.float32)
    return np.hypot(axis[:, None], axis[None, :])


def quantum_mottle(size: int, seed: int) -> Array:
    """Return unit-variance noise, correlated at the fluoroscope's line spacing and resampled to ``size``."""
    rng = np.random.default_rng(seed)
    grain = gaussian_blur(rng.standard_normal((MOTTLE_RASTER, MOTTLE_RASTER), dtype=np.float32), 0.6)
    grain += 0.35 * gaussian_blur(rng.standard_normal((MOTTLE_RASTER, MOTTLE_RASTER), dtype=np.float32), 1.6) * 3
    grain = resample(grain, size) if size > MOTTLE_RASTER else _downsample(grain, size)
    return np.asarray(grain / grain.std(), np.float32) * np.float32(min(1.0, (size / 700) ** 0.5))


def _downsample(grain: Array, size: int) -> Array:
    """Average to about ``size`` by a whole factor, then resample."""
    factor = max(1, MOTTLE_RASTER // size)
    count = MOTTLE_RASTER // factor
    small = grain[: count * factor, : count * factor].reshape(count, factor, count, factor).mean(axis=(1, 3))
    return resample(small.astype(np.float32), size)


def intensifier_tone(primary: Array, seed: int | None) -> Array:
    """Return the log signal of the intensifier: primary and scatter, blurred and noisy, with low frequencies reduced.

    ``primary``: transmitted fraction of the beam, linear. ``seed`` None: without noise.
    """
    size = primary.shape[0]
    inside = (distance_from_center_mm(size) < FIELD_RADIUS_MM).astype(np.float32)
    scatter = SCATTER_FRACTION * wide_blur(primary, SCATTER_BLUR_MM, inside)
    field_mean = float((primary * inside).sum() / inside.sum())
    signal = primary + np.minimum(scatter, np.float32(field_mean))
    # Blur of focal spot and intensifier: about 0.25 mm in the object plane.
    signal = gaussian_blur(signal, 0.10 / (2 * HALF_WIDTH_MM) * size)
    if seed is not None:
        dose = np.clip(signal / np.float32(field_mean), 0.15, 4)
        signal = signal * (1 + np.float32(MOTTLE) * quantum_mottle(size, seed) / np.sqrt(dose).clip(0.75, 1.5))
    tone = np.log(np.maximum(signal, np.float32(field_mean * 1e-3)))
    return np.asarray(tone - np.float32(LOW_PASS_FRACTION) * wide_blur(tone, LOW_PASS_MM, inside), np.float32)


def display_window(tone: Array) -> tuple[float, float]:
    """Compute the display window for all stages of a view from its image without devices.

    Leaves headroom below for metal and cement.
    """
    in_field = tone[distance_from_center_mm(tone.shape[0]) < FIELD_RADIUS_MM * 0.985]
    low, middle, high = (
        float(level) for level in np.percentile(in_field, (WINDOW_PERCENTILES[0], 50, WINDOW_PERCENTILES[1]))
    )
    low -= METAL_HEADROOM * (high - low)
    return low, max(high, low + (middle - low) / MAX_MEDIAN_LEVEL)


def apply_display(tone: Array, window: tuple[float, float]) -> Array:
    """Return the image, 0 black to 1 white: window, gamma, soft shoulder for skin and air, vignette, round edge."""
    radius = distance_from_center_mm(tone.shape[0])
    level = np.clip((tone - window[0]) / (window[1] - window[0]), 0, 2) ** np.float32(GAMMA)
    over = np.maximum(level - SHOULDER, 0)
    level = np.minimum(level, SHOULDER) + (1 - SHOULDER) * (1 - np.exp(-over / (1 - SHOULDER)))
    level = level * (1 - np.float32(VIGNETTE) * (radius / FIELD_RADIUS_MM) ** 2)
    edge = np.clip((FIELD_RADIUS_MM - radius) / 0.9, 0, 1)
    edge = edge * edge * (3 - 2 * edge)
    return np.asarray(SURROUND_LEVEL + (level * 0.95 + 0.03 - SURROUND_LEVEL) * edge, np.float32)


def make_view(name: str, size: int) -> View:
    """Return the C-arm position: lateral (anterior at the left) or frontal, each slightly off-axis."""
    if name == "lateral":
        return View(rotation_matrix(0, 0, 1.0), np.array([20.0, 0.0, 0.0]), size)
    axes = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    return View(rotation_matrix(0, 1.0, 2.0) @ axes, np.array([0.0, 2.0, 0.0]), size)


def directional_noise(size: int, seed: int, across_mm: float, along_mm: float) -> Array:
    """Return unit-variance noise, blurred by different amounts horizontally and vertically."""
    # Generated on a fixed raster, so that the pattern is the same at every image size.
    rng = np.random.default_rng(seed)
    count = max(32, min(800, int(2 * HALF_WIDTH_MM / across_mm * 1.6)))
    noise = rng.standard_normal((count, count), dtype=np.float32)
    pixel = 2 * HALF_WIDTH_MM / count
    noise = _blur_axis(_blur_axis(noise, along_mm / pixel, 0), across_mm / pixel, 1)
    where = ((np.arange(size) + 0.5) * count / size).astype(int)
    return np.asarray((noise / noise.std())[np.ix_(where, where)], np.float32)


def _blur_axis(image: Array, sigma: float, axis: int) -> Array:
    reach = max(1, int(np.ceil(3 * sigma)))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).astype(np.float32)
    parts = (tap * np.roll(image, n - reach, axis=axis) for n, tap in enumerate(taps / taps.sum()))
    return np.asarray(sum(parts, start=np.zeros_like(image)), np.float32)


class Scene:
    """Computes and caches the layers of one image size. Optical depths are dimensionless, shape (size, size)."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.cache: dict[tuple[object, ...], Array] = {}
        # The raster factor for soft objects; small images are never coarsened.
        self.coarseness = 2 if size >= 800 else 1

    def background_depth(self, name: str) -> Array:
        """Return the depth of everything but bone: trunk, lungs, gas, aorta, and the C-arm's posterior wedge filter."""
        key = ("backdrop", name)
        if key not in self.cache:
            view = make_view(name, self.size)
            skin = path_lengths(view, trunk_solid(), step=5, coarse=max(1, self.size // TRUNK_RASTER))
            depth = skin[1] * MU_SOFT_TISSUE + (skin[0] - skin[1]) * MU_FAT
            lungs = path_lengths(view, lungs_solid(), step=4, coarse=self.coarseness)[0]
            depth -= lungs * np.float32((MU_SOFT_TISSUE - MU_LUNG) * LUNG_FRACTION)
            gas = path_lengths(view, gas_solid(), step=2, coarse=self.coarseness)[0]
            depth -= gas * np.float32(MU_SOFT_TISSUE - MU_GAS)
            depth += path_lengths(view, aorta_solid(), step=1)[0] * np.float32(MU_CALCIFIED)
            tissue = gaussian_blur(
                directional_noise(self.size, 3, 7.0, 11.0) + directional_noise(self.size, 4, 2.6, 4.5) * 0.5,
                self.size / 300,
            )
            depth += tissue * np.float32(TISSUE_VARIATION_MM * MU_SOFT_TISSUE)
            if name == "lateral":
                depth += (2.5 * np.clip((view.grid()[None, :] - 2) / 74, 0, 1) ** 1.5).astype(np.float32)
            self.cache[key] = depth
        return self.cache[key]

    def bone_depth(self, name: str, spine: Spine, level: str) -> Array:
        """Return the depth of a vertebra with its ribs, minus the soft tissue that it displaces."""
        tilt = 0.0 if level.startswith("L") else spine.tilt_degrees
        key = ("bone", name, level, spine.shape(level), tilt)
        if key not in self.cache:
            view = make_view(name, self.size)
            whole, inside, crushed = path_lengths(view, vertebra_solid(spine, level))
            grain = 1 + np.float32(BONE_TEXTURE) * gaussian_blur(
                directional_noise(self.size, 7, 0.45, 1.5), 0.1 / 156 * self.size
            )
            depth = (whole - inside) * np.float32(MU_CORTICAL) - whole * np.float32(MU_SOFT_TISSUE)
            depth += inside * np.float32(MU_TRABECULAR) * grain
            if spine.shape(level).crushed:
                soft = gaussian_blur(crushed, 0.8 / (2 * HALF_WIDTH_MM) * self.size)
                depth += np.minimum(soft, inside) * np.float32(MU_IMPACTED - MU_TRABECULAR) * (2 * grain - 1)
            if level in RIB_POINTS:
                rib = rib_solid(vertebra_placement(spine, level), RIB_POINTS[level])
                outer, inner = path_lengths(view, rib, step=2, coarse=self.coarseness)
                depth += (outer - inner) * np.float32(MU_CORTICAL) + inner * np.float32(MU_TRABECULAR)
                depth -= outer * np.float32(MU_SOFT_TISSUE)
            self.cache[key] = depth.astype(np.float32)
        return self.cache[key]

    def device_depth(self, stage: Stage) -> Array:
        """Return the depth of needle, balloons, and cement, minus the trabecular bone that they displace."""
        view, place = make_view(stage.view, self.size), vertebra_placement(stage.spine, "L1")
        depth = np.zeros((self.size, self.size), np.float32)
        if stage.needle:
            outer, bore = path_lengths(view, stage.needle.solid(place), step=0.4)
            depth += (outer - bore) * np.float32(MU_STEEL)
            if stage.cement:
                depth += bore * np.float32(cement_attenuation(1.0))
        if stage.balloon:
            full, rings = path_lengths(view, stage.balloon.solid(place), step=0.5)
            depth += full * np.float32(MU_BALLOON - MU_TRABECULAR) + rings * np.float32(MU_STEEL)
        if stage.cement:
            mass = path_lengths(view, stage.cement.solid(place, stage.spine.l1_shape), step=0.7)[0]
            clumps = gaussian_blur(directional_noise(self.size, 9, 0.9, 0.9), 0.15 / 156 * self.size)
            depth += mass * np.float32(cement_attenuation() - MU_TRABECULAR) * (1 + np.float32(0.07) * clumps)
        return depth

    def primary_transmission(self, stage: Stage) -> Array:
        """Return the fraction of the beam transmitted through the whole scene, without scatter."""
        depth = self.background_depth(stage.view) + self.device_depth(stage)
        for level in LEVELS:
            depth = depth + self.bone_depth(stage.view, stage.spine, level)
        return transmission(depth)
