"""“Links and messages”: the links, messages, QR codes, and letters with which staff send a public page to patients."""

import re
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.admin_site import MAX_SEARCH_LENGTH
from portal.text import fold
from procedures.admin.base import get_change_url, render_admin
from procedures.enums import Language
from procedures.models import Clinic, Page
from procedures.sharing.messages import (
    InvalidTimeError,
    MessageContext,
    build_calendar_event,
    build_eml,
    build_mailto_url,
    build_message_context,
    build_message_text,
    default_reminder_time,
    parse_local_time,
    render_html_message,
    render_plain_message,
)
from procedures.sharing.short_codes import (
    build_qr_code,
    normalize_code,
    render_qr_png,
    short_url,
    spaced_code,
    spell_phonetically,
)

VIEW_PERMISSION = "procedures.view_page"
MAX_URL_LENGTH = 60  # some mail programs break longer ones
MAX_DATETIME_LENGTH = 40
PAPER_SIZES = {"a4": "A4", "letter": "US Letter"}


@dataclass(frozen=True, slots=True)
class SharingContext:
    """A page and its message. If the page cannot be sent, ``message`` is None and ``unavailable_reason`` says why."""

    page: Page
    clinic: Clinic | None
    message: MessageContext | None
    unavailable_reason: str


def get_sharing_context(page_id: int) -> SharingContext:
    """Load the page and build its message. Raise Http404 if there is no such page."""
    page = get_object_or_404(Page.objects.select_related("live_release__page"), pk=page_id)
    clinic, live = Clinic.objects.first(), page.live_release
    if live is None:
        reason = _("This page is not public yet. Its links appear here once it is published.")
        return SharingContext(page, clinic, None, reason)
    if clinic is None:
        reason = _("Enter the clinic's name and phone under Clinic first: every message includes them.")
        return SharingContext(page, None, None, reason)
    return SharingContext(page, clinic, build_message_context(live, clinic), "")


@require_safe
@permission_required(VIEW_PERMISSION, raise_exception=True)
def send_view(request: HttpRequest) -> HttpResponse:
    """List all public pages whose title or code matches ``?q=``, with their links, for someone on the phone."""
    query = request.GET.get("q", "").replace("\0", "")[:MAX_SEARCH_LENGTH].strip()
    wanted = fold(query)
    rows = [
        (page, live, short_url(page.language, page.code))
        for page in Page.objects.published().select_related("live_release").order_by("title", "language")
        if (live := page.live_release) and (wanted in fold(live.title) or normalize_code(query) == page.code)
    ]
    return render_admin(request, "sharing/send", {"rows": rows, "query": query}, title=_("Send"))


@require_safe
@permission_required(VIEW_PERMISSION, raise_exception=True)
def sharing_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """Show everything that can be sent. No field asks for patient details."""
    return _render_sharing(request, get_sharing_context(page_id))


def _render_sharing(
    request: HttpRequest, sharing: SharingContext, *, at: str = "", error: str = "", status: int = 200
) -> HttpResponse:
    page, message = sharing.page, sharing.message
    context: dict[str, Any] = {
        "page": page,
        "unavailable_reason": sharing.unavailable_reason,
        "change_url": get_change_url(page),
    }
    if message and sharing.clinic:
        zone = sharing.clinic.time_zone
        context |= {
            "message": message,
            "is_url_too_long": len(message.short_url) > MAX_URL_LENGTH,
            "spaced_code": spaced_code(message.code),
            "phonetic_code": spell_phonetically(message.code, message.language),
            "message_text": build_message_text(message),
            "text_body": render_plain_message(message),
            "html_body": render_html_message(message),
            "mailto": build_mailto_url(message),
            "qr": build_qr_code(message.short_url),
            "time_zone": zone,
            "at": at or default_reminder_time(zone, now=timezone.now()),
            "error": error,
        }
    context["languages"] = _get_language_links(page)
    title = _("Send “%(title)s”") % {"title": page.title}
    return render_admin(request, "sharing/sharing", context, title=title, status=status)


