"""Saving drafts: every save is a revision, and no text is lost."""

import pytest

from portal.accounts.models import User
from procedures.importing.serializers import PageSerializer
from procedures.models import Guide, GuideItem, Page, Revision
from tests.admin.conftest import PAGES, SignIn, change_url, page_form
from tests.factories import make_next, make_public


def test_saving_creates_a_revision_by_the_author(page: Page, editor: User, sign_in: SignIn) -> None:
    answer = sign_in(editor).post(change_url(page), page_form(page, title="A smaller cut", note="Clearer title."))

    revision = Revision.objects.get(page=page)
    assert (answer.status_code, answer["Location"]) == (302, change_url(page))
    assert (revision.content["title"], revision.author, revision.note) == ("A smaller cut", editor, "Clearer title.")


def test_a_note_without_a_change_stays_in_the_form(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    client.post(change_url(page), page_form(page, note="First."))
    page.refresh_from_db()

    answer = client.post(change_url(page), page_form(page, note="Checked with Dr. Lee."))

    assert "Your note was not saved, because the text has not changed." in answer.content.decode()
    assert answer.context["adminform"].form["note"].value() == "Checked with Dr. Lee."
    assert page.revisions.get().note == "First."


def test_saving_an_unchanged_text_creates_no_revision(page: Page, editor: User, sign_in: SignIn) -> None:
    make_public(page)
    before = page.revisions.get()

    # Browsers send CRLF.
    sign_in(editor).post(change_url(page), page_form(page, body=page.body.replace("\n", "\r\n")))

    assert list(page.revisions.all()) == [before]


def test_content_files_accept_whatever_the_form_accepts(page: Page, editor: User, sign_in: SignIn) -> None:
    form = sign_in(editor).get(change_url(page)).context["adminform"].form
    fields = {field.name: field for field in Page._meta.concrete_fields}

    optional = {name for name, field in form.fields.items() if name in fields and not field.required}

    assert {name for name in optional if not fields[name].blank} == set(PageSerializer.optional_in_drafts)


def test_a_draft_changes_nothing_that_patients_read(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    make_public(page)
    before = client.get("/small-cut/").content

    client.post(change_url(page), page_form(page, body=page.body + "\nNew words.\n"))

    page.refresh_from_db()
    assert "New words." in page.body
    assert client.get("/small-cut/").content == before


def test_a_new_page_gets_a_code_and_a_revision(page: Page, editor: User, sign_in: SignIn) -> None:
    values = page_form(page, subject="after-care", slug="after-care", title="After care", page="", version="")

    answer = sign_in(editor).post(f"{PAGES}add/", values)

    made = Page.objects.get(subject="after-care")
    assert answer["Location"] == change_url(made)
    assert len(made.code) == 6
    assert made.revisions.get().content["title"] == "After care"


@pytest.mark.parametrize("version", ["", "no number", "99"])
def test_a_form_without_its_version_is_a_conflict(page: Page, editor: User, sign_in: SignIn, version: str) -> None:
    answer = sign_in(editor).post(change_url(page), page_form(page, title="Blind", version=version))

    page.refresh_from_db()
    assert answer.status_code in {200, 409}
    assert page.title != "Blind"


def test_an_invalid_field_is_reported_and_nothing_is_saved(page: Page, editor: User, sign_in: SignIn) -> None:
    answer = sign_in(editor).post(change_url(page), page_form(page, slug="Not An Address", review_months=99))

    html = answer.content.decode()
    assert "Use lowercase letters without accents" in html
    assert "Choose 1 to 36 months." in html
    assert not page.revisions.exists()


def test_a_save_does_not_overwrite_a_concurrent_publication(page: Page, editor: User, sign_in: SignIn) -> None:
    release = make_public(page)

    sign_in(editor).post(change_url(page), page_form(page, title="Newer title"))

    page.refresh_from_db()
    assert page.live_release == release


def test_subject_and_language_are_read_only_after_the_first_release(page: Page, editor: User, sign_in: SignIn) -> None:
    make_public(page)

    sign_in(editor).post(change_url(page), page_form(page, subject="other", language="es"))

    page.refresh_from_db()
    assert (page.subject, page.language) == ("small-cut", "en")


def test_the_revision_of_a_guide_contains_its_new_reading_list(page: Page, editor: User, sign_in: SignIn) -> None:
    make_public(page)
    values = page_form(page, subject="first-visit", slug="first-visit", title="First visit", page="", version="")
    row = {"order": 0, "page": page.pk, "section": "when-to-call", "minutes": 3, "note": "Read it first."}
    management = {"items-TOTAL_FORMS": 1, "items-INITIAL_FORMS": 0}

    sign_in(editor).post(
        "/admin/procedures/guide/add/", {**values, **management, **{f"items-0-{k}": v for k, v in row.items()}}
    )

    guide = Guide.objects.get(subject="first-visit")
    assert guide.kind == "guide"
    assert GuideItem.objects.get().guide_id == guide.pk
    assert guide.revisions.get().content["items"] == [
        {"page": "small-cut", "section": "when-to-call", "minutes": 3, "note": "Read it first."}
    ]


def test_guides_and_pages_have_separate_lists(page: Page, editor: User, sign_in: SignIn) -> None:
    make_next()
    Page.objects.filter(pk=page.pk).update(kind="guide")
    client = sign_in(editor)

    listed = [
        {row.subject for row in client.get(f"/admin/procedures/{name}/").context["cl"].result_list}
        for name in ("page", "guide")
    ]

    assert listed == [{"contact"}, {"small-cut"}]


def test_pages_are_never_deleted(page: Page, sign_in: SignIn, admin_user: User) -> None:
    answer = sign_in(admin_user).post(f"{PAGES}{page.pk}/delete/", {"post": "yes"})

    assert answer.status_code == 403
    assert Page.objects.filter(pk=page.pk).exists()
