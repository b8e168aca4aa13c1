"""Fields of a page that apply to the public without a review: its type, language, and name, and its position."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from portal.accounts.models import User
from procedures.enums import Decision, EventKind
from procedures.models import Page
from procedures.publishing.rerelease import rerelease_pages
from procedures.publishing.review import explain_own_text, record_decision
from procedures.publishing.tasks import approval_tasks
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, SignIn, change_url, page_form
from tests.factories import approve, make_page, make_public, make_sign, make_user

pytestmark = pytest.mark.django_db


def reload(page: Page) -> Page:
    return Page.objects.get(pk=page.pk)


def test_the_type_of_a_public_page_stays_with_its_emergency_signs(page: Page, nina: Client) -> None:
    make_sign()
    assert "weak-leg now" in make_public(page).html
    assert 'href="/small-cut/"' in Client().get("/").content.decode()

    answer = nina.post(change_url(page), page_form(reload(page), kind="about"))

    assert answer.status_code == 302
    assert reload(page).kind == "procedure"
    assert 'href="/small-cut/"' in Client().get("/").content.decode()
    make_sign("fever", when="both", en_short="fever now")
    [release] = rerelease_pages([reload(page)], actor=None)
    assert "weak-leg now" in release.html


def test_the_type_is_free_until_a_text_is_approved(page: Page, nina: Client) -> None:
    assert nina.post(change_url(page), page_form(page, kind="recovery")).status_code == 302
    assert reload(page).kind == "recovery"
    assert 'name="kind"' in nina.get(change_url(page)).content.decode()

    revision = save_revision(reload(page), author=None)
    approve(revision)

    html = nina.get(change_url(page)).content.decode()
    assert 'name="kind"' not in html
    assert "It cannot change once a text of this page is approved" in html
    changed = reload(page)
    changed.kind = "about"
    with pytest.raises(ValidationError) as error:
        changed.full_clean()
    assert list(error.value.message_dict) == ["kind"]


@pytest.mark.parametrize(("name", "other"), [("language", "es"), ("subject", "other-cut"), ("kind", "about")])
def test_an_approved_page_keeps_its_type_language_and_name(
    page: Page, nina: Client, reviewer: User, sign_in: SignIn, name: str, other: str
) -> None:
    rosa, url = sign_in(reviewer), f"{PAGES}{page.pk}/review/"
    nina.post(change_url(page), page_form(page, _submit="1"))
    seen = {field: getattr(page, field) for field in ("kind", "language", "subject")}
    decision = {"revision": page.revisions.get().pk, "decision": "approved", **seen}
    html = rosa.get(url).content.decode()
    assert all(f'<input type="hidden" name="{field}" value="{value}">' in html for field, value in seen.items())
    Page.objects.filter(pk=page.pk).update(**{name: other})
    assert rosa.post(url, decision).status_code == 409
    Page.objects.filter(pk=page.pk).update(**seen)
    assert rosa.post(url, decision).status_code == 302

    nina.post(change_url(page), page_form(reload(page), **{name: other, "next_page": ""}))

    assert getattr(reload(page), name) == seen[name]
    assert f'name="{name}"' not in nina.get(change_url(page)).content.decode()
    changed = reload(page)
    setattr(changed, name, other)
    with pytest.raises(ValidationError) as error:
        changed.full_clean()
    assert list(error.value.message_dict) == [name]


def test_a_form_opened_before_the_approval_does_not_change_the_type(page: Page, nina: Client) -> None:
    save_revision(page, author=None)
    opened = page_form(page, kind="about")
    approve(page.revisions.get())

    assert nina.post(change_url(page), opened).status_code == 302

    assert reload(page).kind == "procedure"


def test_the_approval_covers_only_the_type_that_the_reviewer_saw(
    page: Page, nina: Client, reviewer: User, sign_in: SignIn
) -> None:
    revision = save_revision(page, author=None)
    rosa = sign_in(reviewer)
    url = f"{PAGES}{page.pk}/review/"
    assert '<input type="hidden" name="kind" value="procedure">' in rosa.get(url).content.decode()
    nina.post(change_url(page), page_form(page, kind="about"))

    answer = rosa.post(url, {"revision": revision.pk, "kind": "procedure", "decision": "approved"})

    assert answer.status_code == 409
    assert not revision.approvals.exists()


@pytest.mark.parametrize(
    ("name", "other", "change"),
    [
        ("kind", "about", "Page type: “Procedure” becomes “About”"),
        ("language", "es", "Language: “English” becomes “Español”"),
        ("subject", "other-cut", "Name shared by translations: “small-cut” becomes “other-cut”"),
    ],
)
def test_a_new_type_language_or_name_ends_the_review_and_needs_another_person(
    page: Page, nina: Client, reviewer: User, sign_in: SignIn, admin_user: User, name: str, other: str, change: str
) -> None:
    nina.post(change_url(page), page_form(page, _submit="1", next_page=""))
    revision = page.revisions.get()
    boss = sign_in(admin_user)
    assert [task.page for task in approval_tasks(reviewer).tasks] == [page]

    values = page_form(reload(page), **{name: other, "next_page": ""})
    html = boss.post(change_url(page), values, follow=True).content.decode()

    event = page.events.first()
    assert event and (event.kind, event.actor, event.reason) == (EventKind.IDENTITY_CHANGED, admin_user, change)
    assert page.revisions.get() == revision
    assert "It is no longer waiting for review" in html
    assert approval_tasks(reviewer).tasks == []
    url = f"{PAGES}{page.pk}/review/"
    decision = {"revision": revision.pk, "decision": "approved"}
    assert boss.post(url, decision).status_code == 403
    assert "You changed the type, language, or name of this page." in boss.get(url).content.decode()
    nina.post(change_url(page), page_form(reload(page), _submit="1", next_page=""))
    assert [task.page for task in approval_tasks(admin_user).tasks] == []
    assert [task.page for task in approval_tasks(reviewer).tasks] == [page]
    assert sign_in(reviewer).post(url, decision).status_code == 302

    # The approval covers the change, so it no longer counts for later texts.
    Page.objects.filter(pk=page.pk).update(title="Another title")
    newer = save_revision(reload(page), author=make_user("eva"))
    assert explain_own_text(admin_user, newer) == ""
    record_decision(revision, reviewer=reviewer, decision=Decision.SENT_BACK, comment="No.")
    assert explain_own_text(admin_user, newer) != ""


def test_saving_other_fields_records_no_new_type(page: Page, nina: Client) -> None:
    nina.post(change_url(page), page_form(page, _submit="1"))

    nina.post(change_url(page), page_form(reload(page), title="Another title"))

    assert not page.events.filter(kind=EventKind.IDENTITY_CHANGED).exists()


def test_only_those_who_can_publish_set_the_position(page: Page, nina: Client, manager: User, sign_in: SignIn) -> None:
    assert 'name="order"' not in nina.get(change_url(page)).content.decode()
    assert 'name="order"' not in nina.get(f"{PAGES}add/").content.decode()
    nina.post(change_url(page), page_form(page, order=1))
    assert reload(page).order == 100

    max_ = sign_in(manager)
    assert 'name="order"' in max_.get(change_url(page)).content.decode()
    max_.post(change_url(page), page_form(reload(page), order=1))

    assert reload(page).order == 1


def test_public_lists_are_in_the_order_of_the_public_titles(page: Page) -> None:
    other = make_page("a-big-cut", kind="procedure", title="A big cut")
    make_public(page)
    make_public(other)
    first_guide, second_guide = (make_page(f"{name}-visit", kind="guide", title=f"{name} visit") for name in "ab")
    for guide in (first_guide, second_guide):
        guide.items.create(page=page)
        make_public(guide)
    paths = ["/", "/visits/", "/search/", "/sitemap.xml", "/connect/guides.json"]
    before = {path: Client().get(path).content for path in paths}
    assert before["/"].index(b"/a-big-cut/") < before["/"].index(b"/small-cut/")

    for draft in (other, first_guide):
        Page.objects.filter(pk=draft.pk).update(title="Zzz")

    assert {path: Client().get(path).content for path in paths} == before
