"""Release live texts again when a value that they print changes: all pages of one change in one transaction."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from portal.staff.models import User
from procedures.enums import Language
from procedures.markdown import Library, Problem
from procedures.models import Clinic, ClinicText, Location, LocationText, Page, Release, ReleaseInput
from procedures.phones import national
from procedures.publishing.clock import clinic_zone
from procedures.publishing.publish import PublishRefusedError, lock_values, rebuild_indexes, renew
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


def pages_printing_other(inputs: Q) -> list[Page]:
    """Live pages in every language that print another value than there is now, for ``inputs`` (as in ReleaseInput)."""
    return [page for language in Language.values for page in printing_other(inputs, language)]


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
            release = renew(page, actor=actor, library=library, indexes=False)
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
    if released:
        rebuild_indexes(actor=actor)
    return released


def _in_order(pages: Iterable[Page]) -> list[Page]:
    """Each page once; last those that list what others print: their pictures, then their reading levels."""
    by_pk = {page.pk: page for page in pages}
    listing = ReleaseInput.objects.filter(kind="list", key__in=("figures", "levels"), release__live_on__in=by_pk)
    lists = set(listing.values_list("key", "release__live_on"))
    return sorted(
        by_pk.values(), key=lambda page: (("levels", page.pk) in lists, ("figures", page.pk) in lists, page.pk)
    )


@dataclass(frozen=True)
class LocationChange:
    """A value of a location that was the clinic's, and changes with it. ``label`` names it for staff."""

    row: Location | LocationText
    field: str
    old: str
    new: str
    label: str

    @property
    def words(self) -> str:
        """The change as the start of a sentence."""
        verb = "change" if self.field == "hours" else "changes"
        return f"{self.label} {verb} too, from “{_line(self.old)}” to “{_line(self.new)}”"

    @property
    def key(self) -> str:
        """Identifies this change in a form."""
        return f"{type(self.row).__name__.lower()}-{self.row.pk}-{self.field}"

    def write(self, value: str) -> None:
        """Store ``value``, the new one or the old one again. Raises PublishRefusedError when it is not valid there."""
        setattr(self.row, self.field, value)
        try:
            self.row.clean_fields(exclude={"id", "key", "order", *LOCATION_FIELDS} - {self.field})
        except ValidationError as error:
            sentence = f"{self.words}, but that is not possible: {' '.join(error.messages)} Change the location first."
            raise PublishRefusedError([Problem(0, sentence)]) from error
        type(self.row).objects.filter(pk=self.row.pk).update(**{self.field: value})


LOCATION_FIELDS = ("phone", "address", "location", "language", "name", "hours", "directions")
ClinicValues = Mapping[str, str]
PHONES = {"phone": "phone", "after_hours_phone": "after-hours phone"}


def clinic_values() -> ClinicValues:
    """What a location may repeat: the clinic's name, phones, and hours by language; empty without a clinic."""
    clinic = Clinic.objects.values("name", *PHONES).first()
    hours = ClinicText.objects.values_list("language", "hours")
    return {**(clinic or {}), **{f"hours {language}": words for language, words in hours}}


def location_changes(before: ClinicValues, now: ClinicValues) -> list[LocationChange]:
    """Values of locations that are still what the clinic had ``before`` and has changed ``now``."""
    changed = {name: (old, now[name]) for name, old in before.items() if old and now.get(name) not in {None, "", old}}
    if not changed:
        return []
    # A number that the clinic still has under another name is not replaced.
    kept = {national(before[name]) for name in PHONES if before.get(name) and name not in changed}
    phones = {national(changed[name][0]): changed[name][1] for name in reversed(PHONES) if name in changed}
    found = []
    for location in Location.objects.prefetch_related("texts"):
        texts = list(location.texts.all())
        title = next((text.name for text in texts if text.language == Language.ENGLISH), location.key)
        number = national(location.phone)
        if number in phones and number not in kept:
            found.append(_change(location, "phone", phones[number], f"{title}: phone"))
        found += _words_of(location, "address", f"{title}: clinic name in the address", changed.get("name"))
        for text in texts:
            language = text.get_language_display()
            for part in ("name", "directions"):
                label = f"{title}: clinic name in the {part} ({language})"
                found += _words_of(text, part, label, changed.get("name"))
            old, new = changed.get(f"hours {text.language}", ("", ""))
            if old and " ".join(text.hours.split()) == " ".join(old.split()):
                found.append(_change(text, "hours", new, f"{title}: hours ({language})"))
    return found


def _change(row: Location | LocationText, field: str, new: str, label: str) -> LocationChange:
    return LocationChange(row, field, getattr(row, field), new, label)


def _line(value: str) -> str:
    return ", ".join(value.splitlines())


def _words_of(
    row: Location | LocationText, part: str, label: str, name: tuple[str, str] | None
) -> Iterator[LocationChange]:
    """The clinic's name where a location has it among other words, such as the first line of its address."""
    if name is None:
        return
    old, new = name
    text = getattr(row, part)
    # The new name first: it may hold the old one.
    replaced = re.sub(rf"(?<!\w)(?:{re.escape(new)}|{re.escape(old)})(?!\w)", lambda _: new, text)
    if replaced != text:
        yield _change(row, part, replaced, label)


@dataclass
class Update:
    """A change of the clinic's values, and what it does to locations, pages and plans.

    ``keep_moments``: where the time zone changes, plans keep their moment instead of their time on the clock.
    """

    actor: User | None
    keep_moments: bool
    zone_before: ZoneInfo
    values_before: ClinicValues
    releases: list[Release] = field(default_factory=list)
    moved: list[Page] = field(default_factory=list)
    locations: list[LocationChange] = field(default_factory=list)

    def change_locations(self) -> list[LocationChange]:
        """Change what locations repeat of the clinic's old values; returns all changes so far."""
        now = clinic_values()
        changes = location_changes(self.values_before, now)
        self.values_before = now
        for change in changes:
            change.write(change.new)
        self.locations += changes
        return self.locations

    def leave_locations(self, keys: Iterable[str]) -> None:
        """Restore the old values of the locations, except for the changes named in ``keys``."""
        wanted = set(keys)
        for change in self.locations:
            if change.key not in wanted:
                change.write(change.old)
        self.locations = [change for change in self.locations if change.key in wanted]

    def pages(self) -> list[Page]:
        """Public pages that print another value than there is now: those still to be released again."""
        return pages_printing_other(CLINIC_VALUES)

    def plans(self) -> list[PlanInZones]:
        """Plans that a changed time zone affects."""
        return plans_in_zones(self.zone_before, clinic_zone())

    def apply(self) -> None:
        """Change the locations, release the pages again and move the plans. A second call changes nothing."""
        self.change_locations()
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
        update = Update(actor, keep_moments, clinic_zone(), clinic_values())
        token = _running.set(update)
        try:
            yield update
            # Still inside: a location that is changed here must not start an update of its own.
            update.apply()
        finally:
            _running.reset(token)
