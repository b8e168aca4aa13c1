"""Pictures that live releases show now stay public, under the approval of the release that shows them.

Pictures that only an index of pictures shows lose their public address: no one has approved a text with them.
"""

import hashlib
import json
import re

from django.db import migrations

NAME = re.compile(r"figures/[0-9a-f]{16,64}(?:-[0-9]{1,5})?\.(?:avif|webp|jpeg|png|svg)")
BLOCK = re.compile(r"^:::[ \t]*(?:figure|compare)[ \t]+([^\n]+)$", re.MULTILINE)
SERIES = re.compile(r"^:::[ \t]*series[ \t]+([^\n]+)$", re.MULTILINE)
LEFT_OUT = {"id", "created_at", "text_detection"}


def approve(apps, editor):
    ReleaseInput = apps.get_model("procedures", "ReleaseInput")
    live = ReleaseInput.objects.filter(release__live_on__isnull=False)
    indexes = set(live.filter(kind="list", key="figures").values_list("release", flat=True))
    made = {}
    rows = live.filter(kind="figure", figure__isnull=False)
    for used in rows.select_related("release__revision", "release__page", "figure").order_by("pk"):
        release, figure = used.release, used.figure
        if release.pk in indexes and used.key not in named(apps, release):
            continue
        names = set(NAME.findall(f"{release.html} {json.dumps(release.thumbnail)}"))
        shown = names.intersection(files_of(figure))
        old = [] if shown else sorted(names.difference(files_of_all(apps)))
        if not shown and not old:
            continue
        key = (figure.pk, bool(shown), *old)
        if key not in made:
            made[key] = record(apps, figure, release.approval_id, old)
        ReleaseInput.objects.filter(pk=used.pk).update(figure_approval=made[key])


def named(apps, release):
    """Figures that the text itself shows."""
    content = release.revision.content
    slugs = {content.get("lead_figure", "")}
    slugs.update(slug for line in BLOCK.findall(content["body"]) for slug in line.split())
    series = [slug for line in SERIES.findall(content["body"]) for slug in line.split()]
    items = apps.get_model("procedures", "SeriesItem").objects.filter(
        series__slug__in=series, series__language=release.page.language
    )
    return slugs.union(items.values_list("figure__slug", flat=True))


def files_of(figure):
    rows = sorted(figure.renditions.values_list("file", flat=True))
    return [name for name in (figure.image, figure.drawing, figure.drawing_dark, *rows) if name]


def files_of_all(apps):
    return {name for figure in apps.get_model("procedures", "Figure").objects.all() for name in files_of(figure)}


def record(apps, figure, approval, old):
    """``old``: files of a picture that was replaced since and is public still; its sizes are not known any more."""
    snapshot = {} if old else take_snapshot(figure)
    parts = (figure.sha256, figure.drawing, figure.drawing_dark, figure.kind)
    return apps.get_model("procedures", "FigureApproval").objects.create(
        figure=figure,
        approval_id=approval,
        figure_hash="" if old else hashlib.sha256("\n".join(parts).encode()).hexdigest(),
        snapshot=snapshot,
        snapshot_hash=hashlib.sha256(json.dumps(snapshot, sort_keys=True).encode()).hexdigest(),
        files=old or files_of(figure),
    )


def take_snapshot(figure):
    return {
        "figure": fields(figure),
        "texts": [fields(text) for text in figure.texts.order_by("language")],
        "markers": [
            {**fields(marker), "texts": [fields(text) for text in marker.texts.order_by("language")]}
            for marker in figure.markers.order_by("order", "pk")
        ],
        "renditions": [fields(row) for row in figure.renditions.order_by("format", "width")],
    }


def fields(row):
    own = [field for field in row._meta.concrete_fields if not field.is_relation and field.attname not in LEFT_OUT]
    return {field.attname: getattr(row, field.attname) for field in own}


class Migration(migrations.Migration):
    dependencies = [("procedures", "0015_figure_approval")]

    operations = [migrations.RunPython(approve, migrations.RunPython.noop)]
