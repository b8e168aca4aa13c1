"""Links to sections keep working in every later release."""

import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import QuerySet
from django.test import Client
from django.utils.html import strip_tags
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from procedures.models import GuideItem, Page, Release, Revision
from procedures.publishing.anchor_redirects import AnchorPlan, plan_anchors, render_draft
from procedures.publishing.publish import rerelease_page, withdraw
from procedures.readability.measures import measure_page
from procedures.readability.suggestions import build_suggestions
from procedures.rendering import RENDERER_VERSION, Issue, ReferenceResolver, released_document, render_page
from procedures.rendering.document import Document, read_article
from procedures.rendering.parser import parse
from procedures.revisions.diff import document_blocks
from procedures.revisions.history import find_version
from tests.database import history_unprotected
from tests.factories import make_clinic, make_figure, make_page, make_public, make_user
from tests.replay import built_once

HEAD = "::: key-points\n- It is short.\n- It is safe to read.\n:::\n\n"
WASH = "You may wash the next day. Pat the small cut dry. Do not rub it. [@nice]\n\n"
WALK = "Walk a little each day. Rest when it hurts. Sit in a firm chair.\n\n"
EAT = "Eat what you like. Drink water with it. [@nice]\n\n"


@pytest.fixture
@built_once
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
    """Return the id of the heading that contains an anchor."""
    for heading in re.findall(r"<(?:h\d|th)\b.*?</(?:h\d|th)>", html, re.DOTALL):
        if f'id="{anchor}"' in heading:
            return heading.split('id="')[1].split('"')[0]
    return ""


def test_a_reworded_heading_keeps_its_old_anchor(page: Page) -> None:
    new = release(page, f"## Keep clean\n\n{WASH}## Walking\n\n{WALK}### How far\n\nTo the door and back.\n")

    assert new.old_anchors == {"washing": "keep-clean"}
    assert heading_of(new.html, "washing") == "keep-clean"
    assert '<h2 id="keep-clean"><a id="washing"></a>Keep clean</h2>' in new.html


def test_a_reworded_choice_keeps_its_old_anchor(page: Page) -> None:
    body = f"::: choices\n### Rest\n#### What it is\n{WALK}### A procedure\n#### What it is\n{EAT}:::\n"
    release(page, body)
    new = release(page, body.replace("### Rest", "### Rest at home"))

    assert new.old_anchors["rest"] == "rest-at-home"
    assert heading_of(new.html, "rest") == "rest-at-home"
    check_again(page, new)


def test_old_anchors_outlive_many_releases(page: Page) -> None:
    for title in ("Keep clean", "Your shower", "Soap and water"):
        new = release(page, f"## {title}\n\n{WASH}## Walking\n\n{WALK}")

    assert {old: new.old_anchors[old] for old in ("washing", "keep-clean", "your-shower")} == dict.fromkeys(
        ("washing", "keep-clean", "your-shower"), "soap-and-water"
    )
    assert heading_of(new.html, "how-far") == "walking", "a removed subsection redirects to its parent section"


def test_an_anchor_follows_the_text_not_the_position(page: Page) -> None:
    new = release(page, f"## Meals\n\n{EAT}## On foot\n\n{WALK}## Keep clean\n\n{WASH}")

    assert new.old_anchors["walking"] == "on-foot"
    assert new.old_anchors["washing"] == "keep-clean"


def test_an_anchor_that_returns_is_on_its_heading_again(page: Page) -> None:
    release(page, f"## Keep clean\n\n{WASH}## Walking\n\n{WALK}")
    new = release(page, f"## Washing\n\n{WASH}## Walking\n\n{WALK}")

    assert new.old_anchors["keep-clean"] == "washing"
    assert "washing" not in new.old_anchors
    assert new.html.count('id="washing"') == 1


