"""What the form of a page shows besides its fields: where it stands, what is to mend, who may do what."""

from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from portal.staff.models import User
from procedures.admin.true_page import true_page
from procedures.enums import Decision, PageKind
from procedures.figures.approval import Pictures
from procedures.markdown import Library, Problem
from procedures.models import Approval, Figure, Page, Release, ReleaseEvent, ReviewComment, Revision
from procedures.publishing.anchors import render_draft
from procedures.publishing.readiness import readiness
from procedures.publishing.remarks import line_of
from procedures.publishing.review import new_figures, newest_approved, standing_approval
from procedures.publishing.states import REVIEW_EVENTS, last_word, state_words, with_states
from procedures.publishing.translations import Pair, pair


@dataclass(frozen=True)
class Remark:
    """What a reviewer said at one paragraph. ``line``: where that paragraph stands now, 0 when it is gone."""

    line: int
    quote: str
    text: str
    who: str


@dataclass(frozen=True)
class Desk:
    """One saved page on the desk of one member of staff. ``article``: its text; ``html``: the whole document.

    ``to_publish``: the approved text that waits for a manager; not looked for where this person is none.
    ``new_figures``: figures of the text whose picture no reviewer has approved; filled only together with ``html``.
    """

    page: Page
    state: str
    word: str
    live: Release | None
    revision: Revision | None
    approval: Approval | None
    said: ReleaseEvent | None
    problems: list[Problem]
    article: str
    html: str
    may_approve: bool
    may_publish: bool
    to_publish: Revision | None = None
    new_figures: list[Figure] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    pair: Pair | None = None
    addresses: dict[str, str] = field(default_factory=dict)

    @property
    def behind(self) -> bool:
        """Whether this is a translation of a text that has changed since."""
        then, now = (self.pair.made_from, self.pair.newest) if self.pair else (None, None)
        return bool(then and now and then.content_hash != now.content_hash)


def desk(page_id: int, user: User, *, with_page: bool = False) -> Desk:
    """Looks everything up anew: what the form holds may be unsaved. ``with_page``: the page as it would look, too."""
    page = with_states(Page.objects.filter(pk=page_id), texts=True).get()
    revision = page.revisions.select_related("author").first()
    content = revision.content if revision else page.draft()
    library = Library(page.language, Pictures.CURRENT)
    rendered = render_draft(page, content, library=library)
    may_approve, may_publish = (user.has_perm(f"procedures.{what}_page") for what in ("approve", "publish"))
    author = str(revision.author) if revision and revision.author else ""
    return Desk(
        page=page,
        state=state_words(page),
        word=last_word(page),
        live=page.live_release,
        revision=revision,
        approval=standing_approval(revision) if revision else None,
        said=page.events.filter(kind__in=REVIEW_EVENTS).select_related("actor").first(),
        problems=readiness(page, content, rendered, library),
        article=rendered.html,
        html=true_page(page, content, rendered, author=author) if with_page else "",
        remarks=remarks(page, content),
        pair=pair(page),
        may_approve=may_approve,
        may_publish=may_publish,
        new_figures=new_figures(rendered) if with_page else [],
        to_publish=newest_approved(page) if may_publish else None,
        addresses=addresses(page),
    )


def remarks(page: Page, content: dict[str, Any]) -> list[Remark]:
    """What the last reviewer who sent this page back said at its paragraphs, in the order of the text."""
    last = Approval.objects.filter(revision__page=page).exclude(decision=Decision.TRANSLATION_CHECKED).first()
    if last is None or last.decision != Decision.SENT_BACK:
        return []
    found = [
        Remark(line_of(row.quote, content["body"]), row.quote, row.text, str(last.reviewer))
        for row in ReviewComment.objects.filter(approval=last)
    ]
    return sorted(found, key=lambda remark: remark.line or len(content["body"]))


def addresses(page: Page) -> dict[str, str]:
    """Where the links of a page's form lead."""
    return {
        "change": change_address(page),
        "review": reverse("admin:procedures_page_review", args=[page.pk]),
        "withdraw": reverse("admin:procedures_page_withdraw", args=[page.pk]),
        "publish": reverse("admin:procedures_page_publish", args=[page.pk]),
        "versions": reverse("admin:procedures_page_versions", args=[page.pk]),
        "reading": reverse("admin:procedures_page_reading", args=[page.pk]),
        "compare": reverse("admin:procedures_page_compare", args=[page.pk]),
        "translation": reverse("admin:procedures_page_translation", args=[page.pk]),
        "events": reverse("admin:procedures_releaseevent_changelist") + f"?page={page.pk}",
    }


def page_trail(page: Page) -> list[tuple[str, str]]:
    """The way back to a page's form, for the head of a screen."""
    return [(page.title, change_address(page))]


def change_address(page: Page) -> str:
    """The form of a page: guides have their own."""
    model = "guide" if page.kind == PageKind.GUIDE else "page"
    return reverse(f"admin:procedures_{model}_change", args=[page.pk])
