"""The activity log, with filters by day, page, user, and kind, and a CSV export."""

import datetime
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from portal.accounts.models import User
from procedures.admin.base import ReadOnlyAdmin, get_staff_user
from procedures.enums import EventKind
from procedures.models import Page, ReleaseEvent
from procedures.revisions.history import stream_csv
from procedures.timezones import DateOutOfRangeError, get_clinic_timezone, validate_date


def validate_day(day: datetime.date) -> None:
    """Raise ValidationError for a date that the database cannot search for."""
    try:
        validate_date(day)
    except DateOutOfRangeError as error:
        raise ValidationError(str(error)) from error


class ActivityLogFilterForm(forms.Form):
    """The filters above the log, all optional."""

    first = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}), validators=[validate_day]
    )
    last = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}), validators=[validate_day]
    )
    page = forms.ModelChoiceField(
        Page.objects.order_by("title"), label=_("Page"), required=False, empty_label=_("All pages")
    )
    person = forms.ModelChoiceField(
        User.objects.order_by("username"), label=_("Person"), required=False, empty_label=_("Everybody")
    )
    kind = forms.ChoiceField(label=_("What"), required=False, choices=[("", _("Everything")), *EventKind.choices])

    def filter_events(self, events: QuerySet[ReleaseEvent]) -> QuerySet[ReleaseEvent]:
        """Narrow down ``events``. Days are days in the clinic's time zone. An invalid form filters nothing."""
        if not self.is_valid():
            return events
        values = self.cleaned_data
        lookups: dict[str, Any] = {"page": values["page"], "actor": values["person"], "kind": values["kind"]}
        with timezone.override(get_clinic_timezone()):
            if values["first"]:
                lookups["created_at__date__gte"] = values["first"]
            if values["last"]:
                lookups["created_at__date__lte"] = values["last"]
            # Building the query reads the current time zone, so it must happen inside this block.
            return events.filter(**{name: value for name, value in lookups.items() if value})


class ActivityLogFilter(admin.SimpleListFilter):
    """Accepts the parameters of ActivityLogFilterForm, which the template shows in place of Django's filters."""

    title = _("submitted")
    parameter_name = "first"
    parameter_names = ("first", "last", "page", "person", "kind")

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        self.submitted = {name: value[-1] for name in self.parameter_names if (value := params.pop(name, None))}
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer no links: the form has its own controls."""
        return []

    def has_output(self) -> bool:
        """Return True, without which Django would not apply a filter that has no lookups."""
        return True

    def expected_parameters(self) -> list[str | None]:
        """Return the names of all form fields."""
        return list(self.parameter_names)

    def choices(self, changelist: Any) -> Any:
        """Offer no links: the form has its own controls."""
        return iter(())

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReleaseEvent]) -> QuerySet[ReleaseEvent]:
        """Apply the submitted form."""
        return ActivityLogFilterForm(self.submitted).filter_events(queryset)


@admin.register(ReleaseEvent)
class ReleaseEventAdmin(ReadOnlyAdmin):
    """Admin of the activity log."""

    change_list_template = "admin/procedures/workflow/activity_log.html"
    list_display = ("created_at", "kind", "page", "actor", "reason")
    list_display_links = ("created_at",)
    list_filter = (ActivityLogFilter,)
    list_select_related = ("page", "actor")
    search_fields = ("page__title", "page__subject", "reason")

    def get_urls(self) -> list[URLPattern]:
        """Add the CSV export before Django's URLs, whose last pattern matches everything."""
        view = self.admin_site.admin_view(self.export_csv_view)
        return [path("table.csv", view, name="procedures_releaseevent_csv"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse | Any:
        """Add the filter form, and the export URL for managers."""
        query = request.GET.urlencode()
        csv_url = reverse("admin:procedures_releaseevent_csv") + (f"?{query}" if query else "")
        can_export = get_staff_user(request).has_perm("procedures.publish_page")
        context = {"filter_form": ActivityLogFilterForm(request.GET), "csv_url": csv_url if can_export else ""}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def export_csv_view(self, request: HttpRequest) -> HttpResponseBase:
        """Stream the filtered rows as CSV. Managers only."""
        if not get_staff_user(request).has_perm("procedures.publish_page"):
            raise PermissionDenied
        return _csv_response(request, self)


@require_safe
def _csv_response(request: HttpRequest, model_admin: ReleaseEventAdmin) -> HttpResponseBase:
    try:
        events = model_admin.get_changelist_instance(request).get_queryset(request)
    except IncorrectLookupParameters:
        return HttpResponseRedirect(reverse("admin:procedures_releaseevent_changelist"))
    name = f"plainspine-log-{timezone.localdate():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(_iterate_csv_lines(events), content_type="text/csv; charset=utf-8", headers=headers)


def _iterate_csv_lines(events: QuerySet[ReleaseEvent]) -> Iterator[str]:
    """Yield lines in the clinic's time zone, which the middleware has deactivated by the time they are streamed."""
    zone = get_clinic_timezone()
    lines = stream_csv(events)
    while True:
        with timezone.override(zone):
            line = next(lines, None)
        if line is None:
            return
        yield line
