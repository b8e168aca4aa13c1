// What depends on the title: the address of a new page, and a note if another page has the same title.

import { format, gettext } from "../i18n.js";

export function startTitle(editor, form) {
  const { title } = form.elements;
  if (!title) return;
  const note = Object.assign(document.createElement("p"), { className: "writing-field__note", hidden: true });
  note.setAttribute("role", "status");
  title.after(note);
  function showNote(other) {
    note.hidden = !other;
    if (note.dataset.shown === other?.url) return;
    note.dataset.shown = other?.url ?? "";
    note.replaceChildren();
    if (!other) return;
    const link = Object.assign(document.createElement("a"), { href: other.url, target: "_blank", textContent: gettext("Open it in a new tab") });
    const words = gettext("A page with the title “%(title)s” already exists. You can still save this one.");
    note.append(format(words, other), " ", link);
  }
  editor.addEventListener("editor:preview", ({ detail: { address, same_title: other } }) => {
    showNote(other);
    // An empty field of a new page follows the title until the page is saved.
    ["slug", "subject"].forEach((name) => {
      if (form.elements[name]) form.elements[name].placeholder = form.elements.page ? "" : address;
    });
  });
}
