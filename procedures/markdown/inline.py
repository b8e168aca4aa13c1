"""The words inside a block: citations, clinic values, links to pages, glossary words."""

import re

from django.utils.translation import gettext as _
from markdown_it.token import Token

from procedures.markdown.context import Context
from procedures.markdown.lint import unknown_value
from procedures.markdown.parser import line_of

PAGE_LINK = re.compile(r"page:([a-z0-9-]+)(?:#([a-z0-9-]+))?\Z")
PLAIN_LINK = re.compile(r"(?:https://|mailto:|tel:|#)")


def resolve(token: Token, context: Context, *, running_text: bool) -> None:
    """Rewrite the children of one ``inline`` token in place. ``running_text``: look for glossary words too."""
    line = line_of(token)
    result: list[Token] = []
    depth = 0
    for child in token.children or []:
        if child.type in {"softbreak", "hardbreak"}:
            line += 1
        if child.type == "link_open":
            depth += 1
            _link(child, context, line)
        elif child.type == "link_close":
            depth -= 1
        elif child.type == "image":
            context.problems.add(line, "Add a picture with a block: ::: figure, followed by the slug of the picture.")
            child = _text(child.content)
        elif child.type == "citation":
            result += _citation(child, context, line)
            continue
        elif child.type == "value":
            result += _value(child, context, line, linked=depth > 0)
            continue
        result.append(child)
    token.children = context.words.link(result) if running_text else result


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _wrapped(tag: str, content: str, **attrs: str | int | float) -> list[Token]:
    kind = "link" if tag == "a" else tag
    return [
        Token(f"{kind}_open", tag, 1, attrs=dict(attrs)),
        _text(content),
        Token(f"{kind}_close", tag, -1),
    ]


def _link(token: Token, context: Context, line: int) -> None:
    href = str(token.attrGet("href") or "")
    if match := PAGE_LINK.match(href):
        page = context.library.page(match[1])
        if page is None:
            context.missing(line, "page", match[1], f"There is no page on “{match[1]}” in this language.")
        token.attrSet("href", (page.href if page else "#") + (f"#{match[2]}" if match[2] else ""))
        if page:
            context.page_links.append((line, match[1], match[2] or ""))
    elif href.startswith("page:"):
        context.problems.add(line, f"“{href}” is not a page link. Write page:subject or page:subject#section.")
        token.attrSet("href", "#")
    elif href.startswith("#"):
        context.own_links.append((line, href[1:]))
    elif not PLAIN_LINK.match(href):
        context.problems.add(line, f"The link “{href}” must start with https://; for our own pages write page:subject.")
        token.attrSet("href", "#")


def _citation(token: Token, context: Context, line: int) -> list[Token]:
    result: list[Token] = []
    for key in re.split(r"\s*;\s*@", token.content):
        source = context.library.source(key)
        if source is None:
            context.missing(line, "source", key, f"There is no source “{key}”.")
            continue
        number = context.number_of(source)
        result.append(Token("sup_open", "sup", 1, attrs={"class": "cite"}))
        label = _("Source %(number)s") % {"number": number}
        result += _wrapped("a", str(number), **{"href": f"#source-{number}", "aria-label": label})
        result.append(Token("sup_close", "sup", -1))
    return result


def _value(token: Token, context: Context, line: int, *, linked: bool) -> list[Token]:
    value = context.library.clinic_value(token.content)
    if value is None:
        context.problems.add(line, unknown_value(token.content, context))
        return []
    if linked or not token.content.endswith(("phone", "number")) or not value:
        return [_text(value)]
    printed, href = context.library.phone(token.content)
    return _wrapped("a", printed, href=href)
