"""Clinical codes, import records, and the reference data that pages quote.

Reference data are glossary terms, sources, clinic answers, and warning signs.
"""

import re
import unicodedata
from collections.abc import Iterable

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.append_only import AppendOnly, AppendOnlyManager
from portal.text import validate_single_line
from procedures.enums import HIERARCHICAL_SYSTEMS, CodeSystem, EventKind, SignLevel, SignTiming
from procedures.markup import term_lookup_key
from procedures.models.base import ClinicValue, ClinicValueManager, LanguageField, NormalizedModel
from procedures.models.page import COMMENT_REQUIRED_MESSAGE, MAX_LINE_LENGTH, HashedContent
from procedures.validators import (
    validate_https,
    validate_key,
    validate_no_markup,
    validate_no_phone,
    validate_plain_text,
    validate_printed_texts,
    validate_sign_length,
    validate_slug,
    validate_word_list,
)

MIN_YEAR, MAX_YEAR = 1800, 2100


class GlossaryTerm(NormalizedModel):
    """A glossary entry in one language. Its first use on a page links to the definition automatically."""

    key = models.CharField(
        _("short name"), max_length=60, validators=[validate_key], help_text=_("The same in every language.")
    )
    language = LanguageField(_("language"))
    term = models.CharField(
        _("term"),
        max_length=80,
        validators=[validate_single_line, validate_no_markup],
        help_text=_("As written in running text."),
    )
    aliases = models.JSONField(
        _("other words for it"), default=list, blank=True, help_text=_('A list, such as ["word", "another word"].')
    )
    pronunciation = models.CharField(
        _("pronunciation"),
        max_length=80,
        blank=True,
        validators=[validate_single_line, validate_no_markup],
        help_text=_("Such as KY-foh-plas-tee."),
    )
    definition = models.TextField(
        _("definition"),
        help_text=_("One or two plain sentences."),
        validators=[validate_plain_text, validate_no_markup],
    )

    # The entries of the language by word, for a caller that saves many; None to load them (see ``index_words``).
    entries_by_word: "dict[str, GlossaryTerm] | None" = None

    class Meta:
        ordering = ["language", "term"]
        verbose_name = _("glossary term")
        verbose_name_plural = _("glossary terms")
        constraints = [
            models.UniqueConstraint(fields=["language", "key"], name="glossary_term_once_per_language"),
        ]

    def __str__(self) -> str:
        return f"{self.term} ({self.language})"

    def clean(self) -> None:
        """Validate the aliases; reject lists of warning signs and phone numbers."""
        texts = {"term": self.term, "pronunciation": self.pronunciation, "definition": self.definition}
        validate_printed_texts(self.language, texts)
        try:
            validate_word_list(self.aliases)
            for alias in self.aliases:
                validate_no_markup(alias)
        except ValidationError as error:
            raise ValidationError({"aliases": error}) from error
        validate_no_phone({"aliases": "\n".join(self.aliases)})
        self._validate_unique_words()

    @property
    def words(self) -> list[str]:
        """The words that a page links to this entry, as they are compared."""
        return [term_lookup_key(word) for word in (self.term, *self.aliases)]

    @staticmethod
    def index_words(entries: "Iterable[GlossaryTerm]") -> "dict[str, GlossaryTerm]":
        """Return entries of one language by word."""
        return {word: entry for entry in entries for word in entry.words}

    def _validate_unique_words(self) -> None:
        """Reject a word that another entry has: a page could explain only one of them, and the other one is wrong.

        Nothing in the database enforces this: of two saves at the same time, both pass.
        """
        if self.entries_by_word is None:
            taken = self.index_words(GlossaryTerm.objects.filter(language=self.language).exclude(pk=self.pk))
        else:
            taken = {word: entry for word, entry in self.entries_by_word.items() if entry.pk != self.pk}
        errors = {}
        for name, words in {"term": [self.term], "aliases": self.aliases}.items():
            if found := next((word for word in words if term_lookup_key(word) in taken), ""):
                message = gettext(
                    "The glossary entry “%(term)s” already explains “%(word)s”, and a word can have only one meaning. "
                    "Remove it here, or edit that entry."
                )
                errors[name] = message % {"term": taken[term_lookup_key(found)].term, "word": found}
        if errors:
            raise ValidationError(errors)


