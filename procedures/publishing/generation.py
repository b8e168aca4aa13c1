"""What the public reads, as one small value that changes whenever any of it does."""

from procedures.enums import Language
from procedures.models import Clinic, ReleaseEvent
from procedures.models.clinic import clinic_json


def public_state() -> tuple[object, ...]:
    """The newest event and the clinic's row, which stands on every page without a release. Two small queries."""
    newest = ReleaseEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
    clinic = Clinic.objects.values_list(*(clinic_json(language) for language in Language.values)).first()
    return newest, clinic
