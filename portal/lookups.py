"""Lookups that the app registers for all integer fields."""

from typing import Any

from django.db.models import IntegerField
from django.db.models.lookups import In


@IntegerField.register_lookup
class IntegerIn(In):  # type: ignore[type-arg]  # the class does not accept one at run time
    """Ignores numbers that no row can have, as Django's other lookups do: SQLite raises OverflowError for them."""

    def process_rhs(self, compiler: Any, connection: Any) -> Any:
        if self.rhs_is_direct_value():
            _low, high = connection.ops.integer_field_range(self.lhs.output_field.get_internal_type())
            self.rhs = [key for key in self.rhs if not (isinstance(key, int) and high and abs(key) > high)]
        return super().process_rhs(compiler, connection)
