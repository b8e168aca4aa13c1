"""Figure approval: which image of a figure the public may see.

That is an image approved by a second person, or one supplied with the product.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db import models

from procedures.models import Approval, Figure, FigureApproval, FigureText, Marker, MarkerText, Rendition

# Fields that do not affect what is shown.
EXCLUDED_FIELDS = frozenset({"id", "created_at", "text_detection"})


class FigureVersion(Enum):
    """Which image of each figure to render."""

    CURRENT = "current"  # approved or not; for previews and reviews
    APPROVED = "approved"  # the current one if approved; for publishing
    PUBLIC = "public"  # the current one if approved, else the one patients see now; for rebuilding unchanged pages


@dataclass(frozen=True, slots=True)
class ApprovedFigure:
    """A figure as a release may show it, with the approval that allows it. ``is_current``: it is the current image."""

    figure: Figure
    approval: FigureApproval
    is_current: bool


def figure_hash(figure: Figure) -> str:
    """Return the hash that an approval covers: pixels, drawings, and the kind and source, which pages print.

    Stored with each approval: another formula needs a migration, as in ``0010``.
    """
    parts = (figure.sha256, figure.drawing, figure.drawing_dark, figure.kind, figure.provenance)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def figure_files(figure: Figure) -> list[str]:
    """Return the file names of a saved figure: master, drawings, renditions."""
    rows = sorted(row.file for row in figure.renditions.all())
    return [name for name in (figure.image, figure.drawing, figure.drawing_dark, *rows) if name]


def build_snapshot(figure: Figure) -> dict[str, Any]:
    """Return everything needed to render the figure, as JSON data. Keys are model field names."""
    return {
        "figure": _serialize_fields(figure),
        "texts": _serialize_texts(figure),
        "markers": [
            {**_serialize_fields(marker), "texts": _serialize_texts(marker)} for marker in figure.markers.all()
        ],
        "renditions": [_serialize_fields(row) for row in figure.renditions.all()],
    }


def _serialize_texts(owner: Figure | Marker) -> list[dict[str, Any]]:
    return [_serialize_fields(text) for text in sorted(owner.texts.all(), key=lambda text: text.language)]


def _serialize_fields(row: models.Model) -> dict[str, Any]:
    fields = row._meta.concrete_fields  # noqa: SLF001 -- Django documents it
    names = [field.attname for field in fields if not field.is_relation]
    return {name: getattr(row, name) for name in names if name not in EXCLUDED_FIELDS}


def figure_from_snapshot(figure_id: int, snapshot: dict[str, Any]) -> Figure:
    """Rebuild the figure of a snapshot as unsaved instances, for rendering only."""
    figure: Figure = _build_instance(Figure, snapshot["figure"], pk=figure_id)
    markers: list[Marker] = []
    for values in snapshot["markers"]:
        marker: Marker = _build_instance(Marker, values, pk=len(markers))
        _set_prefetched(marker, texts=[_build_instance(MarkerText, text) for text in values["texts"]])
        markers.append(marker)
    texts = [_build_instance(FigureText, values) for values in snapshot["texts"]]
    _set_prefetched(
        figure, texts=texts, markers=markers, renditions=[_build_instance(Rendition, v) for v in snapshot["renditions"]]
    )
    return figure


def _build_instance(model: type[models.Model], values: dict[str, Any], **extra: Any) -> Any:
    names = {field.attname for field in model._meta.concrete_fields}  # noqa: SLF001 -- Django documents it
    return model(**{name: value for name, value in values.items() if name in names}, **extra)


def _set_prefetched(row: Any, **related: list[Any]) -> None:
    # The cache of prefetch_related(), so that rendering runs no queries.
    row._prefetched_objects_cache = related  # noqa: SLF001 -- no public API


def approved_figures(figures: Iterable[Figure], version: FigureVersion) -> dict[str, ApprovedFigure]:
    """Return, by slug, the version of each figure that a release may show. Figures that may not be shown are left out.

    Runs one query, plus one for each figure whose newer image awaits approval. Expects ``texts``, ``markers__texts``,
    and ``renditions`` to be prefetched.
    """
    by_pk = {figure.pk: figure for figure in figures}
    rows: dict[int, list[FigureApproval]] = {pk: [] for pk in by_pk}
    approvals = FigureApproval.objects.with_state().filter(figure__in=by_pk).defer("snapshot", "files").order_by("pk")
    for row in approvals:
        rows[row.figure_id or 0].append(row)
    selected = {pk: _select_approved(figure, rows[pk], version) for pk, figure in by_pk.items()}
    return {by_pk[pk].slug: approved for pk, approved in selected.items() if approved}


def _select_approved(figure: Figure, rows: list[FigureApproval], version: FigureVersion) -> ApprovedFigure | None:
    current = figure_hash(figure)
    valid = [row for row in rows if row.is_public or not row.is_void]
    # The newest approval counts: a picture that another one replaced needs a new approval when it is uploaded again.
    if valid and valid[-1].figure_hash == current:
        return ApprovedFigure(figure, valid[-1], is_current=True)
    if version == FigureVersion.APPROVED:
        return None
    # Until a newer image is approved, patients still see the previous one. A supplied image was always public.
    older = [row for row in rows if row.is_public] or [row for row in rows if row.approval_id is None]
    # Snapshots are deferred: load them one at a time, newest first.
    usable = next((row for row in reversed(older) if row.snapshot), None)
    return _from_approval(figure.pk, usable) if usable else None


def _from_approval(figure_id: int, row: FigureApproval) -> ApprovedFigure:
    return ApprovedFigure(figure_from_snapshot(figure_id, row.snapshot), row, is_current=False)


def public_figures() -> dict[str, ApprovedFigure]:
    """Return by slug the figures in live releases, as they are shown there; for the picture index."""
    rows = FigureApproval.objects.public().exclude(figure=None).order_by("figure__slug", "pk").select_related("figure")
    newest = {row.figure.slug: row for row in rows if row.figure and row.snapshot}
    return {slug: _from_approval(row.figure_id or 0, row) for slug, row in newest.items()}


def unapproved_figures(figures: Collection[Figure]) -> list[Figure]:
    """Return the figures whose current image is not approved."""
    approved = approved_figures(figures, FigureVersion.APPROVED)
    return [figure for figure in figures if figure.slug not in approved]


def record_approval(figure: Figure, approval: Approval | None) -> FigureApproval:
    """Record that the current image of a figure is approved, or, without ``approval``, that it was supplied with the
    product.
    """
    snapshot = build_snapshot(figure)
    return FigureApproval.objects.create(
        figure=figure,
        approval=approval,
        figure_hash=figure_hash(figure),
        snapshot=snapshot,
        snapshot_hash=_hash_snapshot(snapshot),
        files=figure_files(figure),
    )


def lock_and_check_unchanged(figures: Collection[Figure]) -> bool:
    """Lock the figures until the transaction ends; return whether their images and files are unchanged.

    A figure and its renditions are read in two queries; without the lock, another image could be saved in between.
    """
    rows = Figure.objects.select_for_update().filter(pk__in=[figure.pk for figure in figures]).order_by("pk")
    current = {row.pk: (figure_hash(row), figure_files(row)) for row in rows.prefetch_related("renditions")}
    return all(current.get(figure.pk) == (figure_hash(figure), figure_files(figure)) for figure in figures)


def approval_for_release(approved: ApprovedFigure) -> FigureApproval:
    """Return the row for a release to reference: a new one if texts, markers, or renditions changed since approval."""
    if not approved.is_current or _hash_snapshot(build_snapshot(approved.figure)) == approved.approval.snapshot_hash:
        return approved.approval
    return record_approval(approved.figure, approved.approval.approval)


def _hash_snapshot(snapshot: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(snapshot, sort_keys=True).encode()).hexdigest()


def public_files() -> frozenset[str]:
    """Return the names of all media files that are public now."""
    rows = FigureApproval.objects.public().values_list("files", flat=True)
    return frozenset(name for files in rows for name in files)
