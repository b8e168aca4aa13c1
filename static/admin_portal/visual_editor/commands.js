// Editing commands for keys, the toolbar, and the block palette.

import { gettext } from "../i18n.js";
import { encodeAddress, withScheme } from "../editor/addresses.js";
import { BULLET } from "../editor/lists.js";
import {
  Fragment, InputRule, NodeSelection, TextSelection, addColumnAfter, addRowAfter, baseKeymap, chainCommands, closeHistory, deleteColumn, deleteRow, deleteTable,
  goToNextCell, inputRules, isInTable, keymap, liftListItem, redo, setBlockType, sinkListItem, splitListItem, textblockTypeInputRule,
  toggleMark, undo, undoInputRule, wrapInList, wrappingInputRule,
} from "./libraries.js";
import { moveBlock } from "./node_views.js";
import { goToPrompt } from "./prompts.js";
import { CONTAINERS, isList, schema } from "./schema.js";

const { nodes, marks } = schema;
const containerNames = new Set(Object.values(CONTAINERS));
const isContainer = (node) => containerNames.has(node.type.name);

// Return the depth of the innermost ancestor for which ``test`` holds, or -1.
function depthOf($pos, test) {
  for (let { depth } = $pos; depth > 0; depth -= 1) if (test($pos.node(depth))) return depth;
  return -1;
}

// Return the depth of the block that whole blocks can be inserted next to: at the top level, or in "choices".
function blockDepth($pos, canHold) {
  const choices = depthOf($pos, (node) => node.type === nodes.options_block);
  return choices > 0 && $pos.depth > choices && canHold ? choices + 1 : 1;
}

const currentBlock = ({ selection }) => {
  if (selection instanceof NodeSelection && selection.node.isBlock) return { node: selection.node, pos: selection.from };
  const { $from } = selection;
  return $from.depth ? { node: $from.node(1), pos: $from.before(1) } : undefined;
};

export const currentCard = ({ selection }) => {
  if (selection instanceof NodeSelection && selection.node.isBlock) return { node: selection.node, pos: selection.from };
  const depth = depthOf(selection.$from, isContainer);
  return depth > 0 ? { node: selection.$from.node(depth), pos: selection.$from.before(depth) } : undefined;
};

export const currentHeading = ({ selection: { $from } }) => {
  const depth = depthOf($from, (node) => node.type === nodes.heading);
  return depth > 0 ? { node: $from.node(depth), pos: $from.before(depth) } : undefined;
};

export function currentLink(state) {
  const { $from, empty, from, to } = state.selection;
  const found = (empty ? marks.link.isInSet(state.storedMarks ?? $from.marks()) : undefined)
    ?? marks.link.isInSet($from.nodeAfter?.marks ?? []) ?? (empty ? marks.link.isInSet($from.nodeBefore?.marks ?? []) : undefined);
  if (!found || !$from.parent.inlineContent) return undefined;
  const start = $from.start();
  let range;
  let begun;
  $from.parent.forEach((child, offset) => {
    const isIn = found.isInSet(child.marks);
    begun = isIn ? begun ?? offset : undefined;
    if (isIn && start + begun <= from && from <= start + offset + child.nodeSize) range = [start + begun, start + offset + child.nodeSize];
  });
  return range && { mark: found, from: range[0], to: Math.max(range[1], empty ? 0 : Math.min(to, range[1])) };
}

// Return {from, to} of the word with the cursor inside it.
export function currentWord({ selection: { $from, empty } }) {
  if (!empty || !$from.parent.inlineContent) return undefined;
  const letters = "[\\p{L}\\p{M}\\p{N}_'’-]";
  const text = (from, to) => $from.parent.textBetween(from, to, "\n", "\ufffc");
  const [before] = new RegExp(`${letters}*$`, "u").exec(text(0, $from.parentOffset));
  const [after] = new RegExp(`^${letters}*`, "u").exec(text($from.parentOffset, $from.parent.content.size));
  return before && after ? { from: $from.pos - before.length, to: $from.pos + after.length } : undefined;
}

