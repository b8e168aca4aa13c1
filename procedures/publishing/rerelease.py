"""Find live pages that print a value that has changed, and rerelease all of them in one transaction."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.models import User
from procedures import languages
from procedures.models import Clinic, ClinicText, Location, LocationText, Page, Release, ReleaseDependency
from procedures.models.page import without_text
from procedures.phones import normalize_phone
from procedures.publishing.publish import (
    PublishError,
    changed_dependencies,
    lock_clinic_values,
    rerelease_page,
    rerelease_picture_indexes,
)
from procedures.publishing.schedule import ScheduleShift, find_schedule_shifts, shift_schedules
from procedures.rendering import RENDERER_VERSION, ReferenceResolver, render_page
from procedures.timezones import get_clinic_timezone

ANY_DEPENDENCY = Q()
# The dependencies of pages on rows that are a ClinicValue.
CLINIC_VALUE_DEPENDENCIES = Q(kind__in=("clinic", "care")) | Q(kind="list", key="locations")
LOCATION_FIELDS = ("phone", "address", "location", "language", "name", "hours", "directions")
PHONE_FIELDS = ("phone", "after_hours_phone")
# The names of values of a location that can repeat the clinic's, by field.
LOCATION_VALUE_LABELS: dict[str, Promise] = {
    "phone": gettext_lazy("%(location)s: phone"),
    "hours": gettext_lazy("%(location)s: hours (%(language)s)"),
    "address": gettext_lazy("%(location)s: clinic name in the address"),
    "name": gettext_lazy("%(location)s: clinic name in the name (%(language)s)"),
    "directions": gettext_lazy("%(location)s: clinic name in the directions (%(language)s)"),
}
# Messages, by field, that such a value changes along with the clinic's.
LOCATION_CHANGE_MESSAGES: dict[str, Promise] = {
    "phone": gettext_lazy("%(location)s: phone changes too, from “%(old)s” to “%(new)s”"),
    "hours": gettext_lazy("%(location)s: hours (%(language)s) change too, from “%(old)s” to “%(new)s”"),
    "address": gettext_lazy("%(location)s: clinic name in the address changes too, from “%(old)s” to “%(new)s”"),
    "name": gettext_lazy(
        "%(location)s: clinic name in the name (%(language)s) changes too, from “%(old)s” to “%(new)s”"
    ),
    "directions": gettext_lazy(
        "%(location)s: clinic name in the directions (%(language)s) changes too, from “%(old)s” to “%(new)s”"
    ),
}
ClinicValueMap = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StalePage:
    """A public page and the dependencies that have changed since its release, as (kind, key)."""

    page: Page
    changed: list[tuple[str, str]]


def current_fingerprints(language: str, dependencies: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the current fingerprint of each (kind, key) that still exists, in a fixed number of queries."""
    resolver = ReferenceResolver(language)
    keys_by_kind: dict[str, set[str]] = {}
    for kind, key in dependencies:
        keys_by_kind.setdefault(kind, set()).add(key)
    resolver.prefetch(keys_by_kind)
    list_getters = {
        "figures": resolver.get_public_figures,
        "terms": resolver.get_glossary,
        "levels": resolver.get_reading_levels,
        "locations": resolver.get_locations,
    }
    getters = {
        "figure": resolver.get_figure,
        "indexed": resolver.get_public_figure,
        "series": resolver.get_series,
        "source": resolver.get_source,
        "care": resolver.get_clinic_answer,
        "signs": resolver.get_warning_signs,
        "page": resolver.get_page,
        "clinic": resolver.get_clinic_value,
        "title": resolver.get_titled_page_by_key,
    }
    if "term" in keys_by_kind:
        for term in resolver.glossary_terms:
            resolver.record_term(term)
    # Each getter records the fingerprint of what it returns.
    for kind, key in dependencies:
        if kind in getters:
            getters[kind](key)
        elif kind == "list":
            list_getters[key]()
    return {kind_and_key: dependency.fingerprint for kind_and_key, dependency in resolver.dependencies.items()}


