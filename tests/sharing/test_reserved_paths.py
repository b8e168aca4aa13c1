"""Reserved paths: no page can take one, and a page that already has one is reported and still works."""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path as File

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import include
from django.urls import path as route

from portal.management.commands.restore import Command
from procedures.enums import Language, PageKind
from procedures.models import GuideItem, Page, Path
from procedures.models.page import public_path
from procedures.publishing.publish import PublishError, publish, rerelease_page
from procedures.revisions.drafts import save_revision
from procedures.validators import is_reserved_path
from tests.factories import approve, make_clinic, make_figure, make_page, make_public, make_translation, make_user
from tests.replay import built_once
from tests.sharing.test_link_check import check, damage

RESERVED = """
/admin/ /clear/ /connect/ /en/ /es/ /favicon/ /healthz/ /media/ /p/ /readyz/ /robots/ /search/ /sitemap/ /static/
/visits/ /well-known/ /es/booklet/ /es/clear/ /es/p/ /es/search/ /es/visits/ /visits/booklet/ /es/visits/booklet/
""".split()
FREE = """
/booklet/ /thanks/ /plain/ /es/admin/ /es/media/ /visits/search/ /visits/p/ /es/visits/es/ /esophagus/ /search-tips/
/patients/ /clear-vision/ /visit/ /kyphoplasty/
""".split()


def test_exactly_the_paths_of_routes_are_reserved() -> None:
    assert [path for path in RESERVED if not is_reserved_path(path)] == []
    assert [path for path in FREE if is_reserved_path(path)] == []


class WithFutureRoute:
    """A URL configuration with an additional route."""

    urlpatterns = [
        route("clinic-hours/", lambda request: HttpResponse()),
        route("files/<str:name>", lambda request, name: HttpResponse()),
        route("", include("portal.urls")),
    ]


def test_a_new_route_reserves_its_paths_automatically(settings: object) -> None:
    assert not is_reserved_path("/clinic-hours/")

    settings.ROOT_URLCONF = WithFutureRoute

    assert is_reserved_path("/clinic-hours/")
    assert is_reserved_path("/files/")
    assert not is_reserved_path("/kyphoplasty/")


@pytest.fixture
@built_once
def site(db: None) -> Page:
    """A clinic with a public page."""
    make_clinic()
    make_figure(size=(48, 48))
    page = make_page()
    make_public(page)
    return Page.objects.get(pk=page.pk)


def reserved_slugs() -> Iterator[tuple[str, str, str]]:
    """Yield language, kind, and slug for each reserved path that a page could have."""
    slugs = sorted({path.strip("/").rsplit("/", 1)[-1] for path in RESERVED})
    for language in Language.values:
        for kind in (PageKind.RECOVERY, PageKind.GUIDE):
            for slug in slugs:
                if public_path(language, kind, slug) in RESERVED:
                    yield language, kind, slug


def test_a_draft_with_a_reserved_path_is_not_saved(site: Page) -> None:
    cases = list(reserved_slugs())
    for language, kind, slug in cases:
        page = make_page(f"subject-{slug}", language=language, kind=kind, slug="free-one")
        page.full_clean()
        page.slug = slug
        with pytest.raises(ValidationError) as refused:
            page.full_clean()
        address = public_path(language, kind, slug)
        assert refused.value.message_dict == {
            "slug": [f"{address} is an address that the site uses itself. Choose another one."]
        }
        page.delete()
    assert len(cases) == len(RESERVED)


def test_publishing_rejects_reserved_paths_that_bypassed_the_form(site: Page) -> None:
    guide = make_page("booklet", kind="guide", next_page=site)
    GuideItem.objects.create(guide=guide, page=site)
    revision = save_revision(guide, author=make_user("ed"))
    approve(revision)

    with pytest.raises(PublishError) as refused:
        publish(revision, actor=make_user("max"))

    assert [(problem.field, problem.message) for problem in refused.value.issues] == [
        ("slug", "/visits/booklet/ is an address that the site uses itself. Choose another one.")
    ]


def make_reserved(page: Page, old: str, new: str) -> None:
    """Move a public page to a reserved path, as an earlier version of the portal allowed."""
    damage("path", "path", old, new)
    damage("release", "path", old, new)
    damage("page", "slug", old.strip("/").rsplit("/", 1)[-1], new.strip("/").rsplit("/", 1)[-1])


@pytest.fixture
def reserved(site: Page) -> list[str]:
    """Three public pages at reserved paths."""
    guide = make_page("first-visit", kind="guide")
    GuideItem.objects.create(guide=guide, page=site)
    make_public(guide)
    make_public(make_translation(site, slug="corte"))
    make_public(make_page("waiting"))
    make_reserved(guide, "/visits/first-visit/", "/visits/booklet/")
    make_reserved(site, "/es/corte/", "/es/booklet/")
    make_reserved(site, "/waiting/", "/media/")
    return ["/es/booklet/", "/media/", "/visits/booklet/"]


def test_check_links_reports_every_page_with_a_reserved_path(reserved: list[str]) -> None:
    lines = check("check_links").splitlines()

    for path in reserved:
        assert f"{path}: this path is reserved for the site itself; give the page another slug and publish it" in lines
    assert not any("/small-cut/:" in line for line in lines)


def test_a_page_with_a_reserved_path_is_served_where_there_is_no_booklet(reserved: list[str], client: Client) -> None:
    assert client.get("/visits/booklet/").status_code == 200
    assert client.get("/es/booklet/").status_code == 200


def test_a_page_with_a_reserved_path_can_be_rereleased_and_moved(reserved: list[str], client: Client) -> None:
    page = Page.objects.get(slug="booklet", language="es")
    rerelease_page(page, actor=None)

    page.slug = "corte"
    page.full_clean()
    page.save()
    make_public(page)

    assert Page.objects.get(pk=page.pk).live_release.path == "/es/corte/"
    assert client.get("/es/booklet/")["Location"] == "/es/corte/"
    assert Path.objects.filter(page=page).count() == 2


def test_load_content_reports_the_file_of_a_page_with_a_reserved_path(db: None, tmp_path: File) -> None:
    source = File(__file__).parents[2] / "content"
    folder = tmp_path / "content"
    (folder / "pages" / "en").mkdir(parents=True)
    text = (source / "pages" / "en" / "about.md").read_text()
    (folder / "pages" / "en" / "about.md").write_text(
        re.sub("lead_figure: .*\n", "", text.replace("slug: about", "slug: search"))
    )
    for name in ("clinic.yaml", "locations.yaml", "sources.yaml", "codes.yaml"):
        (folder / name).write_bytes((source / name).read_bytes())

    with pytest.raises(CommandError) as refused:
        call_command("load_content", str(folder), stdout=StringIO())

    assert "pages/en/about.md" in str(refused.value)
    assert "/search/ is an address that the site uses itself. Choose another one." in str(refused.value)


def test_restore_reports_pages_with_reserved_paths(reserved: list[str]) -> None:
    out = StringIO()

    found = Command(stdout=out)._run_site_checks()

    lines = "\n".join(found).splitlines()
    for path in reserved:
        assert any(line.endswith(f"{path}: this path is reserved for the site itself; give the page another slug and "
                                 "publish it") for line in lines), path  # fmt: skip
