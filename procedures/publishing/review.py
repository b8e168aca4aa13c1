"""Draft review: submission, decisions (each on exactly one text), page states for lists, and translation checks."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.models import User
from procedures import languages
from procedures.enums import Decision, EventKind
from procedures.figures.approval import FigureVersion, figure_hash, record_approval, unapproved_figures
from procedures.models import Approval, ApprovalFingerprint, Figure, Page, ReleaseEvent, ReviewComment, Revision
from procedures.models.page import COMMENT_REQUIRED_MESSAGE, without_text
from procedures.publishing.dependencies import hash_fingerprints, read_fingerprints
from procedures.rendering import ReferenceResolver, RenderedPage, render_page
from procedures.rendering.document import Text, walk
from procedures.rendering.parser import parse

# Translations are made from pages in this language.
SOURCE_LANGUAGE = languages.DEFAULT


class ReviewError(Exception):
    """The decision was rejected. The message is a sentence for the user."""


class PageChangedError(ReviewError):
    """The page's type, language, or name has changed since the reviewer opened it."""


class UnseenFiguresError(ReviewError):
    """The text shows a picture that the reviewer has not seen."""


class UnseenTextsError(ReviewError):
    """The page prints a text from elsewhere that has changed since the reviewer opened it."""


def needs_other_reviewer(user: User, *author_ids: int | None) -> bool:
    """Return whether someone other than ``user`` must approve what people with these IDs wrote."""
    return bool(settings.REQUIRE_PEER_REVIEW) and user.pk in author_ids


def select_authors(
    history: Iterable[tuple[int, str, int | None]], *, reviewed: tuple[int, str], baseline: tuple[int, str]
) -> set[int]:
    """Return the authors of the changes under review, who must not approve them.

    These are the authors of all revisions since the baseline, because later revisions include their changes, and
    those who first wrote exactly these texts, because a revision may restore an older one. ``history``: number,
    content hash, and author of each revision, oldest first, once for each of its authors. ``baseline``: the last text
    that was approved or is public; (0, "") if there is none. A revision with that same text changes nothing.
    """
    (last, content_hash), (first, baseline_hash) = reviewed, baseline
    first_numbers: dict[str, int] = {}
    first_authors: dict[str, set[int | None]] = {}
    authors: set[int | None] = set()
    for number, text_hash, author in history:
        found = first_authors.setdefault(text_hash, set())
        if first_numbers.setdefault(text_hash, number) == number:
            found.add(author)
        if content_hash != baseline_hash and first < number <= last and text_hash != baseline_hash:
            authors |= {author, *found}
    authors |= first_authors.get(content_hash, set())
    return {author for author in authors if author is not None}


def find_text_authors(revisions: Iterable[Revision]) -> dict[int, set[int]]:
    """Return by page who must not approve its revision: ``select_authors``, and who changed its ``IDENTITY_FIELDS``.

    One revision a page; four queries.
    """
    reviewed = {revision.page_id: (revision.number, revision.content_hash) for revision in revisions}
    live = Page.objects.filter(pk__in=reviewed, live_release__isnull=False).values_list(
        "pk", "live_release__revision__number", "live_release__revision__content_hash"
    )
    decisions = Approval.objects.decisions().filter(revision__page__in=reviewed).order_by("pk")
    # The last decision on each text counts.
    latest = {
        (page, content_hash): (number, decision)
        for page, content_hash, number, decision in decisions.values_list(
            "revision__page", "content_hash", "revision__number", "decision"
        )
    }
    approved = [
        (page, number, content_hash)
        for (page, content_hash), (number, decision) in latest.items()
        if decision == Decision.APPROVED
    ]
    baselines = dict.fromkeys(reviewed, (0, ""))
    for page, number, content_hash in [*live, *approved]:
        if number <= reviewed[page][0]:
            baselines[page] = max(baselines[page], (number, content_hash))
    history: dict[int, list[tuple[int, str, int | None]]] = {page: [] for page in reviewed}
    rows = Revision.objects.filter(page__in=reviewed).order_by("number")
    names = ("page", "number", "content_hash", "author", "copied_authors")
    for page, number, content_hash, author, copied in rows.values_list(*names):
        history[page] += [(number, content_hash, key) for key in (author, *copied)]
    authors = {
        page: select_authors(history[page], reviewed=reviewed[page], baseline=baselines[page]) for page in reviewed
    }
    # A first approval fixes the identity, so these changes are part of every review before it.
    changes = ReleaseEvent.objects.filter(page__in=reviewed, kind=EventKind.IDENTITY_CHANGED, actor__isnull=False)
    for page, actor in changes.values_list("page", "actor"):
        if actor and baselines[page] == (0, ""):
            authors[page].add(actor)
    return authors


