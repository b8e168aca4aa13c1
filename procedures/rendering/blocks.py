"""Blocks: each function checks the contents of one block and renders the template of its component."""

import re
from collections.abc import Callable
from difflib import get_close_matches

from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from markdown_it.token import Token

from procedures.enums import PageKind, SignLevel, SignTiming
from procedures.figures.presenters import FigureContext
from procedures.models import GlossaryTerm
from procedures.readability.thresholds import MAX_LIST_ITEMS
from procedures.rendering.context import RenderContext
from procedures.rendering.references import LocalizedSign

EMPTY_HTML = SafeString("")
SLUG_LIST = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*(?:[ \t]+[a-z0-9]+(?:-[a-z0-9]+)*)*\Z")
CHANCE_OPTIONS = re.compile(r"([0-9]{1,4}) in (10|100|1000)\Z")
MIN_NAME_SIMILARITY = 0.7  # difflib ratio; lower than for keys, because block names are short and few


def render_component(name: str, **values: object) -> SafeString:
    """Render ``components/<name>.html``; the comment at the top of each template lists its context."""
    return render_to_string(f"components/{name}.html", values)


def render_self_closing_block(name: str, options: str, line: int, context: RenderContext, raw_line: str) -> SafeString:
    """Render a one-line block. ``raw_line`` is the line as typed."""
    if name in INDEX_BLOCKS:
        if options:
            context.issues.add(line, f"::: {name} takes nothing after its name.")
        if name in context.index_blocks:
            context.issues.add(line, f"A page can have ::: {name} only once.")
            return EMPTY_HTML
        context.index_blocks.add(name)
        return INDEX_BLOCKS[name](context)
    if name not in SELF_CLOSING_BLOCKS:
        if name:
            known = sorted({*SELF_CLOSING_BLOCKS, *INDEX_BLOCKS, *CONTAINER_BLOCKS, "choices"})
            closest = get_close_matches(name, known, 1, MIN_NAME_SIMILARITY)
            advice = f"Did you mean “{closest[0]}”?" if closest else f"The blocks are: {', '.join(known)}."
            context.issues.add(line, f"There is no block “{name}”. {advice}")
        else:
            context.issues.add(line, _unnamed_block_message(raw_line))
        return EMPTY_HTML
    if not SLUG_LIST.match(options):
        context.issues.add(line, f"::: {name} needs names after it, with single spaces between them.")
        return EMPTY_HTML
    return SELF_CLOSING_BLOCKS[name](options.split(), line, context)


def _unnamed_block_message(raw_line: str) -> str:
    """Return the message for a line that starts with ``:::`` and has no readable name."""
    rest = raw_line.lstrip(":")
    if len(raw_line) - len(rest) > 3:
        return (
            f"“{raw_line[:40].strip()}” has more than three colons. Write exactly three: ::: note, and ::: at the end."
        )
    if rest.strip():
        return f"“{raw_line[:40].strip()}” names no block. Type a regular space and the name in lowercase: ::: note."
    return "This ::: does not close anything. Delete it, or add the name of a block after it."


def _render_figure_by_slug(slug: str, line: int, context: RenderContext, *, eager: bool = False) -> SafeString:
    view = context.resolver.get_figure(slug)
    if view is None:
        context.add_unavailable_figure(line, slug)
        return EMPTY_HTML
    return render_figure(view, line, context, eager=eager)


def render_figure(view: FigureContext, line: int, context: RenderContext, *, eager: bool = False) -> SafeString:
    """Render a figure with an id that is unique on the page, and check its texts."""
    if not view.has_texts or not view.alt:
        context.issues.add(line, f"The picture “{view.slug}” has no texts in this language yet.")
    if any(not marker.label for marker in view.markers):
        context.issues.add(line, f"A marker of the picture “{view.slug}” has no label in this language yet.")
    name = f"The text of the picture “{view.slug}”"
    context.check_plain_text(line, name, view.title, view.alt, view.caption, *view.paragraphs)
    context.check_plain_text(line, name, *(text for marker in view.markers for text in (marker.label, marker.text)))
    context.figure_slugs.append(view.slug)
    values = {name: getattr(view, name) for name in FigureContext.__slots__}
    values |= {"dom_id": context.reserve_anchor(f"fig-{view.slug}"), "eager": eager}
    return render_component("figure", figure=values)


def _render_figure_block(slugs: list[str], line: int, context: RenderContext) -> SafeString:
    if len(slugs) != 1:
        context.issues.add(line, "::: figure shows one picture. For two, write ::: compare.")
        return EMPTY_HTML
    return _render_figure_by_slug(slugs[0], line, context)


