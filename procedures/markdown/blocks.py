"""Our blocks: each checks what stands inside it and fills its component's template."""

import re
from collections.abc import Callable
from difflib import get_close_matches

from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from markdown_it.token import Token

from procedures.enums import PageKind, SignLevel, SignTiming
from procedures.figures.overlay import FigureView
from procedures.markdown.context import Context
from procedures.markdown.library import Sign
from procedures.models import Term

NOTHING = SafeString("")
SLUGS = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*(?:[ \t]+[a-z0-9]+(?:-[a-z0-9]+)*)*\Z")
CHANCE = re.compile(r"([0-9]{1,4}) in (10|100|1000)\Z")
MAX_LIST = 7
LIKE_BLOCK = 0.7  # of difflib's ratio: names of blocks are short and few


def component(name: str, **values: object) -> SafeString:
    """The HTML of one component; its template says which values it takes."""
    return render_to_string(f"components/{name}.html", values)


def leaf(name: str, options: str, line: int, context: Context, raw: str) -> SafeString:
    """A block of one line, typed as ``raw``."""
    if name in INDEXES:
        if options:
            context.problems.add(line, f"::: {name} takes nothing behind its name.")
        if name in context.indexes:
            context.problems.add(line, f"A page has ::: {name} once.")
            return NOTHING
        context.indexes.add(name)
        return INDEXES[name](context)
    if name not in LEAVES:
        if name:
            known = sorted({*LEAVES, *INDEXES, *CONTAINERS, "choices"})
            meant = get_close_matches(name, known, 1, LIKE_BLOCK)
            advice = f"Did you mean “{meant[0]}”?" if meant else f"The blocks are: {', '.join(known)}."
            context.problems.add(line, f"There is no block “{name}”. {advice}")
        else:
            context.problems.add(line, _no_name(raw))
        return NOTHING
    if not SLUGS.match(options):
        context.problems.add(line, f"::: {name} needs names behind it, with single spaces between them.")
        return NOTHING
    return LEAVES[name](options.split(), line, context)


def _no_name(raw: str) -> str:
    """What to say of a line with ``:::`` and no name that we can read."""
    behind = raw.lstrip(":")
    if len(raw) - len(behind) > 3:
        return f"“{raw[:40].strip()}” has more than three colons. Write exactly three: ::: note, and ::: at the end."
    if behind.strip():
        return f"“{raw[:40].strip()}” does not name a block. Type a regular space and the name in lowercase: ::: note."
    return "This ::: does not close anything. Delete it, or add the name of a block after it."


def _figure_html(slug: str, line: int, context: Context, *, eager: bool = False) -> SafeString:
    view = context.library.figure(slug)
    if view is None:
        context.missing_figure(line, slug)
        return NOTHING
    return figure_html(view, line, context, eager=eager)


def figure_html(view: FigureView, line: int, context: Context, *, eager: bool = False) -> SafeString:
    """One picture; its address on the page is free of doubles."""
    if not view.has_texts or not view.alt:
        context.problems.add(line, f"The picture “{view.slug}” has no texts in this language yet.")
    if any(not mark.label for mark in view.marks):
        context.problems.add(line, f"A mark of the picture “{view.slug}” has no label in this language yet.")
    name = f"The text of the picture “{view.slug}”"
    context.check_plain(line, name, view.title, view.alt, view.caption, *view.paragraphs)
    context.check_plain(line, name, *(text for mark in view.marks for text in (mark.label, mark.text)))
    context.figures.append(view.slug)
    values = {name: getattr(view, name) for name in FigureView.__slots__}
    values |= {"dom_id": context.free_anchor(f"fig-{view.slug}"), "eager": eager}
    return component("figure", figure=values)


def _figure(slugs: list[str], line: int, context: Context) -> SafeString:
    if len(slugs) != 1:
        context.problems.add(line, "::: figure shows one picture. For two, write ::: compare.")
        return NOTHING
    return _figure_html(slugs[0], line, context)


