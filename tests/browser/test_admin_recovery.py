"""Nothing is ever lost, tested on a served portal: autosaved text, two editors, signed out, offline."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.public_helpers import AXE, DESKTOP
from tests.browser.staff_helpers import AXE_FINDINGS, new_staff_context, remember_mode
from tests.conftest import ServedSite

pytestmark = [pytest.mark.browser, pytest.mark.writes]

# Creates a separate draft for each test and sessions for two users; prints "PAGE COOKIE COOKIE".
PREPARE = """
import sys, time
from importlib import import_module
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, BACKEND_SESSION_KEY, SESSION_KEY
from allauth.usersessions.models import UserSession
from portal.accounts.models import User
from procedures.sharing.short_codes import generate_code
from procedures.models import Figure, Page
from procedures.revisions.drafts import save_revision
name = "{name}"
page = Page.objects.create(subject=name, slug=name, title="Walk again", kind="recovery", language="en", code=generate_code(),
    key_message="Walk a little each day.", description="How to walk.", lead_figure=Figure.objects.first(),
    body="## Morning\\n\\nWalk to the door.\\n\\n## Noon\\n\\nWalk to the gate.\\n\\n## Evening\\n\\nWalk to the tree.\\n")
save_revision(page, author=None)
keys = []
for name in ("editor", "manager"):
    user = User.objects.get(username=name)
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    UserSession.objects.create(user=user, session_key=session.session_key, ip="::", user_agent="Browser")
    session["staff"] = {{"started": time.time(), "seen": time.time(), "complete": True}}
    session.save()
    keys.append(session.session_key)
