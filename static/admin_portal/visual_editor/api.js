// The API of the text for the writing screen's other scripts, in both modes.
//
// ``element`` is the root of the Markdown field, [data-editor]. It has ``element.visualEditor`` as soon as it has
// dispatched "editor:ready". Lines count from 1, in the Markdown of the textarea. Other events of the root:
// - editor:mode, {mode}: "visual" or "source", after the user has switched
// - editor:state, {canUndo, canRedo}, after the text or the selection has changed
// - editor:failure, {message}: while the text cannot be written into the textarea; "" when it can again
// - editor:preview, the response of preview_view (procedures/admin/editor.py), after each preview
// and of the form, from the text only: "editor:save" (Ctrl+S), "editor:send" (Ctrl+Shift+Enter), "editor:find" (Ctrl+F), and
// "editor:check" (F7).
//
// A match, as find() returns it, is {line, from, to}. ``from`` and ``to`` are places in the text as it is shown now:
// pass them back to select() or replace(), and search again after a change.

import { goToLine, goToOffset, lineOfOffset, offsetOfLine, replaceAt } from "../editor/insert_text.js";

const foldCase = (text) => text.toLowerCase();

// Return where ``query`` is in ``text``, as [from, to]. Letters of both cases are equal unless ``matchCase``.
export function findAll(text, query, { matchCase = false } = {}) {
  const [body, words] = matchCase ? [text, query] : [foldCase(text), foldCase(query)];
  const found = [];
  // If lowercasing changes the length of the text ("İ"), positions would be wrong, so search as typed.
  const [inside, wanted] = body.length === text.length && words.length === query.length ? [body, words] : [text, query];
  for (let at = wanted ? inside.indexOf(wanted) : -1; at >= 0; at = inside.indexOf(wanted, at + wanted.length)) {
    found.push([at, at + wanted.length]);
  }
  return found;
}

// Return ``words`` with a capital if the words they replace begin with one, which the query did not ask for.
export function keepCapital(found, words, query = found) {
  const isCapitalized = found !== query && /^\p{Lu}\P{Lu}*$/u.test(found);
  return isCapitalized ? words.charAt(0).toUpperCase() + words.slice(1) : words;
}

// The same functions for the textarea.
export function sourceText(field, { openDialog }) {
  return {
    goToLine: (line) => goToLine(field, line),
    goToOffset: (offset) => goToOffset(field, offset),
    currentLine: () => lineOfOffset(field.value, field.selectionStart),
    insertBlock: (name) => openDialog(name),
    find: (query, options) => findAll(field.value, query, options)
      .map(([from, to]) => ({ line: lineOfOffset(field.value, from), from, to })),
    select({ from, to }) {
      goToLine(field, lineOfOffset(field.value, from));
      field.setSelectionRange(from, to);
    },
    // ``query``: what was searched for, to keep a capital.
    replace({ from, to }, text, query) {
      replaceAt(field, from, to, keepCapital(field.value.slice(from, to), text, query));
    },
    // Mark all matches; "" marks none. A textarea can't show marks.
    markMatches() {},
    replaceAll(query, text, options) {
      const found = findAll(field.value, query, options).reverse();
      const value = found.reduce((whole, [from, to]) => whole.slice(0, from) + keepCapital(whole.slice(from, to), text, query) + whole.slice(to), field.value);
      if (found.length) replaceAt(field, 0, field.value.length, value);
      return found.length;
    },
    undo: () => { field.focus(); document.execCommand("undo"); },
    redo: () => { field.focus(); document.execCommand("redo"); },
    canUndo: () => document.queryCommandEnabled("undo"),
    canRedo: () => document.queryCommandEnabled("redo"),
    focus: () => field.focus(),
    // The caret, for setCaret() after the page has been loaded again.
    caret: () => ({ from: field.selectionStart, to: field.selectionEnd }),
    setCaret({ from, to }) {
      field.focus({ preventScroll: true });
      field.setSelectionRange(from, to);
    },
    // The element that scrolls, and where blocks begin in it: [[line, pixels from its top]]. The field has no blocks.
    scroller: () => field,
    linePlaces: () => [],
  };
}

// Return the functions of ``element.visualEditor``. ``texts``: {visual, source}; ``mode``: of the two, the one on screen.
export function createApi(field, texts, { mode, setMode }) {
  const text = () => texts[mode()];
  const delegate = (name) => (...given) => text()[name](...given);
  const names = ["goToLine", "goToOffset", "currentLine", "insertBlock", "find", "select", "replace", "replaceAll", "markMatches",
    "undo", "redo", "canUndo", "canRedo", "focus", "caret", "setCaret", "scroller", "linePlaces", "editReference"];
  return {
    ...Object.fromEntries(names.map((name) => [name, delegate(name)])),
    // Replace whole lines of the Markdown; an empty text deletes them. One step of undo.
    replaceRange(fromLine, toLine, words) {
      const lines = field.value.split("\n");
      const from = offsetOfLine(field.value, fromLine);
      const to = Math.min(lines.slice(0, toLine).join("\n").length + (words ? 0 : 1), field.value.length);
      replaceAt(field, from, to, words);
    },
    mode,
    setMode,
  };
}
