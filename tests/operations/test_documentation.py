"""Checks of the documentation against the code: settings, commands, files, and links that it names exist."""

import ast
import re

from django.core.management import get_commands

from portal import settings
from tests.served_data import ROOT

DOCS = ROOT / "docs"
OPERATIONS, SECURITY = (DOCS / name for name in ("operations.md", "security.md"))
DOCUMENTS = [*ROOT.glob("*.md"), *sorted(DOCS.rglob("*.md"))]
# How-to pages name files that the reader creates; the changelog names files that no longer exist.
CURRENT = [file for file in DOCUMENTS if file.parent.name != "howto" and file.name != "CHANGELOG.md"]
FILE_NAME = re.compile(r"`((?:tests|portal|procedures|docs|templates|static|content|\.ci)/[\w./-]+)`")


def test_the_settings_table_is_complete_and_lists_nothing_else() -> None:
    table = OPERATIONS.read_text().partition("## Settings")[2].partition("\n## ")[0]

    assert set(re.findall(r"^\| `(PORTAL_[A-Z0-9_]+)`", table, re.MULTILINE)) == settings.env.names - {"DATABASE_URL"}


def test_the_example_settings_exist() -> None:
    text = (DOCS / "examples" / "plainspine.env").read_text()

    assert set(re.findall(r"^#?(PORTAL_[A-Z0-9_]+)=", text, re.MULTILINE)) <= settings.env.names


def test_every_command_in_the_documentation_exists() -> None:
    named = {
        (file.name, command)
        for file in CURRENT
        for command in re.findall(r"manage\.py ([a-z_]+)", file.read_text())
        if command not in get_commands()
    }

    assert named == set()


def test_every_file_in_the_documentation_exists() -> None:
    missing = {
        (file.name, name)
        for file in CURRENT
        for name in FILE_NAME.findall(file.read_text())
        if not (ROOT / name).exists()
    }

    assert sorted(missing) == []
    assert len([name for name in FILE_NAME.findall(SECURITY.read_text()) if name.startswith("tests/")]) > 15


def test_every_requirement_that_is_met_names_its_test() -> None:
    rows = re.findall(r"^\| (V\d+\.\d+\.\d+) \|(.*)\|$", SECURITY.read_text(), re.MULTILINE)

    assert len(rows) > 40
    assert [number for number, rest in rows if "`tests/" not in rest and "`.ci/" not in rest and "**" not in rest] == []


def test_links_between_documents_lead_to_a_file_and_a_heading() -> None:
    broken = []
    for file in DOCUMENTS:
        text = re.sub(r"```.*?```|`[^`\n]*`", "", file.read_text(), flags=re.DOTALL)
        for target, anchor in re.findall(r"\]\((?!https?:|page:)([^)#\s]*)(?:#([^)\s]*))?\)", text):
            linked = (file.parent / target).resolve() if target else file
            if not linked.exists() or (anchor and anchor not in headings(linked.read_text())):
                broken.append(f"{file.name}: {target}#{anchor}")

    assert broken == []


def headings(text: str) -> set[str]:
    """Return the anchors that GitHub makes from the headings of a document."""
    return {
        re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }


def test_the_example_service_starts_the_server() -> None:
    text = (DOCS / "examples" / "portal.service").read_text()

    assert "manage.py serve --host 127.0.0.1 --port 8000 --workers 2" in text
    assert "User=plainspine" in text


def test_the_example_units_and_the_messages_name_the_command_that_operators_run() -> None:
    for unit in sorted((DOCS / "examples").glob("portal*.service")):
        text = unit.read_text()
        assert ("manage.py" in text) == ("\nEnvironment=PLAINSPINE_MANAGE=plainspine-" in text), unit.name

    wrong = [
        (str(file.relative_to(ROOT)), node.value)
        for package in ("portal", "procedures")
        for file in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        # Docstrings name the file of the source tree.
        if isinstance(node, ast.Constant) and "manage.py " in str(node.value) and "``manage.py " not in str(node.value)
    ]
    assert wrong == []
