"""The log of everything: narrowed down by day, page and person, and taken along as a table."""

import datetime
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
from django.views.decorators.http import require_safe

from portal.accounts.models import User
from procedures.admin.base import ReadOnlyAdmin, get_staff_user
from procedures.enums import EventKind
from procedures.models import Page, ReleaseEvent
from procedures.publishing.timezones import DateOutOfRangeError, get_clinic_timezone, validate_date
from procedures.revisions.history import stream_csv


def validate_day(day: datetime.date) -> None:
    """Refuse a day that the log cannot search for."""
    try:
        validate_date(day)
    except DateOutOfRangeError as error:
        raise ValidationError(str(error)) from error


class ActivityLogFilterForm(forms.Form):
    """Every field may stay empty."""

    first = forms.DateField(
        label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}), validators=[validate_day]
    )
    last = forms.DateField(
        label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}), validators=[validate_day]
    )
    page = forms.ModelChoiceField(Page.objects.order_by("title"), required=False, empty_label="All pages")
    person = forms.ModelChoiceField(User.objects.order_by("username"), required=False, empty_label="Everybody")
    kind = forms.ChoiceField(label="What", required=False, choices=[("", "Everything"), *EventKind.choices])

    def filter_events(self, events: QuerySet[ReleaseEvent]) -> QuerySet[ReleaseEvent]:
        """Only the wanted events. Days are days of the clinic; a value that is odd leaves nothing out."""
        if not self.is_valid():
            return events
        values = self.cleaned_data
        wanted: dict[str, Any] = {"page": values["page"], "actor": values["person"], "kind": values["kind"]}
        with timezone.override(get_clinic_timezone()):
            if values["first"]:
                wanted["created_at__date__gte"] = values["first"]
            if values["last"]:
                wanted["created_at__date__lte"] = values["last"]
            # The days are turned into moments when the query is made, which is here.
            return events.filter(**{name: value for name, value in wanted.items() if value})


class ActivityLogFilter(admin.SimpleListFilter):
    """Lets the list take the names of our form; the form itself stands above the list."""

    title = "submitted"
    parameter_name = "first"
    parameter_names = ("first", "last", "page", "person", "kind")

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        self.submitted = {name: value[-1] for name in self.parameter_names if (value := params.pop(name, None))}
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """None to click on."""
        return []

    def has_output(self) -> bool:
        """Always asked, never listed."""
        return True

    def expected_parameters(self) -> list[str | None]:
        """What stands in the address."""
        return list(self.parameter_names)

    def choices(self, changelist: Any) -> Any:
        """None."""
        return iter(())

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReleaseEvent]) -> QuerySet[ReleaseEvent]:
        """The rows that the form asks for."""
        return ActivityLogFilterForm(self.submitted).filter_events(queryset)


@admin.register(ReleaseEvent)
class ReleaseEventAdmin(ReadOnlyAdmin):
    """The log."""

    change_list_template = "admin/procedures/workflow/activity_log.html"
    list_display = ("created_at", "kind", "page", "actor", "reason")
    list_display_links = ("created_at",)
    list_filter = (ActivityLogFilter,)
    list_select_related = ("page", "actor")
    search_fields = ("page__title", "page__subject", "reason")

    def get_urls(self) -> list[URLPattern]:
        """With the table."""
        own = [path("table.csv", self.admin_site.admin_view(self.export_csv_view), name="procedures_releaseevent_csv")]
        return own + super().get_urls()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse | Any:
        """The list below the form."""
        query = request.GET.urlencode()
        address = reverse("admin:procedures_releaseevent_csv") + (f"?{query}" if query else "")
        may_export = get_staff_user(request).has_perm("procedures.publish_page")
        context = {"filter_form": ActivityLogFilterForm(request.GET), "csv_url": address if may_export else ""}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def export_csv_view(self, request: HttpRequest) -> HttpResponseBase:
        """The same rows as a table, for managers. Sent while it is read: it may be long."""
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


def _iterate_csv_lines(events: QuerySet[ReleaseEvent]) -> Any:
    """The clinic's clock holds only while the request is answered; the lines come later."""
    zone = get_clinic_timezone()
    lines = stream_csv(events)
    while True:
        with timezone.override(zone):
            line = next(lines, None)
        if line is None:
            return
        yield line
