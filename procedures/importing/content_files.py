"""Content files: parsing into entries that know their line numbers, writing, and the interface of serializers.

Files are YAML, or Markdown with front matter. ``Serializer.serialize`` returns a row in the same form as ``clean``
returns its file entry. This makes dump → load → dump byte-identical, and distinguishes rows that staff have changed
from rows that are still as loaded.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.enums import Language
from procedures.models.base import normalize_value
from procedures.models.page import normalize_body

# Editors leave invisible spaces after the hyphens.
FRONT_MATTER_RE = re.compile(r"---[ \t]*\n(.*?\n)---[ \t]*\n?(.*)\Z", re.DOTALL)
# Neither can be stored: databases refuse NUL, and half a surrogate pair has no UTF-8 form.
UNSTORABLE_CHARACTER = re.compile("[\x00\ud800-\udfff]")
UNSTORABLE_MESSAGE = gettext_lazy(
    "The text contains a damaged character (U+%(code)s) that cannot be stored. Delete it, and type the text again."
)
# The largest integer that databases store, and the most characters that are read as one: the time that reading takes
# grows faster than their number.
MAX_INTEGER, MAX_INTEGER_LENGTH = 2**63 - 1, 100
# The key under which the loader stores the line numbers of a mapping.
LINES_KEY = "__lines__"
EXPECTED_FIELDS_MESSAGE = gettext_lazy("Expected fields here, each written as “name: value”.")
M = TypeVar("M", bound=models.Model)


class ContentError(Exception):
    """An error in a content file; the message starts with ``file:line:``."""

    def __init__(self, file: Path, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")


class ContentErrors(Exception):  # noqa: N818 -- plural: a collection of errors
    """All errors of a content folder or bundle. When it is raised, nothing has been written."""

    def __init__(self, errors: list[ContentError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors


class DryRunRollback(Exception):  # noqa: N818 -- control flow, not an error
    """Rolls back the transaction of a dry run."""


@dataclass(frozen=True, slots=True)
class Field:
    """Schema of one field: its type and its default."""

    expected_type: type | tuple[type, ...]
    default: Any = None
    required: bool = False


OPTIONAL_TEXT = Field(str, "", required=False)
REQUIRED_TEXT = Field(str, required=True)


@dataclass(slots=True)
class ContentEntry:
    """One row as written in its file.

    ``field_lines`` maps field names to line numbers. ``body_line`` is the number of the line before the Markdown.
    An entry with any ``errors`` must not be written to the database.
    """

    key: str
    data: dict[str, Any]
    file: Path
    line: int
    field_lines: dict[str, int] = field(default_factory=dict)
    body_line: int = 0
    errors: list[ContentError] = field(default_factory=list)

    def sub_entry(self, data: Any, name: str) -> "ContentEntry":
        """Wrap the value of one field as an entry that shares this entry's list of errors."""
        return ContentEntry(self.key, data, self.file, self.field_lines.get(name, self.line), errors=self.errors)

    def make_error(self, message: str, field_name: str = "") -> ContentError:
        """Build an error at the line of a field, or at the entry's first line."""
        return ContentError(self.file, self.field_lines.get(field_name, self.line), message)


def find_unstorable_character(text: str) -> str:
    """Return a message about the first NUL or lone surrogate in a text, or an empty string."""
    match = UNSTORABLE_CHARACTER.search(text)
    return UNSTORABLE_MESSAGE % {"code": f"{ord(match[0]):04X}"} if match else ""


