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

from portal.text import remove_illegal_xml_characters
from procedures.enums import CodeSystem
from procedures.languages import language_of_infobutton
from procedures.models import ClinicalCode, Page

SYSTEM_PARAM, CODE_PARAM, NAME_PARAM = "mainSearchCriteria.v.cs", "mainSearchCriteria.v.c", "mainSearchCriteria.v.dn"
LANGUAGE_PARAM, FORMAT_PARAM, CALLBACK_PARAM = (
    "informationRecipient.languageCode.c",
    "knowledgeResponseType",
    "callback",
)
CODE_SYSTEMS_BY_OID = {
    "2.16.840.1.113883.6.90": CodeSystem.ICD10CM,
    "2.16.840.1.113883.6.103": CodeSystem.ICD9CM,
    "2.16.840.1.113883.6.96": CodeSystem.SNOMED,
    "2.16.840.1.113883.6.12": CodeSystem.CPT,
}
# MedlinePlus Connect also accepts codes of drugs, laboratory tests, and procedures. No page of this site has such a
# code: a system that sends one gets an empty feed instead of an error.
UNSUPPORTED_SYSTEMS = {
    "2.16.840.1.113883.6.88": "RxNorm",
    "2.16.840.1.113883.6.69": "NDC",
    "2.16.840.1.113883.6.1": "LOINC",
    "2.16.840.1.113883.6.4": "ICD-10-PCS",
    "2.16.840.1.113883.6.104": "ICD-9-CM procedures",
    "2.16.840.1.113883.6.285": "HCPCS",
    "2.16.840.1.113883.12.292": "CVX",
}
# In these a code stands for all that begin with it.
HIERARCHICAL_SYSTEMS = frozenset({CodeSystem.ICD10CM, CodeSystem.ICD9CM})
XML_TYPE, JSON_TYPE, JAVASCRIPT_TYPE = "text/xml", "application/json", "application/javascript"
JAVASCRIPT_NAME_RE = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,63}(?:\.[A-Za-z_$][A-Za-z0-9_$]{0,63}){0,3}\Z")
MAX_PARAM_LENGTH = 200
ICD_CATEGORY_LENGTH = 3  # an ICD category has three signs; shorter ones are chapters
ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"


class BadRequestError(ValueError):
    """The request cannot be answered. The message is a sentence for the person who configures the system."""


@dataclass(frozen=True, slots=True)
class InfobuttonRequest:
    """A request that can be answered."""

    system: str
    code: str
    name: str
    language: str


def parse_response_format(params: Mapping[str, str]) -> tuple[str, str]:
    """Media type and callback. Raises BadRequestError."""
    kind = params.get(FORMAT_PARAM, XML_TYPE).strip().lower() or XML_TYPE
    if kind not in {XML_TYPE, JSON_TYPE, JAVASCRIPT_TYPE}:
        raise BadRequestError(f"{FORMAT_PARAM} must be {XML_TYPE}, {JSON_TYPE} or {JAVASCRIPT_TYPE}.")
    callback = params.get(CALLBACK_PARAM, "")
    if kind == JAVASCRIPT_TYPE and not JAVASCRIPT_NAME_RE.match(callback):
        raise BadRequestError(f"{CALLBACK_PARAM} must be the name of a JavaScript function.")
    return kind, callback if kind == JAVASCRIPT_TYPE else ""


def parse_request(params: Mapping[str, str]) -> InfobuttonRequest:
    """What is asked for. Unknown parameters are ignored; Raises BadRequestError for what is missing or too long."""
    for name in (SYSTEM_PARAM, CODE_PARAM, NAME_PARAM, LANGUAGE_PARAM):
        if len(params.get(name, "")) > MAX_PARAM_LENGTH:
            raise BadRequestError(f"{name} is longer than {MAX_PARAM_LENGTH} characters.")
    oid = params.get(SYSTEM_PARAM, "").strip().lower().removeprefix("urn:oid:")
    system = CODE_SYSTEMS_BY_OID.get(oid) or UNSUPPORTED_SYSTEMS.get(oid)
    if system is None:
        raise BadRequestError(
            f"{SYSTEM_PARAM} must be one of {', '.join([*CODE_SYSTEMS_BY_OID, *UNSUPPORTED_SYSTEMS])}."
        )
    code, name = re.sub(r"[^0-9A-Z]", "", params.get(CODE_PARAM, "").upper()), params.get(NAME_PARAM, "").strip()
    # Drugs may be asked for by name alone.
    if not code and not (oid in UNSUPPORTED_SYSTEMS and name):
        raise BadRequestError(f"{CODE_PARAM} is missing. Send the code, such as M80.08XA.")
    return InfobuttonRequest(system, code, name, language_of_infobutton(params.get(LANGUAGE_PARAM, "")))


