"""The README contains the two required commands, and everything it references exists."""

import re

from tests.served_data import ROOT

SERVE = "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/python manage.py serve"
TEST = "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest"
README = (ROOT / "README.md").read_text()
ADDRESS = re.compile(r"\]\((?!https?:)([^)#]+)")


def test_readme_contains_the_two_required_commands() -> None:
    assert [block.strip() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)] == [SERVE, TEST]


def test_every_file_linked_from_the_readme_exists() -> None:
    linked = ADDRESS.findall(README)

    assert [name for name in linked if not (ROOT / name).exists()] == []
    assert linked != []


def test_every_setting_in_the_readme_is_read_by_the_portal() -> None:
    from portal import settings

    table = set(re.findall(r"^\| `(PORTAL_[A-Z0-9_]+)` \|", README, re.MULTILINE))

    # docs/operations.md lists all of them (tests/operations/test_documentation.py).
    assert table <= settings.env.names
    assert "PORTAL_PUBLIC_URL" in table


def test_every_command_in_the_readme_exists() -> None:
    from django.core.management import get_commands

    table = README.partition("## Commands")[2].partition("##")[0]
    named = re.findall(r"`([a-z_]+)[^`]*`", re.sub(r"\|[^|]*\|$", "|", table, flags=re.MULTILINE))

    assert [name for name in named if name not in get_commands()] == []
    assert {"serve", "load_content", "check_releases"} <= set(named)
