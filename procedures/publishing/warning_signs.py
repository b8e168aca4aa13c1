"""The list of warning signs: proposed as a whole, approved by another person, published on every page at once.

The rows (``WarningSign``) are what the public reads. Staff never write them: they save a revision of the whole list, a
reviewer decides on exactly that revision, and publishing writes the rows and releases all pages that print them in one
transaction. So no two pages print one sign with different levels.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from portal.accounts.models import User
from procedures.enums import EventKind, Language, SignLevel
from procedures.models import (
    Release,
    Source,
    WarningSign,
    WarningSignEvent,
    WarningSignRevision,
    WarningSignText,
)
from procedures.models.base import normalize_value
from procedures.publishing.publish import PublishError, lock_clinic_values
from procedures.publishing.rerelease import find_stale_pages_in_all_languages, rerelease_pages
from procedures.publishing.review import ReviewError
from procedures.rendering import Issue

SignListContent = list[dict[str, Any]]
# What a release notes when it prints signs (ReleaseInput.kind).
DEPENDENCY_KIND = "signs"
LEVEL_VALUES = [level.value for level in SignLevel]
DECISION_EVENTS = (EventKind.SUBMITTED, EventKind.APPROVED, EventKind.SENT_BACK)


class SignListConflictError(Exception):
    """Another list was saved since this one was opened."""


def serialize_sign(sign: WarningSign) -> dict[str, Any]:
    """One row as plain data."""
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
    """The list that the public reads. Two queries."""
    return [serialize_sign(sign) for sign in WarningSign.objects.prefetch_related("texts")]


def has_published_list() -> bool:
    """Whether staff have published a list: until then it is the starter list."""
    return WarningSignEvent.objects.filter(kind=EventKind.PUBLISHED).exists()


def save_sign(sign: WarningSign, data: dict[str, Any]) -> None:
    """Write one row and its texts. Raises ValidationError."""
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
    """Problems of one row, in sentences; empty when it may be published."""
    found = []
    try:
        WarningSign(**{name: data[name] for name in ("key", "level", "when", "sources")}).clean_fields()
    except ValidationError as error:
        found += [f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items()]
    for language in Language:
        values = data["text"].get(language, {"text": "", "short": ""})
        if not values["text"].strip():
            found.append(f"“{data['key']}” has no text in {language.label}. Every sign needs a text in every language.")
            continue
        try:
            sign_text = WarningSignText(language=language, **values)
            sign_text.clean_fields(exclude=["sign"])
            sign_text.clean()
        except ValidationError as error:
            found += [f"“{data['key']}”, {language.label}: {message}" for message in error.messages]
        if data["level"] == SignLevel.EMERGENCY and not values["short"].strip():
            found.append(
                f"“{data['key']}” has no short form in {language.label}: it is printed at the top of every page."
            )
    return found


def check_list(content: SignListContent) -> list[str]:
    """Problems of the whole list, in sentences; empty when it may be published."""
    found = [problem for row in content for problem in check_sign(row)]
    if not any(row["level"] == SignLevel.EMERGENCY for row in content):
        found.append("The list has no emergency sign. Add one.")
    for what, values in (
        ("key", [row["key"] for row in content]),
        *(
            (f"text in {language.label}", [row["text"][language]["text"].casefold().strip() for row in content])
            for language in Language
            if all(language in row["text"] for row in content)
        ),
    ):
        doubles = sorted({value for value in values if values.count(value) > 1})
        found += [f"Two signs have the same {what}: “{value}”. A sign can have only one level." for value in doubles]
    wanted = {source for row in content for source in row["sources"]}
    missing = wanted - set(Source.objects.filter(key__in=wanted).values_list("key", flat=True))
    return found + [f"There is no source “{key}”." for key in sorted(missing)]


def latest_revision() -> WarningSignRevision | None:
    """The newest revision of the list."""
    return WarningSignRevision.objects.select_related("author").first()


def pending_revision() -> WarningSignRevision | None:
    """The newest revision, if something is still to be done with it: it is not what the public reads as approved."""
    newest = latest_revision()
    return None if newest is None or is_published(newest) else newest


def is_published(revision: WarningSignRevision) -> bool:
    """Whether this list was published."""
    return revision.events.filter(kind=EventKind.PUBLISHED).exists()


def latest_decision(revision: WarningSignRevision) -> WarningSignEvent | None:
    """The newest of: sent for review, approved, sent back."""
    return revision.events.filter(kind__in=DECISION_EVENTS).select_related("actor").first()


def is_own_revision(revision: WarningSignRevision, person: User) -> bool:
    """Whether another person must decide on this list."""
    return bool(settings.REQUIRE_PEER_REVIEW) and revision.author_id == person.pk


@transaction.atomic
def record_starter_list() -> WarningSignRevision:
    """Record the list that a content folder has just written, for a reviewer to approve."""
    return _create_revision(get_live_list(), author=None, note="From the content folder")


@transaction.atomic
def propose_list(
    content: SignListContent, *, author: User | None, expected_number: int, note: str = ""
) -> WarningSignRevision:
    """Save a list for review. ``expected``: number of the newest revision that the author saw.

    The same list twice (a double click) is one; after it was sent back it goes to review again. Raises
    SignsChangedError when there is a newer list, and ValidationError with what is wrong with this one.
    """
    lock_clinic_values()
    newest = latest_revision()
    content = [{**normalize_value(row), "order": order} for order, row in enumerate(content)]
    same = newest if newest and newest.content == content else None
    is_repeated = same is not None and same.number == expected_number + 1 and same.author == author
    if (newest.number if newest else 0) != expected_number and not is_repeated:
        raise SignListConflictError
    if wrong := check_list(content):
        raise ValidationError(wrong)
    if same is None:
        return _create_revision(content, author=author, note=note)
    last = latest_decision(same)
    if last and last.kind == EventKind.SENT_BACK:
        _record_event(same, EventKind.SUBMITTED, author, note)
    return same


@transaction.atomic
def create_starter_list(content: SignListContent) -> WarningSignRevision:
    """Write a list where there was none; it is a starter list until it is approved. Raises ValidationError."""
    lock_clinic_values()
    if wrong := check_list(content):
        raise ValidationError(wrong)
    _write_list(content)
    return record_starter_list()


def propose_imported_list(content: SignListContent, *, author: User | None) -> bool:
    """Save another portal's list for review, unless a list of our own waits already. Raises ValidationError."""
    newest, waiting = latest_revision(), pending_revision()
    if waiting is not None and waiting.author_id is not None:
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


