"""What patients read: home, visits, pages, guides, and every address that ever was one of them."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from portal.compiled import compiled
from portal.serving.public import public
from portal.staff.damaged import staff_address
from procedures.enums import Language, PageKind
from procedures.links.address_index import Address, address_index
from procedures.links.kit import neutral_path
from procedures.links.read import read
from procedures.links.resolve import candidates, without_form
from procedures.models import Page, Path, Release
from procedures.models.page import ON_CARDS, PageQuerySet
from procedures.views import codes
from procedures.views.chrome import frame, root, show, site_now
from procedures.views.moved import moved, to_staff

# What a page shows of its release besides the article.
SHOWN = (
    "title is_starter translation_checked author_name reviewer_name reviewed_on published_at next_review_on "
    "what_changed"
).split()
# Addresses that are no page of staff, in every language.
FIXED = frozenset(f"{root(code)}{name}" for code in Language.values for name in ("", "visits/", "search/", "p/"))


# No language has this name (portal/compiled.py).
@compiled("\0language")
def _for_home(language: str) -> PageQuerySet:
    return Page.objects.for_cards(language).on_home()


@compiled("\0language")
def _for_visits(language: str) -> PageQuerySet:
    return Page.objects.for_cards(language).guides()


@public
def home(request: HttpRequest, language: str) -> HttpResponse:
    """``/`` and ``/es/``: what this is, find your visit, the topics."""
    pages = _for_home.models(language)
    clinic = clinic_of(pages, language)
    context = frame(
        language=language,
        clinic=clinic,
        title=_("Reading for your visit"),
        description=_("Plain words and clear pictures about spine fractures and their treatment, from your care team."),
        path=root(language),
        translations={code: root(code) for code in Language.values},
    )
    topics = [card(p) for p in pages if p.kind != PageKind.GUIDE]
    return show("site/home.html", {**context, "guides": _guides(pages), "topics": topics})


@public
def visits(request: HttpRequest, language: str) -> HttpResponse:
    """``/visits/``: all guides."""
    guides = _for_visits.models(language)
    path = f"{root(language)}visits/"
    context = frame(
        language=language,
        clinic=clinic_of(guides, language),
        title=_("Find your visit"),
        description=_(
            "Choose your visit to see what to read, what to bring and what to ask. Or type the code on your letter."
        ),
        path=path,
        translations={code: f"{root(code)}visits/" for code in Language.values},
    )
    return show("site/visits.html", {**context, "guides": _guides(guides)})


@public
def page(request: HttpRequest, rest: str) -> HttpResponse:
    """Any other address."""
    return answer(f"/{rest}")


def answer(asked: str) -> HttpResponse:
    """The page at an address, one redirect to it, 410, or a helpful 404."""
    names = candidates(asked)
    coded = codes.code_address(names)
    if coded:
        return codes.answer(*coded, asked)
    language = Language.SPANISH if names[-1].startswith("/es/") else Language.ENGLISH
    found, base, form = _find(names, language), asked, ""
    offers: list[dict[str, str]] = []
    if found is None or " " in asked.strip():
        base, form = without_form(asked)
        names = candidates(base) if form else names
        found = _find(names, language) if form else found
    if found is not None and " " in base.strip():
        index = address_index()
        whole = index.whole(base)
        if whole is None and index.names_another(base, found.page.subject):
            # “/kyphoplasty or vertebroplasty”: it may be either page.
            return not_found(language, _offered(index.closest(base)[1]))
        found = _find([whole], language) if whole else found
    if found is None:
        for_staff = staff_address(asked)
        if for_staff:
            return to_staff(for_staff)
        meant, offers = _meant(base, names)
        if isinstance(meant, HttpResponse):
            return meant
        found = _find([meant], language) if meant else None
    if found is None:
        return not_found(language, offers)
    return _page_at(found, asked, form)


def _page_at(found: Path, asked: str, form: str) -> HttpResponse:
    """Answer for the row of an address: the page, one redirect to it in this ``form``, or 410."""
    live = found.page.live_release
    if live is None:
        return _gone(found, lasting=asked == found.path)
    target = live.path + form
    if target != asked:
        return moved(target, lasting=asked == found.path)
    return show(
        "site/guide.html" if found.page.kind == PageKind.GUIDE else "site/page.html",
        page_context(found.page, live, found.clinic, translations_of(found)),
    )


def _find(names: list[str], language: str) -> Path | None:
    """The row of the first of these addresses that has one."""
    rows = {row.path: row for row in read(names, language)}
    return next((rows[name] for name in names if name in rows), None)


def _meant(asked: str, names: list[str]) -> tuple[str | HttpResponse | None, list[dict[str, str]]]:
    """For an address that no row has: the path or the redirect that was meant, else pages to offer."""
    index = address_index()
    path = index.same(asked)
    if path:
        return path, []
    fixed = _fixed(asked, names)
    if fixed:
        return fixed, []
    path, offers = index.closest(asked)
    return path, _offered(offers)


def _offered(addresses: list[Address]) -> list[dict[str, str]]:
    return [{"title": address.title, "href": address.live} for address in addresses if address.live]


def page_context(
    page: Page, release: Release, clinic: dict[str, Any] | None, translations: dict[str, str | None]
) -> dict[str, Any]:
    """Context of ``site/page.html`` and ``site/guide.html``. The release may be unsaved: a preview."""
    context = frame(
        language=page.language,
        clinic=clinic,
        title=release.title,
        description=release.description,
        path=release.path,
        translations=translations,
    )
    if page.kind == PageKind.GUIDE:
        visits_crumb = {"label": _("Your visit"), "href": f"{root(page.language)}visits/"}
        context["breadcrumbs"].insert(1, visits_crumb)
    values = {name: getattr(release, name) for name in SHOWN}
    context["code_path"] = neutral_path(page.language, page.code)
    context["code_url"] = settings.PUBLIC_URL + context["code_path"]
    context["clear_href"] = f"{root(page.language)}clear/{page.code}/"
    return {**context, "release": {**values, "html": release.article}}


def card(page: Page) -> dict[str, Any]:
    """A page in a list, from its release."""
    live = page.live_release
    if live is None:
        raise ValueError("Only published pages have cards.")
    # Only these: a change of them is what renews the lists (publishing/generation.py).
    shown = {name: getattr(live, name) for name in ON_CARDS}
    return {**shown, "href": live.path, "picture": live.thumbnail, "kind": page.kind}


def _guides(pages: list[Page]) -> list[dict[str, Any]]:
    return [card(page) for page in pages if page.kind == PageKind.GUIDE]


def clinic_of(pages: list[Page], language: str) -> dict[str, Any] | None:
    """The clinic came with the pages; where there are none yet, it is asked for."""
    clinic: dict[str, Any] | None = getattr(pages[0], "clinic", None) if pages else site_now(language)[0]
    return clinic


def translations_of(row: Path | None) -> dict[str, str | None]:
    """Address of the same subject by language, as ``for_reading`` found it."""
    return {code: getattr(row, f"path_{code}", None) for code in Language.values}


def _gone(row: Path, *, lasting: bool) -> HttpResponse:
    page, new = row.page, row.page.replaced_by
    release = new.live_release if new else None
    context = frame(language=page.language, clinic=row.clinic, title=row.last_title)
    replacement = {"title": release.title, "href": release.path} if release else None
    values = {
        # What patients read last; the draft may have another title by now.
        "title": row.last_title,
        "reason": page.withdrawn_reason,
        "replacement": replacement,
        "robots": "noindex",
    }
    return show("site/gone.html", {**context, **values}, status=410, lasting=lasting)


def _fixed(asked: str, names: list[str]) -> HttpResponse | None:
    """A damaged address of a list or of the home page."""
    meant = next((name for name in map(_language_first, names) if name in FIXED), None)
    # Signs that nobody can read are nobody's way home.
    if meant is None or (meant == "/" and not asked.strip().isprintable()):
        return None
    return moved(meant)


def _language_first(name: str) -> str:
    """``/en/visits/`` and ``/visits/es/`` in this site's form: ``/visits/`` and ``/es/visits/``."""
    english, spanish = (f"/{code}/" for code in (Language.ENGLISH, Language.SPANISH))
    while name.startswith(spanish[:-1] + spanish):
        name = name.removeprefix(spanish[:-1])
    if name.startswith(english) or (name.endswith(english) and name != english):
        return name.removeprefix(english[:-1]).removesuffix(english[1:])
    if name.endswith(spanish) and name != spanish:
        return spanish[:-1] + name.removesuffix(spanish[1:])
    return name


def not_found(language: str, offers: list[dict[str, str]]) -> HttpResponse:
    """404 that searches and offers."""
    context = frame(language=language, clinic=site_now(language)[0], title=_("This page is not here"))
    response = show("site/not_found.html", {**context, "offers": offers, "robots": "noindex"}, status=404)
    response.headers["Cache-Control"] = "no-store"
    return response
