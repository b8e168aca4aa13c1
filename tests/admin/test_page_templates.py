"""What a new page starts with: page templates in every language, and copies of pages and guides."""

import re
from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from procedures import languages
from procedures.admin.page_templates import TEMPLATES, read_template
from procedures.models import Guide, Page
from procedures.publishing.anchor_redirects import render_draft
from procedures.publishing.review import explain_own_text
from procedures.rendering import ReferenceResolver
from procedures.rendering.lint import PROMPT
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, SignIn, change_url, page_form
from tests.factories import make_clinic, make_page, make_public, make_sign, make_user

GUIDES = "/admin/procedures/guide/"


def initial(client: Client, path: str) -> dict[str, Any]:
    """Return the initial values of a form."""
    form = client.get(path).context["adminform"].form
    return {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}


@pytest.mark.django_db
def test_every_template_has_only_prompts_to_replace_in_every_language() -> None:
    make_clinic()
    make_sign()
    structures: dict[str, list[list[str]]] = {}
    for template in TEMPLATES:
        for language in languages.LANGUAGES:
            body = read_template(template.key, language.code)
            page = Page(pk=0, language=language.code, kind=template.kind, subject="new")
            content = {**page.draft_content(), "body": body, "items": []}
            resolver = ReferenceResolver(language.code)
            issues = render_draft(page, content, resolver=resolver).issues
            prompts = [
                number
                for number, line in enumerate(body.split("\n"), start=1)
                if PROMPT.fullmatch(re.sub(r"\A(?:[-\d.]+|#+) ", "", line))
            ]
            assert [issue.line for issue in issues] == prompts, (template.key, language.code)
            assert len(prompts) > 5
            structures.setdefault(template.key, []).append(
                re.findall(r"^(?:#+|:::.*|\d\.|-)|\{#.*\}", body, re.MULTILINE)
            )

    assert [key for key, versions in structures.items() if any(one != versions[0] for one in versions)] == []


def test_a_new_page_starts_with_a_template_in_the_chosen_language(page: Page, editor: User, sign_in: SignIn) -> None:
    values = initial(sign_in(editor), f"{PAGES}add/?template=about-a-test&language=es")

    assert values["body"] == read_template("about-a-test", "es")
    assert (values["language"], values["kind"]) == ("es", "procedure")


def test_an_unknown_template_or_page_gives_an_empty_form(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)

    assert [
        initial(client, f"{PAGES}add/?{query}")["body"]
        for query in ("template=../secret&language=en", "template=nothing", "copy=999999", "copy=x", "")
    ] == [None] * 5


def test_a_copy_has_the_text_and_its_own_slug(page: Page, editor: User, sign_in: SignIn) -> None:
    make_public(page)
    client = sign_in(editor)
    values = initial(client, f"{PAGES}add/?copy={page.pk}")
    posted = {name: value for name, value in values.items() if value is not None}

    answer = client.post(f"{PAGES}add/?copy={page.pk}", {**page_form(Page()), **posted})

    copy = Page.objects.get(subject="small-cut-copy")
    assert answer["Location"] == change_url(copy)
    assert (copy.title, copy.slug, copy.body) == ("Small cut (copy)", "small-cut-copy", page.body)
    assert (copy.lead_figure, copy.next_page) == (page.lead_figure, page.next_page)
    assert copy.live_release is None
    assert copy.code != page.code


def test_the_writers_of_a_page_cannot_approve_its_copy(page: Page, editor: User, sign_in: SignIn) -> None:
    save_revision(page, author=make_user("rita"))
    client = sign_in(editor)
    for number, subject in enumerate(("small-cut-copy", "small-cut-copy-copy")):
        original = Page.objects.latest("pk") if number else page
        values = initial(client, f"{PAGES}add/?copy={original.pk}")
        posted = {name: value for name, value in values.items() if value is not None}
        client.post(f"{PAGES}add/", {**page_form(Page()), **posted, "subject": subject, "slug": subject})
        copy = Page.objects.get(subject=subject)
        revision = copy.revisions.get()
        assert explain_own_text(make_user("rita"), revision).startswith("You wrote part of this text."), subject
        assert explain_own_text(make_user("eva"), revision) == "", subject


def test_a_copied_guide_has_the_reading_list(page: Page, editor: User, sign_in: SignIn) -> None:
    make_public(page)
    guide = make_page("first-visit", kind="guide", slug="first-visit")
    guide.items.create(page=page, order=2, section="when-to-call", minutes=3, note="Read it first.")
    client = sign_in(editor)
    form = client.get(f"{GUIDES}add/?copy={guide.pk}")
    (rows,) = form.context["inline_admin_formsets"]
    posted = {**page_form(guide, page="", version=""), "slug": "visit-2", "subject": "visit-2", "title": "Visit"}
    posted |= {"items-TOTAL_FORMS": 1, "items-INITIAL_FORMS": 0}
    posted |= {f"items-0-{name}": value for name, value in rows.formset.forms[0].initial.items()}

    client.post(f"{GUIDES}add/?copy={guide.pk}", posted)

    copy = Guide.objects.get(subject="visit-2")
    item = copy.items.get()
    assert (item.page, item.order, item.section, item.minutes, item.note) == (
        page,
        2,
        "when-to-call",
        3,
        "Read it first.",
    )


def test_the_form_offers_templates_only_for_a_new_page(page: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)

    assert [
        "Start with a page template" in client.get(path).content.decode()
        for path in (f"{PAGES}add/", f"{GUIDES}add/", f"{PAGES}add/?copy={page.pk}", change_url(page))
    ] == [True, True, False, False]
