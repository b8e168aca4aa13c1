"""The list of sessions is allauth's (allauth.usersessions). A session from before is listed from the next sign-in on."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("staff", "0002_refuse_changes")]

    operations = [migrations.DeleteModel("StaffSession")]
