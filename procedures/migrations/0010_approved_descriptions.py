"""The approval of a picture also covers its source, so the stored hashes of approvals include it."""

import hashlib

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from portal.append_only import RefuseChanges, create_triggers_sql, drop_triggers_sql

OLD_FIELDS = ("sha256", "drawing", "drawing_dark", "kind")
NEW_FIELDS = (*OLD_FIELDS, "provenance")


def hash_fields(values, names):
    return hashlib.sha256("\n".join(values[name] for name in names).encode()).hexdigest()


def convert_hashes(apps, schema_editor, old_fields, new_fields):
    """Recompute each hash from the picture as it was approved, so that an unchanged picture stays approved.

    A hash that does not match its own picture is left alone; a reviewer then has to approve that picture.
    """
    FigureApproval = apps.get_model("procedures", "FigureApproval")
    Figure = apps.get_model("procedures", "Figure")
    for statement in drop_triggers_sql(schema_editor.connection.vendor, FigureApproval):
        schema_editor.execute(statement, params=None)
    figures = {row["pk"]: row for row in Figure.objects.values("pk", *NEW_FIELDS)}
    converted = {}
    rows = FigureApproval.objects.values_list("pk", "figure_id", "figure_hash", "snapshot")
    for pk, figure_id, old_hash, snapshot in rows.iterator():
        values = snapshot.get("figure") or figures.get(figure_id) or {}
        if values.keys() >= set(NEW_FIELDS) and hash_fields(values, old_fields) == old_hash:
            converted[pk] = hash_fields(values, new_fields)
    for pk, new_hash in converted.items():
        FigureApproval.objects.filter(pk=pk).update(figure_hash=new_hash)


def include_source(apps, schema_editor):
    convert_hashes(apps, schema_editor, OLD_FIELDS, NEW_FIELDS)


def exclude_source(apps, schema_editor):
    convert_hashes(apps, schema_editor, NEW_FIELDS, OLD_FIELDS)
    FigureApproval = apps.get_model("procedures", "FigureApproval")
    for statement in create_triggers_sql(schema_editor.connection.vendor, FigureApproval, (), ("figure",)):
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):

    dependencies = [
        ('procedures', '0009_longer_short_signs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='figure',
            name='provenance_changed_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='source changed by'),
        ),
        migrations.AlterField(
            model_name='figureapproval',
            name='figure_hash',
            field=models.CharField(help_text='Hash of what was approved: the pixels, the drawings, the kind, and the source.', max_length=64),
        ),
        migrations.AlterField(
            model_name='page',
            name='kind',
            field=models.CharField(choices=[('condition', 'Condition'), ('procedure', 'Procedure'), ('choice', 'Choice'), ('preparation', 'Getting ready'), ('day', 'Procedure day'), ('recovery', 'Recovery'), ('risks', 'Risks'), ('prevention', 'Prevention'), ('about', 'About'), ('guide', 'Guide')], help_text='It cannot change once a text of this page is approved, because it decides what patients read.', max_length=12, verbose_name='page type'),
        ),
        migrations.AlterField(
            model_name='page',
            name='order',
            field=models.PositiveSmallIntegerField(default=100, help_text='Smaller numbers come first on the home page. Set by those who can publish: it applies at once.', verbose_name='position'),
        ),
        migrations.RunPython(include_source, exclude_source),
        RefuseChanges('figureapproval', clearable_fields=('figure',)),
    ]
