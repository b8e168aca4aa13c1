"""Audit events: recording account events, forwarding all events, and exporting a date range (docs/audit.md).

The events are rows of the append-only tables. The worker process reads new rows and forwards them, so an unavailable
collector delays events but loses none, and no request waits for it. Each event is delivered at least once.
"""

import csv
import datetime
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Any, Protocol, TextIO

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, connection, connections
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string

from portal.accounts.models import AuditEvent, AuditPosition, User, keyed_hash
from portal.logging import to_json
from portal.security import UNREADABLE_NETWORK, client_network
from portal.text import escape_formula

log = logging.getLogger(__name__)

# The fields of every event, in the order of the columns of an export. docs/audit.md explains them.
FIELDS = (
    "time", "id", "category", "event", "outcome", "actor", "account", "origin", "page", "revision", "release", "detail",
)  # fmt: skip
POLL_SECONDS, RETRY_SECONDS = 2.0, 30.0
BATCH_SIZE = 200
# Only one machine forwards at a time. If it dies, another one takes over after this long.
LEASE_SECONDS = 60
# On PostgreSQL, rows can become visible out of order. Once a row is this old, all earlier rows are assumed to be
# visible.
POSTGRESQL_VISIBILITY_DELAY_SECONDS = 20

AuditRecord = dict[str, Any]
Kind = AuditEvent.Kind
FAILURES = frozenset({Kind.LOGIN_FAILED, Kind.THROTTLED, Kind.MFA_FAILED})
ORIGIN_LENGTH = 12  # hexadecimal digits


def record(
    kind: AuditEvent.Kind,
    *,
    user: User | None,
    actor: User | AnonymousUser | None = None,
    request: HttpRequest | None = None,
    detail: str = "",
) -> None:
    """Add an event about the account ``user``. ``actor`` is the user who caused it; an anonymous actor is not stored.

    ``detail`` is stored in English, whatever the active language, and truncated to the length of the column.
    """
    AuditEvent.objects.create(
        kind=kind,
        user=user,
        actor=actor if isinstance(actor, User) else None,
        origin=origin_hash(request),
        detail=detail[:200],
    )


def origin_hash(request: HttpRequest | None) -> str:
    """Return ``ORIGIN_LENGTH`` hex digits that are the same for all requests from one network.

    The string is empty if the network is unknown.
    """
    network = client_network(request) if request else ""
    return "" if network in {"", UNREADABLE_NETWORK} else keyed_hash("origin", network)[:ORIGIN_LENGTH]


class AuditSource(Protocol):
    """One table of events."""

    category: str

    def rows(self) -> QuerySet[Any]:
        """Return all rows, with everything that ``to_record`` needs.

        ``pk`` must be increasing, and ``created_at`` is the time of the event.
        """

    def to_record(self, row: Any) -> AuditRecord:
        """Return the fields of a row other than time, ID, and category."""


def get_sources() -> list[AuditSource]:
    return [import_string(path)() for path in settings.AUDIT_SOURCES]


def make_record(source: AuditSource, row: Any) -> AuditRecord:
    """Return an event with all FIELDS; those that it does not have are empty."""
    values = {
        "time": row.created_at.astimezone(datetime.UTC).isoformat(timespec="milliseconds"),
        "id": f"{source.category}/{row.pk}",
        "category": source.category,
        **source.to_record(row),
    }
    return {name: values.get(name, "") for name in FIELDS}


def export_events(start: datetime.datetime, end: datetime.datetime) -> Iterator[AuditRecord]:
    """Yield the events from ``start`` (inclusive) to ``end`` (exclusive), source by source, oldest first."""
    for source in get_sources():
        rows = source.rows().filter(created_at__gte=start, created_at__lt=end).order_by("pk")
        for row in rows.iterator(chunk_size=500):
            yield make_record(source, row)


def write_csv(events: Iterable[AuditRecord], stream: TextIO) -> int:
    """Write events with a header line, and return how many there were."""
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(FIELDS)
    count = 0
    for count, event in enumerate(events, 1):  # noqa: B007 -- the number of events, 0 without any
        writer.writerow(escape_formula(str(event[name])) for name in FIELDS)
    return count


