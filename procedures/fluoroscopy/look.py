"""From path lengths to a picture: scatter, quantum mottle, the image intensifier's round field, display tone."""

import numpy as np

from procedures.fluoroscopy.geometry import Array
from procedures.fluoroscopy.projection import FIELD_RADIUS_MM, HALF_WIDTH_MM, enlarge

SCATTER_SHARE = 1.1  # scatter over primary for a trunk of this thickness with a grid
SCATTER_BLUR_MM = 35.0
MOTTLE = 0.04
LOW_PASS_MM = 28.0
LOW_PASS_SHARE = 0.70
VIGNETTE = 0.17
GAMMA = 0.9
PERCENTILES = (0.6, 98.6)
METAL_ROOM = 0.24
SHOULDER = 0.72
BRIGHTEST_MIDDLE = 0.58  # the median of a view is never shown brighter: pale soft tissue would glare
SURROUND = 0.02  # the unlit monitor around the field
MOTTLE_RASTER = 1000  # television lines of the fluoroscope: its grain is this coarse whatever our raster is


def gaussian(image: Array, sigma: float) -> Array:
    """Blur of `sigma` pixels, edges mirrored."""
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


def wide(image: Array, sigma_mm: float, inside: Array) -> Array:
    """Very wide blur inside the field only, on a small raster: nothing darkens towards the rim."""
    size = image.shape[0]
    factor = max(1, size // 160)
    small = size // factor
    crop = factor * small

    def shrink(full: Array) -> Array:
        return np.asarray(full[:crop, :crop].reshape(small, factor, small, factor).mean(axis=(1, 3)))

    weight = shrink(inside)
    sigma = sigma_mm / (2 * HALF_WIDTH_MM) * small
    blurred = gaussian(shrink(image * inside), sigma) / np.maximum(gaussian(weight, sigma), 1e-3)
    return enlarge(blurred.astype(np.float32), size)


def radius_mm(size: int) -> Array:
    """Distance of every pixel from the middle of the picture, mm in the object plane."""
    axis = (((np.arange(size) + 0.5) / size * 2 - 1) * HALF_WIDTH_MM).astype(np.float32)
    return np.hypot(axis[:, None], axis[None, :])


def mottle(size: int, seed: int) -> Array:
    """Unit-spread grain of the fluoroscope, correlated over its own lines and resampled to this raster."""
    rng = np.random.default_rng(seed)
    grain = gaussian(rng.standard_normal((MOTTLE_RASTER, MOTTLE_RASTER), dtype=np.float32), 0.6)
    grain += 0.35 * gaussian(rng.standard_normal((MOTTLE_RASTER, MOTTLE_RASTER), dtype=np.float32), 1.6) * 3
    grain = enlarge(grain, size) if size > MOTTLE_RASTER else _binned(grain, size)
    return np.asarray(grain / grain.std(), np.float32) * np.float32(min(1.0, (size / 700) ** 0.5))


def _binned(grain: Array, size: int) -> Array:
    """Grain averaged down to a smaller raster (nearest whole number of pixels)."""
    factor = max(1, MOTTLE_RASTER // size)
    count = MOTTLE_RASTER // factor
    small = grain[: count * factor, : count * factor].reshape(count, factor, count, factor).mean(axis=(1, 3))
    return enlarge(small.astype(np.float32), size)


def intensify(primary: Array, seed: int | None) -> Array:
    """Logarithm of what the intensifier hands on: primary and scatter, blurred, grainy, its low pass taken down.

    `primary` is the share of the entry dose that passes, linear; `seed` None leaves the grain out.
    """
    size = primary.shape[0]
    inside = (radius_mm(size) < FIELD_RADIUS_MM).astype(np.float32)
    scatter = SCATTER_SHARE * wide(primary, SCATTER_BLUR_MM, inside)
    field_mean = float((primary * inside).sum() / inside.sum())
    signal = primary + np.minimum(scatter, np.float32(field_mean))
    # Focal spot and intensifier: about a quarter of a millimetre in the object plane.
    signal = gaussian(signal, 0.10 / (2 * HALF_WIDTH_MM) * size)
    if seed is not None:
        dose = np.clip(signal / np.float32(field_mean), 0.15, 4)
        signal = signal * (1 + np.float32(MOTTLE) * mottle(size, seed) / np.sqrt(dose).clip(0.75, 1.5))
    tone = np.log(np.maximum(signal, np.float32(field_mean * 1e-3)))
    return np.asarray(tone - np.float32(LOW_PASS_SHARE) * wide(tone, LOW_PASS_MM, inside), np.float32)


def window_of(tone: Array) -> tuple[float, float]:
    """Display window for all stages of a view, from its picture without devices: metal and cement get room below."""
    seen = tone[radius_mm(tone.shape[0]) < FIELD_RADIUS_MM * 0.985]
    low, middle, high = (float(level) for level in np.percentile(seen, (PERCENTILES[0], 50, PERCENTILES[1])))
    low -= METAL_ROOM * (high - low)
    return low, max(high, low + (middle - low) / BRIGHTEST_MIDDLE)


def display(tone: Array, window: tuple[float, float]) -> Array:
    """The picture, 0 black to 1 white: window, gamma, a soft shoulder for skin and air, vignette, round edge."""
    radius = radius_mm(tone.shape[0])
    level = np.clip((tone - window[0]) / (window[1] - window[0]), 0, 2) ** np.float32(GAMMA)
    over = np.maximum(level - SHOULDER, 0)
    level = np.minimum(level, SHOULDER) + (1 - SHOULDER) * (1 - np.exp(-over / (1 - SHOULDER)))
    level = level * (1 - np.float32(VIGNETTE) * (radius / FIELD_RADIUS_MM) ** 2)
    edge = np.clip((FIELD_RADIUS_MM - radius) / 0.9, 0, 1)
    edge = edge * edge * (3 - 2 * edge)
    return np.asarray(SURROUND + (level * 0.95 + 0.03 - SURROUND) * edge, np.float32)
