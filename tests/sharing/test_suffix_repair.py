"""Repair of damaged addresses below a page, and of those with a short code: the same as for pages."""

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procedures.models import Page
from procedures.publishing.publish import withdraw
from tests.factories import make_page, make_public, make_translation, make_user
from tests.sharing.damaged_urls import APPENDICES, DAMAGES

ADDRESSES = [
    "/lumbar-mri/plain.txt",
    "/lumbar-mri/booklet/",
    "/lumbar-mri/picture/needle/",
    "/es/resonancia/plain.txt",
    "/es/resonancia/booklet/",
]
REVALIDATE = "no-cache"


def get(client: Client, path: str):
    return client.get(f"http://testserver{path}")


def assert_repaired(client: Client, damaged: str, address: str) -> None:
    """The damaged address is the right one, or redirects to it once."""
    answer = get(client, damaged)
    if answer.status_code == 200:
        return
    found = (answer.status_code, answer.headers.get("Location"), answer.headers["Cache-Control"])
    assert (damaged, *found) == (damaged, 301, address, REVALIDATE)
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_damage_below_a_page_is_repaired(
    pages: Page, client: Client, address: str, subtests: pytest.Subtests
) -> None:
    for name, damage in (DAMAGES | APPENDICES).items():
        with subtests.test(name=name):
            assert_repaired(client, damage(address), address)


@pytest.mark.parametrize("address", ["/lumbar-mri/", "/es/resonancia/", "/es/", "/visits/", "/es/visits/", "/search/"])
def test_what_programs_write_after_an_address_is_cut_off(
    pages: Page, client: Client, address: str, subtests: pytest.Subtests
) -> None:
    for name, damage in APPENDICES.items():
        with subtests.test(name=name):
            assert_repaired(client, damage(address), address)


def test_what_programs_write_after_a_code_is_cut_off(pages: Page, client: Client, subtests: pytest.Subtests) -> None:
    spanish = Page.objects.get(language="es")
    ends = (".Thank", "/en", "/es", "-%20open", "(1)", "[1]", "/1", ",and", "%FF", "%C2", "=20", "%00", "_blank")
    for address, target in ((f"/p/{pages.code}", "/lumbar-mri/"), (f"/es/p/{spanish.code}", "/es/resonancia/")):
        damaged = {name: damage(address) for name, damage in APPENDICES.items()} | {end: address + end for end in ends}
        for name, path in damaged.items():
            with subtests.test(name=name):
                assert_repaired(client, path, target)


def test_a_longer_text_is_not_a_code(pages: Page, client: Client) -> None:
    for path in (f"/p/{pages.code}7", f"/p/X{pages.code}", f"/p/{pages.code[:5]}", f"/p/thanks-{pages.code}"):
        assert (path, get(client, path).status_code) == (path, 404)


def test_another_address_behind_one_is_not_ignored(pages: Page, client: Client) -> None:
    make_public(make_page("bone-scan"))

    for path in (
        "/lumbar-mri%3Chttps://clinic.example/bone-scan/%3E",
        "/lumbar-mri/](https://clinic.example/bone-scan/)",
    ):
        answer = get(client, path)
        assert (path, answer.status_code) == (path, 404)
        assert 'href="/bone-scan/"' in answer.content.decode()


