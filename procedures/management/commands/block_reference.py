"""``manage.py block_reference``."""

import re
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.env import MANAGE
from procedures.rendering.blocks import reference_table

# The tables are between these comments.
MARKED = re.compile(r"(<!-- (blocks without end|blocks with end) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


class Command(BaseCommand):
    """Write the tables of blocks in docs/markdown.md from the block registry."""

    help = "Write the tables of blocks in docs/markdown.md from the block registry."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if the tables are out of date")

    def handle(self, *args: Any, **options: Any) -> None:
        file = settings.BASE_DIR / "docs" / "markdown.md"
        text = file.read_text(encoding="utf-8")
        updated = MARKED.sub(lambda m: f"{m[1]}{reference_table(has_end=m[2] == 'blocks with end')}{m[4]}", text)
        if options["check"] and updated != text:
            raise CommandError(f"docs/markdown.md is out of date. Run {MANAGE} block_reference.")
        if not options["check"]:
            file.write_text(updated, encoding="utf-8")
