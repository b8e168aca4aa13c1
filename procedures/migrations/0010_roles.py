"""The permissions of the three roles again: totals, answers of readers and broken links have come."""

from importlib import import_module

from django.db import migrations

make_roles = import_module("procedures.migrations.0003_roles").make_roles


class Migration(migrations.Migration):
    dependencies = [("procedures", "0009_schedule_comments_digests")]
    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
