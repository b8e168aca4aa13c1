"""The translation screen: changes in the source, and the record of a check."""

from django.test import Client

from portal.accounts.models import User
from procedures.enums import Decision
from procedures.models import Approval, ClinicAnswer, GlossaryTerm, Page
from procedures.revisions.drafts import save_revision
from tests.admin.conftest import PAGES, SignIn, change_url, clinic_answer_form, page_form, post_form
from tests.admin.test_clinic_values import confirm
from tests.admin.workflow_helpers import task_lists
from tests.factories import make_public, make_term, make_translation


def test_the_translation_screen_shows_changes_in_the_source(page: Page, editor: User, sign_in: SignIn) -> None:
    made_from = make_public(page).revision
    spanish = make_translation(page, translated_from=made_from)
    make_public(spanish)
    page.refresh_from_db()
    page.body = page.body.replace("A small cut.", "A very small cut.")
    newest = make_public(page).revision
    client, address = sign_in(editor), f"{PAGES}{spanish.pk}/translation/"

    before = client.get(address).content.decode()
    told = task_lists(client)["translations"]
    answer = client.post(address, {"follows": "1", "source": newest.pk})

    spanish.refresh_from_db()
    assert "The source has 1 change since" in before and "<ins> very</ins>" in before
    assert "Es un corte chico." in before
    assert told == ["Un corte chico: The source text has changed."]
    assert answer.status_code == 302
    assert spanish.translated_from == newest
    assert "translations" not in task_lists(client)


def test_a_translation_of_an_unpublished_text_is_compared_with_its_newest_draft(
    page: Page, editor: User, sign_in: SignIn
) -> None:
    spanish, client = make_translation(page, translated_from=save_revision(page, author=editor)), sign_in(editor)
    make_public(spanish)
    assert "translations" not in task_lists(client)

    page.title = "A new title"
    page.save()
    save_revision(page, author=editor)

    assert task_lists(client)["translations"] == ["Un corte chico: The source text has changed."]
    assert "The source text has changed" in client.get(change_url(spanish)).content.decode()


def test_a_translators_check_applies_to_one_text_only(
    page: Page, editor: User, reviewer: User, manager: User, sign_in: SignIn
) -> None:
    make_public(page)
    spanish = make_translation(page)
    make_public(spanish)
    address = f"{PAGES}{spanish.pk}/translation/"
    shown = spanish.revisions.first()
    assert shown is not None
    values = {"check": "1", "revision": shown.pk, "translator": "Ana Ruiz, certified"}

    forbidden = sign_in(editor).post(address, values)
    silent = sign_in(manager).post(address, {**values, "translator": " "})
    done = sign_in(manager).post(address, values)

    line = "Esta traducción todavía no la ha revisado un traductor calificado."
    assert (forbidden.status_code, silent.status_code, done.status_code) == (403, 400, 302)
    record = Approval.objects.get(decision=Decision.TRANSLATION_CHECKED)
    assert (record.reviewer, record.comment, record.content_hash) == (
        manager,
        "Ana Ruiz, certified",
        shown.content_hash,
    )
    assert line not in Client().get("/es/small-cut-es/").content.decode()
    assert "Ana Ruiz, certified" in sign_in(editor).get(change_url(spanish)).content.decode()

    spanish.refresh_from_db()
    sign_in(editor).post(change_url(spanish), page_form(spanish, title="Otro corte"))
    assert "has not been checked" in sign_in(editor).get(change_url(spanish)).content.decode()


def test_only_staff_who_can_change_pages_can_mark_a_translation_as_synced(
    page: Page, reviewer: User, sign_in: SignIn
) -> None:
    newest = make_public(page).revision
    spanish = make_translation(page)
    make_public(spanish)

    answer = sign_in(reviewer).post(f"{PAGES}{spanish.pk}/translation/", {"follows": "1", "source": newest.pk})

    spanish.refresh_from_db()
    assert (answer.status_code, spanish.translated_from) == (403, None)


