"""The marker editor: its form, and a preview of the picture as patients see it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.forms.models import fields_for_model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from portal.text import normalize, parse_int_or_zero
from procedures import languages
from procedures.admin.base import (
    StrOrPromise,
    json_error,
    render_admin,
    rewrite_media_urls,
    staff_json_view,
)
from procedures.admin.figure_forms import validate_text_row
from procedures.enums import Language, MarkerShape
from procedures.figures.markers import (
    AREA_SHAPES,
    COORDINATE_DIGITS,
    COORDINATE_FIELDS,
    MAX_KEY_LENGTH,
    MAX_MARKERS,
    Background,
    MarkerData,
    MarkerIssue,
    MarkersChangedError,
    MarkerTextData,
    check_markers,
    load_backgrounds,
    load_markers,
    make_unique_key,
    markers_version,
    save_markers,
)
from procedures.figures.presenters import DRAWING_SIZE, build_figure_context, number_markers
from procedures.models import Figure, MarkerText
from procedures.rendering.blocks.figure import get_figure_notes
from procedures.validators import MIN_CORNERS, validate_outline, validate_plain_text, validate_slug

FORM_PREFIX = "marks"
# Far more rows than the form can send. Larger totals are rejected without parsing.
MAX_FORMS = 4 * MAX_MARKERS
# Enough for the maximum number of markers with texts of maximum length.
MAX_FORM_BYTES = 1024 * 1024
MAX_CHANGE_MESSAGE_LENGTH = 1000
MAX_LABEL_LENGTH, MAX_TEXT_LENGTH = (
    field.max_length
    for field in fields_for_model(MarkerText, ("label", "text")).values()
    if isinstance(field, forms.CharField)
)
# Part, legend, label of the button, and fields.
FIELD_GROUPS = (
    ("disc", gettext_lazy("Number"), gettext_lazy("Move the number"), ("x", "y")),
    ("target", gettext_lazy("Pointer"), gettext_lazy("Move the pointer"), ("target_x", "target_y")),
    ("size", gettext_lazy("Size of the shape"), gettext_lazy("Change the size"), ("width", "height")),
)
# xgettext:no-python-format
FROM_LEFT_LABEL = gettext_lazy("% from the left")
# xgettext:no-python-format
FROM_TOP_LABEL = gettext_lazy("% from the top")
OUTLINE_MESSAGE = gettext_lazy("Enter two numbers from 0 to 100 on each line, such as 30 42.5.")
PERCENT_RANGE_MESSAGE = gettext_lazy("Enter a number from 0 to 100.")
MARKERS_CHANGED_MESSAGE = gettext_lazy(
    "Someone else has changed these markers or the picture. Your changes are below and not saved yet. "
    "Check the saved markers in another window, then save again to replace them."
)
INCOMPLETE_FORM_MESSAGE = gettext_lazy(
    "Part of the form was missing, so nothing was saved. Reload the page and try again."
)


def render_figure_preview(figure: Figure, language: str, markers: list[MarkerData] | None = None) -> str:
    """Return an HTML document of the figure as patients see it. ``markers`` replace the saved ones.

    Expects the same prefetched relations as ``build_figure_context()``.
    """
    view = build_figure_context(figure, language)
    if markers is not None:
        view = replace(view, markers=number_markers(markers, language))
    values = {name: getattr(view, name) for name in view.__slots__} | {"dom_id": "fig"}
    with translation.override(language):
        values |= get_figure_notes(view)
        html = render_to_string("admin/procedures/figure/preview.html", {"figure": values, "language": language})
    return rewrite_media_urls(html)


@dataclass(frozen=True, slots=True)
class MarkerContext:
    """The context for checking markers: the figure, the pictures under the markers, and the languages of the figure's
    texts.
    """

    figure: Figure
    backgrounds: list[Background]
    missing_files: list[str]
    aspect_ratio: float
    languages: list[str]

    @classmethod
    def for_figure(cls, figure: Figure) -> "MarkerContext":
        """Load the context. Expects ``texts`` and ``renditions`` to be prefetched."""
        width, height = (figure.width, figure.height) if figure.image else (DRAWING_SIZE, DRAWING_SIZE)
        codes = sorted(text.language for text in figure.texts.all()) or [languages.DEFAULT]
        return cls(figure, *load_backgrounds(figure), height / max(1, width), codes)

    def check_markers(self, markers: list[MarkerData]) -> list[MarkerIssue]:
        """Run the checks of ``figures.markers`` in this context."""
        return check_markers(markers, aspect=self.aspect_ratio, backgrounds=self.backgrounds)


def format_percent(fraction: float) -> str:
    """Format a fraction for editing: 0.3721 is 37.21."""
    return f"{fraction * 100:.4f}".rstrip("0").rstrip(".")


def parse_percent(text: str) -> float:
    """Parse a percentage with a decimal point or comma as a fraction. Raise ValueError."""
    return round(float(text.replace(",", ".")) / 100, COORDINATE_DIGITS)


class PercentField(forms.FloatField):
    """A fraction of the picture, edited in percent: 0.3721 is shown as 37.21."""

    def __init__(self, label: StrOrPromise, **kwargs: Any) -> None:
        widget = forms.NumberInput(attrs={"step": "any", "class": "marker-coordinate", "inputmode": "decimal"})
        super().__init__(label=label, min_value=0, max_value=100, widget=widget, **kwargs)
        for validator in self.validators:
            validator.message = PERCENT_RANGE_MESSAGE  # type: ignore[attr-defined]
        self.error_messages |= {"invalid": PERCENT_RANGE_MESSAGE, "required": PERCENT_RANGE_MESSAGE}

    def prepare_value(self, value: Any) -> Any:
        """Convert a fraction to percent. Return submitted text unchanged."""
        return format_percent(value) if isinstance(value, float) else value

    def clean(self, value: Any) -> float | None:
        """Convert percent, with a decimal point or comma, to a fraction."""
        percent = super().clean(value.replace(",", ".") if isinstance(value, str) else value)
        return None if percent is None else round(percent / 100, COORDINATE_DIGITS)


class OutlineField(forms.CharField):
    """The corners of a free shape, edited as lines of two percentages: “30 42.5” for 30 % from the left and so on."""

    def __init__(self, label: StrOrPromise) -> None:
        super().__init__(
            label=label,
            required=False,
            widget=forms.Textarea(attrs={"rows": 4, "inputmode": "decimal"}),
            help_text=gettext_lazy("One corner per line: % from the left, then % from the top, such as 30 42.5."),
        )

    def prepare_value(self, value: Any) -> Any:
        """Convert fractions to lines. Return submitted text unchanged."""
        if isinstance(value, str) or value is None:
            return value
        return "\n".join(" ".join(map(format_percent, corner)) for corner in value)

    def clean(self, value: Any) -> tuple[tuple[float, float], ...]:
        """Convert the lines to fractions."""
        corners = []
        for line in super().clean(value).splitlines():
            if not line.strip():
                continue
            try:
                x, y = map(parse_percent, line.split())
            except ValueError:
                raise ValidationError(OUTLINE_MESSAGE) from None
            corners.append((x, y))
        validate_outline([list(corner) for corner in corners])
        return tuple(corners)


class SingleLineField(forms.CharField):
    """Plain text without line breaks and repeated spaces."""

    def __init__(self, label: StrOrPromise, max_length: int | None, *, is_multiline: bool = False) -> None:
        widget = forms.Textarea(attrs={"rows": 3}) if is_multiline else forms.TextInput()
        super().__init__(
            label=label, required=False, max_length=max_length, widget=widget, validators=[validate_plain_text]
        )

    def to_python(self, value: Any) -> str:
        """Normalize the text, and collapse white space."""
        return " ".join(normalize(super().to_python(value) or "").split())


class MarkerForm(forms.Form):
    """The form of one marker. Its key is generated once and never changes."""

    number = forms.IntegerField(label=gettext_lazy("Number"), required=False, min_value=1, max_value=999)
    deleted = forms.BooleanField(label=gettext_lazy("Delete this marker"), required=False)
    key = forms.CharField(
        max_length=MAX_KEY_LENGTH, required=False, widget=forms.HiddenInput, validators=[validate_slug]
    )
    shape = forms.ChoiceField(label=gettext_lazy("Shape"), choices=MarkerShape.choices, initial=MarkerShape.POINT)
    x = PercentField(FROM_LEFT_LABEL)
    y = PercentField(FROM_TOP_LABEL)
    target_x = PercentField(FROM_LEFT_LABEL)
    target_y = PercentField(FROM_TOP_LABEL)
    width = PercentField(gettext_lazy("Width, %"), required=False)
    height = PercentField(gettext_lazy("Height, %"), required=False)
    outline = OutlineField(gettext_lazy("Corners"))

    def __init__(self, *args: Any, languages: list[str], **kwargs: Any) -> None:
        # Required inputs in the empty row would keep a browser from sending the form.
        super().__init__(*args, **{"use_required_attribute": False, "label_suffix": "", **kwargs})
        self.languages = languages
        for code in Language.values:
            self.fields[f"label_{code}"] = SingleLineField(_("Label"), MAX_LABEL_LENGTH)
            self.fields[f"text_{code}"] = SingleLineField(_("Explanation"), MAX_TEXT_LENGTH, is_multiline=True)
            for name in (f"label_{code}", f"text_{code}"):
                self.fields[name].widget.attrs["lang"] = code

    @property
    def language_fields(self) -> list[dict[str, Any]]:
        """The label and text fields of each language, for the template."""
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
    def labels(self) -> list[str]:
        """The labels in all languages that have one, for the heading of the row."""
        return [label for code in Language.values if (label := str(self[f"label_{code}"].value() or ""))]

    @property
    def field_groups(self) -> list[dict[str, Any]]:
        """Coordinate fields in groups, for the template."""
        return [
            {"part": part, "title": title, "button": button, "fields": [self[name] for name in names]}
            for part, title, button, names in FIELD_GROUPS
        ]

    def clean(self) -> dict[str, Any]:
        """Require a label in each language of the figure, and a size for shapes that have one."""
        values = super().clean() or self.cleaned_data
        for code in Language.values:
            if f"label_{code}" in self.errors or values.get(f"label_{code}"):
                continue
            if code in self.languages:
                message = _("Enter a label in %(language)s.") % {"language": Language(code).label}
                self.add_error(f"label_{code}", message)
            elif values.get(f"text_{code}"):
                self.add_error(f"label_{code}", _("Enter a label for this explanation."))
        for code, text in self._get_texts(values).items():
            validate_text_row(self, MarkerText(language=code, label=text.label, text=text.text))
        self._require_size(values)
        return values

    def _require_size(self, values: dict[str, Any]) -> None:
        """Require the corners of a free shape, and the width and height of a circle or box."""
        if values.get("shape") == MarkerShape.POLYGON:
            if "outline" not in self.errors and len(values["outline"]) < MIN_CORNERS:
                self.add_error("outline", _("A free shape needs at least %(count)s corners.") % {"count": MIN_CORNERS})
        elif values.get("shape") in AREA_SHAPES:
            for name in ("width", "height"):
                if name not in self.errors and not values.get(name):
                    self.add_error(name, _("Enter a size greater than 0."))

    @property
    def has_content(self) -> bool:
        """Whether any field with content is filled in."""
        content_fields = [name for name in self.fields if name not in {"number", "deleted", "key", "shape"}]
        return any(str(self[name].data or "").strip() for name in content_fields)

    @property
    def is_deleted(self) -> bool:
        """Whether the row is marked for deletion, valid or not."""
        return bool(self.is_bound and self["deleted"].data)

    @property
    def sort_key(self) -> tuple[bool, int]:
        """Sort by number. Rows without a valid number come last, in their original order."""
        text = str(self["number"].data or "")
        return (True, 0) if not (text.isascii() and text.isdigit() and len(text) < 4) else (False, int(text))

    def get_marker_data(self) -> MarkerData | None:
        """Return the marker, or None if its coordinates are invalid. Texts can be missing. Call is_valid() first."""
        values = self.cleaned_data
        if any(name in self.errors for name in ("key", "shape", "outline", *COORDINATE_FIELDS[:4], "width", "height")):
            return None
        # The form edits the full extent; a circle is stored with its radius.
        factor = {MarkerShape.CIRCLE: 0.5, MarkerShape.REGION: 1.0}.get(values["shape"], 0.0)
        coordinates = {name: values[name] for name in COORDINATE_FIELDS[:4]}
        size = {
            f"size_{axis}": round((values[name] or 0.0) * factor, COORDINATE_DIGITS)
            for axis, name in (("x", "width"), ("y", "height"))
        }
        outline = values["outline"] if values["shape"] == MarkerShape.POLYGON else ()
        texts = self._get_texts(values)
        return MarkerData(values["key"], values["shape"], **coordinates, **size, texts=texts, outline=outline)

    def _get_texts(self, values: dict[str, Any]) -> dict[str, MarkerTextData]:
        return {
            code: MarkerTextData(values[f"label_{code}"], values.get(f"text_{code}", ""))
            for code in Language.values
            if values.get(f"label_{code}")
        }


class MarkerFormSet:
    """All markers of a picture.

    Saving deletes markers that were not posted. Rows without content are ignored. ``empty_form`` is the row for a new
    marker, and ``is_complete`` is False if the posted data was cut off.
    """

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
        for index, marker in enumerate(saved or []):
            self.forms.append(self._build_form(index, initial={**build_initial(marker), "number": index + 1}))
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
        """Rows that are not marked for deletion, in the order of their numbers."""
        return [form for form in self.forms if not form.is_deleted]

    @property
    def errors(self) -> list[str]:
        """Everything that prevents saving, row by row: “Marker 2: …”."""
        errors = []
        if len(self.active_forms) > MAX_MARKERS:
            errors.append(
                _("A picture can have at most %(count)s markers. Delete some of them.") % {"count": MAX_MARKERS}
            )
        for number, form in enumerate(self.active_forms, start=1):
            for messages_of_field in form.errors.values():
                errors += [
                    _("Marker %(number)s: %(error)s") % {"number": number, "error": message}
                    for message in messages_of_field
                ]
        return errors

    def is_valid(self) -> bool:
        """Return whether the markers can be saved."""
        return self.is_complete and not self.errors

    def _validate(self) -> None:
        """Run the checks across markers, and add blocking issues to the forms they are about."""
        if all(form.is_valid() for form in self.active_forms):
            for issue in self.marker_issues():
                if issue.is_blocking:
                    self.active_forms[issue.index].add_error(None, issue.message)

    def marker_issues(self) -> list[MarkerIssue]:
        """Return the issues of rows with valid coordinates. Their indexes are those of ``active_forms``."""
        placed = self.get_placed_markers()
        indexes = [index for index, _marker in placed]
        issues = self.context.check_markers([marker for _index, marker in placed])
        return [MarkerIssue(indexes[issue.index], issue.message, issue.is_blocking) for issue in issues]

    def all_issues(self) -> list[MarkerIssue]:
        """Return the field errors of each row, then the issues of ``marker_issues()``."""
        field_errors = [
            MarkerIssue(index, str(message), is_blocking=True)
            for index, form in enumerate(self.active_forms)
            for name, error_list in form.errors.items()
            if name != NON_FIELD_ERRORS
            for message in error_list
        ]
        return field_errors + self.marker_issues()

    def get_placed_markers(self) -> list[tuple[int, MarkerData]]:
        """Return the index in ``active_forms`` and the data of every row with valid coordinates."""
        placed = []
        for index, form in enumerate(self.active_forms):
            form.is_valid()
            if (marker := form.get_marker_data()) is not None:
                placed.append((index, marker))
        return placed

    def get_markers(self) -> list[MarkerData]:
        """Return all markers, each with a unique key. The form set must be valid."""
        placed = [marker for _index, marker in self.get_placed_markers()]
        # A new marker must not get the key of an existing marker that comes later.
        existing_keys = {marker.key for marker in placed if marker.key}
        markers: list[MarkerData] = []
        for number, marker in enumerate(placed, start=1):
            taken = {other.key for other in markers} | (set() if marker.key else existing_keys)
            markers.append(replace(marker, key=make_unique_key(marker.key, marker.texts, number, taken)))
        return markers


def build_initial(marker: MarkerData) -> dict[str, Any]:
    """Return the initial form values of a saved marker."""
    rx, ry = marker.half_size
    values = {"key": marker.key, "shape": marker.shape, "width": 2 * rx, "height": 2 * ry}
    values |= {name: getattr(marker, name) for name in COORDINATE_FIELDS[:4]}
    values["outline"] = marker.outline
    for code, text in marker.texts.items():
        values |= {f"label_{code}": text.label, f"text_{code}": text.text}
    return values


def _get_figure(request: HttpRequest, figure_id: int) -> Figure:
    """Load the figure with its texts, renditions, and markers. Raise Http404, or PermissionDenied."""
    figure = Figure.objects.filter(pk=figure_id).with_texts().first()
    if figure is None:
        raise Http404
    if not admin.site.get_model_admin(Figure).has_change_permission(request, figure):
        raise PermissionDenied
    return figure


@require_http_methods(["GET", "HEAD", "POST"])
def markers_view(request: HttpRequest, figure_id: int) -> HttpResponse:
    """Show and save the markers. 400 for invalid input, 409 if the markers were changed in the meantime.

    Both keep the input.
    """
    figure = _get_figure(request, figure_id)
    context = MarkerContext.for_figure(figure)
    if request.method != "POST":
        return _render_markers(request, figure, MarkerFormSet(context, saved=load_markers(figure)))
    formset = MarkerFormSet(context, data=request.POST)
    if not formset.is_complete:
        saved_formset = MarkerFormSet(context, saved=load_markers(figure))
        return _render_markers(request, figure, saved_formset, errors=[INCOMPLETE_FORM_MESSAGE], status=400)
    version = request.POST.get("version", "")
    if not formset.is_valid():
        return _render_markers(request, figure, formset, errors=formset.errors, version=version, status=400)
    try:
        changes = save_markers(figure, formset.get_markers(), expected_version=version)
    except MarkersChangedError:
        return _render_markers(request, figure, formset, errors=[MARKERS_CHANGED_MESSAGE], status=409)
    _record_changes(request, figure, changes)
    return HttpResponseRedirect(request.path)


def _record_changes(request: HttpRequest, figure: Figure, changes: list[str]) -> None:
    """Log the changes, and add messages about the save and about stale pages."""
    if not changes:
        messages.info(request, _("No changes to save."))
        return
    model_admin: Any = admin.site.get_model_admin(Figure)
    model_admin.log_change(request, figure, f"Markers. {'; '.join(changes)}."[:MAX_CHANGE_MESSAGE_LENGTH])
    messages.success(request, _("Markers saved."))
    model_admin.message_stale_pages(request, figure)


def _render_markers(
    request: HttpRequest,
    figure: Figure,
    formset: MarkerFormSet,
    *,
    errors: Sequence[StrOrPromise] = (),
    version: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the editor. ``version``: the saved state that the input replaces, by default the current one."""
    saved = load_markers(figure)
    previewed_markers = (
        [mark for _, mark in formset.get_placed_markers()] if any(form.is_bound for form in formset.forms) else saved
    )
    view = build_figure_context(figure, formset.context.languages[0])
    view = replace(view, large_href=rewrite_media_urls(view.large_href))
    context = {
        "figure": figure,
        "view": view,
        "formset": formset,
        "missing_files": formset.context.missing_files,
        "errors": errors,
        "has_unsaved_changes": status != 200,
        "version": markers_version(figure, saved) if version is None else version,
        "previews": [
            (code, Language(code).label, render_figure_preview(figure, code, previewed_markers))
            for code in formset.context.languages
        ],
    }
    title = _("Markers on “%(title)s”") % {"title": view.title}
    return render_admin(request, "figure/markers", context, title=title, status=status)


@staff_json_view("procedures.change_figure", method="POST", max_bytes=MAX_FORM_BYTES)
def markers_preview_view(request: HttpRequest) -> JsonResponse:
    """Render the posted markers as patients would see them, in each language, with the issues. Saves nothing."""
    figures = Figure.objects.filter(pk=parse_int_or_zero(request.POST.get("figure", "")))
    figure = figures.with_texts().first()
    if figure is None:
        return json_error(404, _("This picture was deleted."))
    formset = MarkerFormSet(MarkerContext.for_figure(figure), data=request.POST)
    markers = [marker for _index, marker in formset.get_placed_markers()]
    pages = {code: render_figure_preview(figure, code, markers) for code in formset.context.languages}
    notes = [{"mark": issue.index, "sentence": issue.message} for issue in formset.all_issues()]
    return JsonResponse({"pages": pages, "notes": notes})
