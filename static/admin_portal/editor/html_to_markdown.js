// Converts what Word, Google Docs, Outlook, or a web page puts on the clipboard to our Markdown (headings, bold, italics,
// lists, links, and tables) and reports what was changed.

import { clean, css, textOf } from "./clean_paste.js";
import { address, escaped, oneLine, paragraphs, fontStyleOf, withBreaks } from "./inline.js";
import { FOREIGN_BULLET } from "./lists.js";

const BLOCKS = new Set("P DIV SECTION ARTICLE MAIN HEADER FOOTER ASIDE NAV FIGURE FIGCAPTION BODY BLOCKQUOTE PRE ADDRESS DL DT DD CENTER FORM FIELDSET LEGEND DETAILS SUMMARY UL OL LI TABLE HR CAPTION H1 H2 H3 H4 H5 H6".split(" "));
const STRUCTURE = "h1,h2,h3,h4,h5,h6,p,ul,ol,table,a[href],strong,em,i,b,[class^=MsoList],[class^=MsoHeading],[role=heading],[data-style*=mso-list],[data-style*='font-style']";
const MAX_LEVEL = 4; // #### is the last heading of the dialect
const MAX_CELLS = 60;

const isBlock = (node) => node.nodeType === Node.ELEMENT_NODE && (BLOCKS.has(node.nodeName) || /^(block|flex|grid|list-item|table|flow-root)/.test(css(node).display ?? ""));
const holdsBlock = (node) => node.nodeType === Node.ELEMENT_NODE && [...node.querySelectorAll("*")].some(isBlock);

function heading(node) {
  if (node.getAttribute("role") === "heading") return Number(node.getAttribute("aria-level")) || 2;
  const level = /^H([1-6])$/.exec(node.nodeName)?.[1] ?? /^MsoHeading([1-6])/.exec(node.className ?? "")?.[1];
  return level ? Number(level) : /^MsoTitle/.test(node.className ?? "") ? 1 : 0;
}

// ── Lists ──

const ROMAN = { i: 1, v: 5, x: 10, l: 50 };
const roman = (text) => [...text].reduce((sum, letter, at) => sum + (ROMAN[letter] < (ROMAN[text[at + 1]] ?? 0) ? -ROMAN[letter] : ROMAN[letter]), 0);

// Reads a label such as "3.", "b)", "(iv)", "Step 2:", or "1.2": {number, isPlain}, or null for a bullet.
function numberOf(sign, last) {
  const found = /^[([]?(?:\p{L}+\s+)?((?:\d+\.)*)(\d+|[a-z]{1,5})[.):\]]*$/iu.exec(sign);
  if (!found || (found[2] === "o" && sign === "o")) return null;
  const [, before, end] = found;
  if (/\d/.test(end)) return { number: Number(end), isPlain: !before && /^\d+[.)]$/.test(sign) };
  const letters = end.toLowerCase();
  const isRoman = /^[ivxl]+$/.test(letters) && (letters.length > 1 || letters === "i" ? last !== 8 : roman(letters) === last + 1);
  if (isRoman) return { number: roman(letters), isPlain: false };
  return letters.length === 1 ? { number: letters.charCodeAt(0) - 96, isPlain: false } : null;
}

// Word's lists are paragraphs: the level is in the style, the label in data-list-label (see clean_paste.js).
function wordItem(node) {
  const level = /level(\d+)/.exec(css(node)["mso-list"] ?? "")?.[1];
  const sign = node.getAttribute("data-list-label");
  const [, kind] = /^MsoList(Bullet|Number)/.exec(node.className ?? "") ?? [];
  if (sign === null && !kind) return null;
  return { depth: Number(level ?? 1) - 1, sign: sign ?? "", isOrdered: kind === "Number" };
}

function wordList(node, item, state) {
  const key = css(node)["mso-list"] ?? node.className;
  const last = state.numbers[key] ?? 0;
  const read = numberOf(item.sign, last + (state.gone[key] ?? 0));
  if (read?.number === 1) state.gone[key] = 0;
  const gone = state.gone[key] ?? 0;
  const isMark = /^[✓✗☐☑☒]$/.test(item.sign); // a bullet with a meaning
  const text = item.content(isMark ? `${item.sign} ` : "");
  if (!text.length) {
    if (node.hasAttribute("data-deleted")) state.gone[key] = gone + 1;
    return;
  }
  const number = read ? read.number - gone : last + 1;
  if (read && !read.isPlain) state.note("number", `${item.sign} ${textOf(node)}`);
  const isOrdered = read !== null || item.isOrdered;
  state.numbers[key] = isOrdered ? number : 0;
  state.out.push({ depth: item.depth, number: isOrdered ? Math.max(0, number) : null, text });
}

