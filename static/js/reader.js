// Progressive enhancements for readers. Every page works without this file.

import { startCompare } from "./reader/compare.js";
import { forEachMatch } from "./reader/dom.js";
import { readAloud } from "./reader/read_aloud.js";
import { startSharing } from "./reader/share.js";
import { startTextSize } from "./reader/text_size.js";
import { startWordPopover } from "./reader/word_popover.js";

const MAX_WAIT_MS = 3000;

// Before printing, load lazy images. The browser's own Print command waits for lazy images, but not for images switched
// to eager in beforeprint.
async function printWithAllPictures() {
  const pictures = [...document.images];
  pictures.forEach((image) => { image.loading = "eager"; });
  const tooLong = new Promise((done) => { setTimeout(done, MAX_WAIT_MS); });
  await Promise.race([Promise.allSettled(pictures.map((image) => image.decode())), tooLong]);
  window.print();
}

function setUpPrinting() {
  forEachMatch("[data-print]", (button) => {
    button.hidden = false;
    button.addEventListener("click", printWithAllPictures);
  });
  // Expand collapsed sections for printing, then collapse them again.
  const opened = [];
  window.addEventListener("beforeprint", () => {
    forEachMatch("main details:not([open])", (details) => { details.open = true; opened.push(details); });
  });
  window.addEventListener("afterprint", () => {
    opened.splice(0).forEach((details) => { details.open = false; });
  });
}

// Expand the sections that phones collapse, but not the words and sources at the end. The style sheet already shows them, so the layout doesn't shift.
function openFoldedParts() {
  if (window.matchMedia("(min-width: 64em)").matches) {
    forEachMatch(".page .folded-section", (part) => { part.open = true; });
  }
}

// Expand a collapsed section when a link leads into it. New browsers do this themselves.
function openTarget() {
  const part = document.getElementById(window.location.hash.slice(1))?.closest("details:not([open])");
  if (part) part.open = true;
}

// Pointing at an entry of a picture's list shows which marker it is, and vice versa.
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
