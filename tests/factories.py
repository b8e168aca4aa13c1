"""Valid rows by default; a test names only what it is about."""

from typing import Any

from django.contrib.auth.models import Permission
from PIL import Image

from portal.accounts.models import User
from procedures.enums import Decision, EventKind
from procedures.figures.approval import figure_hash, record_approval
from procedures.figures.decoding import build_decoded_image
from procedures.figures.renditions import store_image
from procedures.models import (
    Approval,
    Clinic,
    ClinicText,
    Figure,
    FigureText,
    GlossaryTerm,
    Marker,
    MarkerText,
    Page,
    Release,
    ReleaseEvent,
    Revision,
    Source,
    WarningSign,
)
from procedures.publishing import warning_signs
from procedures.publishing.publish import publish
from procedures.publishing.review import record_decision
from procedures.revisions.drafts import save_revision
from procedures.sharing.short_codes import generate_code
from tests.replay import built_once

EARLY_KEY = 10**6
EMPTY_CONTENT = {
    "title": "A title",
    "key_message": "",
    "body": "",
    "lead_figure": "",
    "next_page": "",
    "next_label": "",
}
BODY = """::: key-points
- It is short.
- It is safe to read.
:::

## What it is

A small cut. We look after you. [@nice]

## When to call {#when-to-call}

::: call
- You have a question.
:::
"""


def make_clinic(**values: Any) -> Clinic:
    """The clinic, with its hours in English."""
    clinic = Clinic.objects.create(
        pk=1, **{"name": "Test Spine Clinic", "phone": "+1 303-555-0100", "emergency_number": "911", **values}
    )
    ClinicText.objects.create(clinic=clinic, language="en", hours="Monday to Friday")
    return clinic


def make_source(key: str = "nice", **values: Any) -> Source:
    """A source that BODY cites."""
    source, _ = Source.objects.get_or_create(
        key=key, defaults={"organisation": "NICE", "title": "A guide", "year": 2013, **values}
    )
    return source


def make_term(key: str = "vertebra", **values: Any) -> GlossaryTerm:
    """A glossary term."""
    return GlossaryTerm.objects.create(
        **{"key": key, "language": "en", "term": key, "definition": "A bone of the spine.", **values}
    )


def sign_content(key: str = "weak-leg", level: str = "emergency", when: str = "both", **values: Any) -> dict[str, Any]:
    """One warning sign as plain data; ``en``, ``es``, ``en_short`` and ``es_short`` are its words."""
    words = {
        "en": f"You have {key}.",
        "es": f"Tiene {key}.",
        "en_short": f"{key} now",
        "es_short": f"{key} ya",
        **values,
    }
    return {
        "key": key,
        "level": level,
        "when": when,
        "sources": values.get("sources", []),
        "text": {code: {"text": words[code], "short": words[f"{code}_short"]} for code in ("en", "es")},
        "order": values.get("order", 0),
    }


def make_sign(key: str = "weak-leg", level: str = "emergency", when: str = "both", **values: Any) -> WarningSign:
    """A warning sign that patients read."""
    sign = WarningSign(key=key)
    warning_signs.save_sign(sign, sign_content(key, level, when, **{"order": WarningSign.objects.count(), **values}))
    return sign


def make_figure(slug: str = "needle", *, size: tuple[int, int] = (48, 48), **values: Any) -> Figure:
    """A simulated picture with one mark, its renditions stored, texts in English."""
    figure = Figure(slug=slug, **{"provenance": "simulated", "deidentified": True, **values})
    renditions = store_image(figure, build_decoded_image(Image.linear_gradient("L").resize(size)))
    figure.save()
    for rendition in renditions:
        rendition.figure = figure
        rendition.save()
    FigureText.objects.create(
        figure=figure, language="en", title="Needle", alt="A needle in a bone.", caption="The needle is in the bone."
    )
    marker = Marker.objects.create(figure=figure, key="tip", x=0.2, y=0.2, target_x=0.5, target_y=0.5)
    MarkerText.objects.create(marker=marker, language="en", label="Tip", text="The end of the needle.")
    return figure