def explain_own_text(user: User, revision: Revision) -> str:
    """Return why ``user`` must not approve this text, and who can; "" if nothing forbids it."""
    if not needs_other_reviewer(user, *find_text_authors([revision])[revision.page_id]):
        return ""
    if revision.author_id == user.pk:
        return _("This is your own text. Another person must approve it.")
    changes = revision.page.events.filter(kind=EventKind.IDENTITY_CHANGED, actor=user)
    if changes.exists() and not revision.page.is_identity_fixed:
        return _("You changed the type, language, or name of this page. Another person must approve it.")
    return _(
        "You wrote part of this text. A reviewer who wrote none of the changes since the last approved text must "
        "approve it."
    )


def find_unapproved_figures(rendered: RenderedPage) -> list[Figure]:
    """Return the figures of a text, rendered with ``FigureVersion.CURRENT``, whose current version is not approved."""
    figure_ids = [dependency.figure_id for dependency in rendered.dependencies if dependency.kind == "figure"]
    figures = Figure.objects.filter(pk__in=figure_ids).select_related(
        "uploaded_by", "kind_changed_by", "provenance_changed_by"
    )
    return unapproved_figures(list(figures.with_texts()))


@transaction.atomic
def submit_for_review(revision: Revision, *, actor: User, note: str = "") -> ReleaseEvent:
    """Submit a revision for review. Repeating the request creates no second event."""
    _lock_page(revision)
    repeated = _find_repeated_event(revision, EventKind.SUBMITTED, actor, note)
    return repeated or ReleaseEvent.objects.create(
        page=revision.page, kind=EventKind.SUBMITTED, revision=revision, actor=actor, reason=note
    )


@transaction.atomic
def record_identity_change(page: Page, before: Mapping[str, str], *, actor: User | None) -> bool:
    """Record that a saved page has other ``IDENTITY_FIELDS`` than ``before``; a page in review goes out of it.

    Do nothing if they are the same. Return whether the page was in review.
    """
    old = Page(**before)
    changes = [
        _("%(field)s: “%(old)s” becomes “%(new)s”")
        % {"field": Page.field_label(name), "old": _display(old, name), "new": _display(page, name)}
        for name, value in before.items()
        if value != getattr(page, name)
    ]
    if not changes:
        return False
    was_in_review = get_review_status(annotate_status(Page.objects.filter(pk=page.pk)).get()) == EventKind.SUBMITTED
    ReleaseEvent.objects.create(
        page=page,
        kind=EventKind.IDENTITY_CHANGED,
        revision=page.revisions.first(),
        actor=actor,
        reason="\n".join(changes),
    )
    return was_in_review


def _display(page: Page, name: str) -> str:
    """Return the value of an identity field as staff read it."""
    labels = {"kind": page.get_kind_display, "language": page.get_language_display}
    return str(labels[name]() if name in labels else getattr(page, name))


