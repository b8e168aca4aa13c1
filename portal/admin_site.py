"""The admin site of this project: its navigation, site-wide search, and the base class of its model admins.

Based on Django's admin site. Each screen is titled with the name of the object it shows. Search ignores case, accents,
and hyphens, and a change list survives an invalid filter. An app config declares its navigation sections in
``admin_sections``, the dotted path of a function that returns them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import lookup_spawns_duplicates, unquote
from django.core.checks import CheckMessage
from django.core.exceptions import ValidationError
from django.db import DataError, ProgrammingError
from django.db.models import Case, CharField, Func, Q, QuerySet, TextField, Transform, Value, When
from django.forms import CheckboxInput
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString
from django.utils.text import capfirst, smart_split, unescape_string_literal
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from portal import PRODUCT_NAME
from portal.http import wants_json
from portal.text import (
    FORMAT_CHARACTERS,
    PUNCTUATION,
    ZERO_WIDTH_CHARACTERS,
    fold,
    parse_int_or_zero,
    remove_hyphens,
)

if TYPE_CHECKING:
    BaseModelAdmin = admin.ModelAdmin[Any]
else:
    # The type checker requires a type argument; at run time the class does not accept one.
    BaseModelAdmin = admin.ModelAdmin

MAX_SEARCH_LENGTH = 200  # characters
MAX_SEARCH_WORDS = 12
INVALID_FILTER_MESSAGE = _("The filter in the URL is not valid, so all rows are shown.")
# Raised for a lookup that the list does not offer, or a value that the field or the database cannot parse.
INVALID_LOOKUP_ERRORS = (
    DisallowedModelAdminLookup,
    ValidationError,
    ValueError,
    OverflowError,
    IndexError,
    TypeError,
    DataError,
    ProgrammingError,
)
QUOTE = "'"

StrOrPromise = str | Promise

MAX_RESULTS_PER_GROUP = 6
MAX_QUERY_LENGTH = 200


@CharField.register_lookup
@TextField.register_lookup
class Fold(Transform):
    """SQL version of ``portal.text.fold``: ``title__fold__contains=fold(search_term)``, on both databases."""

    lookup_name = "fold"
    # On SQLite this is portal.text.fold itself (portal/sqlite/base.py).
    function = "portal_fold"
    output_field = TextField()
    postgresql_template = (
        f"replace(lower(regexp_replace(normalize(translate(%(expressions)s, '{''.join(map(chr, PUNCTUATION))}', "
        f"'{''.join(PUNCTUATION.values()).replace(QUOTE, QUOTE * 2)}'), NFKD), "
        f"'[\u0300-\u036f]|{ZERO_WIDTH_CHARACTERS.pattern}|{FORMAT_CHARACTERS.pattern}', '', 'g')), 'ß', 'ss')"
    )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Compile to PostgreSQL's own functions, applied in the same order as in ``portal.text.fold``."""
        return Func.as_sql(self, compiler, connection, template=self.postgresql_template, **context)


@CharField.register_lookup
@TextField.register_lookup
class FoldWithoutHyphens(Fold):
    """SQL version of ``portal.text.remove_hyphens`` on folded text, so that “xray” finds “X-ray”."""

    lookup_name = "fold_without_hyphens"
    template = f"replace({Fold.template}, '-', '')"
    postgresql_template = f"replace({Fold.postgresql_template}, '-', '')"


