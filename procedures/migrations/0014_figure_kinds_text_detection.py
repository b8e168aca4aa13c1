from django.db import migrations, models

# The simulated set of the starter content: computed as fluoroscopy, with dark bone.
STARTER = (
    "kyphoplasty-balloon", "kyphoplasty-cement-done", "kyphoplasty-cement-going-in", "kyphoplasty-fracture",
    "kyphoplasty-front-view", "kyphoplasty-healthy", "kyphoplasty-needle", "kyphoplasty-needle-entering",
    "vertebroplasty-cement", "vertebroplasty-needle",
)


def name_kinds(apps, schema_editor):
    """Every upload was "xray". Only the starter set is known to be one; the rest claims nothing until staff say."""
    figures = apps.get_model("procedures", "Figure").objects.filter(kind="xray")
    figures.filter(slug__in=STARTER, provenance="simulated", uploaded_by=None).exclude(drawing="").update(
        kind="fluoroscopy"
    )
    figures.filter(image="").update(kind="drawing")
    figures.update(kind="other")


def forget_kinds(apps, schema_editor):
    apps.get_model("procedures", "Figure").objects.exclude(kind="drawing", image="").update(kind="xray")


class Migration(migrations.Migration):
    dependencies = [("procedures", "0013_single_line_text")]

    operations = [
        migrations.AddField(
            model_name="figure",
            name="text_detection",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        migrations.AlterField(
            model_name="figure",
            name="kind",
            field=models.CharField(
                choices=[
                    ("fluoroscopy", "Fluoroscopy, or another X-ray on which bone looks dark"),
                    ("radiograph", "Radiograph, or another X-ray on which bone looks white"),
                    ("ct", "CT"),
                    ("mri", "MRI"),
                    ("photo", "Photo"),
                    ("drawing", "Drawing"),
                    ("other", "Something else, or not known"),
                ],
                default="other",
                max_length=12,
                verbose_name="kind of picture",
            ),
        ),
        migrations.RunPython(name_kinds, forget_kinds),
        migrations.AddConstraint(
            model_name="figure",
            constraint=models.CheckConstraint(
                condition=models.Q(("image", ""), _negated=True) | models.Q(("kind", "drawing")),
                name="figure_without_pixels_is_a_drawing",
                violation_error_message="This figure has lines only. Choose “Drawing”.",
            ),
        ),
    ]