class _UnstorableError(ValueError):
    """A value that is valid YAML, but cannot be stored, and its line."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class _LineLoader(yaml.SafeLoader):
    """Safe YAML loader that records the line of every key.

    It rejects duplicate keys, and texts and numbers that cannot be stored.
    """

    def construct_scalar(self, node: Any) -> Any:
        """Return the text of a scalar. Raise _UnstorableError for a character that cannot be stored."""
        value = super().construct_scalar(node)
        if message := find_unstorable_character(value):
            raise _UnstorableError(message, node.start_mark.line + 1)
        return value

    def construct_yaml_int(self, node: Any) -> int:
        """Return an integer. Raise _UnstorableError for one that no field can hold."""
        value = super().construct_yaml_int(node) if len(node.value) <= MAX_INTEGER_LENGTH else None
        if value is None or abs(value) > MAX_INTEGER:
            raise _UnstorableError(_("This number is too long. Enter a shorter one."), node.start_mark.line + 1)
        return value


def _construct_mapping(loader: _LineLoader, node: yaml.MappingNode) -> dict[str, Any]:
    lines: dict[str, int] = {}
    for key, _value in node.value:
        if key.value in lines:
            problem = _("the key “%(key)s” appears twice; remove one of them") % {"key": key.value}
            raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        lines[str(key.value)] = key.start_mark.line + 1
    data: dict[str, Any] = {
        str(loader.construct_object(key, deep=True)): loader.construct_object(value, deep=True)
        for key, value in node.value
    }
    data[LINES_KEY] = {**lines, "": node.start_mark.line + 1}
    return data


_LineLoader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
_LineLoader.add_constructor("tag:yaml.org,2002:int", _LineLoader.construct_yaml_int)


def read_yaml(file: Path, text: str | None = None, line_offset: int = 0) -> Any:
    """Parse YAML; every mapping also holds its line numbers under ``LINES_KEY``.

    ``text`` replaces the content of ``file``, which then only names the source in errors. ``line_offset`` is the number
    of lines in the file before ``text``. Raise ContentError for anything that is not YAML.
    """
    try:
        return yaml.load(read_text(file) if text is None else text, Loader=_LineLoader)  # noqa: S506 -- a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = (error.problem_mark.line + 1 if error.problem_mark else 1) + line_offset
        raise ContentError(file, line, _("Invalid YAML: %(problem)s.") % {"problem": error.problem}) from error
    except _UnstorableError as error:
        raise ContentError(file, error.line + line_offset, str(error)) from error
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        # PyYAML lets these escape for a date such as 2024-13-45, a list used as a key, !!int without a number, or deep
        # nesting.
        raise ContentError(file, 1 + line_offset, _("Invalid YAML: %(problem)s.") % {"problem": error}) from error


def read_text(file: Path) -> str:
    """Return the text of a UTF-8 file, without its byte order mark if it has one.

    Raise ContentError if it cannot be read or decoded, or contains a character that cannot be stored.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContentError(file, 1, _("The file is not UTF-8 text. Save it as UTF-8.")) from error
    except OSError as error:
        message = _("The file cannot be read: %(reason)s.") % {"reason": error.strerror}
        raise ContentError(file, 1, message) from error
    if match := UNSTORABLE_CHARACTER.search(text):
        raise ContentError(file, text.count("\n", 0, match.start()) + 1, find_unstorable_character(match[0]))
    return text


def check_language(file: Path, code: str) -> None:
    """Raise ContentError if ``code``, from the path of ``file``, is not a language of the registry."""
    if code not in Language.values:
        raise ContentError(file, 1, _("“%(language)s” is not a supported language.") % {"language": code})


def build_entry(file: Path, data: Any, key: str = "", key_field: str = "") -> ContentEntry:
    """Build an entry from a parsed mapping.

    Its key is ``key``, or the value of the field ``key_field``. Raise ContentError if neither gives one.
    """
    if not isinstance(data, dict):
        raise ContentError(file, 1, str(EXPECTED_FIELDS_MESSAGE))
    lines = data.pop(LINES_KEY)
    entry_key = key or str(data.get(key_field) or "")
    if not entry_key:
        raise ContentError(file, lines[""], _("The field “%(field)s” is missing.") % {"field": key_field})
    if message := find_unstorable_character(entry_key):  # of a key from the file's name
        raise ContentError(file, 1, message)
    return ContentEntry(entry_key, _strip_lines(data), file, lines[""], lines)


def read_entries(file: Path, key_field: str, prefix: str = "") -> Iterator[ContentEntry]:
    """Yield the entries of a YAML list; ``prefix`` is prepended to each key.

    Raise ContentErrors at the end, after all valid entries, for those without a key.
    """
    data = read_yaml(file)
    if not isinstance(data, list):
        raise ContentError(file, 1, _("Expected a list here, each item after a hyphen."))
    errors: list[ContentError] = []
    for item in data:
        try:
            entry = build_entry(file, item, key_field=key_field)
        except ContentError as error:
            errors.append(error)
            continue
        entry.key = f"{prefix}{entry.key}"
        yield entry
    if errors:
        raise ContentErrors(errors)


def read_page_entry(file: Path) -> ContentEntry:
    """Read a page's front matter; its Markdown becomes the field ``body``."""
    match = FRONT_MATTER_RE.match(read_text(file))
    if not match:
        raise ContentError(file, 1, _("A page must start with fields between two lines of three hyphens (---)."))
    entry = build_entry(file, read_yaml(file, match[1], line_offset=1), key_field="subject")
    entry.field_lines = {name: line + 1 for name, line in entry.field_lines.items()}
    entry.line = 1
    entry.data["body"] = normalize_body(match[2])
    entry.body_line = match[1].count("\n") + 2 + (len(match[2]) - len(match[2].lstrip("\n")))
    return entry


