"""An exported site works on any static server and from disk: every link points to a file or to the live site."""

import errno
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import override_settings

from portal.management.commands import export_site
from portal.management.commands.export_site import OfflinePage
from tests.conftest import ServedSite
from tests.served_data import ROOT

EXPORTED = frozenset({"/", "/a/", "/a/b/", "/a/plain.txt"})


def export(site: ServedSite, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "export_site", str(folder)]
    return subprocess.run(command, cwd=ROOT, env=site.environ, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    ("link", "rewritten"),
    [
        ('<a href="/a/b/#end">', '<a href="b/index.html#end">'),
        ('<a href="/a/">', '<a href="index.html">'),
        ('<a href="/">', '<a href="../index.html">'),
        ('<a href="/a/plain.txt">', '<a href="plain.txt">'),
        ('<a href="plain.txt">', '<a href="plain.txt">'),
        ('<a href="b/">', '<a href="b/index.html">'),
        ('<a href="#end">', '<a href="#end">'),
        ('<a href="tel:+1303">', '<a href="tel:+1303">'),
        ('<a href="https://example.org/a/?x=1&amp;y=2">', '<a href="https://example.org/a/?x=1&amp;y=2">'),
        ('<a href="/clear/ABC/">', '<a href="https://site.example/clear/ABC/">'),
        ('<form action="/p/" method="get">', '<form action="https://site.example/p/" method="get">'),
        ('<img src="/media/x.png" alt="a &quot;b&quot;">', '<img src="../media/x.png" alt="a &quot;b&quot;">'),
        ('<source srcset="/media/1.webp 1x, /media/2.webp 2x">', '<source srcset="../media/1.webp 1x, ../media/2.webp 2x">'),
        ('<a href="/media/x.png">', '<a href="../media/x.png">'),
        ("<p>1 &lt; 2 &#38; <br/>href=\"/a/\"<input disabled></p>", "<p>1 &lt; 2 &#38; <br/>href=\"/a/\"<input disabled></p>"),
        ('<b>x</b><form class="search-form" action="/search/"><input name="q"></form><i>y</i>', "<b>x</b><i>y</i>"),
    ],
)  # fmt: skip
def test_links_to_exported_pages_are_relative(link: str, rewritten: str, settings: object) -> None:
    settings.PUBLIC_URL = "https://site.example"  # type: ignore[attr-defined]
    assert OfflinePage("/a/", EXPORTED).rewrite(f"<!doctype html>{link}") == f"<!doctype html>{rewritten}"


@override_settings(SITE_SOURCE="tests.published.test_export_site")
def test_an_export_that_fails_leaves_no_incomplete_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(path: str) -> HttpResponse:
        if path == "/b/":
            raise OSError(errno.ENOSPC, "No space left on device")
        return HttpResponse("text", content_type="text/plain")

    monkeypatch.setattr(export_site, "make_fetch", lambda: fetch)
    monkeypatch.setattr(export_site, "collect_static_files", lambda: False)

    with pytest.raises(CommandError, match="The disk is full"):
        call_command("export_site", str(tmp_path / "copy"))
    assert list(tmp_path.iterdir()) == []


def public_urls() -> list[str]:
    return ["/a/", "/b/"]


def test_every_link_of_an_exported_site_leads_to_a_file(served_site: ServedSite, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    done = export(served_site, folder)
    assert done.returncode == 0, done.stderr
    assert "Search is not included" in done.stdout

    pages = sorted(folder.rglob("*.html"))
    assert len(pages) > 50
    checked, broken = set(), []
    for page in pages:
        html = page.read_text()
        assert 'class="search-form' not in html
        links = re.findall(r'\s(?:href|src|action)="([^"]*)"', html)
        links += [part.split()[0] for found in re.findall(r'\ssrcset="([^"]*)"', html) for part in found.split(",")]
        for link in links:
            parts = urlsplit(link)
            if parts.scheme or not parts.path:
                continue
            target = (page.parent / unquote(parts.path)).resolve()
            checked.add(target)
            if not target.is_file() or not target.is_relative_to(folder.resolve()):
                broken.append((page.name, link))
    assert broken == []
    assert {file.suffix for file in checked} >= {".html", ".css", ".js", ".svg", ".txt", ".webp"}
    # Scripts refer to other scripts.
    assert list(folder.glob("static/js/reader/compare.*.js"))
    assert (folder / "README.txt").read_text().startswith("A copy of http")
    assert "Search is not included" in done.stdout

    again = export(served_site, folder)
    assert again.returncode == 1
    assert "is not empty" in again.stderr
