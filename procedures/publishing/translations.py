"""Translations: whether they are in sync with their source text, and the check by a qualified translator."""

from dataclasses import dataclass

from django.db import models, transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from portal.accounts.models import User
from procedures import languages
from procedures.enums import Decision, EventKind
from procedures.models import Approval, Page, ReleaseEvent, Revision
from procedures.publishing.review import ReviewError, record_decision

SOURCE_LANGUAGE = languages.DEFAULT


@dataclass(frozen=True)
class TranslationPair:
    """A translation (``page``) and its source page. ``translated_from`` is None if no source revision is recorded."""

    page: Page
    source: Page
    translated_from: Revision | None
    latest_source: Revision | None
    translator_check: Approval | None


def get_translation_pair(page: Page) -> TranslationPair | None:
    """Return the translation with its source page; None for a source page, or if there is no source page."""
    if page.language == SOURCE_LANGUAGE:
        return None
    source = (
        Page.objects.in_language(SOURCE_LANGUAGE).filter(subject=page.subject).select_related("live_release").first()
    )
    if source is None:
        return None
    return TranslationPair(
        page, source, page.translated_from, latest_source_revision(source), latest_translator_check(page)
    )


def latest_source_revision(source: Page) -> Revision | None:
    """Return the revision that translations should match: the live one, or the newest draft of an unpublished page."""
    if source.live_release:
        return Revision.objects.select_related("author").get(pk=source.live_release.revision_id)
    return source.revisions.select_related("author").first()


def latest_translator_check(page: Page) -> Approval | None:
    """Return the translator's check of the newest draft, if any. It is void as soon as the text changes."""
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
    """Filter public translations whose live source text differs from the revision that they were made from."""
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
    """Record that this translation now matches ``source``. Idempotent."""
    Page.objects.select_for_update().get(pk=page.pk)
    if not Page.objects.filter(pk=page.pk).exclude(translated_from=source).update(translated_from=source):
        return
    page.translated_from = source
    ReleaseEvent.objects.create(
        page=page,
        kind=EventKind.TRANSLATION_SYNCED,
        revision=page.revisions.first(),
        actor=actor,
        reason=_("Now matches revision %(number)s of the source text.") % {"number": source.number},
    )


def record_translator_check(revision: Revision, *, actor: User, translator: str) -> Approval:
    """Record a qualified translator's check of exactly this text. ``translator``: name and qualification."""
    if revision.page.language == SOURCE_LANGUAGE:
        raise ReviewError(_("This is the source text, not a translation."))
    if not translator.strip():
        raise ReviewError(_("Enter the translator's name and qualification."))
    return record_decision(revision, reviewer=actor, decision=Decision.TRANSLATION_CHECKED, comment=translator.strip())
