"""Line drawings that fit the X-ray pictures point for point, and the drawings that stand alone; SVG text."""

from functools import lru_cache

from procedures.fluoroscopy import outlines as trace
from procedures.fluoroscopy.contours import path, smooth_outlines
from procedures.fluoroscopy.everyday import EVERYDAY, everyday_layers
from procedures.fluoroscopy.geometry import Vector
from procedures.fluoroscopy.plain_drawings import PLAIN, plain_layers
from procedures.fluoroscopy.scene import view_of
from procedures.fluoroscopy.sheet import DARK, LIGHT, Layer, sheet
from procedures.fluoroscopy.spine import LEVELS, Spine
from procedures.fluoroscopy.stages import BY_SLUG, STAGES, Stage

RASTER = 500
DRAWINGS: tuple[str, ...] = (*(stage.slug for stage in STAGES), *PLAIN, *EVERYDAY)


@lru_cache(maxsize=64)
def _bones(view: str, spine: Spine, level: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Path data of a vertebra's body and of its arch."""
    camera = view_of(view, RASTER)
    found = (trace.body_field(camera, spine, level), trace.arch_field(camera, spine, level))
    tolerance = 0.0012 if view == "lateral" else 0.0027  # the front view has more outlines to fit in its file
    body, arch = (tuple(path(points) for points in smooth_outlines(field, tolerance)) for field in found)
    return body, arch


def _seen(curves: list[Vector], *, straight: bool = False) -> str:
    """Path data of the curves that reach into the picture."""
    return "".join(
        path(c, straight=straight) for c in curves if (c.max(axis=0) > 0).all() and (c.min(axis=0) < 1).all()
    )


def _bone_layers(stage: Stage) -> list[Layer]:
    """Vertebrae: from the side the bodies lie over the arches, from the front under them."""
    arches, bodies, broken = [], "", ""
    for level in LEVELS:
        body, arch = _bones(stage.view, stage.spine, level)
        arches.append(Layer("arch", "".join(arch)))
        if level == "L1" and stage.spine.first_lumbar.step > 1:
            broken = "".join(body)
        else:
            bodies += "".join(body)
    front = [Layer("body", bodies), Layer("broken", broken)]
    return [*arches, *front] if stage.view == "lateral" else [*front, *arches]


def _layers(stage: Stage) -> list[Layer]:
    """Everything in a stage's drawing, back to front."""
    view, front = view_of(stage.view, RASTER), stage.view == "front"
    layers = [Layer("rib", _seen(trace.ribs(view, stage.spine, level))) for level in ("T11", "T12")]
    if not front:
        layers.append(Layer("nerve", path(trace.canal(view, stage.spine, 6.5))))
    layers.append(Layer("disc", _seen(trace.discs(view, stage.spine, front=front))))
    layers += _bone_layers(stage)
    if front:
        eyes = [curve for level in LEVELS for curve in trace.eyes(view, stage.spine, level)]
        ridges = [curve for level in LEVELS for curve in trace.spinous_outline(view, stage.spine, level)]
        layers += [Layer("oval", _seen(eyes)), Layer("ridge", _seen(ridges))]
    for name, curves in trace.device_outlines(view, stage).items():
        layers.append(Layer(name, _seen(curves, straight=name == "needle")))
    return layers


@lru_cache(maxsize=32)
def _cached(slug: str) -> tuple[Layer, ...]:
    if slug in EVERYDAY:
        return tuple(everyday_layers(slug))
    return tuple(_layers(BY_SLUG[slug]) if slug in BY_SLUG else plain_layers(slug))


def draw(slug: str, *, dark: bool) -> str:
    """The SVG text of a drawing, for a light page or for a near-black one."""
    return sheet(_cached(slug), DARK if dark else LIGHT)
