"""The layout of the staff screens: navigation by role, titles, lists, and no Django jargon."""

import html
import re

import pytest
from django.contrib import admin
from django.test import Client

from portal.accounts.models import User
from portal.admin_site import get_sections
from procedures.models import GlossaryTerm, Page
from tests.admin.conftest import PAGES, SignIn, change_url, publish_copy
from tests.admin.staff_screens import create_one_of_each_model, list_screen_urls
from tests.factories import make_figure, make_public

pytestmark = pytest.mark.django_db

# Django admin jargon, technical jargon, and outdated terms of our own screens.
FORBIDDEN_PHRASES = (
    r"Django|[Aa]dministration\b|to (change|view)\b(?= \|)|Select .{1,40} to (change|view)|Change history|GET FULL NAME|"
    r"Get full name|Are you sure\?|take me back|I’m sure|multiple objects|\bobjects?\b|Run the selected|\bGo<|"
    r"By (state|kind|language|groups)|Toggle sorting|Remove from sorting|<td[^>]*>None<|\bslug\b|\bprovenance\b|"
    r"print(s)? (the )?old|[Mm]end\b|content folder|pip install|Lead figure|Next label|Welcome,|Add (page|guide|figure)\b"
)


def title_and_heading(text: str) -> tuple[str, str]:
    title, heading = (re.search(rf"<{tag}[^>]*>(.*?)</{tag}>", text, re.DOTALL) for tag in ("title", "h1"))
    assert title and heading
    return html.unescape(title[1]), " ".join(html.unescape(re.sub("<[^>]+>", "", heading[1])).split())


def sections(client: Client, path: str = "/admin/") -> list[str]:
    return [str(link.label) for link in client.get(path).context["navigation"].sections]


def test_the_navigation_shows_what_the_role_can_open(
    editor: User, reviewer: User, manager: User, visitor: User, sign_in: SignIn
) -> None:
    everybody = ["Home", "Pages", "Pictures", "Send", "Reviews", "Clinic"]
    seen = {user.first_name: sections(sign_in(user)) for user in (editor, reviewer, manager, visitor)}

    assert seen == {
        "Nina": [*everybody, "Activity"],
        "Rosa": [*everybody, "Activity"],
        "Max": [*everybody, "People", "Activity"],
        "Ines": ["Home"],
    }


def test_every_navigation_link_opens(manager: User, sign_in: SignIn) -> None:
    client = sign_in(manager)
    links = client.get("/admin/").context["navigation"].sections
    tabs = [tab for link in links for tab in client.get(link.url).context["navigation"].tabs]

    assert len(tabs) > 15
    assert {link.url: client.get(link.url).status_code for link in (*links, *tabs)} == {
        link.url: 200 for link in (*links, *tabs)
    }


def test_every_list_is_in_the_navigation() -> None:
    names = {screen.url_name for section in get_sections() for screen in section.screens}
    models = [model._meta for model in admin.site._registry]

    assert models
    assert [str(opts) for opts in models if f"{opts.app_label}_{opts.model_name}_changelist" not in names] == []


def test_the_current_screen_is_highlighted(page: Page, manager: User, sign_in: SignIn) -> None:
    client = sign_in(manager)
    places = {
        "/admin/": ("Home", "page"),
        PAGES: ("Pages", "page"),
        change_url(page): ("Pages", "true"),
        f"{PAGES}{page.pk}/links/": ("Send", "true"),
        f"{PAGES}reviews/": ("Reviews", "page"),
        f"{PAGES}planned/": ("Pages", "page"),
        "/admin/procedures/clinicanswer/": ("Clinic", "page"),
        "/admin/staff/user/add/": ("People", "true"),
    }
    marked = {}
    for path in places:
        current = [link for link in client.get(path, follow=True).context["navigation"].sections if link.current]
        marked[path] = [(str(link.label), link.current) for link in current]

    assert marked == {path: [place] for path, place in places.items()}


def test_a_screen_below_a_list_links_back_to_it(page: Page, manager: User, sign_in: SignIn) -> None:
    text = sign_in(manager).get(f"/admin/procedures/glossaryterm/{make_term_row().pk}/change/").text

    assert re.search(r'<nav class="breadcrumbs"[^>]*>\s*<a href="/admin/procedures/glossaryterm/">Glossary</a>', text)


def make_term_row() -> GlossaryTerm:
    return GlossaryTerm.objects.create(key="bone", language="en", term="bone", definition="A hard part.")


