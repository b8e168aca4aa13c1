"""The screen that shows a translation next to its source, and records a qualified translator's check."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from portal.accounts.models import User
from procedures.admin.base import build_breadcrumbs, get_change_url, get_staff_user, render_admin
from procedures.models import Page, Revision
from procedures.models.page import MAX_LINE_LENGTH
from procedures.publishing.publish import PublishError, rerelease_page
from procedures.publishing.review import (
    ReviewError,
    TranslationPair,
    get_translation_pair,
    mark_synced,
    record_translator_check,
)
from procedures.revisions.diff import HEADING, DiffBlock, DiffRow, count_changes
from procedures.revisions.history import Version, compare_versions

RECORD_CHECK_PERMISSIONS = ("procedures.approve_page", "procedures.publish_page")
TEXT_CHANGED_MESSAGE = gettext_lazy(
    "The text changed while you were reading it. This is the newest version. Please check it again."
)


class TranslationCheckForm(forms.Form):
    """The translator who checked the text: a member of the clinic's team or agency, never a patient."""

    translator = forms.CharField(
        label=gettext_lazy("Translator’s name and qualification"),
        max_length=MAX_LINE_LENGTH,
        help_text=gettext_lazy(
            "Such as “Ana Ruiz, certified medical translator”. Recorded with your name and today’s date."
        ),
    )


def can_record_check(user: User) -> bool:
    """Return whether the user can record a translator's check: reviewers and managers."""
    return any(user.has_perm(name) for name in RECORD_CHECK_PERMISSIONS)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("procedures.view_page", raise_exception=True)
def translation_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """Show both texts side by side. 403 without permission for the action, 409 for a text that has changed since."""
    page = get_object_or_404(Page.objects.select_related("live_release__revision", "translated_from"), pk=page_id)
    pair = get_translation_pair(page)
    form, error, status = TranslationCheckForm(), "", 200
    if request.method == "POST":
        form = TranslationCheckForm(request.POST) if "check" in request.POST else form
        error, status = _handle_action(request, page, pair, form)
        if status == 200:
            return HttpResponseRedirect(request.path)
    context: dict[str, Any] = {
        "page": page,
        "breadcrumbs": build_breadcrumbs(page),
        "translation_pair": pair,
        "error": error,
        "form": form,
    }
    if pair:
        context |= build_side_by_side(pair)
        context["can_record_check"] = can_record_check(get_staff_user(request))
        context["can_change"] = get_staff_user(request).has_perm("procedures.change_page")
        context["newest_revision"] = page.revisions.first()
    else:
        others = Page.objects.filter(subject=page.subject).exclude(pk=page.pk)
        context["other_pages"] = [(other, get_change_url(other)) for other in others.order_by("language")]
    title = _("Translation of “%(title)s”") % {"title": page.title}
    return render_admin(request, "workflow/translation", context, title=title, status=status)


def build_side_by_side(pair: TranslationPair) -> dict[str, Any]:
    """Pair each section of the source, including changes since the translation was made, with the corresponding section
    of the translation.
    """
    latest_source = pair.latest_source
    if latest_source is None:
        return {"sections": [], "count": 0}
    translated_from = pair.translated_from or latest_source
    source_rows = compare_versions(
        Version(pair.source, translated_from, None), Version(pair.source, latest_source, None)
    )
    revision = pair.page.revisions.first()
    translation_blocks = Version(pair.page, revision, None).rendered_blocks() if revision else []
    sections: list[tuple[list[Any], list[Any]]] = list(
        zip_longest(_split_sections(source_rows), _split_sections(translation_blocks), fillvalue=[])
    )
    return {
        "sections": sections,
        "count": count_changes(source_rows),
        "has_same_structure": _count_headings(source_rows) == _count_headings(translation_blocks),
    }


def _is_heading(item: DiffRow | DiffBlock) -> bool:
    return item.name == str(HEADING)


def _split_sections(items: Sequence[Any]) -> Iterator[list[Any]]:
    """Split before every heading."""
    section: list[Any] = []
    for item in items:
        if _is_heading(item) and section:
            yield section
            section = []
        section.append(item)
    if section:
        yield section


def _count_headings(items: Sequence[Any]) -> int:
    return sum(_is_heading(item) for item in items)


def _handle_action(
    request: HttpRequest, page: Page, pair: TranslationPair | None, form: TranslationCheckForm
) -> tuple[str, int]:
    """Run the posted action. Return an error message and the status, which is 200 on success."""
    actor = get_staff_user(request)
    if pair is None or pair.latest_source is None:
        return _("There is no source text for this page."), 409
    if "follows" in request.POST:
        if not actor.has_perm("procedures.change_page"):
            raise PermissionDenied
        if request.POST.get("source") != str(pair.latest_source.pk):
            return str(TEXT_CHANGED_MESSAGE), 409
        mark_synced(page, pair.latest_source, actor=actor)
        messages.success(request, _("Saved. This translation is marked as up to date."))
        draft = page.revisions.first()
        if page.live_release and draft and not page.shows(draft.content_hash):
            messages.warning(request, _("Patients read the old translation until this draft is published."))
        return "", 200
    if not can_record_check(actor):
        raise PermissionDenied
    newest = page.revisions.first()
    if newest is None or request.POST.get("revision") != str(newest.pk):
        return str(TEXT_CHANGED_MESSAGE), 409
    if not form.is_valid():
        return "", 400
    try:
        record_translator_check(newest, actor=actor, translator=form.cleaned_data["translator"])
    except ReviewError as error:
        return str(error), 400
    messages.success(request, _("The check has been recorded. It applies only to this text."))
    _rerelease_if_live(request, page, newest, actor)
    return "", 200


def _rerelease_if_live(request: HttpRequest, page: Page, checked: Revision, actor: User) -> None:
    """If the checked text is live, rerelease it, so that the page no longer says that it has not been checked.

    If something else would change for patients, the list of outdated pages shows it, and asks before it updates them.
    """
    if not page.shows(checked.content_hash):
        return
    if not actor.has_perm("procedures.publish_page"):
        messages.info(request, _("A manager can now update the public page to show the check."))
        return
    try:
        rerelease_page(page, actor=actor, only_check=True)
    except PublishError as error:
        message = _("The public page could not be updated: %(error)s") % {"error": error}
        link = format_html('<a href="{}">{}</a>', reverse("admin:procedures_page_stale"), _("Review and update"))
        messages.warning(request, format_html("{} {}.", message, link))
