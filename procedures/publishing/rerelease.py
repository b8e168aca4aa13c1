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

from portal.accounts.models import User
from procedures import languages
from procedures.enums import Language
from procedures.models import Clinic, ClinicText, Location, LocationText, Page, Release, ReleaseDependency
from procedures.phones import normalize_phone
from procedures.publishing.publish import PublishError, lock_clinic_values, rerelease_page, rerelease_picture_indexes
from procedures.publishing.schedule import ScheduleShift, find_schedule_shifts, shift_schedules
from procedures.publishing.timezones import get_clinic_timezone
from procedures.publishing.usage import find_pages_with_stale_dependencies
from procedures.rendering import RENDERER_VERSION, Issue, ReferenceResolver

# What pages print of the rows that are a ClinicValue.
CLINIC_VALUE_DEPENDENCIES = Q(kind__in=("clinic", "care")) | Q(kind="list", key="locations")


def find_dependent_pages(kind: str, key: str = "", languages: Sequence[str] | None = None) -> list[Page]:
    """Live pages whose release prints the value ``kind`` and ``key`` (as in ReleaseInput; no key: any of that kind).

    ``languages`` limits the result to some languages. Two queries, however many pages there are.
    """
    inputs = ReleaseDependency.objects.filter(kind=kind, release__live_on__isnull=False)
    if key:
        inputs = inputs.filter(key=key)
    pages = Page.objects.published().filter(live_release__in=inputs.values("release"))
    if languages is not None:
        pages = pages.filter(language__in=languages)
    found = pages.select_related("live_release").defer("body", "live_release__html", "live_release__sections")
    return list(found.order_by("title", "language"))


def find_stale_pages_in_all_languages(dependencies: Q) -> list[Page]:
    """Live pages in every language that print another value than there is now, for ``inputs`` (as in ReleaseInput)."""
    return [page for language in Language.values for page in find_pages_with_stale_dependencies(dependencies, language)]


def pages_from_older_renderer() -> list[Page]:
    """Live pages whose stored HTML was made by an earlier ``RENDERER_VERSION``: today's style sheets may not fit it."""
    pages = Page.objects.published().filter(live_release__renderer_version__lt=RENDERER_VERSION)
    return list(pages.select_related("live_release").defer("live_release__sections"))


@transaction.atomic
def rerelease_pages(pages: Iterable[Page], *, actor: User | None) -> list[Release]:
    """Release the live text of each page again with today's values. Returns the new releases only.

    Raises PublishRefusedError when any page cannot be released; then no page has changed. Each problem names its page.
    """
    libraries: dict[str, ReferenceResolver] = {}
    released: list[Release] = []
    problems = []
    for page in _order_pages(pages):
        library = libraries.setdefault(page.language, ReferenceResolver(page.language))
        try:
            release = rerelease_page(page, actor=actor, library=library, update_indexes=False)
        except PublishError as error:
            title = page.live_release.title if page.live_release else page.title
            named = f"“{title}” ({page.get_language_display()})"
            problems += [replace(problem, line=0, message=f"{named}: {problem.message}") for problem in error.issues]
            continue
        if release is not None:
            released.append(release)
    if problems:
        raise PublishError(problems)
    if released:
        rerelease_picture_indexes(actor=actor)
    return released


def _order_pages(pages: Iterable[Page]) -> list[Page]:
    """Each page once; last those that list what others print: their pictures, then their reading levels."""
    by_pk = {page.pk: page for page in pages}
    listing = ReleaseDependency.objects.filter(kind="list", key__in=("figures", "levels"), release__live_on__in=by_pk)
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
    def description(self) -> str:
        """The change as the start of a sentence."""
        verb = "change" if self.field == "hours" else "changes"
        return f"{self.label} {verb} too, from “{_join_lines(self.old)}” to “{_join_lines(self.new)}”"

    @property
    def key(self) -> str:
        """Identifies this change in a form."""
        return f"{type(self.row).__name__.lower()}-{self.row.pk}-{self.field}"

    def save_value(self, value: str) -> None:
        """Store ``value``, the new one or the old one again. Raises PublishRefusedError when it is not valid there."""
        setattr(self.row, self.field, value)
        try:
            self.row.clean_fields(exclude={"id", "key", "order", *LOCATION_FIELDS} - {self.field})
        except ValidationError as error:
            sentence = (
                f"{self.description}, but that is not possible: {' '.join(error.messages)} Change the location first."
            )
            raise PublishError([Issue(0, sentence)]) from error
        type(self.row).objects.filter(pk=self.row.pk).update(**{self.field: value})


LOCATION_FIELDS = ("phone", "address", "location", "language", "name", "hours", "directions")
ClinicValueMap = Mapping[str, str]
PHONE_LABELS = {"phone": "phone", "after_hours_phone": "after-hours phone"}


