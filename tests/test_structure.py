"""Rules for the code base: import layers, what templates can hold, which querysets views start from."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib import admin
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent
CODE = sorted(
    file
    for part in ("portal", "procedures")
    for file in (ROOT / part).rglob("*.py")
    if "migrations" not in file.relative_to(ROOT).parts
)
TEMPLATES = sorted(file for file in (ROOT / "templates").rglob("*") if file.is_file())
# Mail programs load no style sheet, so the template of a message has inline styles.
MAIL_TEMPLATES = [file for file in TEMPLATES if file.parent.name == "mail"]
SHEETS = sorted((ROOT / "static").rglob("*.css"))
# DESIGN.md §3: a part imports from its own layer and from those above it in this list, never from below.
# A module named with its package has a layer of its own.
LAYERS = [
    {
        "addresses",
        "branding",
        "enums",
        "languages",
        "markup",
        "triage",
        "validators",
        "phones",
        "roles",
        "readability.scores",
    },
    {"models"},
    {"figures", "rendering", "timezones"},
    {
        "publishing",
        "revisions",
        "importing",
        "sharing",
        "infobutton",
        "page_views",
        "feedback",
        "search",
        "readability",
        "figures.simulation",
    },
    {"admin", "views", "templatetags", "management", "urls", "apps"},
]


def name_of(file: Path) -> str:
    """The dotted module name of a file."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of every import in a file, including imports inside functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are written in full"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def relative(file: Path) -> str:
    return str(file.relative_to(ROOT))


def layer(name: str) -> int | None:
    """The index in LAYERS of a module of ``procedures``, or None for a module outside it."""
    parts = name.split(".")
    if parts[0] != "procedures" or len(parts) < 2:
        return None
    own = {level: names for level, names in enumerate(LAYERS) if ".".join(parts[1:3]) in names}
    return next(iter(own), next((level for level, names in enumerate(LAYERS) if parts[1] in names), None))


def test_every_part_of_the_domain_has_its_layer() -> None:
    parts = {
        name_of(file).split(".")[1]
        for file in CODE
        if file.is_relative_to(ROOT / "procedures") and len(name_of(file).split(".")) > 1
    }

    assert parts <= set.union(*LAYERS)


def upward_imports(file: Path) -> list[str]:
    """Every import that reaches from a layer into one below it in LAYERS."""
    own = layer(name_of(file))
    if own is None:
        return []
    return [
        f"{relative(file)}:{line} imports {imported}"
        for line, imported in imports(file)
        if (other := layer(imported)) is not None and other > own
    ]


def test_imports_flow_downwards_only() -> None:
    assert [found for file in CODE for found in upward_imports(file)] == []


def test_the_site_knows_nothing_medical() -> None:
    found = [
        f"{relative(file)}:{line} imports {imported}"
        for file in CODE
        if name_of(file).startswith("portal")
        for line, imported in imports(file)
        if imported.split(".")[0] == "procedures"
    ]

    assert found == []


def test_the_site_names_the_domain_only_where_it_is_plugged_in() -> None:
    naming = {
        name_of(file)
        for file in CODE
        if name_of(file).startswith("portal")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"procedures(\.|\Z)", node.value)
    }

    assert naming <= {"portal.settings", "portal.urls"}


