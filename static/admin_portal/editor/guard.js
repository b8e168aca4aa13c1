// Care for what is typed: what went wrong is said in words, and nobody leaves with unsaved ones unasked.

import { freshToken } from "./ask.js";

export function startNotice(editor) {
  const box = editor.querySelector("[data-notice]");
  const live = editor.querySelector("[data-live]");
  let again = () => {};
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !box.hidden) again();
  });
  return {
    retry: (act) => { again = act; },
    clear: () => { box.hidden = true; },
    say: ({ status, data }) => {
      const sentence = data.error ?? "The site has a problem. Your text is still here.";
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "button", textContent: "Try again" });
      button.addEventListener("click", () => again());
      const parts = [`${sentence} `];
      if (status === 401) {
        const link = document.createElement("a");
        Object.assign(link, { href: editor.dataset.login, target: "_blank", textContent: "Sign in in a new window" });
        parts.push(link, ", then come back here. ");
      }
      box.replaceChildren(...parts, button);
      box.hidden = false;
      live.textContent = sentence;
    },
  };
}

// A login page would swallow what is sent to it, so the session is looked at first.
export function guard(editor, form, notice) {
  if (form.dataset.guarded) return;
  form.dataset.guarded = "yes";
  let changed = document.querySelector("[data-unsaved]") !== null;
  let leaving = false;
  let checking = false;
  const change = () => { changed = true; };
  form.addEventListener("input", change);
  form.addEventListener("change", change);
  window.addEventListener("pageshow", () => { leaving = false; });
  window.addEventListener("beforeunload", (event) => {
    if (changed && !leaving) event.preventDefault();
  });
  form.addEventListener("submit", async (event) => {
    if (leaving) return;
    event.preventDefault();
    if (checking) return;
    checking = true;
    const answer = await freshToken(editor);
    checking = false;
    if (answer.status === 401 || answer.status === 0) {
      notice.say(answer);
      editor.scrollIntoView({ block: "nearest" });
      return;
    }
    leaving = true;
    form.requestSubmit(event.submitter);
  });
}
