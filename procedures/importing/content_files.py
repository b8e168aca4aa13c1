"""Parsing of content files (YAML, and Markdown with front matter) into entries that know their line numbers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.models.base import normalize_value

FRONT_MATTER_RE = re.compile(r"---\n(.*?\n)---\n?(.*)\Z", re.DOTALL)
# The key under which the loader stores the line numbers of a mapping.
LINES_KEY = "__lines__"
EXPECTED_FIELDS_MESSAGE = gettext_lazy("Expected fields here, each written as “name: value”.")


class ContentError(Exception):
    """An error in a content file; the message starts with ``file:line:``."""

    def __init__(self, file: Path, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")


class ContentErrors(Exception):  # noqa: N818 -- plural: a collection of errors
    """All errors of a content folder or bundle. When it is raised, nothing has been written."""

    def __init__(self, errors: list[ContentError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Field:
    """Schema of one field: its type and its default."""

    expected_type: type | tuple[type, ...]
    default: Any = None
    required: bool = False


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


class _LineLoader(yaml.SafeLoader):
    """Safe YAML loader that records the line of every key and rejects duplicate keys."""


def _construct_mapping(loader: _LineLoader, node: yaml.MappingNode) -> dict[str, Any]:
    lines: dict[str, int] = {}
    for key, _value in node.value:
        if key.value in lines:
            problem = _("the key “%(key)s” appears twice, remove one") % {"key": key.value}
            raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        lines[str(key.value)] = key.start_mark.line + 1
    data: dict[str, Any] = {
        str(loader.construct_object(key, deep=True)): loader.construct_object(value, deep=True)
        for key, value in node.value
    }
    data[LINES_KEY] = {**lines, "": node.start_mark.line + 1}
    return data


_LineLoader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)


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
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        # PyYAML leaks these for a date such as 2024-13-45, a list as a key, !!int without a number, deep nesting.
        raise ContentError(file, 1 + line_offset, _("Invalid YAML: %(problem)s.") % {"problem": error}) from error


def read_text(file: Path) -> str:
    """Return the text of a UTF-8 file. Raise ContentError if it cannot be read or decoded."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ContentError(file, 1, _("The file is not UTF-8 text. Save it as UTF-8.")) from error
    except OSError as error:
        message = _("The file cannot be read: %(reason)s.") % {"reason": error.strerror}
        raise ContentError(file, 1, message) from error


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
    entry.data["body"] = f"{match[2].strip()}\n"
    entry.body_line = match[1].count("\n") + 2 + (len(match[2]) - len(match[2].lstrip("\n")))
    return entry


def clean_fields(entry: ContentEntry, fields: dict[str, Field]) -> dict[str, Any]:
    """Return the entry's data with defaults, in the order of ``fields``.

    Errors are appended to ``entry.errors``, and an invalid value becomes an empty one, so that one pass reports all.
    """
    if not isinstance(entry.data, dict):
        entry.errors.append(entry.make_error(str(EXPECTED_FIELDS_MESSAGE)))
        # An entry of its own: the required fields must not be reported as missing as well.
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
