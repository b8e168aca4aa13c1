// Reduces HTML from the clipboard to what Markdown can express. Everything else becomes plain text or is left out; each
// such change is reported with note(kind, words), see paste_notice.js.

import { linear } from "./equations.js";
import { fromSymbolFont, isNoteMark, isSymbolFont, raised, UNKNOWN, withFractions } from "./symbols.js";

const USED = /^(font|font-weight|font-style|font-family|text-decoration|text-decoration-line|display|visibility|vertical-align|text-transform|opacity|font-size|overflow|height|max-height|width|max-width|text-indent|left|top|clip|clip-path|color|background|background-color|white-space|list-style-type|list-style|mso-[\w-]+)$/;
const INVISIBLE = "style,script,meta,link,title,xml,noscript,template,o\\:smarttagtype";
const declared = new WeakMap();

// The last value of each property of a node, in lower case.
export function css(node) {
  if (!declared.has(node)) {
    const found = {};
    (node.getAttribute?.("data-style") ?? "").split(";").forEach((part) => {
      const at = part.indexOf(":");
      const name = part.slice(0, at).trim().toLowerCase();
      if (at > 0 && USED.test(name)) found[name] = part.slice(at + 1).replace(/!important/i, "").replace(/\s+/g, " ").trim().toLowerCase();
    });
    declared.set(node, found);
  }
  return declared.get(node);
}

const every = (body) => [...body.querySelectorAll("*")];
function nodes(root, kinds) {
  const walker = (root.ownerDocument ?? root).createTreeWalker(root, kinds);
  const found = [];
  while (walker.nextNode()) found.push(walker.currentNode);
  return found;
}
const texts = (body) => nodes(body, NodeFilter.SHOW_TEXT);
// Including those before and after the body.
const comments = (body) => nodes(body.ownerDocument, NodeFilter.SHOW_COMMENT);
const above = (node, test) => {
  for (let at = node.parentElement; at; at = at.parentElement) if (test(at)) return at;
  return null;
};
export const textOf = (node) => node.textContent.replace(/\s+/g, " ").trim();

const blockAround = (node) => node.parentElement?.closest("p,li,td,th,div,h1,h2,h3,h4,h5,h6") ?? node.ownerDocument.body;

function textBefore(node) {
  const range = node.ownerDocument.createRange();
  range.setStart(blockAround(node), 0);
  range.setEndBefore(node);
  return range.toString().slice(-24);
}

function textAfter(node) {
  const range = node.ownerDocument.createRange();
  range.setStartAfter(node);
  range.setEndAfter(blockAround(node));
  return range.toString().slice(0, 4);
}

// Styles carry meaning in Word, but must not apply, because the content security policy would report each one.
function stripStyles(html) {
  const attributes = (tag) => tag.replace(/\s(style|on[a-z]+)(\s*=)/gi, (_, name, rest) => ` ${/^style$/i.test(name) ? "data-style" : "data-off"}${rest}`);
  return html.replace(/^Version:[\d.]+\s+StartHTML:[^<]*/i, "").replace(/<style\b[\s\S]*?<\/style>/gi, "").replace(/<([a-z]+:[\w-]+)([^>]*)\/>/gi, "<$1$2></$1>").replace(/<[a-z][^>]*>/gi, attributes);
}

