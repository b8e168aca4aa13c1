"""Saving a value of the clinic updates the public pages that print it, after a confirmation that lists them."""

import hashlib
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse

from portal.staff.models import User
from procedures.admin.base import AnyAdmin, staff
from procedures.admin.desk import change_address
from procedures.admin.shell import screen
from procedures.models import Page, Release
from procedures.publishing.outdated import changed_since
from procedures.publishing.publish import PublishRefusedError
from procedures.publishing.rerelease import LocationChange, Update, pages_quoting, updating_pages
from procedures.publishing.schedule import PlanInZones
from procedures.publishing.waiting import words

PUBLISH = "procedures.publish_page"
# Fields of the confirmation itself.
OWN_FIELDS = ("csrfmiddlewaretoken", "_update", "_edit", "plans", "location")
BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True)
class Concerned:
    """Public pages, plans and locations that a change affects."""

    pages: list[Page]
    plans: list[PlanInZones]
    locations: list[LocationChange]

    @property
    def token(self) -> str:
        """Identifies these pages, plans and locations, so that the button confirms only what was on the screen."""
        named = [f"{page.pk}" for page in self.pages] + [f"{plan.page.pk} {plan.kept_time}" for plan in self.plans]
        named += [f"{change.key} {change.new}" for change in self.locations]
        return hashlib.sha256("\n".join(named).encode()).hexdigest()[:16]


class UnconfirmedUpdateError(Exception):
    """Nothing was saved: the change needs a confirmation first."""

    def __init__(self, concerned: Concerned) -> None:
        super().__init__("not confirmed")
        self.concerned = concerned


