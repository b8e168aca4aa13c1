"""Static files with the hash of their content in their name, and the site's stylesheet as one file."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

IMPORT = re.compile(r'@import url\("([^"]+)"\)(?: layer\(([a-z]+)\))?;')
COMMENT_OR_SPACE = re.compile(r"/\*.*?\*/|\s+", re.DOTALL)


class FlatManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Writes every ``@import`` of ``css/site.css`` in place: one request instead of one per component."""

    entry = "css/site.css"

    def post_process(
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[tuple[str, str | None, bool | Exception]]:
        """Flatten the entry sheet first; hashing and compression follow as usual."""
        if self.entry in paths and not dry_run:
            flat = self._flatten(self.entry)
            self.delete(self.entry)
            self._save(self.entry, ContentFile(flat.encode()))
            paths[self.entry] = (self, self.entry)
        yield from super().post_process(paths, dry_run, **options)

    def _flatten(self, name: str) -> str:
        def inline(match: re.Match[str]) -> str:
            target = str(PurePosixPath(name).parent / match[1])
            sheet = self._flatten(target)
            return f"@layer {match[2]}{{{sheet}}}" if match[2] else sheet

        with self.open(name) as stream:
            css = stream.read().decode()
        # Runs of white space and comments do not change what CSS means; strings with either are not used here.
        return IMPORT.sub(inline, COMMENT_OR_SPACE.sub(" ", css))