// Whether all of the selected text has the mark.
export const isActive = (state, mark) => {
  const { from, to, empty, $from } = state.selection;
  if (empty) return Boolean(mark.isInSet(state.storedMarks ?? $from.marks()));
  let [isFound, isEverywhere] = [false, true];
  state.doc.nodesBetween(from, to, (node) => {
    if (!node.isText) return;
    if (mark.isInSet(node.marks)) isFound = true;
    else if (node.text.trim()) isEverywhere = false;
  });
  return isFound && isEverywhere;
};

// As in Word, a selection that has the mark in part gets it everywhere first.
export const setMark = (mark) => toggleMark(mark, null, { removeWhenPresent: false });

// Which kind of text is at the selection, or at its start: "paragraph", "2" to "6" for a heading, or "".
export function styleOf({ doc, selection: { $from, from, to, node } }) {
  let block = node?.isTextblock ? node : $from.parent;
  // After Ctrl+A, the selection is around the blocks.
  if (block === doc) doc.nodesBetween(from, to, (child) => {
    if (block === doc && child.isTextblock) block = child;
    return block === doc;
  });
  if (block.type === nodes.heading) return String(block.attrs.level);
  return block.type === nodes.paragraph ? "paragraph" : "";
}

export const listOf = ({ selection: { $from } }) => {
  const depth = depthOf($from, isList);
  return depth > 0 ? $from.node(depth).type : undefined;
};

// After Ctrl+A, the empty paragraph at the end stays as it is.
const withoutEmptyEnd = (command) => (state, dispatch, view) => {
  const { doc, selection } = state;
  const end = doc.content.size - doc.lastChild.nodeSize;
  const isEmptyEnd = doc.lastChild.type === nodes.paragraph && !doc.lastChild.content.size && selection.from < end && selection.to >= end;
  if (selection.empty || selection instanceof NodeSelection || !isEmptyEnd) return command(state, dispatch, view);
  const within = TextSelection.between(doc.resolve(selection.from), doc.resolve(end));
  return command(state.apply(state.tr.setSelection(within)), dispatch, view);
};

export function setStyle(style) {
  if (style === "paragraph") return setBlockType(nodes.paragraph);
  const level = Number(style);
  return withoutEmptyEnd((state, dispatch) => {
    // A heading that changes its level keeps its anchor.
    const attrs = ({ type, attrs: own }) => ({ level, ...(type === nodes.heading && { anchor: own.anchor, folded: own.folded && level === 2 }) });
    return chainCommands(setBlockType(nodes.heading, attrs), (nextState, go) => liftListItem(nodes.list_item)(nextState, go))(state, dispatch);
  });
}

// Make the selected paragraphs a list of this type, change the type of their list, or end their list.
export function toggleList(type) {
  return withoutEmptyEnd((state, dispatch) => {
    const { $from } = state.selection;
    const depth = depthOf($from, isList);
    if (depth < 0) {
      if (styleOf(state) === "paragraph" || styleOf(state) === "") return wrapInList(type)(state, dispatch);
      // A heading becomes an item as well.
      let { tr } = state;
      setBlockType(nodes.paragraph)(state, (change) => { tr = change; });
      const next = state.apply(tr);
      return wrapInList(type)(next, dispatch && ((change) => { change.steps.forEach((step) => tr.step(step)); dispatch(tr); }));
    }
    if ($from.node(depth).type === type) return liftListItem(nodes.list_item)(state, dispatch);
    if (depth > 1 && isContainer($from.node(depth - 1))) return false;
    const { tight } = $from.node(depth).attrs;
    dispatch?.(state.tr.setNodeMarkup($from.before(depth), type, { tight }));
    return true;
  });
}

// Put the cursor into the empty paragraph at ``pos``, or into a new one there.
export function goToParagraph(tr, pos) {
  const next = tr.doc.nodeAt(pos);
  if (next?.type !== nodes.paragraph || next.content.size) tr.insert(pos, nodes.paragraph.create());
  return tr.setSelection(TextSelection.create(tr.doc, pos + 1));
}

