"""``::: pictures``, ``::: glossary``, ``::: locations``, ``::: reading-levels``: automatically generated lists."""

from urllib.parse import quote_plus

from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.text import fold, interpolate_lazy, normalize
from procedures import languages
from procedures.enums import PageKind
from procedures.models import GlossaryTerm
from procedures.rendering.blocks import BlockType, Group, Values, register
from procedures.rendering.blocks.figure import render_figure
from procedures.rendering.context import RenderContext
from procedures.rendering.document import Block, Heading, List, ListItem, Node, Paragraph, Run, link_run, text_paragraph

SORT_LAST = "\uffff"  # sorts after every letter
# Opens the maps app of a phone, or a browser.
MAP_URL = "https://www.google.com/maps/search/?api=1&query="


def _resolve_pictures(_block: Block, context: RenderContext, _body: SafeString) -> Values:
    figures = []
    for view in context.resolver.get_public_figures():
        html, shown = render_figure(view, 0, context)
        figures.append(
            {
                "slug": view.slug,
                "title": view.title,
                "caption": view.caption,
                "anchor": f"picture-{view.slug}",
                "thumbnail": view.thumbnail,
                "figure_html": html,
                "figure": shown,
            }
        )
    return {"figures": figures}


def _pictures_to_text(_block: Block, values: Values) -> list[Node]:
    nodes: list[Node] = []
    for figure in values["figures"]:
        nodes += [Heading(level=2, runs=[Run(figure["title"])], anchor=figure["anchor"]), figure["figure"]]
    return nodes


def _resolve_glossary(_block: Block, context: RenderContext, _body: SafeString) -> Values:
    letters: dict[str, list[GlossaryTerm]] = {}
    language = context.resolver.language
    for term in sorted(context.resolver.get_glossary(), key=lambda term: alphabetical_key(term.term, language)):
        name = interpolate_lazy(_("The glossary entry “%(key)s”"), key=term.key)
        context.check_plain_text(0, name, term.term, term.pronunciation, term.definition, *term.aliases)
        letters.setdefault(_initial(term.term, language), []).append(term)
    return {"letters": [{"letter": letter, "terms": terms} for letter, terms in letters.items()]}


def _glossary_to_text(_block: Block, values: Values) -> list[Node]:
    nodes: list[Node] = []
    for group in values["letters"]:
        letter = group["letter"]
        nodes.append(Heading(level=2, runs=[Run(letter)], anchor=f"letter-{letter.lower()}"))
        for term in group["terms"]:
            nodes += term_nodes(term, f"term-{term.key}")
    return nodes


def alphabetical_key(text: str, language: str) -> str:
    """Return a dictionary sort key: accents are ignored, but a distinct letter such as ñ sorts after its base
    letter.
    """
    distinct = languages.get(language).search.distinct_letters
    return "".join(
        f"{fold(char)}{SORT_LAST}" if char.casefold() in distinct else fold(char) for char in normalize(text)
    )


def _initial(text: str, language: str) -> str:
    """Return the index letter of a word, without its accent unless it is a distinct letter such as ñ."""
    first = normalize(text)[0]
    is_distinct = first.casefold() in languages.get(language).search.distinct_letters
    return first.upper() if is_distinct else (fold(first)[:1] or first).upper()


def term_nodes(term: GlossaryTerm, anchor: str) -> list[Node]:
    """Return a glossary entry as a term and its definition."""
    say = f" {gettext('say: %(say)s') % {'say': term.pronunciation}}" if term.pronunciation else ""
    return [
        text_paragraph(f"{term.term}{say}", role="term", anchor=anchor),
        text_paragraph(term.definition, role="definition"),
    ]


def _resolve_locations(_block: Block, context: RenderContext, _body: SafeString) -> Values:
    locations = []
    for location in context.resolver.get_locations():
        if not location["name"]:
            message = _("The location “%(key)s” has no name in this language. Add its texts under Locations.")
            context.issues.add(0, message, is_missing_content=True, key=location["key"])
        locations.append({**location, "map_href": MAP_URL + quote_plus(", ".join(location["address_lines"]))})
        name = interpolate_lazy(_("The text of the location “%(key)s”"), key=location["key"])
        texts = [location[part] for part in ("name", "hours", "directions")]
        context.check_plain_text(0, name, *texts, "\n".join(location["address_lines"]))
    return {"locations": locations}


