"""Text is stored in one form, whether it comes from a screen, the content folder or a bundle."""

from collections.abc import Collection
from typing import Any

from django.db import models

from portal.text import normalize


def normalized(value: Any) -> Any:
    """A value with every text in it normalized, also in lists and mappings."""
    if isinstance(value, str):
        return normalize(value)
    if isinstance(value, list):
        return [normalized(item) for item in value]
    if isinstance(value, dict):
        return {key: normalized(item) for key, item in value.items()}
    return value


class NormalizedModel(models.Model):
    """Composes accents and drops invisible characters before a row is validated."""

    class Meta:
        abstract = True

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Normalize, then validate what will be stored."""
        for model_field in self._meta.concrete_fields:
            value = self.__dict__.get(model_field.attname)
            if isinstance(value, str | list):
                setattr(self, model_field.attname, normalized(value))
        super().clean_fields(exclude)
