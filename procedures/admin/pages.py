"""Admin for pages and guides: the editing form, conflict handling, workflow buttons, and the URLs of their screens."""

import datetime
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from markdownx.models import MarkdownxField

from portal.text import parse_int_or_zero
from procedures import languages
from procedures.admin import dashboard, drafts, editor, publishing, review, revisions, sharing, transfer, translation
from procedures.admin.base import (
    FORMFIELD_OVERRIDES,
    AnyForm,
    ContentAdmin,
    ContentInline,
    disable_related_popups,
    get_change_url,
    get_staff_user,
)
from procedures.admin.drafts import UNVERSIONED_FIELDS, ConflictContext, build_conflict, resolved_version
from procedures.admin.editor import MarkdownFormField, MarkdownWidget
from procedures.admin.free_addresses import ADDRESS_FIELDS, find_free_address
from procedures.admin.page_templates import copied_guide_items, get_template_options, initial_values
from procedures.admin.publishing import (
    clean_reader_line,
    message_already_published,
    message_published,
    what_changed_field,
)
from procedures.admin.review import EditPageContext, build_edit_page_context
from procedures.enums import EventKind, PageKind
from procedures.models import Figure, FigureText, Guide, GuideItem, Page, Revision
from procedures.models.page import MAX_LINE_LENGTH, normalize_draft
from procedures.models.revisions import MAX_CLIENT_ID_LENGTH
from procedures.publishing.checks import EMPTY_FIELD_MESSAGES
from procedures.publishing.publish import (
    WHAT_CHANGED_LINE,
    PublishError,
    is_published,
    lock_clinic_values,
    publish,
)
from procedures.publishing.review import (
    REVIEW_EVENTS,
    PageState,
    annotate_status,
    current_approval,
    describe_state,
    filter_by_state,
    record_identity_change,
    record_translation_source,
    submit_for_review,
)
from procedures.rendering import Issue
from procedures.revisions.drafts import (
    EditConflictError,
    check_and_bump_version,
    discard_autosaves,
    find_all_unsaved,
    find_page_authors,
    save_revision,
)
from procedures.sharing.short_codes import generate_code

REQUIRED_MESSAGES = {
    "title": EMPTY_FIELD_MESSAGES["title"],
    "slug": EMPTY_FIELD_MESSAGES["slug"],
    "subject": gettext_lazy("Add the name shared by translations."),
    "kind": gettext_lazy("Choose the page type."),
    "language": gettext_lazy("Choose the language."),
}
NAME_TAKEN_MESSAGE = gettext_lazy("The page “%(title)s” already has this name. Choose another one.")
OTHER_LANGUAGE_MESSAGE = gettext_lazy("Choose a page in the same language as this page.")
APPROVAL_SUPERSEDED_MESSAGE = gettext_lazy(
    "Draft saved. What patients read has not changed. The previous text was approved, but this one "
    "must be reviewed again."
)
REVIEW_ENDED_MESSAGE = gettext_lazy(
    "Draft saved. It is no longer waiting for review, and reviewers do not see it. Send it again when you are done."
)
NOTE_NOT_SAVED_MESSAGE = gettext_lazy(
    "Your note was not saved, because the text has not changed. It is still in the form: change the text and save "
    "again, or send the text for review with the note."
)
# For this long, the same form creates no second page.
RESUBMIT_PERIOD = datetime.timedelta(hours=1)
# Fields of the side panel that are required before a page can be saved or published.
REQUIRED_FIELDS = frozenset({"title", "key_message", "description", "slug", "subject", "language", "kind"})
TEXT_FIELDSET: Any = (gettext_lazy("Text"), {"fields": ("title", "key_message", "body")})


def figures_by_title() -> QuerySet[Figure]:
    """Return all pictures in the order of their titles (``name``) in the default language."""
    titles = FigureText.objects.filter(figure=OuterRef("pk"), language=languages.DEFAULT).values("title")[:1]
    return Figure.objects.annotate(name=Subquery(titles)).order_by("name", "slug")


