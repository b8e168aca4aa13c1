"""Does every address ever public still answer, and does every link on a public page lead somewhere?"""

from collections.abc import Iterator
from html.parser import HTMLParser

from procedures.models import Page, Path, Release
from procedures.rendering.parser import GENERATED_ANCHOR
from procedures.sharing.short_codes import is_valid_code


class LinkParser(HTMLParser):
    """Addresses that a page links to, our own and others', and the anchors it has."""

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
    """Sentences about paths, codes, links and anchors that break the promise; nothing when all is well."""
    live = {release.path: release for release in Release.objects.filter(live_on__isnull=False)}
    for path in Path.objects.select_related("page__live_release"):
        if path.is_canonical and path.page.live_release and path.page.live_release.path != path.path:
            yield f"{path.path}: is canonical, but its page is read at {path.page.live_release.path}"
    for release_path in live.keys() - set(Path.objects.values_list("path", flat=True)):
        yield f"{release_path}: is public without a row of its own"
    for code in Page.objects.values_list("code", flat=True):
        if not is_valid_code(code):
            yield f"code {code}: its check sign is wrong"
    yield from _find_broken_links(live)
    yield from _find_lost_sections()


def _find_lost_sections() -> Iterator[str]:
    """Section addresses of any release that the live page no longer has.

    Entries of an index, such as a picture that was withdrawn, may go: the index lists only what is there.
    """
    present: dict[int, set[str]] = {}
    for release in Release.objects.live():
        page = LinkParser()
        page.feed(release.html)
        present[release.page_id] = page.anchors
    for page_id, number, sections in Release.objects.filter(page__in=present).values_list("page", "number", "sections"):
        lost = {section["anchor"] for section in sections} - present[page_id] - {""}
        for anchor in sorted(anchor for anchor in lost if not GENERATED_ANCHOR.match(anchor)):
            yield f"release {number} of page {page_id}: its section #{anchor} is not found on the live page any more"


def _find_broken_links(live: dict[str, Release]) -> Iterator[str]:
    parsed: dict[str, LinkParser] = {}
    for path, release in live.items():
        parsed[path] = LinkParser()
        parsed[path].feed(release.html)
    known = set(Path.objects.values_list("path", flat=True))
    for path, page in parsed.items():
        for link in page.internal_links:
            target, _, anchor = link.partition("#")
            if target.startswith("/media/"):
                continue
            if target and target not in known:
                yield f"{path}: links to {target}, which never was public"
            elif target and GENERATED_ANCHOR.match(anchor):
                # Checked when the link was published. Without the entry, the link opens the index.
                continue
            elif anchor and (target or path) in parsed and anchor not in parsed[target or path].anchors:
                yield f"{path}: links to {link}, but there is no such section"