def clean_fields(entry: ContentEntry, fields: dict[str, Field]) -> dict[str, Any]:
    """Return the entry's data with defaults, in the order of ``fields``.

    Errors are appended to ``entry.errors``, and an invalid value becomes an empty one, so that one pass reports all.
    """
    if not isinstance(entry.data, dict):
        entry.errors.append(entry.make_error(str(EXPECTED_FIELDS_MESSAGE)))
        # Use a separate entry, so that the required fields are not reported as missing as well.
        entry = ContentEntry(entry.key, {}, entry.file, entry.line)
    entry.errors += [
        entry.make_error(
            _("Unknown field “%(name)s”. Known fields: %(known)s.") % {"name": name, "known": ", ".join(fields)}, name
        )
        for name in entry.data
        if name not in fields
    ]
    data: dict[str, Any] = {}
    for name, spec in fields.items():
        value = normalize_value(entry.data.get(name, spec.default))
        if error := _type_error(name, value, spec):
            entry.errors.append(entry.make_error(error, name if value is not None else ""))
            value = _empty_value(spec)
        data[name] = value.strip() if isinstance(value, str) and name != "body" else value
    return data


def _strip_lines(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strip_lines(item) for key, item in value.items() if key != LINES_KEY}
    if isinstance(value, list):
        return [_strip_lines(item) for item in value]
    return value


def _type_error(name: str, value: Any, spec: Field) -> str:
    if value is None:
        return _("The field “%(field)s” is missing.") % {"field": name} if spec.required else ""
    if not isinstance(value, spec.expected_type) or isinstance(value, bool) != (spec.expected_type is bool):
        return _("The value of the field “%(field)s” has the wrong type: %(value)r.") % {"field": name, "value": value}
    return ""


def _empty_value(spec: Field) -> Any:
    return (spec.expected_type[0] if isinstance(spec.expected_type, tuple) else spec.expected_type)()


class ContentDumper(yaml.SafeDumper):
    """YAML in block style, with lists of numbers on one line and multi-line strings as literal blocks."""


def _represent_sequence(dumper: ContentDumper, data: list[Any] | tuple[Any, ...]) -> yaml.Node:
    numeric = bool(data) and all(isinstance(item, int | float) and not isinstance(item, bool) for item in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=numeric)


