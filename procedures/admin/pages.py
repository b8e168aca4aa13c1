"""The form of a page or guide: the draft, the version it was opened at, and a word for colleagues."""

from collections.abc import Callable
from copy import copy
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path
from markdownx.models import MarkdownxField

from procedures.admin import (
    autosave,
    editor,
    feedback_and_views,
    preview,
    review,
    revisions,
    schedule,
    sharing,
    stale_pages,
    transfer,
    translation,
    withdrawal,
)
from procedures.admin.base import (
    FORMFIELD_OVERRIDES,
    AnyForm,
    ContentAdmin,
    ContentInline,
    disable_related_popups,
    get_staff_user,
)
from procedures.admin.conflict import ConflictContext, build_conflict, resolved_version
from procedures.admin.edit_page import build_edit_page_context, get_change_url
from procedures.admin.editor import MarkdownFormField, MarkdownWidget
from procedures.admin.stale_pages import message_already_published, message_published
from procedures.enums import PageKind
from procedures.models import Guide, GuideItem, Page, Revision
from procedures.publishing.publish import PublishError, is_published, lock_clinic_values, publish
from procedures.publishing.review import (
    PageState,
    annotate_status,
    current_approval,
    describe_state,
    filter_by_state,
    submit_for_review,
)
from procedures.rendering import Issue
from procedures.revisions.autosave import discard_autosaves
from procedures.revisions.drafts import EditConflictError, check_and_bump_version, save_revision
from procedures.sharing.short_codes import generate_code
from procedures.validators import validate_no_sign_advice


