"""The database itself refuses to change or delete history (portal/append_only.py)."""

from django.db import migrations

from portal.append_only import RefuseChanges

APPEND_ONLY = """
    revision approval reviewcomment release releasedependency releaseevent digestdelivery
    warningsignrevision warningsignevent
""".split()


class Migration(migrations.Migration):
    dependencies = [("procedures", "0003_release_document")]

    operations = [
        *(RefuseChanges(name) for name in APPEND_ONLY),
        RefuseChanges("figureapproval", clearable_fields=("figure",)),
        RefuseChanges("path", mutable_fields=("is_canonical",)),
    ]