def _locations_to_text(_block: Block, values: Values) -> list[Node]:
    nodes: list[Node] = []
    for place in values["locations"]:
        parts: list[Node] = [
            Heading(level=3, runs=[Run(place["name"])], anchor=f"place-{place['key']}"),
            text_paragraph(" ".join(place["address_lines"]), role="address"),
            Paragraph(runs=[link_run(gettext("Map"), place["map_href"])]),
        ]
        if place["phone"]:
            call = gettext("Call %(phone)s") % {"phone": place["phone"]}
            parts.append(Paragraph(runs=[link_run(call, place["phone_href"])]))
        parts += [
            text_paragraph(f"{label}: {place[name]}")
            for name, label in (("hours", gettext("Open")), ("directions", gettext("How to find us")))
            if place[name]
        ]
        nodes.append(Block(name="location", component="location", nodes=parts))
    return nodes


def _resolve_reading_levels(_block: Block, context: RenderContext, _body: SafeString) -> Values | None:
    rows = [
        # The number is a US school grade in English and a score in other languages; the translation says which. It is
        # rounded, because tenths of a grade mean nothing to readers.
        {**row, "words": gettext("Grade %(level)s") % {"level": max(1, round(row["level"]))}}
        for row in context.resolver.get_reading_levels()
    ]
    # Several short lists are easier to read than one long list.
    groups = (
        (gettext("Your back and your choices"), {PageKind.CONDITION, PageKind.CHOICE, PageKind.PROCEDURE}),
        (
            gettext("Before and after a procedure"),
            {PageKind.PREPARATION, PageKind.DAY, PageKind.RECOVERY, PageKind.RISKS, PageKind.PREVENTION},
        ),
        (gettext("Guides for your visits and procedure"), {PageKind.GUIDE}),
        (gettext("About this site"), {PageKind.ABOUT}),
    )
    sections = [{"name": name, "levels": [row for row in rows if row["kind"] in kinds]} for name, kinds in groups]
    return {"groups": [section for section in sections if section["levels"]]} if rows else None


def _reading_levels_to_text(_block: Block, values: Values) -> list[Node]:
    nodes: list[Node] = []
    for number, group in enumerate(values["groups"], start=1):
        nodes.append(text_paragraph(group["name"], anchor=f"levels-{number}"))
        entries: list[Node] = []
        for row in group["levels"]:
            runs = [link_run(row["title"], row["href"]), Run(f" {row['words']}")]
            entries.append(ListItem(nodes=[Paragraph(runs=runs)]))
        nodes.append(List(nodes=entries))
    return nodes


register(
    BlockType(
        name="pictures",
        syntax="::: pictures",
        help=_("an index of the pictures on other public pages"),
        example="::: pictures",
        label=_("All pictures"),
        keywords=_("image photo gallery index"),
        template="picture_index",
        is_single_use=True,
        group=Group.INDEXES,
        dialog="index",
        button=_("Index…"),
        button_order=120,
        resolve=_resolve_pictures,
        to_text=_pictures_to_text,
    ),
    BlockType(
        name="glossary",
        syntax="::: glossary",
        help=_("an index of all glossary terms"),
        example="::: glossary",
        label=_("All glossary terms"),
        keywords=_("dictionary definitions index"),
        component="glossary",
        template="glossary_index",
        is_single_use=True,
        group=Group.INDEXES,
        dialog="index",
        resolve=_resolve_glossary,
        to_text=_glossary_to_text,
    ),
    BlockType(
        name="locations",
        syntax="::: locations",
        help=_("all locations"),
        example="::: locations",
        label=_("All our locations"),
        keywords=_("address map directions office"),
        template="locations",
        is_single_use=True,
        group=Group.CLINIC,
        dialog="index",
        resolve=_resolve_locations,
        to_text=_locations_to_text,
    ),
    BlockType(
        name="reading-levels",
        syntax="::: reading-levels",
        help=_(
            "the reading level of each public page in this language, in whole grades or points and in short lists; the "
            "page with the list is left out"
        ),
        example="::: reading-levels",
        label=_("How hard each page is to read"),
        keywords=_("readability grade level"),
        template="reading_levels",
        is_single_use=True,
        group=Group.INDEXES,
        dialog="index",
        resolve=_resolve_reading_levels,
        to_text=_reading_levels_to_text,
    ),
)