const LETTERED = /^(lower|upper)-(alpha|latin|roman|greek)/;

function htmlList(node, depth, state, outer) {
  const items = [...node.children].filter((child) => child.nodeName === "LI");
  const isOrdered = node.nodeName === "OL";
  const isReversed = isOrdered && node.hasAttribute("reversed");
  let number = Number.parseInt(node.getAttribute("start") ?? (isReversed ? items.length : 1), 10) || 0;
  const type = `${css(node)["list-style-type"] ?? ""} ${css(node)["list-style"] ?? ""}`.trim();
  const isLettered = /^[aAiI]$/.test(node.getAttribute("type") ?? "") || LETTERED.test(type) || items.some((item) => LETTERED.test(css(item)["list-style-type"] ?? ""));
  [...node.childNodes].forEach((item) => {
    if (/^(UL|OL)$/.test(item.nodeName)) return htmlList(item, depth + 1, state, outer); // Google Docs puts nested lists next to items, not into them
    if (item.nodeType !== Node.ELEMENT_NODE && !item.textContent.trim()) return undefined;
    // Word on the web puts each item into its own list and gives its level.
    const level = Number(item.getAttribute?.("data-aria-level") ?? 0);
    const here = level ? level - 1 : depth;
    const value = Number.parseInt(item.getAttribute?.("value") ?? "", 10);
    if (!Number.isNaN(value)) number = value;
    const inner = convert(item.nodeName === "LI" ? [...item.childNodes] : [item], here, { ...state, isInItem: true }, item.nodeType === Node.ELEMENT_NODE ? fontStyleOf(item, outer) : outer);
    if (!inner.length) return undefined;
    const first = inner[0].depth === undefined ? inner.shift() : { text: [] };
    state.out.push({ ...first, inside: undefined, depth: here, number: isOrdered ? number : null });
    if (isOrdered && isLettered && number > 0) state.note("number", `${textOf(item)} (${number})`);
    state.out.push(...inner.map((part) => ({ inside: here, ...part })));
    number += isReversed ? -1 : 1;
    return undefined;
  });
}

// ── Tables ──

// The blocks of a cell on one line: a Markdown cell has only one.
function cellText(cell, isHead, state) {
  const parts = [];
  const loose = [];
  const flush = () => {
    parts.push(...paragraphs(loose.splice(0), state.note, fontStyleOf(cell, {}), { isPlain: isHead }).flat());
  };
  const walk = (node) => [...node.childNodes].forEach((child) => {
    if (!isBlock(child) && !holdsBlock(child)) return loose.push(child);
    flush();
    if (child.nodeName === "TABLE") {
      state.note("nested", textOf(child));
      [...child.rows].forEach((row) => parts.push([...row.cells].map((inner) => cellText(inner, false, state)).filter(Boolean).join(", ")));
      return undefined;
    }
    walk(child);
    return flush();
  });
  walk(cell);
  flush();
  const lines = parts.map((part) => part.trim()).filter(Boolean);
  if (lines.length > 1) state.note("cell", lines.join(" / "));
  return lines.reduce((text, line) => (text ? `${text}${/[.,:;!?…]\W*$/.test(text) ? "" : ";"} ${line}` : line), "").replaceAll("|", "\\|");
}

// A grid in which each position holds the cell that covers it.
function gridOf(node, state) {
  const grid = [...node.rows].map(() => []);
  const isHead = (row) => row.rowIndex === 0 || row.parentElement.nodeName === "THEAD";
  [...node.rows].forEach((row, y) => {
    let x = 0;
    [...row.cells].forEach((cell) => {
      while (grid[y][x]) x += 1;
      const [across, down] = [Math.min(cell.colSpan, MAX_CELLS), Math.min(cell.rowSpan || MAX_CELLS, grid.length - y)];
      const text = cellText(cell, isHead(row), state);
      if (text && (across > 1 || down > 1)) state.note("merged", text);
      for (let v = y; v < y + down; v += 1) for (let u = x; u < x + across; u += 1) grid[v][u] ??= { text, cell };
      x += across;
    });
  });
  return grid;
}

