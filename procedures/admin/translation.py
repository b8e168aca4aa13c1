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

from portal.staff.models import User
from procedures.admin.base import staff
from procedures.admin.desk import change_address, page_trail
from procedures.admin.shell import screen
from procedures.models import Page, Revision
from procedures.publishing.diff import Row, changes, compare
from procedures.publishing.publish import PublishRefusedError, renew
from procedures.publishing.review import ReviewRefusedError
from procedures.publishing.translations import Pair, check_translation, follows, pair
from procedures.publishing.versions import Version
from procedures.publishing.wording import Block

RECORDERS = ("procedures.approve_page", "procedures.publish_page")
CHANGED = "The text was changed while you read it. This is the newest text: please look at it again."


class CheckForm(forms.Form):
    """Who checked it. The name is a member of the clinic's own team or agency, never a patient."""

    translator = forms.CharField(
        label="Translator’s name and qualification",
        max_length=240,
        help_text="Such as “Ana Ruiz, certified medical translator”. "
        "It goes on record with your name and today’s date.",
    )


def may_record(user: User) -> bool:
    """Reviewers and managers put a translator's check on record."""
    return any(user.has_perm(name) for name in RECORDERS)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("procedures.view_page", raise_exception=True)
def translation(request: HttpRequest, page_id: int) -> HttpResponse:
    """Both texts side by side. 403 for what this role may not do, 409 for a text that changed meanwhile."""
    page = get_object_or_404(Page.objects.select_related("live_release__revision", "translated_from"), pk=page_id)
    both = pair(page)
    form, refused, status = CheckForm(), "", 200
    if request.method == "POST":
        form = CheckForm(request.POST) if "check" in request.POST else form
        refused, status = _act(request, page, both, form)
        if status == 200:
            return HttpResponseRedirect(request.path)
    context: dict[str, Any] = {"page": page, "trail": page_trail(page), "pair": both, "refused": refused, "form": form}
    if both:
        context |= beside(both)
        context["may_record"] = may_record(staff(request))
        context["may_change"] = staff(request).has_perm("procedures.change_page")
        context["newest_own"] = page.revisions.first()
    else:
        others = Page.objects.filter(subject=page.subject).exclude(pk=page.pk)
        context["others"] = [(other, change_address(other)) for other in others.order_by("language")]
    return screen(request, "workflow/translation", context, title="Translation", status=status)


def beside(both: Pair) -> dict[str, Any]:
    """Sections of the source, with its changes, beside those of the translation."""
    if both.newest is None:
        return {"sections": [], "count": 0}
    now = Version(both.source, both.newest, None).reading()
    made_from = both.made_from or both.newest
    then = now if made_from == both.newest else Version(both.source, made_from, None).reading()
    rows = compare(then, now)
    own = both.page.revisions.first()
    here = Version(both.page, own, None).reading() if own else []
    sections: list[tuple[list[Any], list[Any]]] = list(zip_longest(_sections(rows), _sections(here), fillvalue=[]))
    return {"sections": sections, "count": changes(rows), "same_shape": _headings(rows) == _headings(here)}


def _name(item: Row | Block) -> str:
    return item.name


def _sections(items: Sequence[Any]) -> Iterator[list[Any]]:
    """Cut before every heading."""
    part: list[Any] = []
    for item in items:
        if _name(item) == "Heading" and part:
            yield part
            part = []
        part.append(item)
    if part:
        yield part


def _headings(items: Sequence[Any]) -> int:
    return sum(_name(item) == "Heading" for item in items)


def _act(request: HttpRequest, page: Page, both: Pair | None, form: CheckForm) -> tuple[str, int]:
    """Empty text and 200 when it is done, else why not."""
    actor = staff(request)
    if both is None or both.newest is None:
        return "There is no source text beside which this could be read.", 409
    if "follows" in request.POST:
        if not actor.has_perm("procedures.change_page"):
            raise PermissionDenied
        if request.POST.get("source") != str(both.newest.pk):
            return CHANGED, 409
        follows(page, both.newest, actor=actor)
        messages.success(request, "Noted: this translation says what the source says today.")
        return "", 200
    if not may_record(actor):
        raise PermissionDenied
    newest = page.revisions.first()
    if newest is None or request.POST.get("revision") != str(newest.pk):
        return CHANGED, 409
    if not form.is_valid():
        return "", 400
    try:
        check_translation(newest, actor=actor, translator=form.cleaned_data["translator"])
    except ReviewRefusedError as error:
        return str(error), 400
    messages.success(request, "The check is on record. It holds for this text only.")
    _tell_patients(request, page, newest, actor)
    return "", 200


def _tell_patients(request: HttpRequest, page: Page, checked: Revision, actor: User) -> None:
    """Where patients read exactly this text, its page stops saying that nobody checked it."""
    live = page.live_release
    if live is None or live.revision.content_hash != checked.content_hash:
        return
    if not actor.has_perm("procedures.publish_page"):
        messages.info(request, "A manager can now renew the public page, so that it says so.")
        return
    try:
        renew(page, actor=actor)
    except PublishRefusedError as error:
        messages.warning(request, f"The public page could not be renewed: {error}")
