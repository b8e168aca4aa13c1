// Saves a reviewer's comments while they are typed: on the site, or in this browser while the site cannot be reached.

import { format, gettext } from "./i18n.js";
import { postForm } from "./editor/api.js";
import { leaveForNextPage, localCopies, takeFromLastPage } from "./user_storage.js";

const DEBOUNCE_MS = 1500; // after the last key

// Join two texts, or return the one that contains the other.
const mergeTexts = (here, copy) => (here.includes(copy) ? here : copy.includes(here) ? copy : `${here}\n${copy}`);

function start(form) {
  const copies = localCopies(`review:${form.dataset.page}`);
  // Each window saves its own comments; the site merges them when the screen is opened. A reload keeps the ID, because
  // the last save of the page before it may arrive late; a duplicated tab gets another one.
  const windowName = `review-window:${form.dataset.page}`;
  const key = takeFromLastPage(windowName) ?? crypto.randomUUID();
  form.elements.window.value = key;
  window.addEventListener("pagehide", () => leaveForNextPage(windowName, key));
  const restored = []; // copies of other windows that this one has restored
  const forgetCopies = () => [key, ...restored.splice(0)].forEach((slot) => copies.forget(slot));
  const statusLine = form.querySelector("[data-save-status]");
  // Includes the comment fields next to the paragraphs, which belong to this form by their form attribute.
  const fields = () => [...form.elements].filter((field) => field.tagName === "TEXTAREA");
  // The general comment has no quote.
  const quote = (field) => (field.name.startsWith("at-") ? form.elements[field.name.replace("at-", "quote-")]?.value ?? "" : "");
  let timer;
  let stopped = false;
  let changed = false;

  const collectComments = () => fields().filter((field) => field.value).map((field) => [quote(field), field.value]);

  async function save({ leaving = false } = {}) {
    clearTimeout(timer);
    if (stopped || !changed) return;
    changed = false;
    const result = await postForm(form, form.dataset.keep, new FormData(form), undefined, { leaving });
    if (result.status === 200) {
      forgetCopies();
      statusLine.textContent = result.data.autosaved_at ? gettext("Your comments are saved. They are not sent yet.") : "";
      return;
    }
    changed = true;
    const isStored = copies.keep(key, { fields: collectComments() });
    statusLine.textContent = isStored
      ? gettext("Your comments are saved only in this browser, on this computer.")
      : gettext("Your comments could not be saved in this browser. Copy them before you leave.");
  }

  function restoreCopy(copy) {
    if (copy.sent && form.dataset.decided) {
      copies.forget(copy.slot);
      return;
    }
    restored.push(copy.slot);
    const remaining = new Map(copy.fields);
    fields().forEach((field) => {
      const text = remaining.get(quote(field));
      if (text === undefined) return;
      remaining.delete(quote(field));
      field.value = mergeTexts(field.value, text);
      field.closest("details")?.setAttribute("open", "");
    });
    // Comments on words that are no longer in the text go into the general comment.
    const general = form.elements.comment;
    remaining.forEach((text, words) => { general.value = mergeTexts(general.value, words ? format(gettext("“%(quote)s”: %(comment)s"), { quote: words, comment: text }) : text); });
    changed = true;
  }

  const scheduleSave = (event) => {
    if (event.target.form !== form) return;
    changed = true;
    clearTimeout(timer);
    timer = setTimeout(save, DEBOUNCE_MS);
  };
  document.addEventListener("input", scheduleSave);
  document.addEventListener("visibilitychange", () => { if (document.hidden) save({ leaving: true }); });
  window.addEventListener("online", () => save());
  window.addEventListener("pageshow", (event) => {
    stopped = false;
    if (event.persisted) takeFromLastPage(windowName);
  });
  form.addEventListener("submit", (event) => {
    stopped = true;
    clearTimeout(timer);
    if (event.submitter?.name === "discard") {
      forgetCopies();
      return;
    }
    // Whether the comments arrived is known only when this screen is opened again.
    const hasCopy = copies.all().some(({ slot }) => slot === key || restored.includes(slot));
    if (!hasCopy) return;
    restored.splice(0).forEach((slot) => copies.forget(slot));
    copies.keep(key, { fields: collectComments(), sent: true });
  });
  copies.all().forEach(restoreCopy);
  save();
}

document.querySelectorAll("[data-review]").forEach(start);