def strip_illegal_xml(params: Mapping[str, str]) -> dict[str, str]:
    """The parameters without characters that XML 1.0 forbids: every format repeats them."""
    return {name: remove_illegal_xml_characters(value) for name, value in params.items()}


def matching_codes(request: InfobuttonRequest) -> list[str]:
    """Codes of our rows that would answer: the code itself and, for ICD, every beginning of it, dotted or not."""
    if request.system not in HIERARCHICAL_SYSTEMS:
        return [request.code]
    beginnings = [request.code[:length] for length in range(ICD_CATEGORY_LENGTH, len(request.code) + 1)]
    dotted = [
        f"{code[:ICD_CATEGORY_LENGTH]}.{code[ICD_CATEGORY_LENGTH:]}"
        for code in beginnings
        if len(code) > ICD_CATEGORY_LENGTH
    ]
    return beginnings + dotted


def find_pages(request: InfobuttonRequest) -> list[Page]:
    """Public pages for a code, best first: the longest matching code wins, then its rank. One query."""
    rows = (
        ClinicalCode.objects.filter(
            system=request.system, code__in=matching_codes(request), subject=OuterRef("subject")
        )
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


def build_feed(
    params: Mapping[str, str], request: InfobuttonRequest, pages: list[Page], clinic_name: str
) -> dict[str, Any]:
    """The answer in the shape of MedlinePlus Connect's JSON."""
    releases = [page.live_release for page in pages if page.live_release]
    newest = max((release.published_at for release in releases), default=None)
    return {
        "feed": {
            "xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "base": f"{settings.PUBLIC_URL}/",
            "lang": request.language,
            "title": _feed_text(clinic_name),
            "subtitle": _feed_text(f"{clinic_name}: reading for patients"),
            "author": {"name": _feed_value(clinic_name), "uri": _feed_value(f"{settings.PUBLIC_URL}/")},
            "updated": _feed_value(newest.isoformat(timespec="seconds") if newest else ""),
            "category": [
                {"scheme": name, "term": params.get(name, "")}
                for name in (CODE_PARAM, SYSTEM_PARAM, NAME_PARAM, LANGUAGE_PARAM)
            ],
            "id": _feed_value(f"{settings.PUBLIC_URL}/connect/service#{request.system}-{request.code}"),
            "entry": [
                {
                    "lang": page.language,
                    "title": _feed_text(release.title),
                    "link": [
                        {
                            "title": release.title,
                            "rel": "alternate",
                            "type": "html",
                            "href": f"{settings.PUBLIC_URL}{release.path}",
                        }
                    ],
                    "id": _feed_value(f"{settings.PUBLIC_URL}/p/{page.code}"),
                    "updated": _feed_value(release.published_at.isoformat(timespec="seconds")),
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


def _feed_value(text: str) -> dict[str, str]:
    return {"_value": text}


def _feed_text(text: str) -> dict[str, str]:
    return {"_value": text, "type": "text"}


def render_json(data: dict[str, Any], callback: str = "") -> str:
    """JSON, or a script that calls ``callback`` with it."""
    text = json.dumps(data, ensure_ascii=False)
    if not callback:
        return text
    # The two line separators end a line in old JavaScript; the comment keeps other readers of the bytes out.
    return f"/**/{callback}({text.replace(chr(0x2028), '').replace(chr(0x2029), '')});"


def render_atom(data: dict[str, Any]) -> str:
    """The same feed as Atom."""
    source = data["feed"]
    root = ElementTree.Element(
        "feed", {"xmlns": ATOM_NAMESPACE, "xml:base": source["base"], "xml:lang": source["lang"]}
    )
    _append_atom_elements(root, source, ("title", "subtitle", "updated", "id"))
    author = ElementTree.SubElement(root, "author")
    _append_atom_elements(author, source["author"], ("name", "uri"))
    for category in source["category"]:
        ElementTree.SubElement(
            root, "category", {name: remove_illegal_xml_characters(value) for name, value in category.items()}
        )
    for item in source["entry"]:
        entry = ElementTree.SubElement(root, "entry", {"xml:lang": item["lang"]})
        _append_atom_elements(entry, item, ("title", "id", "updated", "summary"))
        for link in item["link"]:
            ElementTree.SubElement(
                entry, "link", {**link, "title": remove_illegal_xml_characters(link["title"]), "type": "text/html"}
            )
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def render_error_xml(message: str) -> str:
    """What is wrong with a request, for a reader of XML."""
    root = ElementTree.Element("error")
    root.text = remove_illegal_xml_characters(message)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _append_atom_elements(parent: ElementTree.Element, values: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        attributes = {"type": values[name]["type"]} if "type" in values[name] else {}
        ElementTree.SubElement(parent, name, attributes).text = remove_illegal_xml_characters(values[name]["_value"])
