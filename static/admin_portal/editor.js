// The writing screen: the Markdown field with its dialogs, preview, and checks, and for the whole form the bar,
// autosave, and draft recovery. The Markdown field captures only Ctrl+S and Ctrl+F. Tab and F6 leave it, and undo is
// the browser's own. visual_editor/ shows the same text formatted.

import { all } from "./editor/api.js";
import { warnBeforeUnload, startNotice } from "./editor/unsaved_warning.js";
import { startMerge } from "./editor/merge.js";
import { startMode } from "./editor/mode.js";
import { startPaste } from "./editor/paste.js";
import { startPasteNotice } from "./editor/paste_notice.js";
import { startPlace } from "./editor/place.js";
import { startSaving } from "./editor/saving.js";
import { startPreview } from "./editor/preview.js";
import { startAutosave } from "./editor/autosave.js";
import { startClickGuard } from "./editor/click_guard.js";
import { startBar } from "./editor/bar.js";
import { startDivider } from "./editor/divider.js";
import { startGrowingFields } from "./editor/growing_fields.js";
import { startFind } from "./editor/find.js";
import { startIssues, linkComments } from "./editor/issues.js";
import { startTemplates, takeTyped } from "./editor/templates.js";
import { startTitle } from "./editor/title.js";
import { startTools } from "./editor/toolbar.js";
import { createText } from "./editor/text.js";
import { renderInFrame } from "./editor/full_preview.js";
import { createDialogs } from "./editor/dialogs.js";
import { values } from "./editor/form.js";
import { createApi, sourceText } from "./visual_editor/api.js";

function start(editor) {
  const field = editor.querySelector("textarea");
  // Skip the template row from which Django clones new rows.
  if (!field || editor.dataset.started || field.name.includes("__prefix__")) return;
  editor.dataset.started = "yes";
  const { form } = field;
  const live = editor.querySelector("[data-live]");
  const windows = createDialogs(editor, field);
  const say = (sentence) => { live.textContent = sentence; };
  const listNotes = startPasteNotice(editor, field);
  const mode = startMode(editor, field);
  startTools(editor, field, windows);
  startPaste(field, windows.upload, listNotes, say);
  // Imported dynamically, so that the field and autosave still work if it fails to load.
  import("./visual_editor/visual_editor.js")
    .then(({ startVisualEditor }) => startVisualEditor(editor, field, { windows, mode, listNotes, say }))
    .catch((error) => {
      mode.fail(error);
      editor.visualEditor = createApi(field, { source: sourceText(field, { openDialog: windows.open }) }, mode);
    })
    .finally(() => editor.dispatchEvent(new CustomEvent("editor:ready", { bubbles: true })));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "F6" || event.altKey) return;
    event.preventDefault();
    form.querySelector("[data-view]").focus();
  });
  // The bar and autosave cover the whole form, so start them once however many Markdown fields there are.
  if (form.dataset.guarded || !form.elements.client_id) return;
  form.dataset.guarded = "yes";
  const notice = startNotice(editor);
  const opened = values(form);
  takeTyped(form);
  const text = createText(editor, field, windows);
  const saving = startSaving(editor, form, opened);
  const safety = startAutosave(editor, form, notice, opened);
  const bar = startBar(form, editor, { text, opened, windows });
  const place = { ...bar, text };
  startTitle(editor, form);
  startTemplates(form, opened, safety);
  startDivider(editor, form);
  startFind(form, text);
  startPlace(editor, form, field, text, safety);
  startGrowingFields(form, field);
  linkComments(form, bar.goToLine);
  form.addEventListener("editor:saved", () => linkComments(form, bar.goToLine));
  startMerge(form);
  const refresh = startPreview(editor, field, notice, place, (check) => startIssues(form, editor, field, { ...place, windows, refresh: check }));
  notice.retry(() => Promise.all([refresh(), safety.keep()]));
  warnBeforeUnload(editor, form, notice, safety, saving);
  // The preview is next to all fields of the text, not only next to the last one.
  form.querySelector("[data-split-view]").append(editor.querySelector("[data-divider]"), editor.querySelector("[data-preview-pane]"));
}

startClickGuard();
all("[data-editor]").forEach(start);
document.addEventListener("formset:added", (event) => all("[data-editor]", event.target).forEach(start));
// Pages that came with the form, such as the one under review.
all("iframe[data-full-preview][srcdoc]").forEach((frame) => renderInFrame(frame, frame.srcdoc));
