"""On PostgreSQL, notify every process when public content changes (portal/storage/database.py)."""

from django.db import migrations

TABLES = ("procedures_releaseevent", "procedures_clinic", "procedures_clinictext")
FUNCTION = "CREATE OR REPLACE FUNCTION public_site_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NOTIFY public_site; RETURN NULL; END $$"


def create_triggers(apps, editor):
    if editor.connection.vendor != "postgresql":
        return
    editor.execute(FUNCTION)
    for table in TABLES:
        editor.execute(
            f"CREATE TRIGGER public_site_changed AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION public_site_changed()"
        )


def drop_triggers(apps, editor):
    if editor.connection.vendor != "postgresql":
        return
    for table in TABLES:
        editor.execute(f"DROP TRIGGER public_site_changed ON {table}")
    editor.execute("DROP FUNCTION public_site_changed()")


class Migration(migrations.Migration):
    dependencies = [("procedures", "0001_initial")]

    operations = [migrations.RunPython(create_triggers, drop_triggers)]