class Source(NormalizedModel):
    """A cited reference."""

    key = models.CharField(
        _("short name"),
        max_length=60,
        unique=True,
        validators=[validate_key],
        help_text=_("Texts cite the source by this name."),
    )
    # The label uses American spelling; the field name has to match the key in the content files.
    organisation = models.CharField(
        _("organization"),
        max_length=160,
        validators=[validate_single_line, validate_no_markup],
        help_text=_("The publisher, such as a journal or a society."),
    )
    title = models.CharField(_("title"), max_length=300, validators=[validate_single_line, validate_no_markup])
    year = models.PositiveSmallIntegerField(_("year"), null=True, blank=True)
    url = models.CharField(_("web address"), max_length=300, blank=True, validators=[validate_https])
    identifier = models.CharField(
        _("identifier"),
        max_length=120,
        blank=True,
        validators=[validate_single_line, validate_no_markup],
        help_text=_("PMID, DOI, or similar."),
    )
    used_for = models.CharField(
        _("used for"),
        max_length=300,
        blank=True,
        validators=[validate_single_line],
        help_text=_("The facts that pages cite it for."),
    )

    class Meta:
        ordering = ["key"]
        verbose_name = _("source")
        verbose_name_plural = _("sources")

    def __str__(self) -> str:
        return self.key

    def clean(self) -> None:
        """Reject a year that must be a typing error."""
        if self.year is not None and not MIN_YEAR <= self.year <= MAX_YEAR:
            message = _("Enter the year of publication, from %(first)s to %(last)s.")
            raise ValidationError({"year": ValidationError(message, params={"first": MIN_YEAR, "last": MAX_YEAR})})


class ClinicAnswer(ClinicValue):
    """The clinic's answer to one question in one language. All pages print this row, so that none contradicts it."""

    key = models.CharField(
        _("short name"), max_length=60, validators=[validate_key], help_text=_("The same in every language.")
    )
    language = LanguageField(_("language"))
    order = models.PositiveSmallIntegerField(_("position"), default=0)
    question = models.CharField(
        _("question"),
        max_length=160,
        validators=[validate_single_line, validate_no_markup],
        help_text=_("Such as When can I drive?"),
    )
    answer = models.TextField(
        _("answer"),
        help_text=_("The clinic's own answer, in plain words."),
        validators=[validate_plain_text, validate_no_markup],
    )

    objects = ClinicValueManager()

    class Meta:
        ordering = ["language", "order", "key"]
        verbose_name = _("clinic answer")
        verbose_name_plural = _("clinic answers")
        constraints = [
            models.UniqueConstraint(fields=["language", "key"], name="clinic_answer_once_per_language"),
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.language})"

    def clean(self) -> None:
        """Reject lists of warning signs and phone numbers."""
        validate_printed_texts(self.language, {"question": self.question, "answer": self.answer})


class WarningSign(models.Model):
    """A warning sign as shown to the public.

    Only the content loader and publishing an approved list write these rows.
    """

    key = models.CharField(_("short name"), max_length=60, unique=True, validators=[validate_key])
    order = models.PositiveSmallIntegerField(_("position"), default=0, help_text=_("Position in the list."))
    level = models.CharField(_("level"), max_length=12, choices=SignLevel.choices)
    when = models.CharField(_("when"), max_length=8, choices=SignTiming.choices, default=SignTiming.BOTH)
    sources = models.JSONField(
        _("sources"), default=list, blank=True, validators=[validate_word_list], help_text=_("Short names of sources.")
    )

    class Meta:
        ordering = ["order", "key"]
        verbose_name = _("warning sign")
        verbose_name_plural = _("warning signs")

    def __str__(self) -> str:
        return self.key


