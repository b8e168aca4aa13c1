"""Base classes, form fields, and helpers that the admin modules share, and JSON responses for the admin's scripts."""

import re
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.fields import BLANK_CHOICE_DASH
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import decorator_from_middleware
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.accounts.models import User
from portal.admin_site import SearchableModelAdmin
from portal.form_conflicts import ConflictCheckedMixin
from portal.http import get_content_length, reads_no_anonymous_body, responds_with_json
from portal.storage.media import serve_stored_file
from procedures import languages
from procedures.enums import PageKind
from procedures.figures.approval import public_files
from procedures.figures.renditions import FILE_IN_TEXT_RE
from procedures.models import Page
from procedures.models.base import normalize_newlines
from procedures.publishing.checks import find_deletion_blockers

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise as StrOrPromise

    AnyAdmin = admin.ModelAdmin[Any]
    AnyStackedInline = admin.StackedInline[Any, Any]
    AnyForm = forms.ModelForm[Any]
    AnyInlineFormSet = forms.BaseInlineFormSet[Any, Any, Any]
else:
    # The stubs declare these classes as generic; at run time they cannot be subscripted.
    AnyAdmin, AnyStackedInline, AnyForm = admin.ModelAdmin, admin.StackedInline, forms.ModelForm
    AnyInlineFormSet = forms.BaseInlineFormSet
    StrOrPromise = str | Promise

MEDIA_URL_RE = re.compile(re.escape(settings.MEDIA_URL) + f"({FILE_IN_TEXT_RE.pattern})")
JsonView = Callable[..., JsonResponse]
# Maximum number of titles in a list of usages.
MAX_TITLES = 2
SIGNED_OUT_MESSAGE = gettext_lazy("You are signed out. Your text is still here.")
CSRF_FAILED_MESSAGE = gettext_lazy("You signed in again in another window. Your text is still here.")


# Far more rows than any form has. Rendering them takes seconds.
MAX_INLINE_ROWS = 60
TOO_MANY_ROWS_MESSAGE = gettext_lazy(
    "This form has too many entries, so nothing is saved. It can have at most %(num)d."
)


class MultilineCharField(forms.CharField):
    """A text field with LF newlines, so that saving an unchanged text is not a change."""

    def to_python(self, value: Any) -> str:
        return normalize_newlines(super().to_python(value) or "")


FORMFIELD_OVERRIDES: Any = {
    models.TextField: {"form_class": MultilineCharField, "widget": AdminTextareaWidget(attrs={"rows": 4})}
}


DASHES = BLANK_CHOICE_DASH[0][1]


def label_empty_choice(field: forms.Field | None) -> None:
    """Replace the dashes that Django shows in a list where nothing is chosen."""
    if isinstance(field, forms.ModelChoiceField):
        field.empty_label = _("None chosen") if field.empty_label is not None else None
    elif isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        field.choices = [(value, _("Choose…") if label == DASHES else label) for value, label in choices]


class ContentAdmin(SearchableModelAdmin):
    """Base class for editable models.

    Texts refer to rows by the fields in ``immutable_fields``, so these fields are read-only once the row exists.
    """

    formfield_overrides = FORMFIELD_OVERRIDES
    immutable_fields: tuple[str, ...] = ()
    is_in_site_search = True
    save_on_top = False
    list_per_page = 50

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Add the immutable fields of an existing row."""
        return (*super().get_readonly_fields(request, obj), *(self.immutable_fields if obj else ()))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """Say in words that nothing is chosen."""
        field: forms.Field | None = super().formfield_for_dbfield(db_field, request, **kwargs)
        label_empty_choice(field)
        return field

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else dict(super().get_prepopulated_fields(request, obj))


class ConflictCheckedAdmin(ConflictCheckedMixin, ContentAdmin):
    """Base class of forms that never overwrite what someone else saved while they were open."""


class TranslatedRowMixin(AnyAdmin):
    """Mixin for rows with a name and a language. After the source text changes, name the translations to check."""

    immutable_fields: tuple[str, ...]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Record whether any text changed, not just the order."""
        super().save_related(request, form, formsets, change)
        rows = [form, *(row for formset in formsets for row in formset.forms)]
        request.has_text_changes = any(set(row.changed_data) - {"order"} for row in rows)  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Name the translations after the row is saved."""
        if obj.language == languages.DEFAULT and request.has_text_changes:  # type: ignore[attr-defined]
            name = self.immutable_fields[0]
            translations = type(obj).objects.filter(**{name: getattr(obj, name)}).exclude(pk=obj.pk)
            for row in translations.order_by("language"):
                url = reverse(f"admin:procedures_{self.opts.model_name}_change", args=[row.pk])
                message = _("The %(language)s translation was not updated. Check that it still matches.")
                values = {"language": languages.get(row.language).english_name}
                link = format_html('<a href="{}">{}</a>', url, _("Open the %(language)s translation") % values)
                messages.warning(request, format_html("{} {}", message % values, link))
        return super().response_change(request, obj)


class UsageProtectedAdmin(ConflictCheckedAdmin):
    """Base class for rows that cannot be deleted while a text or a series uses them."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """List every usage of the rows as protected, one sentence each."""
        tree, counts, perms, protected = super().get_deleted_objects(objs, request)
        blockers = [use if len(objs) == 1 else f"{row}: {use}" for row in objs for use in find_deletion_blockers(row)]
        # A usage prevents the deletion regardless of permissions on related rows, so missing permissions are not
        # listed.
        return (tree, counts, set(), blockers) if blockers else (tree, counts, perms, protected)


class ContentFormSet(AnyInlineFormSet):
    """Formset for inline rows."""

    default_error_messages = {
        **AnyInlineFormSet.default_error_messages,
        "too_many_forms": TOO_MANY_ROWS_MESSAGE,
    }

    def initial_form_count(self) -> int:
        """Return the number of forms of stored rows; a negative one that a request sends counts as 0."""
        return max(0, super().initial_form_count())

    def clean(self) -> None:
        """Reject a new row that violates a constraint together with a stored one.

        Django compares new rows only with the other posted rows, so this matters if the form lacks a stored row.
        """
        super().clean()
        if {row.pk for row in self.get_queryset()} <= {form.instance.pk for form in self.initial_forms}:
            return
        for form in self.extra_forms:
            if form.has_changed() and not form.errors and not form.cleaned_data.get("DELETE"):
                try:
                    form.instance.validate_constraints()
                except ValidationError as error:
                    form.add_error(None, error)


class ContentInline(AnyStackedInline):
    """Inline rows that belong to a content row, such as its texts in each language."""

    extra = 0
    max_num = MAX_INLINE_ROWS
    formset = ContentFormSet
    formfield_overrides = FORMFIELD_OVERRIDES

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Limit the rows that a request can claim to send, because each one is rendered again."""
        return super().get_formset(request, obj, **{"absolute_max": MAX_INLINE_ROWS, **kwargs})

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """Say in words that nothing is chosen."""
        field: forms.Field | None = super().formfield_for_dbfield(db_field, request, **kwargs)
        label_empty_choice(field)
        return field


