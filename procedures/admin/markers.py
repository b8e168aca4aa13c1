"""A picture with its marks exactly as patients see it, as a document of its own for a frame."""

from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.forms.models import fields_for_model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.utils import translation
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.text import normalize
from procedures import languages
from procedures.admin.base import parse_int_or_zero, render_admin, rewrite_media_urls
from procedures.admin.figure_forms import validate_text_row
from procedures.admin.json_api import json_error, staff_json_view
from procedures.enums import Language, MarkerShape
from procedures.figures.markers.annotations import (
    ANNOTATION_CONTENT_TYPE,
    MAX_ANNOTATION_BYTES,
    MAX_KEY_LENGTH,
    MAX_MARKERS,
    InvalidAnnotationsError,
    build_annotation_page,
    make_unique_key,
    parse_annotations,
)
from procedures.figures.markers.checks import Background, MarkerIssue, check_markers, load_backgrounds
from procedures.figures.markers.data import (
    AREA_SHAPES,
    COORDINATE_DIGITS,
    COORDINATE_FIELDS,
    MarkerData,
    MarkersChangedError,
    MarkerTextData,
    describe_changes,
    image_hash,
    load_markers,
    markers_version,
    save_markers,
)
from procedures.figures.presenters import DRAWING_SIZE, build_figure_context, number_markers
from procedures.models import Figure, MarkerText
from procedures.validators import validate_plain_text, validate_slug


def render_figure_preview(figure: Figure, language: str, markers: list[MarkerData] | None = None) -> str:
    """HTML in the public stylesheet, with ``marks`` in place of the saved ones. Expects what figure_view() expects."""
    view = build_figure_context(figure, language)
    if markers is not None:
        view = replace(view, markers=number_markers(markers, language))
    values = {name: getattr(view, name) for name in view.__slots__} | {"dom_id": "fig"}
    with translation.override(language):
        html = render_to_string("admin/procedures/figure/preview.html", {"figure": values, "language": language})
    return rewrite_media_urls(html)


FORM_PREFIX = "marks"
# More rows than any browser has to send: nothing is looked at then.
MAX_FORMS = 4 * MAX_MARKERS
MAX_LABEL_LENGTH, MAX_TEXT_LENGTH = (
    field.max_length
    for field in fields_for_model(MarkerText, ("label", "text")).values()
    if isinstance(field, forms.CharField)
)
FIELD_GROUPS = (
    ("disc", "Disc", "Move the disc", ("x", "y")),
    ("target", "What it points at", "Move the target", ("target_x", "target_y")),
    ("size", "Size of the shape", "Change the size", ("width", "height")),
)
PERCENT_RANGE_MESSAGE = "Write a number from 0 to 100."


@dataclass(frozen=True, slots=True)
class MarkerContext:
    """What marks are checked against: the figure, what lies under them, languages whose readers see them."""

    figure: Figure
    backdrops: list[Background]
    missing_files: list[str]
    aspect_ratio: float
    languages: list[str]

    @classmethod
    def for_figure(cls, figure: Figure) -> "MarkerContext":
        """Expects ``texts`` and ``renditions`` prefetched."""
        size = (figure.width, figure.height) if figure.image else (DRAWING_SIZE, DRAWING_SIZE)
        written = sorted(text.language for text in figure.texts.all()) or [languages.DEFAULT]
        return cls(figure, *load_backgrounds(figure), size[1] / max(1, size[0]), written)

    def check_markers(self, markers: list[MarkerData]) -> list[MarkerIssue]:
        """See mark_checks."""
        return check_markers(markers, aspect=self.aspect_ratio, backgrounds=self.backdrops)


