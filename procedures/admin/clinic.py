"""Who the clinic is, and where."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from procedures.admin.base import AnyForm, ContentAdmin, TextRows
from procedures.admin.clinic_values import ClinicValueAdmin
from procedures.enums import Language
from procedures.models import Clinic, ClinicText, Location, LocationText


class ClinicTexts(TextRows):
    """Hours and a few words about the clinic."""

    model = ClinicText
    max_num = len(Language)


class ClinicForm(AnyForm):
    """The one row."""

    class Meta:
        model = Clinic
        fields = ("name", "phone", "after_hours_phone", "emergency_number", "time_zone")


@admin.register(Clinic)
class ClinicAdmin(ClinicValueAdmin, ContentAdmin):
    """Exactly one row: nothing to add once it is there, nothing to delete."""

    form = ClinicForm
    list_display = ("name", "phone", "after_hours_phone", "emergency_number")
    inlines = (ClinicTexts,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only where there is none."""
        return super().has_add_permission(request) and not Clinic.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: every page names it."""
        return False

    def save_model(self, request: HttpRequest, obj: Clinic, form: Any, change: bool) -> None:
        """The database holds it to number 1."""
        obj.pk = 1
        super().save_model(request, obj, form, change)

    def quotes(self, obj: Clinic) -> tuple[str, str]:
        """See ClinicValueAdmin."""
        return "clinic", ""


class LocationTexts(TextRows):
    """Name and directions."""

    model = LocationText
    max_num = len(Language)


@admin.register(Location)
class LocationAdmin(ClinicValueAdmin, ContentAdmin):
    """Where patients are seen."""

    identity = ("key",)
    list_display = ("key", "phone", "address", "order")
    inlines = (LocationTexts,)

    def quotes(self, obj: Location) -> tuple[str, str]:
        """See ClinicValueAdmin."""
        return "list", "locations"
