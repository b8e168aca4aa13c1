// The Markdown field: toolbar, true preview, pictures, and care for what is typed.
// No key is taken away: Tab and Esc leave the field, undo is the browser's own, drag and drop is untouched but for pictures.

import { all } from "./editor/api.js";
import { warnBeforeUnload, startNotice } from "./editor/unsaved_warning.js";
import { startMerge } from "./editor/merge.js";
import { startPaste } from "./editor/paste.js";
import { startPreview } from "./editor/preview.js";
import { startAutosave } from "./editor/autosave.js";
import { startDivider } from "./editor/divider.js";
import { startTools } from "./editor/toolbar.js";
import { renderInFrame } from "./editor/full_preview.js";
import { createDialogs } from "./editor/dialogs.js";

function start(editor) {
  const field = editor.querySelector("textarea");
  // A row that is only a pattern for new rows stays as it is.
  if (!field || editor.dataset.started || field.name.includes("__prefix__")) return;
  editor.dataset.started = "yes";
  const { form } = field;
  const live = editor.querySelector("[data-live]");
  const notice = startNotice(editor);
  const windows = createDialogs(editor, field);
  startTools(editor, field, windows);
  startPaste(editor, field, windows.upload, (sentence) => { live.textContent = sentence; });
  startDivider(editor);
  const refresh = startPreview(editor, field, notice);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) editor.querySelector("[data-view]").focus();
  });
  notice.retry(refresh);
  // One net under the whole form, however many fields of this kind it has.
  if (form.dataset.guarded || !form.elements.client_id) return;
  form.dataset.guarded = "yes";
  startMerge(form);
  const safety = startAutosave(editor, form, notice);
  notice.retry(() => Promise.all([refresh(), safety.keep()]));
  warnBeforeUnload(editor, form, notice, safety);
}

all("[data-editor]").forEach(start);
document.addEventListener("formset:added", (event) => all("[data-editor]", event.target).forEach(start));
// Pages that came with the form: what a reviewer decides on.
all("iframe[data-true-page][srcdoc]").forEach((frame) => renderInFrame(frame, frame.srcdoc));