def test_withdrawing_in_between_loses_no_anchor(page: Page) -> None:
    withdraw(Page.objects.get(pk=page.pk), actor=make_user("max"), reason="Old.")

    assert release(page, f"## Keep clean\n\n{WASH}## Walking\n\n{WALK}").old_anchors["washing"] == "keep-clean"


def test_checks_and_rereleases_give_the_same_html(page: Page) -> None:
    new = release(page, f"## Keep clean\n\n{WASH}## Walking\n\n{WALK}")
    out = StringIO()

    call_command("check_releases", stdout=out)

    assert "0 out of date" in out.getvalue()
    assert rerelease_page(Page.objects.get(pk=page.pk), actor=None) is None
    assert new.sha256


def test_other_pages_can_still_link_to_the_old_anchor(page: Page, client: Client) -> None:
    release(page, f"## Keep clean {{#clean}}\n\n{WASH}## Walking\n\n{WALK}")
    guide = make_page("first-visit", kind="guide")
    GuideItem.objects.create(guide=guide, page=page, section="washing")

    make_public(guide)

    html = client.get("/visits/first-visit/").content.decode()
    assert 'href="/small-cut/#washing"' in html
    assert "Keep clean" in html
    call_command("check_links", stdout=StringIO())


def test_a_new_section_with_the_same_title_does_not_take_the_anchor(page: Page, client: Client) -> None:
    release(page, f"## Risks\n\n{WASH}## Walking\n\n{WALK}")
    guide = make_page("first-visit", kind="guide")
    GuideItem.objects.create(guide=guide, page=page, section="risks")
    make_public(guide)

    new = release(page, f"## Risks\n\n{EAT}## Risks\n\n{WASH}## Walking\n\n{WALK}")

    assert text_at(new.html, "risks").startswith("You may wash")
    assert text_at(new.html, "risks-2").startswith("Eat what")
    assert [(part["anchor"], part["text"][:7]) for part in new.sections if "risks" in part["anchor"]] == [
        ("risks-2", "Eat wha"),
        ("risks", "You may"),
    ]
    assert 'href="/small-cut/#risks"' in client.get("/visits/first-visit/").content.decode()
    check_again(page, new)


def test_an_explicit_anchor_moved_to_another_section_stays_with_the_first(page: Page) -> None:
    release(page, f"## Risks {{#risks}}\n\n{WASH}## Walking\n\n{WALK}")

    new = release(page, f"## Side effects\n\n{WASH}## Walking {{#risks}}\n\n{WALK}")

    assert heading_of(new.html, "risks") == "side-effects"
    assert heading_of(new.html, "walking") == "risks-2"
    assert [str(problem) for problem in advice_on(page) if "“risks”" in str(problem)] == [
        (
            "line 10: Links to “risks” already point to the section that was published with that address, so this section has “risks-2” instead. "
            "Choose another address for it."
        )
    ]
    check_again(page, new)


def test_swapped_titles_do_not_swap_anchors(page: Page) -> None:
    release(page, f"## Meals\n\n{EAT}## Walking\n\n{WALK}")

    new = release(page, f"## Walking\n\n{EAT}## Meals\n\n{WALK}")

    assert (text_at(new.html, "meals")[:3], text_at(new.html, "walking")[:4]) == ("Eat", "Walk")
    check_again(page, new)


def test_a_removed_section_redirects_to_the_top_and_returns_with_its_anchors(page: Page) -> None:
    release(page, f"## Washing\n\n{WASH}## Walking\n\n{WALK}Rest. [@nice]")
    release(page, f"## Keep clean\n\n{WASH}## Walking\n\n{WALK}Rest. [@nice]")
    without = release(page, f"## Walking\n\n{WALK}Rest. [@nice]")

    assert [without.old_anchors[name] for name in ("washing", "keep-clean")] == ["", ""]
    assert without.html.index('<a id="washing"></a>') < without.html.index("<h2 id=")
    check_again(page, without)
    none = release(page, "Nothing is left. [@nice]")
    assert set(none.old_anchors) >= {"washing", "keep-clean", "walking"}

    back = release(page, f"## Keep clean\n\n{WASH}## Walking\n\n{WALK}Rest. [@nice]")

    assert heading_of(back.html, "keep-clean") == heading_of(back.html, "washing") == "keep-clean"
    assert heading_of(back.html, "walking") == "walking"
    check_again(page, back)