class PageForm(AnyForm):
    """``version`` is the draft version this form was opened with, ``parent`` its revision, the base of a merge.

    ``window`` names the autosave slot of this form. ``conflict`` is set when somebody was faster.
    """

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    base_revision = forms.CharField(widget=forms.HiddenInput, required=False)
    client_id = forms.CharField(widget=forms.HiddenInput, required=False, max_length=36)
    note = forms.CharField(
        label="What did you change?",
        max_length=240,
        required=False,
        help_text="For your colleagues, in the history.",
    )
    what_changed = forms.CharField(
        label="What changed, for readers",
        max_length=240,
        required=False,
        help_text="One sentence that patients see when you publish. Leave it empty for small corrections.",
    )
    conflict: ConflictContext | None = None

    class Meta:
        model = Page
        fields = "__all__"  # the admin names the fields in its fieldsets
        widgets = {
            "key_message": forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
            "description": forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["version"].initial = self.instance.draft_version
        for name in ("key_message", "description"):
            # A draft may be saved half written; publishing asks for both.
            if name in self.fields:
                self.fields[name].required = False
        for field, name in (("title", "title"), ("slug", "address"), ("subject", "subject")):
            if field in self.fields:
                self.fields[field].error_messages["required"] = f"The {name} is empty. Write one."
        if "kind" in self.fields:
            kinds = [choice for choice in PageKind.choices if choice[0] != PageKind.GUIDE]
            self.fields["kind"].choices = [("", "---------"), *kinds]  # type: ignore[attr-defined]
        if self.instance.pk and not self.is_bound:
            newest = self.instance.revisions.first()
            # A draft that never became a revision is nobody's base.
            self.fields["base_revision"].initial = (
                newest.pk if newest and newest.content == self.instance.draft_content() else ""
            )

    def clean(self) -> dict[str, Any]:
        """One line, or the conflict."""
        values = super().clean() or self.cleaned_data
        for name in ("key_message", "description"):
            if name in values:
                # Both are one sentence; a line break typed into the larger box is a space.
                values[name] = " ".join(values[name].split())
        if self.conflict:
            raise forms.ValidationError(self.conflict.message)
        return values

    def clean_what_changed(self) -> str:
        """Refuse warning signs in the sentence for readers."""
        what_changed: str = self.cleaned_data["what_changed"]
        validate_no_sign_advice(self.cleaned_data.get("language") or self.instance.language, what_changed)
        return what_changed


class GuideForm(PageForm):
    """A guide's kind is never chosen."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.kind = PageKind.GUIDE


class GuideItemForm(AnyForm):
    """One row of the reading list."""

    class Meta:
        model = GuideItem
        fields = ("order", "page", "section", "minutes", "note")


AnyView = Callable[..., Any]


def get_workflow_urls(admin_view: Callable[[AnyView], AnyView]) -> list[URLPattern]:
    """All of them; ``guarded`` is the admin's own door. Each view asks for its permission besides."""
    screens: list[tuple[str, AnyView, str]] = [
        ("<int:page_id>/review/", review.review_view, "page_review"),
        ("<int:page_id>/publish/", schedule.publish_view, "page_publish"),
        ("<int:page_id>/withdraw/", withdrawal.withdraw_view, "page_withdraw"),
        ("<int:page_id>/versions/", revisions.history_view, "page_revisions"),
        ("<int:page_id>/compare/", revisions.compare_view, "page_compare"),
        ("<int:page_id>/restore/", revisions.restore_view, "page_restore"),
        ("<int:page_id>/reading/", revisions.history_at_view, "page_history_at"),
        ("<int:page_id>/translation/", translation.translation_view, "page_translation"),
        ("revisions/<int:revision_id>/", revisions.revision_preview_view, "revision_page"),
        ("releases/<int:release_id>/", revisions.release_preview_view, "release_page"),
        ("planned/", schedule.scheduled_view, "page_scheduled"),
        ("transfer/", transfer.transfer_view, "page_transfer"),
        ("transfer/bundle.zip", transfer.export_view, "page_export"),
        ("transfer/look/", transfer.import_view, "page_import"),
        ("transfer/picture/<str:token>/<str:sha256>.png", transfer.import_image_view, "page_import_image"),
    ]
    return [path(address, admin_view(view), name=f"procedures_{name}") for address, view, name in screens]


class StateFilter(admin.SimpleListFilter):
    """Narrows a list of pages to one state."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """All states, in the order of a page's life."""
        return [(str(value), str(label)) for value, label in PageState.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Page]) -> QuerySet[Page]:
        """The rows in the chosen state."""
        return filter_by_state(queryset, self.value() or "") if self.value() in PageState.values else queryset


