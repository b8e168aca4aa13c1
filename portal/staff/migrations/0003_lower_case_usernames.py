"""User names become lower case; of two that differ in case only, the younger gets a number."""

import django.contrib.auth.validators
import unicodedata
from django.db import migrations, models
from django.db.models.functions import Lower

import portal.validators


def stored_names(names):
    """The names as they are stored from now on, in the same order; of two that become the same, the later gets a number."""
    result = []
    for typed in names:
        wanted = unicodedata.normalize("NFKC", typed).strip().lower()
        name, number = wanted, 2
        while name in result:
            name, number = f"{wanted[:140]}-{number}", number + 1
        result.append(name)
    return result


def lower_usernames(apps, schema_editor):
    User = apps.get_model("staff", "User")
    users = list(User.objects.order_by("pk"))
    changed = [(user, name) for user, name in zip(users, stored_names([user.username for user in users])) if user.username != name]
    # In two steps: a new name may be the old one of another account.
    for user, _ in changed:
        User.objects.filter(pk=user.pk).update(username=f" {user.pk}")
    for user, name in changed:
        User.objects.filter(pk=user.pk).update(username=name)


class Migration(migrations.Migration):

    dependencies = [
        ("staff", "0002_signin_tables"),
    ]

    operations = [
        migrations.RunPython(lower_usernames, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name="user",
            name="first_name",
            field=models.CharField(blank=True, max_length=150, validators=[portal.validators.validate_single_line], verbose_name="first name"),
        ),
        migrations.AlterField(
            model_name="user",
            name="last_name",
            field=models.CharField(blank=True, max_length=150, validators=[portal.validators.validate_single_line], verbose_name="last name"),
        ),
        migrations.AlterField(
            model_name="user",
            name="username",
            field=models.CharField(error_messages={"unique": "This user name is taken. Choose another one."}, help_text="To sign in with, such as nina. Letters, digits and . - _ @ +", max_length=150, unique=True, validators=[django.contrib.auth.validators.ASCIIUsernameValidator(message="Use letters without accents, digits and . - _ @ + only. Capitals do not count.")], verbose_name="user name"),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(condition=models.Q(("username", Lower("username"))), name="staff_username_is_lower_case", violation_error_message="Write the user name in lower case."),
        ),
    ]
