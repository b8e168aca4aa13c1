// Whether the text is shown formatted ("visual") or as Markdown ("source"); remembered for each user in this browser.

import { gettext } from "../i18n.js";
import { all } from "./api.js";
import { remember, remembered, user } from "../user_storage.js";

const NAME = `editor:${user}`;

// The fields above the text, such as the title, scroll with the formatted text. A field that is being typed in keeps the
// focus when it is moved, and one with "autofocus" gets it: browsers forget about it if it moves before they first paint.
function createFieldMover(editor) {
  const column = editor.closest(".writing__column");
  const fields = column ? all(":scope > .writing-field:not(.writing-field--body)", column) : [];
  const host = editor.querySelector("[data-visual-text]");
  // For ":placeholder-shown": an empty field has a border.
  fields.forEach((field) => all("input, textarea", field).forEach((input) => { input.placeholder ||= " "; }));
  return (isVisual) => {
    if (!fields.length || host.contains(fields[0]) === isVisual) return;
    const focused = document.activeElement;
    const { selectionStart, selectionEnd } = focused;
    if (isVisual) host.prepend(...fields);
    else column.prepend(...fields);
    if (focused === document.body) host.querySelector("[autofocus]")?.focus({ preventScroll: true });
    if (!fields.some((field) => field.contains(focused))) return;
    focused.focus({ preventScroll: true });
    if (typeof selectionStart === "number") focused.setSelectionRange(selectionStart, selectionEnd);
  };
}

// Return {mode, setMode, whenVisual, fail}.
export function startMode(editor, field) {
  const button = editor.querySelector("[data-source]");
  const moveFields = createFieldMover(editor);
  let current = remembered(NAME) === "source" ? "source" : "visual";
  let onVisual = () => {};
  let isLeaving = false;
  window.addEventListener("beforeunload", () => { isLeaving = true; });
  window.addEventListener("pageshow", () => { isLeaving = false; });

  function show() {
    all("[data-shown]", editor).forEach((part) => { part.hidden = part.dataset.shown !== current; });
    field.hidden = current === "visual";
    moveFields(current === "visual");
    button.setAttribute("aria-pressed", String(current === "source"));
  }
  function setMode(mode) {
    if (mode === current) return;
    current = mode;
    show();
    remember(NAME, mode);
    if (mode === "visual") onVisual();
    editor.dispatchEvent(new CustomEvent("editor:mode", { bubbles: true, detail: { mode } }));
  }
  button.addEventListener("click", () => {
    setMode(current === "visual" ? "source" : "visual");
    editor.visualEditor?.focus();
  });
  button.hidden = false;
  show();
  return {
    mode: () => current,
    setMode,
    // Called whenever the editor returns to visual mode.
    whenVisual: (act) => { onVisual = act; },
    // The text can always be written in the field itself.
    fail(error) {
      // Ignore load errors caused by leaving the page.
      if (isLeaving) return;
      console.error(error);
      current = "source";
      show();
      button.hidden = true;
      const note = Object.assign(document.createElement("p"), {
        className: "editor__notice", role: "status", textContent: gettext("The visual editor could not start. You can write in the text field. Reload the page to try again."),
      });
      field.before(note);
    },
  };
}
