"""The YAML style of the content folder. Dumping what was loaded gives the same bytes."""

from typing import Any

import yaml


class ContentDumper(yaml.SafeDumper):
    """Block style, with lists of numbers on one line and multi-line strings as literal blocks."""


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
