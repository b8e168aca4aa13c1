"""Requests of health-record systems by clinical code, in the form of MedlinePlus Connect (HL7 Infobutton, URL-based).

Parameter names and the shape of the answer are those that such systems already read; the pages are the clinic's own.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Length
from django.utils.html import escape

from portal.text import legal_xml
from procedures.enums import CodeSystem, Language
from procedures.models import ClinicalCode, Page

SYSTEM, CODE, NAME = "mainSearchCriteria.v.cs", "mainSearchCriteria.v.c", "mainSearchCriteria.v.dn"
LANGUAGE, FORMAT, CALLBACK = "informationRecipient.languageCode.c", "knowledgeResponseType", "callback"
SYSTEMS = {
    "2.16.840.1.113883.6.90": CodeSystem.ICD10CM,
    "2.16.840.1.113883.6.103": CodeSystem.ICD9CM,
    "2.16.840.1.113883.6.96": CodeSystem.SNOMED,
    "2.16.840.1.113883.6.12": CodeSystem.CPT,
}
# MedlinePlus Connect also accepts codes of drugs, laboratory tests, and procedures. No page of this site has such a
# code: a system that sends one gets an empty feed instead of an error.
WITHOUT_PAGES = {
    "2.16.840.1.113883.6.88": "RxNorm",
    "2.16.840.1.113883.6.69": "NDC",
    "2.16.840.1.113883.6.1": "LOINC",
    "2.16.840.1.113883.6.4": "ICD-10-PCS",
    "2.16.840.1.113883.6.104": "ICD-9-CM procedures",
    "2.16.840.1.113883.6.285": "HCPCS",
    "2.16.840.1.113883.12.292": "CVX",
}
# In these a code stands for all that begin with it.
HIERARCHIC = frozenset({CodeSystem.ICD10CM, CodeSystem.ICD9CM})
XML, JSON, JAVASCRIPT = "text/xml", "application/json", "application/javascript"
IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,63}(?:\.[A-Za-z_$][A-Za-z0-9_$]{0,63}){0,3}\Z")
LONGEST = 200
MIN_BLOCK = 3  # an ICD category has three signs; shorter ones are chapters
ATOM = "http://www.w3.org/2005/Atom"


class BadRequestError(ValueError):
    """The request cannot be answered. The message is a sentence for the person who configures the system."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that can be answered."""

    system: str
    code: str
    name: str
    language: str


def answer_format(values: Mapping[str, str]) -> tuple[str, str]:
    """Media type and callback. Raises BadRequestError."""
    kind = values.get(FORMAT, XML).strip().lower() or XML
    if kind not in {XML, JSON, JAVASCRIPT}:
        raise BadRequestError(f"{FORMAT} must be {XML}, {JSON} or {JAVASCRIPT}.")
    callback = values.get(CALLBACK, "")
    if kind == JAVASCRIPT and not IDENTIFIER.match(callback):
        raise BadRequestError(f"{CALLBACK} must be the name of a JavaScript function.")
    return kind, callback if kind == JAVASCRIPT else ""


def read_request(values: Mapping[str, str]) -> Request:
    """What is asked for. Unknown parameters are ignored; Raises BadRequestError for what is missing or too long."""
    for name in (SYSTEM, CODE, NAME, LANGUAGE):
        if len(values.get(name, "")) > LONGEST:
            raise BadRequestError(f"{name} is longer than {LONGEST} characters.")
    oid = values.get(SYSTEM, "").strip().lower().removeprefix("urn:oid:")
    system = SYSTEMS.get(oid) or WITHOUT_PAGES.get(oid)
    if system is None:
        raise BadRequestError(f"{SYSTEM} must be one of {', '.join([*SYSTEMS, *WITHOUT_PAGES])}.")
    code, name = re.sub(r"[^0-9A-Z]", "", values.get(CODE, "").upper()), values.get(NAME, "").strip()
    # Drugs may be asked for by name alone.
    if not code and not (oid in WITHOUT_PAGES and name):
        raise BadRequestError(f"{CODE} is missing. Send the code, such as M80.08XA.")
    return Request(system, code, name, read_language(values.get(LANGUAGE, "")))


def read_language(typed: str) -> str:
    """Spanish for ``es``, ``es-US``, and ``spa`` (the whole first subtag of RFC 5646), otherwise English."""
    primary = re.split(r"[-_]", typed.strip().lower(), maxsplit=1)[0]
    return Language.SPANISH if primary in {"es", "spa", "sp"} else Language.ENGLISH


def legal_values(values: Mapping[str, str]) -> dict[str, str]:
    """The parameters without characters that XML 1.0 forbids: every format repeats them."""
    return {name: legal_xml(value) for name, value in values.items()}