@transaction.atomic
def record_list_decision(
    revision: WarningSignRevision, *, reviewer: User, approved: bool, comment: str = ""
) -> WarningSignEvent:
    """Approve a list or send it back, by the same rules as for pages. Raises ReviewRefusedError."""
    lock_clinic_values()
    if latest_revision() != revision:
        raise ReviewError("A newer list was saved. Please review that one.")
    if is_published(revision):
        raise ReviewError("This list is already published. To change it, save a new list.")
    if approved and is_own_revision(revision, reviewer):
        raise ReviewError("This is your own list. Another person must approve it.")
    if not approved and not comment.strip():
        raise ReviewError("Say what to change, so that the editor knows what to do.")
    kind, comment = EventKind.APPROVED if approved else EventKind.SENT_BACK, comment.strip()
    last = latest_decision(revision)
    if last and (last.kind, last.actor, last.comment) == (kind, reviewer, comment):
        return last
    return _record_event(revision, kind, reviewer, comment)


@transaction.atomic
def publish_list(revision: WarningSignRevision, *, actor: User) -> list[Release]:
    """Write an approved list and release every page that it changes, all at once. Returns the new releases.

    Raises PublishRefusedError; then nothing has changed.
    """
    lock_clinic_values()
    if pending_revision() != revision:
        raise PublishError([Issue(0, "A newer list was saved or published. Check the newest list.")])
    decision = latest_decision(revision)
    if decision is None or decision.kind != EventKind.APPROVED or decision.content_hash != revision.content_hash:
        raise PublishError([Issue(0, "This list is not approved. Another person must approve it first.")])
    if wrong := check_list(revision.content):
        raise PublishError([Issue(0, sentence) for sentence in wrong])
    _write_list(revision.content)
    _record_event(revision, EventKind.PUBLISHED, actor)
    return rerelease_affected_pages(actor=actor)


def _write_list(content: SignListContent) -> None:
    WarningSign.objects.exclude(key__in=[row["key"] for row in content]).delete()
    rows = {sign.key: sign for sign in WarningSign.objects.all()}
    for row in content:
        save_sign(rows.get(row["key"]) or WarningSign(key=row["key"]), row)


def rerelease_affected_pages(*, actor: User | None) -> list[Release]:
    """Release the public pages that print another list again. Raises PublishRefusedError; then no page has changed."""
    return rerelease_pages(find_stale_pages_in_all_languages(Q(kind=DEPENDENCY_KIND)), actor=actor)
