"""The feedback form “Was this clear?”, which is a separate page for each public page.

Patients have no cookies, so a same-origin check replaces the CSRF token.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from portal.http import get_content_length, public_response
from procedures.addresses import FEEDBACK
from procedures.feedback import InvalidFeedbackError, clean_comment, is_rate_limited, is_same_origin, save_feedback
from procedures.languages import home_path
from procedures.models import Page
from procedures.models.clinic import clinic_json, clinic_time_zone
from procedures.models.public_site import MAX_COMMENT_LENGTH
from procedures.sharing.short_codes import is_valid_code
from procedures.views.errors import render_error, render_not_found
from procedures.views.layout import base_context, render_response
from procedures.views.pages import serve_path

MAX_FORM_BYTES = 8_000
CLEAR_CHOICES = {"yes": True, "no": False}
# Readers never see this field, but bots fill it in.
HONEYPOT = "website"


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def feedback(request: HttpRequest, language: str, code: str) -> HttpResponseBase:
    """Show the form, or process a submission."""
    if request.method == "POST":
        with translation.override(language):
            response = _process_submission(request, language, code)
        response.headers["Cache-Control"] = "no-store"
        return response
    return feedback_form(request, language=language, code=code)


@public_response
def feedback_form(request: HttpRequest, language: str, code: str) -> HttpResponse:
    """Show the form. ``?part=`` preselects a section of the page by its anchor."""
    page = _find_page(language, code)
    # “clear” must be a key: otherwise templates would resolve it to dict.clear.
    typed = {"clear": "", "section": request.GET.get("part", "")[:80], "comment": ""}
    return _render_form(page, language, typed) if page else serve_path(request.path_info)


@public_response
def feedback_thanks(request: HttpRequest, language: str, code: str) -> HttpResponse:
    """Thank the reader after a submission."""
    page = _find_page(language, code)
    if page is None:
        return serve_path(request.path_info)
    return render_response("site/feedback_thanks.html", _feedback_context(page, language, _("Thank you.")))


def _find_page(language: str, code: str) -> Page | None:
    if not is_valid_code(code):
        return None
    pages = Page.objects.with_code(code).published().in_language(language)
    return pages.annotate(clinic=clinic_json(language), time_zone=clinic_time_zone()).first()


def _feedback_context(page: Page, language: str, title: object) -> dict[str, Any]:
    live = page.live_release
    if live is None:
        raise ValueError("Only public pages have a feedback form.")
    context = base_context(language=language, clinic=getattr(page, "clinic", None), title=title)
    context["breadcrumbs"].insert(1, {"label": live.title, "href": live.path})
    with translation.override(language):
        page_title = f"{title} {live.title}"
    return {**context, "page_title": page_title, "read": {"title": live.title, "href": live.path}}


def _render_form(
    page: Page, language: str, form_data: dict[str, str], *, error: str = "", status: int = 200
) -> HttpResponse:
    live = page.live_release
    parts = [part for part in live.sections if part["title"] and part["anchor"]] if live else []
    values = {
        "parts": parts,
        "typed": form_data,
        "error": error,
        "max_length": MAX_COMMENT_LENGTH,
        "honeypot": HONEYPOT,
        "action": f"{home_path(language)}{FEEDBACK}{page.code}/",
        "robots": "noindex",
    }
    context = _feedback_context(page, language, _("Was this clear?"))
    return render_response("site/feedback.html", {**context, **values}, status=status)


def _process_submission(request: HttpRequest, language: str, code: str) -> HttpResponse:
    if not is_same_origin(request):
        message = _("Your answer was not sent from our site. Please open the page again and answer there.")
        return render_error(language, 403, message)
    if get_content_length(request) > MAX_FORM_BYTES:
        return render_error(language, 413, _("Your comment is too long. Please write only one line."))
    page = _find_page(language, code)
    if page is None:
        return render_not_found(language, [])
    typed = {name: request.POST.get(name, "") for name in ("clear", "section", "comment")}
    if not request.POST.get(HONEYPOT):
        try:
            if typed["clear"] not in CLEAR_CHOICES:
                raise InvalidFeedbackError(_("Please choose Yes or No."))
            comment = clean_comment(typed["comment"])
        except InvalidFeedbackError as error:
            return _render_form(page, language, typed, error=str(error), status=400)
        if is_rate_limited(request):
            message = _("We are getting a lot of feedback right now. Please try again in an hour, or call us.")
            return _render_form(page, language, typed, error=str(message), status=429)
        save_feedback(page, was_clear=CLEAR_CHOICES[typed["clear"]], section=typed["section"], comment=comment)
    response = HttpResponse(status=303)
    response.headers["Location"] = f"{home_path(language)}{FEEDBACK}{page.code}/thanks/"
    return response
