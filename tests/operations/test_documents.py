"""The documents name only settings, tests and commands that exist."""

import re

from django.core.management import get_commands

from portal.env import KNOWN_VARIABLES
from tests.served_data import ROOT

DOCS = ROOT / "docs"
OPERATIONS, SECURITY = (DOCS / name for name in ("operations.md", "security.md"))


def test_the_table_of_settings_is_complete_and_names_nothing_else() -> None:
    table = OPERATIONS.read_text().partition("## Settings")[2].partition("\n## ")[0]

    assert set(re.findall(r"^\| `(PORTAL_[A-Z0-9_]+)`", table, re.MULTILINE)) == set(KNOWN_VARIABLES)


def test_the_example_settings_are_settings() -> None:
    text = (DOCS / "examples" / "plainspine.env").read_text()

    assert set(re.findall(r"^#?(PORTAL_[A-Z0-9_]+)=", text, re.MULTILINE)) <= KNOWN_VARIABLES


def test_every_documented_command_exists() -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", OPERATIONS.read_text() + SECURITY.read_text()))
    # The command and the tests below belong to portal/accounts.
    expected = named if (ROOT / "tests" / "staff").exists() else named - {"invite"}

    assert expected <= set(get_commands())


def test_every_test_and_file_in_the_security_document_exists() -> None:
    named = set(
        re.findall(r"`((?:tests|portal|procedures|docs|templates|static|\.ci)/[\w./-]+)`", SECURITY.read_text())
    )
    if not (ROOT / "tests" / "staff").exists():
        named = {name for name in named if not name.startswith(("tests/accounts", "portal/accounts"))}

    assert sorted(name for name in named if not (ROOT / name).exists()) == []
    assert len([name for name in named if name.startswith("tests/")]) > 15


def test_every_requirement_that_is_met_names_its_test() -> None:
    rows = re.findall(r"^\| (V\d+\.\d+\.\d+) \|(.*)\|$", SECURITY.read_text(), re.MULTILINE)

    assert len(rows) > 40
    assert [number for number, rest in rows if "`tests/" not in rest and "`.ci/" not in rest and "**" not in rest] == []


def test_links_between_documents_are_not_broken() -> None:
    for file in (OPERATIONS, SECURITY):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text()):
            if target == "staff.md" and not (ROOT / "tests" / "staff").exists():
                continue
            assert (DOCS / target).exists(), f"{file.name} links to {target}"


def test_the_example_service_runs_an_existing_command() -> None:
    text = (DOCS / "examples" / "portal.service").read_text()

    assert "manage.py serve --host 127.0.0.1 --port 8000 --workers 2" in text
    assert "User=plainspine" in text
