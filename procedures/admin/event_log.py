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

from portal.staff.models import User
from procedures.admin.base import ReadOnlyAdmin, staff
from procedures.enums import EventKind
from procedures.models import Page, ReleaseEvent
from procedures.publishing.clock import DayError, check_day, clinic_zone
from procedures.publishing.log import table


def validate_day(day: datetime.date) -> None:
    """Refuse a day that the log cannot search for."""
    try:
        check_day(day)
    except DayError as error:
        raise ValidationError(str(error)) from error


class LogFilterForm(forms.Form):
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

    def narrowed(self, events: QuerySet[ReleaseEvent]) -> QuerySet[ReleaseEvent]:
        """Only the wanted events. Days are days of the clinic; a value that is odd leaves nothing out."""
        if not self.is_valid():
            return events
        values = self.cleaned_data
        wanted: dict[str, Any] = {"page": values["page"], "actor": values["person"], "kind": values["kind"]}
        with timezone.override(clinic_zone()):
            if values["first"]:
                wanted["created_at__date__gte"] = values["first"]
            if values["last"]:
                wanted["created_at__date__lte"] = values["last"]
            # The days are turned into moments when the query is made, which is here.
            return events.filter(**{name: value for name, value in wanted.items() if value})


class Wanted(admin.SimpleListFilter):
    """Lets the list take the names of our form; the form itself stands above the list."""

    title = "wanted"
    parameter_name = "first"
    names = ("first", "last", "page", "person", "kind")

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        self.typed = {name: value[-1] for name in self.names if (value := params.pop(name, None))}
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """None to click on."""
        return []

    def has_output(self) -> bool:
        """Always asked, never listed."""
        return True

    def expected_parameters(self) -> list[str | None]:
        """What stands in the address."""
        return list(self.names)

    def choices(self, changelist: Any) -> Any:
        """None."""
        return iter(())

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReleaseEvent]) -> QuerySet[ReleaseEvent]:
        """The rows that the form asks for."""
        return LogFilterForm(self.typed).narrowed(queryset)


@admin.register(ReleaseEvent)
class ReleaseEventAdmin(ReadOnlyAdmin):
    """The log."""

    change_list_template = "admin/procedures/workflow/log.html"
    list_display = ("created_at", "kind", "page", "actor", "reason")
    list_display_links = ("created_at",)
    list_filter = (Wanted,)
    list_select_related = ("page", "actor")
    search_fields = ("page__title", "page__subject", "reason")

    def get_urls(self) -> list[URLPattern]:
        """With the table."""
        own = [path("table.csv", self.admin_site.admin_view(self.table), name="procedures_releaseevent_table")]
        return own + super().get_urls()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse | Any:
        """The list below the form."""
        query = request.GET.urlencode()
        address = reverse("admin:procedures_releaseevent_table") + (f"?{query}" if query else "")
        may_export = staff(request).has_perm("procedures.publish_page")
        context = {"asked": LogFilterForm(request.GET), "table": address if may_export else ""}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def table(self, request: HttpRequest) -> HttpResponseBase:
        """The same rows as a table, for managers. Sent while it is read: it may be long."""
        if not staff(request).has_perm("procedures.publish_page"):
            raise PermissionDenied
        return _table(request, self)


@require_safe
def _table(request: HttpRequest, log: ReleaseEventAdmin) -> HttpResponseBase:
    try:
        events = log.get_changelist_instance(request).get_queryset(request)
    except IncorrectLookupParameters:
        return HttpResponseRedirect(reverse("admin:procedures_releaseevent_changelist"))
    name = f"plainspine-log-{timezone.localdate():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(_in_zone(events), content_type="text/csv; charset=utf-8", headers=headers)


def _in_zone(events: QuerySet[ReleaseEvent]) -> Any:
    """The clinic's clock holds only while the request is answered; the lines come later."""
    zone = clinic_zone()
    lines = table(events)
    while True:
        with timezone.override(zone):
            line = next(lines, None)
        if line is None:
            return
        yield line
