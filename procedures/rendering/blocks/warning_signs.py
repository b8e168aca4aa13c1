"""``::: warning-signs``: the warning signs from the clinic's single list."""

import re
from dataclasses import replace

from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from procedures.enums import SignLevel, SignTiming
from procedures.markup import Message, Wording
from procedures.rendering.blocks import BlockField, BlockType, Group, Options, Values, register, render_component
from procedures.rendering.context import RenderContext
from procedures.rendering.document import Block, Heading, List, ListItem, Node, Paragraph, Run, link_run, text_paragraph
from procedures.rendering.html import add_id_placeholder, source_note
from procedures.rendering.inline import no_break
from procedures.rendering.references import LocalizedSign

COMPONENT = "warning signs"
ANCHOR = "warning-signs"
SHORT = "short"
PHONE_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
HELP = Wording(
    _("Write ::: warning-signs before, after or both. You may add short at the end."),
    _("It is not chosen which warning signs to show. Delete this block, and insert the warning signs again."),
)
EMERGENCY_TITLE = _("%(call)s now for any of these. Do not drive.")
TIMINGS = dict(SignTiming.choices)


def _resolve(block: Block, context: RenderContext, _body: SafeString) -> Values | None:
    """Return all signs by level with instructions, or (``short``) the emergency signs and one line about calling us."""
    timing, *more = block.options.split()
    if timing not in SignTiming.values or more not in ([], [SHORT]):
        context.issues.add(block.line, HELP)
        return None
    signs, is_starter = context.resolver.get_warning_signs(timing)
    if not signs:
        message: Message = _("There are no warning signs in this language yet. Add them under Warning signs.")
        context.issues.add(block.line, message)
        return None
    if more:
        html, nodes = render_emergency_signs(timing, context)
        return {"html": html, "nodes": nodes}
    if context.signs_timing:
        message = Wording(
            _("A page can contain the full list of warning signs only once. Elsewhere, use ::: warning-signs … short."),
            _("A page can contain the full list of warning signs only once. Here, show only the emergency signs."),
        )
        context.issues.add(block.line, message)
        return None
    context.signs_timing = timing
    block.anchor = ANCHOR
    cards, nodes = [], []
    for level in SignLevel:
        if rows := [sign for sign in signs if sign.level == level]:
            card, card_nodes = _render_card(level, rows, context)
            cards.append(card)
            nodes += card_nodes
    starter = gettext("First version of this list, not yet reviewed by a doctor or nurse.") if is_starter else ""
    html = render_component("warning_signs", cards=cards, starter=starter)
    return {"html": html, "nodes": [*nodes, *([text_paragraph(starter)] if starter else [])]}


def _render_card(level: str, signs: list[LocalizedSign], context: RenderContext) -> tuple[SafeString, list[Node]]:
    """Return the signs of one level as a care card with instructions and a phone number, and its nodes."""
    resolver = context.resolver
    emergency, emergency_href = resolver.get_phone("clinic.emergency_number")
    day, night = resolver.get_phone("clinic.phone"), resolver.get_phone("clinic.after_hours_phone")
    hours = resolver.get_clinic_value("clinic.hours")
    citations = [_cite(sign, context) for sign in signs]
    items = format_html_join("\n", "<li>{}</li>", ((no_break(sign.text),) for sign in signs))
    # One note for the card: a note after each sign would crowd it.
    sources = source_note(sorted({number for number in citations if number})) if any(citations) else ""
    urgency, title, number, href = {
        # The short form at the top of the page has a different title.
        SignLevel.EMERGENCY: (
            "emergency",
            gettext("Call %(number)s now. Do not drive.") % {"number": emergency},
            emergency,
            emergency_href,
        ),
        SignLevel.CALL_NOW: ("urgent", gettext("Call us now, day or night"), *day),
        SignLevel.OFFICE_HOURS: ("call", gettext("Call us during office hours"), *day),
    }[SignLevel(level)]
    lines: list[list[Run]] = []
    if level == SignLevel.EMERGENCY:
        lines = [[Run(gettext("Do not drive yourself. Do not wait for your appointment."))]]
    elif level == SignLevel.CALL_NOW:
        if night != day:
            # A line for each number; a button with either one would be wrong half of the time.
            number = href = ""
            labels = (gettext("During office hours"), gettext("After hours"))
            lines = [[Run(f"{label}: "), link_run(*phone)] for label, phone in zip(labels, (day, night), strict=True)]
        lines.append([Run(gettext("No answer? Go to an emergency room."))])
    elif hours:
        lines = [[Run(gettext("We're here %(hours)s.") % {"hours": hours})]]
    body = render_component(
        "warning_signs_list",
        items=items,
        sources=sources,
        lines=[_to_line(line) for line in lines],
    )
    html = render_component("care_card", urgency=urgency, title=title, body=body, number=number, number_href=href)
    entries: list[Node] = [
        ListItem(nodes=[Paragraph(runs=[Run(sign.text), *([Run(str(n), "source")] if n else [])])])
        for sign, n in zip(signs, citations, strict=True)
    ]
    heading = Heading(level=3, runs=[Run(title)], role="card")
    return html, [heading, List(nodes=entries), *(Paragraph(runs=line) for line in lines)]


