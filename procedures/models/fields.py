"""Model fields of the domain."""

from typing import TYPE_CHECKING, Any

from django.db import models

from procedures.enums import Language

if TYPE_CHECKING:
    StringField = models.CharField[str, str]
else:
    StringField = models.CharField


class LanguageField(StringField):
    """Code of a language of the registry. Choices are left out of migrations, so a new language needs none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": 2, "choices": Language.choices, **kwargs})

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """A plain CharField."""
        name, _, args, kwargs = super().deconstruct()
        kwargs.pop("choices", None)
        return name, "django.db.models.CharField", list(args), kwargs
