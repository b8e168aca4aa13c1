// The figure as patients will see it, rendered by the server from the form, and the server's notes on each marker.

import { gettext } from "../i18n.js";
import { postForm } from "../editor/api.js";
import { renderInFrame } from "../editor/full_preview.js";

const DEBOUNCE_MS = 350;

// Preserve checked inputs and open details across a redraw.
function preserveState(frame, act) {
  const inside = (selector) => [...(frame.contentDocument?.querySelectorAll(selector) ?? [])];
  const checked = inside("input").map((input) => input.checked);
  const open = inside("details").map((details) => details.open);
  act();
  inside("input").forEach((input, index) => { input.checked = checked[index] ?? input.checked; });
  inside("details").forEach((details, index) => { details.open = open[index] ?? details.open; });
}

export function startLivePreview(root, form, rows, notice) {
  const frames = [...root.querySelectorAll("iframe[data-language]")];
  const state = root.querySelector("[data-live-state]");
  const widths = root.querySelector("[data-widths]");
  let timer = 0;
  let pending = null;
  let shownState = "";

  function fit(frame) {
    const body = frame.contentDocument?.body;
    if (body) frame.style.height = `${Math.ceil(body.getBoundingClientRect().height) + 2}px`;
  }

  // Notes appear above fields; scroll so that the focused field does not move.
  function showNotes(notes) {
    const field = document.activeElement;
    const top = field.getBoundingClientRect().top;
    rows.all().forEach((row, index) => {
      const ownNotes = notes.filter((found) => found.mark === index);
      const list = row.querySelector("[data-notes]");
      list.replaceChildren(...ownNotes.map((found) => Object.assign(document.createElement("li"), { textContent: found.sentence })));
      list.hidden = ownNotes.length === 0;
      row.querySelector("[data-warning]").hidden = ownNotes.length === 0;
    });
    const shift = field.getBoundingClientRect().top - top;
    if (shift && field.closest("[data-row]")) window.scrollBy(0, shift);
  }

  async function update() {
    clearTimeout(timer);
    pending?.abort();
    pending = new AbortController();
    const { signal } = pending;
    const body = new FormData(form);
    body.delete("csrfmiddlewaretoken");
    const formState = new URLSearchParams(body).toString();
    if (formState === shownState) return;
    state.textContent = gettext("Updating…");
    let result;
    try {
      result = await postForm(root, root.dataset.liveAddress, body, signal);
    } catch (error) {
      if (error.name === "AbortError") return;
      throw error;
    }
    if (signal.aborted) return;
    if (result.status !== 200) { state.textContent = ""; notice.say(result); return; }
    notice.clear();
    shownState = formState;
    frames.forEach((frame) => preserveState(frame, () => renderInFrame(frame, result.data.pages[frame.dataset.language])));
    frames.forEach(fit);
    showNotes(result.data.notes);
    state.textContent = gettext("Up to date.");
  }

  frames.forEach((frame) => {
    frame.addEventListener("load", () => {
      frame.contentDocument.addEventListener("toggle", () => fit(frame), true);
      frame.contentDocument.addEventListener("change", () => fit(frame));
      fit(frame);
    });
    fit(frame);
  });
  widths.hidden = false;
  widths.addEventListener("click", (event) => {
    const button = event.target.closest("[data-width]");
    if (!button) return;
    widths.querySelectorAll("[data-width]").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    frames.forEach((frame) => { frame.toggleAttribute("data-wide", button.dataset.width === "360"); fit(frame); });
  });
  return { now: update, schedule: () => { clearTimeout(timer); timer = setTimeout(update, DEBOUNCE_MS); } };
}