class PageChoiceField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A choice of one page in the language of the page that links to it: readers get the page in that language."""

    default_error_messages = {"invalid_choice": OTHER_LANGUAGE_MESSAGE}

    def set_language(self, language: str) -> None:
        """Offer the pages in one language."""
        self.queryset = Page.objects.in_language(language).order_by("title")


def set_language_of_choice(form: AnyForm, name: str, language: str) -> None:
    """Offer only pages in ``language`` in a field.

    A page in another language that was saved earlier is replaced by its translation, which patients already get.
    """
    field = form.fields.get(name)
    if not isinstance(field, PageChoiceField):
        return
    field.set_language(language)
    if form.is_bound:
        return
    chosen_id = parse_int_or_zero(str(form.initial.get(name) or ""))
    chosen = Page.objects.filter(pk=chosen_id).exclude(language=language).first() if chosen_id else None
    if chosen:
        translation = Page.objects.in_language(language).filter(subject=chosen.subject).first()
        form.initial[name] = translation.pk if translation else None


class FigureChoiceField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A choice of one picture by its title. Needs ``figures_by_title``."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name or obj.slug)


class PageForm(AnyForm):
    """The form of a draft.

    ``version`` is the draft version that the form was opened with, and ``base_revision`` that revision's primary key,
    the base of a merge. ``copied_from`` is the page that a new page was copied from. ``client_id`` identifies the
    form's autosave. ``conflict`` is set if someone else saved first.
    """

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    base_revision = forms.CharField(widget=forms.HiddenInput, required=False)
    copied_from = forms.CharField(widget=forms.HiddenInput, required=False)
    client_id = forms.CharField(widget=forms.HiddenInput, required=False, max_length=MAX_CLIENT_ID_LENGTH)
    note = forms.CharField(
        label=gettext_lazy("What did you change?"),
        max_length=MAX_LINE_LENGTH,
        required=False,
        help_text=gettext_lazy("For your colleagues, in the history."),
    )
    what_changed = what_changed_field()
    conflict: ConflictContext | None = None
    # Values to show again after a save that did not store them, such as after a failed publication.
    unsaved_values: Mapping[str, str] = {}

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
        for name, value in self.unsaved_values.items():
            self.fields[name].initial = value
        set_language_of_choice(self, "next_page", self._get_language())
        if not self.instance.pk and not self.is_bound and "title" in self.fields:
            self.fields["title"].widget.attrs["autofocus"] = True
        # A draft can be incomplete; only publishing requires the first two. The others are made from the title.
        new_address = () if self.instance.pk else ADDRESS_FIELDS
        for name in self.fields.keys() & {"key_message", "description", *new_address}:
            self.fields[name].required = False
        for name in self.fields.keys() & set(new_address):
            self.fields[name].help_text = _("If you leave this empty, we make it from the title.")
        for name, message in REQUIRED_MESSAGES.items():
            if name in self.fields:
                self.fields[name].error_messages["required"] = message
        if "kind" in self.fields:
            kinds = [choice for choice in PageKind.choices if choice[0] != PageKind.GUIDE]
            self.fields["kind"].choices = [("", _("Choose…")), *kinds]  # type: ignore[attr-defined]
        if self.instance.pk and not self.is_bound:
            newest = self.instance.revisions.first()
            # A draft that was never saved as a revision cannot be the base of a merge.
            self.fields["base_revision"].initial = (
                newest.pk if newest and newest.content == self.instance.draft_content() else ""
            )

    def _get_language(self) -> str:
        """Return the language as chosen in the form, or that of the page if it is fixed."""
        saved: str = self.instance.language
        if "language" not in self.fields:
            return saved
        chosen = self.data.get("language") if self.is_bound else self.initial.get("language")
        return str(chosen) if chosen in languages.CODES else saved

    def clean(self) -> dict[str, Any]:
        """Join the lines of single-sentence fields, complete the address, and report a conflict."""
        values = super().clean() or self.cleaned_data
        values |= normalize_draft({name: values[name] for name in ("key_message", "description") if name in values})
        self._complete_address(values)
        if self.conflict:
            raise forms.ValidationError(self.conflict.message)
        return values

    def _complete_address(self, values: dict[str, Any]) -> None:
        """Make the empty address fields of a new page from its title, and report a name that another page has."""
        language = self._get_language()
        if not self.instance.pk and values.get("title"):
            empty = [name for name in ADDRESS_FIELDS if values.get(name) == ""]
            kind = values.get("kind") or self.instance.kind
            if empty:
                values |= dict.fromkeys(empty, find_free_address(values["title"], language, kind))
        if {"subject", "language"}.isdisjoint(self.changed_data) or not values.get("subject"):
            return
        pages = Page.objects.in_language(language).filter(subject=values["subject"])
        if other := pages.exclude(pk=self.instance.pk).first():
            self.add_error("subject", NAME_TAKEN_MESSAGE % {"title": other.title})

    def clean_what_changed(self) -> str:
        """Reject what publishing would refuse."""
        language = self.cleaned_data.get("language") or self.instance.language
        return clean_reader_line(language, WHAT_CHANGED_LINE, self.cleaned_data["what_changed"])


class GuideForm(PageForm):
    """The form of a guide, whose kind is fixed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.kind = PageKind.GUIDE


