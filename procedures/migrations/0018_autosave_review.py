from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("procedures", "0017_plain_text_and_anchors")]

    operations = [
        migrations.AlterField(
            model_name="autosave",
            name="form",
            field=models.CharField(
                choices=[("page", "page"), ("guide", "guide"), ("review", "review")], max_length=8
            ),
        ),
    ]
