// The live preview and the list of issues.

import { format, gettext, ngettext } from "../i18n.js";
import { postForm } from "./api.js";
import { startOutline } from "./outline.js";
import { namedLine, startScroll } from "./scroll.js";
import { renderInFrame } from "./full_preview.js";
import { startPreviewModes } from "./preview_modes.js";

const DEBOUNCE_MS = 400; // after the last key
// The first preview waits for the text to be editable, but no longer than this. Both at once would delay the text.
const MAX_FIRST_WAIT_MS = 3000;

// Return the source line of the block that was clicked: the renderer puts a comment before each block.
function lineOf(element) {
  for (let node = element; node; node = node.parentElement) {
    for (let before = node.previousSibling; before && before.nodeType !== Node.ELEMENT_NODE; before = before.previousSibling) {
      if (namedLine(before)) return namedLine(before);
    }
  }
  return 0;
}

function describeProblems(count) {
  if (!count) return gettext("Preview ready. No problems found.");
  const words = ngettext("Preview ready. %(count)s problem found.", "Preview ready. %(count)s problems found.", count);
  return format(words, { count });
}

// ``place``: the functions of bar.js and text.js. ``createIssues(refresh)`` returns the list of issues.
export function startPreview(editor, field, notice, place, createIssues) {
  const frame = editor.querySelector("[data-full-preview]");
  const state = editor.querySelector("[data-state]");
  const live = editor.querySelector("[data-live]");
  const outline = startOutline(editor, field, place.goToLine);
  const scroll = startScroll(field, frame, place.text);
  const apply = startPreviewModes(editor, frame, () => scroll.renew());
  let latestRequest = 0;
  let running;
  let timer;
  let announcedCount;
  const goToClicked = (event) => {
    // Links and folded parts keep their own click.
    if (event.target.closest("a, summary, button, input, label")) return;
    const line = lineOf(event.target);
    if (line) place.goToLine(line);
  };
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
      ready: () => {
        scroll.watch();
        frame.contentDocument.addEventListener("click", goToClicked);
      },
      shown: () => {
        apply();
        scroll.renew();
      },
    });
    const count = issues.list(result.data);
    editor.dispatchEvent(new CustomEvent("editor:preview", { detail: result.data }));
    const problems = format(ngettext("%(count)s problem", "%(count)s problems", count), { count });
    state.textContent = [
      format(gettext("%(minutes)s min to read"), result.data),
      result.data.level,
      count === 0 ? gettext("no problems") : count && problems,
    ].filter(Boolean).join(" · ");
    // Announce only changes: the preview updates at every pause in typing.
    if (count !== undefined && announcedCount !== count) live.textContent = describeProblems(count);
    announcedCount = count;
  };
  const issues = createIssues(refresh);
  const scheduleRefresh = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, DEBOUNCE_MS);
  };
  field.form.addEventListener("input", scheduleRefresh);
  field.form.addEventListener("change", scheduleRefresh);
  document.addEventListener("formset:removed", scheduleRefresh);
  outline();
  if (editor.visualEditor) refresh();
  else {
    timer = setTimeout(refresh, MAX_FIRST_WAIT_MS);
    editor.addEventListener("editor:ready", () => { if (!latestRequest) refresh(); }, { once: true });
  }
  return refresh;
}
