"""Pages and guides: front matter and Markdown."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from procedures.content.files import Entry, Field, checked, page_entry
from procedures.content.kinds import Kind, save_checked
from procedures.content.reference import NAME, TEXT
from procedures.content.yaml import dump_yaml
from procedures.enums import PageKind
from procedures.links.codes import free_code
from procedures.models import Figure, GuideItem, Page


class PageContentKind(Kind[Page]):
    """``pages/<lang>/*.md`` and ``guides/<lang>/*.md``."""

    name = "page"
    fields = {
        "subject": NAME,
        "language": NAME,
        "slug": NAME,
        "kind": NAME,
        "order": Field(int, 100),
        "code": TEXT,
        "title": NAME,
        "key_message": NAME,
        "description": NAME,
        "lead_figure": TEXT,
        "next": Field(dict, {}),
        "review_months": Field(int, 12),
        "items": Field(list, []),
        # Said only of a page that nobody is to read yet, or any more.
        "public": Field(bool, True),
        "body": NAME,
    }
    next_fields = {"page": NAME, "label": TEXT}
    item_fields = {"page": NAME, "section": TEXT, "minutes": Field(int, 5), "note": TEXT}

    def files(self, folder: Path) -> Iterator[Path]:
        for name in ("pages", "guides"):
            yield from sorted((folder / name).glob("*/*.md"))

    def parse(self, file: Path) -> Iterable[Entry]:
        row = page_entry(file)
        if " " in row.key:
            raise row.error(f"“{row.key}” is no subject. Use small letters, digits and hyphens.", "subject")
        row.data["language"] = file.parent.name
        row.key = f"{file.parent.name} {row.key}"
        yield row

    def read(self, entry: Entry) -> dict[str, Any]:
        data = super().read(entry)
        if data["next"]:
            data["next"] = checked(entry.part(data["next"], "next"), self.next_fields)
        data["items"] = [checked(entry.part(item, "items"), self.item_fields) for item in data["items"]]
        if data["kind"] and (data["kind"] == PageKind.GUIDE) != (entry.file.parent.parent.name == "guides"):
            raise entry.error("Guides have kind: guide and stand in the folder guides, pages in pages.", "kind")
        return data

    def find(self, key: str) -> Page | None:
        language, subject = key.split(" ")
        return Page.objects.filter(language=language, subject=subject).first()

    def all(self) -> Iterable[tuple[str, Page]]:
        rows = Page.objects.order_by("language", "subject").select_related("lead_figure", "next_page")
        return ((f"{page.language} {page.subject}", page) for page in rows)

    def dump(self, row: Page) -> dict[str, Any]:
        draft = row.draft()
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
            "body": _text(draft["body"]),
        }

    def apply(self, key: str, data: dict[str, Any], row: Page | None, *, store: bool) -> None:
        page = row or Page(subject=data["subject"], language=data["language"], code=data["code"] or free_code())
        for name in ("slug", "kind", "order", "title", "key_message", "description", "review_months", "body"):
            setattr(page, name, data[name])
        page.lead_figure = None
        if data["lead_figure"]:
            page.lead_figure = _one(Figure, "picture", "lead_figure", slug=data["lead_figure"])
        page.next_label = data["next"].get("label", "")
        save_checked(page)

    def connect(self, key: str, data: dict[str, Any]) -> None:
        """Point to other pages; they all exist by now."""
        page = _one(Page, "page", "subject", language=data["language"], subject=data["subject"])
        page.next_page = _page(data, data["next"]["page"], "next") if data["next"] else None
        page.save(update_fields=["next_page"])
        page.items.all().delete()
        for order, item in enumerate(data["items"]):
            values = {name: item[name] for name in ("section", "minutes", "note")}
            save_checked(GuideItem(guide=page, order=order, page=_page(data, item["page"], "items"), **values))

    def write(self, folder: Path) -> None:
        for _, page in self.all():
            data = self.dump(page)
            target = folder / ("guides" if page.kind == PageKind.GUIDE else "pages") / page.language
            target.mkdir(parents=True, exist_ok=True)
            left_out = {"language", "body"} | {name for name in ("next", "items") if not data[name]}
            left_out |= {"public"} if data["public"] else set()
            front = dump_yaml({name: value for name, value in data.items() if name not in left_out})
            (target / f"{page.subject}.md").write_text(f"---\n{front}---\n{data['body']}", encoding="utf-8")


def _text(body: str) -> str:
    """The body as a file holds it: a browser's form sends other line ends and drops the last one."""
    return body.replace("\r\n", "\n").replace("\r", "\n").strip() + "\n"


def _one(model: Any, called: str, field: str, **names: str) -> Any:
    """The row, or a LookupError with a sentence and the field that names it."""
    found = model.objects.filter(**names).first()
    if found is None:
        raise LookupError(f"There is no {called} “{list(names.values())[-1]}”.", field)
    return found


def _page(data: dict[str, Any], subject: str, field: str) -> Page:
    page: Page = _one(Page, "page in this language", field, language=data["language"], subject=subject)
    return page
