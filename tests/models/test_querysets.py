"""Querysets of pages, draft content, and validators."""

import datetime
import json
import re

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from procedures.models import GlossaryTerm, GuideItem, Page, Path, Revision
from procedures.models.page import hash_content, public_path
from procedures.publishing.checks import find_incoming_links
from procedures.publishing.publish import withdraw
from procedures.publishing.rerelease import pages_from_older_renderer
from procedures.publishing.tasks import review_due_tasks, withdrawal_tasks
from procedures.validators import (
    validate_https,
    validate_phone,
    validate_plain_text,
    validate_slug,
    validate_unit_interval,
)
from tests.factories import make_clinic, make_figure, make_page, make_public, make_translation, make_user
from tests.replay import built_once

pytestmark = pytest.mark.django_db


@built_once
def make_pages() -> None:
    make_clinic()
    make_page("draft")
    for name in ("public", "withdrawn"):
        make_public(make_page(name))
    withdraw(Page.objects.get(subject="withdrawn"), actor=make_user("max"), reason="Old.")


@pytest.fixture
def pages() -> dict[str, Page]:
    """A page in each state that matters to the public."""
    make_pages()
    return {page.subject: page for page in Page.objects.filter(subject__in=("draft", "public", "withdrawn"))}


def test_published_contains_public_pages_only(pages: dict[str, Page]) -> None:
    assert {page.subject for page in Page.objects.published()} == {"public", "contact"}
    assert {page.subject for page in Page.objects.for_cards("en")} == {"public", "contact"}
    assert not Page.objects.for_cards("es")


def test_due_for_review_includes_the_day_itself(pages: dict[str, Page]) -> None:
    due = Page.objects.get(subject="public").live_release.next_review_on

    assert Page.objects.due_for_review(due).filter(subject="public").exists()
    assert not Page.objects.due_for_review(due - datetime.timedelta(days=1)).exists()


def test_due_for_publishing_includes_the_minute_itself(pages: dict[str, Page]) -> None:
    at = timezone.now()
    revision = Revision.objects.create(page=pages["draft"], number=9, content={})
    Page.objects.filter(pk=pages["draft"].pk).update(publish_at=at, scheduled_revision=revision)

    assert [page.subject for page in Page.objects.due_for_publishing(at)] == ["draft"]
    assert not Page.objects.due_for_publishing(at - datetime.timedelta(seconds=1))


@pytest.mark.parametrize("extra", [0, 2])
def test_cards_with_their_clinic_need_one_query(pages: dict[str, Page], extra: int) -> None:
    for number in range(extra):
        make_public(make_page(f"more-{number}"))
    assert connection.features.supports_json_field

    with CaptureQueriesContext(connection) as queries:
        found = [(page.live_release.title, page.clinic["phone"]) for page in Page.objects.for_cards("en")]

    assert len(found) == 2 + extra
    assert found[0][1] == "+1 303-555-0100"
    assert len(queries) == 1
    assert '"procedures_release"."html"' not in queries[0]["sql"]


def test_a_page_is_found_by_its_path_with_one_query(pages: dict[str, Page]) -> None:
    assert connection.features.supports_json_field

    with CaptureQueriesContext(connection) as queries:
        row = Path.objects.with_public_data().get(path="/public/")
        assert row.page.live_release.title == "Public"
        assert row.clinic["name"] == "Test Spine Clinic"
        assert (row.path_en, row.path_es) == ("/public/", None)

    assert len(queries) == 1


def test_the_sitemap_lists_public_pages_without_their_text(pages: dict[str, Page]) -> None:
    spanish = make_translation(pages["public"], slug="publica")
    assert {path for _, _, path, _ in Page.objects.for_sitemap()} == {"/public/", "/contact/"}

    make_public(spanish)
    with CaptureQueriesContext(connection) as queries:
        found = [(subject, language, path) for subject, language, path, _ in Page.objects.for_sitemap()]

    assert ("public", "es", "/es/publica/") in found
    assert "body" not in queries[0]["sql"]
    assert '"html"' not in queries[0]["sql"]


