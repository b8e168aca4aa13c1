"""Line drawings: those that accompany the X-ray images, and the two anatomical ones without an X-ray.

The latter compare a healthy and a fractured vertebra, and show the nerves.
"""

from functools import lru_cache

import numpy as np

from procedures.figures.simulation import outlines
from procedures.figures.simulation.anatomy import (
    BOUNDS_MAX,
    BOUNDS_MIN,
    FRACTURED_SPINE,
    FRONT_X,
    HALF_HEIGHT,
    HEALTHY_SPINE,
    LEVELS,
    Spine,
    VertebraShape,
    arch_distance,
    body_distance,
    upper_endplate_at,
    vertebra_placement,
)
from procedures.figures.simulation.geometry import (
    Array,
    Placement,
    Solid,
    Vector,
    View,
    nearest_distance_maps,
    rotation_matrix,
)
from procedures.figures.simulation.illustrations import ILLUSTRATION_SLUGS, illustration_layers
from procedures.figures.simulation.imaging import make_view
from procedures.figures.simulation.outlines import smooth_contours, smooth_svg_path
from procedures.figures.simulation.stages import STAGES, STAGES_BY_SLUG, Stage
from procedures.figures.simulation.svg import DARK_PALETTE, LIGHT_PALETTE, Layer, render_svg

STANDALONE_SLUGS = ("drawing-healthy-and-fractured", "drawing-nerves")
STANDALONE_RASTER = 500
COMPARISON_SCALE = 0.76
COMPARISON_VIEW = View(np.eye(3), np.zeros(3), STANDALONE_RASTER)
NERVE_VIEW = View(rotation_matrix(0, 0, 1.0), np.array([12.0, 17.0, 0.0]), STANDALONE_RASTER, half_width=50.0)
COMPARISON_COLUMNS: tuple[tuple[Spine, float], ...] = ((HEALTHY_SPINE, -53.0), (FRACTURED_SPINE, 23.0))
END_OF_CORD_MM = 4.0  # below the center of L1; farther down there are only separate nerves
STAGE_RASTER = 500
DRAWING_SLUGS: tuple[str, ...] = (*(stage.slug for stage in STAGES), *STANDALONE_SLUGS, *ILLUSTRATION_SLUGS)


def column_placement(spine: Spine, level: str, x: float) -> Placement:
    """Return the placement of a vertebra in one of the two columns of the comparison."""
    place = vertebra_placement(spine, level)
    return Placement(
        place.center * COMPARISON_SCALE + np.array([x, 0, 0]), place.rotation, place.scale * COMPARISON_SCALE
    )


def standalone_layers(slug: str) -> list[Layer]:
    """Return the layers of a standalone drawing, back to front."""
    return _comparison_layers() if slug == STANDALONE_SLUGS[0] else _nerve_layers()


def _bone_outline(view: View, place: Placement, shape: VertebraShape, *, is_arch: bool) -> str:
    part, low, high = (
        (arch_distance, BOUNDS_MIN, BOUNDS_MAX) if is_arch else (body_distance, (-22, -17, -25), (22, 17, 25))
    )

    def distances(x: Array, y: Array, z: Array) -> tuple[Array]:
        return (part(x, y, z, shape),)

    field = nearest_distance_maps(view, Solid(place, low, high, distances))[0]
    return "".join(smooth_svg_path(points) for points in smooth_contours(np.asarray(field, np.float32), 0.0009))


def _comparison_layers() -> list[Layer]:
    layers: list[Layer] = []
    for spine, x in COMPARISON_COLUMNS:
        for level in ("T12", "L2", "L1"):
            place, shape = column_placement(spine, level, x), spine.shape(level)
            far = "" if level == "L1" else "-far"
            body_role = "broken" if level == "L1" and shape.step else f"body{far}"
            layers.append(Layer(f"arch{far}", _bone_outline(COMPARISON_VIEW, place, shape, is_arch=True)))
            layers.append(Layer(body_role, _bone_outline(COMPARISON_VIEW, place, shape, is_arch=False)))
        layers.append(Layer("measure", _height_measure(spine, x)))
    return layers


