from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("procedures", "0012_lists_and_uses")]

    operations = [
        migrations.AlterField(
            model_name="autosave",
            name="form",
            field=models.CharField(
                choices=[("page", "page"), ("guide", "guide"), ("review", "review")], max_length=8
            ),
        ),
    ]