@pytest.mark.parametrize(
    ("language", "kind", "path"),
    [
        ("en", "procedure", "/x/"),
        ("es", "procedure", "/es/x/"),
        ("en", "guide", "/visits/x/"),
        ("es", "guide", "/es/visits/x/"),
    ],
)
def test_a_path_follows_from_language_kind_and_slug(language: str, kind: str, path: str) -> None:
    assert public_path(language, kind, "x") == path


def test_draft_content_is_complete_and_its_hash_does_not_depend_on_order() -> None:
    make_figure("needle", size=(48, 48))
    page = make_page()

    draft = page.draft_content()

    assert draft == json.loads(json.dumps(draft))
    assert draft["lead_figure"] == "needle"
    assert hash_content(draft) == hash_content(dict(reversed(draft.items())))
    assert "items" not in draft


@pytest.mark.parametrize("field", ["slug", "title", "key_message", "description", "body", "next_label"])
def test_every_field_that_patients_read_is_in_the_hash(field: str) -> None:
    make_figure(size=(48, 48))
    page = make_page()
    before = hash_content(page.draft_content())

    setattr(page, field, getattr(page, field) + "x")

    assert hash_content(page.draft_content()) != before


def test_the_draft_of_a_guide_contains_its_readings_in_order() -> None:
    make_figure(size=(48, 48))
    guide, page = make_page("guide", kind="guide"), make_page()
    GuideItem.objects.create(guide=guide, page=page, order=2, section="b", minutes=3, note="n")
    GuideItem.objects.create(guide=guide, page=page, order=1)

    assert guide.draft_content()["items"] == [
        {"page": "small-cut", "section": "", "minutes": 5, "note": ""},
        {"page": "small-cut", "section": "b", "minutes": 3, "note": "n"},
    ]


@pytest.mark.parametrize("value", ["a", "a-b", "a1-2b"])
def test_a_slug_has_lowercase_letters_digits_and_single_hyphens(value: str) -> None:
    validate_slug(value)


def test_invalid_values_are_rejected_with_a_message(subtests: pytest.Subtests) -> None:
    for validate, value in [
        *((validate_slug, value) for value in ("", "A", "a_b", "a--b", "-a", "a-", "a b", "a\n", "é", "a/b", "a.b")),
        *((validate_phone, value) for value in ("", "x", "911\n", "+", "1", "tel:911", "1;2", "<1>", "9" * 30)),
        *((validate_https, value) for value in ("http://a", "https://", "https://a b", 'https://a"', "HTTPS://a", "a")),
        *((validate_unit_interval, value) for value in (-0.01, 1.01, float("nan"), float("inf"))),
        *(
            (validate_plain_text, f"a{sign}b")
            for sign in "\x00\x01\x0b\x1f\x7f\x80\x92\ue000\uf8ff\ufdd0\uffff\U0010fffe"
        ),
    ]:
        with subtests.test(validate=validate, value=value):
            with pytest.raises(ValidationError) as refused:
                validate(value)

            assert refused.value.messages[0].endswith((".", ")."))


@pytest.mark.parametrize("value", ["", "plain\n\ttext\r\n", "é ñ — “x”", "\U0001f9b4", "\u2028"])
def test_ordinary_text_is_valid(value: str) -> None:
    validate_plain_text(value)


def test_aliases_that_are_not_words_are_rejected(subtests: pytest.Subtests) -> None:
    for aliases in [[""], [" "], [911], [None], "word", {"a": 1}, [["a"]]]:
        with subtests.test(aliases=aliases), pytest.raises(ValidationError, match="Enter a list of words"):
            GlossaryTerm(key="x", language="en", term="x", definition="y", aliases=aliases).full_clean()


def test_lists_of_pages_do_not_load_the_full_text_of_releases() -> None:
    target = make_page()
    make_public(target)
    make_public(make_page("recovery", next_page=target))

    with CaptureQueriesContext(connection) as queries:
        assert find_incoming_links(target)
        assert list(Path.objects.with_public_data())
        pages_from_older_renderer()
        review_due_tasks()
        withdrawal_tasks()

    sql = " ".join(query["sql"] for query in queries)
    # A page needs its own text, but not that of its replacement.
    # Of the document, the database reads only the places of the links.
    assert not re.search(r'"document"(?!, \'\$| #>)', sql)
    assert sql.count('"sections"') == sql.count('"html"') == 1
