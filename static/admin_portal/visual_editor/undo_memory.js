// Saving loads the page again. This remembers the steps of undo in this tab, so that a change can be undone after a save.

import { leaveForNextPage, takeFromLastPage } from "../user_storage.js";
import { undo } from "./libraries.js";

const NAME = "undo";
const MAX_STEPS = 20;
const MAX_CHARS = 500_000;
const MAX_AGE_MS = 60_000; // as in place.js

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
