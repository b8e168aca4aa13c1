"""Public pages that print something that has changed since: a picture, a term, a source, a clinic answer."""

from dataclasses import dataclass

from procedures.markdown import Library, render_page
from procedures.models import Page


@dataclass(frozen=True, slots=True)
class Outdated:
    """A public page and what has changed since its release, as (kind, key)."""

    page: Page
    changed: list[tuple[str, str]]


def outdated_pages() -> list[Outdated]:
    """All public pages whose parts have changed. Renders each once: for staff lists, never for a reader."""
    found = []
    libraries: dict[str, Library] = {}
    pages = Page.objects.published().select_related("live_release__revision").prefetch_related("live_release__inputs")
    for page in pages:
        release = page.live_release
        if release is None:
            continue
        library = libraries.setdefault(page.language, Library(page.language))
        rendered = render_page(release.revision.content, kind=page.kind, library=library)
        before = {(used.kind, used.key): used.fingerprint for used in release.inputs.all()}
        now = {(used.kind, used.key): used.fingerprint for used in rendered.inputs}
        changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
        if changed:
            found.append(Outdated(page, changed))
    return found