def _height_measure(spine: Spine, x: float) -> str:
    """Return path data of a dimension line in front of L1 that shows its height."""
    place, shape = column_placement(spine, "L1", x), spine.shape("L1")
    top = upper_endplate_at(FRONT_X + 2, shape)
    ends = [(FRONT_X - 9, top), (FRONT_X - 3, top), (FRONT_X - 6, top), (FRONT_X - 6, HALF_HEIGHT)]
    ends += [(FRONT_X - 9, HALF_HEIGHT), (FRONT_X - 3, HALF_HEIGHT)]
    spots = COMPARISON_VIEW.project(place.to_patient(np.array([(*end, 0.0) for end in ends])))
    return "".join(smooth_svg_path(spots[n : n + 2], closed=False, straight=True) for n in (0, 2, 4))


def _project_points(view: View, level: str, points: list[tuple[float, float, float]]) -> Vector:
    return view.project(vertebra_placement(HEALTHY_SPINE, level).to_patient(np.array(points)))


def _spinal_cord(view: View) -> str:
    """Return path data of the spinal cord: a band in the canal that tapers to a point behind L1."""
    middle = [
        vertebra_placement(HEALTHY_SPINE, level).to_patient(np.array([[outlines.CANAL_X, 0, 0]]))[0]
        for level in LEVELS[:3]
    ]
    line = np.array([*middle, *vertebra_placement(HEALTHY_SPINE, "L1").to_patient(
        np.array([[outlines.CANAL_X, -8, 0], [outlines.CANAL_X, END_OF_CORD_MM, 0]]))])  # fmt: skip
    half = np.array([4.2, 4.2, 4.2, 3.6, 0.3])[:, None] * np.array([[1.0, 0, 0]])
    return smooth_svg_path(view.project(np.vstack([line + half, (line - half)[::-1]])))


def _nerve_strands(view: View) -> str:
    """Return path data of the nerves that continue down the canal from the end of the cord."""
    parts = []
    for aside in (-4.2, -1.4, 1.4, 4.2):
        start = vertebra_placement(HEALTHY_SPINE, "L1").to_patient(np.array([[outlines.CANAL_X + aside * 0.5, -2, 0]]))
        below = [
            vertebra_placement(HEALTHY_SPINE, level).to_patient(np.array([[outlines.CANAL_X + aside, y, 0]]))
            for level, y in (("L1", 12), ("L2", 0), ("L3", 0), ("L4", 0))
        ]
        parts.append(smooth_svg_path(view.project(np.vstack([start, *below])), closed=False))
    return "".join(parts)


def _nerve_roots(view: View) -> str:
    """Return path data of the nerve roots that exit below each pedicle, forward and down."""
    curve = [(24.0, 5.0, 8.0), (20.0, 9.5, 14.0), (13.0, 15.0, 20.0), (5.0, 22.5, 25.0), (-2.0, 33.0, 28.0)]
    return "".join(smooth_svg_path(_project_points(view, level, curve), closed=False) for level in ("T12", "L1", "L2"))


def _nerve_layers() -> list[Layer]:
    view, spine = NERVE_VIEW, HEALTHY_SPINE
    layers = [Layer("disc", _visible_paths(outlines.disc_outlines(view, spine)))]
    layers.append(Layer("arch", "".join(_nerve_view_bone(level, behind=True) for level in LEVELS[1:6])))
    layers.append(Layer("body", "".join(_nerve_view_bone(level, behind=False) for level in LEVELS[1:6])))
    layers += [
        Layer("strand", _nerve_strands(view)),
        Layer("nerve", _spinal_cord(view)),
        Layer("root", _nerve_roots(view)),
    ]
    return [*layers, Layer("root-line", _nerve_roots(view))]


def _visible_curves(curves: list[Vector]) -> list[Vector]:
    return [curve for curve in curves if (curve.max(axis=0) > 0).all() and (curve.min(axis=0) < 1).all()]


def _nerve_view_bone(level: str, *, behind: bool) -> str:
    return _bone_outline(
        NERVE_VIEW, vertebra_placement(HEALTHY_SPINE, level), HEALTHY_SPINE.shape(level), is_arch=behind
    )


