// How much one step of undo takes back, and undo after a save. Saving loads the page again: this remembers the steps of undo in this tab, so that a change can be undone after a save.

import { leaveForNextPage, takeFromLastPage } from "../user_storage.js";
import { closeHistory, undo } from "./libraries.js";

const NAME = "undo";
const MAX_STEPS = 20;
const MAX_CHARS = 500_000;
const MAX_AGE_MS = 60_000; // as in place.js
const MAX_STEP_WORDS = 20;
const MAX_STEP_MS = 3000;
const PAUSE_MS = 500; // the history's own

// Return a function that begins a new step of undo in a transaction that types on: after a sentence, and between words after
// MAX_STEP_WORDS or MAX_STEP_MS. The history itself ends a step only in a pause.
export function createUndoSplitter() {
  let step = { since: 0, words: 0 };
  let last = "";
  let changedAt = 0;
  let isAfterRead = false;
  return (tr) => {
    if (!tr.docChanged) return;
    if (tr.getMeta("readField")) {
      isAfterRead = true;
      return;
    }
    if (isAfterRead) closeHistory(tr);
    isAfterRead = false;
    const now = Date.now();
    if (now - changedAt > PAUSE_MS) {
      step = { since: now, words: 0 };
      last = "";
    }
    changedAt = now;
    const typed = tr.steps.length === 1 ? tr.steps[0].slice?.content.textBetween(0, tr.steps[0].slice.content.size) ?? "" : "";
    const isBetweenWords = /\s$/.test(last);
    const isSentence = /[.!?…][”’"')]*\s$/.test(last);
    if (isSentence || (isBetweenWords && (step.words >= MAX_STEP_WORDS || now - step.since > MAX_STEP_MS))) {
      closeHistory(tr);
      step = { since: now, words: 0 };
      last = "";
    }
    if (/\s/.test(typed)) step.words += 1;
    last = typed ? (last + typed).slice(-8) : "";
  };
}

// Store the texts before each of the last steps, oldest first. ``write`` returns the Markdown of a document.
export function storeUndo(state, write, page) {
  const past = [];
  let now = state;
  let size = 0;
  const apply = (tr) => { now = now.apply(tr); };
  while (past.length < MAX_STEPS && size < MAX_CHARS && undo(now, apply)) {
    past.unshift(write(now.doc));
    size += past[0].length;
  }
  leaveForNextPage(NAME, { at: Date.now(), page, past, text: write(state.doc) });
}

// Return the texts that were stored when ``text`` was saved, and forget them.
export function takeUndo(text, page) {
  const stored = takeFromLastPage(NAME);
  const isSame = stored && Date.now() - stored.at < MAX_AGE_MS && stored.text.trim() === text.trim();
  // A new page has no key yet when it is saved.
  return isSame && (!stored.page || stored.page === page) ? stored.past : [];
}
