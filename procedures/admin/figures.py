"""Pictures and their words; the ways in, and to their marks."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from procedures.admin import dicom_import, intake, intake_check, marks_page, upload
from procedures.admin.base import ContentAdmin, TextRows, staff
from procedures.admin.desk import change_address
from procedures.admin.figure_files import file, staff_url
from procedures.admin.figure_forms import PictureForm
from procedures.admin.marks_shown import shown
from procedures.admin.outdated import QuotedAdmin
from procedures.admin.text_detection import look_for_text, text_detection_html
from procedures.enums import Language
from procedures.figures.approval import files_of
from procedures.figures.orphans import forget
from procedures.models import Figure, FigureApproval, FigureText
from procedures.publishing.uses import used_on, uses

KIND_WAITS = (
    "You changed the kind of picture. Public pages keep the old kind until another person approves a page that shows "
    "this picture."
)


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
    list_display = ("thumbnail", "slug", "titles", "kind", "marks", "provenance", "created_at")
    list_display_links = ("thumbnail", "slug")
    list_filter = ("kind", "provenance")
    search_fields = ("slug", "texts__title", "texts__caption")
    title_field = "texts__title"
    inlines = (Words,)
    fields = (
        "shown", "edit_marks", "used", "slug", "kind", "provenance", "provenance_note", "nothing_visible",
        "marked_text", "uploaded_by", "created_at",
    )  # fmt: skip
    readonly_fields = ("shown", "edit_marks", "used", "marked_text", "uploaded_by", "created_at")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """A new picture is looked at before anything else (procedures/admin/intake.py)."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse("admin:procedures_figure_choose"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Figure]:
        """With what the list shows, in a fixed number of queries."""
        figures: QuerySet[Figure] = super().get_queryset(request)
        return figures.prefetch_related("texts", "renditions").annotate(mark_count=Count("markers", distinct=True))

    @admin.display(description="picture")
    def thumbnail(self, figure: Figure) -> SafeString:
        """Small, with its alt text."""
        jpegs = sorted((r for r in figure.renditions.all() if r.format == "jpeg"), key=lambda r: r.width)
        name = jpegs[0].file if jpegs else figure.drawing
        alt = next((text.alt for text in figure.texts.all()), figure.slug)
        return format_html('<img class="thumb" src="{}" alt="{}" loading="lazy">', staff_url(name) if name else "", alt)

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
        return format_html('<a class="button" href="{}">Place and name the markers</a>', address)

    @admin.display(description="text in the picture")
    def marked_text(self, figure: Figure) -> SafeString:
        """Places that the text finder marked in the stored picture, and the answer of the person who uploaded it."""
        return text_detection_html(figure)

    @admin.display(description="title")
    def titles(self, figure: Figure) -> str:
        """In all languages."""
        return " · ".join(text.title for text in figure.texts.all())

    @admin.display(description="marks")
    def marks(self, figure: Any) -> int:
        """How many."""
        count: int = figure.mark_count
        return count

    @admin.display(description="used on")
    def used(self, figure: Figure) -> SafeString:
        """Every page, guide and series that shows it, as links; and the ways to another picture."""
        rows = [(use, change_address(use.page) if use.page else "") for use in used_on(figure)]
        return render_to_string("admin/procedures/figure/used.html", {"figure": figure, "rows": rows})

    def save_model(self, request: HttpRequest, obj: Figure, form: Any, change: bool) -> None:
        """Record who changed the kind: pages say something else then, so another person must approve it."""
        before = Figure.objects.get(pk=obj.pk)
        if before.kind != obj.kind:
            obj.kind_changed_by = staff(request)
            if FigureApproval.objects.public().filter(figure=obj).exists():
                messages.info(request, KIND_WAITS)
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Figure) -> None:
        """Its files go too, unless another figure has them."""
        forget(files_of(obj))
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Figure]) -> None:
        """The same for many."""
        for figure in queryset:
            forget(files_of(figure))
        super().delete_queryset(request, queryset)

    def quotes(self, obj: Figure) -> tuple[str, str]:
        """See QuotedAdmin."""
        return "figure", obj.slug

    def get_urls(self) -> list[URLPattern]:
        """The ways in, before Django's own rules, whose last one takes everything."""
        view = self.admin_site.admin_view
        return [
            path("upload/", upload.upload, name="procedures_figure_upload"),
            path("upload/<str:token>/", upload.saved, name="procedures_figure_uploaded"),
            path("intake/", view(intake.choose), name="procedures_figure_choose"),
            path("intake/<str:token>/", view(intake_check.check), name="procedures_figure_check"),
            path("intake/<str:token>/picture.png", view(intake.picture), name="procedures_figure_waiting"),
            path("intake/<str:token>/result.png", view(intake.result), name="procedures_figure_result"),
            path("intake/<str:token>/text/", view(intake.text), name="procedures_figure_text"),
            path("intake/<str:token>/cancel/", view(intake.cancel), name="procedures_figure_cancel"),
            path("intake/<str:token>/frames/", view(dicom_import.frames), name="procedures_figure_frames"),
            path("intake/<str:token>/frame.png", view(dicom_import.frame), name="procedures_figure_frame"),
            path("files/<path:name>", view(file), name="procedures_figure_file"),
            path("marks/live/", marks_page.live, name="procedures_figure_marks_live"),
            path("<int:figure_id>/text/", view(look_for_text), name="procedures_figure_look_for_text"),
            path("<int:figure_id>/marks/", view(marks_page.marks), name="procedures_figure_marks"),
            path("<int:figure_id>/marks/file/", view(marks_page.download), name="procedures_figure_marks_download"),
            path("<int:figure_id>/marks/bring-in/", view(marks_page.bring_in), name="procedures_figure_marks_bring_in"),
            *super().get_urls(),
        ]