def find_stale_pages(dependencies: Q = ANY_DEPENDENCY) -> list[StalePage]:
    """Return public pages with changed values of ``dependencies`` (a filter of ReleaseDependency), by title.

    Renders nothing, so it is fast enough to run on every visit to the dashboard. It misses pages to which a new
    glossary term would add a link; ``find_stale_pages_by_rendering`` finds those as well.
    """
    live = ReleaseDependency.objects.live().filter(dependencies)
    rows = list(live.values_list("release__page__language", "release__page", "kind", "key", "fingerprint"))
    changed: dict[int, list[tuple[str, str]]] = {}
    for code in languages.CODES:
        in_language = [row[1:] for row in rows if row[0] == code]
        current = current_fingerprints(code, {(kind, key) for _page_id, kind, key, _fingerprint in in_language})
        for page_id, kind, key, fingerprint in in_language:
            if current.get((kind, key)) != fingerprint:
                changed.setdefault(page_id, []).append((kind, key))
    pages = Page.objects.in_bulk(changed) if changed else {}
    return sorted((StalePage(pages[pk], names) for pk, names in changed.items()), key=lambda row: row.page.title)


def find_stale_pages_by_rendering() -> list[StalePage]:
    """Return public pages that would depend on other values if rendered now. Renders every page: only for staff."""
    stale = []
    resolvers: dict[str, ReferenceResolver] = {}
    pages = Page.objects.published().select_related("live_release__revision")
    for page in pages.prefetch_related("live_release__dependencies"):
        release = page.live_release
        if release is None:
            continue
        resolver = resolvers.setdefault(page.language, ReferenceResolver(page.language))
        rendered = render_page(release.revision.content, kind=page.kind, resolver=resolver)
        if changed := changed_dependencies(release, rendered):
            stale.append(StalePage(page, changed))
    return stale


def find_pages_with_stale_value(*, kind: str, language: str, key: str) -> list[Page]:
    """Return public pages in ``language`` that print an outdated value of ``kind``, and of ``key`` if not empty."""
    # Picture indexes show figures as well.
    dependencies = Q(kind__in=[kind, "indexed"] if kind == "figure" else [kind], release__page__language=language)
    return [row.page for row in find_stale_pages(dependencies & Q(key=key) if key else dependencies)]


def find_pages_with_stale_link(page: Page) -> list[Page]:
    """Return public pages that print an earlier title, section title, or path of ``page``."""
    dependencies = Q(kind="title", key__startswith=f"{page.subject}#") | Q(kind="page", key=page.subject)
    return [row.page for row in find_stale_pages(dependencies & Q(release__page__language=page.language))]


def find_dependent_pages(kind: str, key: str = "", languages: Sequence[str] | None = None) -> list[Page]:
    """Return live pages that print the value with this ``kind`` and ``key`` (as in ReleaseDependency).

    Without a key, any value of that kind; ``languages`` limits the result. One query.
    """
    dependencies = ReleaseDependency.objects.live().filter(kind=kind)
    if key:
        dependencies = dependencies.filter(key=key)
    pages = Page.objects.published().filter(live_release__in=dependencies.values("release"))
    if languages is not None:
        pages = pages.filter(language__in=languages)
    return list(without_text(pages.select_related("live_release").defer("body")).order_by("title", "language"))


def pages_from_older_renderer() -> list[Page]:
    """Return live pages whose stored HTML comes from an earlier ``RENDERER_VERSION``, so the current style sheets may
    not match it.
    """
    pages = Page.objects.published().filter(live_release__renderer_version__lt=RENDERER_VERSION)
    return list(without_text(pages.select_related("live_release")))


@transaction.atomic
def rerelease_pages(pages: Iterable[Page], *, actor: User | None) -> list[Release]:
    """Rerelease each page with the current values. Return the new releases; unchanged pages get none.

    Raise PublishError if any page cannot be released; in that case, no page changes. Each issue names its page.
    """
    resolvers: dict[str, ReferenceResolver] = {}
    releases: list[Release] = []
    issues = []
    for page in _order_pages(pages):
        resolver = resolvers.setdefault(page.language, ReferenceResolver(page.language))
        try:
            release = rerelease_page(page, actor=actor, resolver=resolver, update_indexes=False)
        except PublishError as error:
            title = page.live_release.title if page.live_release else page.title
            page_name = f"“{title}” ({page.get_language_display()})"
            issues += [replace(issue, line=0, message=f"{page_name}: {issue.message}") for issue in error.issues]
            continue
        if release is not None:
            releases.append(release)
    if issues:
        raise PublishError(issues)
    if releases:
        rerelease_picture_indexes(actor=actor)
    return releases