print(page.pk, *keys)
"""


class Draft:
    """A new draft, and browsers of two users who can edit it."""

    def __init__(self, site: ServedSite, browser: Browser, stack: ExitStack, name: str) -> None:
        self.site, self.browser, self.stack = site, browser, stack
        self.pk, self.nina, self.max = site.shell.run(PREPARE.format(name=name)).split()[-3:]

    def context(self, session: str) -> BrowserContext:
        made = new_staff_context(self.browser, viewport=DESKTOP)
        self.stack.callback(made.close)
        remember_mode(made, "source", *range(1, 10))
        self.sign_in(made, session)
        return made

    def sign_in(self, context: BrowserContext, session: str) -> None:
        context.add_cookies([{"name": "sessionid", "value": session, "domain": "127.0.0.1", "path": "/admin/"}])

    def open(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"{self.site.url}/admin/procedures/page/{self.pk}/change/")
        expect(page.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")
        return page

    def saved(self) -> str:
        return self.site.shell.run(f"from procedures.models import Page; print(Page.objects.get(pk={self.pk}).body)")


@pytest.fixture
def draft(served_site: ServedSite, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Draft]:
    with ExitStack() as stack:
        yield Draft(served_site, browser, stack, request.node.name.replace("_", "-")[-50:].strip("-"))


def write(page: Page, old: str, new: str) -> None:
    field = page.locator("#id_body")
    field.fill(field.input_value().replace(old, new))


def kept(page: Page) -> None:
    expect(page.locator("[data-save-status]")).to_contain_text("autosaved", timeout=30_000)


def save(page: Page) -> None:
    page.get_by_role("button", name="Save draft").click()


def test_closing_the_tab_loses_nothing(draft: Draft) -> None:
    nina = draft.context(draft.nina)
    first = draft.open(nina)
    write(first, "the door", "the red door")
    kept(first)
    first.close()

    again = nina.new_page()
    again.goto(f"{draft.site.url}/admin/procedures/page/{draft.pk}/change/")
    offers = again.locator("[data-recovery]")
    expect(offers).to_contain_text("an unsaved version")
    offers.get_by_role("button", name="Compare").click()
    expect(again.locator("dialog[open] .text-diff ins")).to_have_text("red ")
    again.keyboard.press("Escape")
    before = again.locator("#id_body").input_value()
    offers.get_by_role("button", name="Restore").click()
    kept(again)

    assert "the door" in before
    assert "the red door" in again.locator("#id_body").input_value()
    assert "red" not in draft.saved()
    save(again)
    expect(again.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")
    expect(again.locator("[data-recovery]")).to_be_hidden()
    assert "the red door" in draft.saved()


def test_discarded_text_is_no_longer_offered(draft: Draft) -> None:
    nina = draft.context(draft.nina)
    first = draft.open(nina)
    write(first, "the door", "the red door")
    kept(first)
    first.close()
    again = draft.open(nina)
    again.locator("[data-recovery]").get_by_role("button", name="Discard").click()
    again.wait_for_timeout(500)

    again.reload()
    expect(again.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")

    assert again.locator("[data-recovery]").is_hidden()


def test_unsaved_text_is_open_again_on_return_and_leaving_does_not_ask(draft: Draft) -> None:
    nina = draft.context(draft.nina)
    page = draft.open(nina)
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.type))
    write(page, "the door", "the red door")
    kept(page)
    page.goto(f"{draft.site.url}/admin/")
    page.goto(f"{draft.site.url}/admin/procedures/page/{draft.pk}/change/")
    notices, field = page.locator("[data-notices]"), page.locator("#id_body")
    expect(notices).to_contain_text("This is your unsaved version from")
    expect(field).to_have_value(re.compile("the red door"))
    notices.get_by_role("button", name="Compare").click()
    expect(page.locator("dialog[open] .text-diff ins")).to_have_text("red ")
    page.keyboard.press("Escape")
    notices.get_by_role("button", name="Discard changes").click()
    expect(field).to_have_value(re.compile("Walk to the door"))
    notices.get_by_role("button", name="Undo").click()
    expect(field).to_have_value(re.compile("the red door"))
    kept(page)
    page.reload()
    expect(field).to_have_value(re.compile("the red door"))
    kept(page)

    assert asked == []
    assert "red" not in draft.saved()
    save(page)
    expect(page.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")
    expect(notices).not_to_contain_text("This is your unsaved version from")
    assert "the red door" in draft.saved()


def test_unsaved_text_is_only_offered_after_someone_else_saved(draft: Draft) -> None:
    nina, boss = draft.open(draft.context(draft.nina)), draft.open(draft.context(draft.max))
    write(nina, "the door", "the red door")
    kept(nina)
    nina.goto(f"{draft.site.url}/admin/")
    write(boss, "the gate", "the white gate")
    save(boss)
    expect(boss.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")

    nina.goto(f"{draft.site.url}/admin/procedures/page/{draft.pk}/change/")
    offers = nina.locator("[data-recovery]")
    expect(offers).to_contain_text("You have an unsaved version from")
    assert "red" not in nina.locator("#id_body").input_value()
    offers.get_by_role("button", name="Restore").click()
    kept(nina)
    save(nina)
    expect(nina.locator("[data-merge]")).to_be_visible()
    save(nina)
    expect(nina.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")

    assert "the red door" in draft.saved()
    assert "the white gate" in draft.saved()


def test_two_people_save_in_turn_without_leaving_the_screen(draft: Draft) -> None:
    nina, boss = draft.open(draft.context(draft.nina)), draft.open(draft.context(draft.max))
    for words in ("the red door", "the red and white door"):
        field = nina.locator("#id_body")
        field.fill(re.sub("the .*door", words, field.input_value()))
        save(nina)
        expect(nina.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")
    expect(boss.locator("[data-presence]")).to_contain_text("editor saved this page at", timeout=30_000)
    write(boss, "the tree", "the old tree")
    save(boss)
    expect(boss.locator("[data-merge]")).to_be_visible()
    save(boss)
    expect(boss.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")
    expect(nina.locator("[data-presence]")).to_contain_text("manager saved this page at", timeout=30_000)

    assert "the red and white door" in draft.saved()
    assert "the old tree" in draft.saved()


def start(draft: Draft, context: BrowserContext, title: str, body: str) -> Page:
    """Begin a new page in a new tab, and wait until it is autosaved."""
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(f"{draft.site.url}/admin/procedures/page/add/")
    expect(page.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")
    page.locator("#id_title").fill(title)
    page.locator("#id_body").fill(body)
    kept(page)
    return page


def shows(page: Page, title: str, body: str) -> None:
    expect(page.locator("#id_title")).to_have_value(title)
    expect(page.locator("[data-page-name]")).to_have_text(title)
    expect(page.locator("#id_body")).to_have_value(body)


def test_restoring_another_version_keeps_what_is_being_written(draft: Draft) -> None:
    nina = draft.context(draft.nina)
    start(draft, nina, "Ice at home", "Ten minutes.").close()
    page = start(draft, nina, "Walking", "Twice a day.")
    offers, question = page.locator("[data-recovery]"), page.locator("dialog[open]")
    ice = offers.locator(".draft-offer", has_text="Ice at home")

    ice.get_by_role("button", name="Restore").click()
    findings = axe(page)
    question.get_by_role("button", name="Cancel").click()
    shows(page, "Walking", "Twice a day.")
    ice.get_by_role("button", name="Restore").click()
    question.get_by_role("button", name="Restore").click()
    shows(page, "Ice at home", "Ten minutes.")
    expect(page.locator("#id_body")).to_be_focused()
    expect(offers).to_contain_text("Walking")
    expect(ice).to_have_count(0)
    page.keyboard.press("Control+z")
    shows(page, "Walking", "Twice a day.")
    expect(ice).to_have_count(1)
    page.get_by_role("button", name="Undo").last.click()
    shows(page, "Ice at home", "Ten minutes.")
    kept(page)

    assert findings == []
    page.goto(f"{draft.site.url}/admin/")
    for title in ("Ice at home", "Walking"):
        expect(page.get_by_role("link", name=title)).to_have_count(1)


def test_the_copy_of_a_version_restored_during_an_autosave_is_discarded(draft: Draft) -> None:
    nina = draft.context(draft.nina)
    start(draft, nina, "Ice at home", "Ten minutes.").close()
    page = start(draft, nina, "Walking", "Twice a day.")
    held: list[Route] = []

    def hold_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/autosave/", hold_first)
    page.locator("#id_body").press_sequentially(" Slowly.")
    until = time.monotonic() + 20
    while not held and time.monotonic() < until:
        page.wait_for_timeout(50)
    page.locator(".draft-offer", has_text="Ice at home").get_by_role("button", name="Restore").click()
    page.locator("dialog[open]").get_by_role("button", name="Restore").click()
    shows(page, "Ice at home", "Ten minutes.")
    with page.expect_response("**/discard/"):
        held[0].continue_()
    kept(page)
    shows(page, "Ice at home", "Ten minutes.")


def test_an_unsaved_new_page_is_found_in_the_list_and_on_home(draft: Draft) -> None:
    nina = draft.context(draft.nina)
    start(draft, nina, "Bone scan", "Lie still.").close()
    page = start(draft, nina, "Bone diet", "Eat well.")
    page.locator(".writing-bar__back").click()
    page.get_by_role("link", name="Bone scan").click()
    shows(page, "Bone scan", "Lie still.")
    expect(page.locator("[data-recovery]")).to_contain_text("Bone diet")
    kept(page)
    page.reload()
    shows(page, "Bone scan", "Lie still.")
    save(page)
    expect(page.locator(".messagelist")).to_contain_text("Draft saved.")

    page.goto(f"{draft.site.url}/admin/")
    unsaved = page.get_by_role("region", name="Unsaved text")
    expect(unsaved).to_contain_text("Bone diet")
    expect(unsaved).not_to_contain_text("Bone scan")
    expect(unsaved.locator(".badge")).to_have_text(str(unsaved.get_by_role("link").count()))
    assert axe(page) == []
    unsaved.get_by_role("link", name="Bone diet").click()
    shows(page, "Bone diet", "Eat well.")


def test_a_template_takes_the_place_of_the_empty_page(draft: Draft) -> None:
    nina = draft.context(draft.nina)
    page = start(draft, nina, "Knee scan", "")
    page.get_by_role("link", name="About a test: English").click()
    expect(page.locator("#id_body")).to_have_value(re.compile("## "))
    kept(page)

    page.goto(f"{draft.site.url}/admin/procedures/page/")
    expect(page.get_by_role("link", name="Knee scan")).to_have_count(1)
    page.get_by_role("link", name="Knee scan").click()
    expect(page.locator("#id_title")).to_have_value("Knee scan")
    expect(page.locator("#id_body")).to_have_value(re.compile("## "))


def test_older_texts_are_collapsed_into_one_line(draft: Draft) -> None:
    nina = draft.context(draft.nina)
    for words in ("the red door", "the green door", "the blue door"):
        tab = draft.open(nina)
        write(tab, "the door", words)
        kept(tab)
        tab.close()

    again = draft.open(nina)
    offers = again.locator("[data-recovery]")
    shown = offers.get_by_role("button", name="Discard")
    expect(shown).to_have_count(1)
    offers.get_by_text("2 older unsaved versions").click()
    expect(shown).to_have_count(3)
    shown.last.click()
    expect(offers.get_by_text("1 older unsaved version")).to_be_visible()
    expect(shown).to_have_count(2)
    shown.first.click()
    offers.get_by_role("button", name="Restore").click()
    kept(again)

    assert "the green door" in again.locator("#id_body").input_value()


def test_two_editors_see_each_other_and_their_saves_are_merged(draft: Draft) -> None:
    nina, boss = draft.open(draft.context(draft.nina)), draft.open(draft.context(draft.max))
    write(boss, "the door", "the green door")
    write(boss, "the gate", "the white gate")
    kept(boss)
    write(nina, "the tree", "the old tree")
    write(nina, "the gate", "the iron gate and back")
    expect(nina.locator("[data-presence]")).to_contain_text("manager has had this page open since")
    expect(nina.locator("[data-presence]")).to_contain_text("last edit just now")
    save(boss)
    expect(boss.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")

    save(nina)
    merge = nina.locator("[data-merge]")
    expect(merge).to_contain_text("manager and you changed the same words in 1 place.")
    text = nina.locator("#id_body").input_value()
    findings = axe(nina)
    save(nina)  # the merge asks for a decision first
    undecided = draft.saved()
    merge.get_by_label("Take theirs").focus()
    nina.keyboard.press("Space")
    taken = nina.locator("#id_body").input_value()
    merge.get_by_label("Keep mine").check()
    nina.locator("#id_body").fill(nina.locator("#id_body").input_value() + "\nStill edited.\n")
    save(nina)
    expect(nina.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")

    assert findings == []
    assert "the green door" in text
    assert "the old tree" in text
    assert "the iron gate and back" in text
    assert "the white gate" in taken
    assert "iron" not in taken
    assert "iron" not in undecided
    for words in ("the green door", "the iron gate and back", "the old tree", "Still edited."):
        assert words in draft.saved()


def axe(page: Page) -> list[str]:
    """Return the axe findings, which do not need the inline styles that the CSP blocks."""
    page.evaluate(AXE)
    found: list[str] = page.evaluate(AXE_FINDINGS)
    return found


def test_offline_text_stays_in_the_browser_until_the_site_is_back(draft: Draft) -> None:
    nina = draft.context(draft.nina)
    page = draft.open(nina)
    nina.set_offline(True)
    write(page, "the door", "the blue door")
    expect(page.locator("[data-save-status]")).to_have_text("saved in this browser only, on this computer")
    local = page.evaluate("Object.keys(localStorage).filter((name) => name.includes('unsaved')).length")
    nina.set_offline(False)
    kept(page)

    assert local == 1
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.includes('unsaved')).length") == 0
    expect(page.locator("[data-notice]")).to_be_hidden()


def test_text_kept_in_the_browser_is_offered_on_return(draft: Draft) -> None:
    nina = draft.context(draft.nina)
    page = draft.open(nina)
    nina.set_offline(True)
    write(page, "the door", "the blue door")
    expect(page.locator("[data-save-status]")).to_contain_text("saved in this browser only")
    page.close()

    nina.set_offline(False)
    again = nina.new_page()
    again.goto(f"{draft.site.url}/admin/procedures/page/{draft.pk}/change/")
    expect(again.locator("[data-recovery]")).to_contain_text("(stored in this browser)")
    again.locator("[data-recovery]").get_by_role("button", name="Restore").click()
    kept(again)

    assert "the blue door" in again.locator("#id_body").input_value()
    assert again.evaluate("Object.keys(localStorage).filter((name) => name.includes('unsaved')).length") == 0


def test_text_is_saved_after_signing_in_in_another_tab(draft: Draft) -> None:
    nina = draft.context(draft.nina)
    page = draft.open(nina)
    nina.clear_cookies()
    write(page, "the door", "the brown door")
    expect(page.locator("[data-notice]")).to_contain_text("You are signed out. Your text is still here.")
    expect(page.locator("[data-save-status]")).to_contain_text("saved in this browser only")

    draft.sign_in(nina, draft.nina)
    page.locator("[data-notice]").get_by_role("button", name="Try again").click()
    kept(page)
    save(page)
    expect(page.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")

    assert "the brown door" in draft.saved()


def test_a_save_after_signing_in_again_removes_the_notice(draft: Draft) -> None:
    nina = draft.context(draft.nina)
    page = draft.open(nina)
    nina.clear_cookies()
    write(page, "the door", "the brown door")
    expect(page.locator("[data-save-status]")).to_contain_text("saved in this browser only")
    expect(page.locator("[data-state]")).to_have_text("This preview is not up to date.")

    draft.sign_in(nina, draft.nina)
    save(page)
    expect(page.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")
    expect(page.locator("[data-notice]")).to_be_hidden()
    expect(page.locator("[data-state]")).to_contain_text("min to read")


def test_keys_typed_while_a_merge_is_loaded_are_offered(draft: Draft) -> None:
    nina, boss = draft.open(draft.context(draft.nina)), draft.open(draft.context(draft.max))
    write(boss, "the tree", "the old tree")
    save(boss)
    expect(boss.locator("[data-save-status]")).to_have_attribute("data-save-status", "saved")
    sent: list[Route] = []

    # The first request finds the conflict, and the second loads the merge.
    def hold_second(route: Route) -> None:
        if route.request.method == "POST":
            sent.append(route)
        if len(sent) != 2:
            route.continue_()

    nina.route("**/change/", hold_second)
    write(nina, "the door", "the red door")
    save(nina)
    until = time.monotonic() + 20
    while len(sent) < 2 and time.monotonic() < until:
        nina.wait_for_timeout(50)
    nina.keyboard.type("At noon.")
    sent[1].continue_()
    expect(nina.locator("[data-merge]")).to_be_visible()
    expect(nina.locator("#id_body")).to_have_value(re.compile("the red door\\.(.|\\s)*the old tree"))
    offers = nina.locator("[data-recovery]")
    expect(offers).to_contain_text("(stored in this browser)")
    offers.get_by_role("button", name="Restore").click()
    nina.locator("dialog[open]").get_by_role("button", name="Restore").click()

    expect(nina.locator("#id_body")).to_have_value(re.compile("the red door(.|\\s)*At noon[.]"))
