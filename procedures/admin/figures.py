"""Admin for figures and series, and the URLs of the screens that upload, check, and mark pictures."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Exists, OuterRef, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures import languages
from procedures.admin import figure_texts, image_check, image_upload, markers
from procedures.admin.base import (
    ContentFormSet,
    ContentInline,
    TranslatedRowMixin,
    UsageProtectedAdmin,
    figure_file_view,
    get_change_url,
    get_staff_user,
    join_titles,
    staff_file_url,
)
from procedures.admin.figure_forms import FigureChangeForm
from procedures.admin.markers import render_figure_preview
from procedures.admin.publishing import StalePagesMixin
from procedures.figures.approval import figure_files
from procedures.figures.renditions import delete_on_commit
from procedures.models import Figure, FigureApproval, FigureText, ReleaseDependency, Series, SeriesItem
from procedures.publishing.checks import find_usages

CHANGE_MESSAGES = {
    "kind": gettext_lazy(
        "You changed the kind of picture. Public pages keep the old kind until another person approves a page that "
        "shows this picture."
    ),
    "provenance": gettext_lazy(
        "You changed the source of the picture. Public pages keep the old source until another person approves a page "
        "that shows this picture."
    ),
}


def _public_usages() -> QuerySet[ReleaseDependency]:
    """Return the dependencies of public pages on pictures, ordered by title."""
    uses = ReleaseDependency.objects.live().filter(kind="figure")
    return uses.select_related("release").only("figure", "release__title").order_by("release__title")


class UsageFilter(admin.SimpleListFilter):
    """Filters pictures by whether a public page shows them."""

    title = gettext_lazy("used")
    parameter_name = "used"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("on a public page")), ("no", _("on no public page"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Figure]) -> QuerySet[Figure]:
        is_used = Exists(_public_usages().filter(figure=OuterRef("pk")).order_by())
        if self.value() == "yes":
            return queryset.filter(is_used)
        return queryset.exclude(is_used) if self.value() == "no" else queryset


class FigureTextFormSet(ContentFormSet):
    """The texts of a picture. Those in the languages of public pages can be changed, but not deleted."""

    def clean(self) -> None:
        """Reject the loss of a language in which a public page shows the picture."""
        super().clean()
        kept = {form.cleaned_data.get("language") for form in self.forms if form not in self.deleted_forms}
        lost = set(self.instance.texts.values_list("language", flat=True)) - kept
        public = _public_usages().filter(figure=self.instance, release__page__language__in=lost)
        codes = set(public.values_list("release__page__language", flat=True))
        if codes:
            message = _(
                "Patients see this picture on pages in %(languages)s. Change its texts instead of deleting them."
            )
            names = ", ".join(languages.get(code).english_name for code in sorted(codes))
            raise ValidationError(message % {"languages": names})


class FigureTextInline(ContentInline):
    """Title, alt text, and caption in each language."""

    model = FigureText
    formset = FigureTextFormSet
    min_num = 1
    validate_min = True
    max_num = len(languages.CODES)
    verbose_name_plural = gettext_lazy("texts in each language")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Require one language, because a figure without a text cannot be shown."""
        return super().get_formset(request, obj, **{**kwargs, "validate_min": True})


