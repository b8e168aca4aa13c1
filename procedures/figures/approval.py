"""Which picture of a figure the public may see: one that a second person approved, or one supplied with the product."""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db import models

from procedures.models import Approval, Figure, FigureApproval, FigureText, Marker, MarkerText, Rendition

# Fields that change nothing about what is shown.
EXCLUDED_FIELDS = frozenset({"id", "created_at", "text_detection"})


class FigureVersion(Enum):
    """Which picture of each figure a rendering uses."""

    CURRENT = "current"  # approved or not: previews and reviews
    APPROVED = "approved"  # the current one, where it is approved: publishing
    PUBLIC = "public"  # else the one that patients see now: rebuilding a page whose text stays the same


@dataclass(frozen=True, slots=True)
class ApprovedFigure:
    """A figure as a release may show it, and the approval that allows it. ``saved``: it is the figure as it is now."""

    figure: Figure
    approval: FigureApproval
    is_current: bool


def figure_hash(figure: Figure) -> str:
    """What an approval is bound to: pixels, the lines of drawings, and the kind, which decides what pages say."""
    parts = (figure.sha256, figure.drawing, figure.drawing_dark, figure.kind)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def figure_files(figure: Figure) -> list[str]:
    """The files that a saved figure names: master, drawings, sizes."""
    rows = sorted(row.file for row in figure.renditions.all())
    return [name for name in (figure.image, figure.drawing, figure.drawing_dark, *rows) if name]


def build_snapshot(figure: Figure) -> dict[str, Any]:
    """Everything that rendering the figure needs, as plain data."""
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
    own = [field.attname for field in fields if not field.is_relation]
    return {name: getattr(row, name) for name in own if name not in EXCLUDED_FIELDS}


def figure_from_snapshot(figure_id: int, snapshot: dict[str, Any]) -> Figure:
    """The figure as it was when the snapshot was taken: unsaved, to be rendered only."""
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
    # Where prefetch_related() puts what it has read: nothing is asked of the database then.
    row._prefetched_objects_cache = related  # noqa: SLF001 -- there is no public way to it


def approved_figures(figures: Iterable[Figure], version: FigureVersion) -> dict[str, ApprovedFigure]:
    """By slug, what a release may show of each figure; those of which nothing may be shown are left out.

    One query for all of them, and one more for each figure whose newer picture waits for approval. Expects ``texts``,
    ``markers__texts`` and ``renditions`` prefetched.
    """
    by_pk = {figure.pk: figure for figure in figures}
    rows: dict[int, list[FigureApproval]] = {pk: [] for pk in by_pk}
    found = FigureApproval.objects.with_state().filter(figure__in=by_pk).defer("snapshot", "files").order_by("pk")
    for row in found:
        rows[row.figure_id or 0].append(row)
    allowed = {pk: _select_approved(figure, rows[pk], version) for pk, figure in by_pk.items()}
    return {by_pk[pk].slug: one for pk, one in allowed.items() if one}


def _select_approved(figure: Figure, rows: list[FigureApproval], version: FigureVersion) -> ApprovedFigure | None:
    current = figure_hash(figure)
    same = [row for row in rows if row.figure_hash == current and (row.is_public or not row.is_void)]
    if same:
        return ApprovedFigure(figure, same[-1], is_current=True)
    if version == FigureVersion.APPROVED:
        return None
    # While a newer picture waits, patients go on seeing the one they see now. A supplied picture was always public.
    older = [row for row in rows if row.is_public] or [row for row in rows if row.approval_id is None]
    # Snapshots are read one by one, the newest first.
    usable = next((row for row in reversed(older) if row.snapshot), None)
    return _from_approval(figure.pk, usable) if usable else None


def _from_approval(figure_id: int, row: FigureApproval) -> ApprovedFigure:
    return ApprovedFigure(figure_from_snapshot(figure_id, row.snapshot), row, is_current=False)


def public_figures() -> dict[str, ApprovedFigure]:
    """By slug, the pictures that live releases show, each as it is shown there: for the index of pictures."""
    rows = FigureApproval.objects.public().exclude(figure=None).order_by("figure__slug", "pk").select_related("figure")
    newest = {row.figure.slug: row for row in rows if row.figure and row.snapshot}
    return {slug: _from_approval(row.figure_id or 0, row) for slug, row in newest.items()}


def unapproved_figures(figures: Collection[Figure]) -> list[Figure]:
    """Those whose current picture no one has approved."""
    approved = approved_figures(figures, FigureVersion.APPROVED)
    return [figure for figure in figures if figure.slug not in approved]


def record_approval(figure: Figure, approval: Approval | None) -> FigureApproval:
    """Write down that the current picture of a figure is approved; ``None``: it was supplied with the product."""
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
    """Whether these still have the picture and the files that were read; locks them until the transaction ends.

    A figure and its sizes are two queries. Without the lock another picture could be saved between them.
    """
    rows = Figure.objects.select_for_update().filter(pk__in=[figure.pk for figure in figures]).order_by("pk")
    now = {row.pk: (figure_hash(row), figure_files(row)) for row in rows.prefetch_related("renditions")}
    return all(now.get(figure.pk) == (figure_hash(figure), figure_files(figure)) for figure in figures)


def approval_for_release(approved: ApprovedFigure) -> FigureApproval:
    """The row for a release that shows the figure as it is now: words, marks or sizes may differ from the approved."""
    if not approved.is_current or _hash_snapshot(build_snapshot(approved.figure)) == approved.approval.snapshot_hash:
        return approved.approval
    return record_approval(approved.figure, approved.approval.approval)


def _hash_snapshot(snapshot: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(snapshot, sort_keys=True).encode()).hexdigest()


def public_files() -> frozenset[str]:
    """Names of all media files that the public may read now."""
    rows = FigureApproval.objects.public().values_list("files", flat=True)
    return frozenset(name for files in rows for name in files)
