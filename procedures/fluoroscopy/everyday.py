"""The drawings of everyday things: the needle site, the first days, a safer home, whom to call. Marks by hand."""

from procedures.fluoroscopy.everyday_calls import CALLS, calls
from procedures.fluoroscopy.everyday_days import DAYS, days
from procedures.fluoroscopy.everyday_home import HOME, home
from procedures.fluoroscopy.everyday_site import SITE, needle_site
from procedures.fluoroscopy.sheet import Layer

Spots = dict[str, tuple[float, float]]
_SCENES = {
    "drawing-needle-site": (needle_site, SITE),
    "drawing-first-days": (days, DAYS),
    "drawing-safe-home": (home, HOME),
    "drawing-whom-to-call": (calls, CALLS),
}
EVERYDAY: tuple[str, ...] = tuple(_SCENES)


def everyday_layers(slug: str) -> list[Layer]:
    """Everything in a drawing, back to front."""
    return _SCENES[slug][0]()


def everyday_points(slug: str) -> Spots:
    """What marks may show, as picture positions 0 to 1."""
    return _SCENES[slug][1]
