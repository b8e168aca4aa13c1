"""Who the clinic is and where: the only place where its name and numbers are kept."""

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, JSONObject

from portal.validators import validate_single_line
from procedures.models.base import ClinicValue, ClinicValueManager
from procedures.models.fields import LanguageField
from procedures.validators import (
    validate_key,
    validate_no_markup,
    validate_no_phone,
    validate_no_sign_list,
    validate_phone,
    validate_plain_text,
    validate_time_zone,
)


class Clinic(ClinicValue):
    """The clinic that runs this site; exactly one row."""

    name = models.CharField(
        max_length=120,
        validators=[validate_single_line, validate_no_markup],
        help_text="As on the door. Patients see it on every page.",
    )
    phone = models.CharField(
        max_length=25, validators=[validate_phone], help_text="The number that patients call in office hours."
    )
    after_hours_phone = models.CharField(
        max_length=25, validators=[validate_phone], blank=True, help_text="For evenings and weekends, if any."
    )
    emergency_number = models.CharField(
        max_length=25, validators=[validate_phone], default="911", help_text="The ambulance, such as 911."
    )
    time_zone = models.CharField(
        max_length=60,
        default="UTC",
        validators=[validate_time_zone],
        help_text="Such as America/Denver. Scheduled pages go live by this clock.",
    )

    objects = ClinicValueManager()

    class Meta:
        verbose_name = "clinic"
        verbose_name_plural = "clinic"
        constraints = [
            models.CheckConstraint(
                condition=Q(pk=1),
                name="clinic_is_singleton",
                violation_error_message="There is one clinic only. Change the one that is here.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ClinicText(ClinicValue):
    """The clinic's own words in one language."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="texts")
    language = LanguageField()
    hours = models.CharField(
        max_length=200,
        validators=[validate_single_line, validate_no_markup],
        help_text="Such as Monday to Friday, 8 am to 5 pm.",
    )
    about = models.TextField(blank=True, validators=[MaxLengthValidator(1000), validate_plain_text, validate_no_markup])

    objects = ClinicValueManager()

    class Meta:
        verbose_name = "text"
        constraints = [
            models.UniqueConstraint(fields=["clinic", "language"], name="clinic_text_once_per_language"),
        ]

    def __str__(self) -> str:
        return f"{self.clinic} ({self.language})"

    def clean(self) -> None:
        """The clinic's words hold no list of warning signs and no phone number, which has a field of its own."""
        words = {"hours": self.hours, "about": self.about}
        validate_no_sign_list(self.language, words)
        validate_no_phone(words)


class Location(ClinicValue):
    """One address where patients are seen."""

    key = models.CharField(max_length=40, unique=True, validators=[validate_key])
    order = models.PositiveSmallIntegerField(default=0)
    phone = models.CharField(max_length=25, validators=[validate_phone])
    address = models.TextField(
        help_text="Lines as on an envelope.", validators=[validate_plain_text, validate_no_markup]
    )

    objects = ClinicValueManager()

    class Meta:
        ordering = ["order", "key"]

    def __str__(self) -> str:
        return self.key

    def clean(self) -> None:
        """The phone has a field of its own."""
        validate_no_phone({"address": self.address})


class LocationText(ClinicValue):
    """What a location is called and how to get there, in one language."""

    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="texts")
    language = LanguageField()
    name = models.CharField(max_length=120, validators=[validate_single_line, validate_no_markup])
    hours = models.CharField(max_length=200, blank=True, validators=[validate_single_line, validate_no_markup])
    directions = models.TextField(
        blank=True, help_text="Parking, door, lift.", validators=[validate_plain_text, validate_no_markup]
    )

    objects = ClinicValueManager()

    class Meta:
        verbose_name = "text"
        constraints = [
            models.UniqueConstraint(fields=["location", "language"], name="location_text_once_per_language"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"

    def clean(self) -> None:
        """The words about a place hold no list of warning signs and no phone number, which has a field of its own."""
        words = {"name": self.name, "hours": self.hours, "directions": self.directions}
        validate_no_sign_list(self.language, words)
        validate_no_phone(words)


def clinic_json(language: str) -> Subquery:
    """The clinic's row as a JSON object, to annotate any query: a public page costs one query, not two."""
    hours = ClinicText.objects.filter(clinic=OuterRef("pk"), language=language).values("hours")[:1]
    row = Clinic.objects.values(
        json=JSONObject(
            name="name",
            phone="phone",
            after_hours_phone="after_hours_phone",
            emergency_number="emergency_number",
            hours=Coalesce(Subquery(hours), Value("")),
        )
    )[:1]
    return Subquery(row, output_field=models.JSONField())


def clinic_time_zone() -> Subquery:
    """The name of the clinic's time zone, to annotate any query."""
    return Subquery(Clinic.objects.values("time_zone")[:1], output_field=models.CharField())


def get_clinic_names() -> list[str]:
    """Its name and its places, as a stranger would guess them (``PASSWORD_DENYLIST``)."""
    return [*Clinic.objects.values_list("name", flat=True), *Location.objects.values_list("texts__name", flat=True)]
