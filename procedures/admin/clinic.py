"""Admin for the clinic and its locations. Saving a value that public pages print updates them, after confirmation."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.accounts.models import User
from procedures.addresses import LOGO_URL
from procedures.admin.base import (
    AnyAdmin,
    AnyForm,
    ConflictCheckedAdmin,
    ContentInline,
    get_change_url,
    get_staff_user,
    render_admin,
)
from procedures.admin.form_changes import describe_form_changes
from procedures.branding import Logo, encode_text
from procedures.figures.decoding import (
    IMAGE_TOO_LARGE_MESSAGE,
    MAX_IMAGE_BYTES,
    InvalidImageError,
    decode_logo_text,
    read_logo,
)
from procedures.languages import CODES
from procedures.models import Clinic, ClinicText, Location, LocationText, Page, Release
from procedures.publishing.checks import dependency_key
from procedures.publishing.dependencies import describe_changes
from procedures.publishing.page_changes import describe_page_changes
from procedures.publishing.publish import PublishError
from procedures.publishing.rerelease import (
    ClinicUpdate,
    LocationChange,
    find_dependent_pages,
    find_stale_pages,
    update_clinic_values,
)
from procedures.publishing.schedule import MODEL_BACKEND, PUBLISH_PERMISSION, ScheduleShift

# Fields of the confirmation form, which are not part of the saved form.
CONFIRMATION_FIELDS = ("csrfmiddlewaretoken", "_update", "_edit", "plans", "location")


@dataclass(frozen=True)
class AffectedContent:
    """What a change affects: public pages, scheduled publications, and locations. ``changes``: the change itself."""

    pages: list[Page]
    schedule_shifts: list[ScheduleShift]
    locations: list[LocationChange]
    changes: list[str] = field(default_factory=list)

    @property
    def token(self) -> str:
        """A hash of the content, so that the button confirms only what was on the screen."""
        parts = [f"{page.pk}" for page in self.pages] + [
            f"{plan.page.pk} {plan.shifted_at}" for plan in self.schedule_shifts
        ]
        parts += [f"{change.key} {change.new}" for change in self.locations]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class ConfirmationRequiredError(Exception):
    """The change must be confirmed first. Raised inside the transaction, so that nothing is saved."""

    def __init__(self, affected: AffectedContent) -> None:
        super().__init__("not confirmed")
        self.affected = affected


class ClinicValueAdmin(AnyAdmin):
    """Mixin for the clinic's own values. A save updates all pages that print the value, or saves nothing."""

    change_form_template = "admin/procedures/clinic_value/change_form.html"

    def dependency_key(self, obj: Any) -> tuple[str, str]:
        """Return the kind and key of the row's ReleaseDependency. An empty key means every key of that kind."""
        return dependency_key(obj)

    def get_dependent_pages(self, obj: Any) -> list[Page]:
        """Return the public pages that print the row."""
        kind, key = self.dependency_key(obj)
        return find_dependent_pages(kind, key, [obj.language] if hasattr(obj, "language") else None)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """After “Go back and edit”, return a form that keeps the input but never validates."""
        form = super().get_form(request, obj, change, **kwargs)
        return type("Form", (form,), {"clean": _refuse_save}) if "_edit" in request.POST else form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form, save it, or ask for confirmation if public pages print the value.

        403 for staff who cannot publish, 409 if a page cannot be updated. Each screen keeps the input.
        """
        if request.method != "POST" or "_edit" in request.POST:
            return super().changeform_view(request, object_id, form_url, extra_context)
        keep_utc_times = request.POST.get("plans") == "moment"
        try:
            with update_clinic_values(actor=get_staff_user(request), keep_utc_times=keep_utc_times) as update:
                request.update = update  # type: ignore[attr-defined]
                return super().changeform_view(request, object_id, form_url, extra_context)
        except ConfirmationRequiredError as error:
            return self._render_confirmation(request, error.affected)
        except PublishError as error:
            errors = [issue.message for issue in error.issues]
            return self._render_confirmation(request, AffectedContent([], [], []), errors=errors, status=409)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Update the pages after all rows are saved, or raise ConfirmationRequiredError."""
        super().save_related(request, form, formsets, change)
        update: ClinicUpdate = request.update  # type: ignore[attr-defined]
        locations = list(update.apply_location_changes())
        changes = list(describe_form_changes(form, formsets))
        affected = AffectedContent(update.affected_pages(), update.affected_schedules(), locations, changes)
        if not affected.pages and not affected.schedule_shifts:
            message_updated_pages(request, update)
            return
        confirmed = request.POST.get("_update") == affected.token
        if not confirmed or not get_staff_user(request).has_perm(PUBLISH_PERMISSION):
            raise ConfirmationRequiredError(affected)
        update.revert_locations(request.POST.getlist("location"))
        update.apply()
        message_updated_pages(request, update)

    def _render_confirmation(
        self, request: HttpRequest, affected: AffectedContent, *, errors: list[str] | None = None, status: int = 200
    ) -> HttpResponse:
        can_publish = get_staff_user(request).has_perm(PUBLISH_PERMISSION)
        # This change has been rolled back by now, so these are earlier changes that the pages do not show yet.
        affected_ids = {page.pk for page in affected.pages}
        stale_pages = [row for row in find_stale_pages() if row.page.pk in affected_ids] if affected_ids else []
        other_changes = {row.page.pk: describe_changes(row.changed) for row in stale_pages}
        page_changes = describe_page_changes(stale_pages)
        titles = dict(Release.objects.filter(live_on__in=affected.pages).values_list("live_on", "title"))
        # Keep the choices of an earlier confirmation that other pages have made obsolete.
        chosen = set(request.POST.getlist("location")) if "_update" in request.POST else None
        changelist_url = reverse(f"admin:procedures_{self.opts.model_name}_changelist")
        context = {
            "pages": [
                (
                    page,
                    titles.get(page.pk, page.title),
                    get_change_url(page),
                    other_changes.get(page.pk, ""),
                    page_changes.get(page.pk, []),
                )
                for page in affected.pages
            ],
            "changes": affected.changes,
            "schedule_shifts": affected.schedule_shifts,
            "keep_utc_times": request.POST.get("plans") == "moment",
            "locations": [(change, chosen is None or change.key in chosen) for change in affected.locations],
            "token": affected.token,
            "form_values": _get_form_values(request.POST),
            "errors": errors,
            "can_publish": can_publish,
            "publisher_names": [] if can_publish else get_publisher_names(),
            "breadcrumbs": [(str(self.opts.verbose_name_plural).capitalize(), changelist_url)],
        }
        title = _("Not saved") if errors or not can_publish else _("Save and update pages")
        return render_admin(
            request, "clinic_value/confirm", context, title=title, status=status if can_publish else 403
        )

    def get_form_context(self, request: HttpRequest, context: dict[str, Any], obj: Any) -> dict[str, Any]:
        """Add the public pages that print the row."""
        if obj is None:
            return {}
        return {"dependent_pages": [(page, get_change_url(page)) for page in self.get_dependent_pages(obj)]}

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Add the public pages that the deletion updates. Protect their rows from staff who cannot publish."""
        tree, counts, perms, protected = super().get_deleted_objects(objs, request)
        pages = {page.pk: page for row in objs for page in self.get_dependent_pages(row)}
        if not pages or protected:
            return tree, counts, perms, protected
        if not get_staff_user(request).has_perm(PUBLISH_PERMISSION):
            return tree, counts, perms, [_ask_publisher_message(len(pages))]
        stale_pages = [row for row in find_stale_pages() if row.page.pk in pages]
        other_changes = {row.page.pk: describe_changes(row.changed) for row in stale_pages}
        page_changes = describe_page_changes(stale_pages)
        titles: list[Any] = []
        for pk, page in pages.items():
            titles.append(str(page))
            if pk in other_changes:
                also_new = _("Also new on this page: %(also)s") % {"also": other_changes[pk]}
                titles.append([also_new, *page_changes.get(pk, [])])
        return (
            [*tree, _("These public pages are updated:"), titles],
            {**counts, _("public pages"): len(pages)},
            perms,
            protected,
        )

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete the row and update its pages, or report the page that cannot be published without it."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except PublishError as error:
            return _redirect_not_deleted(request, error)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list. Its actions delete all selected rows or none."""
        if request.method != "POST":
            return super().changelist_view(request, extra_context)
        try:
            with transaction.atomic():
                return super().changelist_view(request, extra_context)
        except PublishError as error:
            return _redirect_not_deleted(request, error)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete one row and update its pages."""
        with update_clinic_values(actor=get_staff_user(request)) as update:
            super().delete_model(request, obj)
        message_updated_pages(request, update)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete several rows and update their pages once."""
        with update_clinic_values(actor=get_staff_user(request)) as update:
            super().delete_queryset(request, queryset)
        message_updated_pages(request, update)


