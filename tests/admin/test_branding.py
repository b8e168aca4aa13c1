"""The clinic's logo and colors on its form: accepted, rejected with advice, or kept through the confirmation."""

import io
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from portal.accounts.models import User
from procedures.models import Clinic, Page
from tests.admin.conftest import SignIn, post_form
from tests.admin.test_clinic_values import BASE, CLINIC, hidden, token
from tests.factories import make_clinic, make_page, make_public

pytestmark = pytest.mark.django_db
ADDRESS = f"{BASE}clinic/1/change/"
SAME = {**CLINIC, "phone": "+1 303-555-0100", "after_hours_phone": "+1 303-555-0101"}


def logo(size: tuple[int, int] = (400, 100)) -> SimpleUploadedFile:
    stream = io.BytesIO()
    Image.new("RGB", size, "#1a5276").save(stream, "PNG")
    return SimpleUploadedFile("logo.png", stream.getvalue(), "image/png")


def errors_after(manager: User, sign_in: SignIn, values: dict[str, Any]) -> str:
    answer = post_form(sign_in(manager), ADDRESS, {**SAME, **values})
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_a_logo_and_two_colors_are_saved_and_shown(manager: User, sign_in: SignIn) -> None:
    make_clinic()
    client = sign_in(manager)
    answer = post_form(client, ADDRESS, {**SAME, "logo_file": logo(), "color": "#1a5276", "accent_color": "#7b241c"})
    clinic = Clinic.objects.get()

    assert answer.status_code == 302
    assert (clinic.logo_width, clinic.logo_height, clinic.color, clinic.accent_color) == (
        400,
        100,
        "#1a5276",
        "#7b241c",
    )
    assert f'src="/clinic/logo.png?{clinic.logo_version}"' in client.get(ADDRESS).content.decode()


def test_saving_the_form_again_keeps_the_logo_and_the_box_removes_it(manager: User, sign_in: SignIn) -> None:
    make_clinic()
    client = sign_in(manager)
    post_form(client, ADDRESS, {**SAME, "logo_file": logo()})
    post_form(client, ADDRESS, SAME)
    assert Clinic.objects.get().logo_version != ""

    post_form(client, ADDRESS, {**SAME, "remove_logo": "on"})

    clinic = Clinic.objects.get()
    assert (bytes(clinic.logo), clinic.logo_version, clinic.logo_width) == (b"", "", 0)


def test_each_mistake_is_reported_and_nothing_is_saved(manager: User, sign_in: SignIn) -> None:
    make_clinic()
    svg = SimpleUploadedFile("logo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")

    assert "Save the logo as a PNG." in errors_after(manager, sign_in, {"logo_file": svg})
    assert "Choose one with at least 80." in errors_after(manager, sign_in, {"logo_file": logo((400, 79))})
    assert "Choose a darker color." in errors_after(manager, sign_in, {"color": "#ffff00"})
    assert "Choose a first color as well." in errors_after(manager, sign_in, {"accent_color": "#1a5276"})
    assert "Either choose a file or remove the logo." in errors_after(
        manager, sign_in, {"logo_file": logo(), "remove_logo": "on"}
    )
    for damaged in ("broken", "é"):
        assert "Choose its file again." in errors_after(manager, sign_in, {"logo_data": damaged})
    assert Clinic.objects.values_list("logo_version", "color", "accent_color").get() == ("", "", "")


def test_a_logo_is_kept_through_the_confirmation_and_back(page: Page, manager: User, sign_in: SignIn) -> None:
    make_public(page)
    client = sign_in(manager)
    html = post_form(client, ADDRESS, {**CLINIC, "logo_file": logo(), "color": "#1a5276"}).content.decode()
    assert Clinic.objects.get().logo_version == ""

    again = client.post(ADDRESS, {**hidden(html), "_edit": "1"}).content.decode()
    assert hidden(html)["logo_data"][0] in again
    assert client.post(ADDRESS, {**hidden(html), "_update": token(html)}).status_code == 302

    clinic = Clinic.objects.get()
    assert (clinic.phone, clinic.logo_width, clinic.color) == ("+1 303-555-0199", 400, "#1a5276")


def test_the_letter_shows_the_logo_and_the_colors(manager: User, sign_in: SignIn) -> None:
    make_clinic(after_hours_phone=SAME["after_hours_phone"])
    page, client = make_page(), sign_in(manager)
    make_public(page)
    letter = f"/admin/procedures/page/{page.pk}/links/sheet/letter/"
    plain = client.get(letter).content.decode()
    post_form(client, ADDRESS, {**SAME, "logo_file": logo(), "logo_has_name": "on", "color": "#1a5276"})
    branded = client.get(letter).content.decode()
    name = Clinic.objects.get().name

    assert ("/clinic/logo.png" in plain, "/clinic/colors.css" in plain) == (False, False)
    assert f"<strong>{name}</strong>" in plain
    assert f'src="/clinic/logo.png" width="400"\n  height="100" alt="{name}"' in branded
    assert '<link rel="stylesheet" href="/clinic/colors.css">' in branded
    assert f"<strong>{name}</strong>" not in branded
