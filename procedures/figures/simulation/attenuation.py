"""Linear attenuation at 55 keV, the mean energy of a fluoroscopy beam, in 1/mm.

Soft tissue, fat, bone, cement and steel are rounded textbook values. Lung, crushed bone, the thinned contrast in the
balloon and hardened vessel wall are set by eye within what such tissues span: the pictures teach, they do not measure.
"""

SOFT_TISSUE = 0.0227
FAT = 0.0194
LUNG = 0.0062
GAS = 0.0
TRABECULAR = 0.0262
IMPACTED = 0.0345  # crushed trabeculae pressed together under a broken endplate
CORTICAL = 0.0690
STEEL = 1.18
BALLOON = 0.100  # a balloon filled with thinned contrast medium
CEMENT_10 = 0.104  # PMMA with 10 % barium sulfate
CEMENT_30 = 0.315  # PMMA with 30 % barium sulfate
CALCIFIED = 0.060

CEMENT_FRACTION = 0.65  # cement fills this part of the space between trabeculae


def cement_attenuation(fraction: float = CEMENT_FRACTION) -> float:
    """A usual cement (20 % barium) that fills `share` of the bone it lies in, 1/mm."""
    return fraction * (CEMENT_10 + CEMENT_30) / 2 + (1 - fraction) * TRABECULAR
