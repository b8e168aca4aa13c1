// The page as on a phone, a desktop or paper, in large type, in dark mode, and with long sentences marked.
// A frame cannot be set to print or dark mode, so the media rules of its style sheets are rewritten; no inline styles.

import { all } from "./api.js";

const WIDTHS = { phone: 360, desktop: 1280, print: 794 };
const originals = new WeakMap();

function rewrite(media, { dark, print }) {
  if (!originals.has(media)) originals.set(media, media.mediaText);
  const said = originals.get(media);
  const wanted = said
    .replace(/\(prefers-color-scheme:\s*dark\)/g, dark && !print ? "all" : "not all")
    .replace(/\(prefers-color-scheme:\s*light\)/g, dark && !print ? "not all" : "all")
    .replace(/\bprint\b/g, print ? "all" : "not all")
    .replace(/\bscreen\b/g, print ? "not all" : "all");
  // "all and (…)" with a type on both sides is not a valid media query, so simplify it.
  const parts = wanted.split(" and ");
  const text = parts.includes("not all") ? "not all" : parts.filter((part) => part !== "all").join(" and ") || "all";
  if (media.mediaText !== text) media.mediaText = text;
}

function eachRule(rules, act) {
  [...rules].forEach((rule) => {
    act(rule);
    if (rule.styleSheet) eachRule(rule.styleSheet.cssRules, act);
    if (rule.cssRules) eachRule(rule.cssRules, act);
  });
}

function actAs(doc, how) {
  [...doc.styleSheets].forEach((sheet) => {
    if (sheet.media.length) rewrite(sheet.media, how);
    eachRule(sheet.cssRules, (rule) => { if (rule.media?.length) rewrite(rule.media, how); });
  });
  doc.documentElement.style.padding = how.print ? "15mm" : ""; // a frame has no @page
  doc.documentElement.style.colorScheme = how.dark && !how.print ? "dark" : "light";
}

function largeType(doc, large) {
  doc.querySelector("#large-type")?.remove();
  if (!large) return;
  const box = Object.assign(doc.createElement("input"), { type: "checkbox", id: "large-type", checked: true, hidden: true });
  doc.body.append(box);
}

// The text of a block as the server reads it, with single spaces and without marks of sources; and the node and offset
// of each character.
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

// Sentences over the target get the browser's own highlight: no element is added, so nothing moves.
function markLong(doc, sentences) {
  const { CSS: css, Highlight } = doc.defaultView;
  if (!css?.highlights) return;
  css.highlights.delete("long");
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
  css.highlights.set("long", new Highlight(...found));
}

function fit(stage, frame) {
  const width = Math.max(WIDTHS[stage.dataset.stage], stage.dataset.stage === "desktop" ? stage.clientWidth : 0);
  const scale = Math.min(1, stage.clientWidth / width);
  Object.assign(frame.style, {
    width: `${width}px`,
    height: `${stage.clientHeight / scale}px`,
    transform: scale < 1 ? `scale(${scale})` : "",
  });
}

export function startPreviewModes(editor, frame, changed) {
  const stage = editor.querySelector("[data-stage]");
  const views = all("[data-view]", editor);
  const modes = all("[data-mode]", editor);
  const on = (name) => modes.find((button) => button.dataset.mode === name).getAttribute("aria-pressed") === "true";
  const apply = () => {
    const doc = frame.contentDocument;
    if (!doc?.body) return;
    const print = stage.dataset.stage === "print";
    actAs(doc, { dark: on("dark"), print });
    largeType(doc, on("large"));
    markLong(doc, on("long") ? JSON.parse(frame.dataset.longSentences ?? "[]") : []);
    stage.dataset.dark = String(on("dark") && !print);
  };
  const refresh = () => {
    fit(stage, frame);
    apply();
    changed();
  };
  views.forEach((button) => button.addEventListener("click", () => {
    stage.dataset.stage = button.dataset.view;
    views.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    refresh();
  }));
  modes.forEach((button) => button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(!on(button.dataset.mode)));
    refresh();
  }));
  if (matchMedia("(prefers-color-scheme: dark)").matches) modes.find((button) => button.dataset.mode === "dark").setAttribute("aria-pressed", "true");
  new ResizeObserver(() => {
    fit(stage, frame);
    changed();
  }).observe(stage);
  editor.querySelector("[data-see]").hidden = false;
  return apply;
}
