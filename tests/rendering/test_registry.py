"""The block registry: everything that uses it works for every block, and blocks can be added at run time."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from procedures.admin.components import SampleResolver
from procedures.enums import PageKind
from procedures.management.commands import block_reference
from procedures.rendering import RenderedPage, render_page
from procedures.rendering.blocks import (
    BlockType,
    Content,
    active_block_types,
    editor_schema,
    get_block_types,
    reference_table,
    register,
    toolbar_buttons,
    unregister,
)
from procedures.rendering.document import Document, Paragraph, read_article, walk
from procedures.rendering.renderer import render_fragment
from procedures.revisions.diff import document_blocks
from tests.factories import EMPTY_CONTENT


def render_sample(text: str) -> RenderedPage:
    return render_page({**EMPTY_CONTENT, "body": text}, kind=PageKind.ABOUT, resolver=SampleResolver("en"))


@pytest.mark.parametrize("name", sorted(get_block_types()))
def test_every_example_is_valid_and_readable_in_every_format(name: str) -> None:
    block_type = get_block_types()[name]
    for text in (block_type.example, *block_type.more_examples.values()):
        rendered = render_sample(text)

        assert [str(issue) for issue in rendered.issues] == []
        blocks = [node for node in rendered.document.nodes if getattr(node, "name", "") == name]
        assert len(blocks) == 1
        assert list(walk(blocks[0].children)), "the tree has what the block prints"
        assert len(document_blocks(rendered.document)) > 1
        stored = Document.from_json(json.loads(json.dumps(rendered.document.to_json())))
        assert stored is not None
        assert read_article(stored) == rendered.article
        assert block_type.component in {"", *rendered.article.components}


def test_block_words_are_in_its_text_and_html() -> None:
    for name, block_type in get_block_types().items():
        rendered = render_sample(block_type.example)
        lines = [block.text for block in rendered.article.blocks][1:]
        assert lines or name == "reading-levels", name
        html = " ".join(str(rendered.html).replace("&#x27;", "'").split())
        assert [line for line in lines if line.split()[-1] not in html] == [], name


def test_two_blocks_cannot_have_the_same_name() -> None:
    with pytest.raises(ValueError, match="A block named note"):
        register(get_block_types()["note"])


def test_editor_schema_is_json_in_the_staff_language() -> None:
    schema = json.loads(json.dumps(editor_schema()))

    assert schema.keys() == {one.name for one in active_block_types()}
    assert schema["key-points"]["maxItems"] == 7
    assert schema["warning-signs"]["fields"][0]["choices"].keys() == {"before", "after", "both"}
    assert (schema["chance"]["hasEnd"], schema["figure"]["hasEnd"]) == (True, False)
    assert not {"emergency", "urgent"} & schema.keys()
    assert [name for name, block in schema.items() if not block["keywords"]] == []
    with translation.override("es"):
        assert editor_schema()["note"]["label"] == "Conviene saber"


def test_every_dialog_of_a_block_has_one_button() -> None:
    buttons = [button["dialog"] for button in toolbar_buttons()]

    assert len(buttons) == len(set(buttons))
    assert set(buttons) == {one.dialog for one in active_block_types()}
    assert buttons[:3] == ["picture", "series", "points"]


def test_reference_docs_match_the_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("block_reference", check=True)
    for one in active_block_types():
        assert one.syntax in reference_table(has_end=one.has_end)

    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "markdown.md").write_text("a\n<!-- blocks with end -->\nold\n<!-- end -->\nb\n")
    monkeypatch.setattr(block_reference.settings, "BASE_DIR", tmp_path)
    with pytest.raises(CommandError, match="out of date"):
        call_command("block_reference", check=True)
    call_command("block_reference", stdout=StringIO())
    written = (docs / "markdown.md").read_text()
    assert written.startswith("a\n<!-- blocks with end -->\n| Write | Inside |")
    assert written.endswith("|\n<!-- end -->\nb\n")
    call_command("block_reference", check=True)


@pytest.fixture
def quote(tmp_path: Path, settings: Any) -> Iterator[BlockType]:
    """The block from docs/howto/add-a-block.md, with its module and template."""
    guide = (Path(__file__).resolve().parents[2] / "docs" / "howto" / "add-a-block.md").read_text()
    code, template = (guide.split(f"```{kind}\n")[1].split("```")[0] for kind in ("python", "html"))
    (tmp_path / "components").mkdir()
    (tmp_path / "components" / "quote.html").write_text(template)
    engine = {**settings.TEMPLATES[0]}
    engine["DIRS"] = [tmp_path, *engine["DIRS"]]
    settings.TEMPLATES = [engine]
    exec(compile(code, "quote.py", "exec"), {})  # noqa: S102 -- the code of our own guide
    yield get_block_types()["quote"]
    unregister("quote")


def test_new_block_is_registered_everywhere(quote: BlockType) -> None:
    body = "## A\n\n::: quote\nI *walked* the same day. [@nice]\n:::\n"
    rendered = render_sample(body)

    assert rendered.issues == []
    assert '<blockquote class="quote"><p>I <em>walked</em> the same day.&nbsp;<a' in rendered.html
    assert rendered.sections[-1].text == "I walked the same day."
    assert [(block.component, block.line) for block in rendered.article.blocks][-1] == ("quote", 4)
    assert editor_schema()["quote"]["fields"][0]["name"] == "text"
    assert "| `::: quote` |" in reference_table(has_end=True)
    assert "<blockquote" in render_fragment(quote.example, SampleResolver("en"))


def test_declarations_of_a_new_block_are_validated(quote: BlockType) -> None:
    for text, issue in {
        "::: quote\n- a\n:::": "line 1: ::: quote contains one paragraph and nothing else.",
        "::: quote loud\na\n:::": "line 1: ::: quote does not take options.",
        "::: quote\n:::": "line 1: The quote block is empty.",
        "::: quote\na": "line 1: The quote block is not closed. Close it with a line that contains only :::",
        "::: qoute\na\n:::": "line 1: There is no block “qoute”. Did you mean “quote”?",
    }.items():
        assert issue in [str(found) for found in render_sample(text).issues], text


def test_block_content_can_be_limited_to_one_list() -> None:
    register(
        BlockType(
            name="short-version",
            syntax="::: short-version",
            help="",
            label="",
            example="::: short-version\n- a\n:::",
            template="checklist",
            content=Content.BULLETS,
            max_items=5,
            is_single_use=True,
        )
    )
    try:
        assert render_sample("::: short-version\n- a\n- b\n:::").issues == []
        text = "::: short-version\n" + "- a\n" * 6 + ":::\n\n::: short-version\n- a\n:::"
        assert [str(issue) for issue in render_sample(text).issues] == [
            "line 1: ::: short-version has 6 entries. Readers take in at most 5.",
            "line 10: A page can contain ::: short-version only once.",
        ]
    finally:
        unregister("short-version")


def test_paragraph_in_a_block_keeps_its_source_line() -> None:
    (paragraph,) = [
        node for node in walk(render_sample("a\n\n::: note\n\nb\n:::").document.body)
        if isinstance(node, Paragraph) and node.text == "b"
    ]  # fmt: skip

    assert (paragraph.line, paragraph.end) == (5, 5)
