"""Staff type times as the clock on their wall shows them."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from procedures.admin.base import get_staff_user, render_admin
from procedures.admin.edit_page import build_breadcrumbs, get_change_url
from procedures.admin.stale_pages import message_already_published, message_published
from procedures.models import Page, Revision
from procedures.publishing.checks import check_draft
from procedures.publishing.publish import PublishError, publish
from procedures.publishing.review import current_approval, latest_approved_revision
from procedures.publishing.schedule import cancel_schedule, get_scheduled_pages, schedule_revision
from procedures.publishing.timezones import (
    FIRST_OCCURRENCE,
    SECOND_OCCURRENCE,
    AmbiguousTimeError,
    DateOutOfRangeError,
    LocalTimeError,
    format_datetime,
    get_clinic_timezone,
    to_utc,
)
from procedures.validators import validate_no_sign_advice


class ClinicDateTimeForm(forms.Form):
    """A day and a time by the clinic's clock. ``at`` is the moment they name; ``repeated`` asks which of two."""

    # Beside “Publish now” a browser must not ask for a time before it sends anything.
    use_required_attribute = False

    day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), label="Day")
    time = forms.TimeField(widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"), label="Time")
    occurrence = forms.TypedChoiceField(
        label="Which of the two?",
        choices=[(FIRST_OCCURRENCE, "The first time"), (SECOND_OCCURRENCE, "The second time, one hour later")],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.time_zone = get_clinic_timezone()
        self.is_ambiguous = bool(self.data.get("occurrence"))

    def clean(self) -> dict[str, Any]:
        """The moment, or a sentence at the time."""
        values = super().clean() or self.cleaned_data
        day, time = values.get("day"), values.get("time")
        if day and time:
            try:
                values["at"] = to_utc(day, time, self.time_zone, occurrence=values.get("occurrence"))
            except AmbiguousTimeError as error:
                self.is_ambiguous = True
                self.add_error("time", str(error))
            except DateOutOfRangeError as error:
                self.add_error("day", str(error))
            except LocalTimeError as error:
                self.add_error("time", str(error))
        return values


REVISION_SUPERSEDED_MESSAGE = "That text is not the approved one any more. This is what can be published now."


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
        validate_no_sign_advice(self.language, what_changed)
        return what_changed


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("procedures.publish_page", raise_exception=True)
def publish_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """One page on its way to the public. 400 for what is typed, 409 for what the rules refuse."""
    page = get_object_or_404(Page.objects.select_related("live_release", "scheduled_revision"), pk=page_id)
    posted = request.POST if request.method == "POST" else None
    at = posted if posted and "later" in posted else None
    forms_ = {"what_changed_form": WhatChangedForm(posted, page=page), "datetime_form": ClinicDateTimeForm(at)}
    refused: list[str] = []
    status = 200
    if posted is not None:
        refused, status = _handle_action(request, page, forms_)
        if status == 200:
            return HttpResponseRedirect(get_change_url(page) if "now" in posted else request.path)
    return render_admin(
        request, "workflow/publish", _publish_context(page, forms_, refused), title="Publish", status=status
    )


def _publish_context(page: Page, forms_: dict[str, Any], errors: list[str]) -> dict[str, Any]:
    page.refresh_from_db()
    revision, newest = latest_approved_revision(page), page.revisions.first()
    moment_form: ClinicDateTimeForm = forms_["datetime_form"]
    return {
        "page": page,
        "breadcrumbs": build_breadcrumbs(page),
        "revision": revision,
        "approval": current_approval(revision) if revision else None,
        "newer_revision": newest if newest and revision and newest.number > revision.number else None,
        "live_release": page.live_release,
        **forms_,
        "time_zone": moment_form.time_zone,
        "now": format_datetime(timezone.now(), moment_form.time_zone),
        "errors": errors,
        # Told before the button is pressed.
        "issues": [str(problem) for problem in check_draft(page, revision.content)] if revision else [],
        "change_url": get_change_url(page),
    }


def _handle_action(request: HttpRequest, page: Page, forms_: dict[str, Any]) -> tuple[list[str], int]:
    """Why it was not done, and the status; an empty list with 200 when it was."""
    actor = get_staff_user(request)
    if "cancel" in request.POST:
        cancel_schedule(page, actor=actor)
        messages.success(request, "The plan is cancelled. What patients read has not changed.")
        return [], 200
    words, moment = forms_["what_changed_form"], forms_["datetime_form"]
    if "later" not in request.POST and _is_already_live(request, page):
        message_already_published(request)
        return [], 200
    revision = _get_posted_revision(request, page)
    if revision is None:
        return [REVISION_SUPERSEDED_MESSAGE], 409
    if not words.is_valid() or ("later" in request.POST and not moment.is_valid()):
        return [], 400
    what_changed = words.cleaned_data["what_changed"].strip()
    try:
        if "later" in request.POST:
            at = moment.cleaned_data["at"]
            schedule_revision(revision, actor=actor, at=at, what_changed=what_changed)
            messages.success(
                request, f"Planned: patients read this text from {format_datetime(at, moment.time_zone)} on."
            )
        else:
            publish(revision, actor=actor, what_changed=what_changed)
            message_published(request, page)
    except PublishError as error:
        return [str(problem) for problem in error.issues], 409
    return [], 200


def _is_already_live(request: HttpRequest, page: Page) -> bool:
    """Whether the text that the manager saw is public by now, after a double click or through another manager."""
    live = page.live_release
    return bool(live and not live.is_starter and str(live.revision_id) == request.POST.get("revision"))


def _get_posted_revision(request: HttpRequest, page: Page) -> Revision | None:
    """The approved text that the manager saw, if it still is the one."""
    revision, asked = latest_approved_revision(page), request.POST.get("revision", "")
    return revision if revision and str(revision.pk) == asked else None


@require_safe
@permission_required("procedures.view_page", raise_exception=True)
def scheduled_view(request: HttpRequest) -> HttpResponse:
    """Everything that waits for its time."""
    rows = [(page, get_change_url(page)) for page in get_scheduled_pages()]
    return render_admin(
        request,
        "workflow/scheduled",
        {"rows": rows, "can_publish": get_staff_user(request).has_perm("procedures.publish_page")},
        title="Scheduled to go public",
    )