@transaction.atomic
def record_decision(
    revision: Revision,
    *,
    reviewer: User,
    decision: Decision,
    comment: str = "",
    comments: Sequence[tuple[str, str]] = (),
    seen_figure_hashes: Collection[str] = (),
    seen_texts: str = "",
    seen_identity: Mapping[str, str] | None = None,
) -> Approval:
    """Record the reviewer's decision, with ``comments`` as pairs of a paragraph's text and the comment on it.

    ``seen_figure_hashes``: the ``figure_hash`` of each new picture on the reviewer's screen; the approval covers these
    pictures, too. ``seen_texts``: the ``hash_fingerprints`` of the texts from elsewhere on the screen, if known; the
    approval covers these texts. ``seen_identity``: the page's ``IDENTITY_FIELDS`` on the screen, which the approval
    fixes. Repeating the same decision (a double click) returns the first one. Raise ReviewError if the reviewer wrote
    part of the text or changed a picture, or if the text is sent back without any comment; UnseenFiguresError if the
    text shows another new picture; UnseenTextsError if it shows other texts; and PageChangedError if the page has
    another identity.
    """
    if decision == Decision.APPROVED and (message := explain_own_text(reviewer, revision)):
        raise ReviewError(message)
    if decision == Decision.SENT_BACK and not comment.strip():
        if not comments:
            raise ReviewError(str(COMMENT_REQUIRED_MESSAGE))
        comment = _("See the comments on the text.")
    _lock_page(revision)
    if seen_identity and not Page.objects.filter(pk=revision.page_id, **seen_identity).exists():
        raise PageChangedError(
            _("The type, language, or name of this page has changed since you opened it. Review it again.")
        )
    new_figures: list[Figure] = []
    fingerprints: list[list[str]] | None = None
    if decision == Decision.APPROVED:
        rendered = _render_as_seen(revision, seen_texts)
        new_figures = _find_approvable_figures(rendered, reviewer, seen_figure_hashes)
        fingerprints = read_fingerprints(rendered)
    repeated = None if new_figures else _find_repeated_event(revision, EventKind(decision.value), reviewer, comment)
    if repeated:
        same = revision.approvals.filter(reviewer=reviewer, decision=decision, comment=comment).first()
        is_same = same and list(same.comments.values_list("quote", "text")) == list(comments)
        if same and is_same and (fingerprints is None or _has_fingerprints(same, fingerprints)):
            return same
    approval = Approval.objects.create(
        revision=revision,
        content_hash=revision.content_hash,
        reviewer=reviewer,
        decision=decision,
        comment=comment,
    )
    if fingerprints is not None:
        ApprovalFingerprint.objects.create(approval=approval, dependencies=fingerprints)
    for figure in new_figures:
        record_approval(figure, approval)
    ReviewComment.objects.bulk_create(
        ReviewComment(approval=approval, quote=quote, text=text) for quote, text in comments
    )
    ReleaseEvent.objects.create(
        page=revision.page, kind=EventKind(decision.value), revision=revision, actor=reviewer, reason=comment
    )
    return approval


def _render_as_seen(revision: Revision, seen_texts: str) -> RenderedPage:
    """Render a text as the review screen does. Raise UnseenTextsError if the screen showed other texts."""
    resolver = ReferenceResolver(revision.page.language, FigureVersion.CURRENT)
    rendered = render_page(revision.content, kind=revision.page.kind, resolver=resolver)
    if seen_texts and seen_texts != hash_fingerprints(rendered):
        raise UnseenTextsError(
            _(
                "Something that this page shows, such as an answer or a caption, has changed since you opened it. "
                "Review it again."
            )
        )
    return rendered


def _has_fingerprints(approval: Approval, fingerprints: list[list[str]]) -> bool:
    return ApprovalFingerprint.objects.filter(approval=approval, dependencies=fingerprints).exists()


def _find_approvable_figures(rendered: RenderedPage, reviewer: User, seen_hashes: Collection[str]) -> list[Figure]:
    """Return the new pictures of a text. Raise ReviewError unless the reviewer has seen and may approve all of them."""
    figures = find_unapproved_figures(rendered)
    own = [figure for figure in figures if needs_other_reviewer(reviewer, *figure.author_ids)]
    if own:
        if own[0].uploaded_by_id == reviewer.pk:
            message = _("You uploaded the picture “%(slug)s”. Another person must approve this text.")
        elif own[0].kind_changed_by_id == reviewer.pk:
            message = _("You changed the kind of the picture “%(slug)s”. Another person must approve this text.")
        else:
            message = _("You changed the source of the picture “%(slug)s”. Another person must approve this text.")
        raise ReviewError(message % {"slug": own[0].slug})
    if any(figure_hash(figure) not in seen_hashes for figure in figures):
        raise UnseenFiguresError(
            _(
                "This text has a new or changed picture that you have not seen. Check the pictures below, "
                "then decide again."
            )
        )
    return figures