// Leave a ":::" block: a paragraph after it. ``emptied``: the empty paragraph or item in which Enter was pressed is
// removed.
function exitBlock(state, dispatch) {
  const { $from } = state.selection;
  const depth = depthOf($from, (node) => isContainer(node) || node.type === nodes.table);
  if (depth < 0) return false;
  dispatch?.(goToParagraph(state.tr, $from.after(depth)).scrollIntoView());
  return true;
}

// Enter in an empty last item or paragraph of a block leaves the block, as it leaves a list.
function exitEmptyItem(state, dispatch) {
  const { $from, empty } = state.selection;
  const depth = depthOf($from, isContainer);
  if (depth < 0 || !empty) return false;
  const container = $from.node(depth);
  if (container.type === nodes.sentence_block) return exitBlock(state, dispatch);
  if ($from.parent.content.size) return false;
  const partDepth = container.type === nodes.bullets_block || container.type === nodes.numbers_block ? depth + 2 : depth + 1;
  if ($from.depth < partDepth || $from.depth > partDepth + 1) return false;
  const parent = $from.node(partDepth - 1);
  const isLast = $from.indexAfter(partDepth - 1) === parent.childCount;
  if (parent.childCount < 2 || (!isLast && partDepth === depth + 1)) return false;
  if (dispatch) {
    const tr = state.tr.delete($from.before(partDepth), $from.after(partDepth));
    dispatch(goToParagraph(tr, tr.mapping.map($from.after(depth))).scrollIntoView());
  }
  return true;
}

// Return {table, row, column, depth} of the cell with the cursor: its place, and the depth of its table; undefined outside
// a table or if something is selected.
function currentCell(state) {
  const { $from, empty } = state.selection;
  if (!isInTable(state) || !empty || !(state.selection instanceof TextSelection)) return undefined;
  const depth = $from.depth - 2;
  return { table: $from.node(depth), row: $from.index(depth), column: $from.index(depth + 1), depth };
}

// Return [start, end] of the text of a cell of the table with the cursor. A short row ends with its last cell.
function cellRange({ selection: { $from } }, { table, depth }, row, column) {
  let pos = $from.start(depth);
  for (let at = 0; at < row; at += 1) pos += table.child(at).nodeSize;
  const cells = table.child(row);
  const index = Math.min(column, cells.childCount - 1);
  pos += 2;
  for (let at = 0; at < index; at += 1) pos += cells.child(at).nodeSize;
  return [pos, pos + cells.child(index).content.size];
}

// Put the cursor before or after the table, where there is text; below it, there is always a paragraph.
function leaveTable(state, dispatch, { depth }, step) {
  const { $from } = state.selection;
  const { tr } = state;
  const at = step < 0 ? $from.before(depth) : $from.after(depth);
  const found = TextSelection.findFrom(state.doc.resolve(at), step);
  if (!found && step < 0) return false;
  if (!dispatch) return true;
  if (found) tr.setSelection(found);
  else tr.setSelection(TextSelection.create(tr.insert(at, nodes.paragraph.create()).doc, at + 1));
  dispatch(tr.scrollIntoView());
  return true;
}

const putCursor = (state, dispatch, pos) => dispatch?.(state.tr.setSelection(TextSelection.create(state.doc, pos)).scrollIntoView());

// The arrow keys up and down go to the same column of the next row, at the same distance from the left where that can be
// measured.
function rowArrow(step) {
  return (state, dispatch, view) => {
    const cell = currentCell(state);
    if (!cell || !view?.endOfTextblock(step < 0 ? "up" : "down")) return false;
    const row = cell.row + step;
    if (row < 0 || row >= cell.table.childCount) return leaveTable(state, dispatch, cell, step);
    const { $from } = state.selection;
    const [start, end] = cellRange(state, cell, row, cell.column);
    const { top, bottom } = view.coordsAtPos(step < 0 ? end : start);
    const found = view.posAtCoords({ left: view.coordsAtPos($from.pos).left, top: (top + bottom) / 2 })?.pos ?? -1;
    putCursor(state, dispatch, found >= start && found <= end ? found : Math.min(start + $from.parentOffset, end));
    return true;
  };
}

