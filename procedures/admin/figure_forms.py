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
from procedures.figures.intake import MOST_BYTES, BadPictureError, Picture, read_picture
from procedures.figures.renditions import store_picture
from procedures.models import Figure, FigureText, Rendition

LOOK_CLOSELY = "Look closely at the picture. Tick this when no name, date or number is visible in it."
SLUG_LENGTH = 70


class PictureForm(AnyForm):
    """A figure and its picture file. ``picture`` is empty where an existing figure keeps its picture."""

    picture = forms.FileField(
        required=False,
        help_text="JPEG, PNG or WebP, up to 20 MB. Names, places and dates inside the file are removed.",
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )

    class Meta:
        model = Figure
        fields = ("provenance", "provenance_note", "nothing_visible")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "nothing_visible" in self.fields:
            ticked = self.fields["nothing_visible"]
            ticked.required = True
            ticked.error_messages["required"] = LOOK_CLOSELY

    def clean_picture(self) -> Picture | None:
        """The pixels, through intake; its refusals are sentences already."""
        upload: UploadedFile | None = self.cleaned_data["picture"]
        if upload is None:
            if not (self.instance.image or self.instance.drawing):
                raise forms.ValidationError("Choose a picture.")
            return None
        try:
            # One byte more than allowed is enough for intake to see that it is too much.
            return read_picture(upload.read(MOST_BYTES + 1))
        except BadPictureError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        """The database refuses a clinic's picture without its consent; here the sentence stands at the field."""
        values = super().clean() or self.cleaned_data
        if values.get("provenance") == Provenance.CLINIC and not values.get("provenance_note", "").strip():
            self.add_error("provenance_note", "Write where the patient's written consent is filed. No name.")
        return values


@transaction.atomic
def keep_picture(figure: Figure, picture: Picture | None, *, uploaded_by: User) -> None:
    """Save a figure; with a new picture also its files, and the rows of its sizes in place of the old ones."""
    if picture is None:
        figure.save()
        return
    renditions = store_picture(figure, picture)
    figure.uploaded_by = uploaded_by
    figure.save()
    figure.renditions.all().delete()
    Rendition.objects.bulk_create(renditions)


class UploadForm(PictureForm):
    """A new picture with its words in one language: what the editor sends."""

    language = forms.ChoiceField(choices=Language.choices)
    title, alt, caption = (
        field for field in fields_for_model(FigureText, ("title", "alt", "caption")).values() if field is not None
    )

    @transaction.atomic
    def keep(self, *, uploaded_by: User) -> Figure:
        """Save figure, files and words. Call it on a valid form only."""
        figure: Figure = self.instance
        words = self.cleaned_data
        figure.slug = free_slug(words["title"])
        keep_picture(figure, words["picture"], uploaded_by=uploaded_by)
        FigureText.objects.create(
            figure=figure, **{name: words[name] for name in ("language", "title", "alt", "caption")}
        )
        return figure


def free_slug(title: str) -> str:
    """A name for a picture from its title, with a number where the name is taken."""
    wanted = slugify(title)[:SLUG_LENGTH].strip("-") or "picture"
    taken = set(Figure.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(slug for slug in numbered if slug not in taken)
