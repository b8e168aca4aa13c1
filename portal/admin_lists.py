"""What every list of the admin shares: a search that forgives accents and case, and filters that never break it."""

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

from portal.text import fold, joined

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
else:
    # The type checker wants it with [], Django's class at run time does not take it.
    AnyAdmin = admin.ModelAdmin

MAX_SEARCH = 200  # characters
MAX_WORDS = 12
UNREADABLE_FILTER = "The filter in the address does not work, so all rows are shown."
# A lookup that no list offers, or a value that no field or database can read.
UNREADABLE_LOOKUPS = (
    DisallowedModelAdminLookup,
    ValidationError,
    ValueError,
    OverflowError,
    IndexError,
    TypeError,
    DataError,
    ProgrammingError,
)
SQLITE_FUNCTION = "portal_fold"


@CharField.register_lookup
@TextField.register_lookup
class Fold(Transform):
    """``title__fold__contains=fold(typed)``: as ``portal.text.fold``, on both databases."""

    lookup_name = "fold"
    function = SQLITE_FUNCTION
    output_field = TextField()
    # Combining marks and what has no width; then the apostrophes, the dashes and the letter that lower() leaves alone.
    on_postgresql = (
        "replace(translate(lower(regexp_replace(normalize(%(expressions)s, NFKD), "
        r"'[\u0300-\u036f\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]', '', 'g')), "
        "'\u2018\u2019\u201b\u02bc\u02b9\u2032`´\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e3a\u2e3b', "
        "'''''''''''''''''---------'), 'ß', 'ss')"
    )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """PostgreSQL has all it takes."""
        return Func.as_sql(self, compiler, connection, template=self.on_postgresql, **context)


@CharField.register_lookup
@TextField.register_lookup
class FoldJoined(Fold):
    """``title__fold_joined__contains``: as ``portal.text.joined``, so that “xray” finds “X-ray”."""

    lookup_name = "fold_joined"
    function = "portal_fold_joined"
    on_postgresql = f"replace({Fold.on_postgresql}, '-', '')"


class SearchableList(AnyAdmin):
    """Base of every list. ``title_field`` is what a row is called: rows called as typed come first."""

    title_field = ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Rows that hold every word, whatever its case and accents, with or without its hyphens."""
        fields = self.get_search_fields(request)
        for word in _words(search_term) if fields else ():
            matches = [Q(**{f"{field}__fold__contains": word}) for field in fields]
            if joined(word):
                matches += [Q(**{f"{field}__fold_joined__contains": joined(word)}) for field in fields]
                matches += [
                    Q(**{f"{field}__fold__contains": word.replace("-", " ")}) for field in fields if "-" in word
                ]
            queryset = queryset.filter(reduce(or_, matches))
        return queryset, any(lookup_spawns_duplicates(self.opts, field) for field in fields)

    def get_ordering(self, request: HttpRequest) -> Any:
        """While something is searched for and no column is chosen, the best titles first."""
        ordering = super().get_ordering(request) or self.opts.ordering
        field = self.title_field or next(iter(self.get_search_fields(request)), "")
        words = " ".join(_words(request.GET.get("q", "")))
        if not field or not words or request.GET.get("o"):
            return ordering
        return [self._rank(field, words), *(ordering or ())]

    def _rank(self, field: str, words: str) -> Any:
        """Titles that are what was typed, begin with it, hold it; then everything else."""
        rows = self.model._default_manager  # noqa: SLF001 -- Django documents it
        cases = [
            # Compared in a subquery: a title in another table must not give a row twice.
            When(pk__in=rows.filter(**{f"{field}__fold{how}": words}).values("pk"), then=Value(place))
            for place, how in enumerate(("", "__startswith", "__contains"))
        ]
        return Case(*cases, default=Value(len(cases))).asc()

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """A filter that no database can read, such as the year 10000, shows all rows and says so."""
        try:
            return super().get_changelist_instance(request)
        except IncorrectLookupParameters:
            messages.warning(request, UNREADABLE_FILTER)
            raise
        except UNREADABLE_LOOKUPS as error:
            if not request.GET:
                raise
            messages.warning(request, UNREADABLE_FILTER)
            raise IncorrectLookupParameters(error) from error


def _words(typed: str) -> list[str]:
    """Split a search into folded words; a phrase in quotation marks counts as one word."""
    found = []
    for word in smart_split(fold(typed[:MAX_SEARCH]).replace("\0", " ")):
        if word.startswith(('"', "'")) and len(word) > 1 and word[0] == word[-1]:
            word = unescape_string_literal(word)
        found.append(word)
    return [word for word in found if word.strip()][:MAX_WORDS]
