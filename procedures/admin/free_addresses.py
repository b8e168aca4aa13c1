"""The web address and the name shared by translations of a new page: made from its title while both are left empty."""

from itertools import count

from django.db.models import Q
from django.utils.text import slugify

from procedures.models import Page, Path
from procedures.models.page import public_path
from procedures.validators import is_reserved_path

# Fields of a new page that can be left empty.
ADDRESS_FIELDS = ("slug", "subject")
MAX_LENGTH = 50  # leaves room for a number in both fields
# For a title without Latin letters or digits.
FALLBACK = "page"


def find_free_address(title: str, language: str, kind: str) -> str:
    """Return an address made from ``title`` that no other page uses, such as ``knee-pain`` or ``knee-pain-2``."""
    words = slugify(title.replace("_", " "))[:MAX_LENGTH].strip("-") or FALLBACK
    candidates = (words if number == 1 else f"{words}-{number}" for number in count(1))
    return next(address for address in candidates if _is_free(address, language, kind))


def _is_free(address: str, language: str, kind: str) -> bool:
    """Return whether a page can have the address. A name used in another language would make it a translation."""
    path = public_path(language, kind, address)
    is_used = (
        is_reserved_path(path)
        or Page.objects.filter(Q(subject=address) | Q(slug=address, language=language)).exists()
        or Path.objects.filter(path=path).exists()
    )
    return not is_used