class PercentField(forms.FloatField):
    """Shows 37.21 where a mark holds 0.3721."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        widget = forms.NumberInput(attrs={"step": "any", "class": "marker-coordinate", "inputmode": "decimal"})
        super().__init__(label=label, min_value=0, max_value=100, widget=widget, **kwargs)
        for validator in self.validators:
            validator.message = PERCENT_RANGE_MESSAGE  # type: ignore[attr-defined]
        self.error_messages |= {"invalid": PERCENT_RANGE_MESSAGE, "required": PERCENT_RANGE_MESSAGE}

    def prepare_value(self, value: Any) -> Any:
        """A part as per cent; what was typed stays as typed."""
        return f"{value * 100:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else value

    def clean(self, value: Any) -> float | None:
        """Per cent as a part."""
        found = super().clean(value.replace(",", ".") if isinstance(value, str) else value)
        return None if found is None else round(found / 100, COORDINATE_DIGITS)


class SingleLineField(forms.CharField):
    """Words without line breaks and double spaces."""

    def __init__(self, label: str, max_length: int | None, *, is_multiline: bool = False) -> None:
        widget = forms.Textarea(attrs={"rows": 3}) if is_multiline else forms.TextInput()
        super().__init__(
            label=label, required=False, max_length=max_length, widget=widget, validators=[validate_plain_text]
        )

    def to_python(self, value: Any) -> str:
        """One line."""
        return " ".join(normalize(super().to_python(value) or "").split())


class MarkerForm(forms.Form):
    """One mark. Its key stays for ever, and is made by us."""

    number = forms.IntegerField(label="Number", required=False, min_value=1, max_value=999)
    deleted = forms.BooleanField(label="Delete this marker", required=False)
    key = forms.CharField(
        max_length=MAX_KEY_LENGTH, required=False, widget=forms.HiddenInput, validators=[validate_slug]
    )
    shape = forms.ChoiceField(label="Shape", choices=MarkerShape.choices, initial=MarkerShape.POINT)
    x = PercentField("% from the left")
    y = PercentField("% from the top")
    target_x = PercentField("% from the left")
    target_y = PercentField("% from the top")
    width = PercentField("Width, %", required=False)
    height = PercentField("Height, %", required=False)

    def __init__(self, *args: Any, languages: list[str], **kwargs: Any) -> None:
        # The empty row must not keep a browser from sending the form.
        super().__init__(*args, **{"use_required_attribute": False, "label_suffix": "", **kwargs})
        self.languages = languages
        for code in Language.values:
            self.fields[f"label_{code}"] = SingleLineField("Label", MAX_LABEL_LENGTH)
            self.fields[f"text_{code}"] = SingleLineField("Explanation", MAX_TEXT_LENGTH, is_multiline=True)
            for name in (f"label_{code}", f"text_{code}"):
                self.fields[name].widget.attrs["lang"] = code

    @property
    def language_fields(self) -> list[dict[str, Any]]:
        """For the template: a pair of fields for each language."""
        return [
            {
                "code": code,
                "name": name,
                "label": self[f"label_{code}"],
                "text": self[f"text_{code}"],
                "is_required": code in self.languages,
            }
            for code, name in Language.choices
        ]

    @property
    def field_groups(self) -> list[dict[str, Any]]:
        """For the template: places that belong together."""
        return [
            {"part": part, "title": title, "button": button, "fields": [self[name] for name in names]}
            for part, title, button, names in FIELD_GROUPS
        ]

    def clean(self) -> dict[str, Any]:
        """A label for everybody who sees the picture; a size for a shape that has one."""
        values = super().clean() or self.cleaned_data
        for code in Language.values:
            if f"label_{code}" in self.errors or values.get(f"label_{code}"):
                continue
            if code in self.languages:
                self.add_error(f"label_{code}", f"Write what this marker shows, in {Language(code).label}.")
            elif values.get(f"text_{code}"):
                self.add_error(f"label_{code}", "Write a label for this explanation.")
        for code, words in self._get_texts(values).items():
            validate_text_row(self, MarkerText(language=code, label=words.label, text=words.text))
        if values.get("shape") in AREA_SHAPES:
            for name in ("width", "height"):
                if name not in self.errors and not values.get(name):
                    self.add_error(name, "Write how large the shape is, more than 0.")
        return values

    @property
    def has_content(self) -> bool:
        """Whether anybody wrote into this row."""
        told = [name for name in self.fields if name not in {"number", "deleted", "key", "shape"}]
        return any(str(self[name].data or "").strip() for name in told)

    @property
    def is_deleted(self) -> bool:
        """Whether it is ticked to go, however wrong the rest of it is."""
        return bool(self.is_bound and self["deleted"].data)

    @property
    def sort_key(self) -> tuple[bool, int]:
        """Rows without a number come last, as they came."""
        text = str(self["number"].data or "")
        return (True, 0) if not (text.isascii() and text.isdigit() and len(text) < 4) else (False, int(text))

    def get_marker_data(self) -> MarkerData | None:
        """What was typed, None while its places are not right. Words may still be missing. Call is_valid() first."""
        said = self.cleaned_data
        if any(name in self.errors for name in ("key", "shape", *COORDINATE_FIELDS[:4], "width", "height")):
            return None
        part = {MarkerShape.CIRCLE: 0.5, MarkerShape.REGION: 1.0}.get(said["shape"], 0.0)
        places = {name: said[name] for name in COORDINATE_FIELDS[:4]}
        size = {
            f"size_{axis}": round((said[name] or 0.0) * part, COORDINATE_DIGITS)
            for axis, name in (("x", "width"), ("y", "height"))
        }
        return MarkerData(said["key"], said["shape"], **places, **size, texts=self._get_texts(said))

    def _get_texts(self, values: dict[str, Any]) -> dict[str, MarkerTextData]:
        return {
            code: MarkerTextData(values[f"label_{code}"], values.get(f"text_{code}", ""))
            for code in Language.values
            if values.get(f"label_{code}")
        }


class MarkerFormSet:
    """All marks of one picture. What is not sent is deleted; an empty row is none; ``blank`` is for one more."""

    def __init__(
        self, context: MarkerContext, *, data: QueryDict | None = None, saved: list[MarkerData] | None = None
    ) -> None:
        self.context = context
        self.is_complete = True
        self.forms: list[MarkerForm] = []
        total = self._parse_total(data) if data is not None else 0
        for index in range(total):
            form = self._build_form(index, data=data)
            if form.has_content:
                self.forms.append(form)
        self.forms.sort(key=lambda form: form.sort_key)
        for index, mark in enumerate(saved or []):
            self.forms.append(self._build_form(index, initial={**build_initial(mark), "number": index + 1}))
        self.total = max(total, len(self.forms)) + 1
        self.empty_form = self._build_form(self.total - 1)
        if data is not None:
            self._validate()

    def _parse_total(self, data: QueryDict) -> int:
        text = data.get(f"{FORM_PREFIX}-total", "")
        self.is_complete = text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= MAX_FORMS
        return int(text) if self.is_complete else 0

    def _build_form(self, index: int, **values: Any) -> MarkerForm:
        return MarkerForm(prefix=f"{FORM_PREFIX}-{index}", languages=self.context.languages, **values)

    @property
    def active_forms(self) -> list[MarkerForm]:
        """Rows that are not ticked to be deleted, in the order of their numbers."""
        return [form for form in self.forms if not form.is_deleted]

    @property
    def errors(self) -> list[str]:
        """All that forbids saving, row by row: “Marker 2: …”."""
        found = [
            f"Marker {place}: {sentence}"
            for place, form in enumerate(self.active_forms, start=1)
            for sentences in form.errors.values()
            for sentence in sentences
        ]
        too_many = len(self.active_forms) > MAX_MARKERS
        return ([f"A picture can have at most {MAX_MARKERS} markers. Delete some of them."] if too_many else []) + found

    def is_valid(self) -> bool:
        """Whether it may be saved so."""
        return self.is_complete and not self.errors

    def _validate(self) -> None:
        """Checks across marks, told at the mark that they are about."""
        if all(form.is_valid() for form in self.active_forms):
            for note in self.marker_notes():
                if note.is_blocking:
                    self.active_forms[note.index].add_error(None, note.message)

    def marker_notes(self) -> list[MarkerIssue]:
        """About rows whose places are known, with words or without; indexes are those of ``standing``."""
        drawn = self.get_placed_markers()
        places = [place for place, _ in drawn]
        found = self.context.check_markers([mark for _, mark in drawn])
        return [MarkerIssue(places[note.index], note.message, note.is_blocking) for note in found]

    def all_notes(self) -> list[MarkerIssue]:
        """Those, and what each row still lacks."""
        lacking = [
            MarkerIssue(index, str(sentence), is_blocking=True)
            for index, form in enumerate(self.active_forms)
            for name, sentences in form.errors.items()
            if name != NON_FIELD_ERRORS
            for sentence in sentences
        ]
        return lacking + self.marker_notes()

    def get_placed_markers(self) -> list[tuple[int, MarkerData]]:
        """Index in ``standing`` and values of every row whose places are right."""
        found = []
        for index, form in enumerate(self.active_forms):
            form.is_valid()
            if (mark := form.get_marker_data()) is not None:
                found.append((index, mark))
        return found

    def get_markers(self) -> list[MarkerData]:
        """All marks, each with a key of its own. Call it when is_valid()."""
        drawn = [mark for _, mark in self.get_placed_markers()]
        # The key of a later marker is not free for a new one.
        used = {mark.key for mark in drawn if mark.key}
        found: list[MarkerData] = []
        for place, mark in enumerate(drawn, start=1):
            taken = {other.key for other in found} | (set() if mark.key else used)
            key = make_unique_key(mark.key, mark.texts, place, taken)
            found.append(replace(mark, key=key))
        return found


def build_initial(marker: MarkerData) -> dict[str, Any]:
    """A saved mark as its row shows it."""
    rx, ry = marker.half_size
    places = {name: getattr(marker, name) for name in COORDINATE_FIELDS[:4]}
    words = {f"label_{code}": said.label for code, said in marker.texts.items()}
    words |= {f"text_{code}": said.text for code, said in marker.texts.items()}
    return {"key": marker.key, "shape": marker.shape, **places, "width": 2 * rx, "height": 2 * ry, **words}


def to_querydict(markers: list[MarkerData], context: MarkerContext) -> QueryDict:
    """Marks as a browser would send them: what came in from a file is checked exactly like what was typed."""
    data = QueryDict(mutable=True)
    data[f"{FORM_PREFIX}-total"] = str(len(markers))
    for index, mark in enumerate(markers):
        form = MarkerForm(initial={**build_initial(mark), "number": index + 1}, languages=context.languages)
        for bound in form:
            value = bound.value()
            data[f"{FORM_PREFIX}-{index}-{bound.name}"] = "" if value is None or value is False else str(value)
    return data


MARKERS_CHANGED_MESSAGE = (
    "Someone else changed these markers, or the picture, while you worked. Nothing is saved yet, and what you typed "
    "is still here. Look at the saved markers in another window, then save again to replace them with yours."
)
INCOMPLETE_FORM_MESSAGE = "The form came in incomplete, so nothing was saved. Load the page again."
# All marks with the longest words fit many times over.
MAX_FORM_BYTES = 1024 * 1024


def _get_figure(request: HttpRequest, figure_id: int) -> Figure:
    """The picture with everything the page shows; 404 and 403 as Django's own forms give them."""
    figure = Figure.objects.filter(pk=figure_id).prefetch_related("texts", "renditions", "markers__texts").first()
    if figure is None:
        raise Http404
    if not admin.site.get_model_admin(Figure).has_change_permission(request, figure):
        raise PermissionDenied
    return figure