def test_other_text_under_a_removed_heading_does_not_get_its_anchor(page: Page) -> None:
    release(page, f"## Risks\n\n{WASH}## Walking\n\n{WALK}")
    release(page, f"## Walking\n\n{WALK}Rest. [@nice]")

    other = release(page, f"## Risks\n\n{EAT}## Walking\n\n{WALK}")
    assert other.old_anchors["risks"] == ""
    assert text_at(other.html, "risks-2").startswith("Eat what")
    check_again(page, other)

    both = release(page, f"## Risks\n\n{EAT}## Risks\n\n{WASH}Use soap.\n\n## Walking\n\n{WALK}")
    assert text_at(both.html, "risks").startswith("You may wash")
    assert text_at(both.html, "risks-2").startswith("Eat what")
    check_again(page, both)


def test_an_unrelated_section_in_the_same_position_does_not_get_the_anchor(page: Page) -> None:
    release(page, f"## Risks\n\n{WASH}## Walking\n\n{WALK}### Home\n\nTo the door and back, three times.\n")

    new = release(page, f"## Money\n\n{EAT}## Walking\n\n{WALK}### Pets\n\nYour dog stays with a friend.\n")

    assert new.old_anchors["risks"] == ""
    assert new.old_anchors["home"] == "walking", "a removed subsection redirects to its parent section"
    check_again(page, new)


def test_anchors_of_merged_sections_redirect_to_the_merged_one(page: Page) -> None:
    release(page, f"## Risks\n\n{WASH}## Food\n\n{EAT}## Walking\n\n{WALK}")

    new = release(page, f"## What to know\n\n{WASH}{EAT}## Walking\n\n{WALK}")
    assert [new.old_anchors[name] for name in ("risks", "food")] == ["what-to-know"] * 2
    check_again(page, new)

    apart = release(page, f"## What to know\n\n{WASH}## Food\n\n{EAT}## Walking\n\n{WALK}")
    assert heading_of(apart.html, "food") == "food"
    check_again(page, apart)


def test_the_preview_has_the_anchors_of_the_next_release(page: Page) -> None:
    release(page, f"## Risks\n\n{WASH}")
    draft = Page.objects.get(pk=page.pk)
    draft.body = f"{HEAD}## Risks\n\n{EAT}## Risks\n\n{WASH}"

    shown = render_draft(draft, draft.draft_content(), resolver=ReferenceResolver("en"))
    draft.save()

    assert shown.html == make_public(draft).html


def text_at(html: str, anchor: str) -> str:
    """Return the text below the heading with this id."""
    return strip_tags(html.split(f'id="{anchor}"')[1].split("</h")[1].split(">", 1)[1].split("<h")[0]).strip()


def advice_on(page: Page) -> list[Issue]:
    """Return the suggestions for the draft."""
    page = Page.objects.get(pk=page.pk)
    library = ReferenceResolver("en")
    rendered = render_draft(page, page.draft_content(), resolver=library)
    measures = measure_page(rendered.article, kind=page.kind, resolver=library)
    return build_suggestions(page, rendered, measures)


def check_again(page: Page, live: Release) -> None:
    """Assert that rendering again and rereleasing produce the stored HTML and lose no anchor."""
    out = StringIO()
    call_command("check_releases", stdout=out)
    call_command("check_links", stdout=out)
    assert "0 out of date" in out.getvalue()
    assert rerelease_page(Page.objects.get(pk=page.pk), actor=None) is None
    plan = plan_anchors(live, parse(page_content(live)["body"]).document)
    assert plan == AnchorPlan(live.anchor_renames, live.old_anchors, live.lost_anchors)