// Joins several header rows into one: "Dose – morning".
function mergeHeaderRows(rows) {
  return Array.from({ length: Math.max(...rows.map((row) => row.length)) }, (_, x) => (
    { text: [...new Set(rows.map((row) => row[x]?.text).filter(Boolean))].join(" – "), cell: null }
  ));
}

// A cell used for layout: it holds a table, or a heading with text below it.
const isPiece = (cell) => cell.querySelector("table") !== null || (cell.querySelector("h1,h2,h3,h4,h5,h6") !== null && cell.querySelector("p,ul,ol") !== null);

// Tables used for layout: one column, or parts of a page side by side.
function isLayout(node) {
  if (node.getAttribute("role") === "presentation") return true;
  const rows = [...node.rows].map((row) => [...row.cells]);
  if (rows.every((cells) => cells.length < 2)) return true;
  const isNamed = node.caption || rows.flat().some((cell) => cell.nodeName === "TH") || Number(node.getAttribute("border")) > 0;
  if (isNamed || !rows.flat().some(isPiece)) return false;
  const filled = rows.map((cells) => cells.filter((cell) => textOf(cell)));
  return filled.every((cells) => cells.length < 2) || (rows.length === 1 && filled[0].every(isPiece));
}

function table(node, depth, state, outer) {
  if (isLayout(node)) {
    [...node.rows].forEach((row) => [...row.cells].forEach((cell) => state.out.push(...convert([...cell.childNodes], depth, state, fontStyleOf(cell, outer)))));
    return;
  }
  const caption = node.caption ? oneLine([node.caption], state.note, { isPlain: true }) : "";
  if (caption) state.out.push({ text: [`**${caption}**`] });
  const grid = gridOf(node, state).filter((row) => row.some((place) => place?.text));
  if (!grid.length) return;
  const width = Math.max(...grid.map((row) => row.length));
  const isHeadRow = (row) => row.every((place) => !place?.text || place.cell.nodeName === "TH") || row.some((place) => place?.cell.closest("thead"));
  const later = grid.findIndex((row) => !isHeadRow(row));
  const count = Math.max(1, later < 0 ? 1 : later);
  if (later === 0 && grid.some((row) => row[0]?.cell.nodeName === "TH")) state.note("head", grid[0].map((place) => place?.text ?? "").join(" | "));
  // The text of a cell across the whole width is written once.
  const collapseSpannedRow = (row) => (new Set(row.map((place) => place?.cell)).size === 1 && row.length > 1 && row[0] ? [row[0]] : row);
  const line = (row) => `| ${Array.from({ length: width }, (_, x) => row[x]?.text ?? "").join(" | ")} |`;
  const rows = grid.slice(count).map((row) => line(collapseSpannedRow(row)));
  state.out.push({ block: [line(count > 1 ? mergeHeaderRows(grid.slice(0, count)) : collapseSpannedRow(grid[0])), `|${"---|".repeat(width)}`, ...rows].join("\n") });
}

// ── Blocks ──

function pushWords(nodes, state, outer) {
  paragraphs(nodes, state.note, outer).forEach((lines) => {
    // Typed bullets.
    if (state.isInItem) state.out.push({ text: lines.map((line) => line.replace(FOREIGN_BULLET, "")) });
    else if (lines.some((line) => FOREIGN_BULLET.test(line)) && lines.every((line, at) => FOREIGN_BULLET.test(line) || at === 0)) {
      lines.forEach((line) => state.out.push(FOREIGN_BULLET.test(line) ? { depth: 0, number: null, text: [line.replace(FOREIGN_BULLET, "")] } : { text: [line] }));
    } else state.out.push({ text: lines });
  });
}