class ClinicValueAdmin(AnyAdmin):
    """Mixin for the clinic's own values. A save updates all pages that print the value, or changes nothing."""

    change_form_template = "admin/procedures/clinic_value/change_form.html"

    def quotes(self, obj: Any) -> tuple[str, str]:
        """Kind and key as in ReleaseInput. An empty key means all of that kind."""
        raise NotImplementedError

    def pages_of(self, obj: Any) -> list[Page]:
        """Public pages that print this row."""
        kind, key = self.quotes(obj)
        return pages_quoting(kind, key, [obj.language] if hasattr(obj, "language") else None)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """After “Go back and edit” the form shows what was typed and saves nothing."""
        form = super().get_form(request, obj, change, **kwargs)
        return type("Form", (form,), {"clean": _not_saved_yet}) if "_edit" in request.POST else form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form, save it, or ask for confirmation where public pages print the value.

        403 for staff who may not publish, 409 where a page cannot be updated. Each screen repeats what was typed.
        """
        if request.method != "POST" or "_edit" in request.POST:
            return super().changeform_view(request, object_id, form_url, extra_context)
        keep_moments = request.POST.get("plans") == "moment"
        try:
            with updating_pages(actor=staff(request), keep_moments=keep_moments) as update:
                request.update = update  # type: ignore[attr-defined]
                return super().changeform_view(request, object_id, form_url, extra_context)
        except UnconfirmedUpdateError as error:
            return self._confirm(request, error.concerned)
        except PublishRefusedError as error:
            sentences = [problem.sentence for problem in error.problems]
            return self._confirm(request, Concerned([], [], []), refused=sentences, status=409)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Update the pages once all rows are saved, unless the change needs a confirmation first."""
        super().save_related(request, form, formsets, change)
        update: Update = request.update  # type: ignore[attr-defined]
        locations = list(update.change_locations())
        concerned = Concerned(update.pages(), update.plans(), locations)
        if not concerned.pages and not concerned.plans:
            tell_updated(request, update)
            return
        confirmed = request.POST.get("_update") == concerned.token
        if not confirmed or not staff(request).has_perm(PUBLISH):
            raise UnconfirmedUpdateError(concerned)
        update.leave_locations(request.POST.getlist("location"))
        update.apply()
        tell_updated(request, update)

    def _confirm(
        self, request: HttpRequest, concerned: Concerned, *, refused: list[str] | None = None, status: int = 200
    ) -> HttpResponse:
        may_publish = staff(request).has_perm(PUBLISH)
        # The change itself is rolled back by now: these are other changes that the pages do not show yet.
        also = {row.page.pk: words(row.changed) for row in changed_since()} if concerned.pages else {}
        titles = dict(Release.objects.filter(live_on__in=concerned.pages).values_list("live_on", "title"))
        # Choices made on an earlier confirmation, where other pages have come up since.
        chosen = set(request.POST.getlist("location")) if "_update" in request.POST else None
        context = {
            "pages": [
                (page, titles.get(page.pk, page.title), change_address(page), also.get(page.pk, ""))
                for page in concerned.pages
            ],
            "plans": concerned.plans,
            "keep_moments": request.POST.get("plans") == "moment",
            "locations": [(change, chosen is None or change.key in chosen) for change in concerned.locations],
            "token": concerned.token,
            "typed": _typed(request.POST),
            "refused": refused,
            "may_publish": may_publish,
            "publishers": [] if may_publish else publishers(),
            "trail": [(str(self.opts.verbose_name_plural).capitalize(), self._list())],
        }
        title = "Not saved" if refused or not may_publish else "Save and update pages"
        return screen(request, "clinic_value/confirm", context, title=title, status=status if may_publish else 403)

    def _list(self) -> str:
        return reverse(f"admin:procedures_{self.opts.model_name}_changelist")

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        """Add the public pages that print the row."""
        if obj is not None:
            context["printed_on"] = [(page, change_address(page)) for page in self.pages_of(obj)]
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Add the public pages that a deletion updates, and protect their rows from staff who may not publish."""
        tree, counts, perms, protected = super().get_deleted_objects(objs, request)
        pages = {page.pk: page for row in objs for page in self.pages_of(row)}
        if not pages or protected:
            return tree, counts, perms, protected
        if not staff(request).has_perm(PUBLISH):
            return tree, counts, perms, [_who_may(len(pages))]
        titles = [str(page) for page in pages.values()]
        return (
            [*tree, "Public pages that are updated:", titles],
            {**counts, "public pages": len(pages)},
            perms,
            protected,
        )

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete the row and update the pages, or say which page cannot be published without the row."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except PublishRefusedError as error:
            return _not_deleted(request, error)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list. Its actions delete all chosen rows or none."""
        if request.method != "POST":
            return super().changelist_view(request, extra_context)
        try:
            with transaction.atomic():
                return super().changelist_view(request, extra_context)
        except PublishRefusedError as error:
            return _not_deleted(request, error)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete one row and update its pages."""
        with updating_pages(actor=staff(request)) as update:
            super().delete_model(request, obj)
        tell_updated(request, update)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete several rows and update their pages once."""
        with updating_pages(actor=staff(request)) as update:
            super().delete_queryset(request, queryset)
        tell_updated(request, update)


def tell_updated(request: HttpRequest, update: Update) -> None:
    """Report the locations, pages and plans that changed along."""
    if update.locations:
        changes = "; ".join(change.label for change in update.locations)
        messages.success(request, f"Locations changed too: {changes}.")
    if update.releases:
        count = len(update.releases)
        messages.success(request, f"{count} public {'page shows' if count == 1 else 'pages show'} the new value now.")
    if update.moved:
        count = len(update.moved)
        messages.info(request, f"{count} planned {'page keeps its' if count == 1 else 'pages keep their'} time of day.")


def publishers() -> list[str]:
    """Names of staff who may publish."""
    return [str(user) for user in User.objects.with_perm(PUBLISH, backend=BACKEND) if user.is_staff]


def _who_may(count: int) -> str:
    pages = "1 public page prints it" if count == 1 else f"{count} public pages print it"
    return f"{pages}. Ask someone who can publish pages to delete it: {', '.join(publishers()) or 'a manager'}."


def _not_deleted(request: HttpRequest, error: PublishRefusedError) -> HttpResponse:
    messages.error(request, f"Nothing was deleted. {' '.join(problem.sentence for problem in error.problems)}")
    return HttpResponseRedirect(request.get_full_path())


def _typed(data: QueryDict) -> list[tuple[str, str]]:
    """All values of the form, for the hidden fields of the confirmation."""
    return [(name, value) for name, values in data.lists() if name not in OWN_FIELDS for value in values]


def _not_saved_yet(form: Any) -> Any:
    raise ValidationError("Nothing is saved yet. Check what you typed, then save it again.")
