"""What all our forms share: text as the renderer and the content folder know it, and the user as ours."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db import models
from django.http import HttpRequest

from portal.accounts.models import User
from portal.admin_search import SearchableModelAdmin

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
    AnyStackedInline = admin.StackedInline[Any, Any]
    AnyForm = forms.ModelForm[Any]
else:
    # The type checker wants these with [], Django's classes at run time do not take it.
    AnyAdmin, AnyStackedInline, AnyForm = admin.ModelAdmin, admin.StackedInline, forms.ModelForm
import re
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from portal.storage.local_storage import MEDIA_NAME_PATTERN
from portal.storage.media import serve_stored_file
from procedures.figures.approval import public_files


def normalize_newlines(text: str) -> str:
    """Browsers send CRLF; drafts, hashes and paragraphs know one newline only."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse_int_or_zero(text: str) -> int:
    """A number from a form, 0 for anything else. At most nine digits: databases refuse longer ones."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


class MultilineCharField(forms.CharField):
    """Longer text, with one kind of newline."""

    def to_python(self, value: Any) -> str:
        """The typed text; a browser's CRLF would make every save look like a change."""
        return normalize_newlines(super().to_python(value) or "")


FORMFIELD_OVERRIDES: Any = {
    models.TextField: {"form_class": MultilineCharField, "widget": AdminTextareaWidget(attrs={"rows": 4})}
}


class ContentAdmin(SearchableModelAdmin):
    """Base of every form. ``identity`` names the fields that texts refer to: fixed once the row is there."""

    formfield_overrides = FORMFIELD_OVERRIDES
    immutable_fields: tuple[str, ...] = ()
    save_on_top = False
    list_per_page = 50

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Texts name rows by these fields, so a change would break them silently."""
        return (*super().get_readonly_fields(request, obj), *(self.immutable_fields if obj else ()))

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        """Only for new rows: a name that is there stays."""
        return {} if obj else dict(super().get_prepopulated_fields(request, obj))


def disable_related_popups(field: forms.Field | None) -> forms.Field | None:
    """A choice without Django's links that open another form in a small window."""
    for flag in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
        if field is not None and hasattr(field.widget, flag):
            setattr(field.widget, flag, False)
    return field


class ContentInline(AnyStackedInline):
    """One set of words per language."""

    extra = 0
    formfield_overrides = FORMFIELD_OVERRIDES


class ReadOnlyAdmin(SearchableModelAdmin):
    """History: everybody who may see it sees it, nobody changes it."""

    actions = None
    list_per_page = 50
    list_display_links: Any = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never by hand: publishing writes these rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


def get_staff_user(request: HttpRequest) -> User:
    """The signed-in member of staff; the admin lets nobody else in."""
    if not isinstance(request.user, User):
        raise TypeError("An admin view was reached without a member of staff.")
    return request.user


def render_admin(
    request: HttpRequest, template: str, context: dict[str, Any], *, title: str, status: int = 200
) -> TemplateResponse:
    """``admin/procedures/<template>.html`` with everything the admin's frame needs."""
    values = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"admin/procedures/{template}.html", values, status=status)


MEDIA_URL_RE = re.compile(re.escape(settings.MEDIA_URL) + f"({MEDIA_NAME_PATTERN.pattern.removesuffix(chr(92) + 'Z')})")


@require_safe
@permission_required("procedures.view_figure", raise_exception=True)
def figure_file_view(request: HttpRequest, name: str) -> HttpResponseBase:
    """Serve a stored file to staff. Browsers and proxies must not cache it."""
    return serve_stored_file(request, name, "no-store, private")


def staff_file_url(name: str) -> str:
    """The address at which staff can open a file of a picture."""
    return reverse("admin:procedures_figure_file", args=[name])


def rewrite_media_urls(html: str, public_names: frozenset[str] | None = None) -> str:
    """Replace addresses of files that are not public, in HTML or a single address, by ones that staff can open.

    ``public``: the result of ``public_files()``, for callers that convert several texts.
    """
    if not MEDIA_URL_RE.search(html):
        return html
    public_names = public_files() if public_names is None else public_names
    return MEDIA_URL_RE.sub(lambda found: found[0] if found[1] in public_names else staff_file_url(found[1]), html)