def _insert_phones(line: str, **phones: tuple[str, str]) -> list[Run]:
    """Return a line with its ``%(name)s`` as phone links."""
    parts = PHONE_PLACEHOLDER.split(line)
    return [link_run(*phones[part]) if at % 2 else Run(part) for at, part in enumerate(parts) if part]


def _keep_last_sentence_together(runs: list[Run]) -> list[Run]:
    """Return the runs with no-break spaces in their last sentence, which starts within the last run."""
    start, end, sentence = runs[-1].text.rpartition(". ")
    return [*runs[:-1], replace(runs[-1], text=start + end + sentence.replace(" ", "\N{NO-BREAK SPACE}"))]


def _to_line(runs: list[Run]) -> list[dict[str, str]]:
    """Return the context of ``components/line.html``."""
    return [{"text": run.text, "href": add_id_placeholder(run.href)} for run in runs]


def _cite(sign: LocalizedSign, context: RenderContext) -> int:
    """Return the number of a sign's first source, or 0; more would crowd an emergency card."""
    source = context.resolver.get_source(sign.sources[0]) if sign.sources else None
    return context.get_citation_number(source) if source else 0


def render_emergency_signs(
    timing: str, context: RenderContext, *, is_page_top: bool = False
) -> tuple[SafeString, list[Node]]:
    """Return the emergency signs in short form and one line about calling us, and their nodes.

    ``is_page_top``: for the top of a page, with a link to the full list if the page has one.
    """
    signs = [sign for sign in context.resolver.get_warning_signs(timing)[0] if sign.level == SignLevel.EMERGENCY]
    if not signs:
        return SafeString(""), []
    emergency, emergency_href = context.resolver.get_phone("clinic.emergency_number")
    day = context.resolver.get_phone("clinic.phone")
    night = context.resolver.get_phone("clinic.after_hours_phone")
    texts = [sign.short or sign.text for sign in signs]
    title = _insert_phones(
        str(EMERGENCY_TITLE), call=(gettext("Call %(number)s") % {"number": emergency}, emergency_href)
    )
    if night != day:
        line = gettext("For other warning signs, call %(day)s, or %(night)s when we're closed.")
    else:
        line = gettext("For other warning signs, call %(day)s, day or night.")
    runs = _insert_phones(line, day=day, night=night) if day[0] else []
    if is_page_top and context.signs_timing:
        runs += [Run(" "), link_run(gettext("See all warning signs."), f"#{ANCHOR}")]
    html = render_component(
        "warning_signs_short",
        signs=texts,
        title=_to_line(_keep_last_sentence_together(title)),
        line=_to_line(runs),
        is_top=is_page_top,
    )
    entries: list[Node] = [ListItem(nodes=[text_paragraph(text)]) for text in texts]
    return html, [Paragraph(runs=title), List(nodes=entries), Paragraph(runs=runs)]


register(
    BlockType(
        name="warning-signs",
        syntax="::: warning-signs before (or after, both) [short]",
        help=_(
            "the warning signs for pages read before a procedure or without one, after one, or both: grouped by level, "
            "each with what to do and the clinic's numbers; once per page. With short: the emergency signs in a few "
            "words, and one line about calling us. Every topic and guide prints the short form at the top automatically"
        ),
        example="::: warning-signs both",
        label=_("Warning signs"),
        keywords=_("911 emergency red flag danger when to call"),
        component=COMPONENT,
        options=Options.NAMES,
        fields=(
            BlockField("when", _("When do people read this page?"), "choice", TIMINGS, default=SignTiming.BOTH),
            BlockField(SHORT, _("Only the emergency signs, in a few words"), "flag", is_required=False),
        ),
        group=Group.ADVICE,
        dialog="signs",
        button=_("Warning signs…"),
        button_order=40,
        more_examples={"short": "::: warning-signs both short"},
        resolve=_resolve,
        to_text=lambda _block, values: values["nodes"],
    )
)
