"""Append-only tables: neither the models nor SQL can change or delete their rows."""

import re
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import ProtectedError

from portal.accounts.models import AuditEvent, User
from portal.append_only import AppendOnly, AppendOnlyError, RefuseChanges, protected_models
from procedures.figures.approval import record_approval
from procedures.models import (
    Approval,
    ApprovalFingerprint,
    DigestDelivery,
    FigureApproval,
    Page,
    Path,
    Release,
    ReleaseDependency,
    ReleaseEvent,
    ReviewComment,
    Revision,
    WarningSignEvent,
    WarningSignRevision,
)
from procedures.publishing import warning_signs
from procedures.revisions.drafts import save_revision
from tests.database import history_unprotected
from tests.factories import approve, make_clinic, make_figure, make_page, make_public, make_user
from tests.replay import built_once

pytestmark = pytest.mark.django_db

TABLES = [
    Revision,
    Approval,
    ApprovalFingerprint,
    FigureApproval,
    ReviewComment,
    Release,
    ReleaseDependency,
    ReleaseEvent,
    DigestDelivery,
    AuditEvent,
    WarningSignRevision,
    WarningSignEvent,
]
CHANGES: dict[str, Callable[[Any, Any], object]] = {
    "save": lambda row, rows: row.save(),
    "save fields": lambda row, rows: row.save(update_fields=["id"]),
    "delete": lambda row, rows: row.delete(),
    "update": lambda row, rows: rows.update(id=999),
    "delete all": lambda row, rows: rows.delete(),
    "delete some": lambda row, rows: rows.filter(pk=row.pk).delete(),
    "bulk update": lambda row, rows: rows.bulk_update([row], ["id"]),
    "bulk create over": lambda row, rows: rows.bulk_create(
        [row], update_conflicts=True, update_fields=["id"], unique_fields=["id"]
    ),
    "update or create": lambda row, rows: rows.update_or_create(pk=row.pk, defaults={"id": row.pk}),
    "raw delete": lambda row, rows: rows._raw_delete(rows.db),
}


@pytest.fixture
@built_once
def public_page() -> Page:
    """A page with a row in every table of its history."""
    make_clinic()
    make_figure(size=(48, 48))
    page = make_page()
    make_public(page)
    ReviewComment.objects.create(approval=Approval.objects.latest("pk"), quote="It is short.", text="Is it?")
    DigestDelivery.objects.create(user=make_user(), week="2026-W47")
    AuditEvent.objects.create(kind="logged_in", user=make_user("ed"))
    warning_signs.record_starter_list()
    return page


def test_history_rows_with_nul_characters_are_rejected(public_page: Page) -> None:
    comment, revision = ReviewComment.objects.get(), public_page.revisions.latest("pk")
    values = {"page": public_page, "number": 99}

    for save in (
        lambda: ReviewComment.objects.create(approval=comment.approval, quote="It is short.", text="a\0b"),
        lambda: ReviewComment.objects.bulk_create([ReviewComment(approval=comment.approval, quote="\0", text="b")]),
        lambda: Revision.objects.create(**values, content={**revision.content, "items": [{"note": "a\0b"}]}),
    ):
        with pytest.raises(AppendOnlyError, match="must not contain NUL characters"):
            save()


def test_every_table_of_the_history_is_append_only() -> None:
    assert {model for model in apps.get_models() if issubclass(model, AppendOnly)} == set(TABLES)


@pytest.mark.parametrize("model", TABLES)
def test_a_history_row_rejects_every_change(public_page: Page, model: Any) -> None:
    row = model.objects.first()
    before = list(model.objects.order_by("pk").values())

    accepted = []
    for name, change in CHANGES.items():
        try:
            change(row, model.objects.all())
        except AppendOnlyError as error:
            assert re.search("rows are never (changed|deleted)", str(error)), name
        else:
            accepted.append(name)

    assert accepted == []
    assert list(model.objects.order_by("pk").values()) == before


# SQL from a program without our models. "{column}" is any column, and "{table}" is the table.
STATEMENTS = {
    "update": 'UPDATE "{table}" SET "{column}" = "{column}"',
    "update a row": 'UPDATE "{table}" SET "{column}" = "{column}" WHERE id = {pk}',
    "delete": 'DELETE FROM "{table}"',
    "delete a row": 'DELETE FROM "{table}" WHERE id = {pk}',
    "sqlite: replace": 'INSERT OR REPLACE INTO "{table}" SELECT * FROM "{table}" WHERE id = {pk}',
    "sqlite: update or replace": 'UPDATE OR REPLACE "{table}" SET "{column}" = "{column}"',
    "upsert": 'INSERT INTO "{table}" SELECT * FROM "{table}" WHERE id = {pk} '
    'ON CONFLICT (id) DO UPDATE SET "{column}" = EXCLUDED."{column}"',
    "postgresql: truncate": 'TRUNCATE "{table}" CASCADE',
}


@pytest.mark.parametrize("model", [*TABLES, Path])
def test_the_database_itself_rejects_every_change(public_page: Page, model: Any) -> None:
    row = model.objects.first()
    table = model._meta.db_table
    column = next(field.column for field in model._meta.concrete_fields if not field.primary_key)
    before = list(model.objects.order_by("pk").values())
    # PostgreSQL cannot truncate a table with pending foreign key checks.
    connection.check_constraints()

    accepted = []
    for name, statement in STATEMENTS.items():
        vendor = name.partition(":")[0]
        if vendor in {"sqlite", "postgresql"} and vendor != connection.vendor:
            continue
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement.format(table=table, column=column, pk=row.pk))
        except IntegrityError as error:
            assert f"rows of {table} are never changed or deleted" in str(error), name
        else:
            accepted.append(name)

    assert accepted == []
    assert list(model.objects.order_by("pk").values()) == before


