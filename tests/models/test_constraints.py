"""Database constraints, and the validation messages that users see first."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from procedures.models import (
    Approval,
    Autosave,
    Clinic,
    ClinicalCode,
    ClinicAnswer,
    ClinicText,
    DigestDelivery,
    Figure,
    FigureText,
    GlossaryTerm,
    GuideItem,
    ImportedRecord,
    Location,
    LocationText,
    Marker,
    MarkerText,
    Page,
    PageView,
    Path,
    Release,
    ReleaseDependency,
    Rendition,
    ReviewComment,
    Revision,
    Series,
    WarningSign,
    WarningSignEvent,
    WarningSignText,
)
from procedures.publishing import warning_signs
from procedures.revisions.drafts import save_revision
from tests.database import rolled_back
from tests.factories import approve, make_clinic, make_figure, make_page, make_sign, make_term, make_user

pytestmark = pytest.mark.django_db


def page() -> Page:
    """Return a page with a valid draft."""
    return Page.objects.first() or make_page(lead_figure=figure())


def figure() -> Figure:
    """Return a figure with a marker."""
    return Figure.objects.first() or make_figure(size=(48, 48))


def marker(**values: object) -> Marker:
    """Return a second marker on the figure."""
    return Marker(**{"figure": figure(), "key": "other", "x": 0, "y": 0, "target_x": 1, "target_y": 1, **values})


def sign() -> WarningSign:
    """Return a warning sign in both languages."""
    return WarningSign.objects.first() or make_sign()


def revision() -> Revision:
    """Return the page's revision."""
    return save_revision(page(), author=make_user())


def release(**values: object) -> Release:
    """Return a release of the page."""
    now = timezone.now()
    return Release(
        **{"page": page(), "number": 1, "revision": revision(), "path": "/x/", "title": "t", "html": "",
           "renderer_version": 1, "published_at": now, "next_review_on": now.date(), **values}
    )  # fmt: skip


def location() -> Location:
    """Return a path."""
    return Location.objects.get_or_create(key="main", phone="1 2 3", address="x")[0]


def page_view(count: int = 1) -> PageView:
    """Return the number of views of a path on a day."""
    return PageView(day=timezone.now().date(), path="/x/", language="en", views=count)


def autosave(window: str = "w") -> Autosave:
    """Return an autosave of the page."""
    return Autosave(
        user=make_user(), form="page", client_id=window, opened_at=timezone.now(), last_seen_at=timezone.now()
    )


BROKEN: dict[str, Callable[[], list[models.Model]]] = {
    "digest_once_per_user_and_week": lambda: [DigestDelivery(user=make_user(), week="2026-W47") for _ in range(2)],
    "review_comment_not_empty": lambda: [ReviewComment(approval=approve(revision()), quote="x", text="")],
    "autosave_once_per_client": lambda: [autosave(), autosave()],
    "autosave_has_client_id": lambda: [autosave("")],
    "page_views_once_per_day_path": lambda: [page_view(), page_view()],
    "page_views_positive": lambda: [page_view(0)],
    "clinic_is_singleton": lambda: [Clinic(pk=2, name="Other", phone="+1 303")],
    "clinic_text_once_per_language": lambda: [ClinicText(clinic=make_clinic(), language="en", hours="x")],
    "location_text_once_per_language": lambda: [
        LocationText(location=location(), language="en", name=name) for name in "ab"
    ],
    "imported_record_once": lambda: [ImportedRecord(kind="page", key="x", sha256="1") for _ in range(2)],
    "figure_has_image_or_drawing": lambda: [
        Figure(slug="x", kind="drawing", provenance="simulated", deidentified=True)
    ],
    "figure_without_image_is_drawing": lambda: [
        Figure(slug="x", kind="ct", drawing="x", provenance="simulated", deidentified=True)
    ],
    "figure_is_deidentified": lambda: [Figure(slug="x", provenance="simulated", image="x")],
    "clinic_figure_has_consent_reference": lambda: [
        Figure(slug="x", provenance="clinic", image="x", deidentified=True)
    ],
    "figure_text_once_per_language": lambda: [
        FigureText(figure=figure(), language="en", title="t", alt="a", caption="c")
    ],
    "figure_text_has_alt": lambda: [FigureText(figure=figure(), language="es", title="t", alt="", caption="c")],
    "marker_key_once_per_figure": lambda: [marker(), marker()],
    "marker_within_figure": lambda: [marker(target_x=1.01)],
    "marker_text_once_per_language": lambda: [
        MarkerText(marker=figure().markers.get(), language="en", label="x")
    ],
    "marker_text_has_label": lambda: [MarkerText(marker=figure().markers.get(), language="es", label="")],
    "rendition_once_per_size": lambda: [
        Rendition(figure=figure(), width=10, height=1, format="webp", file="x", size=1) for _ in range(2)
    ],
    "series_once_per_language": lambda: [Series(slug="x", language="en", title="t") for _ in range(2)],
    "revision_number_once_per_page": lambda: [Revision(page=page(), number=7, content={}) for _ in range(2)],
    "sent_back_approval_has_comment": lambda: [
        Approval(revision=revision(), content_hash="x", reviewer=make_user("rita"), decision="sent_back")
    ],
    "release_number_once_per_page": lambda: [release(is_starter=True), release(is_starter=True)],
    "release_is_approved_or_starter": lambda: [release()],
    "dependency_once_per_release": lambda: [
        ReleaseDependency(release=saved(release(is_starter=True)), kind="source", key="nice", fingerprint="x"),
        ReleaseDependency(release=Release.objects.get(), kind="source", key="nice", fingerprint="y"),
    ],
    "page_once_per_subject_language": lambda: [
        Page(subject=page().subject, language="en", kind="risks", slug="x", title="t", code="AAAAAA")
    ],
    "schedule_has_time_and_revision": lambda: [changed(page(), publish_at=timezone.now())],
    "live_page_is_not_withdrawn": lambda: [
        changed(page(), live_release=saved(release(is_starter=True)), withdrawn_reason="x")
    ],
    "page_does_not_replace_itself": lambda: [changed(page(), replaced_by=page())],
    "review_months_in_range": lambda: [changed(page(), review_months=37)],
    "guide_item_minutes_positive": lambda: [GuideItem(guide=page(), page=page(), minutes=0)],
    "canonical_path_once_per_page": lambda: [Path(path="/a/", page=page()), Path(path="/b/", page=page())],
    "glossary_term_once_per_language": lambda: [make_term("x"), GlossaryTerm(key="x", language="en", term="y", definition="z")],
    "clinic_answer_once_per_language": lambda: [
        ClinicAnswer(key="x", language="en", question="q", answer="a") for _ in range(2)
    ],
    "clinical_code_once_per_subject": lambda: [
        ClinicalCode(system="cpt", code="22510", subject="x") for _ in range(2)
    ],
    "clinical_code_rank_positive": lambda: [ClinicalCode(system="cpt", code="22510", subject="x", rank=0)],
    "sign_text_once_per_language": lambda: [
        WarningSignText(sign=sign(), language="en", text="Again."),
    ],
    "sent_back_signs_have_comment": lambda: [
        WarningSignEvent(revision=warning_signs.record_starter_list(), kind="sent_back", content_hash="x"),
    ],
}  # fmt: skip


