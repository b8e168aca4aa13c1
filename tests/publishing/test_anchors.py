"""A link to a section, once sent, finds its words in every later release."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from procedures.models import GuideItem, Page, Release
from procedures.publishing.anchors import old_anchors
from procedures.publishing.publish import renew, withdraw
from tests.factories import make_clinic, make_figure, make_page, make_public, make_user

HEAD = "::: key-points\n- It is short.\n- It is safe to read.\n:::\n\n"
WASH = "You may wash the next day. Pat the small cut dry. Do not rub it. [@nice]\n\n"
WALK = "Walk a little each day. Rest when it hurts. Sit in a firm chair.\n\n"
EAT = "Eat what you like. Drink water with it.\n\n"


@pytest.fixture
def page(db: None) -> Page:
    make_clinic()
    make_figure(size=(48, 48))
    page = make_page(body=f"{HEAD}## Washing\n\n{WASH}## Walking\n\n{WALK}### How far\n\nTo the door and back.\n")
    make_public(page)
    return page


def release(page: Page, body: str) -> Release:
    page = Page.objects.get(pk=page.pk)
    page.body = HEAD + body
    page.save()
    return make_public(page)


def heading_of(html: str, anchor: str) -> str:
    """The heading in which an address stands, by its own id."""
    for part in html.split("<h")[1:]:
        heading = part.split("</h")[0]
        if f'id="{anchor}"' in heading:
            return heading.split('id="')[1].split('"')[0]
    return ""


def test_a_reworded_heading_keeps_its_old_address(page: Page) -> None:
    new = release(page, f"## Keep clean\n\n{WASH}## Walking\n\n{WALK}### How far\n\nTo the door and back.\n")

    assert new.old_anchors == {"washing": "keep-clean"}
    assert heading_of(new.html, "washing") == "keep-clean"
    assert '<h2 id="keep-clean"><a id="washing"></a>Keep clean</h2>' in new.html


def test_old_addresses_outlive_many_releases(page: Page) -> None:
    for title in ("Keep clean", "Your shower", "Soap and water"):
        new = release(page, f"## {title}\n\n{WASH}## Walking\n\n{WALK}")

    assert {old: new.old_anchors[old] for old in ("washing", "keep-clean", "your-shower")} == dict.fromkeys(
        ("washing", "keep-clean", "your-shower"), "soap-and-water"
    )
    assert heading_of(new.html, "how-far") == "walking", "a part that is gone leads to what stood before it"


def test_words_that_moved_are_followed_and_not_the_place(page: Page) -> None:
    new = release(page, f"## Meals\n\n{EAT}## On foot\n\n{WALK}## Keep clean\n\n{WASH}")

    assert new.old_anchors["walking"] == "on-foot"
    assert new.old_anchors["washing"] == "keep-clean"


def test_an_address_that_comes_back_is_a_heading_again(page: Page) -> None:
    release(page, f"## Keep clean\n\n{WASH}## Walking\n\n{WALK}")
    new = release(page, f"## Washing\n\n{WASH}## Walking\n\n{WALK}")

    assert new.old_anchors["keep-clean"] == "washing"
    assert "washing" not in new.old_anchors
    assert new.html.count('id="washing"') == 1


def test_withdrawing_in_between_loses_nothing(page: Page) -> None:
    withdraw(Page.objects.get(pk=page.pk), actor=make_user("max"), reason="Old.")

    assert release(page, f"## Keep clean\n\n{WASH}## Walking\n\n{WALK}").old_anchors["washing"] == "keep-clean"


def test_checks_and_renewing_give_the_same_html(page: Page) -> None:
    new = release(page, f"## Keep clean\n\n{WASH}## Walking\n\n{WALK}")
    out = StringIO()

    call_command("check_releases", stdout=out)

    assert "0 out of date" in out.getvalue()
    assert renew(Page.objects.get(pk=page.pk), actor=None) is None
    assert new.sha256


def test_other_pages_may_still_name_the_old_section(page: Page, client: Client) -> None:
    release(page, f"## Keep clean {{#clean}}\n\n{WASH}## Walking\n\n{WALK}")
    guide = make_page("first-visit", kind="guide")
    GuideItem.objects.create(guide=guide, page=page, section="washing")

    make_public(guide)

    html = client.get("/visits/first-visit/").content.decode()
    assert 'href="/small-cut/#washing"' in html
    assert "Keep clean" in html
    call_command("check_links", stdout=StringIO())


@settings(deadline=None)
@given(
    then=st.lists(st.sampled_from("abcdef"), unique=True, min_size=1),
    now=st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1),
    kept=st.dictionaries(st.sampled_from("uvw"), st.sampled_from("abcdef")),
)
def test_every_old_address_leads_to_a_section_that_is_there(
    then: list[str], now: list[str], kept: dict[str, str]
) -> None:
    def html(anchors: list[str]) -> str:
        return "".join(f'<h2 id="{anchor}">{anchor}</h2><p>{anchor * 3} words of it</p>' for anchor in anchors)

    kept = {old: target for old, target in kept.items() if target in then}
    found = old_anchors(Release(html=html(then), old_anchors=kept), html(now))

    assert set(found) == (set(then) | set(kept)) - set(now)
    assert set(found.values()) <= set(now)
