"""The warning signs screen: the public list, the proposed list, its review, and publishing."""

import datetime
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from portal.text import parse_int_or_zero
from procedures.admin.base import TOO_MANY_ROWS_MESSAGE, AnyAdmin, get_staff_user, render_admin
from procedures.admin.review import MAX_COMMENT_LENGTH
from procedures.admin.revisions import collapse_unchanged
from procedures.enums import EventKind, SignLevel, SignTiming
from procedures.languages import CODES, DEFAULT, LANGUAGES
from procedures.models import Page, WarningSign, WarningSignEvent, WarningSignRevision
from procedures.models.page import MAX_LINE_LENGTH
from procedures.publishing import warning_signs
from procedures.publishing.dependencies import describe_changes
from procedures.publishing.page_changes import describe_page_changes
from procedures.publishing.publish import PublishError
from procedures.publishing.rerelease import find_dependent_pages, find_stale_pages
from procedures.publishing.review import ReviewError
from procedures.revisions.diff import DiffBlock, compare_blocks, count_changes
from procedures.validators import validate_key

CHANGELIST_URL_NAME = "admin:procedures_warningsign_changelist"
EXTRA_FORMS = 2
MAX_SIGNS = 60
LIST_CHANGED_MESSAGE = gettext_lazy(
    "Someone else has changed this list. Your text is below. Compare it with the new list, then save."
)
SENT_FOR_REVIEW_MESSAGE = gettext_lazy(
    "Saved and sent for review. Patients read the old list until the new one is published."
)


