// The page as on a phone or a desktop, in large type, in dark mode, on paper, and with long sentences marked.
// The frame has the width of the device. Paper is the browser's own print preview, which knows about pages.

import { all } from "./api.js";

const WIDTHS = { phone: 360, desktop: 1280 };
const DARK = "(prefers-color-scheme: dark)";

// Some browsers apply the color scheme of a frame to its media queries. The others follow the computer only; there the
// public style sheet with the other colors is added to the page.
function setColorScheme(viewport, frame, dark) {
  frame.style.colorScheme = dark ? "dark" : "light";
  const doc = frame.contentDocument;
  doc.documentElement.style.colorScheme = frame.style.colorScheme;
  const href = dark ? viewport.dataset.darkColors : viewport.dataset.lightColors;
  const added = doc.querySelector("#preview-colors");
  if (dark === matchMedia(DARK).matches) added?.remove();
  else if (added?.getAttribute("href") !== href) {
    added?.remove();
    doc.head.append(Object.assign(doc.createElement("link"), { id: "preview-colors", rel: "stylesheet", media: "screen", href }));
  }
}

function largeType(doc, large) {
  doc.querySelector("#large-type")?.remove();
  if (!large) return;
  const box = Object.assign(doc.createElement("input"), { type: "checkbox", id: "large-type", checked: true, hidden: true });
  doc.body.append(box);
}

// The text of a block as the server reads it, with single spaces and without citations, and the node and offset of each
// character.
function readBlock(block) {
  const walker = block.ownerDocument.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  const places = [];
  let text = "";
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest("sup, svg")) continue;
    node.data.split("").forEach((character, at) => {
      const isSpace = /\s/.test(character);
      if (isSpace && (!text || text.endsWith(" "))) return;
      text += isSpace ? " " : character;
      places.push([node, at]);
    });
  }
  return { text, places };
}

// Sentences over the target get the browser's own highlight: no element is added, so the layout doesn't shift.
function markLong(doc, sentences) {
  const { CSS: frameCss, Highlight } = doc.defaultView;
  if (!frameCss?.highlights) return;
  frameCss.highlights.delete("long");
  if (!sentences.length) return;
  const sheet = doc.styleSheets[0];
  if (![...sheet.cssRules].some((rule) => rule.cssText.includes("::highlight(long)"))) {
    sheet.insertRule("::highlight(long) { background: #ffdf9a; color: #22201c; }", sheet.cssRules.length);
  }
  const found = [];
  all("article p, article li, article td", doc).forEach((block) => {
    const { text, places } = readBlock(block);
    sentences.forEach((sentence) => {
      const from = text.indexOf(sentence);
      if (from < 0) return;
      const range = doc.createRange();
      const [node, at] = places[from + sentence.length - 1];
      range.setStart(...places[from]);
      range.setEnd(node, at + 1);
      found.push(range);
    });
  });
  frameCss.highlights.set("long", new Highlight(...found));
}

function fit(viewport, frame) {
  const width = Math.max(WIDTHS[viewport.dataset.stage], viewport.dataset.stage === "desktop" ? viewport.clientWidth : 0);
  const scale = Math.min(1, viewport.clientWidth / width);
  Object.assign(frame.style, {
    width: `${width}px`,
    height: `${viewport.clientHeight / scale}px`,
    transform: scale < 1 ? `scale(${scale})` : "",
  });
}

export function startPreviewModes(editor, frame, changed) {
  const viewport = editor.querySelector("[data-stage]");
  const views = all("[data-view]", editor);
  const modes = all("[data-mode]", editor);
  const isPressed = (name) => modes.find((button) => button.dataset.mode === name).getAttribute("aria-pressed") === "true";
  const applyModes = () => {
    const doc = frame.contentDocument;
    if (!doc?.body) return;
    setColorScheme(viewport, frame, isPressed("dark"));
    largeType(doc, isPressed("large"));
    markLong(doc, isPressed("long") ? JSON.parse(frame.dataset.longSentences ?? "[]") : []);
    viewport.dataset.dark = String(isPressed("dark"));
  };
  const refresh = () => {
    fit(viewport, frame);
    applyModes();
    changed();
  };
  views.forEach((button) => button.addEventListener("click", () => {
    viewport.dataset.stage = button.dataset.view;
    views.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    refresh();
  }));
  modes.forEach((button) => button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(!isPressed(button.dataset.mode)));
    refresh();
  }));
  editor.querySelector("[data-print]").addEventListener("click", () => frame.contentWindow.print());
  if (matchMedia(DARK).matches) modes.find((button) => button.dataset.mode === "dark").setAttribute("aria-pressed", "true");
  new ResizeObserver(() => {
    fit(viewport, frame);
    changed();
  }).observe(viewport);
  editor.querySelector("[data-preview-pane]").hidden = false;
  return applyModes;
}
