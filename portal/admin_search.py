"""Search and filters of the admin's lists: a search ignores accents and case, and a bad filter breaks no list."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import lookup_spawns_duplicates
from django.core.exceptions import ValidationError
from django.db import DataError, ProgrammingError
from django.db.models import Case, CharField, Func, Q, QuerySet, TextField, Transform, Value, When
from django.http import HttpRequest
from django.utils.text import smart_split, unescape_string_literal

from portal.text import FORMAT_CHARACTERS, PUNCTUATION, ZERO_WIDTH_CHARACTERS, fold, remove_hyphens

if TYPE_CHECKING:
    BaseModelAdmin = admin.ModelAdmin[Any]
else:
    # The type checker wants it with [], Django's class at run time does not take it.
    BaseModelAdmin = admin.ModelAdmin

MAX_SEARCH_LENGTH = 200  # characters
MAX_SEARCH_WORDS = 12
INVALID_FILTER_MESSAGE = "The filter in the address does not work, so all rows are shown."
# A lookup that no list offers, or a value that no field or database can read.
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
    """``title__fold__contains=fold(typed)``: as ``portal.text.fold``, on both databases."""

    lookup_name = "fold"
    # On SQLite portal.text.fold itself (portal/apps.py).
    function = "portal_fold"
    output_field = TextField()
    postgresql_template = (
        f"replace(lower(regexp_replace(normalize(translate(%(expressions)s, '{''.join(map(chr, PUNCTUATION))}', "
        f"'{''.join(PUNCTUATION.values()).replace(QUOTE, QUOTE * 2)}'), NFKD), "
        f"'[\u0300-\u036f]|{ZERO_WIDTH_CHARACTERS.pattern}|{FORMAT_CHARACTERS.pattern}', '', 'g')), 'ß', 'ss')"
    )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """The same steps with PostgreSQL's own functions."""
        return Func.as_sql(self, compiler, connection, template=self.postgresql_template, **context)


@CharField.register_lookup
@TextField.register_lookup
class FoldWithoutHyphens(Fold):
    """``title__fold_joined__contains``: as ``portal.text.remove_hyphens``, so that “xray” finds “X-ray”."""

    lookup_name = "fold_without_hyphens"
    template = f"replace({Fold.template}, '-', '')"
    postgresql_template = f"replace({Fold.postgresql_template}, '-', '')"


class SearchableModelAdmin(BaseModelAdmin):
    """Base class of every list. Rows whose ``title_field`` is what was typed come first."""

    title_field = ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Rows that hold every word, whatever its case and accents, with or without its hyphens."""
        fields = self.get_search_fields(request)
        for word in _split_search_terms(search_term) if fields else ():
            lookups = {"fold": word}
            if remove_hyphens(word):
                lookups = {"fold": word.replace("-", " "), "fold_without_hyphens": remove_hyphens(word)}
            matches = (Q(**{f"{field}__{name}__contains": text}) for field in fields for name, text in lookups.items())
            queryset = queryset.filter(reduce(or_, matches))
        return queryset, any(lookup_spawns_duplicates(self.opts, field) for field in fields)

    def get_ordering(self, request: HttpRequest) -> Any:
        """While something is searched for and no column is chosen, the best titles first."""
        ordering = super().get_ordering(request) or self.opts.ordering
        field = self.title_field or next(iter(self.get_search_fields(request)), "")
        words = " ".join(_split_search_terms(request.GET.get("q", "")))
        if not field or not words or request.GET.get("o"):
            return ordering
        return [self._rank_by_title_match(field, words), *(ordering or ())]

    def _rank_by_title_match(self, field: str, words: str) -> Any:
        """Titles that are what was typed, begin with it, hold it; then everything else."""
        rows = self.model._default_manager  # noqa: SLF001 -- Django documents it
        cases = [
            # Compared in a subquery: a join with the titles would list a row once for each language.
            When(pk__in=rows.filter(**{f"{field}__fold{how}": words}).values("pk"), then=Value(place))
            for place, how in enumerate(("", "__startswith", "__contains"))
        ]
        return Case(*cases, default=Value(len(cases))).asc()

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """A filter that no database can read, such as the year 10000, shows all rows and says so."""
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
    """Split a search into folded words; a phrase in quotation marks counts as one word."""
    found = []
    for word in smart_split(fold(search_term[:MAX_SEARCH_LENGTH]).replace("\0", " ")):
        if word.startswith(('"', "'")) and len(word) > 1 and word[0] == word[-1]:
            word = unescape_string_literal(word)
        found.append(word)
    return [word for word in found if word.strip()][:MAX_SEARCH_WORDS]