function styleRules(html) {
  const sheets = [...html.matchAll(/<style\b[^>]*>([\s\S]*?)<\/style>/gi)].map(([, text]) => text).join("\n");
  const plain = sheets.replace(/<!--|-->/g, "").replace(/\/\*[\s\S]*?\*\//g, "").replace(/@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}/gi, "");
  return [...plain.matchAll(/([^{}]+)\{([^{}]*)\}/g)].map(([, selector, rule]) => [selector.trim(), rule]).filter(([selector]) => !selector.startsWith("@"));
}

function applyRules(body, rules) {
  const found = new Map();
  rules.forEach(([selector, rule]) => {
    let matches = [];
    try { matches = body.querySelectorAll(selector); } catch { /* not a selector that this browser knows */ }
    matches.forEach((node) => found.set(node, `${found.get(node) ?? ""}${rule};`));
  });
  found.forEach((rule, node) => node.setAttribute("data-style", rule + (node.getAttribute("data-style") ?? "")));
}

// Browsers and Excel also copy what surrounds the selection.
function trimToFragment(body) {
  const marks = comments(body).filter((mark) => /^\s*(Start|End)Fragment\s*$/.test(mark.data));
  const start = marks.find((mark) => mark.data.includes("Start"));
  const end = marks.findLast((mark) => mark.data.includes("End"));
  const outside = [];
  let isOutside = start !== undefined;
  nodes(body.ownerDocument, NodeFilter.SHOW_COMMENT | NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT).forEach((node) => {
    if (node === start || node === end) isOutside = node === end;
    else if (isOutside && body.contains(node) && (node.nodeType === Node.TEXT_NODE || /^(IMG|INPUT|BUTTON|SELECT|TEXTAREA)$/.test(node.nodeName))) outside.push(node);
  });
  outside.filter((node) => !above(node, (at) => /-list$/.test(css(at)["mso-element"] ?? ""))).forEach((node) => node.remove());
}

// Word writes the label of a list item, "3." or a bullet, into the text. Move it to an attribute of the paragraph:
// data-list-label.
function extractListLabels(body) {
  every(body).filter((node) => css(node)["mso-list"] === "ignore").forEach((node) => {
    const text = texts(node).map((part) => fromSymbolFont(part.data, fontOf(part))).join("").replace(/\s+/g, " ").trim();
    node.closest("p,li,h1,h2,h3,h4,h5,h6,div")?.setAttribute("data-list-label", text.replaceAll(UNKNOWN, "•"));
    node.remove();
  });
}

function removeComments(body, note) {
  const anchors = body.querySelectorAll(".MsoCommentReference,.msocomanchor,.msocomoff,a[href*='#_msocom'],a[href*='#_msoanchor'],a[href*='#cmnt']:not([href*='#cmnt_ref'])");
  anchors.forEach((anchor) => {
    if (textOf(anchor).length > 8) note("comment", textOf(anchor));
    const raisedAnchor = anchor.closest("sup");
    (raisedAnchor && textOf(raisedAnchor) === textOf(anchor) ? raisedAnchor : anchor).remove();
  });
  const isComment = (node) => css(node)["mso-element"] === "comment" || /(^|\s)(msocomtxt|MsoCommentText|MsoCommentSubject)/.test(node.className ?? "");
  let hasText = false;
  const removeComment = (node) => {
    if (textOf(node)) {
      note("comment", textOf(node));
      hasText = true;
    }
    node.remove();
  };
  every(body).filter((node) => isComment(node) && !above(node, isComment)).forEach(removeComment);
  body.querySelectorAll("a[href*='#cmnt_ref']").forEach((anchor) => {
    const box = anchor.closest("div,p");
    anchor.remove();
    if (box && box !== body) removeComment(box);
  });
  if (anchors.length && !hasText) note("comment", "the text of the comment was not on the clipboard");
  every(body).filter((node) => css(node)["mso-element"] === "comment-list").forEach((node) => node.remove());
}

const isDeleted = (node) => /^(DEL|S|STRIKE)$/.test(node.nodeName) || node.getAttribute("role") === "deletion"
  || /line-through/.test(`${css(node)["text-decoration"]} ${css(node)["text-decoration-line"]}`)
  || /(^|\s)(mso-?del|\w*track\w*delet\w*)/i.test(node.className?.baseVal ?? node.className ?? "");
const isInserted = (node) => node.nodeName === "INS" || node.getAttribute("role") === "insertion"
  || /(^|\s)(mso-?ins|\w*track\w*insert\w*)/i.test(node.className?.baseVal ?? node.className ?? "");

function removeDeletions(body, note) {
  every(body).filter((node) => isDeleted(node) && !above(node, isDeleted)).forEach((node) => {
    if (textOf(node)) note("deleted", textOf(node));
    // Marks the list item: if the whole item was deleted, renumber the items after it.
    node.closest("p,li")?.setAttribute("data-deleted", "");
    if (/^(P|LI|TD|TH)$/.test(node.nodeName)) node.replaceChildren();
    else node.remove();
  });
  every(body).filter((node) => isInserted(node) && !above(node, isInserted) && textOf(node)).forEach((node) => note("inserted", textOf(node)));
}

const zero = (value) => value !== undefined && Number.parseFloat(value) === 0;
const isTiny = (value) => value !== undefined && Number.parseFloat(value) <= 1;
const isOffscreen = (value) => Number.parseFloat(value ?? "0") <= -500;

function isHidden(node) {
  const own = css(node);
  const isCut = /hidden|clip/.test(own.overflow ?? "") && (isTiny(own.height) || isTiny(own["max-height"]) || isTiny(own.width) || isTiny(own["max-width"]));
  return own.display === "none" || /hidden|collapse/.test(own.visibility ?? "") || own["mso-hide"] === "all" || node.hasAttribute("hidden")
    || zero(own.opacity) || isCut || isOffscreen(own["text-indent"]) || isOffscreen(own.left) || isOffscreen(own.top)
    || /^rect\((0|1px)[ ,]/.test(own.clip ?? "") || /^inset\((50|100)%/.test(own["clip-path"] ?? "");
}

// Size and color are checked for each piece of text, because part of a hidden node can be visible again.
const sizeOf = (node) => css(node)["font-size"] ?? (node.nodeName === "FONT" && node.getAttribute("size") === "0" ? "0" : undefined);
const backgroundColorOf = (node) => rgb(css(node)["mso-highlight"] ?? css(node)["background-color"] ?? css(node).background ?? node.getAttribute("bgcolor") ?? "");

function isInvisible(text) {
  const sized = above(text, (at) => zero(sizeOf(at)) || (sizeOf(at) && !/(em|%|smaller|larger)$/.test(sizeOf(at))));
  if (sized && zero(sizeOf(sized))) return true;
  const colored = above(text, (at) => css(at).color ?? at.getAttribute("color"));
  if (!colored) return false;
  const value = css(colored).color ?? colored.getAttribute("color");
  if (isClear(value)) return true;
  const grounded = above(text, backgroundColorOf);
  const [color, ground] = [rgb(value), grounded && backgroundColorOf(grounded)];
  return Boolean(color && ground) && color.every((part, at) => Math.abs(part - ground[at]) <= 12);
}

function removeHidden(body, note) {
  body.querySelectorAll(INVISIBLE).forEach((node) => node.remove());
  every(body).filter((node) => isHidden(node) && !above(node, isHidden)).forEach((node) => {
    if (textOf(node)) note("hidden", textOf(node));
    node.remove();
  });
  texts(body).filter((node) => node.data.trim() && isInvisible(node)).forEach((node) => {
    note("hidden", node.data.replace(/\s+/g, " ").trim());
    node.remove();
  });
}

// Capitalize text that a style displays in capitals.
function applyTextTransform(body) {
  texts(body).forEach((node) => {
    const at = above(node, (outer) => css(outer)["text-transform"]);
    const kind = at ? css(at)["text-transform"] : "";
    if (kind === "uppercase") node.data = node.data.toUpperCase();
    else if (kind === "lowercase") node.data = node.data.toLowerCase();
    else if (kind === "capitalize") node.data = node.data.replace(/(?<![\p{L}\p{N}'’])\p{L}/gu, (letter) => letter.toUpperCase());
  });
}

function removeTablesOfContents(body, note) {
  const isLine = (node) => /^MsoToc(\d|Heading)/i.test(node.className ?? "");
  every(body).filter(isLine).forEach((node) => {
    if (textOf(node)) note("contents", textOf(node).replace(/[\s.…]+\d*$/, ""));
    node.remove();
  });
}

// ── Equations ──

function convertEquations(body, note) {
  const put = (node, text) => {
    note("equation", text.trim());
    const next = node.nextSibling?.textContent ?? "";
    const isPower = /^[\u00b2\u00b3\u00b9\u2070-\u209f^_]/.test(text.trim());
    node.replaceWith(`${!isPower && /[\p{L}\p{N}]$/u.test(textBefore(node)) ? " " : ""}${text.trim()}${/^[\p{L}\p{N}]/u.test(next) ? " " : ""}`);
  };
  body.querySelectorAll("math").forEach((math) => {
    if (math.isConnected) put(math.closest(".katex,mjx-container,.mwe-math-element,.MathJax") ?? math, linear(math));
  });
  comments(body).filter((part) => /^\[if\s+gte\s+msEquation/i.test(part.data)).forEach((part) => {
    const inside = part.data.replace(/^\[if[^\]]*\]>/i, "").replace(/<!\[endif\]$/i, "");
    const text = linear(new DOMParser().parseFromString(stripStyles(inside), "text/html").body);
    // The same equation follows as a picture, for other programs.
    let next = part.nextSibling;
    while (next && !/^\[endif\]/i.test(next.data ?? "")) {
      const after = next.nextSibling;
      if (next.nodeType === Node.ELEMENT_NODE && (next.matches("img") || next.querySelector("img"))) next.remove();
      next = after;
    }
    put(part, text);
  });
  // Word's equations that are not in a comment.
  const isWord = (node) => /^M:/.test(node.nodeName);
  every(body).filter((node) => isWord(node) && !above(node, isWord)).forEach((node) => put(node, linear(node)));
}

// A text box is in a part that only Word reads, and usually a second time for other programs.
function reportTextBoxes(body, note) {
  comments(body).filter((part) => /<v:textbox/i.test(part.data)).forEach((part) => {
    const boxes = new DOMParser().parseFromString(stripStyles(part.data.replace(/^\[if[^\]]*\]>/i, "")), "text/html").querySelectorAll("v\\:textbox");
    boxes.forEach((box) => { if (textOf(box) && !textOf(body).includes(textOf(box))) note("textbox", textOf(box)); });
  });
}

// ── Pictures and controls ──

function replacePictures(body, note) {
  body.querySelectorAll("img,svg,picture,video,audio,iframe,object,embed,canvas").forEach((node) => {
    if (!node.isConnected) return;
    const words = (node.getAttribute("alt") ?? node.getAttribute("aria-label") ?? node.getAttribute("title") ?? "").trim();
    const isIcon = /^svg$/i.test(node.nodeName) && !words;
    const isDot = [node.getAttribute("width"), node.getAttribute("height")].some((size) => size !== null && Number.parseInt(size, 10) <= 2);
    if (/^\p{Extended_Pictographic}/u.test(words) && words.length <= 8) node.replaceWith(words);
    else if (/^(IMG|PICTURE|SVG|CANVAS)$/i.test(node.nodeName) && !node.querySelector("img")) {
      if (!isIcon && !isDot) note("picture", words || "without a description");
      node.remove();
    } else if (!/^PICTURE$/i.test(node.nodeName)) {
      note("media", words || node.getAttribute("src") || node.nodeName.toLowerCase());
      node.remove();
    }
  });
}

function replaceControls(body, note) {
  const box = (isOn, words) => {
    note("checkbox", words);
    return isOn ? "☑ " : "☐ ";
  };
  body.querySelectorAll("input[type=checkbox],input[type=radio]").forEach((input) => {
    input.replaceWith(box(input.hasAttribute("checked"), textOf(input.closest("label") ?? input) || (input.nextSibling?.textContent ?? "").trim() || "a box"));
  });
  body.querySelectorAll("li[role=checkbox],[role=checkbox]").forEach((item) => {
    const isOn = item.getAttribute("aria-checked") === "true";
    (item.querySelector("p") ?? item).prepend(box(isOn, textOf(item) || "a box"));
  });
  body.querySelectorAll("input,button,select,textarea").forEach((node) => {
    const words = node.nodeName === "SELECT" ? textOf(node.querySelector("[selected]") ?? node) : node.getAttribute("value") ?? textOf(node);
    if (words && node.getAttribute("type") !== "hidden") note("control", words);
    node.remove();
  });
}

// ── Characters ──

function fontOf(node) {
  const named = (at) => css(at)["mso-symbol-font-family"] ?? css(at)["font-family"] ?? at.getAttribute("face");
  const at = above(node, named);
  return at ? named(at).split(",")[0].replace(/["']/g, "").trim().toLowerCase() : "";
}

function convertSymbols(body, note) {
  texts(body).forEach((node) => {
    const text = node.data;
    const font = fontOf(node);
    if (!isSymbolFont(font) && !/[\ue000-\uf8ff]/.test(text)) return;
    node.data = fromSymbolFont(text, font);
    if (node.data.includes(UNKNOWN)) note("symbol", textOf(node.parentElement.closest("p,li,td,div") ?? node.parentElement));
  });
}

const NOTE_LINK = ".MsoFootnoteReference a,.MsoEndnoteReference a,a.sdfootnoteanc,a.sdfootnotesym,a.sdendnoteanc,a.sdendnotesym,a[role=doc-noteref],a[role=doc-backlink],a.footnote-ref,a.footnote-backref,sup a[href*='#']";

function convertFootnotes(body, note) {
  const links = new Set(body.querySelectorAll(NOTE_LINK));
  every(body).forEach((node) => { if (css(node)["mso-footnote-id"] || css(node)["mso-endnote-id"]) links.add(node); });
  links.forEach((link) => {
    if (!link.isConnected) return;
    const number = textOf(link).replace(/^\[|\]$/g, "").trim();
    const outer = link.closest("sup") ?? link.closest(".MsoFootnoteReference,.MsoEndnoteReference") ?? link;
    const place = textOf(outer) === textOf(link) ? outer : link;
    if (/^(?:[↑↩^⤴]|\ufe0e|\ufe0f)*$/u.test(number)) place.remove();
    else if (number.length <= 5) {
      note("footnote", `[${number}]`);
      place.replaceWith(`[${number}]${/^\S/.test(place.nextSibling?.textContent ?? " ") && !textBefore(place).trim() ? " " : ""}`);
    }
  });
}

function scriptPositionOf(node) {
  const align = css(node)["vertical-align"] ?? "";
  if (node.nodeName === "SUP" || align === "super" || node.matches(".Superscript")) return "sup";
  if (node.nodeName === "SUB" || align === "sub" || node.matches(".Subscript")) return "sub";
  const lift = Number.parseFloat(css(node)["mso-text-raise"] ?? (/px|pt/.test(align) ? align : "0"));
  return Math.abs(lift) < 2 ? "" : lift > 0 ? "sup" : "sub";
}

// How raised letters after a number are written in the text's languages, from the language registry.
function ordinalsOf(body) {
  const rules = JSON.parse(document.querySelector("[data-ordinals]").dataset.ordinals);
  const isUsed = ({ code, characters, words }) => [...characters].some((character) => body.textContent.includes(character))
    || new RegExp(`(?<!\\p{L})(${words.join("|")})(?!\\p{L})`, "iu").test(body.textContent)
    || body.querySelector(`[lang^=${code}]`) !== null;
  return Object.assign({}, ...rules.filter(isUsed).map(({ letters }) => letters));
}

function convertScripts(body, note) {
  const ordinals = ordinalsOf(body);
  // Inner nodes first.
  every(body).reverse().filter((node) => scriptPositionOf(node) && textOf(node)).forEach((node) => {
    const before = textBefore(node);
    const isBelow = scriptPositionOf(node) === "sub";
    const own = node.textContent.replace(/\s+/g, " ");
    // Note numbers: pain¹,² or pain¹–³
    if (!isBelow && isNoteMark(own.trim(), before, textAfter(node), ordinals)) {
      note("mark", `${/\S*\s*$/.exec(before)[0]}${own.trim()}`);
      node.replaceWith(/\s$/.test(own) ? " " : "");
      return;
    }
    const { text, isExact } = raised(own, before, isBelow, ordinals);
    if (!isExact) note("script", (/\S*$/.exec(before)?.[0] ?? "") + text);
    const [, left, right] = /^(\s*).*?(\s*)$/s.exec(own);
    node.replaceWith(left + text.trim() + right);
  });
  body.normalize();
  texts(body).forEach((node) => { node.data = withFractions(node.data); });
}

const isUnderlined = (node) => (node.nodeName === "U" || /underline/.test(`${css(node)["text-decoration"]} ${css(node)["text-decoration-line"]}`))
  && !isInserted(node) && !above(node, isInserted) && !node.closest("a") && !node.querySelector("a") && !every(node).some(isInserted);

function convertUnderlines(body, note) {
  every(body).filter((node) => isUnderlined(node) && textOf(node) && !node.closest("h1,h2,h3,h4,h5,h6")).forEach((node) => {
    if (!above(node, isUnderlined)) note("underlined", textOf(node));
    node.setAttribute("data-style", `${node.getAttribute("data-style") ?? ""};font-weight:bold`);
    declared.delete(node);
  });
}

// ── Color and position ──

const NAMED = { red: [255, 0, 0], darkred: [139, 0, 0], crimson: [220, 20, 60], firebrick: [178, 34, 34], maroon: [128, 0, 0], orangered: [255, 69, 0], yellow: [255, 255, 0], white: [255, 255, 255], window: [255, 255, 255], black: [0, 0, 0], windowtext: [0, 0, 0], gray: [128, 128, 128], silver: [192, 192, 192], whitesmoke: [245, 245, 245], lime: [0, 255, 0], aqua: [0, 255, 255], cyan: [0, 255, 255], fuchsia: [255, 0, 255], magenta: [255, 0, 255], orange: [255, 165, 0], green: [0, 128, 0], blue: [0, 0, 255], lightgreen: [144, 238, 144], pink: [255, 192, 203] };

function rgb(value = "") {
  const hex = /#([\da-f]{6}|[\da-f]{3})\b/i.exec(value)?.[1];
  if (hex) return (hex.length === 3 ? [...hex].map((digit) => digit + digit) : hex.match(/../g)).map((part) => Number.parseInt(part, 16));
  const numbers = /rgba?\(([^)]*)\)/.exec(value)?.[1].match(/[\d.]+/g)?.map(Number);
  if (numbers) return numbers[3] === 0 ? null : numbers.slice(0, 3);
  return value.split(" ").map((word) => NAMED[word.toLowerCase()]).find(Boolean) ?? null;
}

const isClear = (value) => value === "transparent" || /rgba?\([^)]*[,/]\s*0?\.?0+%?\s*\)$/.test(value) && /rgba|\//.test(value) || /^#([\da-f]{3}0|[\da-f]{6}00)$/.test(value);

function isColored(node) {
  if (node.nodeName === "MARK") return true;
  const own = css(node);
  const color = rgb(own.color ?? node.getAttribute("color") ?? "");
  if (color && color[0] > 120 && color[1] < 100 && color[2] < 100) return true;
  const ground = rgb(own["mso-highlight"] ?? own["background-color"] ?? own.background);
  return /^(SPAN|FONT|B|I|STRONG|EM)$/.test(node.nodeName) && ground !== null && Math.max(...ground) - Math.min(...ground) > 60;
}

const isCode = (body) => every(body).slice(0, 3).some((node) => /monospace|consolas|courier|menlo|monaco/.test(`${css(node)["font-family"]} ${css(node).font}`));

function reportColors(body, note) {
  // Code editors color every word.
  if (isCode(body)) return;
  const colored = every(body).filter((node) => isColored(node) && textOf(node) && !above(node, isColored) && !above(node, isInserted) && !isInserted(node) && !every(node).some(isInserted));
  const share = colored.reduce((sum, node) => sum + textOf(node).length, 0) / Math.max(1, textOf(body).length);
  // When the whole text has one color, the color means nothing.
  if (share < 0.9 || colored.length === 1) colored.forEach((node) => note("colored", textOf(node)));
}

function reportTabs(body, note) {
  const tabs = every(body).filter((node) => css(node)["mso-tab-count"] || /Apple-tab-span/.test(node.className ?? ""));
  tabs.forEach((tab) => {
    const words = textOf(tab.closest("p,li,td,div,h1,h2,h3,h4") ?? tab.parentElement);
    tab.replaceWith(" ");
    if (words) note("tab", words);
  });
}

// Field codes such as {PAGE} that Word has not put into a comment.
function removeFieldCodes(body) {
  let inCode = false;
  const codes = [];
  nodes(body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT).forEach((node) => {
    const mark = node.nodeType === Node.ELEMENT_NODE ? css(node)["mso-element"] : "";
    if (mark === "field-begin") inCode = true;
    else if (mark === "field-separator" || mark === "field-end") inCode = false;
    else if (inCode && node.nodeType === Node.TEXT_NODE) codes.push(node);
  });
  // Without its end, the rest of the text would count as code.
  if (!inCode) codes.forEach((node) => node.remove());
}

function removeDirectionMarks(body, note) {
  texts(body).forEach((node) => {
    const isReversed = /[\u202d\u202e]/.test(node.data);
    node.data = node.data.replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");
    if (isReversed) note("direction", textOf(node));
  });
  body.querySelectorAll("bdo[dir=rtl]").forEach((node) => note("direction", textOf(node)));
}

export function clean(html, note) {
  const { body } = new DOMParser().parseFromString(stripStyles(html), "text/html");
  applyRules(body, styleRules(html));
  trimToFragment(body);
  [
    extractListLabels, removeComments, convertEquations, removeFieldCodes, removeDeletions, removeHidden, removeTablesOfContents, reportTextBoxes, replacePictures,
    replaceControls, removeDirectionMarks, convertSymbols, applyTextTransform, reportTabs, convertFootnotes, reportColors, convertScripts, convertUnderlines,
  ].forEach((step) => step(body, note));
  return body;
}