def test_a_translation_made_in_the_admin_is_compared_with_the_source_from_then_on(
    page: Page, editor: User, sign_in: SignIn
) -> None:
    make_public(page)
    client = sign_in(editor)
    new = page_form(page, language="es", slug="corte", kind="about", page="", version="", next_page="", lead_figure="")
    new |= {"title": "Un corte chico", "key_message": "Un corte chico ayuda.", "description": "Lo que es."}
    assert client.post(f"{PAGES}add/", {**new, "body": "## Qué es\n\nEs un corte chico.\n"}).status_code == 302
    spanish = Page.objects.get(language="es")
    assert spanish.translated_from == page.revisions.get()
    make_public(spanish)
    assert "translations" not in task_lists(client)

    page.refresh_from_db()
    page.body = page.body.replace("A small cut.", "A very small cut.")
    make_public(page)

    assert task_lists(client)["translations"] == ["Un corte chico: The source text has changed."]


def test_a_public_translation_without_a_recorded_source_is_listed(page: Page, editor: User, sign_in: SignIn) -> None:
    make_public(page)
    make_public(make_translation(page))

    [task] = task_lists(sign_in(editor))["translations"]

    assert task == "Un corte chico: It has not been compared with its source text yet."


def test_a_draft_marked_as_up_to_date_is_listed_until_it_is_public(page: Page, editor: User, sign_in: SignIn) -> None:
    spanish = make_translation(page, translated_from=make_public(page).revision)
    make_public(spanish)
    page.refresh_from_db()
    page.body = page.body.replace("A small cut.", "A very small cut.")
    newest = make_public(page).revision
    client, address = sign_in(editor), f"{PAGES}{spanish.pk}/translation/"
    spanish.refresh_from_db()
    spanish.body += "\nEs muy chico.\n"
    spanish.save()
    save_revision(spanish, author=editor)

    html = client.post(address, {"follows": "1", "source": newest.pk}, follow=True).content.decode()

    assert "Patients read the old translation until this draft is published." in html
    assert task_lists(client)["translations"] == ["Un corte chico: The draft is up to date but not public yet."]
    make_public(Page.objects.get(pk=spanish.pk))
    assert "translations" not in task_lists(client)


def test_changing_an_english_answer_names_its_translation(
    clinic_answer: ClinicAnswer, manager: User, sign_in: SignIn
) -> None:
    spanish = ClinicAnswer.objects.create(key="driving", language="es", question="¿Cuándo?", answer="Mañana.")
    client, address = sign_in(manager), f"/admin/procedures/clinicanswer/{clinic_answer.pk}/change/"

    moved = post_form(client, address, clinic_answer_form(order=3), follow=True).content.decode()
    html = client.get(confirm(client, address, clinic_answer_form(order=3, answer="After two weeks."))["Location"])

    assert "translation was not updated" not in moved
    assert "The Spanish translation was not updated. Check that it still matches." in html.content.decode()
    assert f'href="/admin/procedures/clinicanswer/{spanish.pk}/change/"' in html.content.decode()


def test_a_translators_check_publishes_no_other_change_unseen(page: Page, manager: User, sign_in: SignIn) -> None:
    make_public(page)
    make_term("corte", language="es", term="corte", definition="Una abertura.")
    spanish = make_translation(page)
    make_public(spanish)
    GlossaryTerm.objects.update(definition="Una herida.")
    client, address = sign_in(manager), f"{PAGES}{spanish.pk}/translation/"
    values = {"check": "1", "revision": spanish.revisions.get().pk, "translator": "Ana Ruiz, certified"}

    html = client.post(address, values, follow=True).content.decode()

    line = "Esta traducción todavía no la ha revisado un traductor calificado."
    public = Client().get("/es/small-cut-es/").content.decode()
    assert "Other things that it shows have changed as well: glossary term corte." in html
    assert f'<a href="{PAGES}outdated/">Review and update</a>' in html
    assert "Una abertura." in public and "Una herida." not in public and line in public
    assert Approval.objects.filter(decision=Decision.TRANSLATION_CHECKED).exists()
    assert "Una herida." in client.get(f"{PAGES}outdated/").content.decode()
    client.post(f"{PAGES}outdated/", {"page": spanish.pk})
    public = Client().get("/es/small-cut-es/").content.decode()
    assert "Una herida." in public and line not in public
