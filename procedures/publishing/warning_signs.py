"""The list of warning signs: proposed as a whole, approved by another person, published on all pages at once.

The public reads the ``WarningSign`` rows. Staff never edit them: they save a revision of the whole list, a reviewer
decides on exactly that revision, and publishing writes the rows and rereleases all pages that print them in one
transaction. So no two pages print the same sign with different levels.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.models import User
from procedures.enums import EventKind, Language, SignLevel, SignTiming
from procedures.models import (
    Release,
    Source,
    WarningSign,
    WarningSignEvent,
    WarningSignRevision,
    WarningSignText,
)
from procedures.models.base import normalize_value
from procedures.models.page import COMMENT_REQUIRED_MESSAGE
from procedures.publishing.publish import PublishError, lock_clinic_values
from procedures.publishing.rerelease import find_stale_pages, rerelease_pages
from procedures.publishing.review import ReviewError, needs_other_reviewer, select_authors
from procedures.rendering import Issue

NEWER_LIST_MESSAGE = gettext_lazy("A newer list was saved. Please review that one.")
SignListContent = list[dict[str, Any]]
# The ReleaseDependency.kind of printed signs.
DEPENDENCY_KIND = "signs"
DECISION_EVENTS = (EventKind.SUBMITTED, EventKind.APPROVED, EventKind.SENT_BACK)


class SignListConflictError(Exception):
    """A newer list was saved after this one was opened."""


def serialize_sign(sign: WarningSign) -> dict[str, Any]:
    """Return one row with its texts as plain data."""
    texts = sorted(sign.texts.all(), key=lambda text: text.language)
    return {
        "key": sign.key,
        "level": sign.level,
        "when": sign.when,
        "sources": sign.sources,
        "text": {text.language: {"text": text.text, "short": text.short} for text in texts},
        "order": sign.order,
    }


def get_live_list() -> SignListContent:
    """Return the list that the public reads. Two queries."""
    return [serialize_sign(sign) for sign in WarningSign.objects.prefetch_related("texts")]


def has_published_list() -> bool:
    """Return whether staff have published a list; before that, the live list is the starter list."""
    return WarningSignEvent.objects.filter(kind=EventKind.PUBLISHED).exists()


def save_sign(sign: WarningSign, data: dict[str, Any]) -> None:
    """Write one row and its texts. Raise ValidationError."""
    for name in ("key", "order", "level", "when", "sources"):
        setattr(sign, name, data[name])
    sign.full_clean()
    sign.save()
    sign.texts.exclude(language__in=data["text"]).delete()
    for language, values in data["text"].items():
        text = sign.texts.filter(language=language).first() or WarningSignText(sign=sign, language=language)
        text.text, text.short = values["text"], values["short"]
        text.full_clean()
        text.save()


def check_sign(data: dict[str, Any]) -> list[str]:
    """Return the errors of one row, as sentences; empty when it can be published."""
    errors = []
    try:
        WarningSign(**{name: data[name] for name in ("key", "level", "when", "sources")}).clean_fields()
    except ValidationError as error:
        errors += [f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items()]
    for language in Language:
        values = data["text"].get(language, {"text": "", "short": ""})
        names = {"key": data["key"], "language": language.label}
        if not values["text"].strip():
            message = _("“%(key)s” has no text in %(language)s. Every sign needs a text in every language.")
            errors.append(message % names)
            continue
        try:
            sign_text = WarningSignText(language=language, **values)
            sign_text.clean_fields(exclude=["sign"])
            sign_text.clean()
        except ValidationError as error:
            errors += [f"“{data['key']}”, {language.label}: {message}" for message in error.messages]
        if data["level"] == SignLevel.EMERGENCY and not values["short"].strip():
            message = _(
                "“%(key)s” has no short form in %(language)s. The short form is printed at the top of every page."
            )
            errors.append(message % names)
    return errors


def check_list(content: SignListContent) -> list[str]:
    """Return the errors of the whole list, as sentences; empty when it can be published."""
    errors = [error for row in content for error in check_sign(row)]
    # The box at the top of a page shows the emergency signs for the time when the page is read.
    shown = {row["when"] for row in content if row["level"] == SignLevel.EMERGENCY}
    missing = [
        timing.label for timing in (SignTiming.BEFORE, SignTiming.AFTER) if not shown & {timing, SignTiming.BOTH}
    ]
    message = _("The list has no emergency sign for “%(when)s”. Add one.")
    errors += [message % {"when": when} for when in missing]
    message = _("Two signs have the same key: “%(key)s”. A sign can have only one level.")
    errors += [message % {"key": key} for key in _find_duplicates([row["key"] for row in content])]
    message = _("Two signs have the same text in %(language)s: “%(text)s”. A sign can have only one level.")
    for language in Language:
        if all(language in row["text"] for row in content):
            texts = [row["text"][language]["text"].casefold().strip() for row in content]
            errors += [message % {"language": language.label, "text": text} for text in _find_duplicates(texts)]
    cited = {source for row in content for source in row["sources"]}
    unknown = cited - set(Source.objects.filter(key__in=cited).values_list("key", flat=True))
    return errors + [_("There is no source “%(key)s”.") % {"key": key} for key in sorted(unknown)]


def _find_duplicates(values: list[str]) -> list[str]:
    return sorted({value for value in values if values.count(value) > 1})


def latest_revision() -> WarningSignRevision | None:
    """Return the newest revision of the list."""
    return WarningSignRevision.objects.select_related("author").first()


def pending_revision() -> WarningSignRevision | None:
    """Return the newest revision unless it has been published."""
    newest = latest_revision()
    return None if newest is None or is_published(newest) else newest


def is_published(revision: WarningSignRevision) -> bool:
    """Return whether this list was published."""
    return revision.events.filter(kind=EventKind.PUBLISHED).exists()


def latest_decision(revision: WarningSignRevision) -> WarningSignEvent | None:
    """Return the newest event among submitted, approved, and sent back."""
    return revision.events.filter(kind__in=DECISION_EVENTS).select_related("actor").first()


@transaction.atomic
def record_starter_list() -> WarningSignRevision:
    """Record the live list, just loaded from a content folder, as a revision for review."""
    return _create_revision(get_live_list(), author=None, note="Supplied starter text")


@transaction.atomic
def propose_list(
    content: SignListContent, *, author: User | None, expected_number: int, note: str = ""
) -> WarningSignRevision:
    """Save a list for review. ``expected_number``: the number of the newest revision that the author saw.

    Saving the same list again (a double click) returns the first revision; if it was sent back, it is submitted again.
    Raise SignListConflictError if there is a newer list, and ValidationError with the errors of this one. Takes the
    lock of ``lock_clinic_values``.
    """
    lock_clinic_values()
    newest = latest_revision()
    content = [{**normalize_value(row), "order": order} for order, row in enumerate(content)]
    same = newest if newest and newest.content == content else None
    is_repeated = same is not None and same.number == expected_number + 1 and same.author == author
    if (newest.number if newest else 0) != expected_number and not is_repeated:
        raise SignListConflictError
    if errors := check_list(content):
        raise ValidationError(errors)
    if same is None:
        return _create_revision(content, author=author, note=note)
    decision = latest_decision(same)
    if decision and decision.kind == EventKind.SENT_BACK:
        _record_event(same, EventKind.SUBMITTED, author, note)
    return same


@transaction.atomic
def create_starter_list(content: SignListContent) -> WarningSignRevision:
    """Write the first list, which is a starter list until it is approved, and add it to the pages that are public.

    Raise ValidationError or PublishError.
    """
    lock_clinic_values()
    if errors := check_list(content):
        raise ValidationError(errors)
    _write_list(content)
    rerelease_affected_pages(actor=None)
    return record_starter_list()


def has_staff_proposal() -> bool:
    """Return whether a list by our own staff is pending, which no import may replace."""
    pending = pending_revision()
    return pending is not None and pending.author_id is not None


def propose_imported_list(content: SignListContent, *, author: User | None) -> bool:
    """Propose another portal's list. Return False if a list by our own staff is already pending.

    Raise ValidationError.
    """
    lock_clinic_values()
    newest = latest_revision()
    if has_staff_proposal():
        return False
    propose_list(content, author=author, expected_number=newest.number if newest else 0, note="Imported from a bundle")
    return True


def _create_revision(content: SignListContent, *, author: User | None, note: str) -> WarningSignRevision:
    newest = WarningSignRevision.objects.first()
    number = newest.number + 1 if newest else 1
    revision = WarningSignRevision.objects.create(number=number, content=content, author=author, note=note)
    _record_event(revision, EventKind.SUBMITTED, author, note)
    return revision


def _record_event(
    revision: WarningSignRevision, kind: EventKind, actor: User | None, comment: str = ""
) -> WarningSignEvent:
    return WarningSignEvent.objects.create(
        revision=revision, kind=kind, content_hash=revision.content_hash, actor=actor, comment=comment
    )


def explain_own_list(user: User, revision: WarningSignRevision) -> str:
    """Return why ``user`` must not approve this list, and who can; "" if nothing forbids it. Two queries."""
    revisions = WarningSignRevision.objects.filter(number__lte=revision.number).order_by("number")
    published = revisions.filter(events__kind=EventKind.PUBLISHED).values_list("number", "content_hash").last()
    authors = select_authors(
        list(revisions.values_list("number", "content_hash", "author")),
        reviewed=(revision.number, revision.content_hash),
        baseline=published or (0, ""),
    )
    if not needs_other_reviewer(user, *authors):
        return ""
    if revision.author_id == user.pk:
        return _("This is your own list. Another person must approve it.")
    return _(
        "You wrote part of this list. A reviewer who wrote none of the changes since the last published list must "
        "approve it."
    )


@transaction.atomic
def record_list_decision(
    revision: WarningSignRevision, *, reviewer: User, approved: bool, comment: str = ""
) -> WarningSignEvent:
    """Approve a list or send it back, under the same rules as for pages. Raise ReviewError if the rules forbid it.

    Repeating the same decision returns the first event.
    """
    lock_clinic_values()
    if latest_revision() != revision:
        raise ReviewError(str(NEWER_LIST_MESSAGE))
    if is_published(revision):
        raise ReviewError(_("This list is already published. To change it, save a new list."))
    if approved and (message := explain_own_list(reviewer, revision)):
        raise ReviewError(message)
    if not approved and not comment.strip():
        raise ReviewError(str(COMMENT_REQUIRED_MESSAGE))
    kind, comment = EventKind.APPROVED if approved else EventKind.SENT_BACK, comment.strip()
    decision = latest_decision(revision)
    if decision and (decision.kind, decision.actor, decision.comment) == (kind, reviewer, comment):
        return decision
    return _record_event(revision, kind, reviewer, comment)


@transaction.atomic
def publish_list(revision: WarningSignRevision, *, actor: User) -> list[Release]:
    """Make an approved list live and rerelease every page that it changes, all at once. Return the new releases.

    Raise PublishError if it cannot be published; in that case, nothing changes.
    """
    lock_clinic_values()
    if pending_revision() != revision:
        raise PublishError.with_message(_("A newer list was saved or published. Check the newest list."))
    decision = latest_decision(revision)
    if decision is None or decision.kind != EventKind.APPROVED or decision.content_hash != revision.content_hash:
        raise PublishError.with_message(_("This list is not approved. Another person must approve it first."))
    if errors := check_list(revision.content):
        raise PublishError([Issue(0, error) for error in errors])
    _write_list(revision.content)
    _record_event(revision, EventKind.PUBLISHED, actor)
    return rerelease_affected_pages(actor=actor)


def _write_list(content: SignListContent) -> None:
    WarningSign.objects.exclude(key__in=[row["key"] for row in content]).delete()
    rows = {sign.key: sign for sign in WarningSign.objects.all()}
    for row in content:
        save_sign(rows.get(row["key"]) or WarningSign(key=row["key"]), row)


def rerelease_affected_pages(*, actor: User | None) -> list[Release]:
    """Rerelease the public pages that print an older list. If PublishError is raised, no page changes."""
    stale_pages = find_stale_pages(Q(kind=DEPENDENCY_KIND))
    return rerelease_pages([row.page for row in stale_pages], actor=actor)
