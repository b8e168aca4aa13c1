// What the modules of the visual editor import from packages. Only this is bundled.

export { default as MarkdownIt } from "markdown-it";
export {
  baseKeymap, chainCommands, setBlockType, toggleMark,
} from "prosemirror-commands";
export { dropCursor } from "prosemirror-dropcursor";
export { gapCursor } from "prosemirror-gapcursor";
export { closeHistory, history, redo, redoDepth, undo, undoDepth } from "prosemirror-history";
export { InputRule, inputRules, textblockTypeInputRule, undoInputRule, wrappingInputRule } from "prosemirror-inputrules";
export { keymap } from "prosemirror-keymap";
export { DOMSerializer, Fragment, Schema, Slice } from "prosemirror-model";
export { liftListItem, sinkListItem, splitListItem, wrapInList } from "prosemirror-schema-list";
export { EditorState, NodeSelection, Plugin, PluginKey, TextSelection } from "prosemirror-state";
export {
  addColumnAfter, addRowAfter, deleteColumn, deleteRow, deleteTable, goToNextCell, isInTable, tableEditing,
} from "prosemirror-tables";
export { Decoration, DecorationSet, EditorView } from "prosemirror-view";
