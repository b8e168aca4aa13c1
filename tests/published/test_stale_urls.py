"""No published file shows stale or withdrawn content: every path that a change affects is detected."""

from collections.abc import Callable

import pytest
from django.test import Client

from portal.published.builder import is_publishable
from procedures.models import GuideItem, Page
from procedures.publishing.publish import withdraw
from procedures.publishing.site_source import affected_urls, content_version, public_urls
from tests.factories import make_page, make_public, make_public_page, make_translation, make_user

pytestmark = pytest.mark.django_db


def published(client: Client) -> dict[str, bytes]:
    """Return what the worker would publish now."""
    answers = {path: client.get(path) for path in public_urls()}
    for path, answer in answers.items():
        assert is_publishable(answer), path
    return {path: answer.content for path, answer in answers.items()}


def paths_changed_by(change: Callable[[], object], client: Client) -> set[str]:
    """Return the published paths that differ after a change, and check that the change affects each of them."""
    before, state = published(client), content_version()
    change()
    found = affected_urls(state, content_version())
    assert found is not None
    after = published(client)
    renewed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert renewed <= {*found[0], *found[1]}, f"stale: {sorted(renewed - {*found[0], *found[1]})}"
    return renewed


def format_paths(page: Page) -> set[str]:
    """Return the published paths that show the text of a page."""
    release = page.live_release
    assert release is not None
    return {release.path, f"{release.path}plain.txt"}


def retitle(page: Page, title: str, slug: str = "") -> None:
    page.title, page.slug = title, slug or page.slug
    page.save()
    make_public(page)


@pytest.fixture
def pages() -> dict[str, Page]:
    """A page with a former path, a guide that contains it, both with translations, and a page that it replaced."""
    page = make_public_page()
    retitle(page, "Small cut", "tiny-cut")
    guide = make_page("first", kind="guide")
    GuideItem.objects.create(guide=guide, page=page)
    make_public(guide)
    translations = {"es": make_translation(page), "es guide": make_translation(guide)}
    for translation in translations.values():
        make_public(translation)
    old = make_page("old-cut")
    make_public(old)
    withdraw(old, actor=make_user("max"), reason="Out of use.", replaced_by=page)
    return {"page": page, "guide": guide, **translations}


@pytest.mark.parametrize(
    "name", ["page", *(pytest.param(name, marks=pytest.mark.slow) for name in ("guide", "es", "es guide"))]
)
def test_publishing_moving_and_withdrawing_update_every_format_of_a_page(
    pages: dict[str, Page], name: str, client: Client
) -> None:
    page = pages[name]

    own = format_paths(page)
    assert own <= paths_changed_by(lambda: retitle(page, "Other words"), client)
    moved = paths_changed_by(lambda: retitle(page, "Other words", "another-place"), client)
    assert own | format_paths(page) <= moved
    own = format_paths(page)
    gone = paths_changed_by(lambda: withdraw(page, actor=make_user("max"), reason="We no longer do this."), client)
    assert own <= gone
    back = paths_changed_by(lambda: make_public(page), client)
    assert page.paths.get(is_canonical=True).path in back


def test_the_booklet_of_a_guide_is_updated_with_its_pages(pages: dict[str, Page], client: Client) -> None:
    assert "/visits/first/booklet/" in paths_changed_by(lambda: retitle(pages["page"], "Other words"), client)
    gone = paths_changed_by(lambda: withdraw(pages["page"], actor=make_user("max"), reason="Out of use."), client)
    assert "/visits/first/booklet/" in gone


def test_redirects_forms_and_codes_are_not_published(pages: dict[str, Page], client: Client) -> None:
    code, paths = pages["page"].code, public_urls()
    for path in (
        f"/p/{code}",
        "/small-cut/",
        "/old-cut/",
        f"/clear/{code}/",
        f"/p/{code}.svg",
        "/search/",
        "/es/search/",
    ):
        assert path not in paths
    assert (client.get(f"/p/{code}").status_code, client.get("/old-cut/").status_code) == (301, 410)
