"""Serializers between content files and database rows, one class per type of row, except figures."""

import re
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from procedures import languages
from procedures.addresses import SLUG, VISITS
from procedures.branding import encode_text
from procedures.enums import PageKind
from procedures.figures.decoding import InvalidImageError, decode_logo_text
from procedures.importing.content_files import (
    OPTIONAL_TEXT,
    REQUIRED_TEXT,
    ContentEntry,
    ContentError,
    Field,
    Serializer,
    build_entry,
    check_language,
    clean_fields,
    clean_texts,
    dump_yaml,
    full_clean_and_save,
    read_entries,
    read_page_entry,
    read_yaml,
    serialize_texts,
    sync_texts,
)
from procedures.models import (
    Clinic,
    ClinicalCode,
    ClinicAnswer,
    Figure,
    GlossaryTerm,
    GuideItem,
    Location,
    Page,
    Source,
    WarningSign,
)
from procedures.models import Path as PublicPath
from procedures.models.page import DEFAULT_REVIEW_MONTHS, normalize_body, without_text
from procedures.publishing import warning_signs
from procedures.publishing.review import record_identity_change
from procedures.sharing.short_codes import generate_code, is_valid_code
from procedures.validators import is_reserved_path

LOGO_FILE = "clinic-logo.png"
PAGE_PATH_RE = re.compile(rf"(?:{'|'.join(map(languages.home_path, languages.CODES))})(?:{VISITS})?{SLUG}/\Z")


class ClinicSerializer(Serializer[Clinic]):
    """The clinic: ``clinic.yaml``."""

    name = "clinic"
    fields = {
        "name": REQUIRED_TEXT,
        "phone": REQUIRED_TEXT,
        "after_hours_phone": OPTIONAL_TEXT,
        "emergency_number": Field(str, "911"),
        "time_zone": Field(str, "UTC"),
        "logo_has_name": Field(bool, False),
        "color": OPTIONAL_TEXT,
        "accent_color": OPTIONAL_TEXT,
        "text": Field(dict, required=True),
        # Stored in a separate file.
        "logo": OPTIONAL_TEXT,
    }
    text_fields = {"hours": REQUIRED_TEXT, "about": OPTIONAL_TEXT}
    # Written to a file only if they have a value.
    omit_if_empty = ("logo_has_name", "color", "accent_color")

    def iter_files(self, folder: Path) -> Iterator[Path]:
        yield folder / "clinic.yaml"

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        entry = build_entry(file, read_yaml(file), key="clinic")
        logo = file.with_name(LOGO_FILE)
        if logo.exists():
            entry.data["logo"] = encode_text(logo.read_bytes())
        yield entry

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        data = super().clean(entry)
        if data["logo"]:
            try:
                data["logo"] = encode_text(decode_logo_text(data["logo"]).png)
            except InvalidImageError as error:
                raise ContentError(entry.file.with_name(LOGO_FILE), 1, str(error)) from error
        return {**data, "text": clean_texts(entry, data, self.text_fields)}

    def find_row(self, key: str) -> Clinic | None:
        return Clinic.objects.first()

    def all_rows(self) -> Iterable[tuple[str, Clinic]]:
        return (("clinic", clinic) for clinic in Clinic.objects.all())

    def serialize(self, row: Clinic) -> dict[str, Any]:
        data: dict[str, Any] = {name: getattr(row, name) for name in self.fields if name not in {"text", "logo"}}
        logo = encode_text(bytes(row.logo)) if row.logo_version else ""
        return {**data, "text": serialize_texts(row, self.text_fields), "logo": logo}

    def save_row(self, key: str, data: dict[str, Any], row: Clinic | None, *, store_files: bool) -> None:
        clinic = row or Clinic(pk=1)
        for name in self.fields.keys() - {"text", "logo"}:
            setattr(clinic, name, data[name])
        clinic.set_logo(decode_logo_text(data["logo"]) if data["logo"] else None)
        full_clean_and_save(clinic)
        sync_texts(clinic, data["text"])

    def write_files(self, folder: Path, keys: Container[str] | None = None) -> None:
        for _key, clinic in self.select_rows(keys):
            data = self.serialize(clinic)
            if data.pop("logo"):
                (folder / LOGO_FILE).write_bytes(bytes(clinic.logo))
            written = {name: value for name, value in data.items() if value or name not in self.omit_if_empty}
            (folder / "clinic.yaml").write_text(dump_yaml(written), encoding="utf-8")