class BasePageAdmin(ContentAdmin):
    """What pages and guides share. Every save is a Revision; buttons call publishing, and show what it refuses."""

    change_form_template = "admin/procedures/page/change_form.html"
    change_list_template = "admin/procedures/page/change_list.html"
    formfield_overrides = {
        **FORMFIELD_OVERRIDES,
        MarkdownxField: {"form_class": MarkdownFormField, "widget": MarkdownWidget},
    }
    search_fields = ("title", "subject", "slug", "body")
    prepopulated_fields = {"slug": ("title",), "subject": ("title",)}
    address_fields: Any = ("slug", "subject", "language", "order")

    @admin.display(description="state")
    def workflow_state(self, page: Page) -> str:
        """Where it stands."""
        return describe_state(page)

    @admin.display(description="address")
    def public_path(self, page: Page) -> str:
        """What is live, else what is planned."""
        return page.live_release.path if page.live_release else f"{page.planned_path} (planned)"

    @admin.display(description="review due", ordering="live_release__next_review_on")
    def review_due(self, page: Page) -> Any:
        """When the public text must be looked at again."""
        return page.live_release.next_review_on if page.live_release else None

    @admin.display(description="links")
    def sharing_links(self, page: Page) -> str:
        """For mail and letters: the neutral link in one click, and the way to the message kit."""
        return sharing.render_sharing_cell(page) if page.live_release else ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Page]:
        """With states, in one query."""
        return annotate_status(super().get_queryset(request))

    def has_delete_permission(self, request: HttpRequest, obj: Page | None = None) -> bool:
        """Pages are withdrawn, never deleted: their addresses answer for ever."""
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Page | None = None) -> Any:
        """The text first; what is set once is folded away later."""
        folded = {"classes": ("collapse",)} if obj else {}
        return (TEXT_FIELDSET, METADATA_FIELDSET, ("Address and place", {"fields": self.address_fields, **folded}))

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
        return disable_related_popups(field) if db_field.name == "next_page" else field

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
        except EditConflictError as error:
            found = build_conflict(request.POST, error.page_id)
            request.POST, request.conflict = found.merged_data, found  # type: ignore[assignment, attr-defined]
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
            context["edit_page"] = build_edit_page_context(obj.pk, get_staff_user(request))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(self, request: HttpRequest, obj: Page, form: Any, change: bool) -> None:
        """Claim the version, then write the draft's own fields only: nothing that publishing wrote meanwhile."""
        if not change:
            obj.code = generate_code()
            obj.save()
            return
        # Before any page is locked, because the buttons of the form may publish.
        lock_clinic_values()
        version = resolved_version(request.POST)
        if version is None:
            version = form.cleaned_data["version"]
        if _is_already_saved(request, obj):
            version = Page.objects.get(pk=obj.pk).draft_version
        check_and_bump_version(obj, expected_version=-1 if version is None else version)
        obj.save(update_fields=[name for name in form.cleaned_data if name not in PageForm.declared_fields])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The revision comes last, when the reading list is saved, too."""
        super().save_related(request, form, formsets, change)
        save_revision(form.instance, author=get_staff_user(request), note=form.cleaned_data["note"])
        discard_autosaves(get_staff_user(request), [form.cleaned_data["client_id"]])

    def response_add(self, request: HttpRequest, obj: Page, post_url_continue: str | None = None) -> HttpResponse:
        """Do what the button says."""
        return self._handle_action(request, obj)

    def response_change(self, request: HttpRequest, obj: Page) -> HttpResponse:
        """Do what the button says."""
        return self._handle_action(request, obj)

    def _handle_action(self, request: HttpRequest, page: Page) -> HttpResponse:
        revision, actor = page.revisions.latest("number"), get_staff_user(request)
        if "_publish" in request.POST:
            if not actor.has_perm("procedures.publish_page"):
                raise PermissionDenied
            approval = current_approval(revision)
            if approval and is_published(page, revision, approval):
                message_already_published(request)
                return HttpResponseRedirect(get_change_url(page))
            try:
                publish(revision, actor=actor, what_changed=request.POST.get("what_changed", "").strip())
            except PublishError as error:
                return self._render_publish_error(request, page, error.issues)
            message_published(request, page)
        elif "_submit" in request.POST:
            submit_for_review(revision, actor=actor, note=request.POST.get("note", ""))
            messages.success(request, "Saved and sent for review.")
        else:
            again = APPROVAL_SUPERSEDED_MESSAGE if _has_lost_approval(page, revision) else ""
            messages.success(request, f"Draft saved. What patients read has not changed.{again}")
        return HttpResponseRedirect(get_change_url(page))

    def _render_publish_error(self, request: HttpRequest, page: Page, issues: list[Issue]) -> HttpResponse:
        """The saved draft again with what is to mend. The transaction around us goes on, so the draft stays."""
        again = copy(request)
        again.method, again.POST = "GET", QueryDict()
        context = {"publish_issues": issues}
        response = self.changeform_view(again, str(page.pk), get_change_url(page), context)
        response.status_code = 409
        return response


def _is_already_saved(request: HttpRequest, page: Page) -> bool:
    """Whether the form holds exactly what is saved, as after a double click; then there is nothing to merge.

    A form with new entries of a reading list is always merged, because they would be added twice.
    """
    saved = Page.objects.select_for_update().get(pk=page.pk)
    rows = {request.POST.get(f"items-{count}_FORMS", "0") for count in ("TOTAL", "INITIAL")}
    return len(rows) == 1 and preview.parse_page_form(request.POST)[1] == saved.draft_content()


APPROVAL_SUPERSEDED_MESSAGE = " The text before it was approved; this one has to go to review again."


def _has_lost_approval(page: Page, newest: Revision) -> bool:
    """Whether the revision before was approved and not public yet: its approval does not hold for this text."""
    before = page.revisions.exclude(pk=newest.pk).first()
    is_public = before is not None and page.live_release is not None and page.live_release.revision_id == before.pk
    return bool(before and not is_public and current_approval(before) and not current_approval(newest))


TEXT_FIELDSET: Any = ("Text", {"fields": ("title", "key_message", "body")})
METADATA_FIELDSET: Any = (
    "Around the text",
    {"fields": ("lead_figure", "next_page", "next_label", "description", "review_months")},
)


@admin.register(Page)
class PageAdmin(BasePageAdmin):
    """Pages; their addresses under /admin/ hold the editor's and the workflow's screens as well."""

    form = PageForm
    list_display = ("title", "workflow_state", "sharing_links", "kind", "language", "public_path", "review_due")
    list_filter = (StateFilter, "kind", "language")
    address_fields = ("slug", "subject", "language", "kind", "order")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Page]:
        """All but guides, which have their own list."""
        return super().get_queryset(request).exclude(kind=PageKind.GUIDE)

    def get_urls(self) -> list[URLPattern]:
        """Before Django's own, whose last rule takes everything."""
        view = self.admin_site.admin_view
        own = [
            path("preview/", preview.preview_view, name="procedures_page_preview"),
            path("reads/", view(feedback_and_views.page_views_view), name="procedures_page_views"),
            path("autosave/", autosave.autosave_view, name="procedures_page_autosave"),
            path("review/keep/", review.autosave_review_view, name="procedures_page_review_autosave"),
            path("autosave/discard/", autosave.discard_autosave_view, name="procedures_page_autosave_discard"),
            path("compare/", autosave.compare_autosave_view, name="procedures_page_autosave_compare"),
            path("choices/", editor.insert_options_view, name="procedures_page_insert_options"),
            path("outdated/", view(stale_pages.stale_pages_view), name="procedures_page_stale"),
            path("<int:page_id>/links/", view(sharing.sharing_view), name="procedures_page_sharing"),
            path("<int:page_id>/links/message.eml", view(sharing.email_draft_view), name="procedures_page_message"),
            path(
                "<int:page_id>/links/reminder.ics",
                view(sharing.calendar_event_view),
                name="procedures_page_calendar_event",
            ),
            path("<int:page_id>/links/qr.svg", view(sharing.qr_svg_view), name="procedures_page_qr_svg"),
            path("<int:page_id>/links/qr.png", view(sharing.qr_png_view), name="procedures_page_qr_png"),
            path("<int:page_id>/links/sheet/<str:paper>/", view(sharing.letter_view), name="procedures_page_letter"),
        ]
        return own + get_workflow_urls(view) + super().get_urls()


class GuideItemInline(ContentInline):
    """The reading list of a guide."""

    model = GuideItem
    form = GuideItemForm
    fk_name = "guide"
    verbose_name_plural = "reading list, in its order"
    fields = (("order", "page", "section", "minutes"), "note")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """No page is written in a small window over another one."""
        return disable_related_popups(super().formfield_for_dbfield(db_field, request, **kwargs))


@admin.register(Guide)
class GuideAdmin(BasePageAdmin):
    """What patients are sent before or after one kind of visit."""

    form = GuideForm
    list_display = ("title", "workflow_state", "sharing_links", "language", "public_path", "review_due")
    list_filter = (StateFilter, "language")
    inlines = (GuideItemInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Page]:
        """Guides only."""
        return super().get_queryset(request).filter(kind=PageKind.GUIDE)
