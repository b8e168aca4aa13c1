"""Serializer of pages and guides: Markdown files with front matter."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from procedures.enums import PageKind
from procedures.importing.content_files import ContentEntry, Field, clean_fields, read_page_entry
from procedures.importing.serializers import OPTIONAL_TEXT, REQUIRED_TEXT, Serializer, full_clean_and_save
from procedures.models import Figure, GuideItem, Page
from procedures.sharing.short_codes import generate_code
from procedures.yaml_dumper import dump_yaml


class PageSerializer(Serializer[Page]):
    """Pages and guides: ``pages/<lang>/*.md`` and ``guides/<lang>/*.md``."""

    name = "page"
    fields = {
        "subject": REQUIRED_TEXT,
        "language": REQUIRED_TEXT,
        "slug": REQUIRED_TEXT,
        "kind": REQUIRED_TEXT,
        "order": Field(int, 100),
        "code": OPTIONAL_TEXT,
        "title": REQUIRED_TEXT,
        "key_message": REQUIRED_TEXT,
        "description": REQUIRED_TEXT,
        "lead_figure": OPTIONAL_TEXT,
        "next": Field(dict, {}),
        "review_months": Field(int, 12),
        "items": Field(list, []),
        # Written to a file only if false: the page is an unpublished draft, or was withdrawn.
        "public": Field(bool, True),
        "body": REQUIRED_TEXT,
    }
    next_fields = {"page": REQUIRED_TEXT, "label": OPTIONAL_TEXT}
    item_fields = {"page": REQUIRED_TEXT, "section": OPTIONAL_TEXT, "minutes": Field(int, 5), "note": OPTIONAL_TEXT}

    def iter_files(self, folder: Path) -> Iterator[Path]:
        for name in ("pages", "guides"):
            yield from sorted((folder / name).glob("*/*.md"))

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        entry = read_page_entry(file)
        if " " in entry.key:
            message = _("“%(subject)s” is not a valid subject. Use lowercase letters, digits, and hyphens.")
            raise entry.make_error(message % {"subject": entry.key}, "subject")
        entry.data["language"] = file.parent.name
        entry.key = f"{file.parent.name} {entry.key}"
        yield entry

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        data = super().clean(entry)
        if data["next"]:
            data["next"] = clean_fields(entry.sub_entry(data["next"], "next"), self.next_fields)
        data["items"] = [clean_fields(entry.sub_entry(item, "items"), self.item_fields) for item in data["items"]]
        if data["kind"] and (data["kind"] == PageKind.GUIDE) != (entry.file.parent.parent.name == "guides"):
            message = _("A guide has kind: guide and belongs in the folder guides; other pages belong in pages.")
            raise entry.make_error(message, "kind")
        return data

    def find_row(self, key: str) -> Page | None:
        language, subject = key.split(" ")
        return Page.objects.filter(language=language, subject=subject).first()

    def all_rows(self) -> Iterable[tuple[str, Page]]:
        rows = Page.objects.order_by("language", "subject").select_related("lead_figure", "next_page")
        return ((f"{page.language} {page.subject}", page) for page in rows)

    def serialize(self, row: Page) -> dict[str, Any]:
        draft = row.draft_content()
        next_step = {"page": draft["next_page"], "label": draft["next_label"]} if draft["next_page"] else {}
        return {
            "subject": row.subject,
            "language": row.language,
            "slug": draft["slug"],
            "kind": row.kind,
            "order": row.order,
            "code": row.code,
            "title": draft["title"],
            "key_message": draft["key_message"],
            "description": draft["description"],
            "lead_figure": draft["lead_figure"],
            "next": next_step,
            "review_months": draft["review_months"],
            "items": draft.get("items", []),
            "public": row.live_release_id is not None,
            "body": _normalize_body(draft["body"]),
        }

    def save_row(self, key: str, data: dict[str, Any], row: Page | None, *, store_files: bool) -> None:
        page = row or Page(subject=data["subject"], language=data["language"], code=data["code"] or generate_code())
        for name in ("slug", "kind", "order", "title", "key_message", "description", "review_months", "body"):
            setattr(page, name, data[name])
        page.lead_figure = _get_figure(data["lead_figure"], "lead_figure") if data["lead_figure"] else None
        page.next_label = data["next"].get("label", "")
        full_clean_and_save(page)

    def link_pages(self, key: str, data: dict[str, Any]) -> None:
        """Save the references to other pages: the next step and a guide's items.

        Call this after all pages have been saved. Raise LookupError if a page does not exist.
        """
        language = data["language"]
        page = _get_page(language, data["subject"], "subject")
        page.next_page = _get_page(language, data["next"]["page"], "next") if data["next"] else None
        page.save(update_fields=["next_page"])
        page.items.all().delete()
        for order, item in enumerate(data["items"]):
            values = {name: item[name] for name in ("section", "minutes", "note")}
            item_page = _get_page(language, item["page"], "items")
            full_clean_and_save(GuideItem(guide=page, order=order, page=item_page, **values))

    def write_files(self, folder: Path) -> None:
        for _key, page in self.all_rows():
            data = self.serialize(page)
            target = folder / ("guides" if page.kind == PageKind.GUIDE else "pages") / page.language
            target.mkdir(parents=True, exist_ok=True)
            omitted = {"language", "body"} | {name for name in ("next", "items") if not data[name]}
            omitted |= {"public"} if data["public"] else set()
            front_matter = dump_yaml({name: value for name, value in data.items() if name not in omitted})
            (target / f"{page.subject}.md").write_text(f"---\n{front_matter}---\n{data['body']}", encoding="utf-8")


def _normalize_body(body: str) -> str:
    """Return the body with ``\\n`` line endings and one at the end: browsers send ``\\r\\n`` and drop the last one."""
    return body.replace("\r\n", "\n").replace("\r", "\n").strip() + "\n"


def _get_figure(slug: str, field: str) -> Figure:
    figure = Figure.objects.filter(slug=slug).first()
    if figure is None:
        raise LookupError(_("There is no picture “%(slug)s”.") % {"slug": slug}, field)
    return figure


def _get_page(language: str, subject: str, field: str) -> Page:
    page = Page.objects.filter(language=language, subject=subject).first()
    if page is None:
        raise LookupError(_("There is no page “%(subject)s” in this language.") % {"subject": subject}, field)
    return page
