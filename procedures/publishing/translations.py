"""A translation and the text that it was made from: what changed there since, and who checked it."""

from dataclasses import dataclass

from django.db import models, transaction
from django.db.models import F, OuterRef, Q, Subquery

from portal.accounts.models import User
from procedures import languages
from procedures.enums import Decision, EventKind
from procedures.models import Approval, Page, ReleaseEvent, Revision
from procedures.publishing.review import ReviewError, record_decision

SOURCE_LANGUAGE = languages.DEFAULT


@dataclass(frozen=True)
class TranslationPair:
    """A translation (``page``) beside its source. ``made_from`` is None where nobody has said it."""

    page: Page
    source: Page
    translated_from: Revision | None
    latest_source: Revision | None
    translator_check: Approval | None


def get_translation_pair(page: Page) -> TranslationPair | None:
    """The page beside its source text; None for a source text, or where there is none."""
    if page.language == SOURCE_LANGUAGE:
        return None
    source = (
        Page.objects.in_language(SOURCE_LANGUAGE).filter(subject=page.subject).select_related("live_release").first()
    )
    if source is None:
        return None
    made_from = page.translated_from
    return TranslationPair(page, source, made_from, latest_source_revision(source), latest_translator_check(page))


def latest_source_revision(source: Page) -> Revision | None:
    """What a translation follows: what patients read in the source language, else its newest draft."""
    if source.live_release:
        return Revision.objects.select_related("author").get(pk=source.live_release.revision_id)
    return source.revisions.select_related("author").first()


def latest_translator_check(page: Page) -> Approval | None:
    """The translator's check of the newest draft; a change of the text leaves it without one."""
    newest = page.revisions.first()
    if newest is None:
        return None
    return (
        Approval.objects.filter(
            revision__page=page, content_hash=newest.content_hash, decision=Decision.TRANSLATION_CHECKED
        )
        .select_related("reviewer")
        .first()
    )


def filter_out_of_sync(pages: models.QuerySet[Page]) -> models.QuerySet[Page]:
    """Public translations (of ``pages``) whose source reads differently from the text that they were made from."""
    source = Page.objects.published().in_language(SOURCE_LANGUAGE).filter(subject=OuterRef("subject"))
    return (
        pages.filter(live_release__isnull=False, translated_from__isnull=False)
        .exclude(language=SOURCE_LANGUAGE)
        .annotate(source_hash=Subquery(source.values("live_release__revision__content_hash")[:1]))
        .filter(source_hash__isnull=False)
        .filter(~Q(source_hash=F("translated_from__content_hash")))
    )


@transaction.atomic
def mark_synced(page: Page, source: Revision, *, actor: User) -> None:
    """Say that this translation now says what ``source`` says. Saying it again changes nothing."""
    Page.objects.select_for_update().get(pk=page.pk)
    if not Page.objects.filter(pk=page.pk).exclude(translated_from=source).update(translated_from=source):
        return
    page.translated_from = source
    ReleaseEvent.objects.create(
        page=page,
        kind=EventKind.TRANSLATION_SYNCED,
        revision=page.revisions.first(),
        actor=actor,
        reason=f"Now says what revision {source.number} of the source text says.",
    )


def record_translator_check(revision: Revision, *, actor: User, translator: str) -> Approval:
    """Record a qualified translator's check of exactly this text. ``translator``: name and qualification."""
    if revision.page.language == SOURCE_LANGUAGE:
        raise ReviewError("This is the source text: nothing was translated.")
    if not translator.strip():
        raise ReviewError("Write the translator's name and qualification.")
    return record_decision(revision, reviewer=actor, decision=Decision.TRANSLATION_CHECKED, comment=translator.strip())
