// The page as on a phone or a desktop, in large type, in dark mode, on paper, and with long sentences marked.
// The frame has the width of the device. Paper is the browser's own print preview, which knows about pages.

import { all } from "./api.js";

const WIDTHS = { phone: 360, desktop: 1280 };
const LONG = 20; // words, the target of docs/quality/measures.md
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

// Sentences over the target get the browser's own highlight: no element is added, so nothing moves.
function markLong(doc, isPressed) {
  const { CSS: frameCss, Highlight } = doc.defaultView;
  if (!frameCss?.highlights) return;
  frameCss.highlights.delete("long");
  if (!isPressed) return;
  const sheet = doc.styleSheets[0];
  if (![...sheet.cssRules].some((rule) => rule.cssText.includes("::highlight(long)"))) {
    sheet.insertRule("::highlight(long) { background: #ffdf9a; color: #22201c; }", sheet.cssRules.length);
  }
  const found = [];
  all("article p, article li, article td", doc).forEach((block) => {
    const walker = doc.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    const nodes = [];
    let text = "";
    while (walker.nextNode()) {
      nodes.push([text.length, walker.currentNode]);
      text += walker.currentNode.data;
    }
    const positionAt = (at) => {
      const [start, node] = nodes.findLast(([from]) => from <= at);
      return [node, Math.min(at - start, node.data.length)];
    };
    for (const match of text.matchAll(/[^.!?…]+(?:[.!?…]+(?!\s|$)[^.!?…]*)*[.!?…]*/g)) {
      if ((match[0].match(/[\p{L}\d]+(?:['’.,-][\p{L}\d]+)*/gu) ?? []).length <= LONG) continue;
      const range = doc.createRange();
      const from = match.index + match[0].length - match[0].trimStart().length;
      range.setStart(...positionAt(from));
      range.setEnd(...positionAt(match.index + match[0].length));
      found.push(range);
    }
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
    markLong(doc, isPressed("long"));
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
  editor.querySelector("[data-see]").hidden = false;
  return applyModes;
}