def _compare(slugs: list[str], line: int, context: Context) -> SafeString:
    if len(slugs) != 2:
        context.problems.add(line, "::: compare needs two pictures: ::: compare BEFORE AFTER.")
        return NOTHING
    before, after = (_figure_html(slug, line, context) for slug in slugs)
    dom_id = context.free_anchor(f"compare-{slugs[0]}")
    return component("compare", before_html=before, after_html=after, dom_id=dom_id)


def _series(slugs: list[str], line: int, context: Context) -> SafeString:
    series = context.library.series(slugs[0]) if len(slugs) == 1 else None
    if series is None:
        name = " ".join(slugs)
        context.missing(line, "series", name, f"There is no series “{name}” in this language.")
        return NOTHING
    shown = [text for item in series.items.all() for text in (item.heading, item.text)]
    context.check_plain(line, f"The text of the series “{series.slug}”", series.title, *shown)
    items = [
        {
            "number": number,
            "heading": item.heading,
            "text": format_html("{}", item.text),
            "figure_html": _figure_html(item.figure.slug, line, context),
        }
        for number, item in enumerate(context.library.stages(series), start=1)
    ]
    dom_id = context.free_anchor(f"series-{series.slug}")
    return component("series", title=series.title, dom_id=dom_id, items=items)


def _care(keys: list[str], line: int, context: Context) -> SafeString:
    rows = []
    for key in keys:
        answer = context.library.care(key)
        if answer is None:
            context.missing(line, "care", key, f"The clinic has no answer “{key}” in this language.")
        else:
            context.check_plain(line, f"The clinic's answer “{key}”", answer.question, answer.answer)
            anchor = context.free_anchor(f"care-{key}")
            rows.append({"anchor": anchor, "question": answer.question, "answer": answer.answer})
    return component("care_table", rows=rows) if rows else NOTHING


def _pictures(context: Context) -> SafeString:
    figures = []
    for view in context.library.all_figures():
        html = figure_html(view, 0, context)
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
    return component("pictures_index", figures=figures)


def _glossary(context: Context) -> SafeString:
    letters: dict[str, list[Term]] = {}
    for term in sorted(context.library.glossary(), key=lambda t: t.term.casefold()):
        context.check_plain(0, f"The glossary entry “{term.key}”", term.term, term.say, term.definition, *term.aliases)
        letters.setdefault(term.term[0].upper(), []).append(term)
    return component("glossary_index", letters=[{"letter": k, "terms": v} for k, v in letters.items()])


def _reading_levels(context: Context) -> SafeString:
    rows = [
        # US school grade in English; other languages have points of their own. The translation says which.
        # Whole numbers: a tenth of a grade tells a reader nothing.
        {**row, "words": _("Grade %(level)s") % {"level": max(1, round(row["level"]))}}
        for row in context.library.reading_levels()
    ]
    # Short lists, because nobody takes in a long one.
    groups = (
        (_("Your back and your choices"), {PageKind.CONDITION, PageKind.CHOICE, PageKind.PROCEDURE}),
        (
            _("Before and after a procedure"),
            {PageKind.PREPARATION, PageKind.RECOVERY, PageKind.RISKS, PageKind.PREVENTION},
        ),
        (_("Guides for your visit"), {PageKind.GUIDE}),
        (_("About this site"), {PageKind.ABOUT}),
    )
    listed = [{"name": name, "levels": [row for row in rows if row["kind"] in kinds]} for name, kinds in groups]
    return component("reading_levels", groups=[group for group in listed if group["levels"]]) if rows else NOTHING


def _locations(context: Context) -> SafeString:
    locations = context.library.locations()
    for location in locations:
        name = f"The text of the location “{location['key']}”"
        texts = [location[part] for part in ("name", "hours", "directions")]
        context.check_plain(0, name, *texts, "\n".join(location["address_lines"]))
    return component("locations", locations=locations)


SIGNS_HELP = "Write ::: warning-signs before, after or both. You may add short at the end."