@require_http_methods(["GET", "HEAD", "POST"])
def markers_view(request: HttpRequest, figure_id: int) -> HttpResponse:
    """The form. A refused save (400, or 409 after somebody else's) shows everything that was typed."""
    figure = _get_figure(request, figure_id)
    ground = MarkerContext.for_figure(figure)
    if request.method != "POST":
        return _render_markers(request, figure, MarkerFormSet(ground, saved=load_markers(figure)))
    rows = MarkerFormSet(ground, data=request.POST)
    if not rows.is_complete:
        return _render_markers(
            request,
            figure,
            MarkerFormSet(ground, saved=load_markers(figure)),
            errors=[INCOMPLETE_FORM_MESSAGE],
            status=400,
        )
    if not rows.is_valid():
        return _render_markers(
            request, figure, rows, errors=rows.errors, version=request.POST.get("version", ""), status=400
        )
    try:
        changes = save_markers(figure, rows.get_markers(), expected_version=request.POST.get("version", ""))
    except MarkersChangedError:
        return _render_markers(request, figure, rows, errors=[MARKERS_CHANGED_MESSAGE], status=409)
    _record_changes(request, figure, changes)
    return HttpResponseRedirect(request.path)


def _record_changes(request: HttpRequest, figure: Figure, changes: list[str]) -> None:
    """After a save: history, what happened, which public pages print the old marks."""
    if not changes:
        messages.info(request, "Nothing was changed.")
        return
    model_admin: Any = admin.site.get_model_admin(Figure)
    model_admin.log_change(request, figure, f"Markers. {'; '.join(changes)}."[:1000])
    messages.success(request, "Markers saved.")
    model_admin.message_stale_pages(request, figure)


