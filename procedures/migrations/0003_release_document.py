"""Add the document tree of a release."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """``Release.document``; empty for releases that were published before."""

    dependencies = [("procedures", "0002_notify_postgresql")]

    operations = [
        migrations.AddField(
            model_name="release",
            name="document",
            field=models.JSONField(
                blank=True,
                help_text="The tree of the article (rendering.document), for comparisons and checks.",
                null=True,
                verbose_name="document",
            ),
        ),
    ]
