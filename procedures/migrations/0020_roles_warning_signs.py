"""The permissions of the three roles again: the list of warning signs has come."""

from importlib import import_module

from django.db import migrations

make_roles = import_module("procedures.migrations.0003_roles").make_roles


class Migration(migrations.Migration):
    dependencies = [("procedures", "0019_warning_signs")]
    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
