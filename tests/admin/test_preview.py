"""The live preview: the public renderer and template, JSON errors, and nothing saved."""

import re
from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from procedures.models import Page, Revision
from tests.admin.conftest import SignIn, page_form
from tests.factories import make_figure, make_page, make_public, make_term

PREVIEW = "/admin/procedures/page/preview/"
SESSION = "/admin/session/"
# Line comments of a preview; the reviewer, whom a preview cannot know; the reader tools; and the URLs of large
# pictures, which a draft does not have.
NOT_IN_BOTH = re.compile(
    r'<!--line \d+-->|<p class="page-status">.*?</p>\s*|<div class="reader-tools__box">.*?</button></div></div>\s*'
    r'|(?<=href=")(?:#|/small-cut/)?picture/[a-z-]+/',
    re.DOTALL,
)


def article(html: str) -> str:
    return html[html.index("<article") : html.index("</article>")]


def test_the_preview_equals_the_published_page(page: Page, editor: User, sign_in: SignIn) -> None:
    make_public(page)
    public = Client().get("/small-cut/").content.decode()

    answer = sign_in(editor).post(PREVIEW, page_form(page))

    html = answer.json()["html"]
    assert answer.status_code == 200
    assert "<!--line 1-->" in html
    # A draft has no URL, and neither do its large pictures.
    public = public.replace('href="/small-cut/picture/needle/"', 'href="#picture/needle/"')
    assert NOT_IN_BOTH.sub("", article(html)).split() == NOT_IN_BOTH.sub("", article(public)).split()
    assert '<p class="page-status">' in html
    assert '<link rel="stylesheet" href="/static/css/site.css">' in html
    assert "<script" not in html
    assert '<meta name="robots" content="noindex">' in html


def test_the_preview_shows_the_input_and_saves_nothing(page: Page, editor: User, sign_in: SignIn) -> None:
    html = sign_in(editor).post(PREVIEW, page_form(page, title="Just typed", body="Only here.")).json()["html"]

    page.refresh_from_db()
    assert "Just typed" in html
    assert "<p>Only here.</p>" in html
    assert page.title == "Small cut"
    assert not Revision.objects.filter(page=page).exists()


def test_the_preview_lists_all_publishing_issues(page: Page, editor: User, sign_in: SignIn) -> None:
    answer = sign_in(editor).post(PREVIEW, page_form(page, body="Text.\r\n\r\n::: figure nowhere\r\n", lead_figure=""))

    assert {(p["line"], p["sentence"]) for p in answer.json()["problems"]} == {
        (3, "There is no picture “nowhere”."),
        (0, "Choose the main picture."),
        (0, "Add key points before the first heading."),
        (0, "Add a source for the facts."),
    }


def test_a_preview_names_the_anchors_of_sections_and_the_linked_terms(
    page: Page, editor: User, sign_in: SignIn
) -> None:
    term = make_term()
    body = f"## Sources\n\nA {term.term}.\n\n- A {term.term}\n\n::: choices\n### A\n#### B\nC\n:::\n"

    answer = sign_in(editor).post(PREVIEW, page_form(page, body=body)).json()

    assert answer["anchors"] == {"1": "about-sources", "8": "a"}
    assert answer["terms"] == [{"line": 3, "words": term.term, "definition": term.definition}]


def test_a_new_page_is_previewed_before_its_first_save(page: Page, editor: User, sign_in: SignIn) -> None:
    values = page_form(page, page="", version="", subject="fresh", slug="fresh", title="Fresh")

    answer = sign_in(editor).post(PREVIEW, values).json()

    assert "Fresh" in answer["html"]
    assert answer["problems"] == []


def test_a_slug_of_another_page_is_an_issue(page: Page, editor: User, sign_in: SignIn) -> None:
    values = page_form(page, page="", version="", subject="fresh", slug="contact")

    problems = sign_in(editor).post(PREVIEW, values).json()["problems"]

    assert [p["sentence"] for p in problems] == ["The web address /contact/ belongs to “Contact”. Choose another one."]


def test_a_guide_is_previewed_with_its_reading_list(page: Page, editor: User, sign_in: SignIn) -> None:
    make_public(page)
    row = {"order": 0, "page": page.pk, "section": "", "minutes": 7, "note": "Read it first."}
    values = page_form(page, page="", subject="visit", slug="visit", title="Visit")
    del values["kind"]

    html = (
        sign_in(editor)
        .post(PREVIEW, {**values, "items-TOTAL_FORMS": 1, **{f"items-0-{k}": v for k, v in row.items()}})
        .json()["html"]
    )

    assert "Read it first." in html
    assert 'href="/small-cut/"' in html