def _lock_page(revision: Revision) -> None:
    """Lock the page, so that concurrent requests run one after the other and repeated ones are recognized."""
    list(Page.objects.select_for_update().filter(pk=revision.page_id).values_list("pk"))


def _find_repeated_event(revision: Revision, kind: EventKind, actor: User, reason: str) -> ReleaseEvent | None:
    """Return the page's last event if it is this same event (a repeated request).

    Rereleases are ignored, because they do not change the text.
    """
    last = ReleaseEvent.objects.filter(page=revision.page_id).exclude(kind=EventKind.RERELEASED).first()
    same = last and (last.kind, last.revision_id, last.actor_id) == (kind, revision.pk, actor.pk)
    return last if last and same and last.reason == reason else None


def _approvals_in_force() -> models.QuerySet[Approval]:
    in_force = ReleaseEvent.objects.approvals_in_force().filter(
        page=OuterRef("revision__page"), revision__content_hash=OuterRef("content_hash")
    )
    return Approval.objects.filter(Exists(in_force), decision=Decision.APPROVED)


def current_approval(revision: Revision) -> Approval | None:
    """Return the approval in force for this revision: the last one of the same text, if it still applies."""
    approvals = _approvals_in_force().filter(revision__page=revision.page, content_hash=revision.content_hash)
    return approvals.order_by("-pk").first()


@transaction.atomic
def record_missing_fingerprints() -> int:
    """Let approvals from before fingerprints were stored cover the texts as they are now. Return their number.

    Run by each load, which every start begins with. Idempotent.
    """
    found = list(_approvals_in_force().filter(fingerprint=None).select_related("revision__page"))
    for approval in found:
        revision = approval.revision
        resolver = ReferenceResolver(revision.page.language, FigureVersion.APPROVED)
        rendered = render_page(revision.content, kind=revision.page.kind, resolver=resolver)
        # Another machine may be starting as well.
        ApprovalFingerprint.objects.get_or_create(
            approval=approval, defaults={"dependencies": read_fingerprints(rendered)}
        )
    return len(found)


def latest_approved_revision(page: Page) -> Revision | None:
    """Return the text that can be published: the newest revision since the live one that has a current approval.

    The live text counts only if it was approved again after it was published, as starter text or when its review was
    due.
    """
    approvals = ReleaseEvent.objects.approvals_in_force().filter(page=page)
    revisions = page.revisions.select_related("author", "page").filter(
        content_hash__in=approvals.values("revision__content_hash")
    )
    live = page.live_release
    if live:
        revisions = revisions.filter(number__gte=live.revision.number)
        approval = current_approval(live.revision)
        if approval and approval.pk == live.approval_id:
            revisions = revisions.exclude(content_hash=live.revision.content_hash)
    return revisions.first()


def is_translation_checked(revision: Revision) -> bool:
    """Return whether a qualified translator's check of exactly this text is on record."""
    return Approval.objects.translator_checks(revision).exists()


WORD = re.compile(r"\w+")
MIN_SIMILARITY = 0.5


def extract_paragraphs(body: str) -> list[tuple[int, str]]:
    """Return the line number (from 1) and the plain text of every paragraph, heading, and list item."""
    return [(node.line, node.text) for node in walk(parse(body).document.body) if isinstance(node, Text)]


def locate_quote(quote: str, body: str) -> int:
    """Return the current line of a quoted paragraph, or 0 if it no longer exists.

    A quote also contains what the page adds (numbers of sources, the clinic's phone), so the most similar paragraph
    wins.
    """
    quote_words = WORD.findall(quote.casefold())
    best_ratio, best_line = MIN_SIMILARITY, 0
    for line, text in extract_paragraphs(body):
        matcher = SequenceMatcher(None, WORD.findall(text.casefold()), quote_words, autojunk=False)
        if matcher.real_quick_ratio() > best_ratio and (ratio := matcher.ratio()) > best_ratio:
            best_ratio, best_line = ratio, line
    return best_line


REVIEW_EVENTS = (EventKind.SUBMITTED, EventKind.APPROVED, EventKind.SENT_BACK)