def saved(row: models.Model) -> models.Model:
    row.save()
    return row


def changed(row: models.Model, **values: object) -> models.Model:
    for name, value in values.items():
        setattr(row, name, value)
    return row


def named_constraints() -> set[str]:
    """Return the names of all constraints of our models."""
    from django.apps import apps

    return {
        str(rule.name) for model in apps.get_app_config("procedures").get_models() for rule in model._meta.constraints
    }


def broken_row(name: str) -> models.Model:
    """Return the row that breaks a constraint; the rows before it are saved."""
    *others, row = BROKEN[name]()
    for other in others:
        if other._state.adding:
            other.save()
    return row


def test_the_database_rejects_a_broken_row(subtests: pytest.Subtests) -> None:
    for name in BROKEN:
        with subtests.test(name=name), rolled_back():
            row = broken_row(name)

            with pytest.raises(IntegrityError), transaction.atomic():
                row.save()


def test_validation_reports_the_constraint_before_the_database_does(subtests: pytest.Subtests) -> None:
    for name in sorted(set(BROKEN) - {"dependency_once_per_release"}):
        with subtests.test(name=name), rolled_back():
            row = broken_row(name)
            (rule,) = [rule for rule in row._meta.constraints if rule.name == name]

            with pytest.raises(ValidationError) as refused:
                rule.validate(type(row), row)

            (sentence,) = refused.value.messages
            # Not Django's default “Constraint “x” is violated.”
            assert name not in sentence
            assert sentence.endswith(".")


def test_no_constraint_is_left_without_a_test() -> None:
    assert named_constraints() == set(BROKEN)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            "page_once_per_subject_language",
            "Another page in this language already has this name. Choose another one.",
        ),
        ("review_months_in_range", "Choose 1 to 36 months."),
    ],
)
def test_constraints_have_clear_messages(row: str, sentence: str) -> None:
    broken = BROKEN[row]()[-1]

    with pytest.raises(ValidationError) as raised:
        broken.full_clean()

    assert sentence in raised.value.messages


def test_a_sent_back_approval_with_a_comment_is_valid() -> None:
    approval = Approval(
        revision=revision(), content_hash="x", reviewer=make_user("rita"), decision="sent_back", comment="Shorter."
    )

    approval.save()

    assert approval.pk
    assert approve(revision()).decision == "approved"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("term", {"term": "pt"}),
        ("term", {"term": "P\u00adT"}),
        ("term", {"term": "rehab"}),
        ("aliases", {"term": "clotting time", "aliases": ["INR", "PT"]}),
    ],
)
def test_a_word_has_one_glossary_entry_in_each_language(db: None, field: str, values: dict[str, Any]) -> None:
    make_term("pt", term="PT", aliases=["rehab"], definition="Physical therapy.")
    row = GlossaryTerm(**{"key": "prothrombin", "language": "en", "definition": "A blood test.", **values})

    with pytest.raises(ValidationError) as raised:
        row.full_clean()

    assert list(raised.value.message_dict) == [field]
    assert raised.value.messages[0].startswith("The glossary entry “PT” already explains “")
    row.language = "es"
    row.full_clean()
    GlossaryTerm.objects.get().full_clean()