def message_updated_pages(request: HttpRequest, update: ClinicUpdate) -> None:
    """Report the locations, pages, and scheduled publications that changed with the value."""
    if update.location_changes:
        changes = "; ".join(change.label for change in update.location_changes)
        messages.success(request, _("Locations changed too: %(changes)s.") % {"changes": changes})
    if update.releases:
        count = len(update.releases)
        message = ngettext(
            "%(count)s public page now shows the new value.", "%(count)s public pages now show the new value.", count
        )
        messages.success(request, message % {"count": count})
    if update.rescheduled_pages:
        count = len(update.rescheduled_pages)
        message = ngettext(
            "%(count)s scheduled page keeps its time of day.",
            "%(count)s scheduled pages keep their time of day.",
            count,
        )
        messages.info(request, message % {"count": count})


def get_publisher_names() -> list[str]:
    """Return the names of staff who can publish."""
    return [str(user) for user in User.objects.with_perm(PUBLISH_PERMISSION, backend=MODEL_BACKEND) if user.is_staff]


def _ask_publisher_message(count: int) -> str:
    message = ngettext(
        "%(count)s public page shows it. Ask someone who can publish pages to delete it: %(names)s.",
        "%(count)s public pages show it. Ask someone who can publish pages to delete it: %(names)s.",
        count,
    )
    return message % {"count": count, "names": ", ".join(get_publisher_names()) or _("a manager")}


