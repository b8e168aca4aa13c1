"""Publishing: the screens that publish now or later, withdraw a page, and update pages that show outdated details."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from portal.text import parse_int_or_zero
from procedures.admin.base import (
    AnyAdmin,
    StrOrPromise,
    build_breadcrumbs,
    get_change_url,
    get_staff_user,
    render_admin,
)
from procedures.enums import Language
from procedures.figures.approval import FigureVersion
from procedures.models import ClinicalCode, Page, Revision
from procedures.models.page import MAX_LINE_LENGTH
from procedures.publishing.anchor_redirects import render_draft
from procedures.publishing.checks import (
    IncomingLink,
    check_draft,
    dependency_key,
    find_incoming_links,
    prints_starter_signs,
)
from procedures.publishing.dependencies import (
    describe_changes,
    explain_unapproved_changes,
    find_unapproved_changes,
)
from procedures.publishing.page_changes import describe_page_changes
from procedures.publishing.publish import (
    ALREADY_PUBLISHED_MESSAGE,
    WHAT_CHANGED_LINE,
    WITHDRAWAL_REASON,
    PublishError,
    check_reader_line,
    is_published,
    publish,
    rerelease_page,
    withdraw,
)
from procedures.publishing.rerelease import (
    find_pages_with_stale_link,
    find_pages_with_stale_value,
    find_stale_pages_by_rendering,
)
from procedures.publishing.review import current_approval, latest_approved_revision, submit_for_review
from procedures.publishing.schedule import cancel_schedule, get_scheduled_pages, schedule_revision
from procedures.rendering import Issue, ReferenceResolver
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

REVISION_SUPERSEDED_MESSAGE = gettext_lazy(
    "That text is no longer the approved one. The text below is what can be published now."
)
MAX_CODES_SHOWN = 20


class StalePagesMixin(AnyAdmin):
    """Mixin for rows that pages print. After each save or deletion, a message counts the pages with the old value."""

    def dependency_key(self, obj: Any) -> tuple[str, str]:
        """Return the kind and key of the row's ReleaseDependency. An empty key means every key of that kind.

        Only the list of stale pages finds pages that would newly link a glossary term.
        """
        return dependency_key(obj)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        self.message_stale_pages(request, obj)
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        self.message_stale_pages(request, obj)
        return super().response_change(request, obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete the row, and add the message about stale pages."""
        super().delete_model(request, obj)
        self.message_stale_pages(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete the rows, and add the message about stale pages."""
        rows = list(queryset)
        super().delete_queryset(request, queryset)
        self.message_stale_pages(request, *rows)

    def message_stale_pages(self, request: HttpRequest, *objects: Any) -> None:
        """Add a message with a link if public pages show a value other than the current one."""
        stale = {
            page.pk: page
            for obj in objects
            for language in ([obj.language] if hasattr(obj, "language") else Language.values)
            for page in self._find_stale_pages(obj, language)
        }
        pages = list(stale.values())
        message = ngettext(
            "%(count)s public page shows outdated details.", "%(count)s public pages show outdated details.", len(pages)
        )
        _message_rerelease_link(request, pages, message)

    def _find_stale_pages(self, obj: Any, language: str) -> list[Page]:
        kind, key = self.dependency_key(obj)
        return find_pages_with_stale_value(kind=kind, key=key, language=language)


def message_already_published(request: HttpRequest) -> None:
    """Report that the text is already public, after a double-click, or because another manager has published it."""
    messages.info(request, ALREADY_PUBLISHED_MESSAGE)


def message_published(request: HttpRequest, page: Page) -> None:
    """Report the publication, and other public pages that link to the page's old title or address."""
    messages.success(request, _("Published. Patients can now read this text."))
    pages = find_pages_with_stale_link(page)
    message = ngettext(
        "%(count)s public page shows its old title or address.",
        "%(count)s public pages show its old title or address.",
        len(pages),
    )
    _message_rerelease_link(request, pages, message)


def _message_rerelease_link(request: HttpRequest, pages: list[Page], message: str) -> None:
    """Add a warning with a link to the list of stale pages. ``message`` contains ``%(count)s``."""
    if pages:
        link = format_html('<a href="{}">{}</a>', reverse("admin:procedures_page_stale"), _("Review and update"))
        messages.warning(request, format_html("{} {}.", message % {"count": len(pages)}, link))


@require_http_methods(["GET", "HEAD", "POST"])
def stale_pages_view(request: HttpRequest) -> HttpResponse:
    """List stale pages to everyone who can view pages. With POST, rerelease the selected ones (publishers only).

    409 if some pages could not be rereleased.
    """
    actor = get_staff_user(request)
    can_rerelease = actor.has_perm("procedures.publish_page")
    if not (actor.has_perm("procedures.view_page") if request.method != "POST" else can_rerelease):
        raise PermissionDenied
    failed: list[tuple[Page, PublishError]] = []
    if request.method == "POST":
        failed = _rerelease_selected(request)
        if not failed:
            return HttpResponseRedirect(request.path)
    stale_pages = find_stale_pages_by_rendering()
    page_changes = describe_page_changes(stale_pages)
    rows = [
        (row.page, get_change_url(row.page), describe_changes(row.changed), page_changes.get(row.page.pk, []))
        for row in stale_pages
    ]
    context = {"rows": rows, "failed": failed, "can_rerelease": can_rerelease}
    title = _("Pages showing outdated details")
    return render_admin(request, "page/stale", context, title=title, status=409 if failed else 200)


def _rerelease_selected(request: HttpRequest) -> list[tuple[Page, PublishError]]:
    """Rerelease each selected page separately. Return the pages that failed, with their errors."""
    failed, count = [], 0
    selected = [parse_int_or_zero(pk) for pk in request.POST.getlist("page")]
    for page in Page.objects.published().filter(pk__in=selected).select_related("live_release"):
        try:
            count += rerelease_page(page, actor=get_staff_user(request)) is not None
        except PublishError as error:
            failed.append((page, error))
    messages.info(request, ngettext("%(count)s page updated.", "%(count)s pages updated.", count) % {"count": count})
    return failed


class ClinicDateTimeForm(forms.Form):
    """A day and a time in the clinic's time zone. A valid form has ``at``, an aware datetime, in its cleaned data.

    If that time occurs twice on that day, the form asks which one is meant (``is_ambiguous``).
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


def what_changed_field(widget: type[forms.Widget] | forms.Widget = forms.TextInput) -> forms.CharField:
    """Return the form field for the sentence about a change that readers see at the end of the page."""
    return forms.CharField(
        label=gettext_lazy("What changed, for readers"),
        max_length=MAX_LINE_LENGTH,
        required=False,
        help_text=gettext_lazy(
            "One sentence at the end of the page, such as “The number to call is new.” "
            "Leave it empty for small corrections."
        ),
        widget=widget,
    )


def clean_reader_line(language: str, field_name: StrOrPromise, text: str) -> str:
    """Return the text of a form. Raise ValidationError if publishing would refuse it."""
    try:
        check_reader_line(language, field_name, text)
    except PublishError as error:
        raise forms.ValidationError(str(error)) from error
    return text


class WhatChangedForm(forms.Form):
    """The sentence about a change that readers see at the end of the page."""

    what_changed = what_changed_field(forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, page: Page, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language = page.language

    def clean_what_changed(self) -> str:
        """Reject what publishing would refuse."""
        return clean_reader_line(self.language, WHAT_CHANGED_LINE, self.cleaned_data["what_changed"])


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
    return render_admin(
        request, "workflow/publish", context, title=_("Publish “%(title)s”") % {"title": page.title}, status=status
    )


def _publish_context(page: Page, datetime_form: ClinicDateTimeForm) -> dict[str, Any]:
    page.refresh_from_db()
    revision, newest = latest_approved_revision(page), page.revisions.first()
    approval = current_approval(revision) if revision else None
    issues: list[Issue] = []
    changed: list[tuple[str, str]] = []
    has_starter_signs = False
    if revision and approval:
        resolver = ReferenceResolver(page.language, FigureVersion.APPROVED)
        rendered = render_draft(page, revision.content, resolver=resolver)
        issues = check_draft(page, revision.content, rendered, resolver)
        changed = find_unapproved_changes(approval, rendered, resolver)
        has_starter_signs = prints_starter_signs(rendered, resolver)
    return {
        "page": page,
        "breadcrumbs": build_breadcrumbs(page),
        "revision": revision,
        "approval": approval,
        "newer_revision": newest if newest and revision and newest.number > revision.number else None,
        "live_release": page.live_release,
        "time_zone": datetime_form.time_zone,
        "now": format_datetime(timezone.now(), datetime_form.time_zone),
        "issues": [issue.plain_sentence for issue in issues],
        "unapproved_changes": explain_unapproved_changes(changed) if changed else "",
        "prints_starter_signs": has_starter_signs,
        "change_url": get_change_url(page),
    }


def _handle_action(
    request: HttpRequest, page: Page, what_changed_form: WhatChangedForm, datetime_form: ClinicDateTimeForm
) -> tuple[list[str], int]:
    """Run the posted action. Return the error messages and the status, which is 200 on success."""
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
    if "ask" in request.POST:
        submit_for_review(revision, actor=actor, note=_("Something that it shows has changed since the approval."))
        messages.success(request, _("Sent for review."))
        return [], 200
    if not what_changed_form.is_valid() or ("later" in request.POST and not datetime_form.is_valid()):
        return [], 400
    what_changed = what_changed_form.cleaned_data["what_changed"].strip()
    try:
        if "later" in request.POST:
            at = datetime_form.cleaned_data["at"]
            schedule_revision(revision, actor=actor, at=at, what_changed=what_changed)
            message = _("Scheduled. Patients will see this text starting %(time)s.")
            messages.success(request, message % {"time": format_datetime(at, datetime_form.time_zone)})
        else:
            publish(revision, actor=actor, what_changed=what_changed)
            message_published(request, page)
    except PublishError as error:
        return [issue.plain_sentence for issue in error.issues], 409
    return [], 200


def _is_already_live(request: HttpRequest, page: Page) -> bool:
    """Return whether the posted text is already public, such as after a double-click or through another manager."""
    live = page.live_release
    if live is None or str(live.revision_id) != request.POST.get("revision"):
        return False
    approval = current_approval(live.revision)
    return approval is not None and is_published(page, live.revision, approval)


def _get_posted_revision(request: HttpRequest, page: Page) -> Revision | None:
    """Return the approved revision that the manager saw, or None if another one has been approved since."""
    revision, revision_id = latest_approved_revision(page), request.POST.get("revision", "")
    return revision if revision and str(revision.pk) == revision_id else None


@require_safe
@permission_required("procedures.view_page", raise_exception=True)
def scheduled_view(request: HttpRequest) -> HttpResponse:
    context = {
        "rows": [(page, get_change_url(page)) for page in get_scheduled_pages()],
        "can_publish": get_staff_user(request).has_perm("procedures.publish_page"),
    }
    return render_admin(request, "workflow/scheduled", context, title=_("Scheduled"))


@dataclass(frozen=True)
class WithdrawalImpact:
    """Public pages that link to a page or translate it, withdrawn pages that redirect to it, and its clinical codes."""

    incoming_links: list[tuple[IncomingLink, str]]
    translations: list[tuple[Page, str]]
    redirecting_pages: list[Page]
    codes: list[str]

    @property
    def warnings(self) -> list[str]:
        """Sentences about what is still public, for the message after the withdrawal."""
        count = len(self.incoming_links)
        message = ngettext(
            "%(count)s public page still links to it.", "%(count)s public pages still link to it.", count
        )
        sentences = [message % {"count": count}] if count else []
        return sentences + [
            _("Its translation “%(title)s” (%(language)s) is still public.")
            % {"title": page.title, "language": page.get_language_display()}
            for page, _url in self.translations
        ]


def get_withdrawal_impact(page: Page) -> WithdrawalImpact:
    """Find what depends on the page, in five queries."""
    translations = Page.objects.published().filter(subject=page.subject).exclude(pk=page.pk).order_by("language")
    codes = ClinicalCode.objects.filter(subject=page.subject)
    return WithdrawalImpact(
        [(link, get_change_url(link.page)) for link in find_incoming_links(page)],
        [(other, reverse("admin:procedures_page_withdraw", args=[other.pk])) for other in translations],
        list(page.replaces.order_by("title")),
        [str(code) for code in codes[:MAX_CODES_SHOWN]],
    )


class WithdrawalForm(forms.Form):
    """The reason, which patients read at the old address, and an optional replacement."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=MAX_LINE_LENGTH,
        help_text=gettext_lazy("One sentence. Patients who follow an old link read it."),
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
    )
    replaced_by = forms.ModelChoiceField(
        label=gettext_lazy("Replacement page"),
        queryset=Page.objects.none(),
        required=False,
        help_text=gettext_lazy("A public page to replace it, if there is one."),
    )

    def __init__(self, *args: Any, page: Page, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language = page.language
        choice = self.fields["replaced_by"]
        choice.queryset = (  # type: ignore[attr-defined]
            Page.objects.published().in_language(page.language).exclude(pk=page.pk).order_by("title")
        )

    def clean_reason(self) -> str:
        """Reject what a withdrawal would refuse."""
        return clean_reader_line(self.language, WITHDRAWAL_REASON, self.cleaned_data["reason"])


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("procedures.publish_page", raise_exception=True)
def withdraw_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """Ask for confirmation, and withdraw the page. 400 for invalid input, 409 for a page that cannot be withdrawn."""
    page = get_object_or_404(Page.objects.select_related("live_release"), pk=page_id)
    form, status = WithdrawalForm(request.POST or None, page=page), 200
    if request.method == "POST":
        status = _handle_withdrawal(request, page, form)
        if status == 200:
            message = _("“%(title)s” is no longer public. Its old links now show the reason.")
            messages.success(request, message % {"title": page.title})
            if sentences := get_withdrawal_impact(page).warnings:
                link = format_html('<a href="{}">{}</a>', request.path, _("See them"))
                messages.warning(request, format_html("{} {}", " ".join(sentences), link))
            return HttpResponseRedirect(get_change_url(page))
    context = {"page": page, "form": form, "change_url": get_change_url(page), "impact": get_withdrawal_impact(page)}
    title = _("Withdraw “%(title)s”") % {"title": page.title}
    return render_admin(request, "page/withdraw", context, title=title, status=status)


def _handle_withdrawal(request: HttpRequest, page: Page, form: WithdrawalForm) -> int:
    """Withdraw the page if the form is valid. Return the status. Errors are added to the form."""
    if not form.is_valid():
        return 400
    if page.live_release is None and page.withdrawn_reason == form.cleaned_data["reason"].strip():
        return 200  # a double-click: already withdrawn for this reason
    try:
        withdraw(page, actor=get_staff_user(request), **form.cleaned_data)
    except PublishError as error:
        for issue in error.issues:
            form.add_error(None, issue.plain_message)
        return 409
    return 200
