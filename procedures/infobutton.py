"""Finding pages by clinical code for health record systems (HL7 Infobutton, URL-based).

Parameter names and response formats are those of MedlinePlus Connect, which such systems already support; the pages are
the clinic's own.
"""

import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from django.conf import settings
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Length, Replace, Upper
from django.utils import timezone
from django.utils.html import escape

from portal.text import remove_illegal_xml_characters
from procedures.enums import HIERARCHICAL_SYSTEMS, CodeSystem
from procedures.languages import language_of_infobutton
from procedures.models import ClinicalCode, Page, ReleaseEvent

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
# MedlinePlus Connect also accepts codes for drugs, lab tests, and procedures. No page of this site has such a code, so
# the response is an empty feed instead of an error.
UNSUPPORTED_SYSTEMS = {
    "2.16.840.1.113883.6.88": "RxNorm",
    "2.16.840.1.113883.6.69": "NDC",
    "2.16.840.1.113883.6.1": "LOINC",
    "2.16.840.1.113883.6.4": "ICD-10-PCS",
    "2.16.840.1.113883.6.104": "ICD-9-CM procedures",
    "2.16.840.1.113883.6.285": "HCPCS",
    "2.16.840.1.113883.12.292": "CVX",
}
XML_TYPE, JSON_TYPE, JAVASCRIPT_TYPE = "text/xml", "application/json", "application/javascript"
JAVASCRIPT_NAME_RE = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,63}(?:\.[A-Za-z_$][A-Za-z0-9_$]{0,63}){0,3}\Z")
MAX_PARAM_LENGTH = 200
ICD_CATEGORY_LENGTH = 3  # characters of an ICD category; anything shorter is too broad to match
ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"


class BadRequestError(ValueError):
    """The request is invalid. The message is for the person who configures the health record system."""


@dataclass(frozen=True, slots=True)
class InfobuttonRequest:
    """A valid request. ``code`` has only digits and capitals; ``system`` is a CodeSystem or an unsupported name."""

    system: str
    code: str
    name: str
    language: str


def parse_response_format(params: Mapping[str, str]) -> tuple[str, str]:
    """Return the media type and the name of the JavaScript callback; raise BadRequestError if they are invalid."""
    media_type = params.get(FORMAT_PARAM, XML_TYPE).strip().lower() or XML_TYPE
    if media_type not in {XML_TYPE, JSON_TYPE, JAVASCRIPT_TYPE}:
        raise BadRequestError(f"{FORMAT_PARAM} must be {XML_TYPE}, {JSON_TYPE} or {JAVASCRIPT_TYPE}.")
    callback = params.get(CALLBACK_PARAM, "")
    if media_type == JAVASCRIPT_TYPE and not JAVASCRIPT_NAME_RE.match(callback):
        raise BadRequestError(f"{CALLBACK_PARAM} must be the name of a JavaScript function.")
    return media_type, callback if media_type == JAVASCRIPT_TYPE else ""


def parse_request(params: Mapping[str, str]) -> InfobuttonRequest:
    """Parse the query parameters, ignoring unknown ones; raise BadRequestError if one is missing or too long."""
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
    # Drugs can be requested by name alone.
    if not code and not (oid in UNSUPPORTED_SYSTEMS and name):
        raise BadRequestError(f"{CODE_PARAM} is missing. Send the code, such as M80.08XA.")
    return InfobuttonRequest(system, code, name, language_of_infobutton(params.get(LANGUAGE_PARAM, "")))