class GuideItemForm(AnyForm):
    """A row of a guide's reading list."""

    class Meta:
        model = GuideItem
        fields = GuideItem.FORM_FIELDS

    def __init__(self, *args: Any, language: str = languages.DEFAULT, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_language_of_choice(self, "page", language)

    def has_changed(self) -> bool:
        """Also save the rows of a copied guide, which equal their initial values."""
        return super().has_changed() or bool(self.instance.pk is None and self["page"].value())


AnyView = Callable[..., Any]


def get_workflow_urls(admin_view: Callable[[AnyView], AnyView]) -> list[URLPattern]:
    """Return the URLs of the workflow screens. ``admin_view`` requires staff; each view checks its own permission."""
    screens: list[tuple[str, AnyView, str]] = [
        ("<int:page_id>/review/", review.review_view, "page_review"),
        ("<int:page_id>/publish/", publishing.publish_view, "page_publish"),
        ("<int:page_id>/withdraw/", publishing.withdraw_view, "page_withdraw"),
        ("<int:page_id>/versions/", revisions.history_view, "page_revisions"),
        ("<int:page_id>/compare/", revisions.compare_view, "page_compare"),
        ("<int:page_id>/restore/", revisions.restore_view, "page_restore"),
        ("<int:page_id>/reading/", revisions.history_at_view, "page_history_at"),
        ("<int:page_id>/translation/", translation.translation_view, "page_translation"),
        ("revisions/<int:revision_id>/", revisions.revision_preview_view, "revision_page"),
        ("releases/<int:release_id>/", revisions.release_preview_view, "release_page"),
        ("planned/", publishing.scheduled_view, "page_scheduled"),
        ("transfer/", transfer.transfer_view, "page_transfer"),
        ("transfer/bundle.zip", transfer.export_view, "page_export"),
        ("transfer/look/", transfer.import_view, "page_import"),
        ("transfer/picture/<str:token>/<str:sha256>.png", transfer.import_image_view, "page_import_image"),
    ]
    return [path(route, admin_view(view), name=f"procedures_{name}") for route, view, name in screens]


class StateFilter(admin.SimpleListFilter):
    """Filters pages by their workflow state."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return all states, in the order of the workflow."""
        return [(str(value), str(label)) for value, label in PageState.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Page]) -> QuerySet[Page]:
        return filter_by_state(queryset, self.value() or "") if self.value() in PageState.values else queryset