class ListSerializer(Serializer[Any]):
    """Base class of types that are stored as one YAML list.

    The key of a row is the values of its ``key_fields``, joined with spaces.
    """

    file_name: str
    model: Any
    key_fields: tuple[str, ...] = ("key",)

    def iter_files(self, folder: Path) -> Iterator[Path]:
        yield folder / self.file_name

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        for entry in read_entries(file, self.key_fields[0]):
            entry.key = " ".join(str(entry.data.get(name, "")) for name in self.key_fields)
            yield entry

    def find_row(self, key: str) -> Any:
        parts = key.split(" ", len(self.key_fields) - 1)
        return self.model.objects.filter(**dict(zip(self.key_fields, parts, strict=True))).first()

    def all_rows(self) -> Iterable[tuple[str, Any]]:
        for row in self.model.objects.all():
            yield " ".join(str(getattr(row, name)) for name in self.key_fields), row

    def serialize(self, row: Any) -> dict[str, Any]:
        return {name: getattr(row, name) for name in self.fields}

    def save_row(self, key: str, data: dict[str, Any], row: Any, *, store_files: bool) -> None:
        instance = row or self.model()
        for name, value in data.items():
            setattr(instance, name, value)
        full_clean_and_save(instance)

    def write_files(self, folder: Path, keys: Container[str] | None = None) -> None:
        rows = [
            {name: value for name, value in self.serialize(row).items() if name in self.fields}
            for _key, row in self.select_rows(keys)
        ]
        (folder / self.file_name).write_text(dump_yaml(rows), encoding="utf-8")


class _OrderedMixin(Serializer[Any]):
    """Mixin for rows whose ``order`` is their position in the list and not a key of the file."""

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        for order, entry in enumerate(super().parse_file(file)):  # type: ignore[safe-super]
            entry.data["order"] = order
            yield entry

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        order = entry.data.pop("order")
        return {**super().clean(entry), "order": order}


class SourceSerializer(ListSerializer):
    """Sources: ``sources.yaml``."""

    name, file_name, model = "source", "sources.yaml", Source
    fields = {
        "key": REQUIRED_TEXT,
        "organisation": REQUIRED_TEXT,
        "title": REQUIRED_TEXT,
        "year": Field(int),
        "url": OPTIONAL_TEXT,
        "identifier": OPTIONAL_TEXT,
        "used_for": OPTIONAL_TEXT,
    }


class ClinicalCodeSerializer(ListSerializer):
    """Clinical codes: ``codes.yaml``."""

    name, file_name, model = "code", "codes.yaml", ClinicalCode
    key_fields = ("system", "code", "subject")
    fields = {"system": REQUIRED_TEXT, "code": REQUIRED_TEXT, "subject": REQUIRED_TEXT, "rank": Field(int, 1)}


class LocationSerializer(_OrderedMixin, ListSerializer):
    """Locations: ``locations.yaml``."""

    name, file_name, model = "location", "locations.yaml", Location
    fields = {
        "key": REQUIRED_TEXT,
        "phone": REQUIRED_TEXT,
        "address": REQUIRED_TEXT,
        "text": Field(dict, required=True),
    }
    text_fields = {"name": REQUIRED_TEXT, "hours": OPTIONAL_TEXT, "directions": OPTIONAL_TEXT}

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        data = super().clean(entry)
        return {**data, "text": clean_texts(entry, data, self.text_fields)}

    def serialize(self, row: Location) -> dict[str, Any]:
        return {
            "key": row.key,
            "phone": row.phone,
            "address": row.address,
            "text": serialize_texts(row, self.text_fields),
            "order": row.order,
        }

    def save_row(self, key: str, data: dict[str, Any], row: Location | None, *, store_files: bool) -> None:
        location = row or Location(key=key)
        location.phone, location.address, location.order = data["phone"], data["address"], data["order"]
        full_clean_and_save(location)
        sync_texts(location, data["text"])


