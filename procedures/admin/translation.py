"""A translation beside its source: what changed there since, and the record of a qualified translator's check."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from portal.accounts.models import User
from procedures.admin.base import get_staff_user, render_admin
from procedures.admin.edit_page import build_breadcrumbs, get_change_url
from procedures.models import Page, Revision
from procedures.publishing.publish import PublishError, rerelease_page
from procedures.publishing.review import ReviewError
from procedures.publishing.translations import (
    TranslationPair,
    get_translation_pair,
    mark_synced,
    record_translator_check,
)
from procedures.revisions.diff import DiffRow, compare_blocks, count_changes
from procedures.revisions.diff_blocks import DiffBlock
from procedures.revisions.history import Version

RECORD_CHECK_PERMISSIONS = ("procedures.approve_page", "procedures.publish_page")
TEXT_CHANGED_MESSAGE = "The text was changed while you read it. This is the newest text: please look at it again."


class TranslationCheckForm(forms.Form):
    """Who checked it. The name is a member of the clinic's own team or agency, never a patient."""

    translator = forms.CharField(
        label="Translator’s name and qualification",
        max_length=240,
        help_text="Such as “Ana Ruiz, certified medical translator”. "
        "It goes on record with your name and today’s date.",
    )


def can_record_check(user: User) -> bool:
    """Reviewers and managers put a translator's check on record."""
    return any(user.has_perm(name) for name in RECORD_CHECK_PERMISSIONS)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("procedures.view_page", raise_exception=True)
def translation_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """Both texts side by side. 403 for what this role may not do, 409 for a text that changed meanwhile."""
    page = get_object_or_404(Page.objects.select_related("live_release__revision", "translated_from"), pk=page_id)
    both = get_translation_pair(page)
    form, refused, status = TranslationCheckForm(), "", 200
    if request.method == "POST":
        form = TranslationCheckForm(request.POST) if "check" in request.POST else form
        refused, status = _handle_action(request, page, both, form)
        if status == 200:
            return HttpResponseRedirect(request.path)
    context: dict[str, Any] = {
        "page": page,
        "breadcrumbs": build_breadcrumbs(page),
        "translation_pair": both,
        "error": refused,
        "form": form,
    }
    if both:
        context |= build_side_by_side(both)
        context["can_record_check"] = can_record_check(get_staff_user(request))
        context["can_change"] = get_staff_user(request).has_perm("procedures.change_page")
        context["newest_revision"] = page.revisions.first()
    else:
        others = Page.objects.filter(subject=page.subject).exclude(pk=page.pk)
        context["other_pages"] = [(other, get_change_url(other)) for other in others.order_by("language")]
    return render_admin(request, "workflow/translation", context, title="Translation", status=status)


def build_side_by_side(translation_pair: TranslationPair) -> dict[str, Any]:
    """Sections of the source, with its changes, beside those of the translation."""
    if translation_pair.latest_source is None:
        return {"sections": [], "count": 0}
    now = Version(translation_pair.source, translation_pair.latest_source, None).rendered_blocks()
    made_from = translation_pair.translated_from or translation_pair.latest_source
    then = (
        now
        if made_from == translation_pair.latest_source
        else Version(translation_pair.source, made_from, None).rendered_blocks()
    )
    rows = compare_blocks(then, now)
    own = translation_pair.page.revisions.first()
    here = Version(translation_pair.page, own, None).rendered_blocks() if own else []
    sections: list[tuple[list[Any], list[Any]]] = list(
        zip_longest(_split_sections(rows), _split_sections(here), fillvalue=[])
    )
    return {
        "sections": sections,
        "count": count_changes(rows),
        "has_same_structure": _count_headings(rows) == _count_headings(here),
    }


def _block_name(item: DiffRow | DiffBlock) -> str:
    return item.name


def _split_sections(items: Sequence[Any]) -> Iterator[list[Any]]:
    """Cut before every heading."""
    part: list[Any] = []
    for item in items:
        if _block_name(item) == "Heading" and part:
            yield part
            part = []
        part.append(item)
    if part:
        yield part


def _count_headings(items: Sequence[Any]) -> int:
    return sum(_block_name(item) == "Heading" for item in items)


def _handle_action(
    request: HttpRequest, page: Page, translation_pair: TranslationPair | None, form: TranslationCheckForm
) -> tuple[str, int]:
    """Empty text and 200 when it is done, else why not."""
    actor = get_staff_user(request)
    if translation_pair is None or translation_pair.latest_source is None:
        return "There is no source text beside which this could be read.", 409
    if "follows" in request.POST:
        if not actor.has_perm("procedures.change_page"):
            raise PermissionDenied
        if request.POST.get("source") != str(translation_pair.latest_source.pk):
            return TEXT_CHANGED_MESSAGE, 409
        mark_synced(page, translation_pair.latest_source, actor=actor)
        messages.success(request, "Noted: this translation says what the source says today.")
        return "", 200
    if not can_record_check(actor):
        raise PermissionDenied
    newest = page.revisions.first()
    if newest is None or request.POST.get("revision") != str(newest.pk):
        return TEXT_CHANGED_MESSAGE, 409
    if not form.is_valid():
        return "", 400
    try:
        record_translator_check(newest, actor=actor, translator=form.cleaned_data["translator"])
    except ReviewError as error:
        return str(error), 400
    messages.success(request, "The check is on record. It holds for this text only.")
    _rerelease_if_live(request, page, newest, actor)
    return "", 200


def _rerelease_if_live(request: HttpRequest, page: Page, checked: Revision, actor: User) -> None:
    """Where patients read exactly this text, its page stops saying that nobody checked it."""
    live = page.live_release
    if live is None or live.revision.content_hash != checked.content_hash:
        return
    if not actor.has_perm("procedures.publish_page"):
        messages.info(request, "A manager can now renew the public page, so that it says so.")
        return
    try:
        rerelease_page(page, actor=actor)
    except PublishError as error:
        messages.warning(request, f"The public page could not be renewed: {error}")
