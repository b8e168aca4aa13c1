"""Check that every address that was ever public, and every link on a public page, still leads somewhere."""

from collections.abc import Iterator
from html.parser import HTMLParser

from procedures.models import Page, Path, Release
from procedures.rendering.parser import GENERATED_ANCHOR
from procedures.sharing.short_codes import is_valid_code


class LinkParser(HTMLParser):
    """HTML parser that collects the internal links, external links, and anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.internal_links: list[str] = []
        self.external_links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            if tag == "a" and name == "href" and value:
                if value.startswith(("/", "#")):
                    self.internal_links.append(value)
                elif value.startswith(("https:", "http:")):
                    self.external_links.append(value)


def find_broken_addresses() -> Iterator[str]:
    """Yield one message for each broken path, short code, link, or anchor."""
    live = {release.path: release for release in Release.objects.filter(live_on__isnull=False)}
    for path in Path.objects.select_related("page__live_release"):
        live_release = path.page.live_release
        if path.is_canonical and live_release and live_release.path != path.path:
            yield f"{path.path}: is canonical, but its page is published at {live_release.path}"
    for release_path in live.keys() - set(Path.objects.values_list("path", flat=True)):
        yield f"{release_path}: is public, but has no Path row"
    for code in Page.objects.values_list("code", flat=True):
        if not is_valid_code(code):
            yield f"code {code}: its check character is wrong"
    yield from _find_broken_links(live)
    yield from _find_lost_sections()


def _find_lost_sections() -> Iterator[str]:
    """Yield a message for each section anchor of an earlier release that the live page no longer has.

    Generated anchors are exempt: an index lists only what exists, so the entry of a withdrawn picture disappears.
    """
    live_anchors: dict[int, set[str]] = {}
    for release in Release.objects.live():
        parser = LinkParser()
        parser.feed(release.html)
        live_anchors[release.page_id] = parser.anchors
    releases = Release.objects.filter(page__in=live_anchors).values_list("page", "number", "sections")
    for page_id, number, sections in releases:
        lost = {section["anchor"] for section in sections} - live_anchors[page_id] - {""}
        for anchor in sorted(anchor for anchor in lost if not GENERATED_ANCHOR.match(anchor)):
            yield f"release {number} of page {page_id}: its section #{anchor} is no longer on the live page"


def _find_broken_links(live: dict[str, Release]) -> Iterator[str]:
    parsed: dict[str, LinkParser] = {}
    for path, release in live.items():
        parsed[path] = LinkParser()
        parsed[path].feed(release.html)
    known = set(Path.objects.values_list("path", flat=True))
    for path, parser in parsed.items():
        for link in parser.internal_links:
            target, _, anchor = link.partition("#")
            if target.startswith("/media/"):
                continue
            if target and target not in known:
                yield f"{path}: links to {target}, which was never public"
            elif target and GENERATED_ANCHOR.match(anchor):
                # Checked when the link was published. If the entry is gone since, the link still opens the index.
                continue
            elif anchor and (target or path) in parsed and anchor not in parsed[target or path].anchors:
                yield f"{path}: links to {link}, but that section does not exist"