@pytest.mark.parametrize(
    "odd",
    [
        {"body": "<script>alert(1)</script> [x](javascript:alert(1))"},
        {"kind": "nonsense", "language": "xx", "page": ""},
        {"lead_figure": "99999999999999999999", "next_page": "-1", "review_months": "1e9"},
        {"review_months": "99999999"},
        {"items-TOTAL_FORMS": "999999999", "kind": "guide", "page": ""},
        {"title": "\x00\ue000", "body": "\x00" * 50},
        pytest.param({"body": "[" * 100_000}, marks=pytest.mark.slow),
    ],
)
def test_any_input_gets_a_preview_without_scripts(
    page: Page, editor: User, sign_in: SignIn, odd: dict[str, Any]
) -> None:
    answer = sign_in(editor).post(PREVIEW, page_form(page, **odd))

    assert answer.status_code == 200
    assert "<script" not in answer.json()["html"]
    assert '="javascript:' not in article(answer.json()["html"])


def test_preview_without_login_returns_json(page: Page, reviewer: User, visitor: User, sign_in: SignIn) -> None:
    outside = User.objects.create(username="outside", is_staff=False, is_superuser=True)

    answers = [client.post(PREVIEW) for client in (Client(), *map(sign_in, (outside, reviewer, visitor)))]

    assert [answer.status_code for answer in answers] == [401, 403, 403, 403]
    assert {answer["Content-Type"] for answer in answers} == {"application/json"}
    assert answers[0].json() == {"error": "You are signed out. Your text is still here."}


def test_an_invalid_csrf_token_returns_json_and_a_fresh_one_works(page: Page, editor: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)

    stale = client.post(PREVIEW, page_form(page, csrfmiddlewaretoken="stale"))
    token = client.get(SESSION).json()["csrf_token"]
    healed = client.post(PREVIEW, page_form(page, csrfmiddlewaretoken=token))

    assert (stale.status_code, stale.json()["code"]) == (403, "csrf")
    assert healed.status_code == 200


def test_preview_requires_post(page: Page, editor: User, sign_in: SignIn) -> None:
    answer = sign_in(editor).get(PREVIEW)

    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_an_oversized_text_is_rejected_as_json(page: Page, editor: User, sign_in: SignIn) -> None:
    answer = sign_in(editor).post(PREVIEW, page_form(page, body="x" * 2_200_000))

    assert answer.status_code == 413
    assert answer.json() == {"error": "That is more than 2 MB."}


def test_previews_are_never_cached(page: Page, editor: User, sign_in: SignIn) -> None:
    assert "no-store" in sign_in(editor).post(PREVIEW, page_form(page))["Cache-Control"]


def test_a_preview_needs_few_queries(
    page: Page, editor: User, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    client = sign_in(editor)

    with django_assert_max_num_queries(35):
        client.post(PREVIEW, page_form(page))


def test_a_field_that_prevents_saving_is_a_problem_of_the_draft(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    new = {**page_form(page, title="Another page", slug="another-page", subject="another-page", kind=""), "page": ""}
    taken = {**new, "kind": "about", "subject": page.subject, "slug": page.slug}

    problems = {(row["field"], row["sentence"]) for row in client.post(PREVIEW, new).json()["problems"]}
    chosen = {row["field"] for row in client.post(PREVIEW, {**new, "kind": "risks"}).json()["problems"]}
    invalid = {row["field"] for row in client.post(PREVIEW, {**taken, "slug": "Not a slug"}).json()["problems"]}

    assert ("kind", "Page type: Choose the page type.") in problems
    assert "kind" not in chosen
    assert "slug" in invalid


def test_a_new_page_without_a_title_has_no_problem_with_what_follows_it(
    page: Page, editor: User, sign_in: SignIn
) -> None:
    new = {**page_form(page, title="", slug="", subject=""), "page": ""}
    fields = {row["field"] for row in sign_in(editor).post(PREVIEW, new).json()["problems"]}

    assert "title" in fields
    assert fields & {"slug", "subject"} == set()


def test_the_first_picture_and_link_are_suggested_for_empty_fields(page: Page, editor: User, sign_in: SignIn) -> None:
    figure, target = make_figure("balloon"), make_page("visits", kind="about")
    body = "First.\n\n::: figure balloon\n\n[Us](page:visits)\n"
    client = sign_in(editor)
    empty = client.post(PREVIEW, page_form(page, body=body, lead_figure="", next_page="")).json()["problems"]
    unknown = client.post(PREVIEW, page_form(page, body="::: figure \n\n[Us](page:nowhere)\n", lead_figure=""))

    rows = {row["field"]: row for row in empty if row.get("choice")}
    assert {name: row["choice"] for name, row in rows.items()} == {
        "lead_figure": str(figure.pk),
        "next_page": str(target.pk),
    }
    assert rows["lead_figure"]["fix"]["old"] == "\n::: figure balloon"
    assert [row for row in unknown.json()["problems"] if row.get("choice")] == []
