"""Managers look after people and read the log of sign-ins."""

from importlib import import_module

from django.db import migrations

make_roles = import_module("procedures.migrations.0003_roles").make_roles


class Migration(migrations.Migration):
    dependencies = [
        ("procedures", "0005_links_outside"),
        ("staff", "0002_signin_tables"),
    ]
    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
