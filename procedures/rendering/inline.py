"""Inline content: citations, clinic values, links to pages, and glossary terms."""

import re

from django.utils.translation import gettext as _
from markdown_it.token import Token

from procedures.rendering.context import RenderContext
from procedures.rendering.lint import unknown_value_message
from procedures.rendering.parser import line_number

PAGE_LINK = re.compile(r"page:([a-z0-9-]+)(?:#([a-z0-9-]+))?\Z")
ALLOWED_LINK = re.compile(r"(?:https://|mailto:|tel:|#)")


def resolve_inline(token: Token, context: RenderContext, *, link_terms: bool) -> None:
    """Replace the children of an ``inline`` token in place. ``link_terms``: also link glossary terms."""
    line = line_number(token)
    result: list[Token] = []
    depth = 0
    for child in token.children or []:
        if child.type in {"softbreak", "hardbreak"}:
            line += 1
        if child.type == "link_open":
            depth += 1
            _resolve_link(child, context, line)
        elif child.type == "link_close":
            depth -= 1
        elif child.type == "image":
            context.issues.add(line, "Add a picture with a block: ::: figure, followed by the slug of the picture.")
            child = _make_text_token(child.content)
        elif child.type == "citation":
            result += _resolve_citation(child, context, line)
            continue
        elif child.type == "value":
            result += _resolve_clinic_value(child, context, line, is_in_link=depth > 0)
            continue
        result.append(child)
    token.children = context.glossary.link_terms(result) if link_terms else result


def _make_text_token(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _wrap_in_element(tag: str, content: str, **attrs: str | int | float) -> list[Token]:
    kind = "link" if tag == "a" else tag
    return [
        Token(f"{kind}_open", tag, 1, attrs=dict(attrs)),
        _make_text_token(content),
        Token(f"{kind}_close", tag, -1),
    ]


def _resolve_link(token: Token, context: RenderContext, line: int) -> None:
    href = str(token.attrGet("href") or "")
    if match := PAGE_LINK.match(href):
        page = context.resolver.get_page(match[1])
        if page is None:
            context.add_unknown_reference(line, "page", match[1], f"There is no page on “{match[1]}” in this language.")
        token.attrSet("href", (page.href if page else "#") + (f"#{match[2]}" if match[2] else ""))
        if page:
            context.page_links.append((line, match[1], match[2] or ""))
    elif href.startswith("page:"):
        context.issues.add(line, f"“{href}” is not a page link. Write page:subject or page:subject#section.")
        token.attrSet("href", "#")
    elif href.startswith("#"):
        context.fragment_links.append((line, href[1:]))
    elif not ALLOWED_LINK.match(href):
        context.issues.add(line, f"The link “{href}” must start with https://; for our own pages write page:subject.")
        token.attrSet("href", "#")


def _resolve_citation(token: Token, context: RenderContext, line: int) -> list[Token]:
    result: list[Token] = []
    for key in re.split(r"\s*;\s*@", token.content):
        source = context.resolver.get_source(key)
        if source is None:
            context.add_unknown_reference(line, "source", key, f"There is no source “{key}”.")
            continue
        number = context.get_citation_number(source)
        result.append(Token("sup_open", "sup", 1, attrs={"class": "citation"}))
        label = _("Source %(number)s") % {"number": number}
        result += _wrap_in_element("a", str(number), **{"href": f"#source-{number}", "aria-label": label})
        result.append(Token("sup_close", "sup", -1))
    return result


def _resolve_clinic_value(token: Token, context: RenderContext, line: int, *, is_in_link: bool) -> list[Token]:
    value = context.resolver.get_clinic_value(token.content)
    if value is None:
        context.issues.add(line, unknown_value_message(token.content, context))
        return []
    if is_in_link or not token.content.endswith(("phone", "number")) or not value:
        return [_make_text_token(value)]
    number, href = context.resolver.get_phone(token.content)
    return _wrap_in_element("a", number, href=href)
