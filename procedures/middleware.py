"""Activate the clinic's time zone for staff."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from procedures.publishing.timezones import get_clinic_timezone


class ClinicTimezoneMiddleware:
    """Show all times below /admin/ in the clinic's time zone. Other paths cost no database query."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Call the view, in the clinic's time zone below /admin/."""
        if not request.path_info.startswith("/admin/"):
            return self.get_response(request)
        with timezone.override(get_clinic_timezone()):
            return self.get_response(request)
