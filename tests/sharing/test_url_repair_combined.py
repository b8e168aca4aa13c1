"""URLs damaged in two ways at once still lead to the right page with one redirect."""

import random
from itertools import permutations

import pytest
from django.test import Client

from procedures.models import GuideItem
from procedures.sharing.short_codes import make_code
from tests.factories import make_clinic, make_figure, make_page, make_public, make_translation
from tests.replay import built_once
from tests.sharing.damaged_urls import DAMAGES

PAIRS = list(permutations(DAMAGES, 2))
SAMPLE = random.Random(27).sample(PAIRS, 200)  # noqa: S311 -- a fixed choice, nothing secret
PAGE, GUIDE, SPANISH = "/lumbar-mri/", "/visits/first-visit/", "/es/resonancia-lumbar/"
CODE = make_code("K7M4P") or ""


@pytest.fixture
@built_once
def site(db: None) -> None:
    """A page with a code, its translation, and a guide."""
    make_clinic()
    make_figure(size=(48, 48))
    page = make_page("lumbar-mri", code=CODE)
    make_public(page)
    make_public(make_translation(page, slug="resonancia-lumbar"))
    guide = make_page("first-visit", kind="guide")
    GuideItem.objects.create(guide=guide, page=page)
    make_public(guide)


def damaged(path: str, pair: tuple[str, str]) -> str:
    return DAMAGES[pair[1]](DAMAGES[pair[0]](path))


def unanswered(client: Client, meant: str, pairs: list[tuple[str, str]], expected: str) -> list[tuple[object, ...]]:
    """Return the damaged paths that do not lead to ``expected`` with one redirect."""
    found: list[tuple[object, ...]] = []
    # Many pairs give the same path.
    for path, pair in {damaged(meant, pair): pair for pair in pairs}.items():
        answer = client.get(f"http://testserver{path}")
        where = path if answer.status_code == 200 else answer.headers.get("Location", "")
        if answer.status_code not in {200, 301} or (answer.status_code == 301 and where != expected):
            found.append((*pair, path, answer.status_code, where))
    return found


@pytest.mark.slow
def test_every_pair_of_damages_to_a_page_url_is_repaired(site: None, client: Client) -> None:
    assert len(PAIRS) > 800
    assert unanswered(client, PAGE, PAIRS, PAGE) == []


@pytest.mark.slow
@pytest.mark.parametrize("meant", [GUIDE, SPANISH, "/es/visits/", "/search/"])
def test_pairs_of_damages_to_guides_translations_and_lists_are_repaired(site: None, client: Client, meant: str) -> None:
    assert unanswered(client, meant, SAMPLE, meant) == []


@pytest.mark.parametrize("meant", [f"/p/{CODE}", f"/p/{CODE[:2]}-{CODE[2:4]}-{CODE[4:]}", f"/es/p/{CODE}/"])
def test_pairs_of_damages_to_a_code_are_repaired(site: None, client: Client, meant: str) -> None:
    assert unanswered(client, meant, SAMPLE, PAGE) == []


def test_damaged_fixed_urls_are_repaired(site: None, client: Client, subtests: pytest.Subtests) -> None:
    for path, expected in [
        ("/es", "/es/"),
        ("/ES/.", "/es/"),
        ("/visits", "/visits/"),
        ("/Visits/)", "/visits/"),
        ("/)", "/"),
        ("/P", "/p/"),
        ("/Search", "/search/"),
    ]:
        with subtests.test(path=path, expected=expected):
            answer = client.get(path)

            assert (answer.status_code, answer["Location"]) == (301, expected)


def test_a_query_is_not_lost_with_the_last_slash(site: None, client: Client) -> None:
    assert client.get(f"/p?code={CODE}")["Location"] == PAGE
    assert client.get("/es/p?code=222222").status_code == 404
    for path in ("/search?q=stitches", "/es/search?q=stitches"):
        answer = client.get(path)
        assert (path, answer.status_code) == (path, 200)
        assert 'value="stitches"' in answer.content.decode()
