"""Linear attenuation at 55 keV, the mean energy of a fluoroscopy beam, in 1/mm.

Soft tissue, fat, bone, cement and steel are rounded textbook values. Lung, compacted bone, diluted contrast medium and
calcified vessel wall are chosen by eye within plausible ranges: the images are for teaching only.
"""

SOFT_TISSUE = 0.0227
FAT = 0.0194
LUNG = 0.0062
GAS = 0.0
TRABECULAR = 0.0262
IMPACTED = 0.0345  # compacted trabeculae under a fractured endplate
CORTICAL = 0.0690
STEEL = 1.18
BALLOON = 0.100  # filled with diluted contrast medium
CEMENT_10 = 0.104  # PMMA with 10 % barium sulfate
CEMENT_30 = 0.315  # PMMA with 30 % barium sulfate
CALCIFIED = 0.060

CEMENT_FRACTION = 0.65  # of the volume of infiltrated bone


def cement_attenuation(fraction: float = CEMENT_FRACTION) -> float:
    """Return the attenuation (1/mm) of bone with this fraction of it filled by typical cement (20 % barium)."""
    return fraction * (CEMENT_10 + CEMENT_30) / 2 + (1 - fraction) * TRABECULAR
