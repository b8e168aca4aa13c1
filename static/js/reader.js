// Small helps for readers. Every page is complete without this file.

import { startCompare } from "./reader/compare.js";
import { forEachMatch } from "./reader/dom.js";
import { readAloud } from "./reader/read_aloud.js";
import { startSharing } from "./reader/share.js";
import { startTextSize } from "./reader/text_size.js";
import { startWordPopover } from "./reader/word_popover.js";

const MAX_WAIT = 3000; // ms

// Paper needs the pictures that nobody has scrolled to yet. Printing by the browser's menu fetches lazy ones and waits for
// them; for those that are made eager as late as beforeprint it would not wait.
async function printWithAllPictures() {
  const pictures = [...document.images];
  pictures.forEach((image) => { image.loading = "eager"; });
  const tooLong = new Promise((done) => { setTimeout(done, MAX_WAIT); });
  await Promise.race([Promise.allSettled(pictures.map((image) => image.decode())), tooLong]);
  window.print();
}

function setUpPrinting() {
  forEachMatch("[data-print]", (button) => {
    button.hidden = false;
    button.addEventListener("click", printWithAllPictures);
  });
  // Paper shows what a screen folds away: descriptions are opened, then closed again.
  const opened = [];
  window.addEventListener("beforeprint", () => {
    forEachMatch("main details:not([open])", (details) => { details.open = true; opened.push(details); });
  });
  window.addEventListener("afterprint", () => {
    opened.splice(0).forEach((details) => { details.open = false; });
  });
}

// A wide screen shows the sections that a phone folds; the style sheet opened it already, so nothing moves.
function openFoldedParts() {
  if (window.matchMedia("(min-width: 64em)").matches) {
    forEachMatch(".page details:not(.reader-tools, .figure__description, .choices__fold)", (part) => { part.open = true; });
  }
}

// A link into a folded part unfolds it. New browsers do so themselves.
function openTarget() {
  const part = document.getElementById(window.location.hash.slice(1))?.closest("details:not([open])");
  if (part) part.open = true;
}

// Pointing at an entry of a picture's list shows which mark it is, and the other way round.
function highlightMarkers(figure) {
  const show = (number) => forEachMatch("[data-mark]", (part) => {
    part.classList.toggle("is-highlighted", number !== undefined && part.dataset.mark === number);
  }, figure);
  const numberAt = (event) => event.target.closest("[data-mark]")?.dataset.mark;
  figure.addEventListener("pointerover", (event) => show(numberAt(event)));
  figure.addEventListener("pointerleave", () => show());
  figure.addEventListener("focusin", (event) => show(numberAt(event)));
  figure.addEventListener("focusout", () => show());
}

setUpPrinting();
openFoldedParts();
openTarget();
window.addEventListener("hashchange", openTarget);
forEachMatch(".figure", highlightMarkers);
forEachMatch("[data-compare]", startCompare);
forEachMatch("[data-listen-bar]", readAloud);
forEachMatch("[data-sizes]", startTextSize);
forEachMatch("[data-share]", startSharing);
const words = document.querySelector("[data-close]");
if (words) startWordPopover(words);