def _render_compare(slugs: list[str], line: int, context: RenderContext) -> SafeString:
    if len(slugs) != 2:
        context.issues.add(line, "::: compare needs two pictures: ::: compare BEFORE AFTER.")
        return EMPTY_HTML
    before, after = (_render_figure_by_slug(slug, line, context) for slug in slugs)
    dom_id = context.reserve_anchor(f"compare-{slugs[0]}")
    return render_component("compare", before_html=before, after_html=after, dom_id=dom_id)


def _render_series(slugs: list[str], line: int, context: RenderContext) -> SafeString:
    series = context.resolver.get_series(slugs[0]) if len(slugs) == 1 else None
    if series is None:
        name = " ".join(slugs)
        context.add_unknown_reference(line, "series", name, f"There is no series “{name}” in this language.")
        return EMPTY_HTML
    texts = [text for item in series.items.all() for text in (item.heading, item.text)]
    context.check_plain_text(line, f"The text of the series “{series.slug}”", series.title, *texts)
    items = [
        {
            "number": number,
            "heading": item.heading,
            "text": format_html("{}", item.text),
            "figure_html": _render_figure_by_slug(item.figure.slug, line, context),
        }
        for number, item in enumerate(context.resolver.get_series_items(series), start=1)
    ]
    dom_id = context.reserve_anchor(f"series-{series.slug}")
    return render_component("series", title=series.title, dom_id=dom_id, items=items)


def _render_clinic_answers(keys: list[str], line: int, context: RenderContext) -> SafeString:
    rows = []
    for key in keys:
        answer = context.resolver.get_clinic_answer(key)
        if answer is None:
            context.add_unknown_reference(line, "care", key, f"The clinic has no answer “{key}” in this language.")
        else:
            context.check_plain_text(line, f"The clinic's answer “{key}”", answer.question, answer.answer)
            anchor = context.reserve_anchor(f"care-{key}")
            rows.append({"anchor": anchor, "question": answer.question, "answer": answer.answer})
    return render_component("care_table", rows=rows) if rows else EMPTY_HTML


def _render_picture_index(context: RenderContext) -> SafeString:
    figures = []
    for view in context.resolver.get_public_figures():
        html = render_figure(view, 0, context)
        anchor = f"picture-{view.slug}"
        figures.append(
            {
                "slug": view.slug,
                "title": view.title,
                "caption": view.caption,
                "anchor": anchor,
                "thumbnail": view.thumbnail,
                "figure_html": html,
            }
        )
    return render_component("picture_index", figures=figures)


def _render_glossary_index(context: RenderContext) -> SafeString:
    letters: dict[str, list[GlossaryTerm]] = {}
    for term in sorted(context.resolver.get_glossary(), key=lambda t: t.term.casefold()):
        context.check_plain_text(
            0, f"The glossary entry “{term.key}”", term.term, term.pronunciation, term.definition, *term.aliases
        )
        letters.setdefault(term.term[0].upper(), []).append(term)
    return render_component("glossary_index", letters=[{"letter": k, "terms": v} for k, v in letters.items()])


def _render_reading_levels(context: RenderContext) -> SafeString:
    rows = [
        # The number is a US school grade in English and a score in other languages; the translation says which. It is
        # rounded, because a tenth of a grade tells a reader nothing.
        {**row, "words": _("Grade %(level)s") % {"level": max(1, round(row["level"]))}}
        for row in context.resolver.get_reading_levels()
    ]
    # Several short lists are easier to take in than a long one.
    groups = (
        (_("Your back and your choices"), {PageKind.CONDITION, PageKind.CHOICE, PageKind.PROCEDURE}),
        (
            _("Before and after a procedure"),
            {PageKind.PREPARATION, PageKind.RECOVERY, PageKind.RISKS, PageKind.PREVENTION},
        ),
        (_("Guides for your visit"), {PageKind.GUIDE}),
        (_("About this site"), {PageKind.ABOUT}),
    )
    sections = [{"name": name, "levels": [row for row in rows if row["kind"] in kinds]} for name, kinds in groups]
    return (
        render_component("reading_levels", groups=[section for section in sections if section["levels"]])
        if rows
        else EMPTY_HTML
    )


def _render_locations(context: RenderContext) -> SafeString:
    locations = context.resolver.get_locations()
    for location in locations:
        name = f"The text of the location “{location['key']}”"
        texts = [location[part] for part in ("name", "hours", "directions")]
        context.check_plain_text(0, name, *texts, "\n".join(location["address_lines"]))
    return render_component("locations", locations=locations)


WARNING_SIGNS_HELP = "Write ::: warning-signs before, after or both. You may add short at the end."


