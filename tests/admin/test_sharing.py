"""“Links and messages”: ready to send, for public pages only, without any field for patient details."""

import datetime
import email
import io
from email.policy import default

import icalendar
import pytest
import zxingcpp
from django.test import Client
from django.utils import timezone
from PIL import Image

from portal.accounts.models import User
from procedures.models import Clinic, Page
from procedures.publishing.publish import withdraw
from tests.admin.conftest import PAGES, SignIn
from tests.factories import make_public, make_translation, make_user
from tests.views.client import Response
from tests.views.crawl import Document

AT = f"{timezone.now() + datetime.timedelta(days=30):%Y-%m-%d}T10:00"
FILES = ("message.eml", f"reminder.ics?at={AT}", "qr.svg", "qr.png", "sheet/a4/", "sheet/letter/")


def sharing_url(page: Page) -> str:
    return f"{PAGES}{page.pk}/links/"


@pytest.fixture
def public(page: Page) -> Page:
    make_public(page)
    return page


@pytest.fixture
def desk(reviewer: User, sign_in: SignIn) -> Client:
    return sign_in(reviewer)


def document(client: Client, path: str, status: int = 200) -> Document:
    response = client.get(path)
    assert response.status_code == status
    return Document.read(path, Response(status, (), response.content))


def test_the_sharing_screen_has_everything_ready_to_copy(desk: Client, public: Page) -> None:
    screen = document(desk, sharing_url(public))
    fields = {e.get("id"): e for e in screen.elements("input", "textarea")}

    assert fields["kit-neutral"].get("value") == f"http://127.0.0.1:8000/p/{public.code}"
    assert fields["kit-readable"].get("value") == "http://127.0.0.1:8000/small-cut/"
    assert f"http://127.0.0.1:8000/p/{public.code}" in (fields["kit-plain"].text or "").splitlines()
    assert (fields["kit-html"].text or "").startswith("<!doctype html>")
    # Each button refers to existing fields.
    for button in screen.elements("button"):
        for name in ("data-copy", "data-copy-html"):
            assert button.get(name) is None or button.get(name) in fields
    assert sum("data-copy" in button.attrib for button in screen.elements("button")) == 6


def test_the_sharing_screen_has_no_field_about_the_patient(desk: Client, public: Page) -> None:
    screen = document(desk, sharing_url(public))
    # Apart from Django's sign-out form, the only input is a time.
    to_fill = [
        e.get("name") or e.get("id")
        for e in screen.elements("input", "textarea", "select")
        if "readonly" not in e.attrib and e.get("type") not in {"hidden", "search"} and e.get("id") != "nav-filter"
    ]

    assert to_fill == ["at"]


def test_a_draft_has_no_links_yet_and_says_why(desk: Client, page: Page) -> None:
    assert "This page is not public yet" in desk.get(sharing_url(page)).text
    assert [desk.get(sharing_url(page) + file).status_code for file in FILES] == [404] * len(FILES)


def test_a_withdrawn_page_has_no_links(desk: Client, public: Page) -> None:
    withdraw(Page.objects.get(pk=public.pk), actor=make_user("max"), reason="Old.")

    assert "This page is not public yet" in desk.get(sharing_url(public)).text
    assert [desk.get(sharing_url(public) + file).status_code for file in FILES] == [404] * len(FILES)


def test_a_portal_without_a_clinic_asks_for_it(desk: Client, public: Page) -> None:
    Clinic.objects.all().delete()

    assert "Enter the clinic" in desk.get(sharing_url(public)).text


def test_messages_use_the_release_and_not_the_draft(desk: Client, public: Page) -> None:
    Page.objects.filter(pk=public.pk).update(slug="new-slug", title="New title")

    assert "http://127.0.0.1:8000/small-cut/" in desk.get(sharing_url(public)).text


def test_the_language_is_chosen_on_the_screen(desk: Client, public: Page) -> None:
    english = desk.get(sharing_url(public)).text
    spanish = make_translation(public)
    make_public(spanish)
    both = desk.get(sharing_url(public)).text

    assert "Español: not public" in english
    assert f'<a href="{sharing_url(spanish)}">Español</a>' in both
    assert "Qué leer para su cita" in desk.get(sharing_url(spanish)).text
    assert f"/es/p/{spanish.code}" in desk.get(sharing_url(spanish)).text


def test_downloads_have_the_right_content_types(desk: Client, public: Page) -> None:
    neutral = f"http://127.0.0.1:8000/p/{public.code}"
    message, reminder, svg, png = (desk.get(sharing_url(public) + file) for file in FILES[:4])

    assert email.message_from_bytes(message.content, policy=default)["X-Unsent"] == "1"
    assert str(icalendar.Calendar.from_ical(reminder.content).walk("VEVENT")[0]["URL"]) == neutral
    assert svg.content.startswith(b"<svg xmlns=")
    assert zxingcpp.read_barcodes(Image.open(io.BytesIO(png.content)))[0].text == neutral.upper()
    for answer in (message, reminder, svg, png):
        assert answer["Content-Disposition"].startswith("attachment; filename=")
        # Even the names of downloaded files do not reveal the condition.
        assert "small" not in answer["Content-Disposition"]


