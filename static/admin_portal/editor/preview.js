// The live preview and the list of what is to mend.

import { send } from "./ask.js";
import { showIn, startWidths } from "./true_page.js";
import { goToLine } from "./write.js";

const WAIT = 400; // milliseconds after the last key

function listAdvice(advice) {
  const part = document.querySelector("[data-advice]");
  if (!part) return;
  part.hidden = advice.length === 0;
  part.querySelector("ul").replaceChildren(...advice.map((sentence) => {
    const item = document.createElement("li");
    item.textContent = sentence;
    return item;
  }));
}

function listProblems(field, problems) {
  const section = document.querySelector("[data-readiness]");
  if (!section) return;
  section.querySelector("[data-ready]").hidden = problems.length > 0;
  section.querySelector("[data-problems]").replaceChildren(...problems.map(({ line, sentence }) => {
    const item = document.createElement("li");
    if (line) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "line-button", textContent: `Line ${line}` });
      button.addEventListener("click", () => goToLine(field, line));
      item.append(button, ": ");
    }
    item.append(sentence);
    return item;
  }));
}

export function startPreview(editor, field, notice) {
  const frame = editor.querySelector("[data-true-page]");
  const state = editor.querySelector("[data-state]");
  const live = editor.querySelector("[data-live]");
  let number = 0;
  let running;
  let timer;
  let said;
  const refresh = async () => {
    clearTimeout(timer);
    const mine = ++number;
    running?.abort();
    running = new AbortController();
    state.textContent = "…";
    let answer;
    try {
      answer = await send(editor, editor.dataset.preview, new FormData(field.form), running.signal);
    } catch {
      return; // a newer one is on its way
    }
    if (mine !== number) return;
    if (answer.status !== 200 || !answer.data.html) {
      state.textContent = "This preview is not up to date.";
      notice.say(answer);
      return;
    }
    notice.clear();
    showIn(frame, answer.data.html);
    listProblems(field, answer.data.problems);
    listAdvice(answer.data.advice);
    const count = answer.data.problems.length;
    state.textContent = `${answer.data.minutes} min to read`;
    // Said aloud only when it is news: the preview follows every pause in typing.
    if (said !== count) live.textContent = `Preview ready. ${count || "Nothing"} to mend.`;
    said = count;
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, WAIT);
  };
  field.form.addEventListener("input", soon);
  field.form.addEventListener("change", soon);
  document.addEventListener("formset:removed", soon);
  startWidths(editor, frame);
  refresh();
  return refresh;
}
