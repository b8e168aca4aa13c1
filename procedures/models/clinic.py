"""The clinic and its locations: the only place where its name and phone numbers are stored."""

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, JSONObject
from django.utils.translation import gettext_lazy as _

from portal.text import validate_single_line
from procedures.branding import Logo, validate_color
from procedures.models.base import ClinicValue, ClinicValueManager, LanguageField
from procedures.validators import (
    validate_key,
    validate_no_markup,
    validate_no_phone,
    validate_phone,
    validate_plain_text,
    validate_printed_texts,
    validate_time_zone,
)


class Clinic(ClinicValue):
    """The clinic that runs this site; exactly one row."""

    name = models.CharField(
        _("name"),
        max_length=120,
        validators=[validate_single_line, validate_no_markup],
        help_text=_("As it appears on your sign. Patients see it on every page."),
    )
    phone = models.CharField(
        _("phone"),
        max_length=25,
        validators=[validate_phone],
        help_text=_("The number that patients call during office hours."),
    )
    after_hours_phone = models.CharField(
        _("after-hours phone"),
        max_length=25,
        validators=[validate_phone],
        blank=True,
        help_text=_("For evenings and weekends, if any."),
    )
    emergency_number = models.CharField(
        _("emergency number"),
        max_length=25,
        validators=[validate_phone],
        default="911",
        help_text=_("The number for an ambulance, such as 911."),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=60,
        default="UTC",
        validators=[validate_time_zone],
        help_text=_("Such as America/Denver. Scheduled pages go live in this time zone."),
    )
    # A PNG created by decoding.read_logo. Stored in this row so that it changes in the same transaction as the clinic's
    # name.
    logo = models.BinaryField(_("logo"), blank=True, default=b"", editable=False)
    logo_version = models.CharField(max_length=16, blank=True, editable=False)
    logo_width = models.PositiveSmallIntegerField(default=0, editable=False)
    logo_height = models.PositiveSmallIntegerField(default=0, editable=False)
    logo_has_name = models.BooleanField(
        _("the logo contains the name"),
        default=False,
        help_text=_("If checked, the name is not printed next to the logo."),
    )
    color = models.CharField(
        _("first color"),
        max_length=7,
        blank=True,
        validators=[validate_color],
        help_text=_("Such as #1a5276: for the line at the top of each page, the current stage of care, and printouts."),
    )
    accent_color = models.CharField(
        _("second color"),
        max_length=7,
        blank=True,
        validators=[validate_color],
        help_text=_("For the thin line below the first one. Leave it empty to use one color."),
    )

    objects = ClinicValueManager()

    class Meta:
        verbose_name = _("clinic")
        verbose_name_plural = _("clinic")
        constraints = [
            models.CheckConstraint(
                condition=Q(pk=1),
                name="clinic_is_singleton",
                violation_error_message=_("There can be only one clinic. Edit the existing one."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def set_logo(self, logo: Logo | None) -> None:
        """Replace the logo, or remove it."""
        self.logo = logo.png if logo else b""
        self.logo_version = logo.version if logo else ""
        self.logo_width, self.logo_height = (logo.width, logo.height) if logo else (0, 0)


class ClinicText(ClinicValue):
    """The clinic's texts in one language."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="texts", verbose_name=_("clinic"))
    language = LanguageField(_("language"))
    hours = models.CharField(
        _("hours"),
        max_length=200,
        validators=[validate_single_line, validate_no_markup],
        help_text=_("Such as Monday to Friday, 8 a.m. to 5 p.m."),
    )
    about = models.TextField(
        _("about"), blank=True, validators=[MaxLengthValidator(1000), validate_plain_text, validate_no_markup]
    )

    objects = ClinicValueManager()

    class Meta:
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        constraints = [
            models.UniqueConstraint(fields=["clinic", "language"], name="clinic_text_once_per_language"),
        ]

    def __str__(self) -> str:
        return f"{self.clinic} ({self.language})"

    def clean(self) -> None:
        """Reject lists of warning signs and phone numbers; phone numbers have fields of their own."""
        validate_printed_texts(self.language, {"hours": self.hours, "about": self.about})


class Location(ClinicValue):
    """One address where patients are seen."""

    key = models.CharField(_("short name"), max_length=40, unique=True, validators=[validate_key])
    order = models.PositiveSmallIntegerField(_("position"), default=0)
    phone = models.CharField(_("phone"), max_length=25, validators=[validate_phone])
    address = models.TextField(
        _("address"),
        help_text=_("As on an envelope, with each part on its own line."),
        validators=[validate_plain_text, validate_no_markup],
    )

    objects = ClinicValueManager()

    class Meta:
        ordering = ["order", "key"]
        verbose_name = _("location")
        verbose_name_plural = _("locations")

    def __str__(self) -> str:
        return self.key

    def clean(self) -> None:
        """Reject phone numbers in the address; the phone number has a field of its own."""
        validate_no_phone({"address": self.address})


class LocationText(ClinicValue):
    """The name of a location, its hours, and how to get there, in one language."""

    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="texts", verbose_name=_("location"))
    language = LanguageField(_("language"))
    name = models.CharField(_("name"), max_length=120, validators=[validate_single_line, validate_no_markup])
    hours = models.CharField(
        _("hours"), max_length=200, blank=True, validators=[validate_single_line, validate_no_markup]
    )
    directions = models.TextField(
        _("directions"),
        blank=True,
        help_text=_("For example: parking, entrance, elevator."),
        validators=[validate_plain_text, validate_no_markup],
    )

    objects = ClinicValueManager()

    class Meta:
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        constraints = [
            models.UniqueConstraint(fields=["location", "language"], name="location_text_once_per_language"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"

    def clean(self) -> None:
        """Reject lists of warning signs and phone numbers; the phone number has a field of its own."""
        texts = {"name": self.name, "hours": self.hours, "directions": self.directions}
        validate_printed_texts(self.language, texts)


def clinic_json(language: str | OuterRef) -> Subquery:
    """Return a subquery with the clinic's row as a JSON object, so that a public page needs one query, not two.

    ``language``: its code, or an ``OuterRef(OuterRef(…))`` to a field.
    """
    hours = ClinicText.objects.filter(clinic=OuterRef("pk"), language=language).values("hours")[:1]
    row = Clinic.objects.values(
        json=JSONObject(
            name="name",
            phone="phone",
            after_hours_phone="after_hours_phone",
            emergency_number="emergency_number",
            logo_version="logo_version",
            logo_width="logo_width",
            logo_height="logo_height",
            logo_has_name="logo_has_name",
            color="color",
            accent_color="accent_color",
            hours=Coalesce(Subquery(hours), Value("")),
        )
    )[:1]
    return Subquery(row, output_field=models.JSONField())


def clinic_time_zone() -> Subquery:
    """Return a subquery with the name of the clinic's time zone."""
    return Subquery(Clinic.objects.values("time_zone")[:1], output_field=models.CharField())


def get_clinic_names() -> list[str]:
    """Return the names of the clinic and its locations, which passwords must not contain (``PASSWORD_DENYLIST``)."""
    return [*Clinic.objects.values_list("name", flat=True), *Location.objects.values_list("texts__name", flat=True)]
