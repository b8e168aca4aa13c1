// Error notices, and a warning before leaving a page with unsaved text.

import { gettext } from "../i18n.js";
import { refreshCsrfToken } from "./api.js";

// A notice stays until its condition clears: each topic (autosave, preview) clears its own.
export function startNotice(editor) {
  const box = editor.querySelector("[data-notice]");
  const live = editor.querySelector("[data-live]");
  const topics = new Map();
  let retry = () => {};
  const retryIfShown = () => { if (!document.hidden && !box.hidden) retry(); };
  document.addEventListener("visibilitychange", retryIfShown);
  window.addEventListener("online", retryIfShown);

  function show() {
    const last = [...topics.values()].at(-1);
    box.hidden = !last;
    if (!last) return;
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "button button--secondary", textContent: gettext("Try again") });
    button.addEventListener("click", () => last.act());
    const parts = [`${last.message} `];
    if (last.status === 401) {
      const link = document.createElement("a");
      Object.assign(link, { href: editor.dataset.login, target: "_blank", textContent: gettext("Sign in again in a new window, then come back here.") });
      parts.push(link, " ");
    }
    box.replaceChildren(...parts, button);
  }

  return {
    retry: (act) => { retry = act; },
    // Call on success: then the site can be reached and the user is signed in, so no topic says otherwise any more.
    clear(topic) {
      const isOver = ([name, { status }]) => name === topic || status === 401 || status === 0;
      const over = [...topics].filter(isOver).map(([name]) => name);
      over.forEach((name) => topics.delete(name));
      if (over.length) show();
      if (over.some((name) => name !== topic)) retry();
    },
    // ``act``: what "Try again" does.
    say({ status, data }, topic, act = () => retry()) {
      const message = data.error ?? gettext("Something went wrong on the site. Your text is still here.");
      if (topics.get(topic)?.message !== message) live.textContent = message;
      topics.delete(topic);
      topics.set(topic, { message, status, act });
      show();
    },
  };
}

// Without autosave, it only matters whether something was typed.
function trackChanges(form) {
  let changed = document.querySelector("[data-unsaved]") !== null;
  const change = () => { changed = true; };
  form.addEventListener("input", change);
  form.addEventListener("change", change);
  return { unconfirmed: () => changed, keep: () => {}, leaving: () => {} };
}

// After the form is sent, ignore further clicks on the same button for this long.
const RESUBMIT_DELAY_MS = 5000;

// Submitting to a login page would lose the text, so check the session first. ``saving``: of saving.js.
export function warnBeforeUnload(editor, form, notice, autosave = trackChanges(form), saving = undefined) {
  let leaving = false;
  let checkingSession = false;
  let resubmitting = false;
  let sent = { button: null, at: -RESUBMIT_DELAY_MS };
  let next; // the button that was pressed while the form was being saved
  window.addEventListener("pageshow", () => {
    leaving = false;
    delete form.dataset.leaving;
    sent = { button: null, at: -RESUBMIT_DELAY_MS };
  });
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && autosave.unconfirmed()) event.preventDefault();
  });
  function leave(button) {
    leaving = true;
    form.dataset.leaving = "yes";
    autosave.leaving();
    sent = { button, at: performance.now() };
    resubmitting = true;
    try {
      form.requestSubmit(button);
    } finally {
      resubmitting = false;
    }
  }
  async function submit(button) {
    const session = await refreshCsrfToken(editor);
    if (session.status === 401 || session.status === 0) {
      notice.say(session, "keep");
      autosave.keep();
      return;
    }
    if (!saving?.canSave(button)) {
      leave(button);
      return;
    }
    autosave.savingHere(true);
    const result = await saving.save(button);
    autosave.savingHere(false, result?.status === 200);
    if (!result) leave(button);
    else if (result.status === 200) notice.clear("save");
    else {
      notice.say(result, result.status ? "save" : "keep", result.status ? () => form.requestSubmit(button) : undefined);
      autosave.keep();
    }
  }
  form.addEventListener("submit", async (event) => {
    if (resubmitting) return;
    event.preventDefault();
    const button = event.submitter;
    if (checkingSession) {
      next = button;
      return;
    }
    if (button === sent.button && event.timeStamp - sent.at < RESUBMIT_DELAY_MS) return;
    checkingSession = true;
    if (saving?.canSave(button)) form.dispatchEvent(new CustomEvent("editor:saving"));
    try {
      await submit(button);
    } finally {
      checkingSession = false;
    }
    const waiting = next;
    next = undefined;
    // A second click on the same button saves only what was typed since.
    if (waiting?.isConnected && !leaving && (waiting.name !== button?.name || autosave.dirty?.())) form.requestSubmit(waiting);
  });
}