def _render_warning_signs(options: list[str], line: int, context: RenderContext) -> SafeString:
    """Render all signs by level with instructions, or (``short``) the emergency signs and one line on calling us."""
    timing, *more = options
    if timing not in SignTiming.values or more not in ([], ["short"]):
        context.issues.add(line, WARNING_SIGNS_HELP)
        return EMPTY_HTML
    if not context.resolver.get_warning_signs(timing)[0]:
        context.issues.add(line, "There are no warning signs in this language yet. Add them under Warning signs.")
        return EMPTY_HTML
    if more:
        return render_emergency_signs(timing, context)
    if context.signs_timing:
        context.issues.add(
            line, "A page can have the full warning signs only once. Use ::: warning-signs … short for the others."
        )
        return EMPTY_HTML
    context.signs_timing = timing
    signs, is_starter = context.resolver.get_warning_signs(timing)
    cards = [_render_sign_card(level, rows, context) for level in SignLevel if (rows := _filter_by_level(signs, level))]
    return render_component("warning_signs", cards=cards, is_starter=is_starter)


def _filter_by_level(signs: list[LocalizedSign], level: str) -> list[LocalizedSign]:
    return [sign for sign in signs if sign.level == level]


def _render_sign_card(level: str, signs: list[LocalizedSign], context: RenderContext) -> SafeString:
    """Render the signs of one level as a care card with instructions and a phone number."""
    resolver = context.resolver
    emergency, emergency_href = resolver.get_phone("clinic.emergency_number")
    phone, phone_href = resolver.get_phone("clinic.phone")
    after_hours, after_hours_href = resolver.get_phone("clinic.after_hours_phone")
    hours = resolver.get_clinic_value("clinic.hours")
    items = format_html_join(
        "\n", "<li>{}{}</li>", ((sign.text, _render_sign_citation(sign, context)) for sign in signs)
    )
    urgency, title, number, href = {
        SignLevel.EMERGENCY: (
            "emergency",
            _("Call %(number)s now. Do not drive.") % {"number": emergency},
            emergency,
            emergency_href,
        ),
        SignLevel.CALL_NOW: ("urgent", _("Call us now, day or night"), phone, phone_href),
        SignLevel.OFFICE_HOURS: ("call", _("Call us during office hours"), phone, phone_href),
    }[SignLevel(level)]
    values = {"level": level, "items": items, "after_hours": after_hours, "after_hours_href": after_hours_href}
    body = render_component("warning_signs_list", **values, hours=hours)
    return render_component("care_card", urgency=urgency, title=title, body=body, number=number, number_href=href)


def _render_sign_citation(sign: LocalizedSign, context: RenderContext) -> SafeString:
    """Render the citation of a sign's first source; more would crowd an emergency card."""
    source = context.resolver.get_source(sign.sources[0]) if sign.sources else None
    if source is None:
        return EMPTY_HTML
    number = context.get_citation_number(source)
    label = _("Source %(number)s") % {"number": number}
    return format_html('<sup class="citation"><a href="#source-{}" aria-label="{}">{}</a></sup>', number, label, number)


def render_emergency_signs(timing: str, context: RenderContext, *, is_page_top: bool = False) -> SafeString:
    """Render the emergency signs in short form and one line on calling us.

    ``is_page_top``: for the top of a page, with a link to the full list if the page has one.
    """
    signs = _filter_by_level(context.resolver.get_warning_signs(timing)[0], SignLevel.EMERGENCY)
    if not signs:
        return EMPTY_HTML
    emergency, emergency_href = context.resolver.get_phone("clinic.emergency_number")
    phone, phone_href = context.resolver.get_phone("clinic.phone")
    after_hours, after_hours_href = context.resolver.get_phone("clinic.after_hours_phone")
    return render_component(
        "warning_signs_short",
        signs=[sign.short or sign.text for sign in signs],
        number=emergency,
        number_href=emergency_href,
        phone=phone,
        phone_href=phone_href,
        after_hours=after_hours,
        after_hours_href=after_hours_href,
        list_href="#warning-signs" if is_page_top and context.signs_timing else "",
        is_top=is_page_top,
    )


SELF_CLOSING_BLOCKS: dict[str, Callable[[list[str], int, RenderContext], SafeString]] = {
    "figure": _render_figure_block,
    "series": _render_series,
    "compare": _render_compare,
    "care": _render_clinic_answers,
    "warning-signs": _render_warning_signs,
}
INDEX_BLOCKS: dict[str, Callable[[RenderContext], SafeString]] = {
    "pictures": _render_picture_index,
    "glossary": _render_glossary_index,
    "locations": _render_locations,
    "reading-levels": _render_reading_levels,
}