def _warning_signs(words: list[str], line: int, context: Context) -> SafeString:
    """All signs by level with what to do, or (``short``) the emergency signs and one line on calling us."""
    when, *more = words
    if when not in SignTiming.values or more not in ([], ["short"]):
        context.problems.add(line, SIGNS_HELP)
        return NOTHING
    if not context.library.signs(when)[0]:
        context.problems.add(line, "There are no warning signs in this language yet. Add them under Warning signs.")
        return NOTHING
    if more:
        return emergency_line(when, context)
    if context.signs_when:
        context.problems.add(
            line, "A page can have the full warning signs only once. Use ::: warning-signs … short for the others."
        )
        return NOTHING
    context.signs_when = when
    signs, is_starter = context.library.signs(when)
    cards = [_sign_card(level, rows, context) for level in SignLevel if (rows := _of_level(signs, level))]
    return component("warning_signs", cards=cards, is_starter=is_starter)


def _of_level(signs: list[Sign], level: str) -> list[Sign]:
    return [sign for sign in signs if sign.level == level]


def _sign_card(level: str, signs: list[Sign], context: Context) -> SafeString:
    """One care card: the signs of one level, then what to do and the number to call."""
    library = context.library
    emergency, emergency_href = library.phone("clinic.emergency_number")
    phone, phone_href = library.phone("clinic.phone")
    after_hours, after_hours_href = library.phone("clinic.after_hours_phone")
    hours = library.clinic_value("clinic.hours")
    items = format_html_join("\n", "<li>{}{}</li>", ((sign.text, _cites(sign, context)) for sign in signs))
    urgency, title, number, href = {
        SignLevel.EMERGENCY: (
            "emergency",
            _("Call %(number)s now. Do not drive.") % {"number": emergency},
            emergency,
            emergency_href,
        ),
        SignLevel.NOW: ("urgent", _("Call us now, day or night"), phone, phone_href),
        SignLevel.HOURS: ("call", _("Call us during office hours"), phone, phone_href),
    }[SignLevel(level)]
    values = {"level": level, "items": items, "after_hours": after_hours, "after_hours_href": after_hours_href}
    body = component("warning_signs_list", **values, hours=hours)
    return component("care_card", urgency=urgency, title=title, body=body, number=number, number_href=href)


def _cites(sign: Sign, context: Context) -> SafeString:
    """The mark of a sign's main source, as a citation in a text has it; a card for emergencies holds no more."""
    source = context.library.source(sign.sources[0]) if sign.sources else None
    if source is None:
        return NOTHING
    number = context.number_of(source)
    label = _("Source %(number)s") % {"number": number}
    return format_html('<sup class="cite"><a href="#source-{}" aria-label="{}">{}</a></sup>', number, label, number)


def emergency_line(when: str, context: Context, *, is_top: bool = False) -> SafeString:
    """The emergency signs in their short forms and one line on calling us. ``is_top``: as each topic begins."""
    signs = _of_level(context.library.signs(when)[0], SignLevel.EMERGENCY)
    if not signs:
        return NOTHING
    emergency, emergency_href = context.library.phone("clinic.emergency_number")
    phone, phone_href = context.library.phone("clinic.phone")
    after_hours, after_hours_href = context.library.phone("clinic.after_hours_phone")
    return component(
        "warning_signs_short",
        signs=[sign.short or sign.text for sign in signs],
        number=emergency,
        number_href=emergency_href,
        phone=phone,
        phone_href=phone_href,
        after_hours=after_hours,
        after_hours_href=after_hours_href,
        list_href="#warning-signs" if is_top and context.signs_when else "",
        is_top=is_top,
    )


LEAVES: dict[str, Callable[[list[str], int, Context], SafeString]] = {
    "figure": _figure,
    "series": _series,
    "compare": _compare,
    "care": _care,
    "warning-signs": _warning_signs,
}
INDEXES: dict[str, Callable[[Context], SafeString]] = {
    "pictures": _pictures,
    "glossary": _glossary,
    "locations": _locations,
    "reading-levels": _reading_levels,
}


def container(
    name: str, options: str, tokens: list[Token], body: SafeString, line: int, context: Context
) -> SafeString:
    """A block with an end that starts at ``line``; ``tokens`` and ``body`` are what stands inside."""
    if options and name != "chance":
        context.problems.add(line, f"::: {name} takes nothing behind its name.")
    if not tokens:
        context.problems.add(line, f"The block {name} is empty.")
        return NOTHING
    return CONTAINERS[name](name, options, tokens, body, line, context)


