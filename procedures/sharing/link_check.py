"""Check that every address that was ever public, and every link on a public page, still leads somewhere."""

from collections.abc import Iterator

from procedures.models import Page, Path, Release
from procedures.rendering import released_document
from procedures.rendering.document import Document
from procedures.rendering.parser import GENERATED_ANCHOR
from procedures.sharing.short_codes import is_valid_code


def find_broken_addresses() -> Iterator[str]:
    """Yield one message for each broken path, short code, link, or anchor."""
    releases = Release.objects.live().select_related("page", "revision").defer("html")
    live = {release.path: release for release in releases}
    documents = {path: released_document(release) for path, release in live.items()}
    for path in Path.objects.select_related("page__live_release"):
        live_release = path.page.live_release
        if path.is_canonical and live_release and live_release.path != path.path:
            yield f"{path.path}: is canonical, but its page is published at {live_release.path}"
    for release_path in live.keys() - set(Path.objects.values_list("path", flat=True)):
        yield f"{release_path}: is public, but has no Path row"
    for code in Page.objects.values_list("code", flat=True):
        if not is_valid_code(code):
            yield f"code {code}: its check character is wrong"
    yield from _find_broken_links(documents)
    yield from _find_lost_sections({live[path].page_id: document.anchors() for path, document in documents.items()})


def _find_lost_sections(live_anchors: dict[int, set[str]]) -> Iterator[str]:
    """Yield a message for each section anchor of an earlier release that the live page no longer has.

    Generated anchors are exempt: an index lists only what exists, so the entry of a withdrawn picture disappears.
    """
    releases = Release.objects.filter(page__in=live_anchors).values_list("page", "number", "sections")
    for page_id, number, sections in releases:
        lost = {section["anchor"] for section in sections} - live_anchors[page_id] - {""}
        for anchor in sorted(anchor for anchor in lost if not GENERATED_ANCHOR.match(anchor)):
            yield f"release {number} of page {page_id}: its section #{anchor} is no longer on the live page"


def _find_broken_links(documents: dict[str, Document]) -> Iterator[str]:
    anchors = {path: document.anchors() for path, document in documents.items()}
    known = set(Path.objects.values_list("path", flat=True))
    for path, document in documents.items():
        for link in document.links():
            if not link.startswith(("/", "#")):
                continue
            target, _, anchor = link.partition("#")
            if target and target not in known:
                yield f"{path}: links to {target}, which was never public"
            elif target and GENERATED_ANCHOR.match(anchor):
                # Checked when the link was published. If the entry is gone since, the link still opens the index.
                continue
            elif anchor and (target or path) in anchors and anchor not in anchors[target or path]:
                yield f"{path}: links to {link}, but that section does not exist"
