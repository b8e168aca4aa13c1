// Sending the form loads the page again, unless a draft is saved on the screen (saving.js). This puts the caret and the
// text where they were, and what was typed after the form was sent.

import { fill, same, values } from "./form.js";
import { replaceAll } from "./insert_text.js";
import { leaveForNextPage, takeFromLastPage } from "../user_storage.js";

const NAME = "place";
const MAX_AGE_MS = 60_000; // a slower save is as good as a new visit
const SETTLE_MS = 2000; // while blocks load and grow

function stored() {
  const place = takeFromLastPage(NAME);
  return place && Date.now() - place.at < MAX_AGE_MS ? place : undefined;
}

// Scroll, and again whenever the text grows, until the user does something.
function holdScroll(box, top) {
  const content = box.shadowRoot?.lastElementChild ?? box;
  const scroll = () => { box.scrollTop = top; };
  const observer = new ResizeObserver(scroll);
  const stop = () => observer.disconnect();
  observer.observe(content);
  scroll();
  setTimeout(stop, SETTLE_MS);
  ["wheel", "pointerdown", "keydown", "touchstart"].forEach((kind) => addEventListener(kind, stop, { once: true, passive: true, capture: true }));
}

// Return the fields of ``late`` that differ from ``sent``. A note belongs to what was sent.
function typedLate({ sent, late }) {
  const own = ([name, value]) => !["note", "what_changed", "base_revision"].includes(name) && value !== sent[name];
  return Object.fromEntries(Object.entries(late ?? {}).filter(own));
}

// ``text``: the function of text.js; ``safety``: of autosave.js.
export function startPlace(editor, form, field, text, safety) {
  const page = () => form.elements.page?.value ?? "";
  const isText = (element) => element === field || element === text().scroller();
  let last; // what had the focus before the button that saves
  let sent; // the values that the form was sent with
  form.addEventListener("focusin", ({ target }) => { if (isText(target) || target.matches("input, textarea, select")) last = target; });
  const storeNow = () => {
    const now = values(form);
    leaveForNextPage(NAME, {
      at: Date.now(), page: page(), caret: text().caret(), top: text().scroller().scrollTop, windowTop: scrollY,
      focus: last && (isText(last) ? "text" : last.name), selection: [last?.selectionStart, last?.selectionEnd],
      ...(!same(now, sent) && { sent, late: now }),
    });
  };
  form.addEventListener("submit", () => {
    if (!form.dataset.leaving) return;
    sent = values(form);
    storeNow();
  });
  addEventListener("pagehide", () => { if (form.dataset.leaving && sent) storeNow(); });
  // The button that saves gives the focus back.
  form.addEventListener("editor:saving", () => {
    if (!last?.isConnected || !document.activeElement?.closest("button, summary")) return;
    if (isText(last)) text().setCaret(text().caret());
    else last.focus({ preventScroll: true });
  });
  const place = stored();
  // A new page has no key yet when it is saved.
  if (!place || (place.page && place.page !== page())) return;
  const late = typedLate(place);
  const hasLate = Object.keys(late).length > 0;
  const trimmed = (value = "") => value.replaceAll("\r\n", "\n").trim();
  const fits = Object.keys(late).every((name) => trimmed(form.elements[name]?.value) === trimmed(place.sent[name]));
  if (hasLate) safety.openNothing();
  // A merge has changed the same field: offer the text instead.
  if (hasLate && !fits) safety.offer(place.late);
  const hasErrors = form.querySelector(".errornote");
  editor.addEventListener("editor:ready", () => {
    const isUntouched = document.activeElement === document.body;
    if (hasLate && fits) fill(form, late, replaceAll);
    // A form with errors begins with them.
    if (hasErrors) return;
    // With the focus in the text, a screen reader may not get to the message at the top.
    editor.querySelector("[data-live]").textContent = document.querySelector(".messagelist")?.textContent.trim() ?? "";
    if (isUntouched && place.focus === "text") text().setCaret(place.caret);
    else if (isUntouched && place.focus) {
      const input = form.elements[place.focus];
      input?.focus?.({ preventScroll: true });
      if (typeof place.selection[0] === "number" && input?.setSelectionRange) input.setSelectionRange(...place.selection);
    }
    holdScroll(text().scroller(), place.top);
    scrollTo(0, place.windowTop);
  }, { once: true });
}
