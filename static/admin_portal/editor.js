// The Markdown field: toolbar, live preview, pictures, autosave, and draft recovery.
// No key is captured: Tab and Esc leave the field, undo is the browser's own, and only dropped pictures are handled.

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
  // Skip the template row from which Django clones new rows.
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
  // Autosave covers the whole form, so start it once however many Markdown fields there are.
  if (form.dataset.guarded || !form.elements.client_id) return;
  form.dataset.guarded = "yes";
  startMerge(form);
  const safety = startAutosave(editor, form, notice);
  notice.retry(() => Promise.all([refresh(), safety.keep()]));
  warnBeforeUnload(editor, form, notice, safety);
}

all("[data-editor]").forEach(start);
document.addEventListener("formset:added", (event) => all("[data-editor]", event.target).forEach(start));
// Pages that came with the form, such as the one under review.
all("iframe[data-true-page][srcdoc]").forEach((frame) => renderInFrame(frame, frame.srcdoc));
