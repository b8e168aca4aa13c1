"""Release live texts again when a value that they print changes: all pages of one change in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from django.db import transaction

from portal.staff.models import User
from procedures.markdown import Library
from procedures.models import Page, Release, ReleaseInput
from procedures.publishing.publish import PublishRefusedError, renew


def pages_quoting(kind: str, key: str = "", languages: Sequence[str] | None = None) -> list[Page]:
    """Live pages whose release prints the value ``kind`` and ``key`` (as in ReleaseInput; no key: any of that kind).

    ``languages`` limits the result to some languages. Two queries, however many pages there are.
    """
    inputs = ReleaseInput.objects.filter(kind=kind, release__live_on__isnull=False)
    if key:
        inputs = inputs.filter(key=key)
    pages = Page.objects.published().filter(live_release__in=inputs.values("release"))
    if languages is not None:
        pages = pages.filter(language__in=languages)
    found = pages.select_related("live_release").defer("body", "live_release__html", "live_release__sections")
    return list(found.order_by("title", "language"))


@transaction.atomic
def rerelease(pages: Iterable[Page], *, actor: User | None) -> list[Release]:
    """Release the live text of each page again with today's values. Returns the new releases only.

    Raises PublishRefusedError when any page cannot be released; then no page has changed. Each problem names its page.
    """
    libraries: dict[str, Library] = {}
    released: list[Release] = []
    problems = []
    for page in _in_order(pages):
        library = libraries.setdefault(page.language, Library(page.language))
        try:
            release = renew(page, actor=actor, library=library)
        except PublishRefusedError as error:
            title = page.live_release.title if page.live_release else page.title
            named = f"“{title}” ({page.get_language_display()})"
            problems += [
                replace(problem, line=0, sentence=f"{named}: {problem.sentence}") for problem in error.problems
            ]
            continue
        if release is not None:
            released.append(release)
    if problems:
        raise PublishRefusedError(problems)
    return released


def _in_order(pages: Iterable[Page]) -> list[Page]:
    """Each page once, in the order in which all transactions lock them; last those that list the levels of others."""
    by_pk = {page.pk: page for page in pages}
    listing = ReleaseInput.objects.filter(kind="list", key="levels", release__live_on__in=by_pk)
    last = set(listing.values_list("release__live_on", flat=True))
    return sorted(by_pk.values(), key=lambda page: (page.pk in last, page.pk))
