"""Groups for the three roles, with their permissions."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

from procedures.roles import ROLES


def make_roles(apps, schema_editor):
    # Permissions are otherwise made after all migrations, too late for the groups.
    for label in ("procedures", "staff"):
        config = installed.get_app_config(label)
        create_permissions(config, verbosity=0, apps=apps, using=schema_editor.connection.alias)
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    for name, codenames in ROLES.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set(Permission.objects.filter(codename__in=codenames, content_type__app_label__in=["procedures", "staff"]))


class Migration(migrations.Migration):
    dependencies = [
        ("procedures", "0002_initial"),
        ("staff", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
