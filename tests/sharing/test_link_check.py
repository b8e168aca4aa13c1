"""check_links and check_releases find damage made directly in the database."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import QuerySet

from procedures.models import FigureText, Location, LocationText, Page, Path, Release, Source
from procedures.publishing.publish import withdraw
from procedures.rendering import RENDERER_VERSION, Issue
from procedures.sharing.link_check import find_broken_addresses
from tests.database import history_unprotected
from tests.factories import (
    BODY,
    make_clinic,
    make_figure,
    make_page,
    make_public,
    make_term,
    make_translation,
    make_user,
)
from tests.replay import built_once


@pytest.fixture
@built_once
def page(db: None) -> Page:
    """A public page that links to a section of another."""
    make_clinic()
    make_figure(size=(48, 48))
    make_public(make_page("recovery"))
    page = make_page(body=f"{BODY}\n[Rest](page:recovery#when-to-call)")
    make_public(page)
    return Page.objects.get(pk=page.pk)


def damage(table: str, column: str, old: str, new: str) -> None:
    """Replace text in all rows of a table with SQL, because the models would reject it."""
    with history_unprotected(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE procedures_{table} SET {column} = REPLACE({column}, %s, %s)", [old, new])  # noqa: S608 -- our own names
        assert cursor.rowcount


def damage_trees(old: str, new: str) -> None:
    """Replace text in the stored trees of all releases."""
    for release in Release.objects.all():
        tree = json.loads(json.dumps(release.document).replace(old, new))
        with history_unprotected():
            QuerySet(Release).filter(pk=release.pk).update(document=tree)


def check(command: str) -> str:
    """Run a command that must fail and return its error message."""
    with pytest.raises(CommandError) as refused:
        call_command(command, stdout=StringIO())
    return str(refused.value)


def passes(command: str) -> str:
    """Run a command that must pass and return its output."""
    out = StringIO()
    call_command(command, stdout=out)
    return out.getvalue()


def test_a_sound_site_passes_both_checks(page: Page) -> None:
    assert passes("check_releases") == "3 releases checked, 0 out of date\n"
    assert passes("check_links") == "3 addresses checked, none broken\n"


def test_changed_html_is_found(page: Page) -> None:
    damage("release", "html", "A small cut.", "A large cut.")

    assert "/small-cut/: the stored HTML was changed after it was published" in check("check_releases")


@pytest.mark.parametrize("column", ["title", "key_message", "description"])
def test_changed_metadata_is_found(page: Page, column: str) -> None:
    damage("release", column, " ", "  ")

    assert "the stored HTML was changed after it was published" in check("check_releases")


def test_a_changed_renderer_is_found(page: Page, settings: object, tmp_path: object) -> None:
    component = tmp_path / "components"
    component.mkdir()
    (component / "key_points.html").write_text("<section>{{ body }}</section>")
    templates = [{**settings.TEMPLATES[0], "DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}]
    settings.TEMPLATES = templates

    assert "/small-cut/: renders differently now; bump RENDERER_VERSION or fix the renderer" in check("check_releases")


@pytest.fixture
def newer_renderer(settings: object, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A renderer whose HTML differs from that of the releases."""
    component = tmp_path / "components"
    component.mkdir()
    (component / "key_points.html").write_text('<section class="new">{{ body }}</section>')
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}]
    for module in ("publishing.publish", "publishing.rerelease", "management.commands.check_releases"):
        monkeypatch.setattr(f"procedures.{module}.RENDERER_VERSION", RENDERER_VERSION + 1)


@pytest.mark.usefixtures("newer_renderer")
def test_a_release_of_an_older_renderer_is_reported_and_rendered_again(page: Page) -> None:
    assert "out of date: /small-cut/: rendered by an older version" in passes("check_releases")
    call_command("load_content", if_empty=True, stdout=StringIO())

    page.refresh_from_db()
    assert '<section class="new">' in page.live_release.html
    assert passes("check_releases") == "3 releases checked, 0 out of date\n"