class BasePageAdmin(ContentAdmin):
    """Common base of pages and guides.

    Every save creates a revision. The workflow buttons call ``publishing``, and show the errors that it raises.
    """

    change_form_template = "admin/procedures/page/change_form.html"
    change_list_template = "admin/procedures/page/change_list.html"
    formfield_overrides = {
        **FORMFIELD_OVERRIDES,
        MarkdownxField: {"form_class": MarkdownFormField, "widget": MarkdownWidget},
    }
    # By language first: one text in two languages has two titles.
    ordering = ("language", "title")
    search_fields = ("title", "subject", "slug", "body")
    address_fields: Any = ("slug", "subject", "language", "order")

    @admin.display(description=gettext_lazy("state"))
    def workflow_state(self, page: Page) -> str:
        return describe_state(page)

    @admin.display(description=gettext_lazy("changed"), ordering="latest_at")
    def changed(self, page: Page) -> datetime.date | None:
        """Return the date of the newest revision."""
        latest_at = getattr(page, "latest_at", None)  # annotated
        return timezone.localdate(latest_at) if latest_at else None

    @admin.display(description=gettext_lazy("review due"), ordering="live_release__next_review_on")
    def review_due(self, page: Page) -> Any:
        """Return the date of the next review of the live release."""
        return page.live_release.next_review_on if page.live_release else None

    @admin.display(description=gettext_lazy("links"))
    def sharing_links(self, page: Page) -> str:
        """Render the button that copies the short link, and a link to the sharing screen."""
        return sharing.render_sharing_cell(page) if page.live_release else ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Page]:
        """Annotate the workflow state in the same query."""
        return annotate_status(super().get_queryset(request))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Add the user's new pages that are not saved yet, so not in the list."""
        autosaves = find_all_unsaved(get_staff_user(request)).filter(page=None, form=self.opts.model_name)
        unsaved = [dashboard.build_unsaved_line(autosave) for autosave in autosaves]
        return super().changelist_view(request, {"unsaved": unsaved, **(extra_context or {})})

    def has_delete_permission(self, request: HttpRequest, obj: Page | None = None) -> bool:
        """Deny: pages are withdrawn instead, so that their addresses keep working."""
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Page | None = None) -> Any:
        """Put the text first. The other groups go into the panel; for a new page, the required fields come first."""
        address = (_("Address"), {"fields": self.address_fields})
        details = (
            (_("Picture and summary"), {"fields": ("lead_figure", "description")}),
            (_("Next step"), {"fields": ("next_page", "next_label")}),
            (_("Review"), {"fields": ("review_months",)}),
        )
        return (TEXT_FIELDSET, *details, address) if obj else (TEXT_FIELDSET, address, *details)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start a new page with a page template or a copy of another page (``?template=``, ``?copy=``)."""
        return {
            "kind": PageKind.PROCEDURE,
            **super().get_changeform_initial_data(request),
            **initial_values(request.GET),
        }

    def get_readonly_fields(self, request: HttpRequest, obj: Page | None = None) -> tuple[str, ...]:
        """Fix what a reviewer approved along with the text, and what applies to public pages without a review."""
        is_fixed = obj is not None and obj.is_identity_fixed
        fixed = [name for name in Page.IDENTITY_FIELDS if is_fixed and name in self.address_fields]
        if not get_staff_user(request).has_perm("procedures.publish_page"):
            fixed.append("order")
        return (*super().get_readonly_fields(request, obj), *fixed)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer drafts as the next page as well, in the language of the page, and pictures by their titles."""
        if db_field.name == "next_page":
            kwargs["form_class"] = PageChoiceField
        elif db_field.name == "lead_figure":
            kwargs |= {"queryset": figures_by_title(), "form_class": FigureChoiceField}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """Remove the pop-up links: the screens of pages and pictures do not work in a pop-up window."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        return disable_related_popups(field) if db_field.name in {"next_page", "lead_figure"} else field

    def get_form(self, request: HttpRequest, obj: Page | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Pass the conflict of this request, if there is one, and lines that are not saved yet to the form."""
        form = super().get_form(request, obj, change, **kwargs)
        values = {name: getattr(request, name) for name in ("conflict", "unsaved_values") if hasattr(request, name)}
        return type("Form", (form,), values)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show or save the form. After an edit conflict, roll back and show the merged form with status 409."""
        is_new = object_id is None and request.method == "POST" and self.has_add_permission(request)
        if is_new and (page := _find_already_added(request)):
            discard_autosaves(get_staff_user(request), [request.POST.get("client_id", "")])
            request.saved_note = True  # type: ignore[attr-defined]
            return self._handle_action(request, page)
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except EditConflictError as error:
            conflict = build_conflict(request.POST, error.page_id, get_staff_user(request))
            request.POST, request.conflict = conflict.merged_data, conflict  # type: ignore[assignment, attr-defined]
            context = {**(extra_context or {}), "conflict": conflict}
            response = super().changeform_view(request, object_id, form_url, context)
            response.status_code = 409
            return response

    def get_form_context(self, request: HttpRequest, context: dict[str, Any], obj: Page | None) -> dict[str, Any]:
        """Add the state, issues, and permissions of an existing page, or the templates of a new one."""
        user = get_staff_user(request)
        can_edit = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        # A new page can be sent for review at once: sending also saves it.
        values = {
            "can_edit": can_edit,
            "required_names": REQUIRED_FIELDS if obj else REQUIRED_FIELDS.difference(ADDRESS_FIELDS),
            "next_step": "submit" if can_edit else "",
        }
        has_errors = _show_errors(context)
        if obj is not None:
            edit_page = build_edit_page_context(obj.pk, user, with_preview=not can_edit)
            values |= {
                "edit_page": edit_page,
                "start_panel": "merge"
                if "conflict" in context
                else get_start_panel(edit_page, can_edit=can_edit, has_errors=has_errors),
                "next_step": get_next_step(edit_page, can_edit=can_edit),
                "is_waiting": can_edit and edit_page.review_status == EventKind.SUBMITTED,
                "can_discard": can_edit and _is_ahead_of_live(edit_page),
                "undo_restore": _get_discarded(edit_page, request.GET.get("discarded", "")),
            }
        elif "copy" not in request.GET and not context.get("errors"):
            values |= {
                "page_templates": get_template_options(),
                "page_template": request.GET.get("template", ""),
                "start_panel": "" if "template" in request.GET else "templates",
            }
        else:
            values["start_panel"] = "settings" if has_errors else ""
        return values

    def save_model(self, request: HttpRequest, obj: Page, form: Any, change: bool) -> None:
        """Check and bump the draft version, then save only the form's fields, so that no publication is overwritten."""
        if not change:
            obj.code = generate_code()
            obj.save()
            record_translation_source(obj)
            return
        # Take the locks in this order, because the buttons of the form can also publish.
        lock_clinic_values()
        version = resolved_version(request.POST)
        if version is None:
            version = form.cleaned_data["version"]
        if _is_already_saved(request, obj, form):
            version = Page.objects.get(pk=obj.pk).draft_version
        check_and_bump_version(obj, expected_version=-1 if version is None else version)
        if form.cleaned_data.keys() & set(Page.IDENTITY_FIELDS) and obj.is_identity_fixed:
            # A reviewer approved the page, with its identity, after this form was opened.
            raise EditConflictError(obj.pk)
        before = Page.objects.values(*Page.IDENTITY_FIELDS).get(pk=obj.pk)
        obj.save(update_fields=[name for name in form.cleaned_data if name not in PageForm.declared_fields])
        actor = get_staff_user(request)
        request.has_ended_review = record_identity_change(obj, before, actor=actor)  # type: ignore[attr-defined]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the revision last, after the inline reading list."""
        super().save_related(request, form, formsets, change)
        note = form.cleaned_data["note"]
        original = (
            None if change else Page.objects.filter(pk=parse_int_or_zero(form.cleaned_data["copied_from"])).first()
        )
        copied_authors = find_page_authors(original) if original else ()
        revision = save_revision(
            form.instance, author=get_staff_user(request), note=note, copied_authors=copied_authors
        )
        request.saved_note = revision.note == note  # type: ignore[attr-defined]
        discard_autosaves(get_staff_user(request), [form.cleaned_data["client_id"]])

    def response_add(self, request: HttpRequest, obj: Page, post_url_continue: str | None = None) -> HttpResponse:
        return self._handle_action(request, obj)

    def response_change(self, request: HttpRequest, obj: Page) -> HttpResponse:
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
            messages.success(request, _("Saved and sent for review."))
        elif request.POST.get("note", "").strip() and not request.saved_note:  # type: ignore[attr-defined]
            messages.warning(request, NOTE_NOT_SAVED_MESSAGE)
            return self._render_saved(request, page, {}, "note")
        else:
            message = _("Draft saved. What patients read has not changed.")
            if getattr(request, "has_ended_review", False) or _has_left_review(page, revision):
                messages.warning(request, REVIEW_ENDED_MESSAGE)
            else:
                superseded = _has_lost_approval(page, revision)
                messages.success(request, APPROVAL_SUPERSEDED_MESSAGE if superseded else message)
        return HttpResponseRedirect(get_change_url(page))

    def _render_publish_error(self, request: HttpRequest, page: Page, issues: list[Issue]) -> HttpResponse:
        """Show the saved draft with the issues, status 409. The transaction commits, so the draft is kept."""
        response = self._render_saved(request, page, {"publish_issues": issues}, "what_changed")
        response.status_code = 409
        return response

    def _render_saved(self, request: HttpRequest, page: Page, context: dict[str, Any], *lines: str) -> HttpResponse:
        """Show the saved draft, with the lines of the posted form that were not saved."""
        get_request: Any = copy(request)
        get_request.unsaved_values = {name: request.POST.get(name, "") for name in lines}
        get_request.method, get_request.POST = "GET", QueryDict()
        return self.changeform_view(get_request, str(page.pk), get_change_url(page), context)