def _get_language_links(page: Page) -> list[tuple[str, str, bool]]:
    """Return the label, the URL (empty if the page is not public in that language), and whether it is this page's
    language.
    """
    public = dict(Page.objects.published().filter(subject=page.subject).values_list("language", "pk"))
    public.setdefault(page.language, page.pk)
    return [
        (label, get_sharing_url(public[code]) if code in public else "", code == page.language)
        for code, label in Language.choices
    ]


def render_sharing_cell(page: Page) -> str:
    """Render the copy button and link of a public page in the change list."""
    address = short_url(page.language, page.code)
    return render_to_string("admin/procedures/sharing/list_cell.html", {"page": page, "address": address})


def get_sharing_url(page_id: int) -> str:
    """Return the URL of the page's sharing screen."""
    return reverse("admin:procedures_page_sharing", args=[page_id])


def _require_message(sharing: SharingContext) -> MessageContext:
    """Return the message. Raise Http404 if the page cannot be sent."""
    if sharing.message is None:
        raise Http404
    return sharing.message


@require_safe
@permission_required(VIEW_PERMISSION, raise_exception=True)
def email_draft_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """Download the message as a draft for a mail program."""
    message = _require_message(get_sharing_context(page_id))
    return _download_response(build_eml(message), "message/rfc822", f"reading-{message.code}-{message.language}.eml")


@require_safe
@permission_required(VIEW_PERMISSION, raise_exception=True)
def calendar_event_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """Download a calendar event for the chosen time. 400 with the screen and the input if the time is invalid."""
    sharing = get_sharing_context(page_id)
    message, clinic = _require_message(sharing), sharing.clinic
    if clinic is None:
        raise Http404
    typed = request.GET.get("at", "")[:MAX_DATETIME_LENGTH]
    try:
        at = parse_local_time(typed, clinic.time_zone, now=timezone.now())
    except InvalidTimeError as error:
        return _render_sharing(request, sharing, at=typed, error=str(error), status=400)
    return _download_response(
        build_calendar_event(message, starts_at=at),
        "text/calendar; charset=utf-8",
        f"reading-{message.code}-{message.language}.ics",
    )


@require_safe
@permission_required(VIEW_PERMISSION, raise_exception=True)
def qr_svg_view(request: HttpRequest, page_id: int) -> HttpResponse:
    """Download the QR code as SVG, with its physical size."""
    message = _require_message(get_sharing_context(page_id))
    drawing = render_to_string("components/qr.html", {"qr": build_qr_code(message.short_url), "file": True})
    return _download_response(drawing.strip().encode(), "image/svg+xml", f"qr-{message.code}.svg")


@require_safe
@permission_required(VIEW_PERMISSION, raise_exception=True)
def qr_png_view(request: HttpRequest, page_id: int) -> HttpResponse:
    message = _require_message(get_sharing_context(page_id))
    return _download_response(render_qr_png(message.short_url), "image/png", f"qr-{message.code}.png")


@require_safe
@permission_required(VIEW_PERMISSION, raise_exception=True)
def letter_view(request: HttpRequest, page_id: int, paper: str) -> HttpResponse:
    """Show a one-page letter insert for printing, in the language of the page."""
    sharing = get_sharing_context(page_id)
    message = _require_message(sharing)
    if paper not in PAPER_SIZES:
        raise Http404
    context = {
        "message": message,
        "site": sharing.clinic,
        "qr": build_qr_code(message.short_url),
        "message_text": build_message_text(message),
        "paper": paper,
    }
    with translation.override(message.language):
        return render(
            request, "letter/insert.html", context | {"short_url": message.typed_url.removesuffix(message.code)}
        )


def _download_response(content: bytes, content_type: str, filename: str) -> HttpResponse:
    """Return a download that is not cached. Its filename contains the page's code, which reveals no condition."""
    response = HttpResponse(content, content_type=content_type)
    # Older versions stored any code that a file contained.
    safe_name = re.sub(r"[^A-Za-z0-9.-]", "", filename)
    response.headers["Content-Disposition"] = f'attachment; filename="{safe_name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
