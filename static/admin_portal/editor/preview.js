// The live preview and the list of issues.

import { postForm } from "./api.js";
import { startOutline } from "./outline.js";
import { startScroll } from "./scroll.js";
import { renderInFrame } from "./full_preview.js";
import { startPreviewModes } from "./preview_modes.js";
import { goToLine } from "./insert_text.js";

const WAIT = 400; // milliseconds after the last key

function button(text, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: "line-button", textContent: text });
  made.addEventListener("click", act);
  return made;
}

function fill(list, field, rows) {
  list.replaceChildren(...rows.map(({ line, sentence, field: name }) => {
    const item = document.createElement("li");
    const input = name && field.form.elements[name];
    if (line) item.append(button(`Line ${line}`, () => goToLine(field, line)), ": ");
    item.append(sentence);
    if (!line && input) item.append(" ", button("Go there", () => {
      const folded = input.closest("details");
      if (folded) folded.open = true;
      input.focus();
    }));
    return item;
  }));
}

function listProblems(field, { problems, advice }) {
  const section = document.querySelector("[data-readiness]");
  if (!section) return;
  section.querySelector("[data-ready]").hidden = problems.length > 0;
  fill(section.querySelector("[data-problems]"), field, problems);
  const better = section.querySelector("[data-better]");
  better.hidden = !advice?.length;
  better.querySelector("summary").textContent = `Could be better (${advice?.length ?? 0})`;
  fill(better.querySelector("[data-advice]"), field, advice ?? []);
}

export function startPreview(editor, field, notice) {
  const frame = editor.querySelector("[data-true-page]");
  const state = editor.querySelector("[data-state]");
  const live = editor.querySelector("[data-live]");
  // Show the issues right below the text.
  const section = document.querySelector("[data-readiness]");
  if (section) editor.append(section);
  const outline = startOutline(editor, field);
  const scroll = startScroll(field, frame);
  const apply = startPreviewModes(editor, frame, () => scroll.renew());
  let number = 0;
  let running;
  let timer;
  let said;
  const refresh = async () => {
    clearTimeout(timer);
    const mine = ++number;
    running?.abort();
    running = new AbortController();
    outline();
    let answer;
    try {
      answer = await postForm(editor, editor.dataset.preview, new FormData(field.form), running.signal);
    } catch {
      return; // superseded by a newer request
    }
    if (mine !== number) return;
    if (answer.status !== 200 || !answer.data.html) {
      state.textContent = "This preview is not up to date.";
      notice.say(answer, "preview");
      return;
    }
    notice.clear("preview");
    frame.dataset.longSentences = JSON.stringify(answer.data.long_sentences);
    renderInFrame(frame, answer.data.html, {
      ready: scroll.watch,
      shown: () => {
        apply();
        scroll.renew();
      },
    });
    listProblems(field, answer.data);
    const count = answer.data.problems.length;
    const level = typeof answer.data.level !== "number" ? "" : ` · reading level ${answer.data.level}`;
    const summary = count ? `${count} ${count === 1 ? "problem" : "problems"}` : "No problems";
    state.textContent = `${answer.data.minutes} min to read${level} · ${summary.toLowerCase()}`;
    // Announce only changes: the preview updates at every pause in typing.
    if (said !== count) live.textContent = `Preview ready. ${summary} found.`;
    said = count;
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, WAIT);
  };
  field.form.addEventListener("input", soon);
  field.form.addEventListener("change", soon);
  document.addEventListener("formset:removed", soon);
  refresh();
  return refresh;
}
