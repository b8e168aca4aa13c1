"""The search over everything: by permission, in a fixed number of queries, as JSON and as a page."""

from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from procedures.models import ClinicAnswer, GlossaryTerm, Page
from tests.admin.conftest import SignIn, make_staff
from tests.factories import make_clinic, make_figure, make_page
from tests.replay import built_once

pytestmark = pytest.mark.django_db

SEARCH = "/admin/search/"


def search(client: Client, query: str) -> dict[str, list[str]]:
    answer = client.get(SEARCH, {"q": query}, headers={"Accept": "application/json"})
    return {group["label"]: [row["label"] for row in group["results"]] for group in answer.json()["groups"]}


@pytest.fixture
@built_once
def needles(db: None) -> None:
    """One row of each kind that contains the word “needle”."""
    make_clinic()
    make_page("needle", title="The needle")
    make_page("needle-visit", title="Needle visit", kind="guide")
    make_figure("needle-tip", size=(48, 48))
    GlossaryTerm.objects.create(key="needle", language="en", term="needle", definition="A thin tube.")
    ClinicAnswer.objects.create(key="needle", language="en", question="How thick is the needle?", answer="Thin.")
    make_staff("Needleman")


def test_search_finds_what_the_role_can_view(
    needles: None, editor: User, manager: User, visitor: User, sign_in: SignIn
) -> None:
    content = {
        "Pages": ["The needle"],
        "Guides": ["Needle visit"],
        "Glossary terms": ["needle"],
        "Pictures": ["Needle", "Needle"],
        "Clinic answers": ["How thick is the needle?"],
    }

    assert search(sign_in(editor), "NEEDLE") == content
    assert search(sign_in(manager), "needle") == {**content, "People": ["Needleman"]}
    assert search(sign_in(visitor), "needle") == {}


def test_search_finds_screens_by_name(manager: User, editor: User, sign_in: SignIn) -> None:
    assert search(sign_in(manager), "sign")["Screens"] == ["Warning signs", "Sign-ins"]
    assert search(sign_in(editor), "sign")["Screens"] == ["Warning signs"]


def test_search_starts_the_actions_of_the_home_screen(editor: User, reviewer: User, sign_in: SignIn) -> None:
    assert search(sign_in(editor), "new page")["Screens"] == ["New page"]
    assert "Screens" not in search(sign_in(reviewer), "new page")


def test_title_matches_come_before_text_matches(editor: User, sign_in: SignIn) -> None:
    make_page("bones", title="Bones", body="A needle is used.", order=1)
    make_page("needle", title="Needle", order=50)

    assert search(sign_in(editor), "needle")["Pages"] == ["Needle", "Bones"]


def test_search_needs_a_fixed_number_of_queries(
    needles: None, manager: User, sign_in: SignIn, django_assert_num_queries: Any
) -> None:
    client = sign_in(manager)
    search(client, "needle")
    for count in (0, 8):
        for number in range(count):
            make_page(f"needle-{number}", title=f"Needle {number}")
            make_figure(f"tip-{number}", size=(48, 48))
            make_staff(f"Needle{number}")
        with django_assert_num_queries(19):
            found = search(client, "needle")
    assert len(found["Pages"]) == len(found["Pictures"]) == len(found["People"]) == 6


def test_more_results_are_linked_to_the_list(editor: User, sign_in: SignIn) -> None:
    for number in range(8):
        make_page(f"needle-{number}", title=f"Needle {number}")
    client = sign_in(editor)
    answer = client.get(SEARCH, {"q": "needle"}, headers={"Accept": "application/json"})

    group = answer.json()["groups"][0]
    assert len(group["results"]) == 6
    assert group["more"] == {"label": "All results in Pages", "url": "/admin/procedures/page/?q=needle"}
    assert client.get(group["more"]["url"]).context["cl"].result_count == 8


def test_search_is_a_page_without_javascript(needles: None, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)

    text = client.get(SEARCH, {"q": "needle"}).text

    page = Page.objects.get(subject="needle")
    assert f'<a href="/admin/procedures/page/{page.pk}/change/">The needle</a>' in text
    assert "No results for “zebra”." in client.get(SEARCH, {"q": "zebra"}).text
    assert client.get(SEARCH).status_code == 200


def test_unusual_searches_find_nothing_and_raise_no_error(needles: None, manager: User, sign_in: SignIn) -> None:
    client = sign_in(manager)
    for query in ("", " ", "\0", "%", "_", "'", '"', "a" * 5000, "<b>", "needle zebra"):
        assert "The needle" not in search(client, query).get("Pages", []), query


def test_anonymous_users_are_redirected_to_sign_in(client: Client) -> None:
    answer = client.get(SEARCH, {"q": "needle"}, headers={"Accept": "application/json"})

    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")
