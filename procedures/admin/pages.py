"""Pages and guides: the list, the form, and what its buttons do."""

from copy import copy
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path
from markdownx.models import MarkdownxField

from procedures.admin import autosave, choices, kit, outdated, preview, readers, review
from procedures.admin.base import OVERRIDES, ContentAdmin, TextRows, staff, without_windows
from procedures.admin.conflict import conflict, may_follow
from procedures.admin.desk import change_address, desk
from procedures.admin.editor import MarkdownFormField, MarkdownWidget
from procedures.admin.outdated import tell_already_published, tell_published
from procedures.admin.page_form import GuideForm, GuideItemForm, PageForm
from procedures.admin.workflow_urls import workflow_urls
from procedures.enums import PageKind
from procedures.links.codes import free_code
from procedures.markdown import Problem
from procedures.models import Guide, GuideItem, Page, Revision
from procedures.publishing.autosave import forget
from procedures.publishing.drafts import EditedMeanwhileError, claim_version, save_revision
from procedures.publishing.publish import PublishRefusedError, is_published, lock_values, publish
from procedures.publishing.review import standing_approval, submit
from procedures.publishing.states import PageState, in_state, state_words, with_states


class StateFilter(admin.SimpleListFilter):
    """Narrows a list of pages to one state."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """All states, in the order of a page's life."""
        return [(str(value), str(label)) for value, label in PageState.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Page]) -> QuerySet[Page]:
        """The rows in the chosen state."""
        return in_state(queryset, self.value() or "") if self.value() in PageState.values else queryset


