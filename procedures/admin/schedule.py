"""The screens that publish a page now or at a time in the clinic's time zone, and the list of scheduled pages."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from procedures.admin.base import build_breadcrumbs, get_change_url, get_staff_user, render_admin
from procedures.admin.stale_pages import message_already_published, message_published
from procedures.models import Page, Revision
from procedures.publishing.checks import check_draft
from procedures.publishing.publish import PublishError, publish
from procedures.publishing.review import current_approval, latest_approved_revision
from procedures.publishing.schedule import cancel_schedule, get_scheduled_pages, schedule_revision
from procedures.timezones import (
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

REVISION_SUPERSEDED_MESSAGE = gettext_lazy(
    "That text is no longer the approved one. The text below is what can be published now."
)


class ClinicDateTimeForm(forms.Form):
    """A day and a time in the clinic's time zone. A valid form has ``at``, an aware datetime, in its cleaned data.

    If the clock shows that time twice on that day, the form asks which one is meant (``is_ambiguous``).
    """

    # Next to “Publish now”, the browser must not require a day and a time.
    use_required_attribute = False

    day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), label=gettext_lazy("Day"))
    time = forms.TimeField(widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"), label=gettext_lazy("Time"))
    occurrence = forms.TypedChoiceField(
        label=gettext_lazy("Which of the two?"),
        choices=[
            (FIRST_OCCURRENCE, gettext_lazy("The first time")),
            (SECOND_OCCURRENCE, gettext_lazy("The second time, one hour later")),
        ],
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
        """Convert day and time to ``at``. A time that does not exist or is ambiguous is an error of ``time``."""
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


class WhatChangedForm(forms.Form):
    """The sentence about a change that readers see at the end of the page."""

    what_changed = forms.CharField(
        label=gettext_lazy("What changed, for readers"),
        max_length=240,
        required=False,
        help_text=gettext_lazy(
            "One sentence at the end of the page, such as “The number to call is new.” "
            "Leave it empty for small corrections."
        ),
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, page: Page, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language = page.language

    def clean_what_changed(self) -> str:
        """Refuse warning signs, which come only from their own list."""
        what_changed: str = self.cleaned_data["what_changed"]
        validate_no_sign_advice(self.language, what_changed)
        return what_changed


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("procedures.publish_page", raise_exception=True)
def publish_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """Publish the approved text now or later, or cancel a scheduled publication.

    400 for invalid input, 409 for a text that cannot be published. Both show the form again.
    """
    page = get_object_or_404(Page.objects.select_related("live_release", "scheduled_revision"), pk=page_id)
    data = request.POST if request.method == "POST" else None
    datetime_data = data if data and "later" in data else None
    what_changed_form, datetime_form = WhatChangedForm(data, page=page), ClinicDateTimeForm(datetime_data)
    errors: list[str] = []
    status = 200
    if data is not None:
        errors, status = _handle_action(request, page, what_changed_form, datetime_form)
        if status == 200:
            return HttpResponseRedirect(get_change_url(page) if "now" in data else request.path)
    context = {
        **_publish_context(page, datetime_form),
        "what_changed_form": what_changed_form,
        "datetime_form": datetime_form,
        "errors": errors,
    }
    return render_admin(request, "workflow/publish", context, title=_("Publish"), status=status)


def _publish_context(page: Page, datetime_form: ClinicDateTimeForm) -> dict[str, Any]:
    page.refresh_from_db()
    revision, newest = latest_approved_revision(page), page.revisions.first()
    return {
        "page": page,
        "breadcrumbs": build_breadcrumbs(page),
        "revision": revision,
        "approval": current_approval(revision) if revision else None,
        "newer_revision": newest if newest and revision and newest.number > revision.number else None,
        "live_release": page.live_release,
        "time_zone": datetime_form.time_zone,
        "now": format_datetime(timezone.now(), datetime_form.time_zone),
        "issues": [str(issue) for issue in check_draft(page, revision.content)] if revision else [],
        "change_url": get_change_url(page),
    }


def _handle_action(
    request: HttpRequest, page: Page, what_changed_form: WhatChangedForm, datetime_form: ClinicDateTimeForm
) -> tuple[list[str], int]:
    """Run the posted action. Return error messages and the status, which is 200 on success."""
    actor = get_staff_user(request)
    if "cancel" in request.POST:
        cancel_schedule(page, actor=actor)
        messages.success(request, _("The scheduled publication is canceled. What patients read has not changed."))
        return [], 200
    if "later" not in request.POST and _is_already_live(request, page):
        message_already_published(request)
        return [], 200
    revision = _get_posted_revision(request, page)
    if revision is None:
        return [str(REVISION_SUPERSEDED_MESSAGE)], 409
    if not what_changed_form.is_valid() or ("later" in request.POST and not datetime_form.is_valid()):
        return [], 400
    what_changed = what_changed_form.cleaned_data["what_changed"].strip()
    try:
        if "later" in request.POST:
            at = datetime_form.cleaned_data["at"]
            schedule_revision(revision, actor=actor, at=at, what_changed=what_changed)
            message = _("Planned: patients read this text from %(time)s on.")
            messages.success(request, message % {"time": format_datetime(at, datetime_form.time_zone)})
        else:
            publish(revision, actor=actor, what_changed=what_changed)
            message_published(request, page)
    except PublishError as error:
        return [str(issue) for issue in error.issues], 409
    return [], 200


def _is_already_live(request: HttpRequest, page: Page) -> bool:
    """Whether the posted text is already public, such as after a double-click or through another manager."""
    live = page.live_release
    return bool(live and not live.is_starter and str(live.revision_id) == request.POST.get("revision"))


def _get_posted_revision(request: HttpRequest, page: Page) -> Revision | None:
    """Return the approved revision that the manager saw, or None if another one has been approved since."""
    revision, revision_id = latest_approved_revision(page), request.POST.get("revision", "")
    return revision if revision and str(revision.pk) == revision_id else None


@require_safe
@permission_required("procedures.view_page", raise_exception=True)
def scheduled_view(request: HttpRequest) -> HttpResponse:
    """List the scheduled pages."""
    context = {
        "rows": [(page, get_change_url(page)) for page in get_scheduled_pages()],
        "can_publish": get_staff_user(request).has_perm("procedures.publish_page"),
    }
    return render_admin(request, "workflow/scheduled", context, title=_("Scheduled to go public"))
