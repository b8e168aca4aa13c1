"""Forms over a picture: every file goes through the one intake, and the person who brings it answers for it."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.forms.models import fields_for_model
from django.utils.text import slugify

from portal.staff.models import User
from procedures.admin.base import AnyForm
from procedures.enums import Language, Provenance
from procedures.figures.duplicate import duplicate
from procedures.figures.intake import MOST_BYTES, BadPictureError, Picture, read_picture
from procedures.figures.orphans import files_of, forget, undone_on_failure
from procedures.figures.renditions import replace_renditions, store_picture
from procedures.models import Figure, FigureText, Rendition

LOOK_CLOSELY = "Look closely at the picture. Tick this when no name, date or number is visible in it."
SLUG_LENGTH = 70


class PictureField(forms.FileField):
    """A file that becomes a Picture, through intake; its refusals are sentences already."""

    default_error_messages = {"required": "Choose a picture.", "empty": "The file is empty. Choose another one."}

    def clean(self, data: Any, initial: Any = None) -> Any:
        """The pixels."""
        upload: UploadedFile | None = super().clean(data, initial)
        if upload is None:
            return None
        try:
            # One byte more than allowed is enough for intake to see that it is too much.
            return read_picture(upload.read(MOST_BYTES + 1))
        except BadPictureError as error:
            raise forms.ValidationError(str(error)) from error


class PictureForm(AnyForm):
    """Where a figure's picture comes from, and that a person has looked at it."""

    class Meta:
        model = Figure
        fields = ("provenance", "provenance_note", "nothing_visible")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
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
    figure.save()
    replace_renditions(figure, renditions)
    forget(old)


class UploadForm(PictureForm):
    """A new picture with its words in one language: what the editor sends."""

    picture = PictureField()
    language = forms.ChoiceField(choices=Language.choices)
    title, alt, caption = (
        field for field in fields_for_model(FigureText, ("title", "alt", "caption")).values() if field is not None
    )

    def clean_picture(self) -> Picture:
        """The same picture twice is mostly a mistake; on purpose it comes in through the other screen."""
        picture: Picture = self.cleaned_data["picture"]
        if same := duplicate(picture):
            raise forms.ValidationError(f"This picture is here already. Put it in with: ::: figure {same.slug}")
        return picture

    def keep(self, *, uploaded_by: User) -> Figure:
        """Save figure, files and words. Call it on a valid form only."""
        figure: Figure = self.instance
        words = {name: self.cleaned_data[name] for name in ("language", "title", "alt", "caption")}
        with undone_on_failure():
            renditions = store_picture(figure, self.cleaned_data["picture"])
            with transaction.atomic():
                figure.slug = free_slug(words["title"])
                keep_picture(figure, renditions, uploaded_by=uploaded_by)
                FigureText.objects.create(figure=figure, **words)
        return figure


def free_slug(title: str) -> str:
    """A name for a picture from its title, with a number where the name is taken."""
    wanted = slugify(title)[:SLUG_LENGTH].strip("-") or "picture"
    taken = set(Figure.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(slug for slug in numbered if slug not in taken)