class WarningSignForm(forms.Form):
    """One sign in every language."""

    key = forms.CharField(
        label=gettext_lazy("Short name"),
        max_length=60,
        validators=[validate_key],
        help_text=gettext_lazy("Such as weak-leg."),
    )
    level = forms.ChoiceField(label=gettext_lazy("Level"), choices=SignLevel.choices)
    when = forms.ChoiceField(
        label=gettext_lazy("Shown on pages read"), choices=SignTiming.choices, initial=SignTiming.BOTH
    )
    position = forms.IntegerField(
        label=gettext_lazy("Position"),
        min_value=1,
        max_value=999,
        required=False,
        help_text=gettext_lazy("Smaller numbers come first."),
    )
    sources = forms.CharField(
        label=gettext_lazy("Sources"),
        required=False,
        help_text=gettext_lazy("Short names of sources, separated by commas."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for language in LANGUAGES:
            text = forms.Textarea(attrs={"rows": 2, "dir": language.direction})
            self.fields[f"{language.code}_text"] = forms.CharField(
                label=_("Sign, %(language)s") % {"language": language.english_name}, max_length=200, widget=text
            )
            short = forms.TextInput(attrs={"dir": language.direction})
            self.fields[f"{language.code}_short"] = forms.CharField(
                label=_("Short form, %(language)s") % {"language": language.english_name},
                max_length=100,
                required=False,
                widget=short,
            )
        texts = [f"{code}_{part}" for part in ("text", "short") for code in CODES]
        self.order_fields(["key", "level", "when", "position", *texts, "sources"])

    @property
    def summary(self) -> str:
        """The saved text of the sign in the default language."""
        return str(self.initial.get(f"{DEFAULT}_text", ""))

    def content(self) -> dict[str, Any]:
        """Return the sign as plain data (see ``warning_signs.serialize_sign``), without its order."""
        values = self.cleaned_data
        return {
            "key": values["key"],
            "level": values["level"],
            "when": values["when"],
            "sources": [key.strip() for key in values["sources"].split(",") if key.strip()],
            "text": {
                language: {part: " ".join(values[f"{language}_{part}"].split()) for part in ("text", "short")}
                for language in CODES
            },
        }

    def clean(self) -> dict[str, Any]:
        """Apply the same checks as for the content folder."""
        values = super().clean() or {}
        if not self.errors:
            for error in warning_signs.check_sign(self.content()):
                self.add_error(None, error)
        return values


WarningSignFormSet = forms.formset_factory(
    WarningSignForm, extra=EXTRA_FORMS, can_delete=True, max_num=MAX_SIGNS, absolute_max=MAX_SIGNS + EXTRA_FORMS
)


@dataclass(frozen=True)
class DiffSide:
    """The heading of one side of the comparison in ``workflow/diff.html``."""

    title: str
    at: datetime.datetime


@admin.register(WarningSign)
class WarningSignAdmin(AnyAdmin):
    """Admin for the warning signs, which are edited as one list, so that each sign has one level everywhere."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Deny: signs are added and removed only in the list."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny: signs are added and removed only in the list."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Replace Django's change list."""
        view = self.admin_site.admin_view(warning_signs_view)
        return [path("", view, name="procedures_warningsign_changelist")]


def _build_initial(content: warning_signs.SignListContent) -> list[dict[str, Any]]:
    return [
        {
            "key": row["key"],
            "level": row["level"],
            "when": row["when"],
            "position": position,
            "sources": ", ".join(row["sources"]),
            **{
                f"{language}_{part}": row["text"].get(language, {}).get(part, "")
                for language in CODES
                for part in ("text", "short")
            },
        }
        for position, row in enumerate(content, start=1)
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def warning_signs_view(request: HttpRequest) -> HttpResponse:
    """Show the list. A POST runs its ``action``: propose, approve, send_back, or publish."""
    actor = get_staff_user(request)
    if not actor.has_perm("procedures.view_warningsign"):
        raise PermissionDenied
    formset, error, status = None, "", 200
    if request.method == "POST":
        action = ACTIONS.get(request.POST.get("action", ""))
        if action is None:
            return _render_list(request, None, _("Choose an action."), 400)
        permission, handle = action
        if not actor.has_perm(f"procedures.{permission}"):
            raise PermissionDenied
        formset, error, status = handle(request)
        if not error:
            return HttpResponseRedirect(request.path)
    return _render_list(request, formset, error, status)


# The formset with the input, the error message (empty on success), and the status.
ActionResult = tuple[Any, str, int]


def _propose(request: HttpRequest) -> ActionResult:
    expected = parse_int_or_zero(request.POST.get("expected", ""))
    # The initial values are the list that the author saw: a newer list can have more rows.
    seen = WarningSignRevision.objects.filter(number=expected).first()
    content = seen.content if seen else _get_editable_content()
    formset = WarningSignFormSet(request.POST, initial=_build_initial(content))
    if not formset.is_valid():
        if any(error.code == "too_many_forms" for error in formset.non_form_errors().as_data()):
            return formset, str(TOO_MANY_ROWS_MESSAGE) % {"num": MAX_SIGNS}, 400
        return formset, _("Not saved yet. Correct the errors below."), 400
    forms_in_order = [
        form for form in formset.forms if (form.has_changed() or form.initial) and not form.cleaned_data.get("DELETE")
    ]
    # Most urgent first, and by position within a level.
    forms_in_order.sort(key=lambda form: (_get_urgency_rank(form), form.cleaned_data["position"] or 999))
    note = request.POST.get("note", "").strip()[:MAX_LINE_LENGTH]
    try:
        warning_signs.propose_list(
            [form.content() for form in forms_in_order],
            author=get_staff_user(request),
            expected_number=expected,
            note=note,
        )
    except ValidationError as error:
        return formset, " ".join(error.messages), 400
    except warning_signs.SignListConflictError:
        return formset, str(LIST_CHANGED_MESSAGE), 409
    if warning_signs.pending_revision() is None:
        messages.info(request, _("No changes to save. Patients already read this list."))
    else:
        messages.success(request, SENT_FOR_REVIEW_MESSAGE)
    return None, "", 302


def _get_urgency_rank(form: WarningSignForm) -> int:
    return list(SignLevel.values).index(form.cleaned_data["level"])


def _decide(request: HttpRequest, *, approved: bool) -> ActionResult:
    revision = _get_posted_revision(request)
    if revision is None:
        return None, str(warning_signs.NEWER_LIST_MESSAGE), 409
    comment = request.POST.get("comment", "")[:MAX_COMMENT_LENGTH]
    try:
        warning_signs.record_list_decision(
            revision, reviewer=get_staff_user(request), approved=approved, comment=comment
        )
    except ReviewError as error:
        return None, str(error), 403 if approved else 400
    message = _("Approved. A manager can publish it now.") if approved else _("Sent back with your comment.")
    messages.success(request, message)
    return None, "", 302


def _approve(request: HttpRequest) -> ActionResult:
    return _decide(request, approved=True)


def _send_back(request: HttpRequest) -> ActionResult:
    return _decide(request, approved=False)


def _publish(request: HttpRequest) -> ActionResult:
    revision = _get_posted_revision(request)
    if revision is None:
        return None, _("Not published. A newer list was saved and is shown below."), 409
    try:
        released = warning_signs.publish_list(revision, actor=get_staff_user(request))
    except PublishError as error:
        if warning_signs.is_published(revision):
            messages.info(request, _("This list is already published."))
            return None, "", 302
        return None, _("Nothing was published. %(error)s") % {"error": error}, 409
    message = ngettext(
        "Published. %(count)s page now shows the new list.",
        "Published. %(count)s pages now show the new list.",
        len(released),
    )
    messages.success(request, message % {"count": len(released)})
    return None, "", 302


def _get_posted_revision(request: HttpRequest) -> WarningSignRevision | None:
    """Return the posted revision if it is still the newest."""
    newest = warning_signs.latest_revision()
    return newest if newest and newest.pk == parse_int_or_zero(request.POST.get("revision", "")) else None


# The permission that an action needs, and its handler.
ACTIONS = {
    "propose": ("change_warningsign", _propose),
    "approve": ("approve_page", _approve),
    "send_back": ("approve_page", _send_back),
    "publish": ("publish_page", _publish),
}


def _get_editable_content() -> warning_signs.SignListContent:
    """Return the proposed list, or the public one if nothing is proposed."""
    proposed = warning_signs.pending_revision()
    return proposed.content if proposed else warning_signs.get_live_list()


def _render_list(request: HttpRequest, formset: Any, error: str, status: int) -> HttpResponse:
    actor = get_staff_user(request)
    newest, proposed = warning_signs.latest_revision(), warning_signs.pending_revision()
    decision = warning_signs.latest_decision(proposed) if proposed else None
    if formset is None:
        formset = WarningSignFormSet(initial=_build_initial(_get_editable_content()))
    pages = find_dependent_pages(warning_signs.DEPENDENCY_KIND)
    context = {
        "error": error,
        "formset": formset,
        "can_propose": actor.has_perm("procedures.change_warningsign"),
        "can_decide": actor.has_perm("procedures.approve_page"),
        "can_publish": actor.has_perm("procedures.publish_page"),
        "own_list_message": warning_signs.explain_own_list(actor, proposed) if proposed else "",
        "expected": newest.number if newest else 0,
        "proposed": proposed,
        "decision": decision,
        "is_approved": decision is not None and decision.kind == EventKind.APPROVED,
        "is_starter": not warning_signs.has_published_list(),
        "page_count": len(pages),
        "comment": request.POST.get("comment", ""),
        "note": request.POST.get("note", ""),
        "diff": _build_diff(proposed) if proposed else None,
        "other_changes": _find_other_changes() if proposed and actor.has_perm("procedures.publish_page") else [],
        "events": WarningSignEvent.objects.select_related("revision", "actor")[:20],
        "changelist_url": reverse(CHANGELIST_URL_NAME),
    }
    return render_admin(request, "warning_signs/list", context, title=_("Warning signs"), status=status)


def _find_other_changes() -> list[tuple[Page, str, list[str]]]:
    """Return what else publishing the list changes on each page: its title, what is new, and new texts of pictures."""
    affected = {page.pk for page in find_dependent_pages(warning_signs.DEPENDENCY_KIND)}
    stale_pages = [row for row in find_stale_pages() if row.page.pk in affected]
    page_changes = describe_page_changes(stale_pages)
    return [(row.page, describe_changes(row.changed), page_changes.get(row.page.pk, [])) for row in stale_pages]


def _build_diff(proposed: WarningSignRevision) -> dict[str, Any]:
    """Compare the public list with the proposed one."""
    current = warning_signs.get_live_list()
    rows = compare_blocks(_to_diff_blocks(current), _to_diff_blocks(proposed.content))
    if proposed.content == current:  # the reviewer reads the whole list
        return {"sections": collapse_unchanged(rows), "count": 0, "old": None, "new": None}
    old = DiffSide(_("What patients read"), timezone.now())
    new = DiffSide(_("List %(number)s") % {"number": proposed.number}, proposed.created_at)
    return {"sections": collapse_unchanged(rows), "count": count_changes(rows), "old": old, "new": new}


def _to_diff_blocks(content: warning_signs.SignListContent) -> list[DiffBlock]:
    blocks = []
    for row in content:
        details = f"{SignLevel(row['level']).label}. {SignTiming(row['when']).label}."
        if row["sources"]:
            details += " " + _("Sources: %(keys)s.") % {"keys": ", ".join(row["sources"])}
        blocks.append(DiffBlock(_("%(key)s: level") % {"key": row["key"]}, details))
        for language in LANGUAGES:
            texts = row["text"].get(language.code, {"text": "", "short": ""})
            text = texts["text"]
            if texts["short"]:
                text += " " + _("(Short form: %(text)s)") % {"text": texts["short"]}
            blocks.append(DiffBlock(f"{row['key']}: {language.name}", text))
    return blocks