def spellings(request: Request) -> list[str]:
    """Codes of our rows that would answer: the code itself and, for ICD, every beginning of it, dotted or not."""
    if request.system not in HIERARCHIC:
        return [request.code]
    beginnings = [request.code[:length] for length in range(MIN_BLOCK, len(request.code) + 1)]
    dotted = [f"{code[:MIN_BLOCK]}.{code[MIN_BLOCK:]}" for code in beginnings if len(code) > MIN_BLOCK]
    return beginnings + dotted


def find_pages(request: Request) -> list[Page]:
    """Public pages for a code, best first: the longest matching code wins, then its rank. One query."""
    rows = (
        ClinicalCode.objects.filter(system=request.system, code__in=spellings(request), subject=OuterRef("subject"))
        .annotate(length=Length("code"))
        .order_by("-length", "rank")
    )
    pages: list[Any] = list(
        Page.objects.for_cards(request.language)
        .annotate(matched=Subquery(rows.values("code")[:1]), rank=Subquery(rows.values("rank")[:1]))
        .filter(matched__isnull=False)
    )
    lengths = {page: len(page.matched.replace(".", "")) for page in pages}
    longest = max(lengths.values(), default=0)
    return sorted((p for p in pages if lengths[p] == longest), key=lambda page: (page.rank, page.order, page.pk))


def feed(values: Mapping[str, str], request: Request, pages: list[Page], clinic: str) -> dict[str, Any]:
    """The answer in the shape of MedlinePlus Connect's JSON."""
    releases = [page.live_release for page in pages if page.live_release]
    newest = max((release.published_at for release in releases), default=None)
    return {
        "feed": {
            "xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "base": f"{settings.PUBLIC_URL}/",
            "lang": request.language,
            "title": _text(clinic),
            "subtitle": _text(f"{clinic}: reading for patients"),
            "author": {"name": _value(clinic), "uri": _value(f"{settings.PUBLIC_URL}/")},
            "updated": _value(newest.isoformat(timespec="seconds") if newest else ""),
            "category": [{"scheme": name, "term": values.get(name, "")} for name in (CODE, SYSTEM, NAME, LANGUAGE)],
            "id": _value(f"{settings.PUBLIC_URL}/connect/service#{request.system}-{request.code}"),
            "entry": [
                {
                    "lang": page.language,
                    "title": _text(release.title),
                    "link": [
                        {
                            "title": release.title,
                            "rel": "alternate",
                            "type": "html",
                            "href": f"{settings.PUBLIC_URL}{release.path}",
                        }
                    ],
                    "id": _value(f"{settings.PUBLIC_URL}/p/{page.code}"),
                    "updated": _value(release.published_at.isoformat(timespec="seconds")),
                    "summary": {
                        "type": "html",
                        "_value": f"<p>{escape(release.key_message)}</p><p>{escape(release.description)}</p>",
                    },
                }
                for page in pages
                if (release := page.live_release)
            ],
        }
    }


def _value(text: str) -> dict[str, str]:
    return {"_value": text}


def _text(text: str) -> dict[str, str]:
    return {"_value": text, "type": "text"}


def to_json(data: dict[str, Any], callback: str = "") -> str:
    """JSON, or a script that calls ``callback`` with it."""
    text = json.dumps(data, ensure_ascii=False)
    if not callback:
        return text
    # The two line separators end a line in old JavaScript; the comment keeps other readers of the bytes out.
    return f"/**/{callback}({text.replace(chr(0x2028), '').replace(chr(0x2029), '')});"


def to_xml(data: dict[str, Any]) -> str:
    """The same feed as Atom."""
    source = data["feed"]
    root = ElementTree.Element("feed", {"xmlns": ATOM, "xml:base": source["base"], "xml:lang": source["lang"]})
    _atom(root, source, ("title", "subtitle", "updated", "id"))
    author = ElementTree.SubElement(root, "author")
    _atom(author, source["author"], ("name", "uri"))
    for category in source["category"]:
        ElementTree.SubElement(root, "category", {name: legal_xml(value) for name, value in category.items()})
    for item in source["entry"]:
        entry = ElementTree.SubElement(root, "entry", {"xml:lang": item["lang"]})
        _atom(entry, item, ("title", "id", "updated", "summary"))
        for link in item["link"]:
            ElementTree.SubElement(entry, "link", {**link, "title": legal_xml(link["title"]), "type": "text/html"})
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def error_xml(sentence: str) -> str:
    """What is wrong with a request, for a reader of XML."""
    root = ElementTree.Element("error")
    root.text = legal_xml(sentence)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _atom(parent: ElementTree.Element, values: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        attributes = {"type": values[name]["type"]} if "type" in values[name] else {}
        ElementTree.SubElement(parent, name, attributes).text = legal_xml(values[name]["_value"])
