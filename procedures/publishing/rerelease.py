"""Release live texts again when a value that they print changes: all pages of one change in one transaction."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q

from portal.staff.models import User
from procedures.enums import Language
from procedures.markdown import Library
from procedures.models import Page, Release, ReleaseInput
from procedures.publishing.clock import clinic_zone
from procedures.publishing.publish import PublishRefusedError, lock_values, renew
from procedures.publishing.schedule import PlanInZones, move_plans, plans_in_zones
from procedures.publishing.uses import printing_other

# What pages print of the rows that are a ClinicValue.
CLINIC_VALUES = Q(kind__in=("clinic", "care")) | Q(kind="list", key="locations")


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


@dataclass
class Update:
    """A change of the clinic's values, and what it does to pages and plans.

    ``keep_moments``: where the time zone changes, plans keep their moment instead of their time on the clock.
    """

    actor: User | None
    keep_moments: bool
    zone_before: ZoneInfo
    releases: list[Release] = field(default_factory=list)
    moved: list[Page] = field(default_factory=list)

    def pages(self) -> list[Page]:
        """Public pages that print another value than there is now: those still to be released again."""
        return [page for language in Language.values for page in printing_other(CLINIC_VALUES, language)]

    def plans(self) -> list[PlanInZones]:
        """Plans that a changed time zone concerns."""
        return plans_in_zones(self.zone_before, clinic_zone())

    def apply(self) -> None:
        """Release the pages again and move the plans. Doing it twice does nothing more."""
        self.releases += rerelease(self.pages(), actor=self.actor)
        zone = clinic_zone()
        if zone != self.zone_before and not self.keep_moments:
            self.moved += move_plans(self.zone_before, zone, actor=self.actor)
        self.zone_before = zone


_running: ContextVar[Update | None] = ContextVar("running_update", default=None)


@contextmanager
def updating_pages(*, actor: User | None = None, keep_moments: bool = False) -> Iterator[Update]:
    """Change the clinic's values inside this block; at its end all pages that print them are released again.

    All in one transaction: raises PublishRefusedError when a page cannot be released, and then no value has changed.
    Blocks may be nested: the outermost one updates the pages, once.
    """
    running = _running.get()
    if running is not None:
        yield running
        return
    with transaction.atomic():
        lock_values()
        update = Update(actor, keep_moments, clinic_zone())
        token = _running.set(update)
        try:
            yield update
        finally:
            _running.reset(token)
        update.apply()