def _redirect_not_deleted(request: HttpRequest, error: PublishError) -> HttpResponse:
    reasons = " ".join(str(issue.message) for issue in error.issues)
    messages.error(request, _("Nothing was deleted. %(reasons)s") % {"reasons": reasons})
    return HttpResponseRedirect(request.get_full_path())


def _get_form_values(data: QueryDict) -> list[tuple[str, str]]:
    """Return all values of the form, for the hidden fields of the confirmation."""
    return [(name, value) for name, values in data.lists() if name not in CONFIRMATION_FIELDS for value in values]


def _refuse_save(form: Any) -> Any:
    raise ValidationError(_("Not saved yet. Check your changes, then save again."))


class ClinicTextInline(ContentInline):
    """The clinic's texts in each language."""

    model = ClinicText
    max_num = len(CODES)


class ClinicForm(AnyForm):
    """The clinic's own fields, and its logo.

    An accepted logo is carried through the confirmation in ``logo_data``, because a file input cannot be resubmitted.
    """

    logo_file = forms.FileField(
        label=gettext_lazy("Logo"),
        required=False,
        help_text=gettext_lazy(
            "A PNG, JPEG, or WebP file, at least 80 pixels high, on a white or transparent background. It is shown 40 "
            "pixels high at the top and bottom of each page, and on paper."
        ),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    remove_logo = forms.BooleanField(label=gettext_lazy("Remove the logo"), required=False)
    logo_data = forms.CharField(label=gettext_lazy("Logo"), required=False, widget=forms.HiddenInput)

    class Meta:
        model = Clinic
        fields = (
            "name",
            "phone",
            "after_hours_phone",
            "emergency_number",
            "time_zone",
            "logo_has_name",
            "color",
            "accent_color",
        )

    def clean_logo_file(self) -> Logo | None:
        """Return the uploaded logo in its stored format."""
        upload = self.cleaned_data["logo_file"]
        if upload is None:
            return None
        if upload.size > MAX_IMAGE_BYTES:
            raise ValidationError(IMAGE_TOO_LARGE_MESSAGE)
        try:
            logo = read_logo(upload.read())
        except InvalidImageError as error:
            raise ValidationError(str(error)) from error
        # If this form is shown again, the file need not be chosen again.
        data: Any = self.data.copy()  # type: ignore[attr-defined]
        data["logo_data"] = encode_text(logo.png)
        self.data = data
        return logo

    def clean_logo_data(self) -> Logo | None:
        """Return the logo of an upload before the confirmation."""
        text = self.cleaned_data["logo_data"]
        try:
            return decode_logo_text(text) if text else None
        except InvalidImageError as error:
            raise ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        """Reject a second color without a first one, and adding and removing the logo at the same time."""
        data = super().clean() or self.cleaned_data
        if data.get("accent_color") and not data.get("color") and "color" not in self.errors:
            self.add_error("accent_color", _("Choose a first color as well."))
        if data.get("remove_logo") and data.get("logo_file"):
            self.add_error("remove_logo", _("Either choose a file or remove the logo."))
        return data

    @property
    def new_logo(self) -> Logo | None:
        """The logo that was chosen now or before the confirmation."""
        logo: Logo | None = self.cleaned_data.get("logo_file") or self.cleaned_data.get("logo_data")
        return logo


@admin.register(Clinic)
class ClinicAdmin(ClinicValueAdmin, ConflictCheckedAdmin):
    """Admin for the clinic, which is a single row."""

    form = ClinicForm
    list_display = ("name", "phone", "after_hours_phone", "emergency_number")
    inlines = (ClinicTextInline,)
    readonly_fields = ("current_logo",)
    fieldsets = (
        (None, {"fields": ("name", "phone", "after_hours_phone", "emergency_number", "time_zone")}),
        (
            gettext_lazy("Logo and colors"),
            {
                "fields": (
                    "current_logo",
                    "logo_file",
                    "remove_logo",
                    "logo_has_name",
                    "color",
                    "accent_color",
                    "logo_data",
                )
            },
        ),
    )

    @admin.display(description=gettext_lazy("Current logo"))
    def current_logo(self, obj: Clinic | None) -> str:
        if obj is None or not obj.logo_version:
            return _("None. Only the name is shown.")
        url = f"{LOGO_URL}?{obj.logo_version}"
        return format_html('<img src="{}" width="{}" height="{}" alt="">', url, obj.logo_width, obj.logo_height)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow adding the clinic only once."""
        return super().has_add_permission(request) and not Clinic.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny: every page names the clinic."""
        return False

    def save_model(self, request: HttpRequest, obj: Clinic, form: Any, change: bool) -> None:
        """Set the primary key to 1, the only one that the database accepts."""
        obj.pk = 1
        if form.new_logo or form.cleaned_data["remove_logo"]:
            obj.set_logo(form.new_logo)
        request.new_logo = form.new_logo  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def _render_confirmation(
        self, request: HttpRequest, affected: AffectedContent, *, errors: list[str] | None = None, status: int = 200
    ) -> HttpResponse:
        """Keep an uploaded logo in the form values."""
        logo: Logo | None = getattr(request, "new_logo", None)
        if logo:
            values = request.POST.copy()
            values["logo_data"] = encode_text(logo.png)
            request.POST = values  # type: ignore[assignment]
        return super()._render_confirmation(request, affected, errors=errors, status=status)

    def dependency_key(self, obj: Clinic) -> tuple[str, str]:
        return "clinic", ""


class LocationTextInline(ContentInline):
    """The texts of a location in each language."""

    model = LocationText
    max_num = len(CODES)


@admin.register(Location)
class LocationAdmin(ClinicValueAdmin, ConflictCheckedAdmin):
    """Admin for the clinic's locations."""

    immutable_fields = ("key",)
    list_display = ("name", "phone", "address", "order")
    search_fields = ("key", "texts__name", "address")
    inlines = (LocationTextInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Location]:
        """Load the names in one query."""
        return super().get_queryset(request).prefetch_related("texts")

    def row_title(self, location: Location) -> str:
        """Return the name in the first language that has one."""
        return next((text.name for text in location.texts.all() if text.name), location.key)

    @admin.display(description=gettext_lazy("name"))
    def name(self, location: Location) -> str:
        """Return the name that staff use for the location."""
        return self.row_title(location)

    def dependency_key(self, obj: Location) -> tuple[str, str]:
        return "list", "locations"
