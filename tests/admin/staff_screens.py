"""One row of every model, and the URLs of all screens that show them."""

from django.contrib import admin
from django.test import Client
from django.utils import timezone

from portal.accounts.models import AuditEvent, User
from procedures.models import (
    ClinicalCode,
    ClinicAnswer,
    ExternalLink,
    Feedback,
    Figure,
    Location,
    Page,
    Series,
    SeriesItem,
)
from procedures.publishing.review import submit_for_review
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES
from tests.admin.upload_helpers import CHOOSE
from tests.factories import make_clinic, make_figure, make_page, make_public, make_term, make_user


def create_one_of_each_model() -> User:
    """Fill the database, and return a user who can open everything."""
    make_clinic()
    figure = make_figure(size=(40, 40))
    series = Series.objects.create(slug="steps", language="en", title="Step by step")
    SeriesItem.objects.create(series=series, figure=figure, heading="One", text="First.")
    make_term()
    ClinicAnswer.objects.create(key="driving", language="en", question="When can I drive?", answer="Tomorrow.")
    Location.objects.create(key="main", phone="+1 303-555-0100", address="1 Main Street")
    ClinicalCode.objects.create(system="icd-10-cm", code="S32.0", subject="small-cut")
    ExternalLink.objects.create(url="https://nice.example/", last_result="answers 200", checked_at=timezone.now())
    page = make_page()
    make_public(page)
    Feedback.objects.create(page=page, was_clear=False, comment="What is a small cut?")
    guide = make_page("first-visit", kind="guide", slug="first-visit")
    guide.items.create(page=page, minutes=4)
    waiting = make_page("big-cut")
    submit_for_review(save_revision(waiting, author=make_user("ed")), actor=make_user("ed"))
    AuditEvent.objects.create(kind="logged_in")
    return User.objects.create(username="boss", first_name="Boss", is_staff=True, is_superuser=True)


def list_screen_urls(superuser: User) -> list[str]:
    """Return the URLs of everything that a superuser can open under /admin/: Django's views and our own screens."""
    client = Client()
    client.force_login(superuser)
    page, waiting = Page.objects.get(subject="small-cut"), Page.objects.get(subject="big-cut")
    wanted = ["/admin/", "/admin/search/?q=cut", "/admin/password_change/", "/admin/account/", CHOOSE]
    wanted += ["/admin/procedures/clinicalcode/try/?code=S32.010A&system=icd-10-cm"]
    wanted += [f"{PAGES}{name}/" for name in ("outdated", "planned", "reads", "reviews", "send", "transfer")]
    wanted += [f"{PAGES}{page.pk}/{name}/" for name in ("links", "links/sheet/letter", "versions", "withdraw")]
    wanted += [f"{PAGES}{waiting.pk}/{name}/" for name in ("review", "publish", "change", "compare", "translation")]
    assert admin.site._registry
    for model in admin.site._registry:
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        listed = client.get(base)
        wanted.append(base)
        if "cl" not in listed.context:  # a custom screen in place of Django's change list
            continue
        pk = listed.context["cl"].result_list[0].pk
        wanted += [base, f"{base}add/", *(f"{base}{pk}/{screen}/" for screen in ("change", "delete", "history"))]
    figure = Figure.objects.all()[0].pk
    wanted += [f"/admin/procedures/figure/{figure}/marks/", f"/admin/procedures/figure/{figure}/text/"]
    return [path for path in dict.fromkeys(wanted) if client.get(path).status_code == 200]
