"""Edit conflicts: both texts are merged, and nothing is overwritten without a decision."""

from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from procedures.models import Page
from procedures.revisions.diff import field_blocks
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import SignIn, change_url, make_staff, page_form
from tests.factories import make_figure, make_public


@pytest.fixture
def opened(page: Page) -> dict[str, Any]:
    """The form as Nina opened it, including its base revision."""
    make_public(page)
    return page_form(page, base_revision=page.revisions.get().pk)


def fields(answer: Any) -> Any:
    return answer.context["adminform"].form


def test_changes_in_different_places_are_merged(
    page: Page, editor: User, manager: User, sign_in: SignIn, opened: dict[str, Any]
) -> None:
    theirs = page.body.replace("It is short.", "It is very short.")
    sign_in(manager).post(change_url(page), {**opened, "body": theirs})

    answer = sign_in(editor).post(change_url(page), {**opened, "body": page.body.replace("a question", "any question")})

    page.refresh_from_db()
    merged = theirs.replace("a question", "any question")
    assert answer.status_code == 409
    assert fields(answer)["body"].value() == merged
    assert page.body == theirs
    assert "Max saved this page while you were writing." in answer.content.decode()
    assert answer.context["conflict"].unresolved == []


def merged_form(answer: Any, **changes: Any) -> dict[str, Any]:
    """Return the data that the browser posts from the returned form."""
    form = answer.context["adminform"].form
    return {**{name: form.data[name] for name in form.data}, **changes}


def test_a_merged_text_can_be_saved_over_theirs(
    page: Page, editor: User, manager: User, sign_in: SignIn, opened: dict[str, Any]
) -> None:
    sign_in(manager).post(change_url(page), {**opened, "title": "The manager's title"})
    client = sign_in(editor)
    shown = client.post(change_url(page), {**opened, "key_message": "Nina's words."})

    answer = client.post(change_url(page), merged_form(shown))

    page.refresh_from_db()
    assert answer.status_code == 302
    assert (page.title, page.key_message) == ("The manager's title", "Nina's words.")
    assert [r.number for r in page.revisions.order_by("number")] == [1, 2, 3]


def both_titles(page: Page, editor: User, manager: User, sign_in: SignIn, opened: dict[str, Any]) -> tuple[Client, Any]:
    sign_in(manager).post(change_url(page), {**opened, "title": "Large cut"})
    client = sign_in(editor)
    return client, client.post(change_url(page), {**opened, "title": "Tiny cut"})


def test_saving_with_unresolved_conflicts_stores_nothing(
    page: Page, editor: User, manager: User, sign_in: SignIn, opened: dict[str, Any]
) -> None:
    client, shown = both_titles(page, editor, manager, sign_in, opened)

    again = client.post(change_url(page), merged_form(shown))
    stubborn = client.post(change_url(page), merged_form(again, merge_version="", merge_places=""))

    page.refresh_from_db()
    assert [shown.status_code, again.status_code, stubborn.status_code] == [409, 409, 409]
    assert page.title == "Large cut"
    assert fields(stubborn)["title"].value() == "Tiny cut"


def test_a_change_by_both_shows_three_versions_to_choose_from(
    page: Page, editor: User, manager: User, sign_in: SignIn, opened: dict[str, Any]
) -> None:
    client, shown = both_titles(page, editor, manager, sign_in, opened)
    place = shown.context["conflict"].unresolved[0]

    answer = client.post(change_url(page), merged_form(shown, **{"decided-0": "mine"}))

    page.refresh_from_db()
    assert (place.base.strip(), place.their_value.strip(), place.my_value.strip()) == ("Small", "Large", "Tiny")
    assert answer.status_code == 302
    assert page.title == "Tiny cut"
    assert [r.content["title"] for r in page.revisions.order_by("number")] == ["Small cut", "Large cut", "Tiny cut"]