class WorkflowAdmin(ContentAdmin):
    """What pages and guides share. Every save is a Revision; buttons call publishing, and show what it refuses."""

    change_form_template = "admin/procedures/page/change_form.html"
    change_list_template = "admin/procedures/page/change_list.html"
    formfield_overrides = {**OVERRIDES, MarkdownxField: {"form_class": MarkdownFormField, "widget": MarkdownWidget}}
    search_fields = ("title", "subject", "slug", "body")
    prepopulated_fields = {"slug": ("title",), "subject": ("title",)}
    place: Any = ("slug", "subject", "language", "order")

    @admin.display(description="state")
    def state(self, page: Page) -> str:
        """Where it stands."""
        return state_words(page)

    @admin.display(description="address")
    def address(self, page: Page) -> str:
        """What is live, else what is planned."""
        return page.live_release.path if page.live_release else f"{page.planned_path} (planned)"

    @admin.display(description="review due", ordering="live_release__next_review_on")
    def review_due(self, page: Page) -> Any:
        """When the public text must be looked at again."""
        return page.live_release.next_review_on if page.live_release else None

    @admin.display(description="links")
    def links(self, page: Page) -> str:
        """For mail and letters: the neutral link in one click, and the way to the message kit."""
        return kit.cell(page) if page.live_release else ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Page]:
        """With states, in one query."""
        return with_states(super().get_queryset(request))

    def has_delete_permission(self, request: HttpRequest, obj: Page | None = None) -> bool:
        """Pages are withdrawn, never deleted: their addresses answer for ever."""
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Page | None = None) -> Any:
        """The text first; what is set once is folded away later."""
        folded = {"classes": ("collapse",)} if obj else {}
        return (TEXT, FRAME, ("Address and place", {"fields": self.place, **folded}))

    def get_readonly_fields(self, request: HttpRequest, obj: Page | None = None) -> tuple[str, ...]:
        """Other texts link to subject and language; both stay once anything has been public."""
        fixed = ("subject", "language") if obj and obj.releases.exists() else ()
        return (*super().get_readonly_fields(request, obj), *fixed)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Drafts can be chosen as the next step, too."""
        if db_field.name == "next_page":
            kwargs["queryset"] = Page.objects.order_by("title")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """No page is written in a small window over another one."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        return without_windows(field) if db_field.name == "next_page" else field

    def get_form(self, request: HttpRequest, obj: Page | None = None, change: bool = False, **kwargs: Any) -> Any:
        """The form; after a conflict it holds both texts put together and says what happened."""
        form = super().get_form(request, obj, change, **kwargs)
        return type("Form", (form,), {"conflict": getattr(request, "conflict", None)})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form. A save that comes too late is undone whole and shown again, merged: 409."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except EditedMeanwhileError as error:
            found = conflict(request.POST, error.page_id)
            request.POST, request.conflict = found.data, found  # type: ignore[assignment, attr-defined]
            again = {**(extra_context or {}), "conflict": found}
            response = super().changeform_view(request, object_id, form_url, again)
            response.status_code = 409
            return response

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Page | None = None,
    ) -> HttpResponse:
        """Adds the desk: state, problems, what this person may do."""
        if obj is not None:
            context["desk"] = desk(obj.pk, staff(request))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(self, request: HttpRequest, obj: Page, form: Any, change: bool) -> None:
        """Claim the version, then write the draft's own fields only: nothing that publishing wrote meanwhile."""
        if not change:
            obj.code = free_code()
            obj.save()
            return
        # Before any page is locked, because the buttons of the form may publish.
        lock_values()
        version = may_follow(request.POST)
        if version is None:
            version = form.cleaned_data["version"]
        if _is_saved_already(request, obj):
            version = Page.objects.get(pk=obj.pk).draft_version
        claim_version(obj, expected=-1 if version is None else version)
        obj.save(update_fields=[name for name in form.cleaned_data if name not in PageForm.declared_fields])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The revision comes last, when the reading list is saved, too."""
        super().save_related(request, form, formsets, change)
        save_revision(form.instance, author=staff(request), note=form.cleaned_data["note"])
        forget(staff(request), [form.cleaned_data["window"]])

    def response_add(self, request: HttpRequest, obj: Page, post_url_continue: str | None = None) -> HttpResponse:
        """Do what the button says."""
        return self._answer(request, obj)

    def response_change(self, request: HttpRequest, obj: Page) -> HttpResponse:
        """Do what the button says."""
        return self._answer(request, obj)

    def _answer(self, request: HttpRequest, page: Page) -> HttpResponse:
        revision, actor = page.revisions.latest("number"), staff(request)
        if "_publish" in request.POST:
            if not actor.has_perm("procedures.publish_page"):
                raise PermissionDenied
            approval = standing_approval(revision)
            if approval and is_published(page, revision, approval):
                tell_already_published(request)
                return HttpResponseRedirect(change_address(page))
            try:
                publish(revision, actor=actor, what_changed=request.POST.get("what_changed", "").strip())
            except PublishRefusedError as error:
                return self._refused(request, page, error.problems)
            tell_published(request, page)
        elif "_submit" in request.POST:
            submit(revision, actor=actor, note=request.POST.get("note", ""))
            messages.success(request, "Saved and sent for review.")
        else:
            again = APPROVAL_GONE if _lost_its_approval(page, revision) else ""
            messages.success(request, f"Draft saved. What patients read has not changed.{again}")
        return HttpResponseRedirect(change_address(page))

    def _refused(self, request: HttpRequest, page: Page, problems: list[Problem]) -> HttpResponse:
        """The saved draft again with what is to mend. The transaction around us goes on, so the draft stays."""
        again = copy(request)
        again.method, again.POST = "GET", QueryDict()
        context = {"refused": problems}
        response = self.changeform_view(again, str(page.pk), change_address(page), context)
        response.status_code = 409
        return response


def _is_saved_already(request: HttpRequest, page: Page) -> bool:
    """Whether the form holds exactly what is saved, as after a double click; then there is nothing to merge.

    A form with new entries of a reading list is always merged, because they would be added twice.
    """
    saved = Page.objects.select_for_update().get(pk=page.pk)
    rows = {request.POST.get(f"items-{count}_FORMS", "0") for count in ("TOTAL", "INITIAL")}
    return len(rows) == 1 and preview.typed_page(request.POST)[1] == saved.draft()


APPROVAL_GONE = " The text before it was approved; this one has to go to review again."


def _lost_its_approval(page: Page, newest: Revision) -> bool:
    """Whether the revision before was approved and not public yet: its approval does not hold for this text."""
    before = page.revisions.exclude(pk=newest.pk).first()
    is_public = before is not None and page.live_release is not None and page.live_release.revision_id == before.pk
    return bool(before and not is_public and standing_approval(before) and not standing_approval(newest))


TEXT: Any = ("Text", {"fields": ("title", "key_message", "body")})
FRAME: Any = (
    "Around the text",
    {"fields": ("lead_figure", "next_page", "next_label", "description", "review_months")},
)


@admin.register(Page)
class PageAdmin(WorkflowAdmin):
    """Pages; their addresses under /admin/ hold the editor's and the workflow's screens as well."""

    form = PageForm
    list_display = ("title", "state", "links", "kind", "language", "address", "review_due")
    list_filter = (StateFilter, "kind", "language")
    place = ("slug", "subject", "language", "kind", "order")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Page]:
        """All but guides, which have their own list."""
        return super().get_queryset(request).exclude(kind=PageKind.GUIDE)

    def get_urls(self) -> list[URLPattern]:
        """Before Django's own, whose last rule takes everything."""
        view = self.admin_site.admin_view
        own = [
            path("preview/", preview.preview, name="procedures_page_preview"),
            path("reads/", view(readers.reads), name="procedures_page_reads"),
            path("autosave/", autosave.autosave, name="procedures_page_autosave"),
            path("review/keep/", review.keep, name="procedures_page_review_keep"),
            path("autosave/discard/", autosave.discard, name="procedures_page_discard"),
            path("compare/", autosave.compare, name="procedures_page_compare_kept"),
            path("choices/", choices.offered, name="procedures_page_choices"),
            path("outdated/", view(outdated.outdated), name="procedures_page_outdated"),
            path("<int:page_id>/links/", view(kit.kit), name="procedures_page_kit"),
            path("<int:page_id>/links/message.eml", view(kit.message), name="procedures_page_message"),
            path("<int:page_id>/links/reminder.ics", view(kit.reminder), name="procedures_page_reminder"),
            path("<int:page_id>/links/qr.svg", view(kit.qr_svg), name="procedures_page_qr_svg"),
            path("<int:page_id>/links/qr.png", view(kit.qr_png), name="procedures_page_qr_png"),
            path("<int:page_id>/links/sheet/<str:paper>/", view(kit.letter), name="procedures_page_letter"),
        ]
        return own + workflow_urls(view) + super().get_urls()


class GuideItems(TextRows):
    """The reading list of a guide."""

    model = GuideItem
    form = GuideItemForm
    fk_name = "guide"
    verbose_name_plural = "reading list, in its order"
    fields = (("order", "page", "section", "minutes"), "note")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """No page is written in a small window over another one."""
        return without_windows(super().formfield_for_dbfield(db_field, request, **kwargs))


@admin.register(Guide)
class GuideAdmin(WorkflowAdmin):
    """What patients are sent before or after one kind of visit."""

    form = GuideForm
    list_display = ("title", "state", "links", "language", "address", "review_due")
    list_filter = (StateFilter, "language")
    inlines = (GuideItems,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Page]:
        """Guides only."""
        return super().get_queryset(request).filter(kind=PageKind.GUIDE)
