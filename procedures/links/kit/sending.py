"""What every part of the kit is made from: one public page and the clinic that sends it."""

from dataclasses import dataclass

from django.conf import settings

from procedures.enums import Language
from procedures.models import Clinic, Release


@dataclass(frozen=True, slots=True)
class Sending:
    """``readable`` and ``neutral`` are full addresses; the neutral one names no condition."""

    language: str
    clinic: str
    phone: str
    code: str
    readable: str
    neutral: str

    @property
    def in_words(self) -> str:
        """The neutral address as somebody types it: ``learn.example.org/p/K7M4P2``."""
        return self.neutral.partition("://")[2]


def neutral_path(language: str, code: str) -> str:
    """``/p/K7M4P2``, ``/es/p/K7M4P2``: the page speaks the reader's language even where the code is mistyped."""
    return f"/p/{code}" if language == Language.ENGLISH else f"/{language}/p/{code}"


def sending(release: Release, clinic: Clinic) -> Sending:
    """From what the public reads; the draft plays no part."""
    page = release.page
    return Sending(
        language=page.language,
        clinic=clinic.name,
        phone=clinic.phone,
        code=page.code,
        readable=settings.PUBLIC_URL + release.path,
        neutral=settings.PUBLIC_URL + neutral_path(page.language, page.code),
    )
