"""The house itself: who may import whom, what may stand nowhere, what views may ask for."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent
CODE = sorted(
    file
    for part in ("portal", "procedures")
    for file in (ROOT / part).rglob("*.py")
    if "migrations" not in file.relative_to(ROOT).parts
)
TEMPLATES = sorted(file for file in (ROOT / "templates").rglob("*") if file.is_file())
SHEETS = sorted((ROOT / "static").rglob("*.css"))
# DESIGN.md §3: a part imports from its own layer and from those above it in this list, never from below.
LAYERS = [
    {"enums", "languages", "markup", "triage", "validators", "phones", "roles"},
    {"models"},
    {"figures", "markdown"},
    {"publishing", "content", "links", "feedback", "search", "quality", "fluoroscopy"},
    {"admin", "views", "middleware", "templatetags", "management", "urls", "apps"},
]
MAX_MODULE = 600


def name_of(file: Path) -> str:
    """A file as its dotted name."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a file imports, wherever in the file it does so."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are written in full"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def layer(name: str) -> int | None:
    """Where a part of ``procedures`` stands, or None for what is not part of it."""
    parts = name.split(".")
    if parts[0] != "procedures" or len(parts) < 2:
        return None
    return next((level for level, names in enumerate(LAYERS) if parts[1] in names), None)


def test_every_part_of_the_domain_has_its_layer() -> None:
    parts = {
        name_of(file).split(".")[1]
        for file in CODE
        if file.is_relative_to(ROOT / "procedures") and len(name_of(file).split(".")) > 1
    }

    assert parts <= set.union(*LAYERS)


@pytest.mark.parametrize("file", [f for f in CODE if layer(name_of(f)) is not None], ids=name_of)
def test_imports_flow_downwards_only(file: Path) -> None:
    own = layer(name_of(file))

    for line, imported in imports(file):
        other = layer(imported)
        assert other is None or other <= own, f"{file}:{line} imports {imported}"


@pytest.mark.parametrize("file", [f for f in CODE if name_of(f).startswith("portal")], ids=name_of)
def test_the_site_knows_nothing_medical(file: Path) -> None:
    for line, imported in imports(file):
        assert imported.split(".")[0] != "procedures", f"{file}:{line} imports {imported}"


def test_the_site_names_the_domain_only_where_it_is_plugged_in() -> None:
    naming = {
        name_of(file)
        for file in CODE
        if name_of(file).startswith("portal")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"procedures(\.|\Z)", node.value)
    }

    assert naming <= {"portal.settings", "portal.urls", "portal.checks"}


@pytest.mark.parametrize("file", CODE, ids=name_of)
def test_no_module_is_too_long(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= MAX_MODULE


def test_html_is_declared_safe_in_one_place_only() -> None:
    used = [name_of(file) for file in CODE for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark_safe")]  # fmt: skip

    assert used == ["procedures.rendering.sanitizer"]


def test_a_safe_string_is_never_made_of_what_somebody_typed() -> None:
    # SafeString("") and joins are fine; a call on anything else needs its place in this list, and a reason there.
    reasoned = {
        "procedures.models.revisions": "the stored HTML that publishing wrote, cleaned",
        "procedures.rendering.sanitizer": "finished HTML without its indentation, and with its ids renamed",
    }
    found = {
        name_of(file)
        for file in CODE
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"SafeString", "SafeText", "safestring.SafeString"}
        and not all(isinstance(value, ast.Constant) for value in node.args)
    }

    assert found == set(reasoned)


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_template_escapes_everything_and_holds_no_code_or_style(file: Path) -> None:
    text = file.read_text()

    assert not re.search(r"\|\s*safe(seq)?\b", text)
    assert not re.search(r"autoescape\s+off", text)
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text)
    assert "javascript:" not in text
    assert "<style" not in text
    for tag in re.findall(r"<script\b[^>]*>", text):
        assert " src=" in tag, f"{tag} holds its code inline"


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_template_loads_nothing_from_elsewhere(file: Path) -> None:
    for address in re.findall(r"(?:src|srcset|href|action)=[\"']([^\"'{]*)", file.read_text()):
        assert not re.match(r"\s*(?:[a-z]+:)?//", address), address


