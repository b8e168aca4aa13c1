"""The Markdown field: django-markdownx's, without its script, its addresses and its habits."""

from typing import Any

import markdownx.fields
import markdownx.widgets
import pytest
from django.conf import settings
from django.forms import Form
from django.utils.module_loading import import_string

from portal.staff.models import User
from procedures.admin.editor import MarkdownFormField, MarkdownWidget
from procedures.models import Page
from tests.admin.conftest import PAGES, SignIn, form_of
from tests.factories import make_figure

pytestmark = pytest.mark.django_db


class OneField(Form):
    body = MarkdownFormField(required=False)


def test_the_field_is_markdownx_own_with_our_widget() -> None:
    assert issubclass(MarkdownFormField, markdownx.fields.MarkdownxFormField)
    assert issubclass(MarkdownWidget, markdownx.widgets.AdminMarkdownxWidget)
    assert isinstance(OneField().fields["body"].widget, MarkdownWidget)


def test_nothing_of_markdownx_script_and_style_is_loaded() -> None:
    assert str(OneField().media).count("markdownx") == 0
    assert "admin_portal/editor.js" in str(OneField().media)


def test_the_form_names_none_of_markdownx_public_addresses(page: Page, editor: User, sign_in: SignIn) -> None:
    html = sign_in(editor).get(form_of(page)).content.decode()

    assert "markdownx" not in html
    assert f'data-preview="{PAGES}preview/"' in html
    assert 'data-upload="/admin/procedures/figure/upload/"' in html


def test_markdownx_own_renderer_is_ours() -> None:
    render: Any = import_string(settings.MARKDOWNX_MARKDOWNIFY_FUNCTION)

    assert "<script" not in render("<script>alert(1)</script>")


def test_the_field_is_a_plain_textarea_without_script(page: Page, editor: User, sign_in: SignIn) -> None:
    html = sign_in(editor).get(form_of(page)).content.decode()
    start = html.index('<textarea name="body"')

    assert "::: key-points\n- It is short." in html[start : html.index("</textarea>", start)]
    assert "onclick" not in html
    assert "style=" not in html


def test_hostile_text_stays_text_in_the_textarea() -> None:
    html = str(OneField({"body": '</textarea><script>alert("x")</script>'}))

    assert "<script" not in html
    assert "&lt;/textarea&gt;&lt;script&gt;" in html


def test_the_text_has_one_kind_of_newline_and_one_at_its_end() -> None:
    form = OneField({"body": "\r\n## One\r\nTwo\r\n\r\n\r\n"})

    assert form.is_valid()
    assert form.cleaned_data["body"] == "## One\nTwo\n"


def test_an_empty_text_is_empty() -> None:
    form = OneField({"body": " \r\n "})

    assert form.is_valid()
    assert form.cleaned_data["body"] == ""


def test_the_toolbar_offers_what_there_is(page: Page, editor: User, sign_in: SignIn) -> None:
    make_figure("a-balloon", size=(40, 40))

    html = sign_in(editor).get(form_of(page)).content.decode()

    assert '<option value="::: figure a-balloon">Needle (a-balloon)</option>' in html
    assert '<option value="[@nice]">NICE: A guide</option>' in html
    assert '<option value="page:contact">Contact (en)</option>' in html
