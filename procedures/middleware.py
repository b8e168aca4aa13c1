"""Staff read times as the clock on their wall shows them."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from procedures.publishing.timezones import get_clinic_timezone


class ClinicTimezoneMiddleware:
    """Below /admin/ all times are the clinic's. Elsewhere nothing is asked of the database for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the clinic's clock."""
        if not request.path_info.startswith("/admin/"):
            return self.get_response(request)
        with timezone.override(get_clinic_timezone()):
            return self.get_response(request)
