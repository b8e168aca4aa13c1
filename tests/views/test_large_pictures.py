"""The page of a large picture: built from the release, with its markers, its texts, and a link back."""

import pytest
from django.test import Client

from procedures.models import Figure, MarkerText, Page
from procedures.publishing.publish import withdraw
from tests.factories import make_figure, make_public, make_public_page, make_user

pytestmark = pytest.mark.django_db
PATH = "/small-cut/picture/needle/"


@pytest.fixture
def page() -> Page:
    """A public page with a picture."""
    return make_public_page()


def get(path: str, client: Client | None = None) -> str:
    return (client or Client()).get(path).content.decode()


def test_page_links_to_its_large_picture_and_back(page: Page) -> None:
    html = get(PATH)

    assert f'href="{PATH}"' in get("/small-cut/")
    assert html.count('href="/small-cut/#fig-needle"') == 2
    assert "<h1" in html
    assert "noindex" in html


def test_large_picture_has_markers_and_expanded_texts_and_no_link_to_itself(page: Page) -> None:
    html = get(PATH)

    assert html.count('<g class="marker"') == 1
    assert '<details class="figure__description" open>' in html
    assert "The end of the needle." in html
    assert 'sizes="60rem"' in html
    assert "picture/needle/" not in html.split("<main")[1]


def test_page_and_large_picture_both_state_the_picture_kind() -> None:
    make_figure(kind="fluoroscopy")
    make_public_page()
    notice = "On this kind of X\u2011ray, bone, metal, and cement look dark."

    assert get("/small-cut/").count(notice) == 1
    assert get(PATH).count(notice) == 1


def test_large_picture_shows_the_release_and_not_the_draft(page: Page) -> None:
    MarkerText.objects.update(text="A draft of another text.")

    assert "The end of the needle." in get(PATH)
    assert "A draft of another text." not in get(PATH)


def test_a_picture_that_is_not_on_the_page_leads_to_the_page(page: Page) -> None:
    assert Figure.objects.filter(slug="needle").exists()
    answer = Client().get("/small-cut/picture/no-such-picture/")

    assert (answer.status_code, answer.headers["Location"]) == (301, "/small-cut/")
    assert Client().get("/no-such-page/picture/needle/").status_code == 404


def test_a_picture_that_left_the_page_leads_to_the_page(page: Page) -> None:
    page.lead_figure = make_figure("cement", size=(48, 48))
    page.body = page.body.replace("::: figure needle", "")
    page.save()
    make_public(page)
    answer = Client().get(PATH)

    assert (answer.status_code, answer.headers["Location"]) == (301, "/small-cut/")


def test_a_picture_of_a_withdrawn_page_explains_that_it_was_withdrawn(page: Page) -> None:
    withdraw(page, actor=make_user("max"), reason="We no longer do this.", replaced_by=None)

    for path in (PATH, PATH.rstrip("/"), PATH.upper()):
        answer = Client().get(path)
        assert (path, answer.status_code) == (path, 410)
        assert "We no longer do this." in answer.content.decode()


def test_old_page_url_redirects_to_the_current_large_picture(page: Page) -> None:
    page.slug = "tiny-cut"
    page.save()
    make_public(page)
    answer = Client().get(PATH)

    assert (answer.status_code, answer.headers["Location"]) == (301, "/tiny-cut/picture/needle/")


def test_booklet_links_to_the_large_pictures_of_its_pages(page: Page) -> None:
    assert 'href="/small-cut/picture/needle/"' in get("/small-cut/booklet/")
