// The Markdown field: toolbar, true preview, pictures, and care for what is typed.
// No key is taken away: Tab and Esc leave the field, undo is the browser's own, drag and drop is untouched.

import { all } from "./editor/ask.js";
import { guard, startNotice } from "./editor/guard.js";
import { startPreview } from "./editor/preview.js";
import { startTools } from "./editor/toolbar.js";
import { showIn } from "./editor/true_page.js";
import { openWindows } from "./editor/windows.js";

function start(editor) {
  const field = editor.querySelector("textarea");
  // A row that is only a pattern for new rows stays as it is.
  if (!field || editor.dataset.started || field.name.includes("__prefix__")) return;
  editor.dataset.started = "yes";
  const notice = startNotice(editor);
  startTools(editor, field, openWindows(editor, field));
  notice.retry(startPreview(editor, field, notice));
  guard(editor, field.form, notice);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) editor.querySelector("[data-width]").focus();
  });
}

all("[data-editor]").forEach(start);
document.addEventListener("formset:added", (event) => all("[data-editor]", event.target).forEach(start));
// Pages that came with the form: what a reviewer decides on.
all("iframe[data-true-page][srcdoc]").forEach((frame) => showIn(frame, frame.srcdoc));
