"""The database itself refuses to change or delete the audit log (portal/append_only.py)."""

from django.db import migrations

from portal.append_only import RefuseChanges


class Migration(migrations.Migration):
    dependencies = [("staff", "0001_initial")]

    operations = [RefuseChanges("auditevent")]