@pytest.mark.parametrize("file", SHEETS, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_stylesheet_loads_nothing_from_elsewhere(file: Path) -> None:
    assert not re.search(r"url\(\s*[\"']?(?:https?:)?//", file.read_text())


@pytest.mark.parametrize("file", [*CODE, *TEMPLATES, *SHEETS], ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_is_left_to_be_done_later(file: Path) -> None:
    assert not re.search(r"\b(?:TODO|FIXME|XXX|HACK)\b", file.read_text())


@pytest.mark.parametrize("file", CODE, ids=name_of)
def test_every_suppression_carries_its_reason(file: Path) -> None:
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        if "# noqa" in line:
            assert re.search(r"# noqa: [A-Z]+[0-9]+(?:, [A-Z]+[0-9]+)* -- \S", line), f"{file}:{number}"


# The vocabulary of what patients may see (models/page.py, path.py, history.py), and tables that hold no draft.
PUBLIC = {"published", "for_sitemap", "for_cards", "on_home", "with_public_data", "for_booklet", "live", "with_code"}
WITHOUT_DRAFTS = {"Clinic", "ReleaseEvent"}
DRAFT = {
    "title", "slug", "key_message", "description", "body", "lead_figure", "next_page", "next_label", "review_months",
    "items", "draft_content", "planned_path", "revisions", "scheduled_revision", "publish_at",
}  # fmt: skip
VIEWS = [file for file in CODE if name_of(file).startswith(("procedures.views", "procedures.templatetags"))]


def unnamed_queries(source: str) -> list[str]:
    """Every ``Model.objects`` that does not start from the vocabulary."""
    tree = ast.parse(source)
    named = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in PUBLIC and isinstance(node.value, ast.Attribute)
    }
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"objects", "_base_manager", "_default_manager"}
        and ast.unparse(node.value) not in WITHOUT_DRAFTS
        and id(node) not in named
    ]


def draft_reads(source: str) -> list[str]:
    """Every field of a draft that is read from a page."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr in DRAFT
        and re.search(r"(?:\A|\.)(?:page|p|replaced_by)\Z", ast.unparse(node.value))
    ]


@pytest.mark.parametrize("file", VIEWS, ids=name_of)
def test_a_view_starts_from_what_is_public_and_reads_no_draft(file: Path) -> None:
    assert unnamed_queries(file.read_text()) == []
    assert draft_reads(file.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "Page.objects.filter(slug=slug)",
        "Page.objects.all()",
        "Page.objects.get(pk=1)",
        "pages = Page.objects",
        "Revision.objects.published()[0] or Revision.objects.first()",
        "models.Page.objects.exclude(x=1)",
        "Page._base_manager.all()",
    ],
)
def test_the_rule_about_queries_catches(source: str) -> None:
    assert unnamed_queries(source)


@pytest.mark.parametrize(
    "source", ["page.title", "found.page.body", "[p.key_message for p in rows]", "row.page.draft_content()"]
)
def test_the_rule_about_drafts_catches(source: str) -> None:
    assert draft_reads(source)


@pytest.mark.parametrize("source", ["page.live_release.title", "release.title", "found.page.kind", "page.language"])
def test_the_rule_about_drafts_lets_releases_through(source: str) -> None:
    assert draft_reads(source) == []


@pytest.mark.parametrize("file", VIEWS, ids=name_of)
def test_a_view_says_which_methods_it_answers(file: Path) -> None:
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.args.args and node.args.args[0].arg == "request":
            decorators = {ast.unparse(decorator).split("(")[0] for decorator in node.decorator_list}
            is_error_page = name_of(file).endswith(".errors")
            is_helper = node.name.startswith("_")
            assert (
                is_error_page
                or is_helper
                or decorators & {"public", "require_safe", "require_POST", "require_http_methods"}
            ), node.name


def test_no_signal_and_nothing_hidden_in_save() -> None:
    for file in CODE:
        names = {imported for _, imported in imports(file)}
        assert not any(name.startswith(("django.db.models.signals", "django.dispatch")) for name in names), file


@pytest.mark.django_db
def test_the_models_and_their_migrations_agree() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
