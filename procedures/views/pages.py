"""Public pages: home, visits, pages and guides at their current and earlier URLs."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from portal.accounts.invitations import repair_admin_path
from portal.published.decorators import cacheable
from procedures import languages
from procedures.enums import PageKind
from procedures.languages import home_path, language_of_path
from procedures.models import Page, Path, Release
from procedures.models.page import CARD_FIELDS
from procedures.sharing.address_index import Address, get_address_index
from procedures.sharing.messages import short_path
from procedures.sharing.path_lookup import lookup_paths
from procedures.sharing.url_repair import split_format_suffix, url_candidates
from procedures.views import redirects
from procedures.views.layout import base_context, load_clinic, render_response
from procedures.views.redirects import redirect_permanently, redirect_to_staff

# Fields of a release that its page shows, besides the article.
RELEASE_FIELDS = (
    "title is_starter translation_checked author_name reviewer_name reviewed_on published_at next_review_on "
    "what_changed"
).split()
# Paths of views in every language. No page written by staff has one of them.
RESERVED_PATHS = frozenset(
    f"{home_path(code)}{name}" for code in languages.CODES for name in ("", "visits/", "search/", "p/")
)


@cacheable
def home(request: HttpRequest, language: str) -> HttpResponse:
    """``/`` and ``/es/``: an introduction, the guides, and the topics."""
    pages = list(Page.objects.for_cards(language).on_home())
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
    """``/visits/``: list all guides."""
    guides = list(Page.objects.for_cards(language).guides())
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
    """Serve any other path."""
    return serve_path(f"/{rest}")


def serve_path(requested_path: str) -> HttpResponse:
    """Return the page at a path, one redirect to it, 410 for a withdrawn page, or 404 with suggestions."""
    candidates = url_candidates(requested_path)
    code_match = redirects.match_code_path(candidates)
    if code_match:
        return redirects.redirect_short_code(*code_match)
    language = language_of_path(candidates[-1])
    row, base, suffix = _find_path(candidates, language), requested_path, ""
    offers: list[dict[str, str]] = []
    if row is None or " " in requested_path.strip():
        base, suffix = split_format_suffix(requested_path)
        candidates = url_candidates(base) if suffix else candidates
        row = _find_path(candidates, language) if suffix else row
    if row is not None and " " in base.strip():
        index = get_address_index()
        full_match = index.find_all_words(base)
        if full_match is None and index.names_other_page(base, row.page.subject):
            # “/kyphoplasty or vertebroplasty” can be either page.
            return render_not_found(language, _suggested_links(index.find_closest(base)[1]))
        row = _find_path([full_match], language) if full_match else row
    if row is None:
        admin_path = repair_admin_path(requested_path)
        if admin_path:
            return redirect_to_staff(admin_path)
        closest, offers = _find_closest_path(base, candidates)
        if isinstance(closest, HttpResponse):
            return closest
        row = _find_path([closest], language) if closest else None
    if row is None:
        return render_not_found(language, offers)
    return _respond_to_path(row, requested_path, suffix)


def _respond_to_path(row: Path, requested_path: str, suffix: str) -> HttpResponse:
    """Return the page of a path, one redirect to it with ``suffix``, or 410."""
    live = row.page.live_release
    if live is None:
        return _render_gone(row)
    target = live.path + suffix
    if target != requested_path:
        return redirect_permanently(target)
    return render_response(
        "site/guide.html" if row.page.kind == PageKind.GUIDE else "site/page.html",
        page_context(row.page, live, row.clinic, translation_paths(row)),
    )


def _find_path(candidates: list[str], language: str) -> Path | None:
    """Return the row of the first candidate that has one."""
    rows = {row.path: row for row in lookup_paths(candidates, language)}
    return next((rows[path] for path in candidates if path in rows), None)


def _find_closest_path(
    requested_path: str, candidates: list[str]
) -> tuple[str | HttpResponse | None, list[dict[str, str]]]:
    """Return the closest path, or a redirect, for a path without a row; otherwise links to similar pages."""
    index = get_address_index()
    path = index.find_same_letters(requested_path)
    if path:
        return path, []
    redirect = _redirect_reserved_path(requested_path, candidates)
    if redirect:
        return redirect, []
    path, offers = index.find_closest(requested_path)
    return path, _suggested_links(offers)


def _suggested_links(addresses: list[Address]) -> list[dict[str, str]]:
    return [{"title": address.title, "href": address.live_path} for address in addresses if address.live_path]


def page_context(
    page: Page, release: Release, clinic: dict[str, Any] | None, translations: dict[str, str | None]
) -> dict[str, Any]:
    """Return the context of ``site/page.html`` and ``site/guide.html``. ``release`` is unsaved in a preview."""
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
    """Return the values of a card for a page, from its live release."""
    live = page.live_release
    if live is None:
        raise ValueError("Only published pages have cards.")
    # Only these fields: lists are invalidated when one of them changes (publishing/invalidation.py).
    shown = {name: getattr(live, name) for name in CARD_FIELDS}
    return {**shown, "href": live.path, "picture": live.thumbnail, "kind": page.kind}


def _guide_cards(pages: list[Page]) -> list[dict[str, Any]]:
    return [page_card(page) for page in pages if page.kind == PageKind.GUIDE]


def get_clinic(pages: list[Page], language: str) -> dict[str, Any] | None:
    """Return the clinic that was annotated on ``pages``; query it if there are no pages yet."""
    clinic: dict[str, Any] | None = getattr(pages[0], "clinic", None) if pages else load_clinic(language)[0]
    return clinic


def translation_paths(path_row: Path | None) -> dict[str, str | None]:
    """Return the paths of the same subject by language, as annotated on ``path_row``."""
    return {code: getattr(path_row, f"path_{code}", None) for code in languages.CODES}


def _render_gone(row: Path) -> HttpResponse:
    page, new = row.page, row.page.replaced_by
    release = new.live_release if new else None
    context = base_context(language=page.language, clinic=row.clinic, title=row.last_title)
    replacement = {"title": release.title, "href": release.path} if release else None
    values = {
        # The title that patients saw last; the draft may have a different one by now.
        "title": row.last_title,
        "reason": page.withdrawn_reason,
        "replacement": replacement,
        "robots": "noindex",
    }
    return render_response("site/gone.html", {**context, **values}, status=410)


def _redirect_reserved_path(requested_path: str, candidates: list[str]) -> HttpResponse | None:
    """Redirect from a damaged path of a list or of the home page."""
    path = next((name for name in map(_normalize_language_prefix, candidates) if name in RESERVED_PATHS), None)
    # A path of unprintable characters is no damaged home page.
    if path is None or (path == "/" and not requested_path.strip().isprintable()):
        return None
    return redirect_permanently(path)


def _normalize_language_prefix(path: str) -> str:
    """Return ``/en/visits/`` and ``/visits/es/`` in canonical form: ``/visits/`` and ``/es/visits/``."""
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
    """Return 404 with a search form and suggested pages."""
    context = base_context(language=language, clinic=load_clinic(language)[0], title=_("This page is not here"))
    response = render_response("site/not_found.html", {**context, "offers": offers, "robots": "noindex"}, status=404)
    response.headers["Cache-Control"] = "no-store"
    return response