def _order_pages(pages: Iterable[Page]) -> list[Page]:
    """Return each page once.

    Pages that list other pages' pictures come near the end, followed by pages that list reading levels.
    """
    by_pk = {page.pk: page for page in pages}
    dependencies = ReleaseDependency.objects.filter(
        kind="list", key__in=("figures", "levels"), release__live_on__in=by_pk
    )
    lists = set(dependencies.values_list("key", "release__live_on"))
    return sorted(
        by_pk.values(), key=lambda page: (("levels", page.pk) in lists, ("figures", page.pk) in lists, page.pk)
    )


@dataclass(frozen=True)
class LocationChange:
    """A value of a location that repeats a value of the clinic and changes along with it.

    ``location`` is its name for staff.
    """

    row: Location | LocationText
    field: str
    old: str
    new: str
    location: str

    @property
    def label(self) -> str:
        """The name of the value, for staff."""
        return str(LOCATION_VALUE_LABELS[self.field]) % self._message_params()

    @property
    def description(self) -> str:
        """The change, for staff, without a period."""
        return str(LOCATION_CHANGE_MESSAGES[self.field]) % self._message_params()

    @property
    def key(self) -> str:
        """The identifier of this change in a form."""
        return f"{type(self.row).__name__.lower()}-{self.row.pk}-{self.field}"

    def save_value(self, value: str) -> None:
        """Store ``value``, which is either ``new`` or ``old``. Raise PublishError if the field rejects it."""
        setattr(self.row, self.field, value)
        try:
            self.row.clean_fields(exclude={"id", "key", "order", *LOCATION_FIELDS} - {self.field})
        except ValidationError as error:
            message = _("%(change)s, but the new value is not valid: %(errors)s Change the location first.")
            raise PublishError.with_message(
                message % {"change": self.description, "errors": " ".join(error.messages)}
            ) from error
        type(self.row).objects.filter(pk=self.row.pk).update(**{self.field: value})

    def _message_params(self) -> dict[str, str]:
        language = self.row.get_language_display() if isinstance(self.row, LocationText) else ""
        return {
            "location": self.location,
            "language": language,
            "old": ", ".join(self.old.splitlines()),
            "new": ", ".join(self.new.splitlines()),
        }


def read_clinic_values() -> ClinicValueMap:
    """Return the values that locations may repeat: the clinic's name, phones, and hours by language."""
    clinic = Clinic.objects.values("name", *PHONE_FIELDS).first()
    texts = ClinicText.objects.values_list("language", "hours")
    return {**(clinic or {}), **{f"hours {language}": hours for language, hours in texts}}


def find_location_changes(before: ClinicValueMap, now: ClinicValueMap) -> list[LocationChange]:
    """Return the values of locations that repeat a value in ``before`` that is different in ``now``."""
    changed = {name: (old, now[name]) for name, old in before.items() if old and now.get(name) not in {None, "", old}}
    if not changed:
        return []
    # A number that the clinic still uses in another field is not replaced.
    unchanged = {normalize_phone(before[name]) for name in PHONE_FIELDS if before.get(name) and name not in changed}
    phones = {normalize_phone(changed[name][0]): changed[name][1] for name in reversed(PHONE_FIELDS) if name in changed}
    changes = []
    for location in Location.objects.prefetch_related("texts"):
        texts = list(location.texts.all())
        title = next((text.name for text in texts if text.language == languages.DEFAULT), location.key)
        number = normalize_phone(location.phone)
        if number in phones and number not in unchanged:
            changes.append(_make_change(location, "phone", phones[number], title))
        changes += _find_clinic_name(location, "address", title, changed.get("name"))
        for text in texts:
            for field_name in ("name", "directions"):
                changes += _find_clinic_name(text, field_name, title, changed.get("name"))
            old, new = changed.get(f"hours {text.language}", ("", ""))
            if old and " ".join(text.hours.split()) == " ".join(old.split()):
                changes.append(_make_change(text, "hours", new, title))
    return changes


