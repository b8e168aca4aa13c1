// The marker editor: the form fields hold the state; the picture displays it and is another way to change it.

import { warnBeforeUnload, startNotice } from "./editor/unsaved_warning.js";
import { startCanvas } from "./markers/canvas.js";
import { startHistory } from "./markers/history.js";
import { startLivePreview } from "./markers/live_preview.js";
import { startPlacement } from "./markers/placement.js";
import { startRows } from "./markers/rows.js";
import { startZoom } from "./markers/zoom.js";

const DEBOUNCE_MS = 700;

function start(root) {
  const form = root.querySelector("[data-form]");
  const status = root.querySelector("[data-message]");
  const say = (sentence) => { status.textContent = sentence; };
  const notice = startNotice(root);
  const rows = startRows(form, say);
  const canvas = startCanvas(root);
  const live = startLivePreview(root, form, rows, notice);
  const draw = () => {
    canvas.draw(rows.all().map(rows.read), rows.indexOfChosen());
    live.schedule();
  };
  const history = startHistory(root, {
    now: () => JSON.stringify(rows.snapshot()),
    restore: (text) => { rows.restore(JSON.parse(text)); draw(); },
    adopt: rows.adopt,
    say,
  });
  // Record one undo step. The change event marks the form as unsaved.
  let pause = 0;
  const commit = () => {
    clearTimeout(pause);
    rows.settle();
    if (history.commit()) form.dispatchEvent(new Event("change"));
    draw();
  };
  // A pause in typing ends an undo step.
  const typed = () => { clearTimeout(pause); pause = setTimeout(commit, DEBOUNCE_MS); };
  rows.listen({ draw, commit, typed });
  form.addEventListener("submit", history.keep);
  startPlacement(root, { rows, canvas, draw, commit, say, zoom: startZoom(root, say) });
  notice.retry(live.now);
  warnBeforeUnload(root, form, notice);
  draw();
  root.querySelector("[data-rejected]")?.focus();
}

document.querySelectorAll("[data-marks]").forEach(start);
