"""One mail a week at most to each member of staff: what waits for them. Titles and counts only, nothing of patients."""

import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from portal.staff import mail
from portal.staff.models import User
from procedures.models import Digest
from procedures.publishing.clock import clinic_zone
from procedures.publishing.waiting import Waiting, waiting_for

MONDAY, FROM_HOUR = 0, 7
# What is worth a mail; the rest can wait until somebody signs in.
WORTH = frozenset(
    "sent_back to_approve new_pictures approved not_published reviews translations outdated "
    "signs_to_approve signs_sent_back signs_to_publish".split()
)


def send_digests(at: datetime.datetime) -> list[User]:
    """Send what is due at ``at``: from Monday, seven in the morning by the clinic's clock. Returns who got a mail.

    The week is written down first: a mail that fails is not tried again that week, and nobody ever gets two.
    """
    here = at.astimezone(clinic_zone())
    if not mail.is_configured() or (here.weekday() == MONDAY and here.hour < FROM_HOUR):
        return []
    year, number, _ = here.isocalendar()
    week = f"{year}-W{number:02}"
    had = Digest.objects.filter(week=week).values("user")
    people = User.objects.filter(is_active=True, is_staff=True).exclude(email="").exclude(pk__in=had)
    return [person for person in people.order_by("pk") if _send(person, week)]


def _send(person: User, week: str) -> bool:
    """Also where nothing waits the week is noted, so that the lists are made once a week and not each minute."""
    try:
        with transaction.atomic():
            Digest.objects.create(user=person, week=week)
    except IntegrityError:  # another server was faster
        return False
    waiting = [one for one in waiting_for(person) if one.key in WORTH]
    return bool(waiting) and mail.send(person, "what waits for you", words(waiting))


def words(waiting: list[Waiting]) -> str:
    """The mail as plain text: lists with the titles of pages, and where to sign in."""
    lines: list[str] = []
    for one in waiting:
        lines.append(f"{one.title}: {one.total}")
        lines += [f"  - {item.page.title} ({item.page.get_language_display()})" for item in one.items]
        if one.items and one.total > len(one.items):
            lines.append(f"  and {one.total - len(one.items)} more")
        lines.append("")
    lines += [f"Sign in to see them: {settings.PUBLIC_URL}/admin/", ""]
    lines.append("You get this once a week at most, only when something waits for you.")
    return "\n".join(lines)