class PageState(models.TextChoices):
    """The states by which lists of pages can be filtered. They overlap: a public page can also be in review."""

    DRAFT = "draft", gettext_lazy("Draft")
    UNSUBMITTED = "unsent", gettext_lazy("Draft not sent for review")
    IN_REVIEW = "waiting", gettext_lazy("Waiting for review")
    SENT_BACK = "sent_back", gettext_lazy("Sent back")
    APPROVED = "approved", gettext_lazy("Approved, not published yet")
    PUBLIC = "public", gettext_lazy("Public")
    HAS_NEWER_DRAFT = "newer", gettext_lazy("Public, with a newer draft")
    STARTER = "starter", gettext_lazy("Public starter text, not reviewed")
    SCHEDULED = "planned", gettext_lazy("Scheduled")
    WITHDRAWN = "withdrawn", gettext_lazy("Withdrawn")


def annotate_status(pages: models.QuerySet[Page], *, with_content: bool = False) -> models.QuerySet[Page]:
    """Annotate what ``describe_state``, ``get_review_status``, and ``filter_by_state`` need.

    ``latest_hash``, ``latest_author``, and ``latest_at`` come from the newest revision; ``last_review_event`` is the
    kind of the last review event on that text, or of its withdrawal, and "" if the text was published or the page's
    identity was changed since, or if the approval no longer applies.
    ``with_content=True`` also loads the texts of the live release; otherwise each access costs a query.
    """
    newest = Revision.objects.filter(page=OuterRef("pk")).order_by("-number")
    # A publication or withdrawal ends the review of the text, and a new page type that of any text; later events are
    # about another review of it.
    kinds = (*REVIEW_EVENTS, EventKind.PUBLISHED, EventKind.WITHDRAWN)
    review_events = ReleaseEvent.objects.filter(
        Q(kind__in=kinds, revision__content_hash=OuterRef("latest_hash")) | Q(kind=EventKind.IDENTITY_CHANGED),
        page=OuterRef("pk"),
    )
    ends = Q(kind__in=(EventKind.PUBLISHED, EventKind.IDENTITY_CHANGED)) | Q(kind=EventKind.APPROVED, has_lapsed=True)
    is_over = When(ends, then=Value(""))
    statuses = review_events.with_lapse().annotate(status=Case(is_over, default=F("kind"))).order_by("-pk")
    pages = pages.select_related("live_release__revision")
    if not with_content:
        pages = without_text(pages).defer("live_release__revision__content")
    return pages.annotate(
        latest_hash=Subquery(newest.values("content_hash")[:1]),
        latest_author=Subquery(newest.values("author")[:1]),
        latest_at=Subquery(newest.values("created_at")[:1]),
        last_review_event=Subquery(statuses.values("status")[:1]),
    )


IS_LIVE_TEXT = Q(live_release__revision__content_hash=F("latest_hash"))
STATE_FILTERS: dict[str, Q] = {
    PageState.DRAFT: Q(live_release__isnull=True, withdrawn_reason="")
    & (Q(last_review_event__isnull=True) | Q(last_review_event="")),
    PageState.UNSUBMITTED: Q(latest_hash__isnull=False)
    & (Q(last_review_event__isnull=True) | Q(last_review_event=""))
    & (Q(live_release__isnull=True) | ~IS_LIVE_TEXT),
    PageState.IN_REVIEW: Q(last_review_event=EventKind.SUBMITTED),
    PageState.SENT_BACK: Q(last_review_event=EventKind.SENT_BACK),
    PageState.APPROVED: Q(last_review_event=EventKind.APPROVED),
    PageState.PUBLIC: Q(live_release__isnull=False),
    PageState.HAS_NEWER_DRAFT: Q(live_release__isnull=False) & ~IS_LIVE_TEXT,
    PageState.STARTER: Q(live_release__is_starter=True),
    PageState.SCHEDULED: Q(publish_at__isnull=False),
    PageState.WITHDRAWN: Q(live_release__isnull=True) & ~Q(withdrawn_reason=""),
}


def filter_by_state(pages: models.QuerySet[Page], state: str) -> models.QuerySet[Page]:
    """Keep only pages by state. ``pages`` must be annotated with ``annotate_status``."""
    return pages.filter(STATE_FILTERS[state])


