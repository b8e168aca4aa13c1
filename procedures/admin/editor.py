"""django-markdownx's field with our widget: its own script traps the Tab key, breaks undo and shows stale previews."""

from typing import Any

from django.contrib.admin.widgets import AdminTextareaWidget
from django.forms import Script
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from markdownx.fields import MarkdownxFormField
from markdownx.widgets import AdminMarkdownxWidget

from procedures.admin.base import plain_newlines


class MarkdownWidget(AdminMarkdownxWidget):  # type: ignore[misc]
    """A textarea with toolbar, preview and things to mend. Works as a plain textarea without JavaScript."""

    template_name = "admin/widgets/markdown.html"

    class Media:
        # markdownx's own script and stylesheet stay out.
        extend = False
        css = {"all": ["admin_portal/editor.css", "admin_portal/windows.css"]}
        js = [Script("admin_portal/editor.js", type="module")]

    @staticmethod
    def add_markdownx_attrs(attrs: dict[str, Any]) -> dict[str, Any]:
        """None of markdownx's attributes: they name its public addresses."""
        return attrs

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The textarea's context, and the addresses that the script asks."""
        context: dict[str, Any] = AdminTextareaWidget.get_context(self, name, value, attrs)
        addresses = {
            "preview": reverse("admin:procedures_page_preview"),
            "session": reverse("staff_session"),
            "autosave": reverse("admin:procedures_page_autosave"),
            "discard": reverse("admin:procedures_page_discard"),
            "compare": reverse("admin:procedures_page_compare_kept"),
            "choices": reverse("admin:procedures_page_choices"),
            "upload": reverse("admin:procedures_figure_upload"),
            "login": reverse("admin:login"),
        }
        return {**context, "addresses": addresses}

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """HTML through the site's own template folder; markdownx would change ``attrs`` in place."""
        return render_to_string(self.template_name, self.get_context(name, value, {**self.attrs, **(attrs or {})}))


class MarkdownFormField(MarkdownxFormField):  # type: ignore[misc]
    """Markdown as the content folder writes it: one kind of newline, exactly one at the end."""

    widget = MarkdownWidget

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "strip": False})

    def to_python(self, value: Any) -> str:
        """So that saving an untouched text is no change."""
        text = plain_newlines(super().to_python(value) or "").strip()
        return f"{text}\n" if text else ""
