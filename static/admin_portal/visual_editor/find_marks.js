// Finds words in the document, and marks them while the find bar is open.

import { findAll } from "./api.js";
import { Decoration, DecorationSet, Plugin, PluginKey } from "./libraries.js";

const key = new PluginKey("find");

// Return [{from, to}] of the matches in a document.
export function findMatches(doc, query, options) {
  const found = [];
  doc.descendants((node, pos) => {
    if (!node.isTextblock) return true;
    const words = node.textBetween(0, node.content.size, "", (leaf) => (leaf.type.name === "soft_break" ? " " : "\ufffc"));
    findAll(words, query, options).forEach(([from, to]) => found.push({ from: pos + 1 + from, to: pos + 1 + to }));
    return false;
  });
  return found;
}

// Dispatch ``tr.setMeta(findMarks.key, {query, current})``. ``current``: the match that is selected, which is not visible
// while the find bar has the focus.
export const findMarks = new Plugin({
  key,
  state: {
    init: () => ({ query: "", marks: DecorationSet.empty }),
    apply(tr, old) {
      const asked = tr.getMeta(key);
      if (!asked && !(tr.docChanged && old.query)) return old;
      const { query, current } = asked ?? { query: old.query, current: undefined };
      const marks = findMatches(tr.doc, query).map(({ from, to }) => (
        Decoration.inline(from, to, { class: from === current?.from ? "found is-current" : "found" })
      ));
      return { query, marks: DecorationSet.create(tr.doc, marks) };
    },
  },
  props: { decorations: (state) => key.getState(state).marks },
});
