// Autosave: the form is sent to the site every few seconds, or stored in this browser while that fails.

import { format, gettext } from "../i18n.js";
import { postForm } from "./api.js";
import { clock, fill, same, values } from "./form.js";
import { leaveForNextPage, localCopies, takeFromLastPage } from "../user_storage.js";
import { startDraftRecovery } from "./draft_recovery.js";
import { startPresence } from "./presence.js";
import { replaceAll } from "./insert_text.js";

const DEBOUNCE_MS = 1500; // after the last key
const MAX_DELAY_MS = 5000; // the longest delay of an autosave during continuous typing
const HEARTBEAT_MS = 15_000; // between reports of an idle window; the site considers it closed after 90 s

const SAVED_SLOT = "saved-slot";

// In the address of a form: the window whose unsaved text it opens. Home and the lists of pages link to it.
const UNSAVED = "unsaved";

// The number of the last window of this tab, by page.
const LAST_WINDOW = "window:";

// A window may have left text both on the site and in this browser: use the later one. Newest first.
function newest(there, here) {
  const later = (draft, others) => !others.some((other) => other.slot === draft.slot && new Date(other.at) > new Date(draft.at));
  const all = [...there.filter((draft) => later(draft, here)), ...here.filter((draft) => later(draft, there))];
  return all.filter(({ fields }) => fields).sort((draft, other) => new Date(other.at) - new Date(draft.at));
}

