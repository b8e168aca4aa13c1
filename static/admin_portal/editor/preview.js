// The live preview and the list of issues.

import { format, gettext, ngettext } from "../i18n.js";
import { postForm } from "./api.js";
import { startOutline } from "./outline.js";
import { startScroll } from "./scroll.js";
import { renderInFrame } from "./full_preview.js";
import { startPreviewModes } from "./preview_modes.js";
import { goToLine } from "./insert_text.js";

const WAIT = 400; // milliseconds after the last key

function button(text, act) {
  const element = Object.assign(document.createElement("button"), { type: "button", className: "line-button", textContent: text });
  element.addEventListener("click", act);
  return element;
}

function fillIssues(list, field, rows) {
  list.replaceChildren(...rows.map(({ line, sentence, field: name }) => {
    const item = document.createElement("li");
    const input = name && field.form.elements[name];
    if (line) item.append(button(format(gettext("Line %(number)s"), { number: line }), () => goToLine(field, line)), ": ");
    item.append(sentence);
    if (!line && input) item.append(" ", button(gettext("Go there"), () => {
      const details = input.closest("details");
      if (details) details.open = true;
      input.focus();
    }));
    return item;
  }));
}

function listProblems(field, { problems, advice }) {
  const section = document.querySelector("[data-readiness]");
  if (!section) return;
  section.querySelector("[data-ready]").hidden = problems.length > 0;
  fillIssues(section.querySelector("[data-problems]"), field, problems);
  const suggestions = section.querySelector("[data-better]");
  suggestions.hidden = !advice?.length;
  suggestions.querySelector("summary").textContent = format(gettext("Could be better (%(count)s)"), { count: advice?.length ?? 0 });
  fillIssues(suggestions.querySelector("[data-advice]"), field, advice ?? []);
}

function describeProblems(count) {
  if (!count) return gettext("Preview ready. No problems found.");
  const words = ngettext("Preview ready. %(count)s problem found.", "Preview ready. %(count)s problems found.", count);
  return format(words, { count });
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
  let latestRequest = 0;
  let running;
  let timer;
  let announcedCount;
  const refresh = async () => {
    clearTimeout(timer);
    const requestNumber = ++latestRequest;
    running?.abort();
    running = new AbortController();
    outline();
    let result;
    try {
      result = await postForm(editor, editor.dataset.preview, new FormData(field.form), running.signal);
    } catch {
      return; // superseded by a newer request
    }
    if (requestNumber !== latestRequest) return;
    if (result.status !== 200 || !result.data.html) {
      state.textContent = gettext("This preview is not up to date.");
      notice.say(result, "preview");
      return;
    }
    notice.clear("preview");
    frame.dataset.longSentences = JSON.stringify(result.data.long_sentences);
    renderInFrame(frame, result.data.html, {
      ready: scroll.watch,
      shown: () => {
        apply();
        scroll.renew();
      },
    });
    listProblems(field, result.data);
    const count = result.data.problems.length;
    const problems = format(ngettext("%(count)s problem", "%(count)s problems", count), { count });
    state.textContent = [
      format(gettext("%(minutes)s min to read"), result.data),
      typeof result.data.level === "number" ? format(gettext("reading level %(level)s"), result.data) : "",
      count ? problems : gettext("no problems"),
    ].filter(Boolean).join(" · ");
    // Announce only changes: the preview updates at every pause in typing.
    if (announcedCount !== count) live.textContent = describeProblems(count);
    announcedCount = count;
  };
  const scheduleRefresh = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, WAIT);
  };
  field.form.addEventListener("input", scheduleRefresh);
  field.form.addEventListener("change", scheduleRefresh);
  document.addEventListener("formset:removed", scheduleRefresh);
  refresh();
  return refresh;
}
