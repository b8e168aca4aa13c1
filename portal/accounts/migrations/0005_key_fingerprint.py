"""The fingerprint of the secret key (portal/secret_key.py)."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("staff", "0004_audit_and_retention")]

    operations = [
        migrations.CreateModel(
            name="KeyFingerprint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fingerprint", models.CharField(max_length=16)),
                ("recorded_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
    ]
