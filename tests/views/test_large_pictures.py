"""The page of a large picture: built from the release, with its markers, its texts, and a link back."""

import pytest
from django.test import Client

from procedures.models import Figure, MarkerText, Page
from tests.factories import make_figure, make_public, make_public_page

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

    assert 'href="picture/needle/"' in get("/small-cut/")
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


def test_unknown_picture_or_page_returns_404(page: Page) -> None:
    assert Figure.objects.filter(slug="needle").exists()
    missing = Client().get("/small-cut/picture/no-such-picture/")

    assert missing.status_code == 404
    assert 'href="/small-cut/"' in missing.content.decode()
    assert Client().get("/no-such-page/picture/needle/").status_code == 404


def test_old_page_url_redirects_to_the_current_large_picture(page: Page) -> None:
    page.slug = "tiny-cut"
    page.save()
    make_public(page)
    answer = Client().get(PATH)

    assert (answer.status_code, answer.headers["Location"]) == (301, "/tiny-cut/picture/needle/")


def test_booklet_links_to_the_large_pictures_of_its_pages(page: Page) -> None:
    assert 'href="/small-cut/picture/needle/"' in get("/small-cut/booklet/")