@pytest.mark.parametrize(
    ("damaged", "address"),
    [
        ("/en/lumbar-mri/picture/needle/", "/lumbar-mri/picture/needle/"),
        ("/lumbar-mri/Picture/NEEDLE", "/lumbar-mri/picture/needle/"),
        ("/Lumbar_MRI/picture/needle", "/lumbar-mri/picture/needle/"),
        ("/lumbar-m/picture/needle/", "/lumbar-mri/picture/needle/"),
        ("/lumbar-mri//picture//needle//", "/lumbar-mri/picture/needle/"),
        ("/lumbar-mri/picture/needle/&utm_source=y", "/lumbar-mri/picture/needle/"),
        ("/lumbar-mri/picture/", "/lumbar-mri/"),
        ("/lumbar-mri/picture/need", "/lumbar-mri/"),
        ("/lumbar-mri/picture", "/lumbar-mri/"),
        ("/es-US/resonancia/booklet", "/es/resonancia/booklet/"),
        ("/es-mx/visits/", "/es/visits/"),
        ("/visits/es-MX", "/es/visits/"),
        ("/en-US/visits/", "/visits/"),
        ("/es-US/", "/es/"),
        ("/en/es/", "/es/"),
        ("/es/visits/en/", "/es/visits/"),
        ("/lumbar-mri/book%3Cwbr%3Elet/", "/lumbar-mri/booklet/"),
        ("/spanish", "/es/"),
        ("/Espa%C3%B1ol/search", "/es/search/"),
        ("/lumbar-mri/plain.txt%3E", "/lumbar-mri/plain.txt"),
        ("/en/lumbar-mri/plain.txt", "/lumbar-mri/plain.txt"),
        ("/ES/resonancia/picture/needle", "/es/resonancia/"),
        ("/es/lumbar-mri/plain.txt", "/es/resonancia/plain.txt"),
    ],
)
def test_other_damage_is_repaired_in_one_step(pages: Page, client: Client, damaged: str, address: str) -> None:
    answer = get(client, damaged)

    assert (answer.status_code, answer["Location"]) == (301, address)
    assert client.get(address).status_code == 200


def code_addresses(pages: Page) -> list[str]:
    return [f"/clear/{pages.code}/", f"/clear/{pages.code}/thanks/", f"/p/{pages.code}.svg"]


def test_addresses_with_a_code_are_repaired(pages: Page, client: Client, subtests: pytest.Subtests) -> None:
    for address in code_addresses(pages):
        for damaged in (
            address.rstrip("/"),
            address.lower(),
            address.upper(),
            f"/en{address}",
            f"/{address}",
            *(address + end for end in (".", ")", "%3E", "&utm_source=y", "%0A", "index.html")),
        ):
            with subtests.test(damaged=damaged):
                assert_repaired(client, damaged.replace("svgindex", "svg/index"), address)


def test_the_feedback_form_of_a_translation_is_in_its_language(pages: Page, client: Client) -> None:
    spanish = Page.objects.get(language="es")

    assert get(client, f"/clear/{spanish.code}")["Location"] == f"/es/clear/{spanish.code}/"
    assert get(client, f"/es/clear/{pages.code}/")["Location"] == f"/clear/{pages.code}/"


def test_addresses_with_a_code_of_a_withdrawn_page_explain_that(pages: Page, client: Client) -> None:
    withdraw(pages, actor=make_user("max"), reason="It was old.", replaced_by=None)

    for address in code_addresses(pages):
        for path in (address, address.lower(), address.rstrip("/")):
            answer = client.get(path)
            assert (path, answer.status_code) == (path, 410)
            assert "It was old." in answer.content.decode()


def test_a_mistyped_code_is_not_found(pages: Page, client: Client) -> None:
    for path in ("/clear/222222/", "/clear/nothing", "/p/222222.svg", "/p/QQQQQQ.svg."):
        assert (path, client.get(path).status_code) == (path, 404)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_two_kinds_of_damage_below_a_page_never_lead_elsewhere(
    pages: Page, client: Client, data: st.DataObject
) -> None:
    address = damaged = data.draw(st.sampled_from(ADDRESSES))
    for name in data.draw(st.lists(st.sampled_from(sorted(DAMAGES)), min_size=1, max_size=2)):
        damaged = DAMAGES[name](damaged)

    answer = get(client, damaged)

    assert (damaged, answer.status_code) in {(damaged, 200), (damaged, 301), (damaged, 404)}
    if answer.status_code == 301:
        assert answer["Location"] in {address, "/lumbar-mri/" if "lumbar" in address else "/es/resonancia/"}
        assert client.get(answer["Location"]).status_code == 200


def test_the_singular_of_the_picture_index_is_no_picture(pages: Page, client: Client) -> None:
    index = make_page("pictures")
    make_public(index)
    make_public(make_translation(index, slug="imagenes"))

    assert get(client, "/picture")["Location"] == "/pictures/"
    assert get(client, "/es/picture")["Location"] == "/es/imagenes/"
    assert get(client, "/es/pictures")["Location"] == "/es/imagenes/"
    assert get(client, "/es/imagen").status_code == 404
