"""What patients read: home, visits, pages, guides, and every address that ever was one of them."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from portal.accounts.invitations import repair_admin_path
from portal.prepared_queries import prepared_query
from portal.published.decorators import cacheable
from procedures import languages
from procedures.enums import PageKind
from procedures.languages import home_path, language_of_path
from procedures.models import Page, Path, Release
from procedures.models.page import CARD_FIELDS, PageQuerySet
from procedures.sharing.address_index import Address, get_address_index
from procedures.sharing.messages import short_path
from procedures.sharing.path_lookup import lookup_paths
from procedures.sharing.url_repair import split_format_suffix, url_candidates
from procedures.views import redirects
from procedures.views.layout import base_context, load_clinic, render_response
from procedures.views.redirects import redirect_permanently, redirect_to_staff

# What a page shows of its release besides the article.
RELEASE_FIELDS = (
    "title is_starter translation_checked author_name reviewer_name reviewed_on published_at next_review_on "
    "what_changed"
).split()
# Addresses that are no page of staff, in every language.
RESERVED_PATHS = frozenset(
    f"{home_path(code)}{name}" for code in languages.CODES for name in ("", "visits/", "search/", "p/")
)


# No language has this name (portal/prepared_queries.py).
@prepared_query("\0language")
def _home_pages(language: str) -> PageQuerySet:
    return Page.objects.for_cards(language).on_home()


@prepared_query("\0language")
def _visit_pages(language: str) -> PageQuerySet:
    return Page.objects.for_cards(language).guides()


@cacheable
def home(request: HttpRequest, language: str) -> HttpResponse:
    """``/`` and ``/es/``: what this is, find your visit, the topics."""
    pages = _home_pages.fetch_instances(language)
    clinic = get_clinic(pages, language)
    context = base_context(
        language=language,
        clinic=clinic,
        title=_("Reading for your visit"),
        description=_("Plain words and clear pictures about spine fractures and their treatment, from your care team."),
        path=home_path(language),
        translations={code: home_path(code) for code in languages.CODES},
    )
    topics = [page_card(p) for p in pages if p.kind != PageKind.GUIDE]
    return render_response("site/home.html", {**context, "guides": _guide_cards(pages), "topics": topics})


@cacheable
def visits(request: HttpRequest, language: str) -> HttpResponse:
    """``/visits/``: all guides."""
    guides = _visit_pages.fetch_instances(language)
    path = f"{home_path(language)}visits/"
    context = base_context(
        language=language,
        clinic=get_clinic(guides, language),
        title=_("Find your visit"),
        description=_(
            "Choose your visit to see what to read, what to bring and what to ask. Or type the code on your letter."
        ),
        path=path,
        translations={code: f"{home_path(code)}visits/" for code in languages.CODES},
    )
    return render_response("site/visits.html", {**context, "guides": _guide_cards(guides)})


@cacheable
def page(request: HttpRequest, rest: str) -> HttpResponse:
    """Any other address."""
    return serve_path(f"/{rest}")


def serve_path(requested_path: str) -> HttpResponse:
    """The page at an address, one redirect to it, 410, or a helpful 404."""
    names = url_candidates(requested_path)
    coded = redirects.match_code_path(names)
    if coded:
        return redirects.redirect_short_code(*coded, requested_path)
    language = language_of_path(names[-1])
    found, base, form = _find_path(names, language), requested_path, ""
    offers: list[dict[str, str]] = []
    if found is None or " " in requested_path.strip():
        base, form = split_format_suffix(requested_path)
        names = url_candidates(base) if form else names
        found = _find_path(names, language) if form else found
    if found is not None and " " in base.strip():
        index = get_address_index()
        whole = index.find_all_words(base)
        if whole is None and index.names_other_page(base, found.page.subject):
            # “/kyphoplasty or vertebroplasty”: it may be either page.
            return render_not_found(language, _suggested_links(index.find_closest(base)[1]))
        found = _find_path([whole], language) if whole else found
    if found is None:
        for_staff = repair_admin_path(requested_path)
        if for_staff:
            return redirect_to_staff(for_staff)
        meant, offers = _find_closest_path(base, names)
        if isinstance(meant, HttpResponse):
            return meant
        found = _find_path([meant], language) if meant else None
    if found is None:
        return render_not_found(language, offers)
    return _respond_to_path(found, requested_path, form)


def _respond_to_path(row: Path, requested_path: str, form: str) -> HttpResponse:
    """Answer for the row of an address: the page, one redirect to it in this ``form``, or 410."""
    live = row.page.live_release
    if live is None:
        return _render_gone(row, is_cacheable=requested_path == row.path)
    target = live.path + form
    if target != requested_path:
        return redirect_permanently(target, is_cacheable=requested_path == row.path)
    return render_response(
        "site/guide.html" if row.page.kind == PageKind.GUIDE else "site/page.html",
        page_context(row.page, live, row.clinic, translation_paths(row)),
    )


def _find_path(candidates: list[str], language: str) -> Path | None:
    """The row of the first of these addresses that has one."""
    rows = {row.path: row for row in lookup_paths(candidates, language)}
    return next((rows[name] for name in candidates if name in rows), None)


def _find_closest_path(
    requested_path: str, candidates: list[str]
) -> tuple[str | HttpResponse | None, list[dict[str, str]]]:
    """For an address that no row has: the path or the redirect that was meant, else pages to offer."""
    index = get_address_index()
    path = index.find_same_letters(requested_path)
    if path:
        return path, []
    fixed = _redirect_reserved_path(requested_path, candidates)
    if fixed:
        return fixed, []
    path, offers = index.find_closest(requested_path)
    return path, _suggested_links(offers)


def _suggested_links(addresses: list[Address]) -> list[dict[str, str]]:
    return [{"title": address.title, "href": address.live_path} for address in addresses if address.live_path]


def page_context(
    page: Page, release: Release, clinic: dict[str, Any] | None, translations: dict[str, str | None]
) -> dict[str, Any]:
    """Context of ``site/page.html`` and ``site/guide.html``. The release may be unsaved: a preview."""
    context = base_context(
        language=page.language,
        clinic=clinic,
        title=release.title,
        description=release.description,
        path=release.path,
        translations=translations,
    )
    if page.kind == PageKind.GUIDE:
        visits_crumb = {"label": _("Your visit"), "href": f"{home_path(page.language)}visits/"}
        context["breadcrumbs"].insert(1, visits_crumb)
    values = {name: getattr(release, name) for name in RELEASE_FIELDS}
    context["code_path"] = short_path(page.language, page.code)
    context["code_url"] = settings.PUBLIC_URL + context["code_path"]
    context["clear_href"] = f"{home_path(page.language)}clear/{page.code}/"
    return {**context, "release": {**values, "html": release.article}}


def page_card(page: Page) -> dict[str, Any]:
    """A page in a list, from its release."""
    live = page.live_release
    if live is None:
        raise ValueError("Only published pages have cards.")
    # Only these: a change of them is what renews the lists (publishing/invalidation.py).
    shown = {name: getattr(live, name) for name in CARD_FIELDS}
    return {**shown, "href": live.path, "picture": live.thumbnail, "kind": page.kind}


def _guide_cards(pages: list[Page]) -> list[dict[str, Any]]:
    return [page_card(page) for page in pages if page.kind == PageKind.GUIDE]


def get_clinic(pages: list[Page], language: str) -> dict[str, Any] | None:
    """The clinic came with the pages; where there are none yet, it is asked for."""
    clinic: dict[str, Any] | None = getattr(pages[0], "clinic", None) if pages else load_clinic(language)[0]
    return clinic


def translation_paths(path_row: Path | None) -> dict[str, str | None]:
    """Address of the same subject by language, as ``for_reading`` found it."""
    return {code: getattr(path_row, f"path_{code}", None) for code in languages.CODES}


def _render_gone(row: Path, *, is_cacheable: bool) -> HttpResponse:
    page, new = row.page, row.page.replaced_by
    release = new.live_release if new else None
    context = base_context(language=page.language, clinic=row.clinic, title=row.last_title)
    replacement = {"title": release.title, "href": release.path} if release else None
    values = {
        # What patients read last; the draft may have another title by now.
        "title": row.last_title,
        "reason": page.withdrawn_reason,
        "replacement": replacement,
        "robots": "noindex",
    }
    return render_response("site/gone.html", {**context, **values}, status=410, is_cacheable=is_cacheable)


def _redirect_reserved_path(requested_path: str, candidates: list[str]) -> HttpResponse | None:
    """A damaged address of a list or of the home page."""
    meant = next((name for name in map(_normalize_language_prefix, candidates) if name in RESERVED_PATHS), None)
    # Signs that nobody can read are nobody's way home.
    if meant is None or (meant == "/" and not requested_path.strip().isprintable()):
        return None
    return redirect_permanently(meant)


def _normalize_language_prefix(path: str) -> str:
    """``/en/visits/`` and ``/visits/es/`` in this site's form: ``/visits/`` and ``/es/visits/``."""
    default, *others = (f"/{code}/" for code in languages.CODES)
    for folder in others:
        while path.startswith(folder[:-1] + folder):
            path = path.removeprefix(folder[:-1])
    if path.startswith(default) or (path.endswith(default) and path != default):
        return path.removeprefix(default[:-1]).removesuffix(default[1:])
    for folder in others:
        if path.endswith(folder) and path != folder:
            return folder[:-1] + path.removesuffix(folder[1:])
    return path


def render_not_found(language: str, offers: list[dict[str, str]]) -> HttpResponse:
    """404 that searches and offers."""
    context = base_context(language=language, clinic=load_clinic(language)[0], title=_("This page is not here"))
    response = render_response("site/not_found.html", {**context, "offers": offers, "robots": "noindex"}, status=404)
    response.headers["Cache-Control"] = "no-store"
    return response
