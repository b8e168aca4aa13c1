"""Resolution of references in a draft: figures, glossary terms, sources, the clinic's answers, and other pages.

A ReferenceResolver reads each row once and records what a page used, with a fingerprint, so that a later check can
tell whether its release is out of date. One resolver can be forked to render many pages in a row.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Exists, OuterRef, Subquery

from procedures.enums import EventKind, SignLevel, SignTiming
from procedures.figures.approval import (
    ApprovedFigure,
    FigureVersion,
    approval_for_release,
    approved_figures,
    lock_and_check_unchanged,
    public_figures,
)
from procedures.figures.presenters import FigureContext, build_figure_context
from procedures.models import (
    Clinic,
    ClinicAnswer,
    Figure,
    FigureApproval,
    GlossaryTerm,
    Location,
    Page,
    Release,
    ReleaseDependency,
    Series,
    SeriesItem,
    Source,
    WarningSignEvent,
    WarningSignText,
)
from procedures.models.figure import FigureQuerySet
from procedures.models.page import without_text
from procedures.phones import phone_href
from procedures.rendering.blocks import get_block_types
from procedures.rendering.document import Block, Document, Text, walk
from procedures.rendering.inline import CITATION_SEPARATOR, PAGE_LINK
from procedures.rendering.parser import section_titles
from procedures.triage import TriageDetector

# Kinds of rows that texts refer to.
REFERENCE_KINDS = ("figure", "series", "care", "source", "page")


@dataclass(frozen=True, slots=True)
class Dependency:
    """A value that a render used, with a fingerprint of its content."""

    kind: str
    key: str
    fingerprint: str
    figure_id: int | None = None


@dataclass(frozen=True, slots=True)
class PageLink:
    """The target of a link to a page in the same language.

    ``text``: its released Markdown (of its last release, if it was withdrawn), or its draft if it was never released.
    """

    href: str
    title: str
    text: str
    clinic_values: Mapping[str, str]
    release: Release | None = None
    kind: str = ""

    def section_title(self, anchor: str) -> str:
        """Return the title of a section by its current or an earlier anchor, or ""."""
        if not anchor:
            return ""
        if self.release is None:
            return section_titles(self.text, self.clinic_values).get(anchor, "")
        anchor = self.release.old_anchors.get(anchor, anchor)
        titles = section_titles(self.text, self.clinic_values, self.release.anchor_renames)
        if anchor in titles:
            return titles[anchor]
        # A heading that a block prints, such as a location.
        document = Document.from_json(self.release.document)
        return document.section_titles().get(anchor, "") if document else ""


@dataclass(frozen=True, slots=True)
class LocalizedSign:
    """A warning sign in one language."""

    key: str
    level: str
    when: str
    text: str
    short: str
    sources: tuple[str, ...]


@dataclass
class ReferenceResolver:
    """Cached access to everything that a page in ``language`` can refer to.

    ``figure_version``: the version of the figures to use.
    """

    language: str
    figure_version: FigureVersion = FigureVersion.PUBLIC
    dependencies: dict[tuple[str, str], Dependency] = field(default_factory=dict)
    _cache: dict[tuple[str, str], Any] = field(default_factory=dict)

    def record(self, kind: str, key: str, data: object, figure_id: int | None = None) -> None:
        """Record a dependency of the page on ``data``, which is reduced to a fingerprint."""
        text = json.dumps(data, ensure_ascii=False, sort_keys=True, default=str)
        self.dependencies[kind, key] = Dependency(kind, key, hashlib.sha256(text.encode()).hexdigest(), figure_id)

    def fork(self) -> "ReferenceResolver":
        """Return a resolver with the same cache and no dependencies, for rendering the next page."""
        return ReferenceResolver(self.language, self.figure_version, _cache=self._cache)

    @property
    def glossary_terms(self) -> list[GlossaryTerm]:
        """All glossary terms of this language."""
        if ("terms", "") not in self._cache:
            self._cache["terms", ""] = list(GlossaryTerm.objects.filter(language=self.language))
        found: list[GlossaryTerm] = self._cache["terms", ""]
        return found

    @property
    def clinic_values(self) -> dict[str, str]:
        """The clinic values by name, empty strings if there is no clinic yet. Records no dependency."""
        if ("clinic", "") not in self._cache:
            self._cache["clinic", ""] = self._load_clinic_values()
        found: dict[str, str] = self._cache["clinic", ""]
        return found

    def _load_clinic_values(self) -> dict[str, str]:
        clinic = Clinic.objects.first() or Clinic(name="", phone="", emergency_number="911")
        text = clinic.texts.filter(language=self.language).first() if clinic.pk else None
        return {
            "clinic.name": clinic.name,
            "clinic.phone": clinic.phone,
            "clinic.after_hours_phone": clinic.after_hours_phone or clinic.phone,
            "clinic.emergency_number": clinic.emergency_number,
            "clinic.hours": text.hours if text else "",
        }

    def get_clinic_value(self, name: str) -> str | None:
        """Return a value such as ``clinic.phone``, or None for an unknown name."""
        value = self.clinic_values.get(name)
        if value is not None:
            self.record("clinic", name, value)
        return value

    def get_phone(self, name: str) -> tuple[str, str]:
        """Return a phone number as printed and as a ``tel:`` URL."""
        number = self.get_clinic_value(name) or ""
        return number, phone_href(number)

    def prefetch_document(
        self, document: Document, *, figure_slugs: Iterable[str], page_subjects: Iterable[str]
    ) -> None:
        """Load everything that a parsed text refers to.

        The number of queries does not depend on the number of references.
        """
        keys: dict[str, set[str]] = {kind: set() for kind in REFERENCE_KINDS}
        block_types = get_block_types()
        for node in walk(document.body):
            if isinstance(node, Block) and node.name in block_types and (kind := block_types[node.name].references):
                keys[kind].update(node.options.split())
            for run in node.runs if isinstance(node, Text) else ():
                if run.kind == "citation":
                    keys["source"].update(CITATION_SEPARATOR.split(run.text))
                keys["page"].update(match[1] for mark in run.marks if (match := PAGE_LINK.match(mark.href)))
        keys["figure"].update(figure_slugs)
        keys["page"].update(page_subjects)
        self.prefetch(keys)

    def prefetch(self, keys_by_kind: Mapping[str, set[str]]) -> None:
        """Load rows by kind (figure, series, source, care, page) with one or two queries for each kind."""
        wanted = {
            kind: {key for key in keys_by_kind.get(kind, ()) if key and (kind, key) not in self._cache}
            for kind in REFERENCE_KINDS
        }
        if wanted["series"]:
            rows = Series.objects.filter(slug__in=wanted["series"], language=self.language)
            found = {row.slug: row for row in rows.prefetch_related("items__figure")}
            self._cache |= {("series", key): found.get(key) for key in wanted["series"]}
            shown = {item.figure.slug for row in found.values() for item in row.items.all()}
            wanted["figure"] |= {slug for slug in shown if ("figure", slug) not in self._cache}
        if wanted["figure"]:
            self._cache |= {("figure", key): None for key in wanted["figure"]}
            self._load_figures(Figure.objects.filter(slug__in=wanted["figure"]))
        if wanted["source"]:
            sources = {row.key: row for row in Source.objects.filter(key__in=wanted["source"])}
            self._cache |= {("source", key): sources.get(key) for key in wanted["source"]}
        if wanted["care"]:
            answers = ClinicAnswer.objects.filter(language=self.language, key__in=wanted["care"])
            answers_by_key = {row.key: row for row in answers}
            self._cache |= {("care", key): answers_by_key.get(key) for key in wanted["care"]}
        if wanted["page"]:
            self._load_page_links(wanted["page"])

    def list_keys(self, kind: str) -> list[str]:
        """Return all keys of a kind (figure, series, care, source, page) that exist in this language."""
        if ("names", kind) not in self._cache:
            rows, name = {
                "figure": (Figure.objects.all(), "slug"),
                "series": (Series.objects.filter(language=self.language), "slug"),
                "care": (ClinicAnswer.objects.filter(language=self.language), "key"),
                "source": (Source.objects.all(), "key"),
                "page": (Page.objects.in_language(self.language), "subject"),
            }[kind]
            self._cache["names", kind] = list(rows.values_list(name, flat=True))
        found: list[str] = self._cache["names", kind]
        return found

    def get_figure(self, slug: str) -> FigureContext | None:
        """Return a figure with its markers; None if it does not exist or must not be shown (see ``is_unapproved``)."""
        if ("figure", slug) not in self._cache:
            self._load_figures(Figure.objects.filter(slug=slug))
        view: FigureContext | None = self._cache.setdefault(("figure", slug), None)
        if view is not None:
            self.record("figure", slug, view.fingerprint_data(), view.figure_id)
        return view

    def is_unapproved(self, slug: str) -> bool:
        """Return whether the figure exists, but has no approved version. Call ``get_figure`` first."""
        return ("unapproved", slug) in self._cache

    @property
    def has_unapproved_figures(self) -> bool:
        """Whether a figure loaded so far has no approved version."""
        return any(kind == "unapproved" for kind, _slug in self._cache)

    def get_figure_approval(self, dependency: Dependency) -> FigureApproval | None:
        """Return the approval for a figure that a release used. Store a new one if markers or renditions changed."""
        kind = {"figure": "approved", "indexed": "public"}.get(dependency.kind, "")
        shown: ApprovedFigure | None = self._cache.get((kind, dependency.key))
        if shown is None:
            return None
        row = approval_for_release(shown)
        self._cache[kind, dependency.key] = replace(shown, approval=row)
        return row

    def are_figures_unchanged(self, dependencies: Iterable[Dependency]) -> bool:
        """Lock the current figures that a release uses, and return whether they are unchanged."""
        found: list[ApprovedFigure | None] = [
            self._cache.get(("approved", dependency.key)) for dependency in dependencies
        ]
        return lock_and_check_unchanged([item.figure for item in found if item and item.is_current])

    def get_public_figures(self) -> list[FigureContext]:
        """Return the public version of every figure that other public pages show, for the picture index."""
        slugs = self._load_public_figures()
        self.record("list", "figures", slugs)
        return [view for slug in slugs if (view := self.get_public_figure(slug))]

    def get_public_figure(self, slug: str) -> FigureContext | None:
        """Return one figure of the picture index, or None if no other public page shows it."""
        self._load_public_figures()
        view: FigureContext | None = self._cache.get(("indexed", slug))
        if view is not None:
            self.record("indexed", slug, view.fingerprint_data(), view.figure_id)
        return view

    def _load_public_figures(self) -> list[str]:
        if ("list", "figures") not in self._cache:
            shown = public_figures()
            views = {slug: build_figure_context(item.figure, self.language) for slug, item in shown.items()}
            # A picture that only pages in another language show may have no texts in this one.
            views = {slug: view for slug, view in views.items() if view.is_complete}
            self._cache["list", "figures"] = list(views)
            self._cache |= {("public", slug): shown[slug] for slug in views}
            self._cache |= {("indexed", slug): view for slug, view in views.items()}
        slugs: list[str] = self._cache["list", "figures"]
        return slugs

    def _load_figures(self, figures: FigureQuerySet) -> None:
        rows = list(figures.with_texts())
        shown = {figure.slug: figure for figure in rows}
        if self.figure_version != FigureVersion.CURRENT:
            approved = approved_figures(rows, self.figure_version)
            self._cache |= {("approved", slug): item for slug, item in approved.items()}
            self._cache |= {("unapproved", figure.slug): True for figure in rows if figure.slug not in approved}
            shown = {slug: item.figure for slug, item in approved.items()}
        self._cache |= {("figure", slug): build_figure_context(figure, self.language) for slug, figure in shown.items()}

    def get_series(self, slug: str) -> Series | None:
        """Return a series in this language, or None."""
        if ("series", slug) not in self._cache:
            rows = Series.objects.filter(slug=slug, language=self.language)
            self._cache["series", slug] = rows.prefetch_related("items__figure").first()
        found: Series | None = self._cache["series", slug]
        if found:
            items = [(item.figure.slug, item.heading, item.text) for item in self.get_series_items(found)]
            self.record("series", slug, [found.title, items])
        return found

    def get_series_items(self, series: Series) -> list[SeriesItem]:
        """Return the items of a series. With ``FigureVersion.PUBLIC``, items with unapproved figures are left out."""
        items = list(series.items.all())
        if self.figure_version != FigureVersion.PUBLIC:
            return items
        self.prefetch({"figure": {item.figure.slug for item in items}})
        return [item for item in items if self._cache.get(("figure", item.figure.slug))]

    def get_source(self, key: str) -> Source | None:
        """Return a source, or None."""
        if ("source", key) not in self._cache:
            self._cache["source", key] = Source.objects.filter(key=key).first()
        found: Source | None = self._cache["source", key]
        if found:
            self.record("source", key, [found.organisation, found.title, found.year, found.url, found.identifier])
        return found

    def get_clinic_answer(self, key: str) -> ClinicAnswer | None:
        """Return the clinic's answer in this language, or None."""
        if ("care", key) not in self._cache:
            self._cache["care", key] = ClinicAnswer.objects.filter(language=self.language, key=key).first()
        found: ClinicAnswer | None = self._cache["care", key]
        if found:
            self.record("care", key, [found.question, found.answer])
        return found

    @property
    def all_warning_signs(self) -> tuple[list[LocalizedSign], bool]:
        """All warning signs in order, and whether they are still the starter list, which no reviewer has approved."""
        if ("signs", "") not in self._cache:
            published = WarningSignEvent.objects.filter(kind=EventKind.PUBLISHED)
            rows = list(
                WarningSignText.objects.filter(language=self.language)
                .select_related("sign")
                .order_by("sign__order", "sign__key")
                .annotate(is_approved=Exists(published))
            )
            signs = [
                LocalizedSign(row.sign.key, row.sign.level, row.sign.when, row.text, row.short, tuple(row.sign.sources))
                for row in rows
            ]
            self._cache["signs", ""] = signs, not all(row.is_approved for row in rows)
        found: tuple[list[LocalizedSign], bool] = self._cache["signs", ""]
        return found

    def get_warning_signs(self, timing: str) -> tuple[list[LocalizedSign], bool]:
        """Return the warning signs for a timing (``SignTiming``), and whether they are still the starter list."""
        rows, is_starter = self.all_warning_signs
        wanted = {timing, SignTiming.BOTH.value}
        found = rows if timing == SignTiming.BOTH else [sign for sign in rows if sign.when in wanted]
        # Record this even if there are no signs, so that pages published before the first list are updated with it.
        self.record("signs", timing, [[[s.key, s.level, s.text, s.short, s.sources] for s in found], is_starter])
        return found, is_starter

    def build_triage(self) -> TriageDetector:
        """Return a detector for text that gives advice on warning signs, with the signs of this language."""
        rows, _ = self.all_warning_signs
        return TriageDetector(self.language, [(sign.text, sign.level == SignLevel.EMERGENCY) for sign in rows])

    def get_page(self, subject: str) -> PageLink | None:
        """Return the page on a subject in this language, or None. A page that was never public has its planned path."""
        if ("page", subject) not in self._cache:
            self._load_page_links({subject})
        link: PageLink | None = self._cache["page", subject]
        if link:
            self.record("page", subject, [link.href])
        return link

    def _load_page_links(self, subjects: Collection[str]) -> None:
        pages = list(Page.objects.in_language(self.language).filter(subject__in=subjects))
        # Also for a withdrawn page: its draft is not approved, and its planned path does not work yet.
        numbers = Release.objects.filter(page=OuterRef("page")).order_by("-number").values("number")[:1]
        releases = Release.objects.filter(page__in=pages, number=Subquery(numbers)).select_related("revision")
        by_page = {release.page_id: release for release in without_text(releases, "")}
        self._cache |= dict.fromkeys(("page", subject) for subject in subjects)
        self._cache |= {("page", page.subject): self._build_page_link(page, by_page.get(page.pk)) for page in pages}

    def _build_page_link(self, page: Page, last: Release | None) -> PageLink:
        if last:
            return PageLink(last.path, last.title, last.revision.content["body"], self.clinic_values, last, page.kind)
        return PageLink(page.planned_path, page.title, page.body, self.clinic_values, kind=page.kind)

    def get_titled_page(self, subject: str, section: str = "") -> PageLink | None:
        """Like ``get_page``, for a link that prints the title of the page and of one of its sections."""
        link = self.get_page(subject)
        if link:
            self.record("title", f"{subject}#{section}", [link.title, link.section_title(section)])
        return link

    def get_titled_page_by_key(self, key: str) -> PageLink | None:
        """Like ``get_titled_page``, by the key of a recorded dependency: ``subject#section``."""
        subject, _, section = key.partition("#")
        return self.get_titled_page(subject, section)

    def record_term(self, term: GlossaryTerm) -> None:
        """Record that the page explains a glossary term."""
        self.record("term", term.key, [term.term, term.aliases, term.pronunciation, term.definition])

    def get_glossary(self) -> list[GlossaryTerm]:
        """Return all glossary terms, for the glossary page, and record them."""
        self.record(
            "list", "terms", [[t.key, t.term, t.pronunciation, t.definition, t.aliases] for t in self.glossary_terms]
        )
        return self.glossary_terms

    def get_reading_levels(self) -> list[dict[str, Any]]:
        """Return the path, title, kind, and reading level of every public page.

        Pages that contain this list are left out, because their own level is not known yet.
        """
        lists = ReleaseDependency.objects.filter(kind="list", key="levels").values("release")
        pages = Page.objects.published().in_language(self.language).in_public_order().exclude(live_release__in=lists)
        graded = pages.filter(live_release__grade__isnull=False)
        found = graded.values_list("live_release__path", "live_release__title", "kind", "live_release__grade")
        rows = [dict(zip(("href", "title", "kind", "level"), row, strict=True)) for row in found]
        self.record("list", "levels", rows)
        return rows

    def get_locations(self) -> list[dict[str, Any]]:
        """Return all locations with their texts in this language."""
        rows = []
        for location in Location.objects.prefetch_related("texts"):
            texts = {text.language: text for text in location.texts.all()}
            text = texts.get(self.language)
            rows.append(
                {
                    "key": location.key,
                    "name": text.name if text else "",
                    "address_lines": location.address.splitlines(),
                    "phone": location.phone,
                    "phone_href": phone_href(location.phone),
                    "hours": text.hours if text else "",
                    "directions": text.directions if text else "",
                }
            )
        self.record("list", "locations", rows)
        return rows
