"""“Links and messages”: everything the appointments desk sends, finished, for a page that patients can read."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.http import require_safe

from procedures.admin.desk import change_address
from procedures.admin.shell import screen
from procedures.enums import Language
from procedures.links.codes import read_out
from procedures.links.kit import Sending, neutral_path, sending
from procedures.links.kit.html import html
from procedures.links.kit.mail import eml, mailto
from procedures.links.kit.qr import png, qr
from procedures.links.kit.reminder import BadTimeError, ics, moment, tomorrow_at_ten
from procedures.links.kit.spoken import spelled
from procedures.links.kit.words import plain, words
from procedures.models import Clinic, Page

SEE = "procedures.view_page"
MAX_ADDRESS = 60
PAPERS = {"a4": "A4", "letter": "US Letter"}


@dataclass(frozen=True, slots=True)
class Kit:
    """One page on the desk. ``about`` is None while it cannot be sent; then ``why_not`` says what to do."""

    page: Page
    clinic: Clinic | None
    about: Sending | None
    why_not: str


def kit_of(page_id: int) -> Kit:
    """404 for a page that does not exist; a page or clinic that is not ready says so in a sentence."""
    page = get_object_or_404(Page.objects.select_related("live_release__page"), pk=page_id)
    clinic, live = Clinic.objects.first(), page.live_release
    if live is None:
        return Kit(page, clinic, None, "Patients cannot read this page yet. Once it is published, its links are here.")
    if clinic is None:
        return Kit(page, None, None, "Enter the clinic's name and phone under Clinic first: every message names them.")
    return Kit(page, clinic, sending(live, clinic), "")


@require_safe
@permission_required(SEE, raise_exception=True)
def kit(request: HttpRequest, page_id: int) -> HttpResponse:
    """The screen. Nothing on it asks who the patient is."""
    return _screen(request, kit_of(page_id))


def _screen(request: HttpRequest, found: Kit, *, at: str = "", error: str = "", status: int = 200) -> HttpResponse:
    page, about = found.page, found.about
    context: dict[str, Any] = {"page": page, "why_not": found.why_not, "change": change_address(page)}
    if about and found.clinic:
        zone = found.clinic.time_zone
        context |= {
            "about": about,
            "too_long": len(about.neutral) > MAX_ADDRESS,
            "read_out": read_out(about.code),
            "spelled": spelled(about.code, about.language),
            "words": words(about),
            "plain": plain(about),
            "html": html(about),
            "mailto": mailto(about),
            "qr": qr(about.neutral),
            "zone": zone,
            "at": at or tomorrow_at_ten(zone, now=timezone.now()),
            "error": error,
        }
    context["languages"] = _languages(page)
    return screen(request, "kit/kit", context, title=f"Links and messages: {page.title}", status=status)


def _languages(page: Page) -> list[tuple[str, str, bool]]:
    """Label, address of the kit (empty: not public in this language), whether it is this one."""
    public = dict(Page.objects.published().filter(subject=page.subject).values_list("language", "pk"))
    public.setdefault(page.language, page.pk)
    return [
        (label, kit_address(public[code]) if code in public else "", code == page.language)
        for code, label in Language.choices
    ]


def cell(page: Page) -> str:
    """The links of a public page in a list."""
    address = settings.PUBLIC_URL + neutral_path(page.language, page.code)
    return render_to_string("admin/procedures/kit/cell.html", {"page": page, "address": address})


def kit_address(page_id: int) -> str:
    """Where the kit of a page is."""
    return reverse("admin:procedures_page_kit", args=[page_id])


def _ready(found: Kit) -> tuple[Sending, Clinic]:
    """For files: 404 where there is nothing to send."""
    if found.about is None or found.clinic is None:
        raise Http404
    return found.about, found.clinic


@require_safe
@permission_required(SEE, raise_exception=True)
def message(request: HttpRequest, page_id: int) -> HttpResponse:
    """The draft for a mail program."""
    about, _ = _ready(kit_of(page_id))
    return _file(eml(about), "message/rfc822", f"reading-{about.code}-{about.language}.eml")


@require_safe
@permission_required(SEE, raise_exception=True)
def reminder(request: HttpRequest, page_id: int) -> HttpResponse:
    """The calendar file for the chosen time; 400 with the screen and what was typed for a time that is none."""
    found = kit_of(page_id)
    about, clinic = _ready(found)
    typed = request.GET.get("at", "")[:40]
    try:
        at = moment(typed, clinic.time_zone, now=timezone.now())
    except BadTimeError as error:
        return _screen(request, found, at=typed, error=str(error), status=400)
    return _file(ics(about, at=at), "text/calendar; charset=utf-8", f"reading-{about.code}-{about.language}.ics")


@require_safe
@permission_required(SEE, raise_exception=True)
def qr_svg(request: HttpRequest, page_id: int) -> HttpResponse:
    """The QR code as a drawing, with its size on paper."""
    about, _ = _ready(kit_of(page_id))
    drawing = render_to_string("components/qr.html", {"qr": qr(about.neutral), "file": True})
    return _file(drawing.strip().encode(), "image/svg+xml", f"qr-{about.code}.svg")


@require_safe
@permission_required(SEE, raise_exception=True)
def qr_png(request: HttpRequest, page_id: int) -> HttpResponse:
    """The QR code as a picture for a printer."""
    about, _ = _ready(kit_of(page_id))
    return _file(png(about.neutral), "image/png", f"qr-{about.code}.png")


@require_safe
@permission_required(SEE, raise_exception=True)
def letter(request: HttpRequest, page_id: int, paper: str) -> HttpResponse:
    """One sheet to put into an envelope, in the language of the page."""
    about, _ = _ready(kit_of(page_id))
    if paper not in PAPERS:
        raise Http404
    context = {"about": about, "qr": qr(about.neutral), "words": words(about), "paper": paper}
    with translation.override(about.language):
        return render(request, "letter/insert.html", context | {"short": about.in_words.removesuffix(about.code)})


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    """A download. The name holds the code, which names no condition."""
    response = HttpResponse(content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
