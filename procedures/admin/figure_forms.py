"""The fields that every picture form has in common, and replacing the files of a picture."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import slugify

from portal.staff.models import User
from procedures.admin.base import AnyForm
from procedures.enums import Provenance
from procedures.figures.approval import files_of
from procedures.figures.orphans import forget
from procedures.figures.renditions import replace_renditions
from procedures.models import Figure, FigureText, MarkerText, Rendition

LOOK_CLOSELY = "Look closely at the picture. Tick this when no name, date or number is visible in it."
SLUG_LENGTH = 70


class PictureForm(AnyForm):
    """Kind and origin of a picture, and the confirmation that a person has looked at it."""

    class Meta:
        model = Figure
        fields = ("kind", "provenance", "provenance_note", "nothing_visible")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            self.fields["kind"].error_messages["required"] = "Say what kind of picture it is."
        if "nothing_visible" in self.fields:
            ticked = self.fields["nothing_visible"]
            ticked.required = True
            ticked.error_messages["required"] = LOOK_CLOSELY

    def clean(self) -> dict[str, Any]:
        """The database refuses a clinic's picture without its consent; here the sentence stands at the field."""
        values = super().clean() or self.cleaned_data
        if values.get("provenance") == Provenance.CLINIC and not values.get("provenance_note", "").strip():
            self.add_error("provenance_note", "Write where the patient's written consent is filed. No name.")
        return values


def check_words(form: forms.BaseForm, row: FigureText | MarkerText) -> None:
    """Validate an unsaved row of words as a form of its own would. Errors go to the fields ``<name>_<language>``."""
    try:
        row.full_clean(exclude={"figure", "marker"}, validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        for name, errors in error.error_dict.items():
            field = f"{name}_{row.language}"
            if field not in form.errors:
                form.add_error(field, errors)


def keep_picture(figure: Figure, renditions: list[Rendition], *, uploaded_by: User) -> None:
    """Save the rows of a figure with a new picture, in place of those that it had.

    The picture's files are there: call ``store_picture`` before the transaction, because sizes take seconds and other
    people's saves wait for a transaction on SQLite; and call both within ``undone_on_failure()``. Files of the old
    picture that no release shows go away when the transaction is through.
    """
    # The figure at hand names the new files already.
    before = Figure.objects.filter(pk=figure.pk).first()
    old = files_of(before) if before else []
    figure.uploaded_by = uploaded_by
    figure.kind_changed_by = uploaded_by if before and before.kind != figure.kind else None
    figure.save()
    replace_renditions(figure, renditions)
    forget(old)


def free_slug(title: str) -> str:
    """A name for a picture from its title, with a number where the name is taken."""
    wanted = slugify(title)[:SLUG_LENGTH].strip("-") or "picture"
    taken = set(Figure.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(slug for slug in numbered if slug not in taken)
