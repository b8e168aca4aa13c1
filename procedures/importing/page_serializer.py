"""Pages and guides: front matter and Markdown."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from procedures.enums import PageKind
from procedures.importing.content_files import ContentEntry, Field, clean_fields, read_page_entry
from procedures.importing.serializers import OPTIONAL_TEXT, REQUIRED_TEXT, Serializer, full_clean_and_save
from procedures.models import Figure, GuideItem, Page
from procedures.sharing.short_codes import generate_code
from procedures.yaml_dumper import dump_yaml


class PageSerializer(Serializer[Page]):
    """``pages/<lang>/*.md`` and ``guides/<lang>/*.md``."""

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
        # Said only of a page that nobody is to read yet, or any more.
        "public": Field(bool, True),
        "body": REQUIRED_TEXT,
    }
    next_fields = {"page": REQUIRED_TEXT, "label": OPTIONAL_TEXT}
    item_fields = {"page": REQUIRED_TEXT, "section": OPTIONAL_TEXT, "minutes": Field(int, 5), "note": OPTIONAL_TEXT}

    def iter_files(self, folder: Path) -> Iterator[Path]:
        for name in ("pages", "guides"):
            yield from sorted((folder / name).glob("*/*.md"))

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        row = read_page_entry(file)
        if " " in row.key:
            raise row.make_error(f"“{row.key}” is no subject. Use small letters, digits and hyphens.", "subject")
        row.data["language"] = file.parent.name
        row.key = f"{file.parent.name} {row.key}"
        yield row

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        data = super().clean(entry)
        if data["next"]:
            data["next"] = clean_fields(entry.sub_entry(data["next"], "next"), self.next_fields)
        data["items"] = [clean_fields(entry.sub_entry(item, "items"), self.item_fields) for item in data["items"]]
        if data["kind"] and (data["kind"] == PageKind.GUIDE) != (entry.file.parent.parent.name == "guides"):
            raise entry.make_error("Guides have kind: guide and stand in the folder guides, pages in pages.", "kind")
        return data

    def find_row(self, key: str) -> Page | None:
        language, subject = key.split(" ")
        return Page.objects.filter(language=language, subject=subject).first()

    def all_rows(self) -> Iterable[tuple[str, Page]]:
        rows = Page.objects.order_by("language", "subject").select_related("lead_figure", "next_page")
        return ((f"{page.language} {page.subject}", page) for page in rows)

    def serialize(self, row: Page) -> dict[str, Any]:
        draft = row.draft_content()
        following = {"page": draft["next_page"], "label": draft["next_label"]} if draft["next_page"] else {}
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
            "next": following,
            "review_months": draft["review_months"],
            "items": draft.get("items", []),
            "public": row.live_release_id is not None,
            "body": _normalize_body(draft["body"]),
        }

    def save_row(self, key: str, data: dict[str, Any], row: Page | None, *, store_files: bool) -> None:
        page = row or Page(subject=data["subject"], language=data["language"], code=data["code"] or generate_code())
        for name in ("slug", "kind", "order", "title", "key_message", "description", "review_months", "body"):
            setattr(page, name, data[name])
        page.lead_figure = None
        if data["lead_figure"]:
            page.lead_figure = _get_referenced(Figure, "picture", "lead_figure", slug=data["lead_figure"])
        page.next_label = data["next"].get("label", "")
        full_clean_and_save(page)

    def link_pages(self, key: str, data: dict[str, Any]) -> None:
        """Point to other pages; they all exist by now."""
        page = _get_referenced(Page, "page", "subject", language=data["language"], subject=data["subject"])
        page.next_page = _get_page(data, data["next"]["page"], "next") if data["next"] else None
        page.save(update_fields=["next_page"])
        page.items.all().delete()
        for order, item in enumerate(data["items"]):
            values = {name: item[name] for name in ("section", "minutes", "note")}
            full_clean_and_save(
                GuideItem(guide=page, order=order, page=_get_page(data, item["page"], "items"), **values)
            )

    def write_files(self, folder: Path) -> None:
        for _, page in self.all_rows():
            data = self.serialize(page)
            target = folder / ("guides" if page.kind == PageKind.GUIDE else "pages") / page.language
            target.mkdir(parents=True, exist_ok=True)
            left_out = {"language", "body"} | {name for name in ("next", "items") if not data[name]}
            left_out |= {"public"} if data["public"] else set()
            front = dump_yaml({name: value for name, value in data.items() if name not in left_out})
            (target / f"{page.subject}.md").write_text(f"---\n{front}---\n{data['body']}", encoding="utf-8")


def _normalize_body(body: str) -> str:
    """The body as a file holds it: a browser's form sends other line ends and drops the last one."""
    return body.replace("\r\n", "\n").replace("\r", "\n").strip() + "\n"


def _get_referenced(model: Any, label: str, field: str, **names: str) -> Any:
    """The row, or a LookupError with a sentence and the field that names it."""
    found = model.objects.filter(**names).first()
    if found is None:
        raise LookupError(f"There is no {label} “{list(names.values())[-1]}”.", field)
    return found


def _get_page(data: dict[str, Any], subject: str, field: str) -> Page:
    page: Page = _get_referenced(Page, "page in this language", field, language=data["language"], subject=subject)
    return page