def test_only_the_canonical_flag_of_a_path_can_change(public_page: Page) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procedures_path SET is_canonical = %s", [False])
    for column in ("path", "page_id", "created_at", "id"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE procedures_path SET {column} = {column}")  # noqa: S608 -- our own names

    assert not Path.objects.get(page=public_page).is_canonical


def test_the_approval_of_a_figure_outlives_the_figure_but_never_belongs_to_another(public_page: Page) -> None:
    first, second = make_figure("never-public", size=(48, 48)), make_figure("other", size=(48, 48))
    approval = record_approval(first, None)

    with pytest.raises(IntegrityError), transaction.atomic():
        models.QuerySet(FigureApproval).filter(pk=approval.pk).update(figure=second)
    first.delete()

    approval.refresh_from_db()
    assert approval.figure is None
    with pytest.raises(IntegrityError), transaction.atomic():
        models.QuerySet(FigureApproval).filter(pk=approval.pk).update(figure=second)


def test_every_protected_table_has_its_triggers_after_all_migrations() -> None:
    assert set(protected_models()) == {*TABLES, Path}
    catalog = {
        "sqlite": "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%_refuse_%'",
        "postgresql": "SELECT relname, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
        "WHERE tgname LIKE 'refuse_%'",
    }
    with connection.cursor() as cursor:
        cursor.execute(catalog[connection.vendor])
        counts = Counter(table for table, _ in cursor.fetchall())

    assert counts == {model._meta.db_table: 3 if model is FigureApproval else 2 for model in protected_models()}


def test_the_migration_operation_can_be_reversed(public_page: Page) -> None:
    operation = RefuseChanges("release")
    state = MigrationExecutor(connection).loader.project_state()
    editor = SimpleNamespace(connection=connection, execute=lambda sql, params: connection.cursor().execute(sql))
    release = Release.objects.get(page=public_page)

    operation.database_backwards("procedures", editor, state, state)
    models.QuerySet(Release).update(title="Changed")
    operation.database_forwards("procedures", editor, state, state)

    with pytest.raises(IntegrityError), transaction.atomic():
        models.QuerySet(Release).update(title="Changed again")
    assert Release.objects.get(pk=release.pk).title == "Changed"


def test_dropped_triggers_are_created_again(public_page: Page) -> None:
    with history_unprotected():
        models.QuerySet(Release).update(title="Changed")

    with pytest.raises(IntegrityError), transaction.atomic():
        models.QuerySet(Release).update(title="Changed again")


def test_related_managers_reject_changes_too(public_page: Page) -> None:
    for rows in (public_page.revisions, public_page.releases, public_page.events):
        with pytest.raises(AppendOnlyError):
            rows.all().delete()
        with pytest.raises(AppendOnlyError):
            rows.update(page=public_page)


def test_an_existing_row_cannot_be_overwritten_by_primary_key(public_page: Page) -> None:
    release = Release.objects.filter(page=public_page).get()
    values = {field.attname: getattr(release, field.attname) for field in Release._meta.concrete_fields}

    with pytest.raises(IntegrityError), transaction.atomic():
        Release(**{**values, "html": "<p>Other</p>"}).save()

    assert Release.objects.get(pk=release.pk).html == release.html


def test_the_hash_of_a_revision_always_matches_its_content(public_page: Page) -> None:
    revision = Revision(page=public_page, number=99, content={"body": "x"}, content_hash="f" * 64)

    revision.save()

    assert revision.content_hash != "f" * 64
    same = Revision.objects.create(page=public_page, number=100, content={"body": "x"})
    assert same.content_hash == revision.content_hash


def test_addresses_are_never_deleted(public_page: Page) -> None:
    path = Path.objects.get(page=public_page)

    with pytest.raises(AppendOnlyError):
        path.delete()
    with pytest.raises(AppendOnlyError):
        Path.objects.all().delete()

    assert Path.objects.filter(pk=path.pk).exists()


@pytest.mark.parametrize("name", ["ed", "rita", "max"])
def test_users_in_the_history_cannot_be_deleted(public_page: Page, name: str) -> None:
    with pytest.raises(ProtectedError):
        User.objects.get(username=name).delete()

    assert User.objects.filter(username=name).exists()


def test_a_page_with_history_cannot_be_deleted(public_page: Page) -> None:
    with pytest.raises(ProtectedError):
        public_page.delete()
    with pytest.raises(ProtectedError):
        Page.objects.all().delete()

    assert Page.objects.filter(pk=public_page.pk).exists()


def test_a_picture_that_patients_saw_cannot_be_deleted(public_page: Page) -> None:
    assert public_page.lead_figure is not None

    with pytest.raises(ProtectedError):
        public_page.lead_figure.delete()


def test_a_draft_that_was_never_public_keeps_its_approval() -> None:
    make_figure(size=(48, 48))
    revision = save_revision(make_page(), author=make_user())
    approve(revision)

    with pytest.raises(ProtectedError):
        models.Model.delete(revision)
