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
    button.addEventListener("click", () => retry());
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
    clear(topic) {
      if (topics.delete(topic)) show();
    },
    say({ status, data }, topic) {
      const message = data.error ?? gettext("Something went wrong on the site. Your text is still here.");
      if (topics.get(topic)?.message !== message) live.textContent = message;
      topics.delete(topic);
      topics.set(topic, { message, status });
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
  return { dirty: () => changed, keep: () => {}, saving: () => {} };
}

// After the form is sent, ignore further clicks on the same button for this long.
const RESUBMIT_DELAY_MS = 5000;

// Submitting to a login page would lose the text, so check the session first.
export function warnBeforeUnload(editor, form, notice, autosave = trackChanges(form)) {
  let leaving = false;
  let checkingSession = false;
  let resubmitting = false;
  let sent = { button: null, at: -RESUBMIT_DELAY_MS };
  window.addEventListener("pageshow", () => {
    leaving = false;
    sent = { button: null, at: -RESUBMIT_DELAY_MS };
  });
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && autosave.dirty()) event.preventDefault();
  });
  form.addEventListener("submit", async (event) => {
    if (resubmitting) return;
    event.preventDefault();
    const wasJustSent = event.submitter === sent.button && event.timeStamp - sent.at < RESUBMIT_DELAY_MS;
    if (checkingSession || wasJustSent) return;
    checkingSession = true;
    const result = await refreshCsrfToken(editor);
    checkingSession = false;
    if (result.status === 401 || result.status === 0) {
      notice.say(result, "keep");
      autosave.keep();
      return;
    }
    leaving = true;
    autosave.saving();
    sent = { button: event.submitter, at: performance.now() };
    resubmitting = true;
    try {
      form.requestSubmit(event.submitter);
    } finally {
      resubmitting = false;
    }
  });
}
