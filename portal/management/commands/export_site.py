"""The ``export_site`` command: copy the public site to a folder that works without a server, such as on a tablet."""

import os
import re
from html import escape
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.http import make_fetch
from portal.published.builder import SiteSource
from portal.storage.local_storage import create_output_folder
from portal.storage.static_files import collect_static_files

LINK_ATTRIBUTES = frozenset({"href", "src", "action", "poster"})
# Names with a content hash that stylesheets and scripts refer to, relative to their own folder.
STATIC_REFERENCE = re.compile(rb"[\"'(]([\w./-]+\.[0-9a-f]{12}\.[a-z0-9]+)[\"')]")
README = """A copy of {url}, made on {day}. Open index.html in a browser.

Features that need the server are not included: search, and scripts in browsers that do not run scripts from local
files. Forms and links to forms go to {url}.
"""


class Command(BaseCommand):
    """Write every public page with relative links, and the pictures, stylesheets, and scripts that pages use."""

    help = "Copy the public site to a folder that works on any static web server, and offline, for example on a tablet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER", help="a new or an empty folder")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        with create_output_folder(folder):
            collect_static_files()
            pages, files = self._export(folder)
        self.stdout.write(
            f"{pages} pages and {files} other files in {folder}. Search is not included because it needs the server."
        )

    def _export(self, folder: Path) -> tuple[int, int]:
        source, fetch = cast("SiteSource", import_module(settings.SITE_SOURCE)), make_fetch()
        paths = list(source.public_urls())
        used: set[str] = set()
        for path in paths:
            response = fetch(path)
            if response.status_code != 200:
                raise CommandError(f"{path} returned status {response.status_code}.")
            content = response.content
            if response.headers["Content-Type"].startswith("text/html"):
                page = OfflinePage(path, frozenset(paths))
                content = page.rewrite(content.decode()).encode()
                used |= page.used
            write_file(folder, path, content)
        done: set[str] = set()
        while missing := used - done:
            path = missing.pop()
            done.add(path)
            if path.startswith(settings.STATIC_URL):
                content = (Path(settings.STATIC_ROOT) / path.removeprefix(settings.STATIC_URL)).read_bytes()
                if path.endswith((".css", ".js")):
                    parent = PurePosixPath(path).parent
                    used |= {normpath(f"{parent}/{name.decode()}") for name in STATIC_REFERENCE.findall(content)}
            elif path.startswith(settings.MEDIA_URL):
                with default_storage.open(path.removeprefix(settings.MEDIA_URL)) as stream:
                    content = stream.read()
            else:
                content = fetch(path).content
            write_file(folder, path, content)
        write_file(folder, "/README.txt", README.format(url=settings.PUBLIC_URL, day=timezone.localdate()).encode())
        return len(paths), len(done)


def write_file(folder: Path, path: str, content: bytes) -> None:
    """Write the file for a URL path."""
    target = folder / get_file_path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def get_file_path(path: str) -> str:
    """Return the file name for a URL path, relative to the folder."""
    return f"{path}index.html"[1:] if path.endswith("/") else path[1:]


class OfflinePage(HTMLParser):
    """Rewrites the links of one page.

    ``used`` collects the URL paths of the pictures, stylesheets, and scripts that it needs. Links to pages in
    ``exported`` become relative; other links to the site become absolute. Search forms are removed.
    """

    def __init__(self, path: str, exported: frozenset[str]) -> None:
        super().__init__(convert_charrefs=False)
        self._path, self._exported = path, exported
        self._parts: list[str] = []
        self._is_search_form = False
        self.used: set[str] = set()

    def rewrite(self, html: str) -> str:
        """Return the page with its links rewritten."""
        self.feed(html)
        self.close()
        return "".join(self._parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._write_tag(tag, attrs, ">")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._write_tag(tag, attrs, "/>")

    def _write_tag(self, tag: str, attrs: list[tuple[str, str | None]], end: str) -> None:
        values = dict(attrs)
        self._is_search_form = self._is_search_form or (tag == "form" and "search" in (values.get("class") or ""))
        rewritten = [(name, value and self._rewrite_attribute(tag, name, value)) for name, value in attrs]
        text = "".join(f" {name}" if value is None else f' {name}="{escape(value)}"' for name, value in rewritten)
        self._write(f"<{tag}{text}{end}")

    def _rewrite_attribute(self, tag: str, name: str, value: str) -> str:
        if name == "srcset":
            candidates = [candidate.split() for candidate in value.split(",")]
            return ", ".join(" ".join([self._rewrite_link(url, is_file=True), *size]) for url, *size in candidates)
        return self._rewrite_link(value, is_file=tag not in {"a", "form"}) if name in LINK_ATTRIBUTES else value

    def _rewrite_link(self, url: str, *, is_file: bool) -> str:
        parts = urlsplit(url)
        if parts.scheme or parts.netloc or not parts.path:
            return url
        parts = parts._replace(path=urljoin(self._path, parts.path))
        is_file = is_file or parts.path.startswith((settings.MEDIA_URL, settings.STATIC_URL))
        if is_file:
            self.used.add(parts.path)
        elif parts.path not in self._exported or parts.query:
            return f"{settings.PUBLIC_URL}{parts.geturl()}"
        target = relpath(f"/{get_file_path(parts.path)}", os.path.dirname(f"/{get_file_path(self._path)}"))  # noqa: PTH120 -- a URL
        return f"{target}#{parts.fragment}" if parts.fragment else target

    def handle_endtag(self, tag: str) -> None:
        self._write(f"</{tag}>")
        self._is_search_form = self._is_search_form and tag != "form"

    def handle_data(self, data: str) -> None:
        self._write(data)

    def handle_entityref(self, name: str) -> None:
        self._write(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._write(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self._write(f"<!{decl}>")

    def _write(self, text: str) -> None:
        if not self._is_search_form:
            self._parts.append(text)