def get_next_step(edit_page: EditPageContext, *, can_edit: bool) -> str:
    """Return what a saved page needs next from this user: "submit", "review", "publish", or ""."""
    revision, live = edit_page.revision, edit_page.live_release
    if revision is None:
        return ""
    if edit_page.publishable_revision == revision and not edit_page.unapproved_changes:
        return "publish"
    if edit_page.review_status == EventKind.SUBMITTED:
        return "review" if edit_page.can_approve else ""
    is_live = live is not None and not live.is_starter and live.revision_id == revision.pk
    is_approved = edit_page.approval and not edit_page.unapproved_changes
    return "submit" if can_edit and not is_live and not is_approved else ""


def get_start_panel(edit_page: EditPageContext, *, can_edit: bool, has_errors: bool) -> str:
    """Return the part of the panel that is open initially on the form of a saved page; "" for none, "all" for users who
    cannot edit.
    """
    if not can_edit:
        return "all"
    if has_errors:
        return "settings"
    return "problems" if edit_page.issues or edit_page.review_comments else ""


def _show_errors(context: dict[str, Any]) -> bool:
    """Give the focus to the first field with an error. Return whether the settings have any."""
    if not context.get("errors"):
        return False
    form = context["adminform"].form
    wrong = [name for name in form.fields if name in form.errors]
    if wrong:
        form.fields[wrong[0]].widget.attrs["autofocus"] = True
    return wrong == [] or not set(wrong) <= set(TEXT_FIELDSET[1]["fields"])


