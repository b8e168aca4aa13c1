// Edits the text: in the textarea so that the browser's own undo works, or in the visual editor (field.visualText) where
// that is on screen.

import { gettext } from "../i18n.js";
import { BLOCK_END, blockName } from "./markup.js";

// Whether a line starts a block that ends at a line ":::". The names are those of the registry (procedures/rendering/blocks).
export function startsBlockWithEnd(line) {
  const names = document.querySelector("[data-blocks-with-end]").dataset.blocksWithEnd.split(" ");
  return names.includes(blockName(line));
}

const visual = (field) => (field.visualText?.isShown() ? field.visualText : undefined);

export const focusText = (field) => (visual(field) ?? field).focus();

export const selectedText = (field) => visual(field)?.selectedText() ?? field.value.slice(field.selectionStart, field.selectionEnd);

export const linkText = (field) => visual(field)?.linkText() ?? selectedText(field);

// The visual editor reads back the new value of the field.
function replaceInHiddenField(field, text, from, to) {
  field.setRangeText(text, from, to, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function replaceRange(field, text, from = field.selectionStart, to = field.selectionEnd) {
  if (visual(field)) {
    replaceInHiddenField(field, text, from, to);
    return;
  }
  field.focus();
  field.setSelectionRange(from, to);
  // insertText preserves the browser's undo; setRangeText is for browsers that do not support it in textareas.
  if (!document.execCommand("insertText", false, text)) replaceInHiddenField(field, text, from, to);
}

// Replaces the selection.
export function insertText(field, text) {
  if (visual(field)) visual(field).insertInline(text);
  else replaceRange(field, text);
}

// Return the line breaks needed for an empty line after, or before, this text.
const blankLinesAfter = (words) => (!words.trim() || words.endsWith("\n\n") ? "" : words.endsWith("\n") ? "\n" : "\n\n");
const blankLinesBefore = (words) => (!words.trim() || words.startsWith("\n\n") ? "" : words.startsWith("\n") ? "\n" : "\n\n");

// Replaces the selection with paragraphs, lists, or tables, set apart by empty lines.
export function insertParagraphs(field, blocks) {
  const before = field.value.slice(0, field.selectionStart);
  const after = field.value.slice(field.selectionEnd);
  replaceRange(field, blankLinesAfter(before) + blocks + blankLinesBefore(after));
}

export function removeSelection(field) {
  if (visual(field)) return;
  field.focus();
  document.execCommand("delete");
}

export function replaceAll(field, text) {
  replaceRange(field, text, 0, field.value.length);
}

// Replaces a range anywhere in the text, for example one version in a merge.
export function replaceAt(field, from, to, text) {
  replaceRange(field, text, from, to);
  if (!visual(field)) field.setSelectionRange(from, from + text.length);
}

export function wrapSelection(field, mark) {
  const { selectionStart: from, value } = field;
  const words = value.slice(from, field.selectionEnd) || gettext("important words");
  replaceRange(field, mark + words + mark);
  field.setSelectionRange(from + mark.length, from + mark.length + words.length);
}

export function prefixLines(field, mark) {
  const from = field.value.lastIndexOf("\n", field.selectionStart - 1) + 1;
  const lines = field.value.slice(from, field.selectionEnd).split("\n");
  replaceRange(field, lines.map((line) => (line.startsWith(mark) ? line : mark + line)).join("\n"), from, field.selectionEnd);
}

// Return the end of the caret's line, or, within a block, of the block's closing line: blocks do not nest.
function blockPlace(value, caret) {
  const end = (from) => (value.indexOf("\n", from) < 0 ? value.length : value.indexOf("\n", from));
  let at = end(caret);
  const marks = value.slice(0, at).match(/^:::.*$/gm) ?? [];
  if (!startsBlockWithEnd(marks.at(-1) ?? "")) return at;
  const closing = new RegExp(BLOCK_END, "gm");
  closing.lastIndex = at;
  at = closing.exec(value)?.index ?? at;
  return end(at);
}

// Inserts a block with an empty line before and after, and selects its first words to replace.
export function insertBlock(field, block) {
  if (visual(field)) {
    visual(field).insertBlocks(block);
    return;
  }
  const { value } = field;
  const at = blockPlace(value, field.selectionEnd);
  const gap = blankLinesAfter(value.slice(0, at));
  replaceRange(field, `${gap}${block}\n`, at, at);
  const inside = /\n(?:- |1\. )?([^\n:]+)/.exec(block);
  if (inside) {
    const start = at + gap.length + inside.index + inside[0].length - inside[1].length;
    field.setSelectionRange(start, start + inside[1].length);
  }
}

export const offsetOfLine = (text, line) => text.split("\n").slice(0, line - 1).reduce((length, row) => length + row.length + 1, 0);
export const lineOfOffset = (text, offset) => text.slice(0, offset).split("\n").length;

export function goToOffset(field, offset) {
  if (visual(field)) {
    visual(field).goToOffset(offset);
    return;
  }
  field.focus();
  field.setSelectionRange(offset, offset);
}

export function goToLine(field, line) {
  if (visual(field)) {
    visual(field).goToLine(line);
    return;
  }
  const from = offsetOfLine(field.value, line);
  field.setSelectionRange(from, from);
  // Blur and refocus, so that the browser scrolls to the caret.
  field.blur();
  field.focus();
  field.setSelectionRange(from, from + (field.value.split("\n")[line - 1] ?? "").length);
}
