"""All times on staff screens are in the clinic's time zone, which is named."""

import datetime
import re
from typing import Any
from zoneinfo import ZoneInfo

from allauth.usersessions.models import UserSession
from django.utils import timezone
from django.utils.dateformat import format as date_format

from portal.accounts.models import AccessToken, User
from procedures.models import Clinic, Page
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, SignIn, change_url

SUMMER = datetime.datetime(2026, 7, 4, 3, 30, tzinfo=datetime.UTC)  # in Denver it is still the evening of the 3rd


def test_sign_in_times_are_in_the_clinic_time_zone_with_its_label(denver: Page, editor: User, sign_in: SignIn) -> None:
    client = sign_in(editor)
    key = client.session.session_key
    UserSession.objects.create(user=editor, session_key=key, ip="::", user_agent="Firefox/140.0", created_at=SUMMER)

    html = client.get("/admin/account/").content.decode()

    assert "signed in July 3, 2026, 9:30 PM" in html
    assert re.search(r"last active \w+\.? \d+, \d{4}, \d+:\d\d [AP]M \(M[SD]T\)", html)
    assert "UTC" not in html


def test_link_expiry_is_in_the_clinic_time_zone_with_its_label(
    denver: Page, editor: User, admin_user: User, sign_in: SignIn
) -> None:
    User.objects.filter(pk=editor.pk).update(password="!")
    until = timezone.now() + datetime.timedelta(days=3)
    AccessToken.objects.create(user=editor, purpose="invitation", token_hash="x", expires_at=until)

    html = sign_in(admin_user).get(f"/admin/staff/user/{editor.pk}/change/").content.decode()

    here = until.astimezone(ZoneInfo("America/Denver"))
    assert f"The link works until {date_format(here, 'N j, Y, g:i A')} ({here.tzname()})." in html


def test_every_screen_shows_its_time_zone(denver: Page, editor: User, sign_in: SignIn) -> None:
    save_revision(denver, author=editor)
    client = sign_in(editor)

    for address in ("/admin/", change_url(denver), f"{PAGES}{denver.pk}/versions/", "/admin/account/"):
        html = client.get(address).content.decode()
        assert "clinic time: America/Denver (M" in html, address
        assert '<meta name="time-zone" content="America/Denver">' in html, address

    Clinic.objects.update(time_zone="Europe/Madrid")
    assert "clinic time: Europe/Madrid (CE" in client.get("/admin/").content.decode()


def test_the_time_zone_is_not_shown_without_a_login(denver: Page, client: Any) -> None:
    assert "clinic time" not in client.get("/admin/login/").content.decode()
