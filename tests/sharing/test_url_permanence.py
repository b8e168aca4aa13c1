"""URL permanence under random histories: an address that was ever public works forever, and never for another page."""

import os

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from procedures.models import Page, Path
from procedures.publishing.publish import PublishError, withdraw
from procedures.sharing.link_check import find_broken_addresses
from tests.factories import make_clinic, make_figure, make_page, make_public, make_translation, make_user

# A thousand histories take a few minutes: HISTORIES=1000 pytest tests/sharing/test_url_permanence.py
HISTORIES = int(os.environ.get("HISTORIES", "25"))
SLUGS = [f"page-{letter}" for letter in "abcdefgh"]
SUBJECTS = ["one", "two", "three"]
HEADINGS = ["What it is", "How it helps", "What to do"]
BODY = "::: key-points\n- It is short.\n- It is safe.\n:::\n\n## {}\n\nA small cut. We look after you. [@nice]\n"


def dump_rows() -> dict[str, list[tuple[object, ...]]]:
    """Return every row that a page can depend on, by table."""
    with connection.cursor() as cursor:
        dump = {}
        for table in connection.introspection.table_names(cursor):
            if table.startswith("procedures_"):
                cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608
                dump[table] = sorted(cursor.fetchall(), key=repr)
        return dump


class UrlPermanence(RuleBasedStateMachine):
    """Staff rename, swap, merge, withdraw, restore, and translate pages; every address keeps working."""

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.client = Client()
        self.staff = make_user("max")
        self.owner: dict[str, int] = {}  # page by address, for every address that was ever live
        self.sections: set[tuple[int, str]] = set()
        self.checked: dict[str, list[tuple[object, ...]]] = {}  # the rows that the invariants were last checked on
        self.answers: dict[str, HttpResponse] = {}
        for subject, slug in zip(SUBJECTS, SLUGS, strict=False):
            make_page(subject, slug=slug, body=BODY.format(HEADINGS[0]))
            self._publish(subject, "en")

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    def _page(self, subject: str, language: str) -> Page | None:
        return Page.objects.filter(subject=subject, language=language).select_related("live_release").first()

    def _publish(self, subject: str, language: str) -> None:
        """Publish the draft; if that is rejected, nothing changes."""
        page = self._page(subject, language)
        assert page
        before = page.live_release
        try:
            with transaction.atomic():
                release = make_public(page)
        except PublishError as refused:
            assert "belongs to" in str(refused)
            page = self._page(subject, language)
            assert page and page.live_release == before
            return
        assert self.owner.setdefault(release.path, page.pk) == page.pk, "an address moved to another page"
        self.sections |= {(page.pk, section["anchor"]) for section in release.sections if section["anchor"]}

    @rule(subject=st.sampled_from(SUBJECTS), language=st.sampled_from(["en", "es"]), slug=st.sampled_from(SLUGS))
    def rename(self, subject: str, language: str, slug: str) -> None:
        """Change a slug to a new one, to an earlier one of the page, or (rejected) to one of another page."""
        page = self._page(subject, language)
        if page:
            kept, page.slug = page.slug, slug
            page.save()
            self._publish(subject, language)
            if Page.objects.get(pk=page.pk).live_release is None or self.owner.get(page.planned_path) != page.pk:
                Page.objects.filter(pk=page.pk).update(slug=kept)

    @rule(first=st.sampled_from(SUBJECTS), second=st.sampled_from(SUBJECTS))
    def swap(self, first: str, second: str) -> None:
        """Try to swap the slugs of two pages; both attempts are rejected."""
        one, two = self._page(first, "en"), self._page(second, "en")
        assert one and two
        if one != two:
            slugs = one.slug, two.slug
            for page, slug in ((one, slugs[1]), (two, slugs[0])):
                Page.objects.filter(pk=page.pk).update(slug=slug)
            self._publish(first, "en")
            self._publish(second, "en")
            for page, slug in ((one, slugs[0]), (two, slugs[1])):
                Page.objects.filter(pk=page.pk).update(slug=slug)

    @rule(subject=st.sampled_from(SUBJECTS), heading=st.sampled_from(HEADINGS))
    def reword(self, subject: str, heading: str) -> None:
        Page.objects.filter(subject=subject, language="en").update(body=BODY.format(heading))
        self._publish(subject, "en")

    @rule(
        subject=st.sampled_from(SUBJECTS),
        other=st.sampled_from([*SUBJECTS, None]),
        language=st.sampled_from(["en", "es"]),
    )
    def withdraw_or_merge(self, subject: str, other: str | None, language: str) -> None:
        """Withdraw a page, with or without a replacement."""
        page, new = self._page(subject, language), self._page(other, language) if other else None
        if page and page.live_release and (new is None or (new != page and new.live_release)):
            withdraw(page, actor=self.staff, reason="It was old.", replaced_by=new)

    @rule(subject=st.sampled_from(SUBJECTS), language=st.sampled_from(["en", "es"]))
    def restore(self, subject: str, language: str) -> None:
        page = self._page(subject, language)
        if page and page.live_release is None:
            self._publish(subject, language)

    @rule(subject=st.sampled_from(SUBJECTS), slug=st.sampled_from(SLUGS))
    @precondition(lambda self: not Page.objects.filter(subject="one", language="es").exists())
    def translate(self, subject: str, slug: str) -> None:
        page = self._page(subject, "en")
        if page and not self._page(subject, "es"):
            make_translation(page, slug=slug)
            self._publish(subject, "es")

    @invariant()
    def everything_that_was_public_works(self) -> None:
        """Check all of it, unless the rule was rejected or had nothing to do and left every row as it was."""
        rows = dump_rows()
        if rows == self.checked:
            return
        self.checked = rows
        self.answers.clear()
        self.every_address_returns_or_redirects_to_its_page()
        self.every_address_below_a_page_keeps_leading_to_it()
        self.every_code_leads_to_its_page()
        self.every_section_is_found()
        assert list(find_broken_addresses()) == []

    def _get(self, path: str) -> HttpResponse:
        """Read an address once for each state of the database: many lead to the same page."""
        if path not in self.answers:
            self.answers[path] = self.client.get(path)
        return self.answers[path]

    def every_address_returns_or_redirects_to_its_page(self) -> None:
        live = dict(Page.objects.values_list("pk", "live_release__path"))
        assert set(self.owner) <= set(Path.objects.values_list("path", flat=True))
        for path, owner in self.owner.items():
            answer = self._get(path)
            if live[owner] is None:
                assert answer.status_code == 410, path
                assert "It was old." in answer.content.decode()
            elif path == live[owner]:
                assert answer.status_code == 200, path
            else:
                assert (answer.status_code, answer["Location"]) == (301, live[owner])

    def every_address_below_a_page_keeps_leading_to_it(self) -> None:
        live = dict(Page.objects.values_list("pk", "live_release__path"))
        for path, owner in self.owner.items():
            for suffix in ("plain.txt", "picture/needle/", "picture/gone/"):
                answer = self._get(path + suffix)
                if live[owner] is None:
                    assert answer.status_code == 410, path + suffix
                elif answer.status_code != 200:
                    assert answer.status_code == 301, path + suffix
                    assert answer["Location"] in {live[owner], live[owner] + suffix}
                    assert self._get(answer["Location"]).status_code == 200
                else:
                    assert path == live[owner]

    def every_code_leads_to_its_page(self) -> None:
        for page in Page.objects.filter(pk__in=self.owner.values()).select_related("live_release"):
            answer = self._get(f"/p/{page.code}")
            assert answer.status_code == 301
            assert self.owner[answer["Location"]] == page.pk
            home = "/" if page.language == "en" else f"/{page.language}/"
            for other in (f"/p/{page.code}.svg", f"{home}clear/{page.code}/", f"{home}clear/{page.code}/thanks/"):
                assert (other, self._get(other).status_code) == (other, 200 if page.live_release else 410)

    def every_section_is_found(self) -> None:
        for page, anchor in self.sections:
            live = Page.objects.select_related("live_release").get(pk=page).live_release
            assert live is None or f'id="{anchor}"' in live.html


@pytest.mark.slow
@pytest.mark.django_db
def test_urls_are_permanent_under_random_histories() -> None:
    make_clinic()
    make_figure(size=(48, 48))
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        UrlPermanence,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=checks,
            derandomize=HISTORIES < 1000,
        ),
    )