def _render_markers(
    request: HttpRequest,
    figure: Figure,
    formset: MarkerFormSet,
    *,
    errors: list[str] | None = None,
    version: str | None = None,
    status: int = 200,
    **extra_context: Any,
) -> HttpResponse:
    """``version``: what the typed marks replace; without it what is saved now."""
    saved = load_markers(figure)
    drawn = (
        [mark for _, mark in formset.get_placed_markers()] if any(form.is_bound for form in formset.forms) else saved
    )
    view = build_figure_context(figure, formset.context.languages[0])
    view = replace(view, large_href=rewrite_media_urls(view.large_href))
    context = {
        "figure": figure,
        "view": view,
        "formset": formset,
        "missing_files": formset.context.missing_files,
        "errors": errors or [],
        "has_unsaved_changes": status != 200 or bool(extra_context),
        "version": markers_version(figure, saved) if version is None else version,
        "previews": [
            (code, Language(code).label, render_figure_preview(figure, code, drawn))
            for code in formset.context.languages
        ],
        "max_bytes": MAX_ANNOTATION_BYTES,
        **extra_context,
    }
    return render_admin(request, "figure/markers", context, title=f"Markers on “{view.title}”", status=status)


@staff_json_view("procedures.change_figure", method="POST", max_bytes=MAX_FORM_BYTES)
def markers_preview_view(request: HttpRequest) -> JsonResponse:
    """The public rendering of what is typed, in each language, and the notes on each row. Saves nothing."""
    found = Figure.objects.filter(pk=parse_int_or_zero(request.POST.get("figure", "")))
    figure = found.prefetch_related("texts", "renditions", "markers__texts").first()
    if figure is None:
        return json_error(404, "This picture is gone.")
    rows = MarkerFormSet(MarkerContext.for_figure(figure), data=request.POST)
    drawn = [mark for _, mark in rows.get_placed_markers()]
    pages = {code: render_figure_preview(figure, code, drawn) for code in rows.context.languages}
    notes = [{"mark": note.index, "sentence": note.message} for note in rows.all_notes()]
    return JsonResponse({"pages": pages, "notes": notes})