def test_a_third_save_meanwhile_is_merged_too(
    page: Page, editor: User, manager: User, sign_in: SignIn, opened: dict[str, Any]
) -> None:
    client, shown = both_titles(page, editor, manager, sign_in, opened)
    page.refresh_from_db()
    sign_in(manager).post(change_url(page), page_form(page, description="A newer description."))

    answer = client.post(change_url(page), merged_form(shown, **{"decided-0": "mine"}))

    assert answer.status_code == 409
    assert fields(answer)["description"].value() == "A newer description."
    assert fields(answer)["title"].value() == "Tiny cut"


def test_a_figure_that_both_changed_must_be_resolved(
    page: Page, editor: User, manager: User, sign_in: SignIn, opened: dict[str, Any]
) -> None:
    first, second = make_figure("first", size=(40, 40)), make_figure("second", size=(40, 40))
    sign_in(manager).post(change_url(page), {**opened, "lead_figure": first.pk})
    client = sign_in(editor)

    shown = client.post(change_url(page), {**opened, "lead_figure": second.pk})
    answer = client.post(change_url(page), merged_form(shown, lead_figure=first.pk, **{"decided-0": "theirs"}))

    page.refresh_from_db()
    place = shown.context["conflict"].unresolved[0]
    assert (place.field, place.their_value, place.my_value) == ("lead_figure", str(first.pk), str(second.pk))
    assert answer.status_code == 302
    assert page.lead_figure == first


def test_a_field_has_one_label_in_the_form_the_merge_and_the_comparison(
    page: Page, editor: User, manager: User, sign_in: SignIn, opened: dict[str, Any]
) -> None:
    changed = {"slug": "a", "description": "A.", "next_label": "Go on", "review_months": 6}
    sign_in(manager).post(change_url(page), {**opened, "slug": "b", "description": "B.", "review_months": 7})

    answer = sign_in(editor).post(change_url(page), {**opened, **changed})

    form = fields(answer)
    merged = {change.field: str(change.label) for change in answer.context["conflict"].field_changes}
    compared = [block.name for block in field_blocks(page.draft_content(), tuple(changed))]
    assert merged == {name: str(form.fields[name].label) for name in changed}
    assert compared == [str(form.fields[name].label) for name in changed if getattr(page, name)]


def test_a_draft_without_a_revision_is_compared_with_the_saved_draft(
    page: Page, editor: User, manager: User, sign_in: SignIn
) -> None:
    opened = page_form(page)
    sign_in(manager).post(change_url(page), {**opened, "title": "Large cut"})

    answer = sign_in(editor).post(change_url(page), {**opened, "title": "Tiny cut"})

    assert answer.status_code == 409
    assert [place.field for place in answer.context["conflict"].unresolved] == ["title"]
    assert fields(answer)["title"].value() == "Tiny cut"


@pytest.mark.parametrize(
    "odd", [{"merge_version": "9" * 30}, {"base_revision": "x"}, {"merge_places": "-1", "merge_version": "1"}]
)
def test_invalid_version_values_are_a_conflict_and_not_an_error(
    page: Page, editor: User, manager: User, sign_in: SignIn, opened: dict[str, Any], odd: dict[str, str]
) -> None:
    sign_in(manager).post(change_url(page), {**opened, "title": "Large cut"})

    answer = sign_in(editor).post(change_url(page), {**opened, "title": "Tiny cut", **odd})

    page.refresh_from_db()
    assert answer.status_code == 409
    assert page.title == "Large cut"


