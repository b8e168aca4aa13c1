"""Import rules of the readability package."""

import re
from pathlib import Path

PROCEDURES = Path(__file__).resolve().parents[2] / "procedures"
IMPORTED = re.compile(r"^(?:from|import) procedures\.(\w+)", re.MULTILINE)
BELOW = {"languages", "enums", "validators", "models", "markdown", "publishing", "quality"}


def test_quality_imports_only_what_lies_below_it() -> None:
    imported = {name for file in (PROCEDURES / "quality").glob("*.py") for name in IMPORTED.findall(file.read_text())}

    assert imported - BELOW == set()


def test_nothing_but_admin_and_commands_imports_quality() -> None:
    files = {
        file.relative_to(PROCEDURES)
        for file in PROCEDURES.rglob("*.py")
        if "quality" in IMPORTED.findall(file.read_text())
    }

    assert {file.parts[0] for file in files} - {"quality", "admin", "management"} == set()
