"""The Markdown field, based on django-markdownx without its scripts and URLs."""

import re
from typing import Any

import markdownx.fields
import markdownx.widgets
import pytest
from django.conf import settings
from django.db import connection
from django.forms import Form
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string

from portal.accounts.models import User
from procedures.admin.editor import MarkdownFormField, MarkdownWidget
from procedures.models import Page
from procedures.rendering.blocks import editor_schema, get_block_types, toolbar_buttons
from tests.admin.conftest import PAGES, SignIn, change_url
from tests.factories import make_figure, make_public

pytestmark = pytest.mark.django_db


class OneField(Form):
    body = MarkdownFormField(required=False)


def test_the_form_field_is_a_markdownx_field_with_our_widget() -> None:
    assert issubclass(MarkdownFormField, markdownx.fields.MarkdownxFormField)
    assert issubclass(MarkdownWidget, markdownx.widgets.AdminMarkdownxWidget)
    assert isinstance(OneField().fields["body"].widget, MarkdownWidget)


def test_markdownx_scripts_and_styles_are_not_loaded() -> None:
    assert str(OneField().media).count("markdownx") == 0
    assert "admin_portal/editor.js" in str(OneField().media)


def test_the_form_contains_no_markdownx_urls(page: Page, editor: User, sign_in: SignIn) -> None:
    html = sign_in(editor).get(change_url(page)).content.decode()

    assert "markdownx" not in html
    assert f'data-preview="{PAGES}preview/"' in html
    assert 'data-session="/admin/session/"' in html
    assert 'data-upload="/admin/procedures/figure/upload/"' in html


def test_markdownx_is_configured_with_our_renderer() -> None:
    render: Any = import_string(settings.MARKDOWNX_MARKDOWNIFY_FUNCTION)

    assert "<script" not in render("<script>alert(1)</script>")


def test_the_widget_works_as_a_plain_textarea_without_javascript(page: Page, editor: User, sign_in: SignIn) -> None:
    html = sign_in(editor).get(change_url(page)).content.decode()
    start = html.index('<textarea name="body"')

    assert "::: key-points\n- It is short." in html[start : html.index("</textarea>", start)]
    assert "onclick" not in html
    assert "style=" not in html


def test_hostile_text_is_escaped_in_the_textarea() -> None:
    html = str(OneField({"body": '</textarea><script>alert("x")</script>'}))

    assert "<script" not in html
    assert "&lt;/textarea&gt;&lt;script&gt;" in html


def test_newlines_are_normalized_with_one_at_the_end() -> None:
    form = OneField({"body": "\r\n## One\r\nTwo\r\n\r\n\r\n"})

    assert form.is_valid()
    assert form.cleaned_data["body"] == "## One\nTwo\n"


def test_an_empty_text_stays_empty() -> None:
    form = OneField({"body": " \r\n "})

    assert form.is_valid()
    assert form.cleaned_data["body"] == ""


def test_insert_options_are_in_the_language_of_the_page(page: Page, editor: User, sign_in: SignIn) -> None:
    make_figure("a-balloon", size=(400, 400))
    client = sign_in(editor)

    offered = client.get(f"{PAGES}choices/?language=en").json()
    spanish = client.get(f"{PAGES}choices/?language=es").json()

    picture = next(row for row in offered["pictures"] if row["key"] == "a-balloon")
    assert (picture["name"], picture["more"], picture["has_words"]) == ("Needle", "A needle in a bone.", True)
    shown = client.get(picture["thumbnail"])
    assert b"".join(shown.streaming_content)[:2] == b"\xff\xd8"
    assert [(row["key"], row["name"], row["more"]) for row in offered["sources"]] == [("nice", "A guide", "NICE, 2013")]
    assert {row["key"] for row in offered["pages"]} == {"small-cut", "contact"}
    assert next(row for row in spanish["pictures"] if row["key"] == "a-balloon")["has_words"] is False
    assert spanish["pages"] == []
    assert offered["blocks"] == editor_schema()


def test_the_toolbar_has_a_button_for_every_dialog_of_a_block(editor: User, sign_in: SignIn) -> None:
    html = sign_in(editor).get(f"{PAGES}add/").content.decode()

    for button in toolbar_buttons():
        assert re.search(rf'data-choose="{button["dialog"]}">{re.escape(button["label"])}</button>', html), button
    with_end = re.search(r'data-blocks-with-end="([^"]*)"', html)
    assert with_end
    assert set(with_end[1].split()) == {one.name for one in get_block_types().values() if one.has_end}


def test_linkable_sections_are_offered(page: Page, editor: User, sign_in: SignIn) -> None:
    draft = sign_in(editor).get(f"{PAGES}choices/?language=en").json()["pages"]
    make_public(page)
    public = sign_in(editor).get(f"{PAGES}choices/?language=en").json()["pages"]

    def sections(pages: list[dict[str, Any]]) -> list[str]:
        return [section["key"] for row in pages if row["key"] == "small-cut" for section in row["sections"]]

    assert sections(draft) == ["when-to-call"]
    assert sections(public) == ["what-it-is", "when-to-call"]


def test_insert_options_need_a_fixed_number_of_queries(
    page: Page, editor: User, sign_in: SignIn, django_assert_num_queries: Any
) -> None:
    client = sign_in(editor)
    with CaptureQueriesContext(connection) as few:
        client.get(f"{PAGES}choices/")
    for number in range(3):
        make_figure(f"more-{number}", size=(40, 40))

    with django_assert_num_queries(len(few)):
        client.get(f"{PAGES}choices/")
