"""The admin site of this project, and the base class of its model admins.

The site is Django's, with our name and with models in groups. Search ignores case, accents and hyphens, and a change
list survives an invalid filter.
"""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import lookup_spawns_duplicates
from django.core.checks import CheckMessage
from django.core.exceptions import ValidationError
from django.db import DataError, ProgrammingError
from django.db.models import Case, CharField, Func, Q, QuerySet, TextField, Transform, Value, When
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver
from django.utils.module_loading import import_string
from django.utils.text import smart_split, unescape_string_literal
from django.utils.translation import gettext_lazy as _

from portal.text import FORMAT_CHARACTERS, PUNCTUATION, ZERO_WIDTH_CHARACTERS, fold, remove_hyphens

if TYPE_CHECKING:
    BaseModelAdmin = admin.ModelAdmin[Any]
else:
    # The type checker requires a type argument; at run time the class does not accept one.
    BaseModelAdmin = admin.ModelAdmin

MAX_SEARCH_LENGTH = 200  # characters
MAX_SEARCH_WORDS = 12
INVALID_FILTER_MESSAGE = _("The filter in the address is not valid, so all rows are shown.")
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
    """Base class of all model admins. Search results whose ``title_field`` matches best come first."""

    title_field = ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that contain every search term, regardless of case, accents and hyphens."""
        fields = self.get_search_fields(request)
        for word in _split_search_terms(search_term) if fields else ():
            lookups = {"fold": word}
            if remove_hyphens(word):
                lookups = {"fold": word.replace("-", " "), "fold_without_hyphens": remove_hyphens(word)}
            matches = (Q(**{f"{field}__{name}__contains": text}) for field in fields for name, text in lookups.items())
            queryset = queryset.filter(reduce(or_, matches))
        return queryset, any(lookup_spawns_duplicates(self.opts, field) for field in fields)

    def get_ordering(self, request: HttpRequest) -> Any:
        """Return the ordering; during a search, unless the user sorts by a column, the best title matches first."""
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
            return super().get_changelist_instance(request)
        except IncorrectLookupParameters:
            messages.warning(request, INVALID_FILTER_MESSAGE)
            raise
        except INVALID_LOOKUP_ERRORS as error:
            if not request.GET:
                raise
            messages.warning(request, INVALID_FILTER_MESSAGE)
            raise IncorrectLookupParameters(error) from error


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

    site_header = "Plainspine"
    site_title = "Plainspine"
    index_title = _("What would you like to work on?")
    # The home screen has all lists; next to a table or two texts, the sidebar would take the width of a column.
    enable_nav_sidebar = False
    # portal/accounts/urls.py adds the catch-all, after the route of damaged links.
    final_catch_all_view = False

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Import the admin modules only now, when URLs are needed; public pages never load them."""
        admin.autodiscover()
        return super().get_urls()

    def check(self, app_configs: Any) -> list[CheckMessage]:
        """Import the admin modules, then check them."""
        admin.autodiscover()
        return super().check(app_configs)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Render the home screen with the context of each app config that names a function in ``admin_home``."""
        context = dict(extra_context or {})
        for config in apps.get_app_configs():
            if home := getattr(config, "admin_home", ""):
                context |= import_string(home)(request)
        return super().index(request, context)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """List an app whose config has ``admin_groups`` (title, model names) as those groups, before other apps."""
        app_list: list[Any] = []
        for app in sorted(super().get_app_list(request, app_label), key=lambda app: not _get_groups(app)):
            groups = _get_groups(app)
            app_list += _group_models(app, groups) if groups and app_label is None else [app]
        return app_list


def _get_groups(app: Any) -> tuple[tuple[str, str], ...]:
    return getattr(apps.get_app_config(app["app_label"]), "admin_groups", ())


def _group_models(app: Any, groups: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    models = {model["object_name"].lower(): model for model in app["models"]}
    grouped = [
        {**app, "name": title, "models": [models[name] for name in names.split() if name in models]}
        for title, names in groups
    ]
    return [group for group in grouped if group["models"]]