def _find_already_added(request: HttpRequest) -> Page | None:
    """Return the page that the user has just created with the same form, as by a double-click."""
    page, typed = editor.parse_page_form(request.POST)
    content = normalize_draft(typed)
    since = timezone.now() - RESUBMIT_PERIOD
    revisions = Revision.objects.filter(
        number=1, author=get_staff_user(request), created_at__gte=since, page__language=page.language
    )
    for revision in revisions.filter(page__title=content["title"]).select_related("page"):
        # The second form finds the address taken.
        if revision.content == {**content, "slug": request.POST.get("slug") or revision.content["slug"]}:
            return revision.page
    return None


def _is_ahead_of_live(edit_page: EditPageContext) -> bool:
    """Return whether the saved draft differs from what patients read."""
    revision = edit_page.revision
    return bool(edit_page.live_release and revision and not edit_page.page.shows(revision.content_hash))


def _get_discarded(edit_page: EditPageContext, revision_id: str) -> int:
    """Return the revision that was just discarded and can be restored, or 0."""
    discarded = edit_page.page.revisions.filter(pk=parse_int_or_zero(revision_id)).first()
    draft = edit_page.revision
    return discarded.pk if discarded and draft and discarded.content_hash != draft.content_hash else 0


def _is_already_saved(request: HttpRequest, page: Page, form: Any) -> bool:
    """Return whether the form equals the saved draft, as after a double-click, so that there is nothing to merge.

    A form with new rows in the reading list never counts as saved, because they would be added twice.
    """
    saved = Page.objects.select_for_update().get(pk=page.pk)
    form_counts = {request.POST.get(f"items-{count}_FORMS", "0") for count in ("TOTAL", "INITIAL")}
    content = normalize_draft(editor.parse_page_form(request.POST)[1])
    has_same_values = all(
        form.cleaned_data.get(name, getattr(saved, name)) == getattr(saved, name) for name in UNVERSIONED_FIELDS
    )
    return len(form_counts) == 1 and content == saved.draft_content() and has_same_values