def _represent_string(dumper: ContentDumper, data: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


ContentDumper.add_representer(list, _represent_sequence)
ContentDumper.add_representer(tuple, _represent_sequence)
ContentDumper.add_representer(str, _represent_string)


def dump_yaml(data: object) -> str:
    """Return ``data`` (plain dicts, lists, strings, numbers) as YAML in the style of the content folder."""
    return yaml.dump(data, Dumper=ContentDumper, sort_keys=False, allow_unicode=True, width=100)


class Serializer(ABC, Generic[M]):
    """Interface of all serializers.

    ``name`` is stored as ``ImportedRecord.kind`` and printed in reports. ``fields`` is the schema of an entry.
    """

    name: str
    fields: dict[str, Field]

    @abstractmethod
    def iter_files(self, folder: Path) -> Iterator[Path]:
        """Yield the files that hold rows of this type, in a fixed order."""

    @abstractmethod
    def parse_file(self, file: Path) -> Iterable[ContentEntry]:
        """Return the entries of one file. Raise ContentError or ContentErrors for what cannot be parsed."""

    def clean(self, entry: ContentEntry) -> dict[str, Any]:
        """Return the validated data of an entry with defaults filled in.

        Errors are appended to ``entry.errors`` or raised as ContentError.
        """
        return clean_fields(entry, self.fields)

    @abstractmethod
    def find_row(self, key: str) -> M | None:
        """Return the database row with this key."""

    @abstractmethod
    def all_rows(self) -> Iterable[tuple[str, M]]:
        """Return every database row with its key, in the order in which rows are written to files."""

    @abstractmethod
    def serialize(self, row: M) -> dict[str, Any]:
        """Return a row as plain data, in the form of ``clean``."""

    @abstractmethod
    def save_row(self, key: str, data: dict[str, Any], row: M | None, *, store_files: bool) -> None:
        """Create the row, or update it if there is one.

        With ``store_files=False`` (a dry run), media are left alone. Raise ValidationError, or LookupError with a
        message and the name of a field for a reference to a row that does not exist.
        """

    @abstractmethod
    def write_files(self, folder: Path, keys: Container[str] | None = None) -> None:
        """Write the database rows with these ``keys`` (all by default) to files in ``folder``."""

    def describe_omissions(self) -> Iterator[str]:
        """Yield a line for operators about each row whose files do not hold everything that staff wrote."""
        yield from ()

    def select_rows(self, keys: Container[str] | None) -> Iterator[tuple[str, M]]:
        """Yield the rows with these ``keys``, or all rows if it is None, in the order of ``all_rows``."""
        return ((key, row) for key, row in self.all_rows() if keys is None or key in keys)

    def skip_reason(self) -> str:
        """Return why a load must not write rows of this type, or an empty string."""
        return ""


# An entry with its serializer and its cleaned data.
ParsedRow = tuple[Serializer[Any], ContentEntry, dict[str, Any]]


def read_clean_entries(
    serializer: Serializer[Any], file: Path, errors: list[ContentError]
) -> Iterator[tuple[ContentEntry, dict[str, Any]]]:
    """Yield the valid entries of a file with their data; append the errors of the others to ``errors``."""
    entries: list[ContentEntry] = []
    try:
        entries.extend(serializer.parse_file(file))
    except ContentError as error:
        errors.append(error)
    except ContentErrors as error:
        errors += error.errors
    for entry in entries:
        try:
            data = serializer.clean(entry)
        except ContentError as error:
            entry.errors.append(error)
            data = {}
        if entry.errors:
            errors += entry.errors
        else:
            yield entry, data


def clean_texts(entry: ContentEntry, data: dict[str, Any], fields: dict[str, Field]) -> dict[str, dict[str, Any]]:
    """Return the validated ``text`` field of an entry: fields by language code."""
    texts = {}
    for language, values in sorted(data["text"].items()):
        if not isinstance(values, dict):
            entry.errors.append(entry.make_error(f"text: {language}: {EXPECTED_FIELDS_MESSAGE}", "text"))
            continue
        texts[language] = clean_fields(entry.sub_entry(values, "text"), fields)
    return texts


def full_clean_and_save(
    instance: models.Model,
    columns: Mapping[str, str] | None = None,
    exclude: Collection[str] = (),
    update_fields: Collection[str] | None = None,
) -> None:
    """Validate (field validators and named constraints), then save.

    ``columns`` maps file keys to model fields where they differ; errors name the file keys. Fields in ``exclude`` are
    not validated. ``update_fields``: as of ``Model.save``.
    """
    try:
        instance.full_clean(exclude=exclude)
    except ValidationError as error:
        file_keys = {field: key for key, field in (columns or {}).items()}
        raise ValidationError(
            {file_keys.get(field, field): errors for field, errors in error.error_dict.items()}
        ) from error
    instance.save(update_fields=update_fields)


def serialize_texts(owner: Any, fields: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the per-language texts of a row (its ``texts``): fields by language code."""
    texts = sorted(owner.texts.all(), key=lambda text: text.language)
    return {text.language: {name: getattr(text, name) for name in fields} for text in texts}


def sync_texts(owner: Any, texts: dict[str, dict[str, Any]]) -> None:
    """Create, update, and delete the per-language texts of a row (its ``texts``) until they equal ``texts``."""
    manager = owner.texts
    existing = {text.language: text for text in manager.all()}
    for language, values in texts.items():
        text = existing.pop(language, None) or manager.model(**{manager.field.name: owner, "language": language})
        for name, value in values.items():
            setattr(text, name, value)
        full_clean_and_save(text)
    for text in existing.values():
        text.delete()


@contextmanager
def collect_errors(entry: ContentEntry, errors: list[ContentError]) -> Iterator[None]:
    """Run a block in a savepoint; append its validation errors, located in the file, to ``errors``.

    The caller continues after an error, so that it can report all errors at once.
    """
    try:
        with transaction.atomic():
            yield
    except ValidationError as error:
        errors += to_content_errors(error, entry)
    except LookupError as error:
        message, *field_name = (str(arg) for arg in error.args)
        errors.append(entry.make_error(message, *field_name))


def to_content_errors(error: ValidationError, entry: ContentEntry) -> list[ContentError]:
    """Convert a ValidationError into errors that name file and line."""
    if hasattr(error, "error_dict"):
        return [
            entry.make_error(f"{name}: {' '.join(messages)}" if name != "__all__" else " ".join(messages), name)
            for name, messages in error.message_dict.items()
        ]
    return [entry.make_error(" ".join(error.messages))]
