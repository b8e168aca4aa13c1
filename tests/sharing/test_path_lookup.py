"""The prepared path lookup returns the same rows as the query."""

from typing import Any

import pytest

from procedures.models import Path
from procedures.sharing.path_lookup import MAX_CANDIDATES, lookup_paths
from procedures.sharing.url_repair import url_candidates
from tests.factories import make_clinic, make_page, make_public, make_translation

pytestmark = pytest.mark.django_db


def values(row: Path) -> list[dict[str, Any]]:
    """Return the fields of a path, its page, and its live release."""
    rows = [row, row.page, row.page.live_release]
    return [{name: value for name, value in vars(one).items() if name != "_state"} for one in rows]


@pytest.mark.parametrize("language", ["en", "es"])
def test_rows_equal_those_of_the_query(language: str, django_assert_num_queries: Any) -> None:
    make_clinic()
    page = make_page()
    make_public(page)
    make_public(make_translation(page))
    names = ["/small-cut/", "/es/small-cut-es/", "/no-such-page/"]

    with django_assert_num_queries(1):
        rows = {row.path: values(row) for row in lookup_paths(names, language)}

    assert rows == {row.path: values(row) for row in Path.objects.with_public_data(language).filter(path__in=names)}
    assert rows.keys() == {"/small-cut/", "/es/small-cut-es/"}


def test_all_candidates_of_an_address_fit_into_one_lookup() -> None:
    damaged = "/Small_Cut=20=2D  x/).index.html =20 b=0A"
    assert len(url_candidates(damaged)) <= MAX_CANDIDATES


def test_a_name_that_is_not_a_path_finds_nothing() -> None:
    assert lookup_paths(["' OR 1=1 --"], "en") == []