def test_the_printed_qr_code_is_right_in_spanish_too(desk: Client, public: Page) -> None:
    spanish = make_translation(public)
    make_public(spanish)

    for file in ("qr.svg", "sheet/a4/"):
        assert 'mm" height="' in desk.get(sharing_url(spanish) + file).text
        assert ",6mm" not in desk.get(sharing_url(spanish) + file).text


@pytest.mark.parametrize(
    "typed", ["", "x", "2096-01-01", "20960101", "2096-01-01T10", "2020-01-01T10:00", "2026-03-08T02:30<script>"]
)
def test_an_invalid_time_is_reported_and_kept(desk: Client, public: Page, typed: str) -> None:
    response = desk.get(sharing_url(public) + "reminder.ics", {"at": typed})

    assert response.status_code == 400
    assert 'role="alert"' in response.text
    assert "<script>" not in response.text.replace("<script src", "")
    if typed:
        assert (
            document(desk, f"{sharing_url(public)}reminder.ics?at={typed}", 400).one("input", id="kit-at").get("value")
            == typed
        )


def test_an_unknown_time_zone_is_reported(desk: Client, public: Page) -> None:
    Clinic.objects.update(time_zone="Mars/Olympus")

    assert desk.get(sharing_url(public)).status_code == 200
    assert "Mars/Olympus” is unknown" in desk.get(sharing_url(public) + f"reminder.ics?at={AT}").text


def test_the_letter_says_what_to_do_without_the_internet(desk: Client, public: Page) -> None:
    sheet = document(desk, sharing_url(public) + "sheet/letter/")
    words = " ".join("".join(sheet.root.itertext()).split())

    assert f"127.0.0.1:8000/p/{public.code}" in words
    assert "Call us and ask for the pages on paper" in words
    assert "+1 303-555-0100" in words
    assert "mall cut" not in words
    assert desk.get(sharing_url(public) + "sheet/a3/").status_code == 404


def test_the_sharing_screen_requires_permission_to_view_pages(
    client: Client, visitor: User, editor: User, manager: User, sign_in: SignIn, public: Page
) -> None:
    addresses = [sharing_url(public), *(sharing_url(public) + file for file in FILES)]

    assert {client.get(address).status_code for address in addresses} == {302}
    assert {sign_in(visitor).get(address).status_code for address in addresses} == {403}
    for user in (editor, manager):
        assert {sign_in(user).get(address).status_code for address in addresses} == {200}
    assert {sign_in(editor).post(address).status_code for address in addresses} == {405}


def test_the_page_list_has_a_link_for_each_public_page(desk: Client, public: Page) -> None:
    Page.objects.create(subject="draft", language="en", kind="about", code="222222", slug="draft", title="Draft")
    listed = document(desk, PAGES)
    copied = [e.get("data-copy-text") for e in listed.elements("button") if "data-copy-text" in e.attrib]

    assert f"http://127.0.0.1:8000/p/{public.code}" in copied
    assert not any("222222" in (address or "") for address in copied)
    assert sharing_url(public) in list(listed.links())


def test_the_uppercase_url_of_a_qr_code_redirects_to_the_page(client: Client, public: Page) -> None:
    spanish = make_translation(public)
    make_public(spanish)

    assert client.get(f"/P/{public.code}")["Location"] == "/small-cut/"
    assert client.get(f"/ES/P/{spanish.code}")["Location"] == "/es/small-cut-es/"


def test_a_printed_page_has_its_qr_code_and_short_url(client: Client, public: Page) -> None:
    page = Document.read("/small-cut/", Response(200, (), client.get("/small-cut/").content))
    (letterhead,) = page.of_class("letterhead")
    (image,) = letterhead.iter("img")
    drawing = client.get(f"/p/{public.code}.svg")

    assert f"http://127.0.0.1:8000/p/{public.code}" in "".join(letterhead.itertext())
    assert image.get("src") == f"/p/{public.code}.svg"
    assert (drawing.status_code, drawing["Content-Type"]) == (200, "image/svg+xml")


def test_qr_codes_are_rendered_only_for_public_pages(client: Client, page: Page) -> None:
    assert [client.get(f"/p/{code}.svg").status_code for code in (page.code, "222222", "K7", "x" * 300)] == [404] * 4


@pytest.mark.parametrize("code", ["abc234", "22222", 'a/"\n', "ñ 😀"])
def test_a_code_that_an_older_version_stored_breaks_no_screen(desk: Client, public: Page, code: str) -> None:
    Page.objects.filter(pk=public.pk).update(code=code)

    for name in ("", *FILES):
        assert desk.get(sharing_url(public) + name).status_code == 200, name
    assert desk.get(f"{PAGES}send/").status_code == 200