def write_json_lines(events: Iterable[AuditRecord], stream: TextIO) -> int:
    """Write one JSON object per line, and return how many there were."""
    count = 0
    for count, event in enumerate(events, 1):  # noqa: B007 -- as above
        stream.write(f"{to_json(event)}\n")
    return count


def forward_new_events() -> int:
    """Send the events that have not been forwarded yet to all targets, and return how many there were.

    Raise OSError if a target does not accept them; the same events are sent again at the next call, to all targets.
    """
    return sum(_forward(source) for source in get_sources())


def _forward(source: AuditSource) -> int:
    now = timezone.now()
    newest = source.rows().order_by("-pk").values_list("pk", flat=True).first() or 0
    # Forwarding starts with new events; export_audit has the earlier ones.
    position, _created = AuditPosition.objects.get_or_create(source=source.category, defaults={"last_id": newest})
    if newest <= position.last_id or not (lease := _acquire_lease(source, now)):
        return 0
    # Empty once the lease has expired and another machine holds one.
    own_position = AuditPosition.objects.filter(source=source.category, leased_until=lease)
    position.refresh_from_db()
    batch = list(source.rows().filter(pk__gt=position.last_id).order_by("pk")[:BATCH_SIZE])
    if connection.vendor == "postgresql":
        # Transactions can commit out of order. Stop at the first row that is too new: the position must not skip one.
        settled = now - datetime.timedelta(seconds=POSTGRESQL_VISIBILITY_DELAY_SECONDS)
        batch = list(takewhile(lambda row: row.created_at < settled, batch))
    try:
        if batch:
            # Sent outside a transaction: a slow collector must not lock the database.
            records = [make_record(source, row) for row in batch]
            for target in settings.AUDIT_TARGETS:
                target.send(records)
            own_position.update(last_id=batch[-1].pk)
    finally:
        own_position.update(leased_until=None)
    return len(batch)


def _acquire_lease(source: AuditSource, now: datetime.datetime) -> datetime.datetime | None:
    """Return when the lease expires, or None if another machine holds one."""
    rows = AuditPosition.objects.filter(source=source.category)
    free = rows.filter(leased_until=None) | rows.filter(leased_until__lt=now)
    lease = now + datetime.timedelta(seconds=LEASE_SECONDS)
    return lease if free.update(leased_until=lease) else None


def count_unforwarded() -> int:
    """Return how many events are still to be forwarded, or 0 if forwarding is off."""
    if not settings.AUDIT_TARGETS:
        return 0
    positions = dict(AuditPosition.objects.values_list("source", "last_id"))
    return sum(
        source.rows().filter(pk__gt=positions[source.category]).count()
        for source in get_sources()
        if source.category in positions
    )


def start_forwarding() -> None:
    """Forward events in a thread of this process, the worker, unless no target is set."""
    if settings.AUDIT_TARGETS:
        threading.Thread(target=_forward_forever, name="audit", daemon=True).start()


def _forward_forever() -> None:
    is_failing = False
    while True:
        try:
            sent = forward_new_events()
        except (OSError, DatabaseError) as error:
            if not is_failing:
                log.warning("Cannot forward audit events; they will be retried: %s", type(error).__name__)
            is_failing = True
            connections.close_all()
            time.sleep(RETRY_SECONDS)
            continue
        except Exception:
            log.exception("Could not forward audit events; retrying")
            time.sleep(RETRY_SECONDS)
            continue
        if is_failing:
            log.info("Audit events are being forwarded again")
            is_failing = False
        connections.close_all()
        if sent < BATCH_SIZE:
            time.sleep(POLL_SECONDS)


class SignInEvents:
    """The audit log of accounts as an AuditSource."""

    category = "sign_in"

    def rows(self) -> QuerySet[AuditEvent]:
        """Return all rows with their accounts preloaded."""
        return AuditEvent.objects.select_related("user", "actor")

    def to_record(self, row: AuditEvent) -> dict[str, str]:
        """Return usernames instead of names, and no IP address: the portal stores none."""
        return {
            "event": row.kind,
            "outcome": "failure" if row.kind in FAILURES else "success",
            "actor": row.actor.username if row.actor else "",
            "account": row.user.username if row.user else "",
            "origin": row.origin,
            "detail": row.detail,
        }