// The arrow keys left and right go to the next cell from the end of a cell.
function cellArrow(side) {
  return (state, dispatch, view) => {
    const cell = currentCell(state);
    const { $from } = state.selection;
    if (!cell) return false;
    const step = getComputedStyle(view.dom).direction === "rtl" ? -side : side;
    if ($from.parentOffset !== (step < 0 ? 0 : $from.parent.content.size)) return false;
    let { row, column } = cell;
    column += step;
    if (column < 0) row -= 1;
    else if (column >= cell.table.child(row).childCount) [row, column] = [row + 1, 0];
    if (row < 0 || row >= cell.table.childCount) return leaveTable(state, dispatch, cell, step);
    const [start, end] = cellRange(state, cell, row, column < 0 ? Infinity : column);
    putCursor(state, dispatch, step < 0 ? end : start);
    return true;
  };
}

// Enter in a table moves down, and in the last row adds a row.
function rowBelow(state, dispatch, view) {
  const cell = currentCell(state);
  if (!cell) return false;
  if (cell.row + 1 === cell.table.childCount) {
    if (!dispatch) return true;
    addRowAfter(state, dispatch);
    return rowBelow(view.state, dispatch, view);
  }
  putCursor(state, dispatch, cellRange(state, cell, cell.row + 1, cell.column)[0]);
  return true;
}

function nextCell(state, dispatch, view) {
  if (!isInTable(state)) return false;
  if (goToNextCell(1)(state, dispatch)) return true;
  if (!dispatch) return true;
  addRowAfter(state, dispatch);
  return goToNextCell(1)(view.state, dispatch);
}

// A heading and a cell are one line, so words are set apart with a space there. ``say``: tells why.
const lineBreak = (say) => (state, dispatch) => {
  const { $from, from, to } = state.selection;
  if (!$from.parent.inlineContent) return false;
  if ($from.parent.type === nodes.paragraph) {
    dispatch?.(state.tr.replaceSelectionWith(nodes.hard_break.create()).scrollIntoView());
    return true;
  }
  if (!dispatch) return true;
  const before = $from.parent.textBetween(0, $from.parentOffset, "", " ");
  if (before && !/\s$/.test(before)) dispatch(state.tr.insertText(" ", from, to).scrollIntoView());
  say(gettext("A heading or a cell of a table has only one line, so we added a space."));
  return true;
};

// Backspace at the start of a list item or heading removes the bullet or the style, as in Word.
function plainAtStart(state, dispatch) {
  const { $from, empty } = state.selection;
  if (!empty || $from.parentOffset > 0) return false;
  if ($from.parent.type === nodes.heading) return setBlockType(nodes.paragraph)(state, dispatch);
  const depth = depthOf($from, (node) => node.type === nodes.list_item);
  if (depth < 0 || $from.depth !== depth + 1 || $from.index(depth) > 0) return false;
  const container = depthOf($from, isContainer);
  if (container === depth - 2) {
    // A block's list can't be exited with Backspace: an item merges with the previous one, and deleting the last empty
    // item removes the block.
    if ($from.index(depth - 1) > 0 || $from.node(container).textContent) return false;
    const tr = state.tr.replaceWith($from.before(container), $from.after(container), nodes.paragraph.create());
    dispatch?.(tr.setSelection(TextSelection.create(tr.doc, $from.before(container) + 1)));
    return true;
  }
  return liftListItem(nodes.list_item)(state, dispatch);
}

const deleteEmptyContainer = (state, dispatch) => {
  const { $from, empty } = state.selection;
  const depth = depthOf($from, isContainer);
  if (!empty || depth < 0 || $from.node(depth).textContent || $from.parentOffset > 0) return false;
  const tr = state.tr.replaceWith($from.before(depth), $from.after(depth), nodes.paragraph.create());
  dispatch?.(tr.setSelection(TextSelection.create(tr.doc, $from.before(depth) + 1)));
  return true;
};