def strip_illegal_xml(params: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters without characters that XML 1.0 forbids, because every response format echoes them."""
    return {name: remove_illegal_xml_characters(value) for name, value in params.items()}


def matching_codes(request: InfobuttonRequest) -> list[str]:
    """Return the codes that match, without dots: the code itself and, for ICD, every prefix."""
    if request.system not in HIERARCHICAL_SYSTEMS:
        return [request.code]
    return [request.code[:length] for length in range(ICD_CATEGORY_LENGTH, len(request.code) + 1)]


def find_pages(request: InfobuttonRequest) -> list[Page]:
    """Return the public pages with the longest matching code, best rank first. One query."""
    # Compared without dots and case, because codes that were saved by an earlier version can be in any spelling.
    rows = (
        ClinicalCode.objects.annotate(plain=Upper(Replace(Replace("code", Value(".")), Value(" "))))
        .filter(system=request.system, plain__in=matching_codes(request), subject=OuterRef("subject"))
        .annotate(length=Length("plain"))
        .order_by("-length", "rank")
    )
    pages: list[Any] = list(
        Page.objects.for_cards(request.language)
        .annotate(
            matched=Subquery(rows.values("code")[:1]),
            matched_length=Subquery(rows.values("length")[:1]),
            rank=Subquery(rows.values("rank")[:1]),
        )
        .filter(matched__isnull=False)
    )
    longest = max((page.matched_length for page in pages), default=0)
    return sorted(
        (page for page in pages if page.matched_length == longest), key=lambda page: (page.rank, page.order, page.pk)
    )


def build_feed(
    params: Mapping[str, str], request: InfobuttonRequest, pages: list[Page], clinic_name: str
) -> dict[str, Any]:
    """Return the response as JSON data in the format of MedlinePlus Connect."""
    releases = [page.live_release for page in pages if page.live_release]
    newest = max((release.published_at for release in releases), default=None) or _last_change()
    return {
        "feed": {
            "xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "base": f"{settings.PUBLIC_URL}/",
            "lang": request.language,
            "title": _feed_text(clinic_name),
            "subtitle": _feed_text(f"{clinic_name}: patient education"),
            "author": {"name": _feed_value(clinic_name), "uri": _feed_value(f"{settings.PUBLIC_URL}/")},
            "updated": _feed_value(newest.isoformat(timespec="seconds")),
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


def _last_change() -> datetime.datetime:
    """Return when the public pages last changed, which is when an empty feed was updated (RFC 4287 requires a date)."""
    return ReleaseEvent.objects.public().values_list("created_at", flat=True).first() or timezone.now()


def _feed_value(text: str) -> dict[str, str]:
    return {"_value": text}


def _feed_text(text: str) -> dict[str, str]:
    return {"_value": text, "type": "text"}


def render_json(data: dict[str, Any], callback: str) -> str:
    """Return JSON, or if ``callback`` is not empty, a script that calls it (JSONP)."""
    text = json.dumps(data, ensure_ascii=False)
    if not callback:
        return text
    # Old JavaScript engines treat these two separators as line ends. The leading comment prevents attacks that make a
    # plugin interpret the first bytes of the response as another format.
    return f"/**/{callback}({text.replace(chr(0x2028), '').replace(chr(0x2029), '')});"


def render_atom(data: dict[str, Any]) -> str:
    """Return the feed of ``build_feed`` as Atom."""
    feed = data["feed"]
    root = ElementTree.Element("feed", {"xmlns": ATOM_NAMESPACE, "xml:base": feed["base"], "xml:lang": feed["lang"]})
    _append_atom_elements(root, feed, ("title", "subtitle", "updated", "id"))
    author = ElementTree.SubElement(root, "author")
    _append_atom_elements(author, feed["author"], ("name", "uri"))
    for category in feed["category"]:
        ElementTree.SubElement(
            root, "category", {name: remove_illegal_xml_characters(value) for name, value in category.items()}
        )
    for item in feed["entry"]:
        entry = ElementTree.SubElement(root, "entry", {"xml:lang": item["lang"]})
        _append_atom_elements(entry, item, ("title", "id", "updated", "summary"))
        for link in item["link"]:
            ElementTree.SubElement(
                entry, "link", {**link, "title": remove_illegal_xml_characters(link["title"]), "type": "text/html"}
            )
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def render_error_xml(message: str) -> str:
    """Return an error message as XML."""
    root = ElementTree.Element("error")
    root.text = remove_illegal_xml_characters(message)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _append_atom_elements(parent: ElementTree.Element, values: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        attributes = {"type": values[name]["type"]} if "type" in values[name] else {}
        ElementTree.SubElement(parent, name, attributes).text = remove_illegal_xml_characters(values[name]["_value"])
