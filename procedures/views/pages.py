"""Public pages: home, visits, search; pages and guides at current and earlier URLs, by short code, and as plain text.

A page's other formats are plain text and, for a guide, a booklet with the pages of its reading list.
"""

import re
import textwrap
from html import unescape
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy as _

from portal.accounts.invitations import repair_admin_path
from portal.http import public_response
from portal.security import TokenBucket
from procedures import languages
from procedures.addresses import (
    BOOKLET_SUFFIX,
    FEEDBACK,
    LISTS,
    PICTURE_PREFIX,
    PLAIN_TEXT_SUFFIX,
    SEARCH,
    SHORT_CODES,
    VISITS,
)
from procedures.enums import PageKind
from procedures.languages import home_path, language_of_path
from procedures.models import Page, Path, Release
from procedures.models.page import CARD_FIELDS
from procedures.rendering.blocks.warning_signs import ANCHOR as SIGNS_ANCHOR
from procedures.rendering.document import PAGE_SIGNS, Block, Heading, Text, walk
from procedures.rendering.html import rebase_article
from procedures.rendering.renderer import embed_release, released_document
from procedures.search import SearchResults, get_index
from procedures.sharing.short_codes import build_qr_code, is_valid_code, parse_code, short_path, short_url
from procedures.sharing.url_repair import (
    Address,
    ends_with_hyphen,
    get_address_index,
    has_other_words,
    normalize_language,
    split_suffix,
    url_candidates,
)
from procedures.views.errors import render_not_found, too_many_requests
from procedures.views.layout import base_context, load_clinic, render_response

# Fields of a release that its page shows, besides the article.
RELEASE_FIELDS = (
    "title is_starter translation_checked minutes author_name reviewer_name reviewed_on published_at next_review_on "
    "what_changed"
).split()
# Paths of views in every language. No page written by staff has one of them.
RESERVED_PATHS = frozenset(
    f"{home_path(code)}{name}" for code in languages.CODES for name in (*LISTS, SEARCH, SHORT_CODES)
)
# Situations that a reader may be in, with the kinds of pages for each, which are all kinds of topics. The card of a
# situation links to its first page.
READER_SITUATIONS = {
    _("I broke a bone in my back"): (PageKind.CONDITION,),
    _("I'm choosing a treatment"): (PageKind.CHOICE, PageKind.PROCEDURE, PageKind.RISKS),
    _("My procedure is coming up"): (PageKind.PREPARATION, PageKind.DAY),
    _("I'm back home"): (PageKind.RECOVERY, PageKind.PREVENTION),
}
# The page with the list of warning signs.
SIGNS_SUBJECT = "nerve-damage-warning-signs"
MAX_QUERY_LENGTH = 100
MAX_TOPICS = 40
# High enough for a waiting room behind one IP address, but low enough to slow down a scraper.
SEARCH_RATE_LIMIT = TokenBucket(burst=60, per_second=5)
MAX_CODE_LENGTH = 40
# A short code, its QR code, or the feedback form of its page.
CODE_PATH = re.compile(rf"/(?:({'|'.join(languages.CODES)})/)?({SHORT_CODES}|{FEEDBACK})(.+?)(\.svg|/thanks)?/\Z")
PLAIN_TEXT_WIDTH = 72


@public_response
def home(request: HttpRequest, language: str) -> HttpResponse:
    """``/`` and ``/es/``: the situations that a reader may be in, each with a page to read, and all topics."""
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
    groups = _group_by_situation([page_card(p) for p in pages if p.kind != PageKind.GUIDE])
    situations = [{**group["topics"][0], "label": group["label"]} for group in groups]
    values = {"situations": situations, "groups": groups, "visits_href": f"{home_path(language)}{VISITS}"}
    signs_href = next((f"{page_card(p)['href']}#{SIGNS_ANCHOR}" for p in pages if p.subject == SIGNS_SUBJECT), "")
    return render_response("site/home.html", {**context, **values, "signs_href": signs_href})