def _has_lost_approval(page: Page, newest: Revision) -> bool:
    """Return whether the previous revision was approved and not yet public, and this text is not approved."""
    previous = page.revisions.exclude(pk=newest.pk).first()
    is_public = previous is not None and page.live_release is not None and page.live_release.revision_id == previous.pk
    return bool(previous and not is_public and current_approval(previous) and not current_approval(newest))


def _has_left_review(page: Page, newest: Revision) -> bool:
    """Return whether the previous revision was waiting for review, and this one is not."""
    last = page.events.filter(kind__in=REVIEW_EVENTS).first()
    previous = page.revisions.exclude(pk=newest.pk).first()
    is_waiting = last is not None and last.kind == EventKind.SUBMITTED and last.revision_id != newest.pk
    return bool(is_waiting and previous and last and last.revision_id == previous.pk)


@admin.register(Page)
class PageAdmin(BasePageAdmin):
    """Admin for pages. Its URLs include the JSON views of the editor and the workflow screens, also for guides."""

    form = PageForm
    list_display = ("title", "workflow_state", "changed", "sharing_links", "kind", "language", "review_due")
    list_filter = (StateFilter, "kind", "language")
    address_fields = ("slug", "subject", "language", "kind", "order")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Page]:
        """Exclude guides, which have their own list."""
        return super().get_queryset(request).exclude(kind=PageKind.GUIDE)

    def get_urls(self) -> list[URLPattern]:
        """Add the screens before Django's URLs, whose last pattern matches everything."""
        view = self.admin_site.admin_view
        own = [
            path("preview/", editor.preview_view, name="procedures_page_preview"),
            path("send/", view(sharing.send_view), name="procedures_page_send"),
            path("reviews/", view(dashboard.reviews_view), name="procedures_page_reviews"),
            path("reads/", view(dashboard.page_views_view), name="procedures_page_views"),
            path("autosave/", drafts.autosave_view, name="procedures_page_autosave"),
            path("review/keep/", review.autosave_review_view, name="procedures_page_review_autosave"),
            path("autosave/discard/", drafts.discard_autosave_view, name="procedures_page_autosave_discard"),
            path("compare/", drafts.compare_autosave_view, name="procedures_page_autosave_compare"),
            path("blocks/", editor.render_blocks_view, name="procedures_page_render_blocks"),
            path("choices/", editor.insert_options_view, name="procedures_page_insert_options"),
            path("outdated/", view(publishing.stale_pages_view), name="procedures_page_stale"),
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
    verbose_name_plural = gettext_lazy("reading list, in order")
    fields = (("order", "page", "section", "minutes"), "note")

    def get_extra(self, request: HttpRequest, obj: Guide | None = None, **kwargs: Any) -> int:
        """Return the number of rows of the guide that is copied."""
        return 0 if obj else len(copied_guide_items(request.GET))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer pages in the language of the guide."""
        return super().formfield_for_foreignkey(db_field, request, **{**kwargs, "form_class": PageChoiceField})

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """Remove the pop-up links, because a page cannot be edited in a pop-up window."""
        return disable_related_popups(super().formfield_for_dbfield(db_field, request, **kwargs))


@admin.register(Guide)
class GuideAdmin(BasePageAdmin):
    """Admin for guides, which patients receive before or after a kind of visit."""

    form = GuideForm
    list_display = ("title", "workflow_state", "changed", "sharing_links", "language", "review_due")
    list_filter = (StateFilter, "language")
    inlines = (GuideItemInline,)

    def get_formset_kwargs(self, request: HttpRequest, obj: Guide, inline: Any, prefix: str) -> dict[str, Any]:
        """Start the reading list with the rows of the guide that is copied, and tell it the guide's language."""
        kwargs: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)
        language = obj.language
        if "language" not in self.get_readonly_fields(request, obj if obj.pk else None):
            initial = {} if obj.pk else self.get_changeform_initial_data(request)
            chosen = request.POST.get("language") or initial.get("language")
            language = chosen if chosen in languages.CODES else language
        kwargs["form_kwargs"] = {"language": language}
        rows = [] if obj and obj.pk else copied_guide_items(request.GET)
        return {**kwargs, "initial": rows} if rows else kwargs

    def get_queryset(self, request: HttpRequest) -> QuerySet[Page]:
        return super().get_queryset(request).filter(kind=PageKind.GUIDE)