def test_conflicting_reading_lists_are_shown_together(page: Page, editor: User, manager: User, sign_in: SignIn) -> None:
    make_public(page)
    other = Page.objects.get(subject="contact")
    guide = Page.objects.create(**{**typed_guide(page), "code": "ABCDEF"})
    guide.items.create(page=page, minutes=3, order=1)
    guide.refresh_from_db()
    opened = page_form(guide, base_revision="") | rows(guide)
    address = f"/admin/procedures/guide/{guide.pk}/change/"
    sign_in(manager).post(address, {**opened, "items-0-minutes": 9})

    answer = sign_in(editor).post(address, {**opened, "items-0-page": other.pk})
    data = fields(answer).data

    assert answer.status_code == 409
    assert [data[f"items-{n}-page"] for n in (0, 1)] == [str(page.pk), str(other.pk)]
    assert [data.get(f"items-{n}-DELETE", "") for n in (0, 1)] == ["on", ""]
    saved = sign_in(editor).post(address, merged_form(answer, **{"decided-0": "rows"}))
    assert saved.status_code == 302
    assert [(item.page, item.minutes) for item in guide.items.all()] == [(other, 3)]


def typed_guide(page: Page) -> dict[str, Any]:
    names = "key_message description body review_months language".split()
    return {
        **{name: getattr(page, name) for name in names},
        "subject": "visit",
        "slug": "visit",
        "title": "Visit",
        "kind": "guide",
    }


def rows(guide: Page) -> dict[str, Any]:
    item = guide.items.get()
    values = {
        "id": item.pk,
        "guide": guide.pk,
        "order": 1,
        "page": item.page_id,
        "section": "",
        "minutes": 3,
        "note": "",
    }
    return {"items-TOTAL_FORMS": 1, "items-INITIAL_FORMS": 1, **{f"items-0-{k}": v for k, v in values.items()}}


def test_a_conflict_with_ones_own_other_tab_says_so_and_shows_no_markdown(
    page: Page, editor: User, sign_in: SignIn, opened: dict[str, Any]
) -> None:
    client = sign_in(editor)
    client.post(change_url(page), {**opened, "body": f"{page.body}\n## Pain\n\nRest **well**.\n"})

    shown = client.post(change_url(page), {**opened, "body": f"{page.body}\n## Sleep\n\nRest **today**.\n"})
    html = shown.content.decode()
    panel = html[html.index("data-merge") :]
    columns = panel[panel.index('class="text-diff"') : panel.index('name="decided-0"')]

    assert shown.status_code == 409
    assert "You changed this in another tab too" in html
    assert "You saved this page in another tab while you were writing here." in html
    assert "Take the words of the other tab" in html
    assert "Someone else" not in html
    assert "Heading" in columns
    assert "##" not in columns
    assert "**" not in columns


@pytest.mark.parametrize("changes", [{}, {"title": "Another title"}])
def test_a_position_changed_by_someone_else_is_kept_or_offered(
    page: Page, manager: User, sign_in: SignIn, opened: dict[str, Any], changes: dict[str, str]
) -> None:
    sign_in(manager).post(change_url(page), {**opened, "order": 5})
    client = sign_in(make_staff("Moe", "Manager"))

    answer = client.post(change_url(page), {**opened, **changes})

    page.refresh_from_db()
    assert (answer.status_code, page.order) == (409, 5)
    [change] = [change for change in answer.context["conflict"].field_changes if change.field == "order"]
    assert (change.my_value, change.their_value, change.conflict_index) == ("100", "5", 0)
    assert client.post(change_url(page), merged_form(answer, order=5, **{"decided-0": "theirs"})).status_code == 302
    page.refresh_from_db()
    assert page.order == 5


def test_a_type_changed_by_someone_else_is_kept_or_offered(
    page: Page, editor: User, manager: User, sign_in: SignIn
) -> None:
    save_revision(page, author=editor)
    opened = page_form(page, base_revision=page.revisions.get().pk)
    sign_in(manager).post(change_url(page), {**opened, "kind": "recovery", "title": "Another title"})

    answer = sign_in(editor).post(change_url(page), {**opened, "key_message": "Other words."})

    page.refresh_from_db()
    assert (answer.status_code, page.kind) == (409, "recovery")
    assert [change.field for change in answer.context["conflict"].unresolved] == ["kind"]