class WarningSignSerializer(_OrderedMixin, ListSerializer):
    """Warning signs: ``warning_signs.yaml``. Loading a folder never changes an approved list or a list in review."""

    name, file_name, model = "warning_sign", "warning_signs.yaml", WarningSign
    fields = {
        "key": REQUIRED_TEXT,
        "level": REQUIRED_TEXT,
        "when": Field(str, "both"),
        "sources": Field(list, []),
        "text": Field(dict, required=True),
    }
    text_fields = {"text": REQUIRED_TEXT, "short": OPTIONAL_TEXT}

    def iter_files(self, folder: Path) -> Iterator[Path]:
        if (folder / self.file_name).exists():
            yield folder / self.file_name

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        data = super().clean(entry)
        data["text"] = clean_texts(entry, data, self.text_fields)
        for message in [] if entry.errors else warning_signs.check_sign(data):
            field = message.partition(":")[0]
            entry.errors.append(entry.make_error(message, field if field in self.fields else "text"))
        return data

    def serialize(self, row: WarningSign) -> dict[str, Any]:
        return warning_signs.serialize_sign(row)

    def save_row(self, key: str, data: dict[str, Any], row: WarningSign | None, *, store_files: bool) -> None:
        known = set(Source.objects.filter(key__in=data["sources"]).values_list("key", flat=True))
        for source in data["sources"]:
            if source not in known:
                raise LookupError(_("There is no source “%(key)s”.") % {"key": source}, "sources")
        warning_signs.save_sign(row or WarningSign(key=key), data)

    def skip_reason(self) -> str:
        if warning_signs.has_published_list():
            return "the approved list is kept; propose the change under Warning signs"
        if warning_signs.has_staff_proposal():
            return "a list by your staff is in review; propose the change under Warning signs"
        return ""

    def write_files(self, folder: Path, keys: Container[str] | None = None) -> None:
        if WarningSign.objects.exists():
            super().write_files(folder, keys)


class LanguageListSerializer(Serializer[Any]):
    """Base class of types that are stored as one YAML list per language: glossary terms, clinic answers.

    The key of a row is its language code and its own key, separated by a space.
    """

    folder_name: str
    model: Any
    # Model fields by which rows of one language are sorted.
    order: tuple[str, ...] = ("key",)
    # Model fields by file key, where the two differ.
    columns: dict[str, str] = {}

    def iter_files(self, folder: Path) -> Iterator[Path]:
        yield from sorted((folder / self.folder_name).glob("*.yaml"))

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        check_language(file, file.stem)
        return read_entries(file, "key", prefix=f"{file.stem} ")

    def find_row(self, key: str) -> Any:
        language, own_key = key.split(" ", 1)
        return self.model.objects.filter(language=language, key=own_key).first()

    def all_rows(self) -> Iterable[tuple[str, Any]]:
        for row in self.model.objects.order_by("language", *self.order):
            yield f"{row.language} {row.key}", row

    def serialize(self, row: Any) -> dict[str, Any]:
        return {name: getattr(row, self.columns.get(name, name)) for name in self.fields}

    def save_row(self, key: str, data: dict[str, Any], row: Any, *, store_files: bool) -> None:
        instance = row or self.model(language=key.split(" ", 1)[0])
        for name, value in data.items():
            setattr(instance, self.columns.get(name, name), value)
        full_clean_and_save(instance, self.columns)

    def write_files(self, folder: Path, keys: Container[str] | None = None) -> None:
        by_language: dict[str, list[dict[str, Any]]] = {}
        for _key, row in self.select_rows(keys):
            data = {name: value for name, value in self.serialize(row).items() if name in self.fields}
            by_language.setdefault(row.language, []).append(data)
        target = folder / self.folder_name
        target.mkdir(exist_ok=True)
        for language, rows in by_language.items():
            (target / f"{language}.yaml").write_text(dump_yaml(rows), encoding="utf-8")


class GlossaryTermSerializer(LanguageListSerializer):
    """Glossary terms: ``glossary/<lang>.yaml``."""

    name, folder_name, model = "term", "glossary", GlossaryTerm
    fields = {
        "key": REQUIRED_TEXT,
        "term": REQUIRED_TEXT,
        "aliases": Field(list, []),
        "say": OPTIONAL_TEXT,
        "definition": REQUIRED_TEXT,
    }
    columns = {"say": "pronunciation"}

    def __init__(self) -> None:
        # By language, so that a load does not read the whole glossary again for each entry.
        self._entries_by_word: dict[str, dict[str, GlossaryTerm]] = {}

    def save_row(self, key: str, data: dict[str, Any], row: GlossaryTerm | None, *, store_files: bool) -> None:
        term = row or GlossaryTerm(language=key.split(" ", 1)[0])
        if term.language not in self._entries_by_word:
            terms = GlossaryTerm.objects.filter(language=term.language)
            self._entries_by_word[term.language] = GlossaryTerm.index_words(terms)
        entries = term.entries_by_word = self._entries_by_word[term.language]
        old_words = term.words if row else []
        super().save_row(key, data, term, store_files=store_files)
        for word in old_words:
            entries.pop(word, None)
        entries |= dict.fromkeys(term.words, term)


class ClinicAnswerSerializer(_OrderedMixin, LanguageListSerializer):
    """Clinic answers: ``care/<lang>.yaml``."""

    name, folder_name, model = "care", "care", ClinicAnswer
    order = ("order", "key")
    fields = {"key": REQUIRED_TEXT, "question": REQUIRED_TEXT, "answer": REQUIRED_TEXT}

    def serialize(self, row: ClinicAnswer) -> dict[str, Any]:
        return {**super().serialize(row), "order": row.order}