@admin.register(Figure)
class FigureAdmin(StalePagesMixin, UsageProtectedAdmin):
    """Admin for figures. Pictures are uploaded and replaced through the screens of ``image_upload``."""

    form = FigureChangeForm
    add_label = gettext_lazy("Add a picture")
    immutable_fields = ("slug",)
    # A new picture starts with an upload.
    can_add_deleted = False
    list_display = ("thumbnail", "titles", "kind", "public_pages", "marker_count", "provenance", "created_at")
    list_display_links = ("thumbnail", "titles")
    list_filter = ("kind", UsageFilter, "provenance")
    search_fields = ("slug", "texts__title", "texts__caption")
    title_field = "texts__title"
    inlines = (FigureTextInline,)
    fields = (
        "preview", "edit_markers", "usage", "slug", "kind", "provenance", "provenance_note", "deidentified",
        "detected_text", "uploaded_by", "created_at", "seen_picture",
    )  # fmt: skip
    readonly_fields = ("preview", "edit_markers", "usage", "detected_text", "uploaded_by", "created_at")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Redirect to the upload screens, where a new picture is checked before it is saved."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse("admin:procedures_figure_choose"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Figure]:
        """Load related rows and the marker count in a fixed number of queries."""
        figures: QuerySet[Figure] = super().get_queryset(request)
        public_uses = Prefetch("release_dependencies", _public_usages(), "public_uses")
        related = figures.prefetch_related("texts", "renditions", public_uses)
        return related.annotate(marker_count=Count("markers", distinct=True))

    def row_title(self, figure: Figure) -> str:
        """Return the first title, because slugs are meant for Markdown and not for people."""
        return next((text.title for text in figure.texts.all()), figure.slug)

    def row_detail(self, figure: Figure) -> str:
        """Return the kind of picture and the slug that texts use to insert it."""
        return f"{figure.get_kind_display()} · {figure.slug}"

    @admin.display(description=gettext_lazy("picture"))
    def thumbnail(self, figure: Figure) -> SafeString:
        """Show the smallest rendition with its alt text."""
        jpegs = sorted((r for r in figure.renditions.all() if r.format == "jpeg"), key=lambda r: r.width)
        name = jpegs[0].file if jpegs else figure.drawing
        alt = next((text.alt for text in figure.texts.all()), figure.slug)
        return format_html(
            '<img class="thumbnail" src="{}" alt="{}" loading="lazy">', staff_file_url(name) if name else "", alt
        )

    @admin.display(description=gettext_lazy("as patients see it"))
    def preview(self, figure: Figure) -> SafeString:
        """Show the saved figure in the public style sheet."""
        language = next((text.language for text in figure.texts.all()), languages.DEFAULT)
        return format_html(
            '<iframe class="figure-preview" sandbox="allow-same-origin" title="{}" srcdoc="{}"></iframe>',
            _("The picture %(slug)s as patients see it") % {"slug": figure.slug},
            escape(render_figure_preview(figure, language)),
        )

    @admin.display(description=gettext_lazy("markers"))
    def edit_markers(self, figure: Figure) -> SafeString:
        url = reverse("admin:procedures_figure_markers", args=[figure.pk])
        return format_html('<a class="button" href="{}">{}</a>', url, _("Edit markers"))

    @admin.display(description=gettext_lazy("text in the picture"))
    def detected_text(self, figure: Figure) -> SafeString:
        """Show the result of text detection, and the uploader's answer."""
        return image_check.text_detection_html(figure)

    @admin.display(description=gettext_lazy("title"))
    def titles(self, figure: Figure) -> str:
        return " · ".join(text.title for text in figure.texts.all())

    @admin.display(description=gettext_lazy("used on"))
    def public_pages(self, figure: Any) -> str:
        """Name the public pages that show the picture, or a few of them and the number of the others."""
        return join_titles(list(dict.fromkeys(use.release.title for use in figure.public_uses)))

    @admin.display(description=gettext_lazy("markers"))
    def marker_count(self, figure: Any) -> int:
        count: int = figure.marker_count
        return count

    @admin.display(description=gettext_lazy("used on"))
    def usage(self, figure: Figure) -> SafeString:
        """List the pages, guides, and series that show the figure, with a link that replaces the picture."""
        rows = [(use, get_change_url(use.page) if use.page else "") for use in find_usages(figure)]
        return render_to_string("admin/procedures/figure/usage.html", {"figure": figure, "usages": rows})

    def save_model(self, request: HttpRequest, obj: Figure, form: Any, change: bool) -> None:
        """Record who changed the kind or the source. Pages print them, so another person must approve the change."""
        before = Figure.objects.select_for_update().get(pk=obj.pk)
        changed = [name for name in CHANGE_MESSAGES if getattr(before, name) != getattr(obj, name)]
        is_public = bool(changed) and FigureApproval.objects.public().filter(figure=obj).exists()
        for name in changed:
            setattr(obj, f"{name}_changed_by", get_staff_user(request))
            if is_public:
                messages.info(request, CHANGE_MESSAGES[name])
        # Not the files: someone may be replacing the picture.
        changed_by = [f"{name}_changed_by" for name in changed]
        obj.save(update_fields=["kind", "provenance", "provenance_note", "deidentified", *changed_by])

    def delete_model(self, request: HttpRequest, obj: Figure) -> None:
        """Delete the figure, and its files unless another figure uses them."""
        delete_on_commit(figure_files(obj))
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Figure]) -> None:
        """Delete the figures, and their files unless another figure uses them."""
        for figure in queryset:
            delete_on_commit(figure_files(figure))
        super().delete_queryset(request, queryset)

    def get_urls(self) -> list[URLPattern]:
        """Add the picture screens before Django's URLs, whose last pattern matches everything."""
        view = self.admin_site.admin_view
        return [
            path("upload/", image_upload.editor_upload_view, name="procedures_figure_upload"),
            path("upload/<str:token>/", image_upload.editor_upload_status_view, name="procedures_figure_upload_status"),
            path("intake/", view(image_upload.choose_image_view), name="procedures_figure_choose"),
            path("intake/<str:token>/", view(image_check.image_check_view), name="procedures_figure_check"),
            path(
                "intake/<str:token>/picture.png", view(image_upload.staged_image_view), name="procedures_figure_staged"
            ),
            path(
                "intake/<str:token>/result.png",
                view(image_check.redacted_image_view),
                name="procedures_figure_redacted",
            ),
            path("intake/<str:token>/text/", view(image_check.detect_text_view), name="procedures_figure_staged_text"),
            path("intake/<str:token>/cancel/", view(image_upload.cancel_upload_view), name="procedures_figure_cancel"),
            path("intake/<str:token>/frames/", view(image_upload.choose_frame_view), name="procedures_figure_frames"),
            path("intake/<str:token>/frame.png", view(image_upload.frame_image_view), name="procedures_figure_frame"),
            path("files/<path:name>", view(figure_file_view), name="procedures_figure_file"),
            path("marks/live/", markers.markers_preview_view, name="procedures_figure_markers_preview"),
            path(
                "<int:figure_id>/texts/<str:language>/", figure_texts.figure_texts_view, name="procedures_figure_texts"
            ),
            path(
                "<int:figure_id>/texts/<str:language>/save/",
                figure_texts.save_figure_texts_view,
                name="procedures_figure_save_texts",
            ),
            path("<int:figure_id>/text/", view(image_check.figure_text_view), name="procedures_figure_detect_text"),
            path("<int:figure_id>/marks/", view(markers.markers_view), name="procedures_figure_markers"),
            *super().get_urls(),
        ]


class SeriesItemInline(ContentInline):
    """The stages of a series: a picture and its text."""

    model = SeriesItem
    verbose_name = gettext_lazy("stage")
    verbose_name_plural = gettext_lazy("stages, in order")
    fields = (("order", "figure"), "heading", "text")


@admin.register(Series)
class SeriesAdmin(TranslatedRowMixin, StalePagesMixin, UsageProtectedAdmin):
    """Admin for series. Each has a single language."""

    immutable_fields = ("slug", "language")
    list_display = ("title", "slug", "language")
    list_filter = ("language",)
    search_fields = ("title", "slug")
    inlines = (SeriesItemInline,)