def read_clinic_values() -> ClinicValueMap:
    """What a location may repeat: the clinic's name, phones, and hours by language; empty without a clinic."""
    clinic = Clinic.objects.values("name", *PHONE_LABELS).first()
    hours = ClinicText.objects.values_list("language", "hours")
    return {**(clinic or {}), **{f"hours {language}": words for language, words in hours}}


def find_location_changes(before: ClinicValueMap, now: ClinicValueMap) -> list[LocationChange]:
    """Values of locations that are still what the clinic had ``before`` and has changed ``now``."""
    changed = {name: (old, now[name]) for name, old in before.items() if old and now.get(name) not in {None, "", old}}
    if not changed:
        return []
    # A number that the clinic still has under another name is not replaced.
    kept = {normalize_phone(before[name]) for name in PHONE_LABELS if before.get(name) and name not in changed}
    phones = {normalize_phone(changed[name][0]): changed[name][1] for name in reversed(PHONE_LABELS) if name in changed}
    found = []
    for location in Location.objects.prefetch_related("texts"):
        texts = list(location.texts.all())
        title = next((text.name for text in texts if text.language == languages.DEFAULT), location.key)
        number = normalize_phone(location.phone)
        if number in phones and number not in kept:
            found.append(_make_change(location, "phone", phones[number], f"{title}: phone"))
        found += _find_clinic_name(location, "address", f"{title}: clinic name in the address", changed.get("name"))
        for text in texts:
            language = text.get_language_display()
            for part in ("name", "directions"):
                label = f"{title}: clinic name in the {part} ({language})"
                found += _find_clinic_name(text, part, label, changed.get("name"))
            old, new = changed.get(f"hours {text.language}", ("", ""))
            if old and " ".join(text.hours.split()) == " ".join(old.split()):
                found.append(_make_change(text, "hours", new, f"{title}: hours ({language})"))
    return found


def _make_change(row: Location | LocationText, field: str, new: str, label: str) -> LocationChange:
    return LocationChange(row, field, getattr(row, field), new, label)


def _join_lines(value: str) -> str:
    return ", ".join(value.splitlines())


def _find_clinic_name(
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
        yield _make_change(row, part, replaced, label)


@dataclass
class ClinicUpdate:
    """A change of the clinic's values, and what it does to locations, pages and plans.

    ``keep_moments``: where the time zone changes, plans keep their moment instead of their time on the clock.
    """

    actor: User | None
    keep_utc_times: bool
    old_zone: ZoneInfo
    old_values: ClinicValueMap
    releases: list[Release] = field(default_factory=list)
    rescheduled_pages: list[Page] = field(default_factory=list)
    location_changes: list[LocationChange] = field(default_factory=list)

    def apply_location_changes(self) -> list[LocationChange]:
        """Change what locations repeat of the clinic's old values; returns all changes so far."""
        now = read_clinic_values()
        changes = find_location_changes(self.old_values, now)
        self.old_values = now
        for change in changes:
            change.save_value(change.new)
        self.location_changes += changes
        return self.location_changes

    def revert_locations(self, keys: Iterable[str]) -> None:
        """Restore the old values of the locations, except for the changes named in ``keys``."""
        wanted = set(keys)
        for change in self.location_changes:
            if change.key not in wanted:
                change.save_value(change.old)
        self.location_changes = [change for change in self.location_changes if change.key in wanted]

    def affected_pages(self) -> list[Page]:
        """Public pages that print another value than there is now: those still to be released again."""
        return find_stale_pages_in_all_languages(CLINIC_VALUE_DEPENDENCIES)

    def affected_schedules(self) -> list[ScheduleShift]:
        """Plans that a changed time zone affects."""
        return find_schedule_shifts(self.old_zone, get_clinic_timezone())

    def apply(self) -> None:
        """Change the locations, release the pages again and move the plans. A second call changes nothing."""
        self.apply_location_changes()
        self.releases += rerelease_pages(self.affected_pages(), actor=self.actor)
        zone = get_clinic_timezone()
        if zone != self.old_zone and not self.keep_utc_times:
            self.rescheduled_pages += shift_schedules(self.old_zone, zone, actor=self.actor)
        self.old_zone = zone


_current_update: ContextVar[ClinicUpdate | None] = ContextVar("running_update", default=None)


@contextmanager
def update_clinic_values(*, actor: User | None = None, keep_utc_times: bool = False) -> Iterator[ClinicUpdate]:
    """Change the clinic's values inside this block; at its end all pages that print them are released again.

    All in one transaction: raises PublishRefusedError when a page cannot be released, and then no value has changed.
    Blocks may be nested: the outermost one updates the pages, once.
    """
    running = _current_update.get()
    if running is not None:
        yield running
        return
    with transaction.atomic():
        lock_clinic_values()
        update = ClinicUpdate(actor, keep_utc_times, get_clinic_timezone(), read_clinic_values())
        token = _current_update.set(update)
        try:
            yield update
            # Still inside: a location that is changed here must not start an update of its own.
            update.apply()
        finally:
            _current_update.reset(token)
