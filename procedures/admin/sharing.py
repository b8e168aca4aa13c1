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

from procedures.admin.base import render_admin
from procedures.admin.edit_page import get_change_url
from procedures.enums import Language
from procedures.models import Clinic, Page
from procedures.sharing.calendar import InvalidTimeError, build_calendar_event, default_reminder_time, parse_local_time
from procedures.sharing.messages import (
    MessageContext,
    build_eml,
    build_mailto_url,
    build_message_context,
    build_message_text,
    render_html_message,
    render_plain_message,
    short_path,
    spell_phonetically,
)
from procedures.sharing.qr import build_qr_code, render_qr_png
from procedures.sharing.short_codes import spaced_code

VIEW_PERMISSION = "procedures.view_page"
MAX_URL_LENGTH = 60
PAPER_SIZES = {"a4": "A4", "letter": "US Letter"}


@dataclass(frozen=True, slots=True)
class SharingContext:
    """One page on the desk. ``about`` is None while it cannot be sent; then ``why_not`` says what to do."""

    page: Page
    clinic: Clinic | None
    message: MessageContext | None
    unavailable_reason: str


def get_sharing_context(page_id: int) -> SharingContext:
    """404 for a page that does not exist; a page or clinic that is not ready says so in a sentence."""
    page = get_object_or_404(Page.objects.select_related("live_release__page"), pk=page_id)
    clinic, live = Clinic.objects.first(), page.live_release
    if live is None:
        return SharingContext(
            page, clinic, None, "Patients cannot read this page yet. Once it is published, its links are here."
        )
    if clinic is None:
        return SharingContext(
            page, None, None, "Enter the clinic's name and phone under Clinic first: every message names them."
        )
    return SharingContext(page, clinic, build_message_context(live, clinic), "")


@require_safe
@permission_required(VIEW_PERMISSION, raise_exception=True)
def sharing_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """The screen. Nothing on it asks who the patient is."""
    return _render_sharing(request, get_sharing_context(page_id))


def _render_sharing(
    request: HttpRequest, sharing: SharingContext, *, at: str = "", error: str = "", status: int = 200
) -> HttpResponse:
    page, about = sharing.page, sharing.message
    context: dict[str, Any] = {
        "page": page,
        "unavailable_reason": sharing.unavailable_reason,
        "change_url": get_change_url(page),
    }
    if about and sharing.clinic:
        zone = sharing.clinic.time_zone
        context |= {
            "message": about,
            "is_url_too_long": len(about.short_url) > MAX_URL_LENGTH,
            "spaced_code": spaced_code(about.code),
            "phonetic_code": spell_phonetically(about.code, about.language),
            "message_text": build_message_text(about),
            "text_body": render_plain_message(about),
            "html_body": render_html_message(about),
            "mailto": build_mailto_url(about),
            "qr": build_qr_code(about.short_url),
            "time_zone": zone,
            "at": at or default_reminder_time(zone, now=timezone.now()),
            "error": error,
        }
    context["languages"] = _get_language_links(page)
    return render_admin(request, "sharing/sharing", context, title=f"Links and messages: {page.title}", status=status)


def _get_language_links(page: Page) -> list[tuple[str, str, bool]]:
    """Label, address of the kit (empty: not public in this language), whether it is this one."""
    public = dict(Page.objects.published().filter(subject=page.subject).values_list("language", "pk"))
    public.setdefault(page.language, page.pk)
    return [
        (label, get_sharing_url(public[code]) if code in public else "", code == page.language)
        for code, label in Language.choices
    ]


def render_sharing_cell(page: Page) -> str:
    """The links of a public page in a list."""
    address = settings.PUBLIC_URL + short_path(page.language, page.code)
    return render_to_string("admin/procedures/sharing/list_cell.html", {"page": page, "address": address})


def get_sharing_url(page_id: int) -> str:
    """Where the kit of a page is."""
    return reverse("admin:procedures_page_sharing", args=[page_id])


def _require_message(sharing: SharingContext) -> tuple[MessageContext, Clinic]:
    """For files: 404 where there is nothing to send."""
    if sharing.message is None or sharing.clinic is None:
        raise Http404
    return sharing.message, sharing.clinic


@require_safe
@permission_required(VIEW_PERMISSION, raise_exception=True)
def email_draft_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """The draft for a mail program."""
    about, _ = _require_message(get_sharing_context(page_id))
    return _download_response(build_eml(about), "message/rfc822", f"reading-{about.code}-{about.language}.eml")


@require_safe
@permission_required(VIEW_PERMISSION, raise_exception=True)
def calendar_event_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """The calendar file for the chosen time; 400 with the screen and what was typed for a time that is none."""
    found = get_sharing_context(page_id)
    about, clinic = _require_message(found)
    typed = request.GET.get("at", "")[:40]
    try:
        at = parse_local_time(typed, clinic.time_zone, now=timezone.now())
    except InvalidTimeError as error:
        return _render_sharing(request, found, at=typed, error=str(error), status=400)
    return _download_response(
        build_calendar_event(about, starts_at=at),
        "text/calendar; charset=utf-8",
        f"reading-{about.code}-{about.language}.ics",
    )


@require_safe
@permission_required(VIEW_PERMISSION, raise_exception=True)
def qr_svg_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """The QR code as a drawing, with its size on paper."""
    about, _ = _require_message(get_sharing_context(page_id))
    drawing = render_to_string("components/qr.html", {"qr": build_qr_code(about.short_url), "file": True})
    return _download_response(drawing.strip().encode(), "image/svg+xml", f"qr-{about.code}.svg")


@require_safe
@permission_required(VIEW_PERMISSION, raise_exception=True)
def qr_png_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """The QR code as a picture for a printer."""
    about, _ = _require_message(get_sharing_context(page_id))
    return _download_response(render_qr_png(about.short_url), "image/png", f"qr-{about.code}.png")


@require_safe
@permission_required(VIEW_PERMISSION, raise_exception=True)
def letter_view(request: HttpRequest, page_id: int, paper: str) -> HttpResponse:
    """One sheet to put into an envelope, in the language of the page."""
    about, _ = _require_message(get_sharing_context(page_id))
    if paper not in PAPER_SIZES:
        raise Http404
    context = {
        "message": about,
        "qr": build_qr_code(about.short_url),
        "message_text": build_message_text(about),
        "paper": paper,
    }
    with translation.override(about.language):
        return render(request, "letter/insert.html", context | {"short_url": about.typed_url.removesuffix(about.code)})


def _download_response(content: bytes, content_type: str, filename: str) -> HttpResponse:
    """A download. The name holds the code, which names no condition."""
    response = HttpResponse(content, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    response.headers["Cache-Control"] = "no-store"
    return response
