"""Export and import of markers as W3C Web Annotations."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procedures.enums import MarkerShape
from procedures.figures.markers.annotations import (
    JSONLD_CONTEXT,
    MAX_MARKERS,
    InvalidAnnotationsError,
    build_annotation_page,
    media_fragment,
    parse_annotations,
)
from procedures.figures.markers.data import AREA_SHAPES, MarkerData, MarkerTextData, round_coordinates
from procedures.models import Figure
from tests.factories import make_figure

PICTURE = "ab" * 32


def drawing() -> Figure:
    """An unsaved figure, whose image hash comes from its drawing."""
    figure = Figure(pk=1, slug="needle", drawing=f"figures/{PICTURE}.svg")
    figure._prefetched_objects_cache = {"renditions": []}  # type: ignore[attr-defined]
    return figure


def mark(shape: str = "point", **values: Any) -> MarkerData:
    places = {"x": 0.2, "y": 0.25, "target_x": 0.5, "target_y": 0.5, **values}
    words = {"en": MarkerTextData("Tip", "The end."), "es": MarkerTextData("Punta")}
    return MarkerData("tip", shape, **{"texts": words, **places})


def there_and_back(marks: list[MarkerData]) -> list[MarkerData]:
    data = json.dumps(build_annotation_page(drawing(), marks), ensure_ascii=False).encode()
    found = parse_annotations(data, image_hash=PICTURE)
    assert found.warnings == []
    return found.markers


@pytest.mark.parametrize(
    ("target_marker", "xywh"),
    [
        (mark(), "49.5,49.5,1,1"),
        (mark("arrow", target_x=0.0, target_y=1.0), "0,99.5,0.5,0.5"),
        (mark("circle", size_x=0.1, size_y=0.2), "40,30,20,40"),
        (mark("circle", size_x=0.1), "40,40,20,20"),
        (mark("region", size_x=0.3333, size_y=0.5), "33.335,25,33.33,50"),
    ],
)
def test_media_fragment_covers_the_target(target_marker: MarkerData, xywh: str) -> None:
    assert media_fragment(target_marker) == f"xywh=percent:{xywh}"


def test_exported_page_follows_the_annotation_model() -> None:
    page = build_annotation_page(drawing(), [mark("circle", size_x=0.1, size_y=0.2)])

    (item,) = page["items"]
    assert (page["@context"][0], page["type"], item["type"]) == (JSONLD_CONTEXT, "AnnotationPage", "Annotation")
    assert page["id"].endswith("/pictures/#needle-marks")
    assert item["id"].endswith("/pictures/#needle/tip")
    assert item["body"] == [
        {"type": "TextualBody", "purpose": "tagging", "value": "Tip", "language": "en", "format": "text/plain"},
        {"type": "TextualBody", "purpose": "describing", "value": "The end.", "language": "en", "format": "text/plain"},
        {"type": "TextualBody", "purpose": "tagging", "value": "Punta", "language": "es", "format": "text/plain"},
    ]
    assert [selector["type"] for selector in item["target"]["selector"]] == ["FragmentSelector", "SvgSelector"]
    assert item["target"]["selector"][1]["value"] == (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" preserveAspectRatio="none">'
        '<ellipse cx="50" cy="50" rx="10" ry="20"/><line x1="20" y1="25" x2="50" y2="50"/></svg>'
    )
    assert item["target"]["source"]["sha256"] == PICTURE


@pytest.mark.django_db
def test_source_is_the_largest_jpeg() -> None:
    figure = make_figure(size=(900, 300))

    source = build_annotation_page(figure, [mark()])["items"][0]["target"]["source"]

    assert source["id"].startswith("http") and source["id"].endswith("-800.jpeg")
    assert source["sha256"] == figure.sha256


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Co", "Cn")), max_size=60).map(
    lambda t: " ".join(t.split())
)
LABELS = TEXTS.filter(bool)
PLACE = st.floats(0, 1)


@st.composite
def any_mark(draw: Any, key: str) -> MarkerData:
    """Any marker that can be saved, at stored precision."""
    shape = draw(st.sampled_from(MarkerShape.values))
    target = [draw(PLACE), draw(PLACE)]
    size = [0.0, 0.0]
    if shape in AREA_SHAPES:
        halves = [draw(st.floats(0.001, 0.5)) for _ in target]
        target = [min(1 - half, max(half, place)) for place, half in zip(target, halves, strict=True)]
        size = halves if shape == MarkerShape.CIRCLE else [2 * half for half in halves]
    languages = draw(st.lists(st.sampled_from(["en", "es"]), min_size=1, unique=True).map(sorted))
    words = {code: MarkerTextData(draw(LABELS), draw(TEXTS)) for code in languages}
    return round_coordinates(MarkerData(key, shape, draw(PLACE), draw(PLACE), *target, *size, texts=words))


@st.composite
def valid_markers(draw: Any) -> list[MarkerData]:
    keys = draw(
        st.lists(st.from_regex(r"[a-z0-9]{1,12}(-[a-z0-9]{1,9}){0,2}", fullmatch=True), unique=True, max_size=6)
    )
    return [draw(any_mark(key)) for key in keys]


@given(valid_markers())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_exported_markers_are_imported_unchanged(marks: list[MarkerData]) -> None:
    found = there_and_back(marks)

    assert [(one.key, one.shape, one.texts) for one in found] == [(one.key, one.shape, one.texts) for one in marks]
    for one, other in zip(found, marks, strict=True):
        places = ("x", "y", "target_x", "target_y", "size_x", "size_y")
        assert [getattr(one, name) for name in places] == pytest.approx(
            [getattr(other, name) for name in places], abs=2e-6
        )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "type", "body", "target", "selector", "source", "sha256", "value", "language", "purpose", "styleClass"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(JSON, max_size=3))
@settings(max_examples=200, deadline=None)
def test_any_json_is_parsed_or_rejected_with_a_message(items: list[Any]) -> None:
    try:
        parse_annotations(json.dumps({"type": "AnnotationPage", "items": items}).encode(), image_hash=PICTURE)
    except InvalidAnnotationsError as error:
        assert str(error).endswith(".")


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_rejected_with_a_message(data: bytes) -> None:
    with pytest.raises(InvalidAnnotationsError):
        parse_annotations(data, image_hash=PICTURE)


def foreign(**changes: Any) -> dict[str, Any]:
    """An annotation as written by another tool."""
    return {
        "id": "#3f2a",
        "type": "Annotation",
        "body": {"type": "TextualBody", "value": "Needle", "purpose": "tagging"},
        "target": {
            "source": "https://example.org/x.jpg",
            "selector": {"type": "FragmentSelector", "value": "xywh=percent:10,20,30,40"},
        },
        **changes,
    }


def target(value: str, **more: Any) -> dict[str, Any]:
    return {"target": {"source": "x", "selector": [{"value": value}], **more}}


def read(*items: Any) -> list[MarkerData]:
    return parse_annotations(
        json.dumps({"type": "AnnotationPage", "items": items}).encode(), image_hash=PICTURE
    ).markers


def test_box_from_another_tool_becomes_a_region_with_a_label_next_to_it() -> None:
    (found,) = read(foreign())

    assert (found.key, found.shape, found.texts) == ("needle", "region", {"en": MarkerTextData("Needle")})
    assert (found.target_x, found.target_y, found.size_x, found.size_y) == (0.25, 0.4, 0.3, 0.4)
    assert (found.x, found.y) == (0.43, 0.4)


def test_file_without_image_hash_is_imported_with_a_warning() -> None:
    data = json.dumps({"type": "AnnotationPage", "items": [foreign(), foreign()]}).encode()

    found = parse_annotations(data, image_hash=PICTURE)

    assert len(found.warnings) == 1
    assert "does not say which picture" in found.warnings[0]
    assert [one.key for one in found.markers] == ["needle", "needle-2"]


@pytest.mark.parametrize(
    ("changes", "shape"),
    [
        ({"target": "https://example.org/x.jpg#xywh=percent:10,20,0,0"}, "point"),
        ({"target": [{"selector": {"value": "xywh=percent:10,20,1,1"}, "styleClass": "arrow"}]}, "arrow"),
        (target("xywh=percent:10,20,30,40", styleClass="circle"), "circle"),
        (target("xywh=percent:10,20,30,40", styleClass="arrow"), "region"),
        (target("xywh=percent:10,20,30,40", styleClass=["circle"]), "region"),
    ],
)
def test_shapes_from_other_tools(changes: dict[str, Any], shape: str) -> None:
    assert [found.shape for found in read(foreign(**changes))] == [shape]


def test_bodies_from_other_tools() -> None:
    bodies = [
        "Needle",
        {"value": "It is\nhollow.", "purpose": "commenting", "language": "en-GB"},
        {"value": "Aguja", "language": "ES"},
    ]

    (found,) = read(foreign(body=bodies))

    assert found.texts == {"en": MarkerTextData("Needle", "It is hollow."), "es": MarkerTextData("Aguja")}


def test_file_without_markers_is_rejected(subtests: pytest.Subtests) -> None:
    for data, sentence in [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe{}", "is not JSON"),
        (b"NaN", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"type": "AnnotationPage", "items": ["\\ud800"]}', "is not JSON"),
        (b"9" * 5000, "is not JSON"),
        (b"[]", "not a W3C annotation page"),
        (b'{"type": "AnnotationPage"}', "not a W3C annotation page"),
        (b'{"type": "Manifest", "items": []}', "not a W3C annotation page"),
        (b" " * (1024 * 1024 + 1), "larger than 1 MB"),
    ]:
        with subtests.test(data=data, sentence=sentence), pytest.raises(InvalidAnnotationsError, match=sentence):
            parse_annotations(data, image_hash=PICTURE)


def test_unreadable_marker_is_rejected(subtests: pytest.Subtests) -> None:
    for changes, sentence in [
        (
            {"target": {"source": {"sha256": "00"}, "selector": {"value": "xywh=percent:1,1,1,1"}}},
            "belong to another picture",
        ),
        (target("xywh=percent:90,20,30,40"), "Marker 1 of the file is outside the picture."),
        (target("xywh=percent:10,20,30,999999999999"), "is outside the picture"),
        (target("xywh=percent:-1,20,30,40"), "has no position in the form"),
        (target("xywh=pixel:10,20,30,40"), "has no position in the form"),
        (target("<svg><polygon points='1,1 2,2'/></svg>"), "has no position in the form"),
        (target('<!DOCTYPE svg [<!ENTITY a "b">]><svg/>'), "has no position in the form"),
        (
            target(
                '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><line x1="nan" y1="0" x2="1" y2="1"/></svg>'
            ),
            "has no position in the form",
        ),
        (
            target(
                '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><line x1="101" y1="0" x2="1" y2="1"/></svg>'
            ),
            "outside the picture",
        ),
        ({"target": None}, "has no target"),
        ({"target": ["a", "b"]}, "has no target, or more than one"),
        ({"body": 7}, "has a body that is not text"),
        ({"body": {"value": "Nadel", "language": "de"}}, "text in the language “de”. The portal has: en, es."),
        ({"body": ["one", "two", "three"]}, "two explanations in the language “en”"),
    ]:
        with subtests.test(changes=changes), pytest.raises(InvalidAnnotationsError, match=sentence):
            read(foreign(**changes))


def test_too_many_markers_are_rejected() -> None:
    with pytest.raises(InvalidAnnotationsError, match=f"contains {MAX_MARKERS + 1} markers"):
        read(*[foreign()] * (MAX_MARKERS + 1))