@require_safe
def markers_download_view(request: HttpRequest, figure_id: int) -> HttpResponse:
    """The saved marks as a W3C Web Annotation page."""
    figure = _get_figure(request, figure_id)
    answer = JsonResponse(
        build_annotation_page(figure, load_markers(figure)),
        content_type=ANNOTATION_CONTENT_TYPE,
        json_dumps_params={"ensure_ascii": False, "indent": 1},
    )
    answer["Content-Disposition"] = f'attachment; filename="{figure.slug}-marks.jsonld"'
    return answer


@require_POST
def markers_import_view(request: HttpRequest, figure_id: int) -> HttpResponse:
    """Marks from a file, in the form and as patients would see them. The form's own button saves them."""
    figure = _get_figure(request, figure_id)
    ground, saved = MarkerContext.for_figure(figure), load_markers(figure)
    upload = request.FILES.get("file")
    try:
        if upload is None:
            raise InvalidAnnotationsError("Choose a markers file first.")
        # One byte more than allowed is enough to see that it is too much.
        found = parse_annotations(upload.read(MAX_ANNOTATION_BYTES + 1), image_hash=image_hash(figure))
    except InvalidAnnotationsError as error:
        status = 413 if upload is not None and (upload.size or 0) > MAX_ANNOTATION_BYTES else 400
        return _render_markers(request, figure, MarkerFormSet(ground, saved=saved), errors=[str(error)], status=status)
    rows = MarkerFormSet(ground, data=to_querydict(found.markers, ground))
    imported = {"changes": describe_changes(saved, found.markers), "notes": found.warnings}
    return _render_markers(request, figure, rows, errors=rows.errors, imported=imported)