function pushHeading(node, level, state, outer) {
  const text = oneLine([node], state.note, { isPlain: true }, outer).replace(/(#+)$/, "\\$1");
  const sign = node.getAttribute("data-list-label");
  const number = sign && numberOf(sign, 0) ? `${escaped(sign)} ` : "";
  if (text) state.out.push({ block: `${"#".repeat(Math.min(level + state.shift, MAX_LEVEL))} ${number}${text}` });
}

function pushBlock(node, depth, state, outer) {
  const level = heading(node);
  if (level && !node.querySelector("p,ul,ol,table")) return pushHeading(node, level, state, outer);
  const item = wordItem(node);
  if (item) {
    item.content = (before) => paragraphs([...node.childNodes], state.note, fontStyleOf(node, outer)).flat().map((line, at) => (at ? line : before + line));
    return wordList(node, item, state);
  }
  if (/^(UL|OL)$/.test(node.nodeName)) return htmlList(node, depth + (state.isInItem ? 1 : 0), state, outer);
  if (node.nodeName === "TABLE") return table(node, depth, state, outer);
  if (node.nodeName === "HR") return undefined;
  const isIndented = /^MsoListParagraph/.test(node.className ?? "");
  const inner = convert([...node.childNodes], depth, state, { ...fontStyleOf(node, outer), ...(node.nodeName === "PRE" ? { isPre: true } : {}) });
  const last = state.out.at(-1);
  // A list paragraph without a label continues the item before it.
  const inside = isIndented && last ? last.depth ?? last.inside : undefined;
  state.out.push(...inner.map((part) => (inside === undefined ? part : { inside, ...part })));
  return undefined;
}

// Returns blocks in order. {text: lines} is a paragraph, or a list item if it has a depth; {block} is finished Markdown;
// inside: the depth of the list item that it belongs to.
function convert(nodes, depth, { note, shift, numbers, gone, isInItem }, outer = { bold: false, italic: false, href: "" }) {
  const state = { note, shift, numbers, gone, out: [], isInItem };
  const loose = [];
  nodes.forEach((node) => {
    if (!isBlock(node) && !holdsBlock(node)) return loose.push(node);
    pushWords(loose.splice(0), state, outer);
    if (isBlock(node)) return pushBlock(node, depth, state, outer);
    return state.out.push(...convert([...node.childNodes], depth, state, { ...fontStyleOf(node, outer), href: node.nodeName === "A" ? address(node, note) : outer.href }));
  });
  pushWords(loose, state, outer);
  return state.out;
}

// ── Markdown ──

const indented = (text, width) => text.split("\n").map((line) => (line ? " ".repeat(width) + line : line)).join("\n");

// Indents items by the width of their labels, and keeps adjacent lists apart.
function indentListItems(parts) {
  const open = []; // the lists around: {depth, width, number, isOrdered, sign}
  let text = "";
  let last = null;
  parts.forEach((part) => {
    const level = part.depth ?? part.inside ?? -1;
    const isItem = part.depth !== undefined;
    while (open.length && open.at(-1).depth > level) open.pop();
    let isTight = isItem && last?.isItem;
    let body = part.block ?? withBreaks(part.text);
    let width = open.length ? open.at(-1).width : 0;
    if (isItem) {
      const before = open.at(-1)?.depth === level ? open.pop() : null;
      const isOrdered = part.number !== null;
      const goesOn = before && before.isOrdered === isOrdered && (!isOrdered || before.number + 1 === part.number);
      const outer = open.at(-1)?.width ?? 0;
      const swaps = { ".": ")", ")": "." };
      const sign = goesOn ? before.sign : swaps[before?.sign] ?? ".";
      const mark = isOrdered ? `${part.number}${sign}` : "-";
      if (!goesOn && (before || (isOrdered && part.number !== 1))) isTight = false;
      open.push({ depth: level, width: outer + (isOrdered ? Math.max(3, mark.length + 1) : 2), number: part.number, isOrdered, sign: isOrdered ? sign : "" });
      body = `${mark} ${indented(body, open.at(-1).width - outer).trimStart()}`.trimEnd();
      width = outer;
    }
    text += `${text ? (isTight ? "\n" : "\n\n") : ""}${indented(body, width)}`;
    last = { isItem };
  });
  return text;
}

// Returns {markdown, notes: [[kind, words]], isStructured, isInline}. Without structure, the clipboard's plain text is as
// good.
export function toMarkdown(html) {
  const notes = [];
  const note = (kind, words) => notes.push([kind, words]);
  const body = clean(html, note);
  const isStructured = body.querySelector(STRUCTURE) !== null;
  // The page's title is a field, so the top level of the text becomes ##.
  const shift = body.querySelector("h1,.MsoTitle,.MsoHeading1,[role=heading][aria-level='1']") ? 1 : 0;
  const parts = convert([...body.childNodes], 0, { note, shift, numbers: {}, gone: {}, isInItem: false });
  const isInline = parts.length === 1 && parts[0].text?.length === 1 && parts[0].depth === undefined;
  return { markdown: indentListItems(parts), notes, isStructured, isInline };
}