def page_content(live: Release) -> dict[str, Any]:
    """Return the draft that a release was made from."""
    content: dict[str, Any] = live.revision.content
    return content


# Sections are identified by their text, whatever their heading.
SUBJECTS = [[f"{word}{letter}" for word in ("bone", "rest", "walk", "pain", "cut", "cast")] for letter in "abcdefgh"]
TITLES = ["Risks", "Benefits", "Care", "Risks 2"]
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "move", "retitle", "reword", "swap", "own", "deepen"]),
        st.integers(0, 7),
        st.integers(0, 7),
    ),
    max_size=5,
)


def edited(
    sections: list[dict[str, Any]], edits: list[tuple[str, int, int]], unused: list[int]
) -> list[dict[str, Any]]:
    """Return the sections after some edits; each keeps its number."""
    sections = [{**section} for section in sections]
    for kind, one, other in edits:
        if kind == "insert" and unused:
            fresh = {"number": unused.pop(), "title": TITLES[one % 4], "level": 2, "own": "", "more": 0}
            sections.insert(min(other, len(sections)), fresh)
        elif sections:
            section = sections[one % len(sections)]
            partner = sections[other % len(sections)]
            if kind == "delete":
                sections.remove(section)
            elif kind == "move":
                sections.remove(section)
                sections.insert(other % (len(sections) + 1), section)
            elif kind == "retitle":
                section["title"] = TITLES[other % 4]
            elif kind == "reword":
                section["more"] = 1 - section["more"]
            elif kind == "swap":
                section["title"], partner["title"] = partner["title"], section["title"]
                section["own"], partner["own"] = partner["own"], section["own"]
            elif kind == "own":
                section["own"] = f" {{#{TITLES[other % 4].lower().replace(' ', '-')}}}"
            else:
                section["level"] = 5 - section["level"]
    return sections


def body(sections: list[dict[str, Any]]) -> str:
    """Return the sections as Markdown, without duplicate explicit anchors."""
    parts, own = ["Start."], set()
    for section in sections:
        mark = "" if section["own"] in own else section["own"]
        own.add(mark)
        words = SUBJECTS[section["number"]]
        text = " ".join([*words[:5], "again" if section["more"] else words[5]])
        parts.append(f"{'#' * section['level']} {section['title']}{mark}\n\n{text}.")
    return "\n\n".join(parts)