def test_a_form_is_titled_with_the_name_of_its_row(page: Page, manager: User, sign_in: SignIn) -> None:
    client, term, figure = sign_in(manager), make_term_row(), make_figure("tip", size=(48, 48))
    wanted = {
        change_url(page): "Small cut",
        f"/admin/procedures/glossaryterm/{term.pk}/change/": "bone",
        f"/admin/procedures/glossaryterm/{term.pk}/delete/": "Delete “bone”?",
        f"/admin/procedures/glossaryterm/{term.pk}/history/": "History of “bone”",
        f"/admin/procedures/figure/{figure.pk}/change/": figure.texts.all()[0].title,
        "/admin/procedures/glossaryterm/add/": "New glossary term",
        "/admin/procedures/glossaryterm/": "Glossary",
        f"/admin/staff/user/{manager.pk}/change/": "Max",
        "/admin/staff/user/": "People",
        PAGES: "Pages",
    }

    seen = {path: title_and_heading(client.get(path, follow=True).text) for path in wanted}

    assert seen == {path: (f"{title} | Plainspine", title) for path, title in wanted.items()}


def test_bulk_deletion_asks_for_confirmation(manager: User, sign_in: SignIn) -> None:
    rows = [make_term_row(), GlossaryTerm.objects.create(key="x", language="en", term="x", definition="y")]
    client, path = sign_in(manager), "/admin/procedures/glossaryterm/"
    chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in rows]}

    asked = client.post(path, chosen).text

    assert title_and_heading(asked)[1] == "Delete 2 glossary terms?"
    assert re.search(FORBIDDEN_PHRASES, visible(asked)) is None
    client.post(path, {**chosen, "post": "yes"})
    assert not GlossaryTerm.objects.exists()


def visible(text: str) -> str:
    """Return the title and content of a page without values, previews, and Markdown sources.

    Their wording is up to the user.
    """
    text = re.sub(r"<(script|style|svg|iframe|pre|textarea|option)\b.*?</\1>", "", text, flags=re.DOTALL)
    return re.sub(r'\s(?:href|id|for|name|class|value|action|src|data-[\w-]+|aria-\w+by)="[^"]*"', "", text)


@pytest.mark.slow
def test_screens_contain_no_django_or_technical_jargon(subtests: object) -> None:
    boss = create_one_of_each_model()
    client = Client()
    client.force_login(boss)
    paths = list_screen_urls(boss)
    found, titles = {}, {}
    for path in paths:
        text = client.get(path).text
        if match := re.search(FORBIDDEN_PHRASES, visible(text)):
            found[path] = visible(text)[max(0, match.start() - 40) : match.end() + 40]
        # The letter is printed, so its title is for patients.
        if "<h1" in text and "/sheet/" not in path and (title := title_and_heading(text)[0]).count("|") != 1:
            titles[path] = title

    assert len(paths) > 80
    assert found == {}
    assert titles == {}


def test_forbidden_phrases_are_detected() -> None:
    old = ["Select page to change", "Change history: Bone", "What patients read administration", "GET FULL NAME"]

    assert [phrase for phrase in old if not re.search(FORBIDDEN_PHRASES, f"<h1>{phrase}</h1>")] == []


def test_a_list_starts_with_its_search_and_labels_every_value(page: Page, editor: User, sign_in: SignIn) -> None:
    make_public(page)
    text = sign_in(editor).get(PAGES).text

    places = [text.index(part) for part in ('id="changelist-search"', 'id="changelist-filter"', 'id="result_list"')]
    assert places == sorted(places)
    assert '<td data-label="State" class="field-workflow_state">' in text
    assert "No results." in sign_in(editor).get(PAGES, {"q": "zebra"}).text


def test_send_lists_public_pages_by_title_or_code(page: Page, editor: User, sign_in: SignIn) -> None:
    make_public(page)
    page.refresh_from_db()
    publish_copy(page, 1)
    client = sign_in(editor)

    def found(query: str) -> list[str]:
        return [release.title for _page, release, _url in client.get(f"{PAGES}send/", {"q": query}).context["rows"]]

    assert "Small cut" in found("") and "Small cut" in found("SMALL")
    assert found(page.code.lower()) == ["Small cut"]
    assert found("zebra") == []
    assert f"/p/{page.code}" in client.get(f"{PAGES}send/").text


def test_no_list_of_choices_shows_dashes(page: Page, sign_in: SignIn, admin_user: User) -> None:
    client = sign_in(admin_user)
    addresses = [change_url(page), f"{PAGES}add/", "/admin/procedures/guide/add/", "/admin/procedures/series/add/",
                 "/admin/procedures/clinicalcode/add/", "/admin/procedures/source/add/"]  # fmt: skip

    assert [address for address in addresses if "---------" in client.get(address).content.decode()] == []
