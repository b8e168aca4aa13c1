"""The Markdown field, based on django-markdownx without its scripts and URLs."""

import json
import re
from html import unescape
from typing import Any

import markdownx.fields
import markdownx.widgets
import pytest
from django.conf import settings
from django.db import connection
from django.forms import Form
from django.templatetags.static import static
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.module_loading import import_string

from portal.accounts.models import User
from procedures.admin.components import SampleResolver
from procedures.admin.editor import MarkdownFormField, MarkdownWidget, module_paths
from procedures.figures.approval import record_approval
from procedures.models import Figure, Page, Series, SeriesItem
from procedures.rendering.blocks import Content, editor_schema, get_block_types, toolbar_buttons
from procedures.rendering.renderer import render_for_editor
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
    assert (picture["name"], picture["more"], picture["reason"]) == ("Needle", "A needle in a bone.", "")
    shown = client.get(picture["thumbnail"])
    assert b"".join(shown.streaming_content)[:2] == b"\xff\xd8"
    assert [(row["key"], row["name"], row["more"]) for row in offered["sources"]] == [("nice", "A guide", "NICE, 2013")]
    assert {row["key"] for row in offered["pages"]} == {"small-cut", "contact"}
    unusable = next(row for row in spanish["pictures"] if row["key"] == "a-balloon")
    assert unusable["reason"] == "It has no title and description in Spanish yet."
    assert unusable["edit"] == reverse("admin:procedures_figure_change", args=[Figure.objects.get(slug="a-balloon").pk])
    assert spanish["pages"] == []


def test_pictures_are_offered_with_their_kind_approval_and_uses(page: Page, editor: User, sign_in: SignIn) -> None:
    Page.objects.filter(pk=page.pk).update(body="::: compare needle a-balloon\n", title="Small cut")
    Page.objects.exclude(pk=page.pk).update(
        body="Text\n::: figure a-balloon\n\n::: figure a-balloon-2\n", title="Contact"
    )
    make_figure("a-balloon", size=(400, 400))
    make_figure("unused", size=(400, 400))
    item = SeriesItem(
        series=Series.objects.create(slug="stages", language="en", title="Stages"), heading="One", text="x"
    )
    item.figure = Figure.objects.get(slug="a-balloon")
    item.save()

    rows = sign_in(editor).get(f"{PAGES}choices/?language=en").json()["pictures"]

    found = {row["key"]: row for row in rows}
    assert found["a-balloon"]["used"] == "Contact · Small cut and 1 more"
    assert found["unused"]["used"] == ""
    assert found["a-balloon"]["kind_name"] == "Other or unknown"
    assert found["a-balloon"]["note"] == "New: the reviewer approves it with this page."
    record_approval(Figure.objects.get(slug="a-balloon"), None)
    rows = sign_in(editor).get(f"{PAGES}choices/?language=en").json()["pictures"]
    assert {row["key"]: row["note"] for row in rows}["a-balloon"] == ""


def test_the_form_preloads_every_module_of_the_editor_once(editor: User, sign_in: SignIn) -> None:
    html = sign_in(editor).get(f"{PAGES}add/").content.decode()
    preloaded = re.findall(r'<link rel="modulepreload" href="([^"]+)">', html)
    folder = settings.BASE_DIR / "static" / "admin_portal"
    own = {f"admin_portal/{file.relative_to(folder).as_posix()}" for file in folder.glob("visual_editor/*.js")}

    assert len(preloaded) == len(set(preloaded)) > 50
    assert own - set(module_paths("admin_portal/editor.js")) == set()
    assert preloaded == [static(path) for path in module_paths("admin_portal/editor.js")]


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


def test_the_editor_gets_each_block_as_a_page_prints_it(page: Page, editor: User, sign_in: SignIn) -> None:
    make_figure("a-balloon", size=(400, 400))
    blocks = [
        "::: figure a-balloon",
        "::: figure nothing",
        "::: key-points\n:::",
        "::: chance 2 in 100\n:::",
        "::: scale\n:::",
    ]

    answer = sign_in(editor).post(f"{PAGES}blocks/", {"language": "es", "block": blocks})

    picture, missing, *with_text = answer.json()["html"]
    # The picture is not approved, so only staff can open its files.
    assert "/admin/procedures/figure/" in picture
    assert missing == ""
    assert [html.count("<div data-content></div>") for html in with_text] == [1, 1, 1]
    assert "En resumen" in with_text[0]


def test_every_block_has_a_text_slot_in_the_editor() -> None:
    for name, block_type in get_block_types().items():
        html = render_for_editor(f"{block_type.example.split(chr(10))[0]}\n:::", SampleResolver("en"))
        assert html.count("data-content") == (block_type.content not in {Content.NOTHING, Content.OPTIONS}), name


def test_rendering_blocks_needs_permission_and_has_a_limit(visitor: User, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)

    assert sign_in(visitor).post(f"{PAGES}blocks/", {"block": "::: phones"}).status_code == 403
    assert client.get(f"{PAGES}blocks/").status_code == 405
    assert client.post(f"{PAGES}blocks/", {"block": ["::: phones"] * 401}).status_code == 413


def test_the_visual_editor_knows_every_block(editor: User, sign_in: SignIn) -> None:
    html = sign_in(editor).get(f"{PAGES}add/").content.decode()
    settings_of_editor = json.loads(unescape(html.split('data-visual="')[1].split('"')[0]))

    assert settings_of_editor["blocks"] == editor_schema()
    assert settings_of_editor["contents"].keys() | set(settings_of_editor["cards"]) == get_block_types().keys()
    assert {one["group"] for one in editor_schema().values()} == settings_of_editor["groups"].keys()