@pytest.mark.slow
@pytest.mark.django_db
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(releases=st.lists(EDITS, min_size=1, max_size=5))
@example([[("insert", 0, 0)], [("insert", 0, 0)], [("delete", 1, 0)], [("insert", 0, 0)]])
@example([[("insert", 0, 0), ("insert", 1, 1)], [("swap", 0, 1)], [("delete", 0, 0)]])
def test_an_anchor_never_opens_another_section(db: None, releases: list[list[tuple[str, int, int]]]) -> None:
    library, unused = ReferenceResolver("en"), list(range(8))
    owners: dict[str, int] = {}
    sections: list[dict[str, Any]] = []
    before: Release | None = None
    earlier: list[Release] = []
    for edits in releases:
        gone = set(owners.values()) - {section["number"] for section in sections}
        sections = edited(sections, edits, unused)
        content = {
            **dict.fromkeys(("title", "key_message", "lead_figure", "next_page", "next_label"), ""),
            "body": body(sections),
        }
        plan = plan_anchors(before, parse(content["body"]).document, earlier)
        shuffled = dict(reversed(plan.old_anchors.items()))
        html = render_page(
            content, kind="about", resolver=library, anchor_renames=plan.anchor_renames, old_anchors=shuffled
        ).html
        assert (
            html
            == render_page(
                content,
                kind="about",
                resolver=library,
                anchor_renames=plan.anchor_renames,
                old_anchors=plan.old_anchors,
            ).html
        ), "a database may return keys in another order"
        opened = {
            anchor: number_at(html, anchor)
            for anchor in re.findall(r' id="(risks|benefits|care)([-0-9]*)"', html)
            for anchor in ["".join(anchor)]
        }
        there = {section["number"] for section in sections}
        for anchor, owner in owners.items():
            assert anchor in opened, f"#{anchor} is lost"
            if owner in gone - there:
                assert opened[anchor] in {None, owner}, f"#{anchor} opens a section that it was not published for"
            if owner in there:
                assert opened[anchor] == owner, f"#{anchor} opens another section"
        for anchor, number in opened.items():
            # From then on, a removed subsection redirects to its parent; a completely reworded one keeps its heading.
            if number is not None and owners.get(anchor) not in there:
                owners[anchor] = number
        ids = re.findall(r'\sid="([^"]+)"', html)
        assert len(ids) == len(set(ids))
        before = Release(
            revision=Revision(content=content),
            renderer_version=RENDERER_VERSION,
            old_anchors=plan.old_anchors,
            anchor_renames=plan.anchor_renames,
            lost_anchors=plan.lost_anchors,
        )
        earlier.insert(0, before)
        again = plan_anchors(before, parse(content["body"]).document, earlier)
        assert again == plan, "a rerelease changes nothing"


def number_at(html: str, anchor: str) -> int | None:
    """Return the number of the section that an anchor opens; None for the top of the page."""
    heading = html.split(f' id="{anchor}"')[1]
    if "</h" not in heading or "<h" in heading.split("</h")[0]:
        return None
    words = strip_tags(heading.split("</h", 1)[1].split(">", 1)[1].split("<h")[0]).split()
    return next((number for number, subject in enumerate(SUBJECTS) if words and words[0] == subject[0]), None)


def test_a_release_of_an_earlier_renderer_keeps_the_anchors_that_readers_know(page: Page) -> None:
    # An earlier renderer generated a different anchor for the same heading and stored no tree.
    first = Release.objects.get(page=page)
    sections = [
        {**row, "anchor": "how-to-wash" if row["anchor"] == "washing" else row["anchor"]} for row in first.sections
    ]
    with history_unprotected():
        QuerySet(Release).filter(pk=first.pk).update(
            renderer_version=RENDERER_VERSION - 1,
            document=None,
            sections=sections,
            html=first.html.replace('id="washing"', 'id="how-to-wash"'),
        )

    new = release(page, f"## Washing\n\n{WASH}## Walking\n\n{WALK}### How far\n\nTo the door and back.\n")

    assert new.old_anchors == {"how-to-wash": "washing"}
    assert heading_of(new.html, "how-to-wash") == heading_of(new.html, "washing") == "washing"


def test_other_data_of_an_earlier_release_is_rendered_again(page: Page) -> None:
    first = Release.objects.get(page=page)
    stored = Document.from_json(first.document)
    with history_unprotected():
        QuerySet(Release).filter(pk=first.pk).update(
            renderer_version=RENDERER_VERSION - 1, document=None, html="<p>Old.</p>"
        )

    again = released_document(Release.objects.get(pk=first.pk))

    assert stored is not None
    assert (again.anchors(), again.links()) == (stored.anchors(), stored.links())
    assert read_article(again).sections == read_article(stored).sections
    assert document_blocks(again) == document_blocks(stored)
    guide = make_page("first-visit", kind="guide")
    GuideItem.objects.create(guide=guide, page=Page.objects.get(pk=page.pk), section="how-far")
    assert "How far" in make_public(guide).html
    newer = rerelease_page(Page.objects.get(pk=page.pk), actor=None)
    assert newer is not None
    assert newer.document == first.document
    assert find_version(page, "v1").rendered_blocks()  # type: ignore[union-attr]
