"""Reads the files of a content folder. What is wrong names its file, its line and what to do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from procedures.models.base import normalize_value

FRONT_MATTER_RE = re.compile(r"---\n(.*?\n)---\n?(.*)\Z", re.DOTALL)


class ContentError(Exception):
    """Something in the content folder cannot be used."""

    def __init__(self, file: Path, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")


class ContentErrors(Exception):  # noqa: N818 -- several of them
    """All that is wrong with a content folder; nothing was loaded."""

    def __init__(self, errors: list[ContentError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors


@dataclass(slots=True)
class ContentEntry:
    """One row as its file gives it.

    ``lines`` maps a field's name to its line; ``body_line`` is the line before the Markdown.
    """

    key: str
    data: dict[str, Any]
    file: Path
    line: int
    field_lines: dict[str, int] = field(default_factory=dict)
    body_line: int = 0
    # Problems of its fields; a row that has any is not used.
    errors: list[ContentError] = field(default_factory=list)

    def sub_entry(self, data: Any, name: str) -> "ContentEntry":
        """The value of one field as an Entry of its own, which shares this row's errors."""
        return ContentEntry(self.key, data, self.file, self.field_lines.get(name, self.line), errors=self.errors)

    def make_error(self, message: str, field_name: str = "") -> ContentError:
        """An error at a field of this row, or at its first line."""
        return ContentError(self.file, self.field_lines.get(field_name, self.line), message)


class _LineLoader(yaml.SafeLoader):
    """YAML with the line of every mapping's keys, and without silent overwriting of a repeated key."""


def _construct_mapping(loader: _LineLoader, node: yaml.MappingNode) -> dict[str, Any]:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if key.value in lines:
            raise yaml.constructor.ConstructorError(
                None, None, f"“{key.value}” stands here twice. Keep one", key.start_mark
            )
        lines[str(key.value)] = key.start_mark.line + 1
    data: dict[str, Any] = {
        str(loader.construct_object(key, deep=True)): loader.construct_object(value, deep=True)
        for key, value in node.value
    }
    data["__lines__"] = {**lines, "": node.start_mark.line + 1}
    return data


_LineLoader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)


def read_yaml(file: Path, text: str | None = None, line_offset: int = 0) -> Any:
    """The data of a YAML file. ``shift``: lines of the file that stand before ``text``."""
    try:
        return yaml.load(read_text(file) if text is None else text, Loader=_LineLoader)  # noqa: S506 -- a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = (error.problem_mark.line + 1 if error.problem_mark else 1) + line_offset
        raise ContentError(file, line, f"This is not YAML: {error.problem}.") from error
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        # PyYAML's own slips: a date such as 2024-13-45, a list as a name, !!int without a number, lists without end.
        raise ContentError(file, 1 + line_offset, f"This is not YAML: {error}.") from error


def read_text(file: Path) -> str:
    """The file's text; it must be UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ContentError(file, 1, "The file is not UTF-8 text. Save it as UTF-8.") from error
    except OSError as error:
        raise ContentError(file, 1, f"The file cannot be read: {error.strerror}.") from error


def build_entry(file: Path, data: Any, key: str = "", key_field: str = "") -> ContentEntry:
    """One mapping as an Entry; ``key_field`` names the field that identifies it."""
    if not isinstance(data, dict):
        raise ContentError(file, 1, "A list of fields is expected here, each as “name: value”.")
    lines = data.pop("__lines__")
    identity = key or str(data.get(key_field) or "")
    if not identity:
        raise ContentError(file, lines[""], f"The field “{key_field}” is missing.")
    return ContentEntry(identity, _strip_lines(data), file, lines[""], lines)


def read_entries(file: Path, key_field: str, prefix: str = "") -> Iterator[ContentEntry]:
    """The rows of a YAML list."""
    data = read_yaml(file)
    if not isinstance(data, list):
        raise ContentError(file, 1, "A list is expected here, each row after a hyphen.")
    errors: list[ContentError] = []
    for item in data:
        try:
            row = build_entry(file, item, key_field=key_field)
        except ContentError as error:
            errors.append(error)
            continue
        row.key = f"{prefix}{row.key}"
        yield row
    if errors:
        raise ContentErrors(errors)


def read_page_entry(file: Path) -> ContentEntry:
    """Front matter and Markdown of a page; its text becomes the field ``body``."""
    match = FRONT_MATTER_RE.match(read_text(file))
    if not match:
        raise ContentError(file, 1, "A page starts with fields between two lines of three hyphens (---).")
    row = build_entry(file, read_yaml(file, match[1], line_offset=1), key_field="subject")
    row.field_lines = {name: line + 1 for name, line in row.field_lines.items()}
    row.line = 1
    row.data["body"] = f"{match[2].strip()}\n"
    row.body_line = match[1].count("\n") + 2 + (len(match[2]) - len(match[2].lstrip("\n")))
    return row


def _strip_lines(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strip_lines(item) for key, item in value.items() if key != "__lines__"}
    if isinstance(value, list):
        return [_strip_lines(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a row: its type, and what stands in when the file leaves it out."""

    expected_type: type | tuple[type, ...]
    default: Any = None
    required: bool = False


def clean_fields(row: ContentEntry, fields: dict[str, Field]) -> dict[str, Any]:
    """The row's data with defaults, in the order of ``fields``.

    Problems go to ``row.errors``, with an empty value in place of the wrong one, so that one load names them all.
    """
    if not isinstance(row.data, dict):
        row.errors.append(row.make_error("Fields are expected here, each as “name: value”."))
        row = ContentEntry(row.key, {}, row.file, row.line)  # none of its fields is missing, too
    row.errors += [
        row.make_error(f"There is no field “{name}”. There are: {', '.join(fields)}.", name)
        for name in row.data
        if name not in fields
    ]
    data: dict[str, Any] = {}
    for name, spec in fields.items():
        value = normalize_value(row.data.get(name, spec.default))
        wrong = _type_error(name, value, spec)
        if wrong:
            row.errors.append(row.make_error(wrong, name if value is not None else ""))
            value = _empty_value(spec)
        data[name] = value.strip() if isinstance(value, str) and name != "body" else value
    return data


def _type_error(name: str, value: Any, spec: Field) -> str:
    if value is None:
        return f"The field “{name}” is missing." if spec.required else ""
    if not isinstance(value, spec.expected_type) or isinstance(value, bool) != (spec.expected_type is bool):
        return f"The field “{name}” has the wrong kind of value: {value!r}."
    return ""


def _empty_value(spec: Field) -> Any:
    return (spec.expected_type[0] if isinstance(spec.expected_type, tuple) else spec.expected_type)()