def _make_change(row: Location | LocationText, field_name: str, new: str, location: str) -> LocationChange:
    return LocationChange(row, field_name, getattr(row, field_name), new, location)


def _find_clinic_name(
    row: Location | LocationText, field_name: str, location: str, name: tuple[str, str] | None
) -> Iterator[LocationChange]:
    """Yield a change if the field contains the clinic's old name, such as in the first line of an address."""
    if name is None:
        return
    old, new = name
    text = getattr(row, field_name)
    # Match the new name first, because it may contain the old one.
    replaced = re.sub(rf"(?<!\w)(?:{re.escape(new)}|{re.escape(old)})(?!\w)", lambda match: new, text)
    if replaced != text:
        yield _make_change(row, field_name, replaced, location)


@dataclass
class ClinicUpdate:
    """A change to the clinic's values and its effects on locations, pages, and schedules.

    ``keep_utc_times``: when the time zone changes, schedules keep their UTC time instead of their local time.
    """

    actor: User | None
    keep_utc_times: bool
    old_zone: ZoneInfo
    old_values: ClinicValueMap
    releases: list[Release] = field(default_factory=list)
    rescheduled_pages: list[Page] = field(default_factory=list)
    location_changes: list[LocationChange] = field(default_factory=list)

    def apply_location_changes(self) -> list[LocationChange]:
        """Change the values of locations that repeat the clinic's old values; return all changes so far."""
        now = read_clinic_values()
        changes = find_location_changes(self.old_values, now)
        self.old_values = now
        for change in changes:
            change.save_value(change.new)
        self.location_changes += changes
        return self.location_changes

    def revert_locations(self, keys: Iterable[str]) -> None:
        """Restore the old values of the locations, except for the changes named in ``keys``."""
        keep = set(keys)
        for change in self.location_changes:
            if change.key not in keep:
                change.save_value(change.old)
        self.location_changes = [change for change in self.location_changes if change.key in keep]

    def affected_pages(self) -> list[Page]:
        """Return public pages that print an outdated value and have not been rereleased yet."""
        return sorted((row.page for row in find_stale_pages(CLINIC_VALUE_DEPENDENCIES)), key=lambda page: page.language)

    def affected_schedules(self) -> list[ScheduleShift]:
        """Return the schedules that a new time zone affects."""
        return find_schedule_shifts(self.old_zone, get_clinic_timezone())

    def apply(self) -> None:
        """Change the locations, rerelease the pages, and shift the schedules. Idempotent."""
        self.apply_location_changes()
        self.releases += rerelease_pages(self.affected_pages(), actor=self.actor)
        zone = get_clinic_timezone()
        if zone != self.old_zone and not self.keep_utc_times:
            self.rescheduled_pages += shift_schedules(self.old_zone, zone, actor=self.actor)
        self.old_zone = zone


_current_update: ContextVar[ClinicUpdate | None] = ContextVar("current_update", default=None)


@contextmanager
def update_clinic_values(*, actor: User | None = None, keep_utc_times: bool = False) -> Iterator[ClinicUpdate]:
    """Run a block that changes the clinic's values; then rerelease all pages that print them.

    Everything is one transaction: if a page cannot be released, raise PublishError, and no value has changed. Blocks
    can be nested; only the outermost one updates the pages. Takes the lock of ``lock_clinic_values``.
    """
    current = _current_update.get()
    if current is not None:
        yield current
        return
    with transaction.atomic():
        lock_clinic_values()
        update = ClinicUpdate(actor, keep_utc_times, get_clinic_timezone(), read_clinic_values())
        token = _current_update.set(update)
        try:
            yield update
            # Before the token is reset, so that a location saved here does not start a nested update.
            update.apply()
        finally:
            _current_update.reset(token)
