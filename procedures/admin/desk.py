"""What the form of a page shows besides its fields: where it stands, what is to mend, who may do what."""

from dataclasses import dataclass, field

from django.urls import reverse

from portal.staff.models import User
from procedures.admin.true_page import true_page
from procedures.enums import PageKind
from procedures.markdown import Library, Problem, render_page
from procedures.models import Approval, Page, Release, ReleaseEvent, Revision
from procedures.publishing.readiness import readiness
from procedures.publishing.review import standing_approval
from procedures.publishing.states import REVIEW_EVENTS, last_word, state_words, with_states


@dataclass(frozen=True)
class Desk:
    """One saved page on the desk of one member of staff."""

    page: Page
    state: str
    word: str
    live: Release | None
    revision: Revision | None
    approval: Approval | None
    said: ReleaseEvent | None
    problems: list[Problem]
    html: str
    may_approve: bool
    may_publish: bool
    addresses: dict[str, str] = field(default_factory=dict)


def desk(page_id: int, user: User) -> Desk:
    """Looks everything up anew: what the form holds may be unsaved."""
    page = with_states(Page.objects.filter(pk=page_id)).get()
    revision = page.revisions.select_related("author").first()
    content = revision.content if revision else page.draft()
    rendered = render_page(content, kind=page.kind, library=Library(page.language))
    may_approve = user.has_perm("procedures.approve_page")
    author = str(revision.author) if revision and revision.author else ""
    return Desk(
        page=page,
        state=state_words(page),
        word=last_word(page),
        live=page.live_release,
        revision=revision,
        approval=standing_approval(revision) if revision else None,
        said=page.events.filter(kind__in=REVIEW_EVENTS).select_related("actor").first(),
        problems=readiness(page, content, rendered),
        html=true_page(page, content, rendered, author=author) if may_approve else "",
        may_approve=may_approve,
        may_publish=user.has_perm("procedures.publish_page"),
        addresses=addresses(page),
    )


def addresses(page: Page) -> dict[str, str]:
    """Where the links of a page's form lead."""
    of_this_page = f"?page__id__exact={page.pk}"
    return {
        "change": change_address(page),
        "review": reverse("admin:procedures_page_review", args=[page.pk]),
        "withdraw": reverse("admin:procedures_page_withdraw", args=[page.pk]),
        "revisions": reverse("admin:procedures_revision_changelist") + of_this_page,
        "releases": reverse("admin:procedures_release_changelist") + of_this_page,
        "events": reverse("admin:procedures_releaseevent_changelist") + of_this_page,
    }


def change_address(page: Page) -> str:
    """The form of a page: guides have their own."""
    model = "guide" if page.kind == PageKind.GUIDE else "page"
    return reverse(f"admin:procedures_{model}_change", args=[page.pk])
