"""What pages quote: glossary terms, sources, the clinic's own answers, clinical codes."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from portal.validators import validate_single_line
from procedures.enums import CodeSystem
from procedures.models.base import ClinicValue, ClinicValueManager, NormalizedModel
from procedures.models.fields import LanguageField
from procedures.validators import (
    validate_https,
    validate_key,
    validate_no_markup,
    validate_no_phone,
    validate_no_sign_list,
    validate_plain_text,
    validate_slug,
    validate_word_list,
)

MIN_YEAR, MAX_YEAR = 1800, 2100


class GlossaryTerm(NormalizedModel):
    """A glossary entry in one language. Its first use on a page is linked to the definition by itself."""

    key = models.CharField(max_length=60, validators=[validate_key], help_text="The same in every language.")
    language = LanguageField()
    term = models.CharField(
        max_length=80, validators=[validate_single_line, validate_no_markup], help_text="As it stands in running text."
    )
    aliases = models.JSONField(default=list, blank=True, help_text='Other words for it: ["word", "other word"].')
    pronunciation = models.CharField(
        "how to say it",
        max_length=80,
        blank=True,
        validators=[validate_single_line, validate_no_markup],
        help_text="Such as KY-foh-plas-tee.",
    )
    definition = models.TextField(
        help_text="One or two plain sentences.", validators=[validate_plain_text, validate_no_markup]
    )

    class Meta:
        ordering = ["language", "term"]
        constraints = [
            models.UniqueConstraint(fields=["language", "key"], name="glossary_term_once_per_language"),
        ]

    def __str__(self) -> str:
        return f"{self.term} ({self.language})"

    def clean(self) -> None:
        """Aliases are plain words; a definition holds no list of warning signs and no phone number."""
        validate_no_phone({"term": self.term, "pronunciation": self.pronunciation, "definition": self.definition})
        validate_no_sign_list(self.language, {"definition": self.definition})
        try:
            validate_word_list(self.aliases)
            for alias in self.aliases:
                validate_no_markup(alias)
        except ValidationError as error:
            raise ValidationError({"aliases": error}) from error
        validate_no_phone({"aliases": "\n".join(self.aliases)})


class Source(NormalizedModel):
    """A cited reference."""

    key = models.CharField(max_length=60, unique=True, validators=[validate_key], help_text="Cited as [@key].")
    organisation = models.CharField(
        max_length=160,
        validators=[validate_single_line, validate_no_markup],
        help_text="Who says it: a journal, a society.",
    )
    title = models.CharField(max_length=300, validators=[validate_single_line, validate_no_markup])
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    url = models.CharField("web address", max_length=300, blank=True, validators=[validate_https])
    identifier = models.CharField(
        max_length=120,
        blank=True,
        validators=[validate_single_line, validate_no_markup],
        help_text="PMID, DOI or the like.",
    )
    used_for = models.CharField(
        max_length=300, blank=True, validators=[validate_single_line], help_text="What we take from it."
    )

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key

    def clean(self) -> None:
        """The year is one of medical literature, not a slip of the finger."""
        if self.year is not None and not MIN_YEAR <= self.year <= MAX_YEAR:
            raise ValidationError({"year": f"Write the year of publication, from {MIN_YEAR} to {MAX_YEAR}."})


class ClinicAnswer(ClinicValue):
    """One clinic-owned answer, printed everywhere from this one row."""

    key = models.CharField(max_length=60, validators=[validate_key], help_text="The same in every language.")
    language = LanguageField()
    order = models.PositiveSmallIntegerField(default=0)
    question = models.CharField(
        max_length=160, validators=[validate_single_line, validate_no_markup], help_text="Such as When can I drive?"
    )
    answer = models.TextField(
        help_text="The clinic's own answer, in plain words.", validators=[validate_plain_text, validate_no_markup]
    )

    objects = ClinicValueManager()

    class Meta:
        ordering = ["language", "order", "key"]
        constraints = [
            models.UniqueConstraint(fields=["language", "key"], name="clinic_answer_once_per_language"),
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.language})"

    def clean(self) -> None:
        """An answer holds no list of warning signs and no phone number."""
        validate_no_phone({"question": self.question, "answer": self.answer})
        validate_no_sign_list(self.language, {"answer": self.answer})


class ClinicalCode(models.Model):
    """A code that an EHR may ask with, and the subject it leads to. Numbers only: titles are not ours to store."""

    system = models.CharField(max_length=12, choices=CodeSystem.choices)
    code = models.CharField(max_length=20, help_text="Longest matching beginning wins, so S32.0 holds all its levels.")
    subject = models.CharField(max_length=60, validators=[validate_slug])
    rank = models.PositiveSmallIntegerField(default=1, help_text="Lower numbers answer first.")

    class Meta:
        ordering = ["system", "code", "rank"]
        verbose_name = "clinical code"
        constraints = [
            models.UniqueConstraint(fields=["system", "code", "subject"], name="clinical_code_once_per_subject"),
            models.CheckConstraint(
                condition=Q(rank__gte=1),
                name="clinical_code_rank_positive",
                violation_error_message="Ranks start at 1.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_system_display()} {self.code}"


class ImportedRecord(models.Model):
    """One row of the content folder and the hash of what was loaded from it."""

    kind = models.CharField(max_length=12)
    key = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["kind", "key"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="imported_record_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