def standalone_targets(slug: str) -> dict[str, Vector]:
    """Return the image positions of the marker targets in a standalone drawing."""
    if slug == STANDALONE_SLUGS[0]:
        (healthy, left), (broken, right) = COMPARISON_COLUMNS
        front = np.array([[-15.5, -5.0, 0.0]])
        step = upper_endplate_at(-3.0, broken.shape("L1"))
        whole, crushed = column_placement(healthy, "L1", left), column_placement(broken, "L1", right)
        return {
            "height": COMPARISON_VIEW.project(whole.to_patient(np.array([[FRONT_X - 6, 4.0, 0]])))[0],
            "healthy": COMPARISON_VIEW.project(whole.to_patient(np.array([[-6.0, 0, 0]])))[0],
            "break": COMPARISON_VIEW.project(crushed.to_patient(np.array([[-3.0, step + 0.4, 0]])))[0],
            "front": COMPARISON_VIEW.project(crushed.to_patient(front + np.array([[0, 8.0, 0]])))[0],
        }
    return {
        "vertebra": _project_points(NERVE_VIEW, "L2", [(-6, 0, 0)])[0],
        "disc": _project_points(NERVE_VIEW, "L1", [(-8, HALF_HEIGHT + 4, 0)])[0],
        "cord": _project_points(NERVE_VIEW, "T12", [(outlines.CANAL_X, 10, 0)])[0],
        "root": _project_points(NERVE_VIEW, "L1", [(13, 15, 20)])[0],
        "strands": _project_points(NERVE_VIEW, "L2", [(outlines.CANAL_X + 1.4, 6, 0)])[0],
    }


@lru_cache(maxsize=64)
def _vertebra_paths(view: str, spine: Spine, level: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return path data of a vertebra's body and of its arch."""
    camera = make_view(view, STAGE_RASTER)
    fields = (outlines.body_distance_map(camera, spine, level), outlines.arch_distance_map(camera, spine, level))
    tolerance = (
        0.0012 if view == "lateral" else 0.0027
    )  # the front view has more outlines, and the file size is limited
    body, arch = (tuple(smooth_svg_path(points) for points in smooth_contours(field, tolerance)) for field in fields)
    return body, arch


def _visible_paths(curves: list[Vector], *, straight: bool = False) -> str:
    """Return path data of the curves that are inside the image, at least in part."""
    return "".join(smooth_svg_path(curve, straight=straight) for curve in _visible_curves(curves))


def _vertebra_layers(stage: Stage) -> list[Layer]:
    """Return the vertebrae. Bodies are in front of the arches in the lateral view, behind them in the front view."""
    arches, bodies, broken = [], "", ""
    for level in LEVELS:
        body, arch = _vertebra_paths(stage.view, stage.spine, level)
        arches.append(Layer("arch", "".join(arch)))
        if level == "L1" and stage.spine.l1_shape.step > 1:
            broken = "".join(body)
        else:
            bodies += "".join(body)
    front = [Layer("body", bodies), Layer("broken", broken)]
    return [*arches, *front] if stage.view == "lateral" else [*front, *arches]


def _stage_layers(stage: Stage) -> list[Layer]:
    """Return the layers of a stage's drawing, back to front."""
    view, front = make_view(stage.view, STAGE_RASTER), stage.view == "front"
    layers = [Layer("rib", _visible_paths(outlines.rib_outlines(view, stage.spine, level))) for level in ("T11", "T12")]
    if not front:
        layers.append(Layer("nerve", smooth_svg_path(outlines.canal_outline(view, stage.spine, 6.5))))
    layers.append(Layer("disc", _visible_paths(outlines.disc_outlines(view, stage.spine, front=front))))
    layers += _vertebra_layers(stage)
    if front:
        pedicles = [curve for level in LEVELS for curve in outlines.pedicle_outlines(view, stage.spine, level)]
        spinous_processes = [curve for level in LEVELS for curve in outlines.spinous_outline(view, stage.spine, level)]
        layers += [Layer("oval", _visible_paths(pedicles)), Layer("ridge", _visible_paths(spinous_processes))]
    for name, curves in outlines.device_outlines(view, stage).items():
        layers.append(Layer(name, _visible_paths(curves, straight=name == "needle")))
    return layers


@lru_cache(maxsize=32)
def _cached_layers(slug: str) -> tuple[Layer, ...]:
    if slug in ILLUSTRATION_SLUGS:
        return tuple(illustration_layers(slug))
    return tuple(_stage_layers(STAGES_BY_SLUG[slug]) if slug in STAGES_BY_SLUG else standalone_layers(slug))


def render_drawing(slug: str, *, is_dark: bool) -> str:
    """Return the SVG text of a drawing for the light or the dark color scheme."""
    return render_svg(_cached_layers(slug), DARK_PALETTE if is_dark else LIGHT_PALETTE)
