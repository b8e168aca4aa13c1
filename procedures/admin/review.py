"""A reviewer's decision on exactly the text that was on the screen."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from procedures.admin.base import staff
from procedures.admin.desk import desk
from procedures.admin.shell import screen
from procedures.enums import Decision
from procedures.models import Page
from procedures.publishing.review import ReviewRefusedError, decide

CHANGED = "The text was changed while you read it. This is the newest text: please decide on it."
DONE = {
    Decision.APPROVED: "Approved. A manager can publish this text now.",
    Decision.SENT_BACK: "Sent back with your comment.",
}


class ReviewForm(forms.Form):
    """``revision`` is what the reviewer saw."""

    revision = forms.IntegerField(widget=forms.HiddenInput)
    decision = forms.ChoiceField(choices=[(Decision.APPROVED, "Approve"), (Decision.SENT_BACK, "Send back")])
    comment = forms.CharField(max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 3}))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("procedures.approve_page", raise_exception=True)
def review(request: HttpRequest, page_id: int) -> HttpResponse:
    """The page as it would look, a comment and two buttons. A refusal shows it again: 400, 403 or 409."""
    page = get_object_or_404(Page, pk=page_id)
    refused, status, form = "", 200, ReviewForm(request.POST or None)
    if request.method == "POST":
        refused, status = _decide(request, page, form)
        if not refused:
            return HttpResponseRedirect(desk(page.pk, staff(request)).addresses["change"])
    context = {"desk": desk(page.pk, staff(request)), "comment": form["comment"].value() or "", "refused": refused}
    return screen(request, "page/review", context, title=f"Review: {page.title}", status=status)


def _decide(request: HttpRequest, page: Page, form: ReviewForm) -> tuple[str, int]:
    """Empty text when it is done, else why not, with the status that says so."""
    if not form.is_valid():
        return "Choose Approve or Send back.", 400
    latest, decision = page.revisions.first(), Decision(form.cleaned_data["decision"])
    if latest is None or latest.pk != form.cleaned_data["revision"]:
        return CHANGED, 409
    try:
        decide(latest, reviewer=staff(request), decision=decision, comment=form.cleaned_data["comment"].strip())
    except ReviewRefusedError as error:
        return str(error), 403 if decision == Decision.APPROVED else 400
    messages.success(request, DONE[decision])
    return "", 200
