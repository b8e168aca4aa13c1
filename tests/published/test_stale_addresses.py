"""No stored path serves outdated or withdrawn content: every public route is tried."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from portal.published.decorators import CACHEABLE_BODY_KEY
from portal.published.wsgi import is_cacheable
from procedures.models import GuideItem, Page, Path
from procedures.publishing.invalidation import affected_urls, content_version
from procedures.publishing.publish import withdraw
from procedures.urls import urlpatterns
from tests.factories import make_page, make_public, make_public_page, make_translation, make_user

pytestmark = pytest.mark.django_db

# Route parameters, with their values for a page.
OF_PATH = ("^(?P<address>(?:[a-z0-9-]+/){1,3})", r"^(?P<rest>[\s\S]*)")
OF_CODE = ("<str:code>", "<str:typed>")


def every_address() -> list[str]:
    """Yield each public route with each path and code that a page ever had."""
    paths = [path.removeprefix("/") for path in Path.objects.values_list("path", flat=True)]
    codes = list(Page.objects.values_list("code", flat=True))
    found = [f"{root}{code}{end}" for root in ("/p/", "/es/p/", "/P/") for code in codes for end in ("", "/")]
    for route in (str(pattern.pattern).removesuffix(r"\Z").replace(r"\.", ".") for pattern in urlpatterns):
        part = next((part for part in (*OF_PATH, *OF_CODE) if part in route), "")
        values = paths if part in OF_PATH else codes if part else [""]
        filled = [f"/{route.replace(part, value)}" if part else f"/{route}" for value in values]
        assert not re.search(r"[<>(\\^]", filled[0]), f"this test cannot fill in the route {route}"
        found += filled
    return list(dict.fromkeys(found))


def kept(client: Client, path: str) -> tuple[int, str, bytes] | None:
    """Return the body that would be stored, or None."""
    answer = client.get(path)
    body = answer.wsgi_request.META.get(CACHEABLE_BODY_KEY)
    status = f"{answer.status_code} "
    if body is None or not is_cacheable(status, list(answer.headers.items())):
        return None
    return answer.status_code, answer.headers.get("Location", ""), body


def renewed_by(change: Callable[[], object], client: Client) -> set[str]:
    """Return the paths whose stored response differs after a change, and check that the change affects each of them."""
    before, state = {path: kept(client, path) for path in every_address()}, content_version()
    change()
    found = affected_urls(state, content_version())
    assert found is not None
    renewed = {path for path, answer in before.items() if answer is not None and answer != kept(client, path)}
    assert renewed <= {*found[0], *found[1]}, f"stale: {sorted(renewed - {*found[0], *found[1]})}"
    return renewed


def forms(page: Page, *, is_spanish: bool = False) -> set[str]:
    """Return the paths that show the text of a page."""
    release, root = page.live_release, "/es/" if is_spanish else "/"
    assert release is not None
    asked = f"{root}clear/{page.code}/"
    return {release.path, f"{release.path}plain.txt", f"{release.path}booklet/", asked, f"{asked}thanks/"}


def retitled(page: Page, title: str, slug: str = "") -> None:
    page.title, page.slug = title, slug or page.slug
    page.save()
    make_public(page)


@pytest.fixture
def pages() -> dict[str, Page]:
    """A page with a former path, a guide that contains it, both with translations, and a page that it replaced."""
    page = make_public_page()
    retitled(page, "Small cut", "tiny-cut")
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
    page, is_spanish = pages[name], name.startswith("es")
    root = "/es/" if is_spanish else "/"
    code = f"{root}p/{page.code}"

    own = forms(page, is_spanish=is_spanish)
    assert own <= renewed_by(lambda: retitled(page, "Other words"), client)
    moved = renewed_by(lambda: retitled(page, "Other words", "another-place"), client)
    assert own | {code} <= moved
    own = forms(page, is_spanish=is_spanish)
    gone = renewed_by(lambda: withdraw(page, actor=make_user("max"), reason="We no longer do this."), client)
    assert own | {f"{code}.svg"} <= gone
    back = renewed_by(lambda: make_public(page), client)
    assert page.paths.get(is_canonical=True).path in back


def test_pages_replaced_by_a_withdrawn_page_redirect_to_its_replacement(pages: dict[str, Page], client: Client) -> None:
    newer = make_page("newer-cut")
    make_public(newer)

    gone = renewed_by(
        lambda: withdraw(pages["page"], actor=make_user("max"), reason="Out of use.", replaced_by=newer), client
    )

    assert "/old-cut/" in gone
    assert b"/newer-cut/" in client.get("/old-cut/").content


def test_the_booklet_of_a_guide_is_updated_with_its_pages(pages: dict[str, Page], client: Client) -> None:
    assert "/visits/first/booklet/" in renewed_by(lambda: retitled(pages["page"], "Other words"), client)
    gone = renewed_by(lambda: withdraw(pages["page"], actor=make_user("max"), reason="Out of use."), client)
    assert "/visits/first/booklet/" in gone


def test_only_the_printed_spelling_of_a_short_code_is_stored(pages: dict[str, Page], client: Client) -> None:
    code = pages["page"].code
    assert kept(client, f"/p/{code}") is not None
    for other in (f"/p/{code}/", f"/p//{code}", f"/P/{code}", f"/p/{code.lower()}", f"/es/p/{code}", f"/p/ {code}"):
        answer = client.get(other)
        assert (answer.status_code, answer.headers.get("Location")) == (301, "/tiny-cut/"), other
        assert kept(client, other) is None, other