// ``opened``: the values that the form was opened with; a save changes them (saving.js).
export function startAutosave(editor, form, notice, opened) {
  const key = form.elements.client_id;
  const again = document.querySelector("[data-unsaved]") !== null;
  const copiesOfPage = () => localCopies(form.elements.page?.value || location.pathname);
  let copies = copiesOfPage();
  // A report sent just before the form was saved may arrive after the save, so discard its slot again.
  const last = takeFromLastPage(SAVED_SLOT);
  const saved = again ? null : last;
  if (saved) copies.forget(saved);
  key.value ||= crypto.randomUUID();
  const windowName = LAST_WINDOW + (form.elements.page?.value ?? "");
  const lastWindow = takeFromLastPage(windowName);
  leaveForNextPage(windowName, key.value);
  const statusLine = editor.querySelector("[data-save-status]");
  const savedLine = form.querySelector("[data-saved]");
  const presence = startPresence(editor, form);
  const wanted = new URL(location.href).searchParams.get(UNSAVED);
  let kept = again ? null : { ...opened }; // the values last confirmed by the site
  let since = 0;
  let timer;
  let running = false;
  let first = true;
  let stopped = false;
  let saving = false;
  let mayOpen = !again;
  let taken = []; // unsaved versions that this form shows now
  let failed = false; // the visual editor cannot write its text into the form
  const dirty = () => again || failed || !same(values(form), opened);

  const show = (text, state) => {
    statusLine.textContent = failed ? gettext("not saved") : text;
    statusLine.dataset.saveStatus = failed ? "no" : state;
    if (savedLine) savedLine.hidden = failed || state !== "saved";
  };

  async function keep({ leaving = false } = {}) {
    clearTimeout(timer);
    if (stopped) return;
    if (running && !leaving) {
      scheduleSave();
      return;
    }
    running = true;
    const now = values(form);
    const shown = taken;
    const unsaved = dirty();
    const body = new FormData(form);
    body.delete("typed");
    if (unsaved) body.set("typed", "1");
    if (first) body.set("first", "1");
    if (first && saved) body.set("saved", saved);
    let result;
    try {
      const background = kept !== null && same(now, kept);
      result = await postForm(editor, editor.dataset.autosave, body, undefined, { leaving, background });
    } finally {
      running = false;
    }
    if (result.status === 200) {
      kept = now;
      since = 0;
      copies.forget(key.value);
      // Now the site has them as the text of this window.
      shown.forEach(offers.discard);
      taken = taken.filter((draft) => !shown.includes(draft));
      if (first) offerDrafts(newest(result.data.unsaved ?? [], copies.all()));
      first = false;
      // The answer may already name a save whose own answer has not arrived.
      if (!saving) presence.show(result.data);
      notice.clear("keep");
      if (unsaved && !form.elements.page && !saving) nameWindow();
      const message = format(gettext("autosaved %(time)s"), { time: clock(Date.now()) });
      if (!saving && same(now, values(form))) show(unsaved ? message : "", unsaved ? "yes" : "saved");
      return;
    }
    if (!unsaved) return;
    const isStored = copies.keep(key.value, { fields: now, version: form.elements.version?.value, at: new Date().toISOString() });
    const stored = gettext("saved in this browser only, on this computer");
    const notStored = gettext("Not saved. This browser can’t store it, so copy your text.");
    show(isStored ? stored : notStored, "no");
    notice.say(result, "keep");
  }
  // Reloading a new page, or coming back to it, opens its text again.
  function nameWindow() {
    const address = new URL(location.href);
    if (address.searchParams.get(UNSAVED) === key.value) return;
    address.searchParams.set(UNSAVED, key.value);
    history.replaceState(history.state, "", address);
  }
  function scheduleSave() {
    since ||= Date.now();
    clearTimeout(timer);
    timer = setTimeout(keep, Math.max(0, Math.min(DEBOUNCE_MS, since + MAX_DELAY_MS - Date.now())));
  }
  const change = () => {
    if (!saving && statusLine.dataset.saveStatus !== "no") show(gettext("editing…"), "");
    scheduleSave();
  };
  function take(draft) {
    if (form.elements.version && draft.version !== undefined) form.elements.version.value = draft.version;
    fill(form, draft.fields, replaceAll);
    taken = [...taken, draft];
    keep();
  }
  // Store the text of this form as an unsaved version of its own. Return it, or undefined if that failed.
  async function setAside(slot = crypto.randomUUID()) {
    const fields = values(form);
    const version = form.elements.version?.value;
    const offer = { slot, fields, version, at: new Date().toISOString() };
    const body = new FormData(form);
    body.set("client_id", slot);
    body.set("typed", "1");
    const result = await postForm(editor, editor.dataset.autosave, body);
    if (result.status !== 200 && !copies.keep(slot, { fields, version, at: offer.at })) {
      notice.say(result, "keep");
      return undefined;
    }
    // What was typed meanwhile.
    return same(values(form), fields) ? offer : setAside(slot);
  }
  const offers = startDraftRecovery(editor, form, {
    take,
    setAside,
    dirty,
    forget: (offer) => copies.forget(offer.slot),
    // The site has deleted it, so this browser keeps it.
    restore: ({ slot, fields, version, at }) => copies.keep(slot, { fields, version, at }),
  });
  // The newest text of a page is opened at once if it continues the saved draft and its window is closed or was this tab, and so is
  // the text that the address names.
  // Anything else is offered: a merge or a choice may be needed.
  function offerDrafts(drafts) {
    const draft = drafts.find(({ slot }) => slot === wanted) ?? drafts[0];
    const older = drafts.filter((other) => other !== draft);
    const canOpen = () => mayOpen && !saving && same(values(form), opened);
    const isWanted = draft && draft.slot === wanted;
    const continues = draft && (form.elements.page || isWanted) && Number(draft.version) === Number(form.elements.version.value)
      && (draft.closed || isWanted || draft.slot === lastWindow) && !same({ ...opened, ...draft.fields }, opened);
    if (!continues || !canOpen()) {
      offers.show(drafts);
      return;
    }
    const open = () => {
      if (!canOpen()) {
        offers.show(drafts);
        return;
      }
      const isUntouched = document.activeElement === document.body;
      take(draft);
      if (isUntouched) document.activeElement.blur();
      offers.showOpened(draft);
      offers.show(older);
    };
    if (editor.visualEditor) open();
    else editor.addEventListener("editor:ready", open, { once: true });
  }
  form.addEventListener("input", change);
  form.addEventListener("change", change);
  form.addEventListener("editor:failure", ({ detail: { message } }) => {
    failed = Boolean(message);
    show(gettext("editing…"), "");
    scheduleSave();
  });
  setInterval(keep, HEARTBEAT_MS);
  window.addEventListener("online", () => keep());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden ? !same(values(form), kept) : !first) keep({ leaving: document.hidden });
  });
  window.addEventListener("pageshow", () => { stopped = false; });
  keep();
  return {
    dirty,
    keep,
    openNothing: () => { mayOpen = false; },
    // Offer a text that did not get into this form, at the next answer of the site.
    offer: (fields) => copies.keep(crypto.randomUUID(), { fields, version: form.elements.version?.value, at: new Date().toISOString() }),
    // Whether the site does not have the newest text, not even as unsaved text.
    unconfirmed: () => again || failed || (dirty() && !same(values(form), kept)),
    // While the form is saved without leaving the screen.
    savingHere(isSaving, isSaved) {
      saving = isSaving;
      if (saving) show(gettext("saving…"), "");
      if (!isSaved) return;
      copies.forget(key.value);
      copies = copiesOfPage(); // a new page has its number now
      kept = { ...opened };
      if (dirty()) show(gettext("editing…"), "");
      else show("", "saved");
      keep();
    },
    leaving: () => {
      stopped = true;
      clearTimeout(timer);
      leaveForNextPage(SAVED_SLOT, key.value);
    },
  };
}