function moveSelected(step) {
  return (state, dispatch, view) => {
    const { $from } = state.selection;
    const item = depthOf($from, (node) => node.type === nodes.list_item);
    if (item > 0 && !(state.selection instanceof NodeSelection)) {
      const index = $from.index(item - 1) + step;
      if (index >= 0 && index < $from.node(item - 1).childCount) return dispatch ? moveBlock(view, $from.before(item), step) : true;
    }
    const block = currentBlock(state);
    return Boolean(block && dispatch && moveBlock(view, block.pos, step));
  };
}

function clearMarks(state, dispatch) {
  const { from, to, empty } = state.selection;
  if (empty) return false;
  const tr = [marks.strong, marks.em, marks.link].reduce((change, mark) => change.removeMark(from, to, mark), state.tr);
  dispatch?.(tr);
  return true;
}

// The browser's own keys do not pass a block that is not editable.
const goTo = (find) => (state, dispatch) => {
  dispatch?.(state.tr.setSelection(find(state.doc)).scrollIntoView());
  return true;
};

// Delete everything between the ends of two texts, if one is in a list and both are in the same block.
function joinTexts({ doc, tr }, dispatch, $from, $to) {
  if (![$from, $to].some(($pos) => depthOf($pos, (node) => node.type === nodes.list_item) > 0)) return false;
  const blockOf = ($pos) => {
    const depth = depthOf($pos, (node) => isContainer(node) || node.type === nodes.table);
    return depth > 0 ? $pos.before(depth) : -1;
  };
  let hasAtom = false;
  doc.nodesBetween($from.after(), $to.pos, (node) => { hasAtom ||= node.isAtom && node.isBlock; });
  if (hasAtom || blockOf($from) !== blockOf($to)) return false;
  if (!dispatch) return true;
  tr.delete($from.pos, $to.pos);
  // The lists before and after a paragraph between them become one.
  const end = Math.min($to.depth, $from.depth);
  const $gap = tr.doc.resolve(tr.doc.resolve($from.pos).after(end));
  if (isList($gap.nodeBefore) && $gap.nodeAfter?.type === $gap.nodeBefore.type) tr.join($gap.pos);
  dispatch(closeHistory(tr).scrollIntoView());
  return true;
}

// Delete at the end of a paragraph or an item of a list takes in the text of the next one. Otherwise, the next item would
// become a second paragraph.
function joinNext(state, dispatch) {
  const { $from, empty } = state.selection;
  if (!empty || !$from.parent.inlineContent || $from.parentOffset < $from.parent.content.size || isInTable(state)) return false;
  const next = TextSelection.findFrom(state.doc.resolve($from.after()), 1, true);
  return Boolean(next) && joinTexts(state, dispatch, $from, next.$from);
}

// Backspace at the start of a paragraph below a list adds its text to the last item. Otherwise, it would become an item
// again, and the next Backspace would undo that.
function joinPrevious(state, dispatch) {
  const { $from, empty } = state.selection;
  if (!empty || $from.parent.type !== nodes.paragraph || $from.parentOffset || isInTable(state)) return false;
  const previous = TextSelection.findFrom(state.doc.resolve($from.before()), -1, true);
  return Boolean(previous) && joinTexts(state, dispatch, previous.$from, $from);
}

