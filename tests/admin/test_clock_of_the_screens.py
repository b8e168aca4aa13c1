"""Every time on a staff screen is the clinic's, and says so."""

import datetime
import re
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from portal.accounts.models import AccessToken, StaffSession, User
from procedures.models import Clinic, Page
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, SignIn, form_of

SUMMER = datetime.datetime(2026, 7, 4, 3, 30, tzinfo=datetime.UTC)  # in Denver it is still the evening of the 3rd


def test_times_of_sign_ins_are_the_clinics_with_its_label(denver: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    key = client.session.session_key
    StaffSession.objects.create(user=editor, session_key=key, device="Firefox", started_at=SUMMER)

    html = client.get("/admin/account/").content.decode()

    assert "since 3 July, 21:30" in html
    assert re.search(r"last seen \d+ \w+, \d\d:\d\d \(M[SD]T\)", html)
    assert "UTC" not in html


def test_the_time_until_a_link_works_is_the_clinics_with_its_label(
    denver: Page, editor: User, admin_user: User, sign_in: SignIn
) -> None:
    User.objects.filter(pk=editor.pk).update(password="!")
    until = timezone.now() + datetime.timedelta(days=3)
    AccessToken.objects.create(user=editor, purpose="invitation", token_hash="x", expires_at=until)

    html = sign_in(admin_user).get(f"/admin/staff/user/{editor.pk}/change/").content.decode()

    here = until.astimezone(ZoneInfo("America/Denver"))
    assert f"The link works until {here.day} {here:%B}, {here:%H:%M} ({here.tzname()})." in html


def test_each_screen_names_the_clock_that_its_times_are_by(denver: Page, editor: User, sign_in: SignIn) -> None:
    save_revision(denver, author=editor)
    client = sign_in(editor)

    for address in ("/admin/", form_of(denver), f"{PAGES}{denver.pk}/versions/", "/admin/account/"):
        html = client.get(address).content.decode()
        assert "clinic time: America/Denver (M" in html, address
        assert '<meta name="time-zone" content="America/Denver">' in html, address

    Clinic.objects.update(time_zone="Europe/Madrid")
    assert "clinic time: Europe/Madrid (CE" in client.get("/admin/").content.decode()


def test_who_is_not_signed_in_reads_no_clock(denver: Page, client: Any) -> None:
    assert "clinic time" not in client.get("/admin/login/").content.decode()
