"""What staff look at is rendered once, and read from the database once."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.staff.models import User
from procedures.models import Page
from procedures.publishing.drafts import save_revision
from procedures.publishing.review import submit
from tests.admin.conftest import PAGES, SignIn, form_of
from tests.factories import make_public

pytestmark = pytest.mark.django_db


def renderings(asked: CaptureQueriesContext) -> int:
    """The renderer asks for the words of the glossary once for each text."""
    return sum('FROM "procedures_term"' in query["sql"] for query in asked)


@pytest.fixture
def submitted(page: Page, editor: User) -> Page:
    """Public, with a newer text that waits for review."""
    make_public(page)
    page.title = "A newer title"
    page.save()
    submit(save_revision(page, author=editor), actor=editor)
    return page


def test_a_reviewers_screen_renders_its_text_once(submitted: Page, reviewer: User, sign_in: SignIn) -> None:
    client = sign_in(reviewer)

    with CaptureQueriesContext(connection) as asked:
        answer = client.get(f"{PAGES}{submitted.pk}/review/")

    assert renderings(asked) == 1
    assert answer.context["desk"].revision.content["title"] == "A newer title"
    assert answer.context["diff"]["count"] == 1


def test_a_decision_leads_to_the_form_and_renders_nothing(submitted: Page, reviewer: User, sign_in: SignIn) -> None:
    client = sign_in(reviewer)
    values = {"revision": submitted.revisions.latest("number").pk, "decision": "approved", "comment": ""}

    with CaptureQueriesContext(connection) as asked:
        answer = client.post(f"{PAGES}{submitted.pk}/review/", values)

    assert answer["Location"] == form_of(submitted)
    assert renderings(asked) == 0
