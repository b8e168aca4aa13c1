"""The catalog of translated strings for the scripts of staff screens."""

import pytest
from django.test import Client, RequestFactory
from django.urls import resolve
from django.utils import translation

URL = "/admin/jsi18n/"


@pytest.mark.django_db
def test_the_sign_in_page_loads_the_catalog_which_browsers_may_cache(client: Client) -> None:
    html = client.get("/admin/login/").content.decode()
    answer = client.get(URL)

    assert f'<script src="{URL}"></script>' in html
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/javascript")
    assert set(answer["Cache-Control"].split(", ")) == {"private", "max-age=3600"}
    assert "globals.ngettext" in answer.content.decode()


def test_the_catalog_has_the_language_of_the_screen(rf: RequestFactory) -> None:
    view, _args, _kwargs = resolve(URL)

    with translation.override("es"):
        spanish = view(rf.get(URL)).content.decode()

    # Strings from Django's own scripts, which are translated into every language.
    assert "Elija una Fecha" in spanish or "Elija una fecha" in spanish
    assert "Elija una" not in view(rf.get(URL)).content.decode()