// ``actions``: {save, send, find, print, check, link, source, edit, toolbar, dismiss, leave, page, say}.
export function editorKeys(actions) {
  const wrapCommand = (run) => (_state, dispatch) => {
    if (dispatch) run();
    return true;
  };
  const always = (command) => (state, dispatch) => command(state, dispatch) || true;
  const inList = (command) => (state, dispatch) => Boolean(listOf(state)) && (command(state, dispatch) || true);
  const editNode = (state, dispatch) => {
    if (!(state.selection instanceof NodeSelection)) return false;
    if (dispatch) actions.edit(state.selection.node, state.selection.from);
    return true;
  };
  // As after a picture in Word, Enter on a block begins a paragraph below it.
  const enterOnNode = (state, dispatch) => {
    if (!(state.selection instanceof NodeSelection)) return false;
    if (!state.selection.node.isBlock) return editNode(state, dispatch);
    dispatch?.(goToParagraph(state.tr, state.selection.to).scrollIntoView());
    return true;
  };
  const own = {
    "Mod-b": setMark(marks.strong),
    "Mod-i": setMark(marks.em),
    "Mod-u": wrapCommand(() => actions.say(gettext("Patients may think underlined words are links. Use bold instead."))),
    "Mod-k": wrapCommand(actions.link),
    "Mod-Alt-f": wrapCommand(actions.source),
    "Mod-s": wrapCommand(actions.save),
    "Shift-Mod-Enter": wrapCommand(actions.send),
    "Mod-f": wrapCommand(() => actions.find(false)),
    "Mod-h": wrapCommand(() => actions.find(true)),
    // With nothing left to undo here, the browser would undo in another field, such as the title.
    "Mod-z": always(chainCommands(undoInputRule, undo)),
    "Mod-y": always(redo),
    "Shift-Mod-z": always(redo),
    "Mod-Space": clearMarks,
    "Mod-Alt-0": setStyle("paragraph"),
    "Shift-Mod-7": toggleList(nodes.ordered_list),
    "Shift-Mod-&": toggleList(nodes.ordered_list),
    "Shift-Mod-8": toggleList(nodes.bullet_list),
    "Shift-Mod-*": toggleList(nodes.bullet_list),
    "Shift-Mod-l": toggleList(nodes.bullet_list),
    "Mod-m": inList(sinkListItem(nodes.list_item)),
    "Shift-Mod-m": inList(liftListItem(nodes.list_item)),
    Tab: chainCommands(nextCell, goToPrompt(1), inList(sinkListItem(nodes.list_item))),
    "Shift-Tab": chainCommands((state, dispatch) => isInTable(state) && goToNextCell(-1)(state, dispatch), goToPrompt(-1), inList(outdent)),
    Enter: chainCommands(enterOnNode, exitEmptyItem, rowBelow, splitListItem(nodes.list_item), outdent),
    "Alt-Enter": editNode,
    "Shift-Enter": lineBreak(actions.say),
    ArrowUp: rowArrow(-1),
    ArrowDown: rowArrow(1),
    ArrowLeft: cellArrow(-1),
    ArrowRight: cellArrow(1),
    "Mod-Home": goTo((doc) => TextSelection.atStart(doc)),
    "Mod-End": goTo((doc) => TextSelection.atEnd(doc)),
    "Mod-Enter": chainCommands(exitBlock, splitListItem(nodes.list_item), baseKeymap.Enter),
    Delete: joinNext,
    "Mod-p": wrapCommand(actions.print),
    F7: wrapCommand(actions.check),
    "Alt-F10": wrapCommand(actions.toolbar),
    Backspace: chainCommands(undoInputRule, plainAtStart, deleteEmptyContainer, joinPrevious),
    "Alt-Shift-ArrowUp": moveSelected(-1),
    "Alt-Shift-ArrowDown": moveSelected(1),
    PageUp: actions.page(-1),
    PageDown: actions.page(1),
    "Shift-PageUp": actions.page(-1, true),
    "Shift-PageDown": actions.page(1, true),
    // Esc stays in the text: what is typed next would be lost elsewhere.
    Escape: wrapCommand(actions.dismiss),
    F6: wrapCommand(actions.leave),
    "Mod-F6": wrapCommand(actions.leave),
  };
  // These keys of Word do something else in a browser: Ctrl+R would load the page again, and after Ctrl+E or Ctrl+L, the next
  // words would go to a search engine.
  ["l", "e", "r", "j"].forEach((key) => {
    own[`Mod-${key}`] = wrapCommand(() => actions.say(gettext("The text has the same alignment on all pages.")));
  });
  [1, 2, 3].forEach((number) => { own[`Mod-Alt-${number}`] = setStyle(String(number + 1)); });
  return [keymap(own), keymap(baseKeymap)];
}