# Shown after a colon.
REVIEW_LABELS: dict[str, Promise] = {
    EventKind.SUBMITTED: gettext_lazy("waiting for review"),
    EventKind.SENT_BACK: gettext_lazy("sent back"),
    EventKind.APPROVED: gettext_lazy("approved, not published yet"),
}
# Shown alone, for pages that are not public.
DRAFT_LABELS: dict[str, Promise] = {
    EventKind.SUBMITTED: gettext_lazy("Waiting for review"),
    EventKind.SENT_BACK: gettext_lazy("Sent back"),
    EventKind.APPROVED: gettext_lazy("Approved, not published yet"),
}


def get_review_status(page: Any) -> str:
    """Return the kind of the last review event that still matters, or "". Needs ``annotate_status``."""
    return page.last_review_event if page.last_review_event in REVIEW_EVENTS else ""


def describe_state(page: Any) -> str:
    """Describe the state in one phrase, such as “Public (starter text): waiting for review”.

    Needs ``annotate_status``.
    """
    live, status = page.live_release, get_review_status(page)
    if live is None and not page.withdrawn_reason:
        return str(DRAFT_LABELS.get(status, _("Draft")))
    if live is None:
        state = _("Withdrawn")
    elif not page.shows(page.latest_hash):
        state = _("Public, with a newer draft")
    else:
        state = _("Public (starter text)") if live.is_starter else _("Public")
    if status not in REVIEW_LABELS:
        return state
    return _("%(state)s: %(review)s") % {"state": state, "review": REVIEW_LABELS[status]}


@dataclass(frozen=True)
class TranslationPair:
    """A translation (``page``) and its source page. ``translated_from`` is None if no source revision is recorded."""

    page: Page
    source: Page
    translated_from: Revision | None
    latest_source: Revision | None
    translator_check: Approval | None

    @property
    def is_out_of_sync(self) -> bool:
        """Whether the source text has changed since the translation was made; False if that is not recorded."""
        made_from, latest = self.translated_from, self.latest_source
        return made_from is not None and latest is not None and made_from.content_hash != latest.content_hash


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
    """Return the translator's check of the newest draft, if any. It becomes void as soon as the text changes."""
    newest = page.revisions.first()
    return Approval.objects.translator_checks(newest).select_related("reviewer").first() if newest else None


def filter_out_of_sync(pages: models.QuerySet[Page]) -> models.QuerySet[Page]:
    """Keep only public translations that may not match the source text.

    Either the source has changed since it was recorded (``made_from_hash``, null if it never was; ``source_hash`` is
    the current one), or the text that was marked as up to date is a draft that is newer than the public one.
    """
    source = Page.objects.in_language(SOURCE_LANGUAGE).filter(subject=OuterRef("subject"))
    drafts = Revision.objects.filter(page__subject=OuterRef("subject"), page__language=SOURCE_LANGUAGE)
    # As in ``latest_source_revision``.
    source_hash = Coalesce(
        Subquery(source.values("live_release__revision__content_hash")[:1]),
        Subquery(drafts.order_by("-number").values("content_hash")[:1]),
    )
    marked = ReleaseEvent.objects.filter(page=OuterRef("pk"), kind=EventKind.TRANSLATION_SYNCED).order_by("-pk")
    is_marked_draft = Q(marked_number__gt=F("live_release__revision__number")) & ~Q(
        marked_hash=F("live_release__revision__content_hash")
    )
    return (
        pages.filter(live_release__isnull=False)
        .exclude(language=SOURCE_LANGUAGE)
        .annotate(
            source_hash=source_hash,
            made_from_hash=F("translated_from__content_hash"),
            marked_number=Subquery(marked.values("revision__number")[:1]),
            marked_hash=Subquery(marked.values("revision__content_hash")[:1]),
        )
        .filter(source_hash__isnull=False)
        .filter(Q(made_from_hash__isnull=True) | ~Q(source_hash=F("made_from_hash")) | is_marked_draft)
    )


def record_translation_source(page: Page) -> None:
    """Record that a new page, if it is a translation, was made from the current source text."""
    pair = get_translation_pair(page)
    if pair and pair.latest_source:
        page.translated_from = pair.latest_source
        page.save(update_fields=["translated_from"])


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