class WarningSignText(NormalizedModel):
    """The text of a sign in one language, as a nurse would say it."""

    sign = models.ForeignKey(
        WarningSign, on_delete=models.CASCADE, related_name="texts", verbose_name=_("warning sign")
    )
    language = LanguageField(_("language"))
    text = models.CharField(
        _("text"), max_length=200, validators=[validate_single_line, validate_sign_length, validate_no_markup]
    )
    short = models.CharField(
        _("short form"),
        max_length=140,
        blank=True,
        validators=[validate_single_line, validate_no_markup],
        help_text=_("For the line at the top of every page."),
    )

    class Meta:
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        constraints = [
            models.UniqueConstraint(fields=["sign", "language"], name="sign_text_once_per_language"),
        ]

    def __str__(self) -> str:
        return self.text

    def clean(self) -> None:
        """Reject phone numbers: the list prints the clinic's own."""
        validate_no_phone({"text": self.text, "short": self.short})


class WarningSignRevision(HashedContent):
    """A complete proposed list. ``author`` is null for a list from the content folder."""

    number = models.PositiveIntegerField(unique=True)
    content = models.JSONField()
    content_hash = models.CharField(max_length=64)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=MAX_LINE_LENGTH, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AppendOnlyManager()

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"Warning signs r{self.number}"


class WarningSignEvent(AppendOnly):
    """One entry of the list's history: who sent it for review, approved it, sent it back, or published it, and when."""

    EVENT_KINDS = (EventKind.SUBMITTED, EventKind.APPROVED, EventKind.SENT_BACK, EventKind.PUBLISHED)

    revision = models.ForeignKey(WarningSignRevision, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(_("decision"), max_length=20, choices=[(kind.value, kind.label) for kind in EVENT_KINDS])
    content_hash = models.CharField(max_length=64)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    comment = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AppendOnlyManager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind=EventKind.SENT_BACK) | ~Q(comment=""),
                name="sent_back_signs_have_comment",
                violation_error_message=COMMENT_REQUIRED_MESSAGE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.revision}"


class ClinicalCode(models.Model):
    """A code that an EHR may send and the subject it maps to. Code titles are licensed and therefore not stored."""

    system = models.CharField(_("system"), max_length=12, choices=CodeSystem.choices)
    code = models.CharField(
        _("code"),
        max_length=20,
        help_text=_("The longest match wins: S32.0 includes all codes that begin with it."),
    )
    subject = models.CharField(_("name shared by translations"), max_length=60, validators=[validate_slug])
    rank = models.PositiveSmallIntegerField(_("priority"), default=1, help_text=_("Lower numbers come first."))

    class Meta:
        ordering = ["system", "code", "rank"]
        verbose_name = _("clinical code")
        verbose_name_plural = _("clinical codes")
        constraints = [
            models.UniqueConstraint(fields=["system", "code", "subject"], name="clinical_code_once_per_subject"),
            models.CheckConstraint(
                condition=Q(rank__gte=1),
                name="clinical_code_rank_positive",
                violation_error_message=_("Ranks start at 1."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_system_display()} {self.code}"

    def clean(self) -> None:
        """Refuse characters that no code system has, and any spelling but the usual one.

        The form corrects the spelling. A content file must have it, because the code is part of the row's key.
        """
        super().clean()
        usual = normalize_clinical_code(self.system, self.code)
        if re.search(r"[^0-9A-Z.]", usual):
            message = gettext("Use only letters, digits, and a dot in a code, such as M80.08 or 22513.")
            raise ValidationError({"code": message})
        if self.code != usual:
            raise ValidationError({"code": gettext("Write this code as %(code)s.") % {"code": usual}})


def normalize_clinical_code(system: str, code: str) -> str:
    """Return the usual spelling of a code: ``s32 0`` → ``S32.0``, ICD-9-CM ``e8051`` → ``E805.1``."""
    code = re.sub(r"[\s.]", "", unicodedata.normalize("NFKC", code)).upper()
    # The external causes of ICD-9-CM have categories of four characters.
    length = 4 if system == CodeSystem.ICD9CM and code.startswith("E") else 3
    has_dot = system in HIERARCHICAL_SYSTEMS and len(code) > length
    return f"{code[:length]}.{code[length:]}" if has_dot else code


class ImportedRecord(models.Model):
    """The hash of one record as it was last loaded from the content folder, so that changes made by staff can be
    detected.
    """

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