// The items of a block's own list cannot leave the block.
function outdent(state, dispatch) {
  const { $from } = state.selection;
  const depth = depthOf($from, (node) => node.type === nodes.list_item);
  if (depth < 0 || (depth > 2 && isContainer($from.node(depth - 2)))) return false;
  return liftListItem(nodes.list_item)(state, dispatch);
}

export const indent = sinkListItem(nodes.list_item);
export { outdent };

// Backspace and Ctrl+Z undo a rule alone, and leave what was typed. Without this, the plugin would forget the rule when others
// tidy the document after it.
function rememberRule(plugin) {
  const { state } = plugin.spec;
  const { apply } = state;
  state.apply = function keep(tr, value, ...states) {
    return tr.getMeta("appendedTransaction") ? value : apply.call(this, tr, value, ...states);
  };
  return plugin;
}

export function typingRules() {
  return rememberRule(inputRules({
    rules: [
      wrappingInputRule(new RegExp(`${BULLET.source}$`), nodes.bullet_list),
      wrappingInputRule(/^(\d+)[.)]\s$/, nodes.ordered_list, (match) => ({ start: Number(match[1]) }), (match, node) => node.childCount + node.attrs.start === Number(match[1])),
      textblockTypeInputRule(/^(#{1,4})\s$/, nodes.heading, (match) => ({ level: Math.max(2, match[1].length) })),
      // A chance prints its numbers before the sentence, which need not repeat them.
      new InputRule(/^(\d+)\D{1,9}(\d+)\s$/, (state, match, start, end) => {
        const block = state.doc.resolve(start).node(-1);
        const isRepeated = block?.type === nodes.sentence_block && String(block.attrs.options.match(/\d+/g)) === String(match.slice(1));
        return isRepeated ? state.tr.delete(start, end) : null;
      }),
      // As Word does: an en dash between spaces, an em dash between letters.
      new InputRule(/(?<=\S )--\s$/, "– "),
      new InputRule(/(?<=\p{L})--(\p{L})$/u, (state, match, start, end) => state.tr.insertText(`—${match[1]}`, start, end)),
      // As Word does, when the address is finished.
      new InputRule(/(?:^|\s)((?:https:\/\/|www\.[^\s<>.]+\.)[^\s<>]+[^\s<>.,;:!?)])\s$/i, (state, match, start, end) => {
        const from = end - match[0].trimStart().length + 1;
        if (state.doc.rangeHasMark(from, end, marks.link)) return null;
        return state.tr.addMark(from, end, marks.link.create({ href: encodeAddress(withScheme(match[1])) })).removeStoredMark(marks.link).insertText(" ", end);
      }),
    ],
  }));
}

// ---- Blocks ----

const paragraph = (text = "") => nodes.paragraph.create(null, text ? schema.text(text) : null);
const item = (content) => nodes.list_item.create(null, paragraph().type.create(null, content));

// Return the content of a new block. ``lines``: inline content for its items or paragraphs.
function newContent(info, lines) {
  const count = info.maxItems === 2 ? 2 : 1;
  const given = lines.length ? lines : Array.from({ length: count }, () => Fragment.empty);
  switch (info.content) {
    case "bullets": return nodes.bullet_list.create(null, given.map(item));
    case "numbers": return nodes.ordered_list.create(null, given.map(item));
    case "sentence": return nodes.paragraph.create(null, given[0]);
    case "options": return [1, 2].flatMap((number) => [
      nodes.heading.create({ level: 3 }, schema.text(`${gettext("Option")} ${number}`)),
      ...[gettext("What it is"), gettext("What may be good"), gettext("What may be bad")]
        .flatMap((aspect) => [nodes.heading.create({ level: 4 }, schema.text(aspect)), paragraph()]),
    ]);
    default: return given.map((content) => nodes.paragraph.create(null, content));
  }
}

