"""``cached_include``: cached parts depend on the clinic and the language only."""

import pytest
from django.test import Client

from procedures.models import Clinic
from procedures.views.layout import build_clinic_details, cached_include
from tests.factories import make_public, make_public_page, make_translation

pytestmark = pytest.mark.django_db


def test_header_and_footer_update_with_the_clinic(client: Client) -> None:
    make_public_page()
    first = client.get("/small-cut/").text
    Clinic.objects.update(name="Another Spine Clinic", phone="+1 303-555-0177")
    second = client.get("/small-cut/").text

    assert first.count("Test Spine Clinic") >= 2
    assert "Test Spine Clinic" not in second
    assert second.count("Another Spine Clinic") == first.count("Test Spine Clinic")
    assert 'href="tel:+13035550177"' in second


def test_cached_parts_vary_by_language_and_current_page(client: Client) -> None:
    make_public(make_translation(make_public_page()))
    pages = {path: client.get(path).text for path in ("/", "/small-cut/", "/contact/", "/es/small-cut-es/", "/")}

    assert "Skip to main content" in pages["/"] and "Llame" not in pages["/"]
    assert 'href="/es/visits/"' in pages["/es/small-cut-es/"] and 'href="/visits/"' not in pages["/es/small-cut-es/"]
    current = {path: text.count('menu__link" href="' + path + '" aria-current="page"') for path, text in pages.items()}
    assert current == {"/": 1, "/small-cut/": 0, "/contact/": 1, "/es/small-cut-es/": 0}


def test_clinic_values_are_escaped() -> None:
    clinic = dict.fromkeys(("name", "phone", "after_hours_phone", "emergency_number", "hours"), "<b>&")

    html = cached_include("site/footer.html", "en", build_clinic_details(clinic))

    assert "<b>" not in html
    assert "&lt;b&gt;&amp;" in html
