"""The alternative text and caption of a picture, read and saved by a dialog of the writing screen."""

from hashlib import sha256
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.admin.base import json_error, staff_json_view
from procedures.admin.figure_forms import FigureTextForm
from procedures.models import Figure, FigureText

# Twice the longest texts, in four bytes a character.
MAX_FORM_BYTES = 16 * 1024
DELETED_MESSAGE = gettext_lazy("This picture was deleted, or it has no texts in this language anymore.")
CONFLICT_MESSAGE = gettext_lazy(
    "Someone else changed these texts. Nothing is saved yet. Compare your words with theirs, then save again."
)
INVALID_MESSAGE = gettext_lazy("Nothing is saved yet. Correct what is marked below.")


def _as_shown(text: FigureText) -> dict[str, str]:
    """Return the texts, and a ``version`` that changes with them."""
    version = sha256(f"{text.alt}\n{text.caption}".encode()).hexdigest()
    return {"alt": text.alt, "caption": text.caption, "version": version}


def _may_change(request: HttpRequest, figure: Figure) -> bool:
    """Return whether the form of the picture would let the user change its texts, too."""
    return admin.site.get_model_admin(Figure).has_change_permission(request, figure)


def _find_text(texts: QuerySet[FigureText], figure_id: int, language: str) -> FigureText | None:
    # SQLite cannot compare a foreign key with a number of more than 64 bits; a primary key can match no such row.
    return texts.filter(figure__in=Figure.objects.filter(pk=figure_id), language=language).first()


@staff_json_view("procedures.change_figuretext", method="GET", max_bytes=0)
def figure_texts_view(request: HttpRequest, figure_id: int, language: str) -> JsonResponse:
    """Return ``alt``, ``caption``, and their ``version``."""
    text = _find_text(FigureText.objects.select_related("figure"), figure_id, language)
    if text is None:
        return json_error(404, DELETED_MESSAGE)
    if not _may_change(request, text.figure):
        return json_error(403, _("Your account does not have permission to do this."))
    return JsonResponse(_as_shown(text))


@staff_json_view("procedures.change_figuretext", method="POST", max_bytes=MAX_FORM_BYTES)
def save_figure_texts_view(request: HttpRequest, figure_id: int, language: str) -> JsonResponse:
    """Save ``alt`` and ``caption`` if they still have the posted ``version``.

    400 with ``errors`` by field if they are invalid, 409 with the saved texts if someone else changed them.
    """
    model_admin: Any = admin.site.get_model_admin(Figure)
    with transaction.atomic():
        texts = FigureText.objects.select_for_update(of=("self",)).select_related("figure")
        text = _find_text(texts, figure_id, language)
        if text is None:
            return json_error(404, DELETED_MESSAGE)
        if not _may_change(request, text.figure):
            return json_error(403, _("Your account does not have permission to do this."))
        saved = _as_shown(text)
        if request.POST.get("version") != saved["version"]:
            return json_error(409, CONFLICT_MESSAGE, **saved)
        form = FigureTextForm(request.POST, instance=text)
        if not form.is_valid():
            return json_error(400, INVALID_MESSAGE, errors=form.errors)
        if form.has_changed():
            form.save()
            model_admin.log_change(request, text.figure, model_admin.construct_change_message(request, form, []))
    if form.has_changed():
        model_admin.message_stale_pages(request, text.figure)
    return JsonResponse(_as_shown(text))
