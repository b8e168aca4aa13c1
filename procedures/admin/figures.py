"""Pictures, their words and their marks."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from procedures.admin import marks_page, upload
from procedures.admin.base import ContentAdmin, TextRows, staff
from procedures.admin.figure_forms import PictureForm, keep_picture
from procedures.admin.marks_shown import shown
from procedures.admin.outdated import QuotedAdmin
from procedures.enums import Language
from procedures.figures.overlay import media_url
from procedures.models import Figure, FigureText
from procedures.publishing.uses import uses


class UsedAdmin(ContentAdmin):
    """Mixin: what a text or a series still needs is not deleted, and the screen says who needs it."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Django's lists; protected are the uses, one sentence each, in place of rows nobody knows."""
        tree, counts, perms, protected = super().get_deleted_objects(objs, request)
        needed = [use if len(objs) == 1 else f"{row}: {use}" for row in objs for use in uses(row)]
        # Who needs it comes first: whether one might delete pages does not matter then.
        return (tree, counts, set(), needed) if needed else (tree, counts, perms, protected)


class Words(TextRows):
    """Title, alt text and caption, for each language."""

    model = FigureText
    min_num = 1
    validate_min = True
    max_num = len(Language)
    verbose_name_plural = "words, one set for each language"

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """At least one language: a picture without words cannot be shown."""
        return super().get_formset(request, obj, **{**kwargs, "validate_min": True})


@admin.register(Figure)
class FigureAdmin(QuotedAdmin, UsedAdmin):
    """Every picture comes in through intake; its files are made at once."""

    form = PictureForm
    identity = ("slug",)
    list_display = ("thumbnail", "slug", "titles", "marks", "provenance", "created_at")
    list_display_links = ("thumbnail", "slug")
    list_filter = ("kind", "provenance")
    search_fields = ("slug", "texts__title", "texts__caption")
    inlines = (Words,)
    readonly_fields = ("shown", "edit_marks", "uploaded_by", "created_at")

    def get_fieldsets(self, request: HttpRequest, obj: Figure | None = None) -> Any:
        """The picture first."""
        fields = ["slug", "picture", "provenance", "provenance_note", "nothing_visible"]
        return [(None, {"fields": ["shown", "edit_marks", *fields, "uploaded_by", "created_at"] if obj else fields})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Figure]:
        """With what the list shows, in a fixed number of queries."""
        figures: QuerySet[Figure] = super().get_queryset(request)
        return figures.prefetch_related("texts", "renditions").annotate(mark_count=Count("markers", distinct=True))

    @admin.display(description="picture")
    def thumbnail(self, figure: Figure) -> SafeString:
        """Small, with its alt text."""
        jpegs = sorted((r for r in figure.renditions.all() if r.format == "jpeg"), key=lambda r: r.width)
        file = jpegs[0].file if jpegs else figure.drawing
        alt = next((text.alt for text in figure.texts.all()), figure.slug)
        return format_html('<img class="thumb" src="{}" alt="{}" loading="lazy">', media_url(file), alt)

    @admin.display(description="as patients see it")
    def shown(self, figure: Figure) -> SafeString:
        """The saved picture with its marks and words, in the public stylesheet."""
        language = next((text.language for text in figure.texts.all()), Language.ENGLISH.value)
        frame = '<iframe class="shown-figure" sandbox="allow-same-origin" title="{}" srcdoc="{}"></iframe>'
        return format_html(frame, f"The picture {figure.slug} as patients see it", escape(shown(figure, language)))

    @admin.display(description="marks")
    def edit_marks(self, figure: Figure) -> SafeString:
        """The way to the page where marks are placed."""
        address = reverse("admin:procedures_figure_marks", args=[figure.pk])
        return format_html('<a class="button" href="{}">Place and name the marks</a>', address)

    @admin.display(description="title")
    def titles(self, figure: Figure) -> str:
        """In all languages."""
        return " · ".join(text.title for text in figure.texts.all())

    @admin.display(description="marks")
    def marks(self, figure: Any) -> int:
        """How many."""
        count: int = figure.mark_count
        return count

    def save_model(self, request: HttpRequest, obj: Figure, form: Any, change: bool) -> None:
        """Files first, then rows."""
        keep_picture(obj, form.cleaned_data.get("picture"), uploaded_by=staff(request))

    def response_add(self, request: HttpRequest, obj: Figure, post_url_continue: str | None = None) -> HttpResponse:
        """A new picture has no marks yet: the way to place them stands in the message."""
        address = reverse("admin:procedures_figure_marks", args=[obj.pk])
        messages.info(request, format_html('Next: <a href="{}">place and name the marks</a>.', address))
        return super().response_add(request, obj, post_url_continue)

    def quotes(self, obj: Figure) -> tuple[str, str, str]:
        """See QuotedAdmin."""
        return "figure", obj.slug, f"::: figure {obj.slug}"

    def get_urls(self) -> list[URLPattern]:
        """The editor's way to bring a picture in."""
        view = self.admin_site.admin_view
        own = [
            path("upload/", upload.upload, name="procedures_figure_upload"),
            path("marks/live/", marks_page.live, name="procedures_figure_marks_live"),
            path("<int:figure_id>/marks/", view(marks_page.marks), name="procedures_figure_marks"),
            path("<int:figure_id>/marks/file/", view(marks_page.download), name="procedures_figure_marks_download"),
            path("<int:figure_id>/marks/bring-in/", view(marks_page.bring_in), name="procedures_figure_marks_bring_in"),
        ]
        return own + super().get_urls()