def make_page(subject: str = "small-cut", **values: Any) -> Page:
    """A page that is ready to be published. The first page comes with an emergency sign, which every topic shows."""
    make_source()
    if not WarningSign.objects.exists():
        make_sign("blood")
    figure = values.pop("lead_figure", None) or Figure.objects.first() or make_figure()
    return Page.objects.create(
        **{
            "subject": subject,
            "language": "en",
            "kind": "procedure",
            "code": generate_code(),
            "slug": subject,
            "title": subject.replace("-", " ").capitalize(),
            "key_message": "A small cut helps.",
            "description": "What a small cut is.",
            "body": BODY,
            "lead_figure": figure,
            **values,
        }
    )


def make_user(name: str = "ed", **values: Any) -> User:
    """A member of staff."""
    user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True, **values})
    return user


def make_publisher(name: str = "max") -> User:
    """A member of staff who can publish pages."""
    user = make_user(name)
    user.user_permissions.add(Permission.objects.get(codename="publish_page"))
    return user


def approve(revision: Revision, reviewer: User | None = None) -> Approval:
    """Another person's yes to a revision."""
    return record_decision(
        revision,
        reviewer=reviewer or make_user("rita"),
        decision=Decision.APPROVED,
        seen_figure_hashes=[figure_hash(figure) for figure in Figure.objects.all()],
    )


def make_supplied(figure: Figure) -> Figure:
    """A picture that came with the product: texts may show it in public without a reviewer."""
    record_approval(figure, None)
    return figure


def make_public(page: Page, *, author: User | None = None) -> Release:
    """Save, approve and publish a page; a page without next step gets itself a sibling to lead to."""
    if page.next_page is None and page.kind != "about":
        page.next_page = make_next()
        page.save()
    revision = save_revision(page, author=author or make_user("ed"))
    approve(revision)
    return publish(revision, actor=make_user("max"))


def store_late_withdrawal(page: Page) -> None:
    """Withdraw a page with an event whose key is lower than that of a submission that was visible before.

    On PostgreSQL, this happens if the submission commits while the withdrawal is open. Call ``store_early_submission``
    first.
    """
    Page.objects.filter(pk=page.pk).update(live_release=None, withdrawn_reason="Old.")
    ReleaseEvent.objects.create(pk=EARLY_KEY - 1, page=page, kind=EventKind.WITHDRAWN, revision=page.revisions.first())


def store_early_submission(page: Page) -> None:
    """Store a submission whose key is higher than that of the withdrawal that follows."""
    ReleaseEvent.objects.create(pk=EARLY_KEY, page=page, kind=EventKind.SUBMITTED, revision=page.revisions.first())


@built_once
def make_draft() -> Page:
    """A clinic, and a page that is ready to be published."""
    make_clinic()
    return make_page(next_page=make_next())


@built_once
def make_public_page() -> Page:
    """A clinic, and the one page that its patients read, with the sibling that it leads to."""
    make_clinic()
    page = make_page()
    make_public(page)
    return page


def make_next() -> Page:
    """A public page of kind about, which needs no next step of its own."""
    found = Page.objects.filter(subject="contact", language="en").first()
    if found is None:
        found = make_page("contact", kind="about", title="Contact")
        make_public(found)
    return found


def make_translation(page: Page, **values: Any) -> Page:
    """A Spanish page on the same subject. It quotes nothing, so nothing else has to be translated."""
    return Page.objects.create(
        **{
            "subject": page.subject,
            "language": "es",
            "kind": "about",
            "code": generate_code(),
            "slug": f"{page.slug}-es",
            "title": "Un corte chico",
            "key_message": "Un corte chico ayuda.",
            "description": "Lo que es un corte chico.",
            "body": "## Qué es\n\nEs un corte chico. Te vamos a cuidar.\n",
            **values,
        }
    )
