"""Any saved text, and anything patients ever read, as a whole page."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from procedures.admin.true_page import released_page, true_page
from procedures.figures.approval import Pictures
from procedures.markdown import Library, render_page
from procedures.models import Release, Revision


@require_safe
@permission_required("procedures.view_revision", raise_exception=True)
def revision(request: HttpRequest, revision_id: int) -> HttpResponse:
    """A saved draft with today's pictures and answers."""
    row: Revision = get_object_or_404(Revision.objects.select_related("page", "author"), pk=revision_id)
    library = Library(row.page.language, Pictures.CURRENT)
    rendered = render_page(row.content, kind=row.page.kind, library=library)
    return HttpResponse(true_page(row.page, row.content, rendered, author=str(row.author or "")))


@require_safe
@permission_required("procedures.view_release", raise_exception=True)
def release(request: HttpRequest, release_id: int) -> HttpResponse:
    """What patients read, byte for byte in its article."""
    row: Release = get_object_or_404(Release.objects.select_related("page"), pk=release_id)
    return HttpResponse(released_page(row.page, row))