def disable_related_popups(field: forms.Field | None) -> forms.Field | None:
    """Remove Django's links that add or edit a related row in a pop-up window."""
    for flag in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
        if field is not None and hasattr(field.widget, flag):
            setattr(field.widget, flag, False)
    return field


def get_staff_user(request: HttpRequest) -> User:
    """Return the signed-in user, typed. Raise TypeError if the view is not behind the admin's login."""
    if not isinstance(request.user, User):
        raise TypeError("An admin view was called without a signed-in user.")
    return request.user


def render_admin(
    request: HttpRequest, template: str, context: dict[str, Any], *, title: str, status: int = 200
) -> TemplateResponse:
    """Render ``admin/procedures/<template>.html`` with the context of the admin site."""
    values = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"admin/procedures/{template}.html", values, status=status)


def join_titles(titles: list[str]) -> str:
    """Join the first titles, and add the number of the remaining ones."""
    others = len(titles) - MAX_TITLES
    named = " · ".join(titles[:MAX_TITLES])
    if others <= 0:
        return named
    more = ngettext("%(titles)s and %(count)s more", "%(titles)s and %(count)s more", others)
    return more % {"titles": named, "count": others}


def get_change_url(page: Page) -> str:
    """Return the URL of a page's change form. Guides have their own."""
    return reverse(f"admin:procedures_{PageKind(page.kind).model_name}_change", args=[page.pk])


def build_breadcrumbs(page: Page) -> list[tuple[str, str]]:
    """Return the label and URL of the page's change form, for the breadcrumbs of ``procedures/base.html``."""
    return [(page.title, get_change_url(page))]


@require_safe
@permission_required("procedures.view_figure", raise_exception=True)
def figure_file_view(request: HttpRequest, name: str) -> HttpResponseBase:
    """Serve a stored file to staff. Browsers and proxies must not cache it."""
    return serve_stored_file(request, name, "no-store, private")


def staff_file_url(name: str) -> str:
    """Return the URL at which staff can open a figure's file, public or not."""
    return reverse("admin:procedures_figure_file", args=[name])


def rewrite_media_urls(html: str, public_names: frozenset[str] | None = None) -> str:
    """Replace the URLs of files that are not public with URLs that staff can open. ``html`` can be a single URL.

    ``public_names``: the result of ``public_files()``, for callers that convert several texts.
    """
    if not MEDIA_URL_RE.search(html):
        return html
    public = public_files() if public_names is None else public_names
    return MEDIA_URL_RE.sub(lambda match: match[0] if match[1] in public else staff_file_url(match[1]), html)


def json_error(status: int, message: StrOrPromise, **extra: Any) -> JsonResponse:
    """Return an error response with a message for the user."""
    return JsonResponse({"error": message, **extra}, status=status)


class JsonCsrfMiddleware(CsrfViewMiddleware):
    """Django's CSRF check with a JSON error."""

    def _reject(self, request: HttpRequest, reason: str) -> JsonResponse:
        return json_error(403, CSRF_FAILED_MESSAGE, code="csrf")


def staff_json_view(
    *permissions: str, method: str, max_bytes: int
) -> Callable[[JsonView], Callable[..., HttpResponseBase]]:
    """Decorate a JSON view for staff who have any of ``permissions``. Errors are 401, 403, 405, and 413.

    The user and the size are checked before the body is read. The CSRF token, which is in the body, comes last.
    """

    def decorate(view: JsonView) -> Callable[..., HttpResponseBase]:
        csrf_checked_view = decorator_from_middleware(JsonCsrfMiddleware)(view)

        @wraps(view)
        def wrapper(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not user.is_authenticated:
                return json_error(401, SIGNED_OUT_MESSAGE)
            if not (user.is_staff and any(user.has_perm(name) for name in permissions)):
                return json_error(403, _("Your account does not have permission to do this."))
            if request.method != method:
                error = _("Only %(method)s is allowed.") % {"method": method}
                return JsonResponse({"error": error}, status=405, headers={"Allow": method})
            if get_content_length(request) > max_bytes:
                return json_error(413, _("That is more than %(size)s MB.") % {"size": max_bytes // 1024 // 1024})
            return cast("HttpResponseBase", csrf_checked_view(request, **kwargs))

        return responds_with_json(reads_no_anonymous_body(never_cache(wrapper)))

    return decorate
