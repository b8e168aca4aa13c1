"""The permissions of the three roles again: answers of readers and totals have come."""

from importlib import import_module

from django.db import migrations

make_roles = import_module("procedures.migrations.0003_roles").make_roles


class Migration(migrations.Migration):
    dependencies = [("procedures", "0004_kit_readers")]
    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
