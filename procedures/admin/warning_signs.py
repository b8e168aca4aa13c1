"""The screen for warning signs: the public list, the proposed list, the review, and publishing."""

import datetime
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from procedures.admin.base import AnyAdmin, get_staff_user, parse_int_or_zero, render_admin
from procedures.admin.revisions import collapse_unchanged
from procedures.enums import EventKind, SignLevel, SignTiming
from procedures.languages import CODES, DEFAULT, LANGUAGES
from procedures.models import WarningSign, WarningSignEvent, WarningSignRevision
from procedures.publishing import warning_signs
from procedures.publishing.publish import PublishError
from procedures.publishing.rerelease import find_dependent_pages
from procedures.publishing.review import ReviewError
from procedures.revisions.diff import compare_blocks, count_changes
from procedures.revisions.diff_blocks import DiffBlock
from procedures.validators import validate_key

CHANGELIST_URL_NAME = "admin:procedures_warningsign_changelist"
EXTRA_FORMS = 2
MAX_SIGNS = 60
LIST_CHANGED_MESSAGE = (
    "Someone saved another list while you were writing. Your text is below; compare it with the new list, then save."
)
SENT_FOR_REVIEW_MESSAGE = "Saved and sent for review. Patients read the old list until the new one is published."


class WarningSignForm(forms.Form):
    """One sign in every language."""

    key = forms.CharField(max_length=60, validators=[validate_key], help_text="A short name, such as weak-leg.")
    level = forms.ChoiceField(choices=SignLevel.choices)
    when = forms.ChoiceField(label="Shown on pages read", choices=SignTiming.choices, initial=SignTiming.BOTH)
    place = forms.IntegerField(min_value=1, max_value=999, required=False, help_text="Smaller numbers come first.")
    sources = forms.CharField(required=False, help_text="Source keys, separated by commas.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for language in LANGUAGES:
            text = forms.Textarea(attrs={"rows": 2, "dir": language.direction})
            self.fields[f"{language.code}_text"] = forms.CharField(
                label=f"Sign, {language.english_name}", max_length=200, widget=text
            )
            short = forms.TextInput(attrs={"dir": language.direction})
            self.fields[f"{language.code}_short"] = forms.CharField(
                label=f"Short form, {language.english_name}", max_length=100, required=False, widget=short
            )
        texts = [f"{code}_{part}" for part in ("text", "short") for code in CODES]
        self.order_fields(["key", "level", "when", "place", *texts, "sources"])

    @property
    def summary(self) -> str:
        """The sign in the default language, as it was before typing."""
        return str(self.initial.get(f"{DEFAULT}_text", ""))

    def content(self) -> dict[str, Any]:
        """The sign as plain data (see ``warning_signs.row_content``), without its order."""
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
        """The same rules as for the content folder."""
        values = super().clean() or {}
        if not self.errors:
            for problem in warning_signs.check_sign(self.content()):
                self.add_error(None, problem)
        return values


WarningSignFormSet = forms.formset_factory(WarningSignForm, extra=EXTRA_FORMS, can_delete=True, max_num=MAX_SIGNS)


@dataclass(frozen=True)
class DiffSide:
    """One side of the comparison (workflow/diff.html)."""

    title: str
    at: datetime.datetime


@admin.register(WarningSign)
class WarningSignAdmin(AnyAdmin):
    """Signs are edited only as one list, so that each has one level."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only through the list."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only through the list."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """The screen takes the place of Django's list."""
        view = self.admin_site.admin_view(warning_signs_view)
        return [path("", view, name="procedures_warningsign_changelist")]


def _build_initial(content: warning_signs.SignListContent) -> list[dict[str, Any]]:
    return [
        {
            "key": row["key"],
            "level": row["level"],
            "when": row["when"],
            "place": place,
            "sources": ", ".join(row["sources"]),
            **{
                f"{language}_{part}": row["text"].get(language, {}).get(part, "")
                for language in CODES
                for part in ("text", "short")
            },
        }
        for place, row in enumerate(content, start=1)
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def warning_signs_view(request: HttpRequest) -> HttpResponse:
    """Show the list; ``action`` of a POST is propose, approve, send_back or publish."""
    actor = get_staff_user(request)
    if not actor.has_perm("procedures.view_warningsign"):
        raise PermissionDenied
    typed, refused, status = None, "", 200
    if request.method == "POST":
        action = ACTIONS.get(request.POST.get("action", ""))
        if action is None:
            return _render_list(request, None, "Choose what to do.", 400)
        permission, act = action
        if not actor.has_perm(f"procedures.{permission}"):
            raise PermissionDenied
        typed, refused, status = act(request)
        if not refused:
            return HttpResponseRedirect(request.path)
    return _render_list(request, typed, refused, status)


ActionResult = tuple[Any, str, int]


def _propose(request: HttpRequest) -> ActionResult:
    expected = parse_int_or_zero(request.POST.get("expected", ""))
    # Compared with the list that the author saw; a newer one may have more rows.
    seen = WarningSignRevision.objects.filter(number=expected).first()
    rows = WarningSignFormSet(request.POST, initial=_build_initial(seen.content if seen else _get_editable_content()))
    if not rows.is_valid():
        return rows, "The list is not saved yet. Correct the errors below.", 400
    kept = [form for form in rows.forms if form.has_changed() or form.initial]
    kept = [form for form in kept if not form.cleaned_data.get("DELETE")]
    # Most urgent first; within a level by number.
    kept.sort(key=lambda form: (_get_urgency_rank(form), form.cleaned_data["place"] or 999))
    note = request.POST.get("note", "").strip()[:240]
    try:
        warning_signs.propose_list(
            [form.content() for form in kept],
            author=get_staff_user(request),
            expected_number=expected,
            note=note,
        )
    except ValidationError as error:
        return rows, " ".join(error.messages), 400
    except warning_signs.SignListConflictError:
        return rows, LIST_CHANGED_MESSAGE, 409
    if warning_signs.pending_revision() is None:
        messages.info(request, "Nothing was changed. Patients already read this list.")
    else:
        messages.success(request, SENT_FOR_REVIEW_MESSAGE)
    return None, "", 302


def _get_urgency_rank(form: WarningSignForm) -> int:
    return list(SignLevel.values).index(form.cleaned_data["level"])


def _decide(request: HttpRequest, *, approved: bool) -> ActionResult:
    revision = _get_posted_revision(request)
    if revision is None:
        return None, "A newer list was saved. Please review that one.", 409
    comment = request.POST.get("comment", "")[:4000]
    try:
        warning_signs.record_list_decision(
            revision, reviewer=get_staff_user(request), approved=approved, comment=comment
        )
    except ReviewError as error:
        return None, str(error), 403 if approved else 400
    messages.success(request, "Approved. A manager can publish it now." if approved else "Sent back with your comment.")
    return None, "", 302


def _approve(request: HttpRequest) -> ActionResult:
    return _decide(request, approved=True)


def _send_back(request: HttpRequest) -> ActionResult:
    return _decide(request, approved=False)


def _publish(request: HttpRequest) -> ActionResult:
    revision = _get_posted_revision(request)
    if revision is None:
        return None, "Nothing was published. A newer list was saved, and it is shown below.", 409
    try:
        released = warning_signs.publish_list(revision, actor=get_staff_user(request))
    except PublishError as error:
        if warning_signs.is_published(revision):
            messages.info(request, "This list is already published.")
            return None, "", 302
        return None, f"Nothing was published. {error}", 409
    count = len(released)
    pages = "1 page prints" if count == 1 else f"{count} pages print"
    messages.success(request, f"Published. {pages} the new list now.")
    return None, "", 302


def _get_posted_revision(request: HttpRequest) -> WarningSignRevision | None:
    """The revision that the person saw, if it is still the newest."""
    newest = warning_signs.latest_revision()
    return newest if newest and newest.pk == parse_int_or_zero(request.POST.get("revision", "")) else None


ACTIONS = {
    "propose": ("change_warningsign", _propose),
    "approve": ("approve_page", _approve),
    "send_back": ("approve_page", _send_back),
    "publish": ("publish_page", _publish),
}


def _get_editable_content() -> warning_signs.SignListContent:
    """What the form starts from: the proposed list, or else the public one."""
    waiting = warning_signs.pending_revision()
    return waiting.content if waiting else warning_signs.get_live_list()


def _render_list(request: HttpRequest, formset: Any, error: str, status: int) -> HttpResponse:
    actor, newest, waiting = get_staff_user(request), warning_signs.latest_revision(), warning_signs.pending_revision()
    decision = warning_signs.latest_decision(waiting) if waiting else None
    pages = find_dependent_pages(warning_signs.DEPENDENCY_KIND)
    context = {
        "error": error,
        "formset": formset
        if formset is not None
        else WarningSignFormSet(initial=_build_initial(_get_editable_content())),
        "can_propose": actor.has_perm("procedures.change_warningsign"),
        "can_decide": actor.has_perm("procedures.approve_page"),
        "can_publish": actor.has_perm("procedures.publish_page"),
        "is_own": warning_signs.is_own_revision(waiting, actor) if waiting else False,
        "expected": newest.number if newest else 0,
        "proposed": waiting,
        "decision": decision,
        "is_approved": decision is not None and decision.kind == EventKind.APPROVED,
        "is_starter": not warning_signs.has_published_list(),
        "page_count": len(pages),
        "comment": request.POST.get("comment", ""),
        "note": request.POST.get("note", ""),
        "diff": _build_diff(waiting) if waiting else None,
        "events": WarningSignEvent.objects.select_related("revision", "actor")[:20],
        "changelist_url": reverse(CHANGELIST_URL_NAME),
    }
    return render_admin(request, "warning_signs/list", context, title="Warning signs", status=status)


def _build_diff(proposed: WarningSignRevision) -> dict[str, Any]:
    """The public list compared with the proposed one."""
    current = warning_signs.get_live_list()
    rows = compare_blocks(_to_diff_blocks(current), _to_diff_blocks(proposed.content))
    if proposed.content == current:  # no changes: the reviewer reads the whole list
        return {"sections": collapse_unchanged(rows), "count": 0, "old": None, "new": None}
    old, new = DiffSide("What patients read", timezone.now()), DiffSide(f"List {proposed.number}", proposed.created_at)
    return {"sections": collapse_unchanged(rows), "count": count_changes(rows), "old": old, "new": new}


def _to_diff_blocks(content: warning_signs.SignListContent) -> list[DiffBlock]:
    blocks = []
    for row in content:
        level, when = SignLevel(row["level"]).label, SignTiming(row["when"]).label
        sources = f" Sources: {', '.join(row['sources'])}." if row["sources"] else ""
        blocks.append(DiffBlock(f"{row['key']}: level", f"{level}. {when}.{sources}"))
        for language in LANGUAGES:
            values = row["text"].get(language.code, {"text": "", "short": ""})
            short = f" (Short form: {values['short']})" if values["short"] else ""
            blocks.append(DiffBlock(f"{row['key']}: {language.name}", f"{values['text']}{short}"))
    return blocks