class SearchableModelAdmin(BaseModelAdmin):
    """Base class of all model admins. Search results whose ``title_field`` matches best come first.

    Change forms are titled with ``row_title()``. Site-wide search covers the model admins that set
    ``is_in_site_search``.
    """

    title_field = ""
    is_in_site_search = False
    # Title of the list and label of its Add button, for models whose name is not clear enough.
    list_title: Any = ""
    add_label: Any = ""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row, or None. An empty field name in the address means the primary key."""
        return super().get_object(request, object_id, from_field or None)

    def row_title(self, obj: Any) -> str:
        """Return the name of a row as staff know it: the value of ``title_field`` if the model has one."""
        name = getattr(obj, self.title_field, "") if self.title_field else getattr(obj, "title", "")
        return str(name or obj)

    def row_detail(self, obj: Any) -> str:
        """Return what distinguishes rows with the same name, such as kind and language."""
        displays = (getattr(obj, f"get_{name}_display", None) for name in ("kind", "language"))
        return " · ".join(str(display()) for display in displays if display)

    @admin.display(description="")
    def action_checkbox(self, obj: Any) -> SafeString:
        """Render the row's selection checkbox, labeled with the row's name."""
        label = gettext("Select “%(name)s”") % {"name": self.row_title(obj)}
        checkbox = CheckboxInput({"class": "action-select", "aria-label": label}, lambda value: False)
        return checkbox.render(ACTION_CHECKBOX_NAME, str(obj.pk))

    def get_form_context(self, request: HttpRequest, context: dict[str, Any], obj: Any) -> dict[str, Any]:
        """Return the form template's context beyond Django's own. ``obj`` is None for a new row."""
        return {}

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        """Use the row's name as the title, drop the colons after labels, and add ``get_form_context()``."""
        context |= self.get_form_context(request, context, obj)
        forms = [context["adminform"].form]
        for inline in context["inline_admin_formsets"]:
            forms += [*inline.formset.forms, inline.formset.empty_form]
        for form in forms:
            form.label_suffix = ""
        if obj is None:
            context["title"] = str(self.add_label) or gettext("New %(name)s") % {"name": self.opts.verbose_name}
        else:
            context |= {"title": self.row_title(obj), "subtitle": None}
        return super().render_change_form(request, context, add, change, form_url, obj)

    def render_delete_form(self, request: HttpRequest, context: Any) -> HttpResponse:
        """Put the row's name in the title of the confirmation page."""
        title = gettext("“%(name)s” cannot be deleted") if context["protected"] else gettext("Delete “%(name)s”?")
        context |= {"title": title % {"name": self.row_title(context["object"])}, "subtitle": None}
        return super().render_delete_form(request, context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Put the row's name in the title of the history page."""
        obj = self.get_object(request, unquote(object_id))
        title = gettext("History of “%(name)s”") % {"name": self.row_title(obj)} if obj else ""
        return super().history_view(request, object_id, {"title": title, "subtitle": None, **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that contain every search term, regardless of case, accents, and hyphens."""
        fields = self.get_search_fields(request)
        for word in _split_search_terms(search_term) if fields else ():
            lookups = {"fold": word}
            if remove_hyphens(word):
                lookups = {"fold": word.replace("-", " "), "fold_without_hyphens": remove_hyphens(word)}
            matches = (Q(**{f"{field}__{name}__contains": text}) for field in fields for name, text in lookups.items())
            queryset = queryset.filter(reduce(or_, matches))
        return queryset, any(lookup_spawns_duplicates(self.opts, field) for field in fields)

    def get_ordering(self, request: HttpRequest) -> Any:
        """Return the ordering. During a search, the best title matches come first unless the user sorts by a column."""
        ordering = super().get_ordering(request) or self.opts.ordering
        field = self.title_field or next(iter(self.get_search_fields(request)), "")
        search_text = " ".join(_split_search_terms(request.GET.get("q", "")))
        if not field or not search_text or request.GET.get("o"):
            return ordering
        return [self._rank_by_title_match(field, search_text), *(ordering or ())]

    def _rank_by_title_match(self, field: str, search_text: str) -> Any:
        """Rank exact titles first, then titles that start with the text, then titles that contain it."""
        rows = self.model._default_manager  # noqa: SLF001 -- documented by Django
        cases = [
            # A subquery, because a join with the titles would list a row once per language.
            When(pk__in=rows.filter(**{f"{field}__fold{lookup}": search_text}).values("pk"), then=Value(rank))
            for rank, lookup in enumerate(("", "__startswith", "__contains"))
        ]
        return Case(*cases, default=Value(len(cases))).asc()

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Show all rows and a warning for an invalid filter, such as the year 10000, instead of failing."""
        try:
            changelist = super().get_changelist_instance(request)
        except IncorrectLookupParameters:
            messages.warning(request, INVALID_FILTER_MESSAGE)
            raise
        except INVALID_LOOKUP_ERRORS as error:
            if not request.GET:
                raise
            messages.warning(request, INVALID_FILTER_MESSAGE)
            raise IncorrectLookupParameters(error) from error
        changelist.title = str(self.list_title) or capfirst(str(self.opts.verbose_name_plural))
        return changelist

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Ignore selected keys that no row can have, and set the title of the bulk-delete confirmation page."""
        keys = request.POST.getlist(ACTION_CHECKBOX_NAME)
        data = request.POST.copy()
        data.setlist(ACTION_CHECKBOX_NAME, [key for key in keys if parse_int_or_zero(key)])
        request.POST = data  # type: ignore[assignment]
        response = super().response_action(request, queryset)
        if isinstance(response, TemplateResponse) and response.context_data and "queryset" in response.context_data:
            count = len(response.context_data["queryset"])
            title = ngettext("Delete %(count)s %(name)s?", "Delete %(count)s %(name)s?", count)
            name = self.opts.verbose_name if count == 1 else self.opts.verbose_name_plural
            response.context_data |= {"title": title % {"count": count, "name": name}, "subtitle": None}
        return response


class ReadOnlyAdmin(SearchableModelAdmin):
    """Base class for append-only history, which staff can only view."""

    actions = None
    list_per_page = 50
    list_display_links: Any = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Deny: only the code writes these rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny for everyone, including superusers."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny for everyone, including superusers."""
        return False


def _split_search_terms(search_term: str) -> list[str]:
    """Split a search into folded terms; a phrase in quotation marks is one term."""
    terms = []
    for word in smart_split(fold(search_term[:MAX_SEARCH_LENGTH]).replace("\0", " ")):
        if word.startswith(('"', "'")) and len(word) > 1 and word[0] == word[-1]:
            word = unescape_string_literal(word)
        terms.append(word)
    return [term for term in terms if term.strip()][:MAX_SEARCH_WORDS]


class PortalAdminSite(admin.AdminSite):
    """The default ``django.contrib.admin.site`` (set in portal/apps.py)."""

    site_header = site_title = PRODUCT_NAME
    index_title = _("Home")
    # Navigation is in the header; a sidebar would take a column's width from tables and side-by-side texts.
    enable_nav_sidebar = False
    # portal/accounts/urls.py adds the catch-all, after the damaged-link route.
    final_catch_all_view = False

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Import the admin modules here, on first use, so that public pages never load them."""
        admin.autodiscover()
        return [path("search/", self.admin_view(self.search_view), name="search"), *super().get_urls()]

    def check(self, app_configs: Any) -> list[CheckMessage]:
        """Import the admin modules, then check them."""
        admin.autodiscover()
        return super().check(app_configs)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add the navigation for a signed-in user."""
        context = super().each_context(request)
        # Django adds the model list to every screen for its sidebar, which this site does not use.
        context["available_apps"] = []
        return {**context, "navigation": build_navigation(request) if context["has_permission"] else None}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Render the home screen with the context from every app config's ``admin_home`` function."""
        context = dict(extra_context or {})
        for config in apps.get_app_configs():
            if home := getattr(config, "admin_home", ""):
                context |= import_string(home)(request)
        return super().index(request, context)

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Redirect to the home screen: the navigation replaces Django's list of the models of one app."""
        return HttpResponseRedirect(reverse("admin:index"))

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """Search everything that the user can view, for the search dialog (JSON) or as a page (``?q=``)."""
        query = request.GET.get("q", "").replace("\0", "")[:MAX_QUERY_LENGTH].strip()
        groups = search_all(self, request, query) if query else []
        if wants_json(request):
            response: HttpResponse = JsonResponse({"groups": [_group_to_json(group) for group in groups]})
        else:
            context = {**self.each_context(request), "title": gettext("Search"), "query": query, "groups": groups}
            response = TemplateResponse(request, "admin/search.html", context)
        patch_vary_headers(response, ["Accept"])
        return response


@dataclass(frozen=True)
class Screen:
    """A screen that the navigation links to.

    ``url_name`` is a name in the ``admin`` namespace. ``prefixes`` match the URL names that belong to the screen, such
    as a list's forms; the longest match wins.
    """

    label: StrOrPromise
    url_name: str
    permission: str = ""
    prefixes: tuple[str, ...] = ()
    hint: StrOrPromise = ""


@dataclass(frozen=True)
class Section:
    """A group of screens. The section links to the first one that the user can open.

    ``actions`` are screens that only the search finds.
    """

    key: str
    label: StrOrPromise
    screens: tuple[Screen, ...]
    actions: tuple[Screen, ...] = ()


@dataclass(frozen=True)
class Link:
    """A label with a URL. ``current`` is the value of ``aria-current``, or an empty string."""

    label: StrOrPromise
    url: str
    current: str = ""
    hint: StrOrPromise = ""


@dataclass(frozen=True)
class Navigation:
    """The sections, the current section's tabs (on its top-level screens only), and a nested screen's parent link."""

    sections: list[Link]
    tabs: list[Link]
    parent: Link | None


def get_sections() -> list[Section]:
    """Return the sections of all apps, in the order of the apps."""
    paths = (getattr(config, "admin_sections", "") for config in apps.get_app_configs())
    return [section for path in paths if path for section in import_string(path)()]


def get_screens(user: Any) -> list[tuple[Section, Screen]]:
    """Return all screens that ``user`` can open."""
    return [(section, screen) for section in get_sections() for screen in section.screens if _is_allowed(user, screen)]


def build_navigation(request: HttpRequest) -> Navigation:
    """Return the navigation of the user, with the current location marked."""
    match = request.resolver_match
    url_name = match.url_name or "" if match and match.app_names == ["admin"] else ""
    allowed = get_screens(request.user)
    current = _find_current(allowed, url_name)
    is_own_screen = current is not None and current[1].url_name == url_name
    sections: dict[str, Link] = {}
    for section, screen in allowed:
        mark = ("page" if is_own_screen else "true") if current and current[0] is section else ""
        sections.setdefault(section.key, Link(section.label, _url(screen), mark))
    if current is None:
        return Navigation(list(sections.values()), [], None)
    tabs = [
        Link(screen.label, _url(screen), "page" if screen is current[1] else "")
        for section, screen in allowed
        if section is current[0]
    ]
    if is_own_screen:
        return Navigation(list(sections.values()), tabs if len(tabs) > 1 else [], None)
    return Navigation(list(sections.values()), [], Link(current[1].label, _url(current[1])))


def _is_allowed(user: Any, screen: Screen) -> bool:
    return not screen.permission or user.has_perm(screen.permission)


def _url(screen: Screen) -> str:
    return reverse(f"admin:{screen.url_name}")


def _find_current(allowed: Iterable[tuple[Section, Screen]], url_name: str) -> tuple[Section, Screen] | None:
    """Return the screen whose own name, or else whose longest prefix, matches ``url_name``."""
    matches = [
        (len(prefix) + 1000 * (prefix == screen.url_name), section, screen)
        for section, screen in allowed
        for prefix in (screen.url_name, *screen.prefixes)
        if url_name == screen.url_name or (prefix != screen.url_name and url_name.startswith(prefix))
    ]
    best = max(matches, key=lambda match: match[0], default=None)
    return best[1:] if best else None


@dataclass(frozen=True)
class Result:
    """One search result: a screen or a row."""

    label: str
    detail: str
    url: str


@dataclass(frozen=True)
class ResultGroup:
    """The best results of one kind. ``more_url`` lists all of them; it is empty if there are no more."""

    label: str
    results: list[Result]
    more_url: str = ""


def search_all(site: admin.AdminSite, request: HttpRequest, query: str) -> list[ResultGroup]:
    """Return the groups with results: screens first, then rows in the order of the site's sections."""
    order = {screen.url_name: number for number, (_, screen) in enumerate(get_screens(request.user))}
    model_admins = sorted(
        (site.get_model_admin(model) for model in apps.get_models() if site.is_registered(model)),
        key=lambda model_admin: order.get(f"{_url_name(model_admin)}_changelist", len(order)),
    )
    groups = [_search_screens(request, query), *(_search_model(found, request, query) for found in model_admins)]
    return [group for group in groups if group.results]


def _search_screens(request: HttpRequest, query: str) -> ResultGroup:
    actions = [action for section in get_sections() for action in section.actions if _is_allowed(request.user, action)]
    screens = [
        Result(str(screen.label), str(screen.hint), _url(screen))
        for screen in (*actions, *(screen for _section, screen in get_screens(request.user)))
        if fold(query) in fold(str(screen.label))
    ]
    return ResultGroup(gettext("Screens"), screens[:MAX_RESULTS_PER_GROUP])


def _search_model(model_admin: Any, request: HttpRequest, query: str) -> ResultGroup:
    """Search as the model's change list does, best title matches first, and fetch one more row than is shown."""
    label = capfirst(str(model_admin.opts.verbose_name_plural))
    is_searched = getattr(model_admin, "is_in_site_search", False) and model_admin.get_search_fields(request)
    if not (is_searched and model_admin.has_view_permission(request)):
        return ResultGroup(label, [])
    rows, has_duplicates = model_admin.get_search_results(request, model_admin.get_queryset(request), query)
    if has_duplicates:
        rows = model_admin.get_queryset(request).filter(pk__in=rows.values("pk"))
    found = list(rows.order_by(*model_admin.get_ordering(request), "pk")[: MAX_RESULTS_PER_GROUP + 1])
    name = f"admin:{_url_name(model_admin)}"
    results = [
        Result(model_admin.row_title(row), model_admin.row_detail(row), reverse(f"{name}_change", args=[row.pk]))
        for row in found[:MAX_RESULTS_PER_GROUP]
    ]
    more_url = (
        f"{reverse(f'{name}_changelist')}?{urlencode({'q': query})}" if len(found) > MAX_RESULTS_PER_GROUP else ""
    )
    return ResultGroup(label, results, more_url)


def _url_name(model_admin: Any) -> str:
    return f"{model_admin.opts.app_label}_{model_admin.opts.model_name}"


def _group_to_json(group: ResultGroup) -> dict[str, Any]:
    results = [{"label": result.label, "detail": result.detail, "url": result.url} for result in group.results]
    more = gettext("All results in %(name)s") % {"name": group.label} if group.more_url else ""
    return {"label": group.label, "results": results, "more": {"label": more, "url": group.more_url}}
