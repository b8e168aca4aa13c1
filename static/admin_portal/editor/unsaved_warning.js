// Error notices, and a warning before leaving a page with unsaved text.

import { gettext } from "../i18n.js";
import { refreshCsrfToken } from "./api.js";
import { anyLocal } from "./local_drafts.js";

export function startNotice(editor) {
  const box = editor.querySelector("[data-notice]");
  const live = editor.querySelector("[data-live]");
  let retry = () => {};
  let topic = "";
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !box.hidden) retry();
  });
  return {
    retry: (act) => { retry = act; },
    clear: (what) => { if (topic === what) box.hidden = true; },
    say: ({ status, data }, what) => {
      const message = data.error ?? gettext("The site has a problem. Your text is still here.");
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "button", textContent: gettext("Try again") });
      button.addEventListener("click", () => retry());
      const parts = [`${message} `];
      if (status === 401) {
        const link = document.createElement("a");
        Object.assign(link, { href: editor.dataset.login, target: "_blank", textContent: gettext("Sign in in a new window, then come back here.") });
        parts.push(link, " ");
      }
      box.replaceChildren(...parts, button);
      if (box.hidden || topic !== what) live.textContent = message;
      topic = what;
      box.hidden = false;
    },
  };
}

// Without autosave, it is enough to know whether something was typed.
function trackChanges(form) {
  let changed = document.querySelector("[data-unsaved]") !== null;
  const change = () => { changed = true; };
  form.addEventListener("input", change);
  form.addEventListener("change", change);
  return { dirty: () => changed, keep: () => {}, saving: () => {} };
}

// Submitting to a login page would lose the text, so check the session first.
export function warnBeforeUnload(editor, form, notice, autosave = trackChanges(form)) {
  let leaving = false;
  let checking = false;
  window.addEventListener("pageshow", () => { leaving = false; });
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && autosave.dirty()) event.preventDefault();
  });
  form.addEventListener("submit", async (event) => {
    if (leaving) return;
    event.preventDefault();
    if (checking) return;
    checking = true;
    const result = await refreshCsrfToken(editor);
    checking = false;
    if (result.status === 401 || result.status === 0) {
      notice.say(result, "keep");
      autosave.keep();
      editor.scrollIntoView({ block: "nearest" });
      return;
    }
    leaving = true;
    autosave.saving();
    form.requestSubmit(event.submitter);
  });
  // On a shared computer, the next person could find the copies in this browser.
  document.querySelector("#logout-form")?.addEventListener("submit", (event) => {
    const dialog = document.querySelector("dialog[data-window=leave]");
    if (!dialog || anyLocal().length === 0 || dialog.dataset.asked) return;
    event.preventDefault();
    dialog.addEventListener("close", () => {
      if (!dialog.returnValue) return;
      dialog.dataset.asked = "yes";
      if (dialog.returnValue === "remove") anyLocal().forEach((name) => localStorage.removeItem(name));
      event.target.requestSubmit();
    }, { once: true });
    dialog.showModal();
  });
}
