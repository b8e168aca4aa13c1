"""Starting points for a new page: a page template in one of the languages, or a copy of another page.

The text of a template is in ``procedures/page_templates/<language>/<key>.md``. Its prompts in brackets must be replaced
before the page can be published (``procedures/rendering/lint.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.text import parse_int_or_zero
from procedures import languages
from procedures.enums import PageKind
from procedures.models import GuideItem, Page

FOLDER = Path(__file__).resolve().parent.parent / "page_templates"
COPIED_FIELDS = "key_message description body next_label review_months language kind order".split()


@dataclass(frozen=True, slots=True)
class PageTemplate:
    """A page template. ``key`` is the name of its file."""

    key: str
    kind: PageKind
    name: Promise
    help: Promise


TEMPLATES = (
    PageTemplate(
        "about-a-test",
        PageKind.PROCEDURE,
        gettext_lazy("About a test"),
        gettext_lazy("What it shows, how to get ready, what happens, risks, results."),
    ),
    PageTemplate(
        "about-a-procedure",
        PageKind.PROCEDURE,
        gettext_lazy("About a procedure"),
        gettext_lazy("What it is, who it is for, the steps, benefits and risks, other choices."),
    ),
    PageTemplate(
        "going-home",
        PageKind.RECOVERY,
        gettext_lazy("Going home"),
        gettext_lazy("The first day, what to do and not to do, when to call, the next visit."),
    ),
    PageTemplate(
        "visit-guide",
        PageKind.GUIDE,
        gettext_lazy("Visit guide"),
        gettext_lazy("What to read and bring before one kind of visit, or after it."),
    ),
)


@dataclass(frozen=True, slots=True)
class TemplateOption:
    """A page template as offered on the form for a new page, with a link for each language."""

    key: str
    name: str
    help: str
    links: list[tuple[str, str, str]]  # code and name of the language, URL


@cache
def read_template(key: str, language: str) -> str:
    """Return the text of a template in a language; empty if it has none."""
    path = FOLDER / language / f"{key}.md"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def get_template_options() -> list[TemplateOption]:
    """Return all page templates, with the URL of the form that each opens."""
    return [
        TemplateOption(
            template.key,
            str(template.name),
            str(template.help),
            [
                (language.code, language.name, f"{_add_url(template)}?template={template.key}&language={language.code}")
                for language in languages.LANGUAGES
                if read_template(template.key, language.code)
            ],
        )
        for template in TEMPLATES
    ]


def _add_url(template: PageTemplate) -> str:
    return reverse(f"admin:procedures_{template.kind.model_name}_add")


def initial_values(query: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of a new page's form for ``?template=KEY&language=CODE`` or ``?copy=ID``; return an empty dict
    for neither.
    """
    if copied := _copied_page(query):
        return {
            **{name: getattr(copied, name) for name in COPIED_FIELDS},
            "title": _("%(title)s (copy)") % {"title": copied.title},
            "lead_figure": copied.lead_figure_id,
            "next_page": copied.next_page_id,
            "copied_from": copied.pk,
        }
    template = next((template for template in TEMPLATES if template.key == query.get("template")), None)
    if template is None:
        return {}
    codes = [language.code for language in languages.LANGUAGES]
    language = query.get("language") if query.get("language") in codes else languages.DEFAULT
    return {"body": read_template(template.key, str(language)), "kind": template.kind, "language": language}


def copied_guide_items(query: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows of the reading list of the guide in ``?copy=ID``."""
    copied = _copied_page(query)
    rows = copied.items.order_by("order", "pk").values(*GuideItem.FORM_FIELDS) if copied else []
    return [dict(row) for row in rows]


def _copied_page(query: Mapping[str, str]) -> Page | None:
    page_id = parse_int_or_zero(query.get("copy", ""))
    return Page.objects.filter(pk=page_id).first() if page_id else None
