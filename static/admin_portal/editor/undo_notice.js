// A notice about what was just discarded, with a button that brings it back.

import { gettext } from "../i18n.js";

export function offerUndo(form, message, undo) {
  const notice = Object.assign(document.createElement("p"), { className: "notice notice--action" });
  const words = Object.assign(document.createElement("span"), { textContent: message });
  words.setAttribute("role", "status");
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button button--secondary", textContent: gettext("Undo") });
  button.addEventListener("click", () => {
    notice.remove();
    undo();
  });
  notice.append(words, button);
  form.querySelector("[data-notices]").append(notice);
  button.focus();
  return notice;
}
