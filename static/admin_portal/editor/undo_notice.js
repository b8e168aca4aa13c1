// A notice about what was just discarded or replaced, with a button that brings it back.

import { gettext } from "../i18n.js";
import { focusText } from "./insert_text.js";

function undoByKeys(form, notice, act) {
  const done = new AbortController();
  const options = { capture: true, signal: done.signal };
  const isUndo = (event) => (event.type === "click" ? event.target.closest?.("[data-undo]")
    : (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "z");
  function listen(event) {
    if (!notice.isConnected) {
      done.abort();
    } else if (isUndo(event)) {
      done.abort();
      event.preventDefault();
      event.stopImmediatePropagation();
      act();
    } else if (event.type === "keydown" && form.contains(event.target) && event.key.length === 1 && !event.ctrlKey && !event.metaKey && event.target.tagName !== "BUTTON") {
      done.abort();
      notice.remove();
    }
  }
  window.addEventListener("keydown", listen, options);
  window.addEventListener("click", listen, options);
}

// ``withKeys``: until the user types, Ctrl+Z and the Undo button of the bar do the same. They would not bring back the title.
// The focus is in the text meanwhile, and after any undo, so that what is typed next is not lost.
export function offerUndo(form, message, undo, { withKeys = false } = {}) {
  const notice = Object.assign(document.createElement("p"), { className: "notice notice--action" });
  const words = Object.assign(document.createElement("span"), { textContent: message });
  words.setAttribute("role", "status");
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button button--secondary", textContent: gettext("Undo") });
  const act = () => {
    notice.remove();
    undo();
    focusText(form.elements.body);
  };
  button.addEventListener("click", act);
  if (withKeys) undoByKeys(form, notice, act);
  notice.append(words, button);
  form.querySelector("[data-notices]").append(notice);
  if (withKeys) focusText(form.elements.body);
  else button.focus();
  return notice;
}