def test_html_is_declared_safe_in_one_place_only() -> None:
    used = [name_of(file) for file in CODE for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark_safe")]  # fmt: skip

    assert used == ["procedures.rendering.html"]


def test_a_safe_string_is_never_made_of_what_somebody_typed() -> None:
    # SafeString("") and joins are fine; a call on anything else needs its place in this list, and a reason there.
    reasoned = {
        "portal.templatetags.portal_admin": "a cell that Django rendered, with the escaped name of its column",
        "procedures.models.revisions": "the stored HTML that publishing wrote, cleaned",
        "procedures.rendering.document": "the stored HTML of a large picture, which publishing wrote from its template",
        "procedures.rendering.html": "finished HTML without its indentation, and with its ids renamed",
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


# What a template cannot hold: unescaped output, inline code and style.
FORBIDDEN_IN_TEMPLATES = [
    r"\|\s*safe(?:seq)?\b",
    r"autoescape\s+off",
    r"\sstyle\s*=",
    r"\son[a-z]+\s*=\s*[\"']",
    r"javascript:",
    r"<style",
    r"<script\b(?![^>]* src=)[^>]*>",
]
INLINE_STYLE = {r"\sstyle\s*=", r"<style"}
# An address with a host, in an attribute that makes a browser load or open it.
FOREIGN_ADDRESS = r"""(?:src|srcset|href|action)=["']\s*(?:[a-z]+:)?//[^"'{]*"""
FOREIGN_STYLE = r"""url\(\s*["']?(?:https?:)?//"""


def matches(files: list[Path], *patterns: str) -> list[str]:
    """File, line and text of every match of a pattern in the files."""
    return [
        f"{relative(file)}:{text[: found.start()].count(chr(10)) + 1} {found[0].strip()}"
        for file in files
        for text in [file.read_text()]
        for pattern in patterns
        for found in re.finditer(pattern, text)
    ]


def test_a_template_escapes_everything_and_holds_no_code_or_style() -> None:
    screens = [file for file in TEMPLATES if file not in MAIL_TEMPLATES]

    assert matches(screens, *FORBIDDEN_IN_TEMPLATES) == []
    assert matches(MAIL_TEMPLATES, *set(FORBIDDEN_IN_TEMPLATES) - INLINE_STYLE) == []


def test_a_template_loads_nothing_from_elsewhere() -> None:
    assert matches(TEMPLATES, FOREIGN_ADDRESS) == []


def test_a_stylesheet_loads_nothing_from_elsewhere() -> None:
    assert matches(SHEETS, FOREIGN_STYLE) == []


def test_every_custom_property_of_the_staff_screens_is_defined() -> None:
    django = Path(admin.__file__).parent / "static" / "admin" / "css"
    staff = [sheet for sheet in SHEETS if "admin_portal" in sheet.parts]
    frame = (ROOT / "templates" / "admin" / "base_site.html").read_text()
    linked = [ROOT / "static" / name for name in re.findall(r"\{% static '(css/[\w/]+\.css)' %\}", frame)]
    sources = [*staff, *linked, *django.glob("*.css")]
    scripts = (ROOT / "static" / "admin_portal").rglob("*.js")
    defined = {name for file in sources for name in re.findall(r"(--[\w-]+)\s*:", file.read_text())}
    defined |= {name for file in scripts for name in re.findall(r"setProperty\(\s*[\"'`](--[\w-]+)", file.read_text())}
    # A use with a fallback needs no definition.
    used = {(sheet.name, name) for sheet in staff for name in re.findall(r"var\((--[\w-]+)\)", sheet.read_text())}

    assert len(used) > 50
    assert sorted((sheet, name) for sheet, name in used if name not in defined) == []


def test_no_template_or_stylesheet_has_an_open_to_do() -> None:
    # In Python, ruff's FIX rules say so.
    assert matches([*TEMPLATES, *SHEETS], r"\b(?:TODO|FIXME|XXX|HACK)\b") == []


def test_the_rules_about_templates_and_stylesheets_catch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.test_structure.ROOT", tmp_path)
    caught = {
        "{{ body|safe }}": FORBIDDEN_IN_TEMPLATES,
        "{{ body | safeseq }}": FORBIDDEN_IN_TEMPLATES,
        "{% autoescape off %}": FORBIDDEN_IN_TEMPLATES,
        '<p style="color: red">': FORBIDDEN_IN_TEMPLATES,
        "<p onclick='go()'>": FORBIDDEN_IN_TEMPLATES,
        '<a href="javascript:go()">': FORBIDDEN_IN_TEMPLATES,
        "<style>": FORBIDDEN_IN_TEMPLATES,
        "<script>go()</script>": FORBIDDEN_IN_TEMPLATES,
        '<script type="module">': FORBIDDEN_IN_TEMPLATES,
        '<script src="https://cdn.example/x.js">': [FOREIGN_ADDRESS],
        '<img src="//cdn.example/x.png">': [FOREIGN_ADDRESS],
        '@import url("https://cdn.example/x.css")': [FOREIGN_STYLE],
        "background: url(//cdn.example/x.png)": [FOREIGN_STYLE],
    }
    file = tmp_path / "page.html"
    missed = []
    for text, patterns in caught.items():
        file.write_text(text)
        if not matches([file], *patterns):
            missed.append(text)

    assert missed == []


def test_every_suppression_carries_its_reason() -> None:
    found = [
        f"{relative(file)}:{number}"
        for file in CODE
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if "# noqa" in line and not re.search(r"# noqa: [A-Z]+[0-9]+(?:, [A-Z]+[0-9]+)* -- \S", line)
    ]

    assert found == []


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


def test_a_view_starts_from_what_is_public_and_reads_no_draft() -> None:
    found = [
        f"{relative(file)}: {expression}"
        for file in VIEWS
        for expression in unnamed_queries(file.read_text()) + draft_reads(file.read_text())
    ]

    assert found == []


def test_the_rule_about_queries_catches() -> None:
    sources = [
        "Page.objects.filter(slug=slug)",
        "Page.objects.all()",
        "Page.objects.get(pk=1)",
        "pages = Page.objects",
        "Revision.objects.published()[0] or Revision.objects.first()",
        "models.Page.objects.exclude(x=1)",
        "Page._base_manager.all()",
    ]

    assert [source for source in sources if not unnamed_queries(source)] == []


def test_the_rule_about_drafts_catches() -> None:
    sources = ["page.title", "found.page.body", "[p.key_message for p in rows]", "row.page.draft_content()"]

    assert [source for source in sources if not draft_reads(source)] == []


def test_the_rule_about_drafts_lets_releases_through() -> None:
    sources = ["page.live_release.title", "release.title", "found.page.kind", "page.language"]

    assert [source for source in sources if draft_reads(source)] == []


METHOD_DECORATORS = {"public_response", "require_safe", "require_POST", "require_http_methods"}


def views_for_any_method(file: Path) -> list[str]:
    """Every view of a module that does not restrict the request method; error pages answer to every method."""
    if name_of(file).endswith(".errors"):
        return []
    return [
        f"{relative(file)}: {node.name}"
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.args.args and node.args.args[0].arg == "request"
        if not node.name.startswith("_")
        if not {ast.unparse(decorator).split("(")[0] for decorator in node.decorator_list} & METHOD_DECORATORS
    ]


def test_a_view_says_which_methods_it_answers() -> None:
    assert [found for file in VIEWS for found in views_for_any_method(file)] == []


def test_the_only_signal_is_the_one_that_creates_the_roles() -> None:
    found = [
        f"{relative(file)}: {imported}"
        for file in CODE
        for _, imported in imports(file)
        if imported.startswith(("django.db.models.signals", "django.dispatch"))
    ]

    assert found == ["procedures/apps.py: django.db.models.signals.post_migrate"]


@pytest.mark.django_db
def test_the_models_and_their_migrations_agree() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
