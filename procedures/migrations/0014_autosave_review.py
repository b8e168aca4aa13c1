from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("procedures", "0013_single_line_text")]

    operations = [
        migrations.AlterField(
            model_name="autosave",
            name="form",
            field=models.CharField(
                choices=[("page", "page"), ("guide", "guide"), ("review", "review")], max_length=8
            ),
        ),
    ]