export function newBlock(name, info, options, lines = []) {
  if (!info.hasEnd) return nodes.card.create({ name, options });
  return nodes[CONTAINERS[info.content]].create({ name, options }, newContent(info, lines));
}

// Add an option to a comparison, with the same headings as the first one.
export function addOption(view, pos) {
  const block = view.state.doc.nodeAt(pos);
  const headings = [...block.content.content].filter((node) => node.type === nodes.heading);
  const count = headings.filter((node) => node.attrs.level === 3).length;
  const second = headings.findIndex((node, index) => index && node.attrs.level === 3);
  const aspects = headings.slice(1, second < 0 ? undefined : second).filter((node) => node.attrs.level === 4);
  const option = [
    nodes.heading.create({ level: 3 }, schema.text(`${gettext("Option")} ${count + 1}`)),
    ...aspects.flatMap((node) => [nodes.heading.create({ level: 4 }, node.content), paragraph()]),
  ];
  const end = pos + block.nodeSize - 1;
  const tr = closeHistory(view.state.tr).insert(end, option);
  view.dispatch(tr.setSelection(TextSelection.create(tr.doc, end + 1, end + 1 + option[0].content.size)).scrollIntoView());
}

// Return the texts of the selected paragraphs, if whole blocks are selected: a new list takes them in.
export function selectedLines({ doc, selection }) {
  if (selection.empty || selection instanceof NodeSelection || selection.$from.sameParent(selection.$to)) return [];
  const lines = [];
  doc.nodesBetween(selection.from, selection.to, (node) => {
    if (node.isTextblock) lines.push(node.content);
    return !isContainer(node);
  });
  return lines;
}

// Insert a block below the current one, or replace an empty paragraph, and put the cursor into it, or select it if it has no
// text of its own.
// ``isLeading``: it belongs at the top of the text.
export function putBlock(view, node, { inChoices = true, replacesSelection = false, isLeading = false } = {}) {
  const { state } = view;
  const { $from, $to } = state.selection;
  const tr = closeHistory(state.tr);
  let pos;
  if (isLeading && !replacesSelection) {
    pos = 0;
    tr.insert(0, node);
  } else if (!$from.depth) {
    pos = state.selection.to;
    tr.insert(pos, node);
  } else {
    const depth = blockDepth($from, inChoices);
    const block = $from.node(depth);
    const isEmpty = block.type === nodes.paragraph && !block.content.size;
    const from = isEmpty || replacesSelection ? $from.before(depth) : $from.after(depth);
    const to = replacesSelection ? $to.after(Math.min(depth, $to.depth)) : isEmpty ? $from.after(depth) : from;
    tr.replaceWith(from, to, node);
    pos = from;
  }
  const first = node instanceof Fragment ? node.firstChild : node;
  if (first.isAtom && !first.isTextblock) {
    // Select it: words that are typed next go below it.
    goToParagraph(tr, pos + (node instanceof Fragment ? node.size : node.nodeSize));
    tr.setSelection(NodeSelection.create(tr.doc, pos));
  } else tr.setSelection(TextSelection.near(tr.doc.resolve(pos + 1)));
  view.dispatch(tr.scrollIntoView());
  view.focus();
}

// ``rows`` includes the header.
export function putTable(view, { columns = 3, rows = 3 } = {}) {
  const row = (type) => nodes.table_row.create(null, Array.from({ length: columns }, () => type.create()));
  const below = Array.from({ length: rows - 1 }, () => row(nodes.table_cell));
  putBlock(view, nodes.table.create(null, [row(nodes.table_header), ...below]));
}

export const tableCommands = () => [
  { name: gettext("Row below"), drawing: "row", run: addRowAfter },
  { name: gettext("Column to the right"), drawing: "column", run: addColumnAfter },
  { name: gettext("Delete row"), drawing: "remove-row", run: deleteRow },
  { name: gettext("Delete column"), drawing: "remove-column", run: deleteColumn },
  { name: gettext("Delete table"), drawing: "trash", run: deleteTable },
];

export { marks, nodes };