@pytest.mark.usefixtures("newer_renderer")
def test_a_page_that_cannot_be_rendered_again_keeps_its_release_and_does_not_stop_the_others(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases = {live: live.live_release_id for live in Page.objects.published()}
    missing = Issue(0, "The picture is missing.")
    monkeypatch.setattr(
        "procedures.publishing.publish.check_rerelease", lambda live, _rendered: [missing] * (live.page == page)
    )
    out, err = StringIO(), StringIO()

    call_command("load_content", if_empty=True, stdout=out, stderr=err)

    kept = {live.slug for live in Page.objects.published() if live.live_release_id == releases[live]}
    assert kept == {page.slug}
    assert err.getvalue().endswith("“Small cut” (English): The picture is missing.\n")
    assert f"{len(releases) - 1} pages rendered again" in out.getvalue()


def test_changed_dependencies_are_reported_without_an_error(page: Page) -> None:
    Source.objects.filter(key="nice").update(title="Newer")
    FigureText.objects.update(caption="Newer.")
    out = StringIO()

    call_command("check_releases", stdout=out)

    assert "out of date: /small-cut/: a value on the page has changed" in out.getvalue()
    assert "3 releases checked, 3 out of date" in out.getvalue()


def test_a_changed_tree_is_found(page: Page) -> None:
    damage_trees("A small cut.", "A large cut.")

    assert "/small-cut/: the stored tree does not match its HTML" in check("check_releases")


def test_a_broken_link_is_found(page: Page) -> None:
    damage_trees('"/recovery/', '"/recovry/')

    assert "/small-cut/: a link points to /recovry/#when-to-call, which is not public;" in check("check_links")


@pytest.mark.parametrize("home", ["/", "/es/"])
def test_a_link_to_a_home_page_is_sound(page: Page, home: str) -> None:
    damage_trees("/recovery/#when-to-call", home)

    assert passes("check_links") == "3 addresses checked, none broken\n"


def test_a_short_address_is_checked_as_it_is_printed(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    make_public(make_translation(page, slug="cortecito"))
    monkeypatch.setattr("procedures.sharing.short_codes.home_path", lambda language: f"/gone-{language}/")

    assert f"/gone-es/p/{Page.objects.get(slug='cortecito').code}: returned 404" in check("check_links")


def test_a_link_to_a_missing_section_is_found(page: Page) -> None:
    damage_trees('"anchor": "when-to-call"', '"anchor": "when"')

    assert "/small-cut/: a link points to /recovery/#when-to-call, but that page has no such section;" in check(
        "check_links"
    )


def test_a_public_page_without_a_path_row_is_found(page: Page) -> None:
    damage("path", "path", "/small-cut/", "/other/")

    found = list(find_broken_addresses())

    assert "/small-cut/: is public, but has no Path row" in found
    assert "/other/: is canonical, but its page is published at /small-cut/" in found


def test_a_code_with_a_wrong_check_character_is_found(page: Page) -> None:
    wrong = page.code[:-1] + ("2" if page.code[-1] != "2" else "3")
    damage("page", "code", page.code, wrong)

    assert f"code {wrong}: its check character is wrong" in check("check_links").splitlines()


def test_links_to_a_withdrawn_page_are_not_broken(page: Page) -> None:
    recovery = Page.objects.get(subject="recovery")

    withdraw(recovery, actor=make_user("max"), reason="Old.")

    assert list(find_broken_addresses()) == []
    assert Path.objects.count() == 3
    assert Release.objects.filter(live_on__isnull=False).count() == 2


def test_a_lost_section_of_an_earlier_release_is_found(page: Page) -> None:
    damage_trees('"anchor": "what-it-is"', '"anchor": "what-is-it"')

    assert "its section #what-it-is is no longer on the live page" in check("check_links")


def test_a_withdrawn_page_may_disappear_from_an_index(page: Page) -> None:
    scan = make_page("scan-page", lead_figure=make_figure("scan", size=(48, 48)))
    make_public(scan)
    index = make_page("pictures", kind="about", lead_figure=None, body="## All of them\n\nSee below.\n\n::: pictures\n")
    make_public(index)
    make_public(make_page("tour", body=f"{BODY}\n[The scan](page:pictures#picture-scan)"))
    assert "picture-scan" in {section["anchor"] for section in index.releases.get().sections}

    withdraw(scan, actor=make_user("max"), reason="Old.")

    assert 'id="picture-scan"' not in Release.objects.live().get(page=index).html
    assert "none broken" in passes("check_links")


def test_content_removed_with_its_listed_rows_is_not_an_error(page: Page) -> None:
    zone, place = make_term("zone"), Location.objects.create(key="main", phone="+1 303-555-0111", address="1 Street")
    LocationText.objects.create(location=place, language="en", name="Main office")
    listing = make_page("listing", kind="about", body="Our words.\n\n::: glossary\n\n::: locations\n")
    make_public(listing)
    links = "[The letter](page:listing#letter-z) and [the office](page:listing#place-main)"
    make_public(make_page("tour", body=f"{BODY}\n{links}"))

    zone.delete()
    place.delete()
    make_term("bone")
    make_public(listing)

    html = Release.objects.live().get(page=listing).html
    assert 'id="letter-b"' in html
    assert 'id="letter-z"' not in html
    assert 'id="place-main"' not in html
    assert "none broken" in passes("check_links")


def test_a_wrong_response_is_found(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procedures.views.pages._find_path", lambda candidates: None)

    assert "/small-cut/: returned 404 instead of 200" in check("check_links")


def test_a_crashing_view_is_one_line_without_a_traceback(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procedures.views.pages.render_response", lambda *_, **__: 1 / 0)

    found = check("check_links").splitlines()

    assert "/small-cut/: returned 500 ZeroDivisionError instead of 200" in [line.strip() for line in found]
    assert "/recovery/: returned 500 ZeroDivisionError instead of 200" in [line.strip() for line in found]