def _group_by_situation(topics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return {label, topics} for each situation that has topics."""
    by_label = {
        label: [topic for kind in kinds for topic in topics if topic["kind"] == kind]
        for label, kinds in READER_SITUATIONS.items()
    }
    return [{"label": label, "topics": found} for label, found in by_label.items() if found]


@public_response
def visits(request: HttpRequest, language: str) -> HttpResponse:
    """``/visits/``: list all guides."""
    guides = list(Page.objects.for_cards(language).guides())
    path = f"{home_path(language)}{VISITS}"
    context = base_context(
        language=language,
        clinic=get_clinic(guides, language),
        title=_("Guides for your visits and procedure"),
        description=_(
            "Choose your visit to see what to read, what to bring, and what to ask. Or enter the code from your letter."
        ),
        path=path,
        translations={code: f"{home_path(code)}{VISITS}" for code in languages.CODES},
    )
    return render_response("site/visits.html", {**context, "guides": [page_card(page) for page in guides]})


@public_response
def search(request: HttpRequest, language: str) -> HttpResponse:
    """Show the sections that match a query, and all topics if there is no query or no result."""
    if SEARCH_RATE_LIMIT.is_limited(request):
        return too_many_requests(request)
    query = " ".join(request.GET.get("q", "")[:MAX_QUERY_LENGTH].replace("\0", " ").split())
    results, clinic, pages = SearchResults([]), None, []
    if query:
        clinic, event = load_clinic(language)
        results = get_index(language, event).search(query)
    if not results.results:
        pages = list(Page.objects.for_cards(language)[:MAX_TOPICS])
        clinic = clinic or get_clinic(pages, language)
    context = base_context(
        language=language,
        clinic=clinic,
        title=_("Search"),
        path=f"{home_path(language)}{SEARCH}",
        translations={code: f"{home_path(code)}{SEARCH}" for code in languages.CODES},
    )
    values = {
        "query": query,
        "searched": bool(query),
        "results": results.results,
        "suggestion": results.suggestion if results.suggestion != query.casefold() else "",
        "topics": [page_card(page) for page in pages],
        "robots": "noindex",
    }
    response = render_response("site/search.html", {**context, **values})
    response.headers["Cache-Control"] = "no-store"
    return response


@public_response
def page(request: HttpRequest, rest: str) -> HttpResponse:
    """Serve any other path."""
    return serve_path(f"/{rest}")


def serve_path(requested_path: str) -> HttpResponse:
    """Return the page at a path, one redirect to it, 410 for a withdrawn page, or 404 with suggestions."""
    candidates = url_candidates(requested_path)
    code_response = _respond_to_code_path(candidates)
    if code_response:
        return code_response
    language = language_of_path(normalize_language(candidates[-1]))
    row, base, suffix = _find_path(candidates), requested_path, ""
    suggestions: list[dict[str, str]] = []
    if row is None or has_other_words(requested_path):
        base, suffix = split_suffix(requested_path)
        candidates = url_candidates(base) if suffix else candidates
        row = _find_path(candidates) if suffix else row
    if row is not None and not suffix and ends_with_hyphen(base):
        # Perhaps the start of a longer address.
        row = None
    if row is not None and has_other_words(base):
        index = get_address_index()
        full_match = index.find_all_words(base)
        if full_match is None and index.names_other_page(base, row.page.subject):
            # “/kyphoplasty or vertebroplasty” can be either page.
            return render_not_found(language, _suggested_links(index.find_closest(base)[1]))
        row = _find_path([full_match]) if full_match else row
    if row is None:
        admin_path = repair_admin_path(requested_path)
        if admin_path:
            return redirect_to_staff(admin_path)
        closest, suggestions = _find_closest_path(base, candidates)
        if isinstance(closest, HttpResponse):
            return closest
        row = _find_path([closest]) if closest else None
    if row is None:
        return render_not_found(language, suggestions)
    return _respond_to_path(row, requested_path, suffix)


def _respond_to_path(row: Path, requested_path: str, suffix: str) -> HttpResponse:
    """Return the page of a path, one redirect to it with ``suffix``, or 410."""
    live = row.page.live_release
    if live is None:
        return _render_gone(row)
    if (
        suffix.startswith(PICTURE_PREFIX)
        and suffix[len(PICTURE_PREFIX) : -1] not in released_document(live).large_figures
    ):
        # The picture left the page, or its name is damaged.
        suffix = ""
    target = live.path + suffix
    if target != requested_path:
        return redirect_to_canonical_path(target)
    context = page_context(row.page, live, row.clinic, translation_paths(row))
    # Browsers resolve relative links against “/x%2F”, which is served here as “/x/”.
    context["release"]["html"] = rebase_article(live.article, {"addresses": row.link_places or []}, live.path)
    return render_response("site/page.html", context)


def _find_path(candidates: list[str]) -> Path | None:
    """Return the row of the first candidate that has one."""
    rows = {row.path: row for row in Path.objects.with_public_data().filter(path__in=candidates)}
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
    path, suggestions = index.find_closest(requested_path)
    return path, _suggested_links(suggestions)


def _suggested_links(addresses: list[Address]) -> list[dict[str, str]]:
    return [{"title": address.title, "href": address.live_path} for address in addresses if address.live_path]


def page_context(
    page: Page, release: Release, clinic: dict[str, Any] | None, translations: dict[str, str | None]
) -> dict[str, Any]:
    """Return the context of ``site/page.html``. ``release`` is unsaved in a preview."""
    context = base_context(
        language=page.language,
        clinic=clinic,
        title=release.title,
        description=release.description,
        path=release.path,
        translations=translations,
    )
    values = {name: getattr(release, name) for name in RELEASE_FIELDS}
    context["code_path"] = short_path(page.language, page.code)
    context["code_url"] = settings.PUBLIC_URL + context["code_path"]
    context["clear_href"] = f"{home_path(page.language)}{FEEDBACK}{page.code}/"
    context["is_guide"] = page.kind == PageKind.GUIDE
    return {**context, "release": {**values, "path": release.path, "html": release.article}}


def page_card(page: Page) -> dict[str, Any]:
    """Return the values of a card for a page, from its live release."""
    live = page.live_release
    if live is None:
        raise ValueError("Only published pages have cards.")
    # Only these fields: lists are invalidated when one of them changes (publishing/site_source.py).
    shown = {name: getattr(live, name) for name in CARD_FIELDS}
    return {**shown, "href": live.path, "kind": page.kind}


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
        # The last title that patients saw; the draft may have a different one by now.
        "title": row.last_title,
        "reason": page.withdrawn_reason,
        "replacement": replacement,
        "robots": "noindex",
    }
    return render_response("site/gone.html", {**context, **values}, status=410)


def _redirect_reserved_path(requested_path: str, candidates: list[str]) -> HttpResponse | None:
    """Redirect from a damaged path of a list or of the home page."""
    path = next((name for name in map(normalize_language, candidates) if name in RESERVED_PATHS), None)
    # A path of percent signs or unprintable characters is not a damaged home page URL.
    if path is None or (path == "/" and ("%" in requested_path or not requested_path.strip().isprintable())):
        return None
    return redirect_to_canonical_path(path)


def redirect_to_canonical_path(path: str) -> HttpResponse:
    """Redirect to a canonical path. ``path`` must come from the database or from a constant, never from the request.

    Leaves Cache-Control to ``@public_response``, so that browsers revalidate the redirect on every visit: a page can
    return to an earlier path, and a redirect cached from there would cause a loop.
    """
    return HttpResponse(status=301, headers={"Location": path})


def redirect_to_staff(path: str) -> HttpResponse:
    """Redirect to an admin page without caching, because ``path`` can contain the token of a one-time link."""
    response = HttpResponseRedirect(path)
    response.headers["Cache-Control"] = "no-store"
    return response


@public_response
def short_code_form(request: HttpRequest, language: str) -> HttpResponse:
    """``/p/``: show a form for a code, and redirect to the page of ``?code=``."""
    return redirect_short_code(request.GET.get("code", ""), language)


def _respond_to_code_path(candidates: list[str]) -> HttpResponse | None:
    """Return the response to the path of a short code, of its QR code, or of its feedback form; None for other paths.

    ``candidates[0]`` is the requested path, the others are repaired.
    """
    paths = map(normalize_language, candidates[1:] or candidates)
    match = next((found for path in paths if (found := CODE_PATH.match(path))), None)
    if match is None:
        return None
    language, folder, code, suffix = match[1] or languages.DEFAULT, match[2], match[3], match[4] or ""
    if folder == SHORT_CODES and not suffix:
        # The code as typed, not repaired: it is shown in the form, and it can contain spaces.
        typed = re.search(r"(?i:\bp)/+(.+?)/*\Z", candidates[0], re.DOTALL)
        return redirect_short_code(typed[1] if typed else code, language)
    valid_code = parse_code(code[:MAX_CODE_LENGTH])
    page = Page.objects.with_code(valid_code).first() if valid_code else None
    last = (page.live_release or page.releases.order_by("-number").first()) if page else None
    if page is None or last is None:
        return redirect_short_code(code, language) if folder == SHORT_CODES else render_not_found(language, [])
    if page.live_release is None:
        return serve_path(last.path)
    if folder == FEEDBACK:
        # The form is in the language of its page.
        return redirect_to_canonical_path(f"{home_path(page.language)}{FEEDBACK}{page.code}{suffix}/")
    return redirect_to_canonical_path(f"{home_path(language)}{SHORT_CODES}{page.code}{suffix}")


def redirect_short_code(code: str, language: str) -> HttpResponse:
    """Redirect to the page of a code. A check character keeps a mistyped code from leading to another page."""
    code = code[:MAX_CODE_LENGTH]
    valid_code = parse_code(code)
    if valid_code:
        page = Page.objects.with_code(valid_code).first()
        if page:
            # The last path of a withdrawn page explains why it was withdrawn.
            last = page.live_release or page.releases.order_by("-number").first()
            if last:
                return redirect_to_canonical_path(last.path)
    context = base_context(language=language, clinic=load_clinic(language)[0], title=_("Please check the code"))
    error = _(
        "We could not find this code. Check your letter: codes have 6 letters and digits and never "
        "contain 0, O, 1, I, L, or U."
    )
    values = {"code": code, "error": error if code else "", "robots": "noindex"}
    return render_response("site/short_code.html", {**context, **values}, status=404 if code else 200)


@public_response
def qr_code(request: HttpRequest, language: str, code: str) -> HttpResponse:
    """``/p/K7M4P2.svg``: the URL of a code as a QR code, for printed pages."""
    page = Page.objects.with_code(code).published().first() if is_valid_code(code) else None
    if page is None:
        return serve_path(request.path_info)
    drawing = build_qr_code(short_url(language, code))
    svg = render_to_string("components/qr.html", {"qr": drawing, "file": True})
    return HttpResponse(svg.strip(), content_type="image/svg+xml")


@public_response
def picture(request: HttpRequest, address: str, slug: str) -> HttpResponse:
    """``/kyphoplasty/picture/needle/``: a picture of a page, large, with its markers, explanations, and a way back."""
    path = f"/{address}"
    row, release = _find_release(path)
    figure = released_document(release).large_figures.get(slug) if release and release.path == path else None
    if row is None or release is None or figure is None:
        return serve_path(f"{path}{PICTURE_PREFIX}{slug}/")
    context = page_context(row.page, release, row.clinic, {})
    context["breadcrumbs"][-1]["href"] = path
    context["breadcrumbs"].append({"label": _("Picture"), "href": None})
    values = {
        "page_title": f"{figure['caption']} {release.title}",
        "figure": figure["html"],
        "back_href": f"{path}#{figure['anchor']}",
        "robots": "noindex",
        "canonical_url": "",
    }
    return render_response("site/picture.html", {**context, **values})


@public_response
def plain_text(request: HttpRequest, address: str) -> HttpResponse:
    """``/kyphoplasty/plain.txt``: the text of a page, for screen readers, email, and old printers."""
    path = f"/{address}"
    row, release = _find_release(path)
    if row is None or release is None or release.path != path:
        return serve_path(f"{path}{PLAIN_TEXT_SUFFIX}")
    with translation.override(row.page.language):
        text = _format_plain_text(release, row)
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response.headers["Content-Language"] = str(row.page.language)
    # Search engines should list the page itself.
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _find_release(path: str) -> tuple[Path, Release] | tuple[None, None]:
    """Return the row of a path, current or former, and the live release of its page."""
    row = Path.objects.with_public_data().filter(path=path).first()
    release = row.page.live_release if row else None
    return (row, release) if row and release else (None, None)


def _format_plain_text(release: Release, row: Path) -> str:
    lines: list[str] = []
    for number, section in enumerate(release.sections):
        if section["title"]:
            lines += ["", section["title"].upper(), ""]
        for position, block in enumerate(section["text"].split("\n")):
            lines += [textwrap.fill(block, PLAIN_TEXT_WIDTH), ""]
            if number == position == 0:  # below the title
                lines += _format_emergency_signs(release)
    clinic: dict[str, Any] = row.clinic or {}
    lines += ["", *_format_sources(release), "", *_format_status(release, row.page)]
    lines += ["", f"{clinic.get('name', '')}  {clinic.get('phone', '')}".strip()]
    text = "\n".join(lines).strip() + "\n"
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


def _format_sources(release: Release) -> list[str]:
    """Return the numbered sources of a page with their addresses. Its sections leave them out."""
    lines: list[str] = []
    for block in released_document(release).back:
        if not isinstance(block, Block) or block.name != "sources":
            continue
        entries = [node for node in walk(block.children) if isinstance(node, Text) and not isinstance(node, Heading)]
        lines += [node.text.upper() for node in walk(block.children) if isinstance(node, Heading)] + [""]
        for number, entry in enumerate(entries, start=1):
            addresses = dict.fromkeys(mark.href for run in entry.runs for mark in run.marks if mark.href)
            lines += [textwrap.fill(f"{number}. {entry.text}", PLAIN_TEXT_WIDTH), *addresses]
    return lines


def _format_status(release: Release, page: Page) -> list[str]:
    """Return who reviewed the text, and whether its translation was checked, as on the page."""
    values = {"release": release, "is_translation": page.is_translation}
    html = render_to_string("components/part_status.html", values)
    sentences = (" ".join(unescape(strip_tags(part)).split()) for part in html.split("</p>"))
    return [textwrap.fill(sentence, PLAIN_TEXT_WIDTH) for sentence in sentences if sentence]


def _format_emergency_signs(release: Release) -> list[str]:
    """Return the emergency signs of a page. Its sections leave them out, because every page has them."""
    signs = (node for node in released_document(release).front if isinstance(node, Block) and node.name == PAGE_SIGNS)
    lines: list[str] = []
    for node in walk(list(signs)):
        if isinstance(node, Text):
            lines += [textwrap.fill(node.text, PLAIN_TEXT_WIDTH), ""]
    return lines


@public_response
def booklet(request: HttpRequest, address: str) -> HttpResponse:
    """``/visits/<guide>/booklet/``: the guide and every page of its reading list in one document."""
    path = f"/{address}"
    language = language_of_path(path)
    releases = {release.page.subject: release for release in Release.objects.for_booklet(path, language)}
    guide = next((release for release in releases.values() if release.path == path), None)
    if guide is None:
        # A page that was published before its slug became reserved, or a damaged URL.
        return serve_path(f"{path}{BOOKLET_SUFFIX}")
    subjects = dict.fromkeys(item["page"] for item in guide.revision.content.get("items", []))
    parts = [guide, *(releases[subject] for subject in subjects if subject in releases)]
    context = page_context(guide.page, guide, guide.clinic, translation_paths(None))
    context["breadcrumbs"][-1]["href"] = guide.path
    context["breadcrumbs"].append({"label": _("Booklet"), "href": None})
    return render_response(
        "site/booklet.html",
        {
            **context,
            "message": guide.revision.content["key_message"],
            "parts": [_booklet_part(part) for part in parts],
            "robots": "noindex",
        },
    )


def _booklet_part(release: Release) -> dict[str, Any]:
    subject = release.page.subject
    return {
        "html": embed_release(release, subject),
        "anchor": f"part-{subject}",
        "title": release.title,
        "release": {name: getattr(release, name) for name in RELEASE_FIELDS},
    }