def _only(tokens: list[Token], kind: str, name: str, line: int, context: Context, most: int = 0) -> None:
    """Note a problem unless ``tokens`` are exactly one list of the wanted kind."""
    wanted = {"bullet_list": "a list with hyphens", "ordered_list": "a numbered list"}[kind]
    top = [token for token in tokens if token.level == tokens[0].level and token.nesting >= 0]
    if [token.type for token in top] != [f"{kind}_open"]:
        context.problems.add(line, f"Inside ::: {name} stands {wanted} and nothing else.")
        return
    count = sum(token.type == "list_item_open" and token.level == tokens[0].level + 1 for token in tokens)
    if most and count > most:
        context.problems.add(line, f"::: {name} has {count} entries. {most} are the most that people take in.")


def _key_points(
    name: str, options: str, tokens: list[Token], body: SafeString, line: int, context: Context
) -> SafeString:
    _only(tokens, "bullet_list", name, line, context, MAX_LIST)
    if context.key_points:
        context.problems.add(line, "A page has its key points once.")
    if context.headings:
        context.problems.add(line, "Key points stand before the first heading.")
    html = component("key_points", body=body)
    # They move to the top of the page, and their line with them.
    context.key_points = format_html("<!--line {}-->{}", line, html) if context.with_lines else html
    return NOTHING


def _card(name: str, options: str, tokens: list[Token], body: SafeString, line: int, context: Context) -> SafeString:
    emergency, emergency_href = context.library.phone("clinic.emergency_number")
    phone, phone_href = context.library.phone("clinic.phone")
    title, number, href = {
        "emergency": (_("Call %(number)s now") % {"number": emergency}, emergency, emergency_href),
        "urgent": (_("Call us today"), phone, phone_href),
        "call": (_("Call us"), phone, phone_href),
        "note": (_("Good to know"), "", ""),
    }[name]
    return component("care_card", urgency=name, title=title, body=body, number=number, number_href=href)


def _steps(name: str, options: str, tokens: list[Token], body: SafeString, line: int, context: Context) -> SafeString:
    _only(tokens, "ordered_list", name, line, context)
    return component("steps", body=body)


def _do(name: str, options: str, tokens: list[Token], body: SafeString, line: int, context: Context) -> SafeString:
    _only(tokens, "bullet_list", name, line, context, MAX_LIST)
    return component("do_list", do=name == "do", title=_("Do") if name == "do" else _("Do not"), body=body)


def _checklist(
    name: str, options: str, tokens: list[Token], body: SafeString, line: int, context: Context
) -> SafeString:
    _only(tokens, "bullet_list", name, line, context)
    return component("checklist", body=body)


def _chance(name: str, options: str, tokens: list[Token], body: SafeString, line: int, context: Context) -> SafeString:
    match = CHANCE.match(options)
    if not match or int(match[1]) > int(match[2]):
        context.problems.add(line, "Write a chance as ::: chance 2 in 100, out of 10, 100 or 1000.")
        return NOTHING
    count, out_of = int(match[1]), int(match[2])
    if context.out_of not in {0, out_of}:
        context.problems.add(line, f"This page counts out of {context.out_of}. Count out of the same number here.")
    context.out_of = context.out_of or out_of
    if [t.type for t in tokens] != ["paragraph_open", "inline", "paragraph_close"]:
        context.problems.add(line, "Inside ::: chance stands one sentence: what happens to them.")
    dom_id = context.free_anchor("chance-1")
    return component("chance", count=count, out_of=out_of, sentence=body, dom_id=dom_id)


CONTAINERS: dict[str, Callable[[str, str, list[Token], SafeString, int, Context], SafeString]] = {
    "key-points": _key_points,
    "emergency": _card,
    "urgent": _card,
    "call": _card,
    "note": _card,
    "steps": _steps,
    "do": _do,
    "dont": _do,
    "checklist": _checklist,
    "chance": _chance,
}