class PageSerializer(Serializer[Page]):
    """Pages and guides: ``pages/<lang>/*.md`` and ``guides/<lang>/*.md``.

    Files hold what patients read, or read last if the page was withdrawn; of a page that was never public, they hold
    the draft, which may be incomplete. In a bundle (``is_bundle``), every page is a draft without addresses, and a
    short code that no portal would accept is replaced.
    """

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
        "review_months": Field(int, DEFAULT_REVIEW_MONTHS),
        "items": Field(list, []),
        # Written to a file only if false: the page is an unpublished draft, or was withdrawn.
        "public": Field(bool, True),
        # Other addresses at which the page was ever public.
        "former_addresses": Field(list, []),
        "withdrawn": Field(dict, {}),
        "body": REQUIRED_TEXT,
    }
    next_fields = {"page": OPTIONAL_TEXT, "label": OPTIONAL_TEXT}
    withdrawn_fields = {"reason": REQUIRED_TEXT, "replaced_by": OPTIONAL_TEXT}
    # The form saves a draft without them; publishing requires them.
    optional_in_drafts = ("key_message", "description")
    item_fields = {"page": REQUIRED_TEXT, "section": OPTIONAL_TEXT, "minutes": Field(int, 5), "note": OPTIONAL_TEXT}

    def __init__(self, *, is_bundle: bool = False) -> None:
        self._is_bundle = is_bundle

    def iter_files(self, folder: Path) -> Iterator[Path]:
        for name in ("pages", "guides"):
            yield from sorted((folder / name).glob("*/*.md"))

    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        check_language(file, file.parent.name)
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
            next_step = clean_fields(entry.sub_entry(data["next"], "next"), self.next_fields)
            data["next"] = next_step if any(next_step.values()) else {}
        data["items"] = [clean_fields(entry.sub_entry(item, "items"), self.item_fields) for item in data["items"]]
        if data["kind"] and (data["kind"] == PageKind.GUIDE) != (entry.file.parent.parent.name == "guides"):
            message = _("A guide has kind: guide and belongs in the folder guides; other pages belong in pages.")
            raise entry.make_error(message, "kind")
        if self._is_bundle:
            data["former_addresses"], data["withdrawn"] = [], {}
        self._clean_addresses(entry, data)
        if data["code"] and not is_valid_code(data["code"]):
            if not self._is_bundle:
                message = _("“%(code)s” is not a valid short code. Delete this line; the page then gets a new code.")
                raise entry.make_error(message % {"code": data["code"]}, "code")
            data["code"] = ""
        return data

    def _clean_addresses(self, entry: ContentEntry, data: dict[str, Any]) -> None:
        if data["withdrawn"]:
            data["withdrawn"] = clean_fields(entry.sub_entry(data["withdrawn"], "withdrawn"), self.withdrawn_fields)
            if data["public"]:
                entry.errors.append(entry.make_error(_("A withdrawn page has public: false."), "withdrawn"))
        elif data["former_addresses"] and not data["public"]:
            message = _("Only a page that is public or was withdrawn has former addresses.")
            entry.errors.append(entry.make_error(message, "former_addresses"))
        for path in data["former_addresses"]:
            if not isinstance(path, str) or not PAGE_PATH_RE.match(path) or is_reserved_path(path):
                message = _("“%(path)s” cannot be the address of a page.") % {"path": path}
                entry.errors.append(entry.make_error(message, "former_addresses"))

    def find_row(self, key: str) -> Page | None:
        language, subject = key.split(" ")
        return Page.objects.filter(language=language, subject=subject).first()

    def all_rows(self) -> Iterable[tuple[str, Page]]:
        rows = Page.objects.order_by("language", "subject")
        rows = rows.select_related("lead_figure", "next_page", "replaced_by", "live_release__revision")
        rows = without_text(rows).prefetch_related("paths")
        return ((f"{page.language} {page.subject}", page) for page in rows)

    def serialize(self, row: Page) -> dict[str, Any]:
        """Return the draft, which a load compares with its file, in the form of ``clean``."""
        return self._serialize_content(row, row.draft_content())

    def _serialize_content(self, row: Page, content: dict[str, Any]) -> dict[str, Any]:
        next_step = {"page": content["next_page"], "label": content["next_label"]}
        return {
            "subject": row.subject,
            "language": row.language,
            "slug": content["slug"],
            "kind": row.kind,
            "order": row.order,
            "code": row.code,
            "title": content["title"],
            "key_message": content["key_message"],
            "description": content["description"],
            "lead_figure": content["lead_figure"],
            "next": next_step if any(next_step.values()) else {},
            "review_months": content["review_months"],
            # A database that stores a revision as JSON may return its keys in another order.
            "items": [
                {name: item[name] for name in self.item_fields if name in item} for item in content.get("items", [])
            ],
            "public": row.live_release_id is not None,
            "former_addresses": []
            if self._is_bundle
            else sorted(path.path for path in row.paths.all() if not path.is_canonical),
            "withdrawn": {} if self._is_bundle or not row.withdrawn_reason else self._serialize_withdrawal(row),
            "body": normalize_body(content["body"]),
        }

    def _serialize_withdrawal(self, row: Page) -> dict[str, str]:
        # A replacement that was withdrawn, too, is not shown.
        new = row.replaced_by if row.replaced_by and row.replaced_by.live_release_id else None
        return {"reason": row.withdrawn_reason, "replaced_by": new.subject if new else ""}

    def _serialize_for_file(self, row: Page) -> dict[str, Any]:
        """Return what patients read, because loading a file publishes it; the draft only if it was never published."""
        last = row.live_release
        if last is None and row.withdrawn_reason:
            last = without_text(row.releases.select_related("revision"), "").order_by("-number").first()
        return (
            self.serialize(row) if self._is_bundle or not last else self._serialize_content(row, last.revision.content)
        )

    def describe_omissions(self) -> Iterator[str]:
        for key, page in self.all_rows():
            if self._serialize_for_file(page) != self.serialize(page):
                yield f"page {key}: the unpublished draft is left out; a backup contains it"

    def save_row(self, key: str, data: dict[str, Any], row: Page | None, *, store_files: bool) -> None:
        page = row or Page(subject=data["subject"], language=data["language"], code=data["code"] or generate_code())
        names = ("slug", "kind", "order", "title", "key_message", "description", "review_months", "body")
        for name in names:
            setattr(page, name, data[name])
        before = Page.objects.filter(pk=page.pk).values(*Page.IDENTITY_FIELDS).first() or {}
        page.lead_figure = _get_figure(data["lead_figure"], "lead_figure") if data["lead_figure"] else None
        page.next_label = data["next"].get("label", "")
        is_draft = self._is_bundle or not (data["public"] or data["withdrawn"])
        full_clean_and_save(
            page,
            exclude=[name for name in self.optional_in_drafts if is_draft and not data[name]],
            # Only the draft: the page may have been published or withdrawn since the row was read.
            update_fields=(*names, "lead_figure", "next_label") if row else None,
        )
        for path in data["former_addresses"]:
            owner = Page.objects.filter(paths__path=path).first()
            if owner is None:
                PublicPath.objects.create(path=path, page=page, is_canonical=False)
            elif owner != page:
                message = _("%(path)s is or was the address of the page “%(page)s”.")
                raise LookupError(message % {"path": path, "page": owner}, "former_addresses")
        record_identity_change(page, before, actor=None)

    def link_pages(self, key: str, data: dict[str, Any]) -> None:
        """Save the references to other pages: the next step and a guide's items. The loader saves the replacement.

        Call this after all pages have been saved. Raise LookupError if a page does not exist.
        """
        language = data["language"]
        page = _get_page(language, data["subject"], "subject")
        next_subject = data["next"].get("page", "")
        page.next_page = _get_page(language, next_subject, "next") if next_subject else None
        if new_subject := data["withdrawn"].get("replaced_by"):
            _get_page(language, new_subject, "withdrawn")
        page.save(update_fields=["next_page"])
        page.items.all().delete()
        for order, item in enumerate(data["items"]):
            values = {name: item[name] for name in GuideItem.PLAIN_FIELDS}
            item_page = _get_page(language, item["page"], "items")
            full_clean_and_save(GuideItem(guide=page, order=order, page=item_page, **values))

    def write_files(self, folder: Path, keys: Container[str] | None = None) -> None:
        for _key, page in self.select_rows(keys):
            data = self._serialize_for_file(page)
            target = folder / ("guides" if page.kind == PageKind.GUIDE else "pages") / page.language
            target.mkdir(parents=True, exist_ok=True)
            optional = ("next", "items", "former_addresses", "withdrawn")
            omitted = {"language", "body"} | {name for name in optional if not data[name]}
            omitted |= {"public"} if data["public"] else set()
            front_matter = dump_yaml({name: value for name, value in data.items() if name not in omitted})
            (target / f"{page.subject}.md").write_text(f"---\n{front_matter}---\n{data['body']}", encoding="utf-8")


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
