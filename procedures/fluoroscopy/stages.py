"""What is in each picture: same patient, same view, and only what changes changes."""

from dataclasses import dataclass

from procedures.fluoroscopy.devices import Balloon, Cement, Needle
from procedures.fluoroscopy.spine import FRACTURED_SPINE, HEALTHY_SPINE, RESTORED_SPINE, Spine


@dataclass(frozen=True)
class Stage:
    """One picture of the set. `view` is lateral or front; `seed` is that of its mottle."""

    slug: str
    spine: Spine
    seed: int
    needle: Needle | None = None
    balloon: Balloon | None = None
    cement: Cement | None = None
    view: str = "lateral"


FILLING = Cement((-6.9, 3.0, 6.5), (8.6, 6.2, 9.0), 1.3, seed=21)
FILLED = Cement((-4.4, 1.2, 5.3), (11.4, 6.5, 7.3), 1.25, seed=21, both_sides=True)
SEEPED = Cement((-4.6, 3.2, 4.0), (9.6, 6.2, 11.0), 1.75, seed=33, loose=True)

STAGES: tuple[Stage, ...] = (
    Stage("kyphoplasty-healthy", HEALTHY_SPINE, 101),
    Stage("kyphoplasty-fracture", FRACTURED_SPINE, 102),
    Stage("kyphoplasty-needle-entering", FRACTURED_SPINE, 103, Needle(back=31)),
    Stage("kyphoplasty-needle", FRACTURED_SPINE, 104, Needle()),
    Stage("kyphoplasty-balloon", RESTORED_SPINE, 105, Needle(back=17.5, stylet=False), Balloon()),
    Stage("kyphoplasty-cement-going-in", RESTORED_SPINE, 106, Needle(back=7.5, stylet=False), cement=FILLING),
    Stage("kyphoplasty-cement-done", RESTORED_SPINE, 107, cement=FILLED),
    Stage("kyphoplasty-front-view", RESTORED_SPINE, 108, cement=FILLED, view="front"),
    Stage("vertebroplasty-needle", FRACTURED_SPINE, 109, Needle()),
    Stage("vertebroplasty-cement", FRACTURED_SPINE, 110, Needle(back=7.0, stylet=False), cement=SEEPED),
)
BY_SLUG = {stage.slug: stage for stage in STAGES}
