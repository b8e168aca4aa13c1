"""Publishing an approved text: now, or at a time by the clinic's clock. And the list of what is planned."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from procedures.admin.base import staff
from procedures.admin.clock import MomentForm
from procedures.admin.desk import change_address, page_trail
from procedures.admin.outdated import tell_already_published, tell_published
from procedures.admin.shell import screen
from procedures.models import Page, Revision
from procedures.publishing.clock import clock_words
from procedures.publishing.publish import PublishRefusedError, publish
from procedures.publishing.readiness import forbidding
from procedures.publishing.review import newest_approved, standing_approval
from procedures.publishing.schedule import schedule, scheduled, unschedule
from procedures.validators import validate_words_for_readers

GONE = "That text is not the approved one any more. This is what can be published now."


class WhatChangedForm(forms.Form):
    """What readers are told of this change, if anything."""

    what_changed = forms.CharField(
        label="What changed, for readers",
        max_length=240,
        required=False,
        help_text="One sentence at the end of the page, such as “The number to call is new.” "
        "Leave it empty for small corrections.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, page: Page, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language = page.language

    def clean_what_changed(self) -> str:
        """Refuse warning signs in the sentence for readers."""
        what_changed: str = self.cleaned_data["what_changed"]
        validate_words_for_readers(self.language, what_changed)
        return what_changed


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("procedures.publish_page", raise_exception=True)
def publishing(request: HttpRequest, page_id: int) -> HttpResponse:
    """One page on its way to the public. 400 for what is typed, 409 for what the rules refuse."""
    page = get_object_or_404(Page.objects.select_related("live_release", "scheduled_revision"), pk=page_id)
    posted = request.POST if request.method == "POST" else None
    at = posted if posted and "later" in posted else None
    forms_ = {"words": WhatChangedForm(posted, page=page), "moment": MomentForm(at)}
    refused: list[str] = []
    status = 200
    if posted is not None:
        refused, status = _act(request, page, forms_)
        if status == 200:
            return HttpResponseRedirect(change_address(page) if "now" in posted else request.path)
    return screen(request, "workflow/publish", _context(page, forms_, refused), title="Publish", status=status)


def _context(page: Page, forms_: dict[str, Any], refused: list[str]) -> dict[str, Any]:
    page.refresh_from_db()
    revision, newest = newest_approved(page), page.revisions.first()
    moment_form: MomentForm = forms_["moment"]
    return {
        "page": page,
        "trail": page_trail(page),
        "revision": revision,
        "approval": standing_approval(revision) if revision else None,
        "newer": newest if newest and revision and newest.number > revision.number else None,
        "live": page.live_release,
        **forms_,
        "zone": moment_form.zone,
        "now": clock_words(timezone.now(), moment_form.zone),
        "refused": refused,
        # Told before the button is pressed.
        "forbidding": [str(problem) for problem in forbidding(page, revision.content)] if revision else [],
        "change": change_address(page),
    }


def _act(request: HttpRequest, page: Page, forms_: dict[str, Any]) -> tuple[list[str], int]:
    """Why it was not done, and the status; an empty list with 200 when it was."""
    actor = staff(request)
    if "cancel" in request.POST:
        unschedule(page, actor=actor)
        messages.success(request, "The plan is cancelled. What patients read has not changed.")
        return [], 200
    words, moment = forms_["words"], forms_["moment"]
    if "later" not in request.POST and _is_live(request, page):
        tell_already_published(request)
        return [], 200
    revision = _shown(request, page)
    if revision is None:
        return [GONE], 409
    if not words.is_valid() or ("later" in request.POST and not moment.is_valid()):
        return [], 400
    what_changed = words.cleaned_data["what_changed"].strip()
    try:
        if "later" in request.POST:
            at = moment.cleaned_data["at"]
            schedule(revision, actor=actor, at=at, what_changed=what_changed)
            messages.success(request, f"Planned: patients read this text from {clock_words(at, moment.zone)} on.")
        else:
            publish(revision, actor=actor, what_changed=what_changed)
            tell_published(request, page)
    except PublishRefusedError as error:
        return [str(problem) for problem in error.problems], 409
    return [], 200


def _is_live(request: HttpRequest, page: Page) -> bool:
    """Whether the text that the manager saw is public by now, after a double click or through another manager."""
    live = page.live_release
    return bool(live and not live.is_starter and str(live.revision_id) == request.POST.get("revision"))


def _shown(request: HttpRequest, page: Page) -> Revision | None:
    """The approved text that the manager saw, if it still is the one."""
    revision, asked = newest_approved(page), request.POST.get("revision", "")
    return revision if revision and str(revision.pk) == asked else None


@require_safe
@permission_required("procedures.view_page", raise_exception=True)
def planned(request: HttpRequest) -> HttpResponse:
    """Everything that waits for its time."""
    rows = [(page, change_address(page)) for page in scheduled()]
    return screen(
        request,
        "workflow/planned",
        {"rows": rows, "may_publish": staff(request).has_perm("procedures.publish_page")},
        title="Planned to go public",
    )