def render_block(
    name: str, options: str, tokens: list[Token], body: SafeString, line: int, context: RenderContext
) -> SafeString:
    """Render a block that starts at ``line``. ``tokens`` are its contents, and ``body`` is their HTML."""
    if options and name != "chance":
        context.issues.add(line, f"::: {name} takes nothing after its name.")
    if not tokens:
        context.issues.add(line, f"The block {name} is empty.")
        return EMPTY_HTML
    return CONTAINER_BLOCKS[name](name, options, tokens, body, line, context)


def _require_single_list(
    tokens: list[Token], kind: str, name: str, line: int, context: RenderContext, max_items: int = 0
) -> None:
    """Add an issue unless ``tokens`` are exactly one list of this kind, with at most ``max_items`` (0: no limit)."""
    expected = {"bullet_list": "a list with hyphens", "ordered_list": "a numbered list"}[kind]
    top_level = [token for token in tokens if token.level == tokens[0].level and token.nesting >= 0]
    if [token.type for token in top_level] != [f"{kind}_open"]:
        context.issues.add(line, f"::: {name} contains {expected} and nothing else.")
        return
    count = sum(token.type == "list_item_open" and token.level == tokens[0].level + 1 for token in tokens)
    if max_items and count > max_items:
        context.issues.add(line, f"::: {name} has {count} entries. Readers take in at most {max_items}.")


def _render_key_points(
    name: str, options: str, tokens: list[Token], body: SafeString, line: int, context: RenderContext
) -> SafeString:
    _require_single_list(tokens, "bullet_list", name, line, context, MAX_LIST_ITEMS)
    if context.key_points:
        context.issues.add(line, "A page can have key points only once.")
    if context.headings:
        context.issues.add(line, "Put the key points before the first heading.")
    html = render_component("key_points", body=body)
    # The key points move to the top of the page, so their line comment has to move with them.
    context.key_points = format_html("<!--line {}-->{}", line, html) if context.with_line_comments else html
    return EMPTY_HTML


def _render_care_card(
    name: str, options: str, tokens: list[Token], body: SafeString, line: int, context: RenderContext
) -> SafeString:
    emergency, emergency_href = context.resolver.get_phone("clinic.emergency_number")
    phone, phone_href = context.resolver.get_phone("clinic.phone")
    title, number, href = {
        "emergency": (_("Call %(number)s now") % {"number": emergency}, emergency, emergency_href),
        "urgent": (_("Call us today"), phone, phone_href),
        "call": (_("Call us"), phone, phone_href),
        "note": (_("Good to know"), "", ""),
    }[name]
    return render_component("care_card", urgency=name, title=title, body=body, number=number, number_href=href)


def _render_steps(
    name: str, options: str, tokens: list[Token], body: SafeString, line: int, context: RenderContext
) -> SafeString:
    _require_single_list(tokens, "ordered_list", name, line, context)
    return render_component("steps", body=body)


def _render_do_list(
    name: str, options: str, tokens: list[Token], body: SafeString, line: int, context: RenderContext
) -> SafeString:
    _require_single_list(tokens, "bullet_list", name, line, context, MAX_LIST_ITEMS)
    return render_component("do_list", do=name == "do", title=_("Do") if name == "do" else _("Do not"), body=body)


def _render_checklist(
    name: str, options: str, tokens: list[Token], body: SafeString, line: int, context: RenderContext
) -> SafeString:
    _require_single_list(tokens, "bullet_list", name, line, context)
    return render_component("checklist", body=body)


def _render_chance(
    name: str, options: str, tokens: list[Token], body: SafeString, line: int, context: RenderContext
) -> SafeString:
    match = CHANCE_OPTIONS.match(options)
    if not match or int(match[1]) > int(match[2]):
        context.issues.add(line, "Write a chance as ::: chance 2 in 100, out of 10, 100 or 1000.")
        return EMPTY_HTML
    count, out_of = int(match[1]), int(match[2])
    if context.chance_denominator not in {0, out_of}:
        context.issues.add(
            line, f"This page counts out of {context.chance_denominator}. Count out of the same number here."
        )
    context.chance_denominator = context.chance_denominator or out_of
    if [t.type for t in tokens] != ["paragraph_open", "inline", "paragraph_close"]:
        context.issues.add(line, "::: chance contains one sentence: what happens to them.")
    dom_id = context.reserve_anchor("chance-1")
    return render_component("chance", count=count, out_of=out_of, sentence=body, dom_id=dom_id)


CONTAINER_BLOCKS: dict[str, Callable[[str, str, list[Token], SafeString, int, RenderContext], SafeString]] = {
    "key-points": _render_key_points,
    "emergency": _render_care_card,
    "urgent": _render_care_card,
    "call": _render_care_card,
    "note": _render_care_card,
    "steps": _render_steps,
    "do": _render_do_list,
    "dont": _render_do_list,
    "checklist": _render_checklist,
    "chance": _render_chance,
}
