"""Pictures in order."""

from django.contrib import admin

from procedures.admin.base import TextRows
from procedures.admin.figures import UsedAdmin
from procedures.admin.outdated import QuotedAdmin
from procedures.models import Series, SeriesItem


class Stages(TextRows):
    """One picture and its text each."""

    model = SeriesItem
    verbose_name = "stage"
    verbose_name_plural = "stages, in their order"
    fields = (("order", "figure"), "heading", "text")


@admin.register(Series)
class SeriesAdmin(QuotedAdmin, UsedAdmin):
    """One language each."""

    identity = ("slug", "language")
    list_display = ("title", "slug", "language")
    list_filter = ("language",)
    search_fields = ("title", "slug")
    inlines = (Stages,)

    def quotes(self, obj: Series) -> tuple[str, str]:
        """See QuotedAdmin."""
        return "series", obj.slug
