"""What the measures say of a draft, for its editor: the same counts as of the public pages."""

from collections.abc import Iterator

from procedures.enums import Language
from procedures.markdown import Library, RenderedPage
from procedures.models import Page
from procedures.quality.marks import mendable, notes
from procedures.quality.measure import measure
from procedures.quality.site import behind


def advice(page: Page, rendered: RenderedPage, library: Library) -> list[str]:
    """Sentences on what does not forbid publishing and is worth a look. What forbids it: ``readiness``."""
    measures = measure(rendered.html, kind=page.kind, library=library)
    told = [*mendable(measures), *notes(measures), *_older(page)]
    told += [f"long word, neither explained nor everyday: {word}" for word in measures.hard_words]
    return [f"{sentence[0].upper()}{sentence[1:]}." for sentence in told]


def _older(page: Page) -> Iterator[str]:
    if page.pk and page.language != Language.ENGLISH:
        source = Page.objects.published().filter(subject=page.subject, language=Language.ENGLISH)
        yield from behind(page, source.select_related("live_release__revision").first())
