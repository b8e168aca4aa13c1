// Marks the glossary words that the page links to their definitions, as the last preview shows them.

import { offsetOfLine } from "../editor/insert_text.js";
import { Decoration, DecorationSet, Plugin, PluginKey } from "./libraries.js";
import { schema } from "./schema.js";

const { nodes, marks } = schema;
const key = new PluginKey("glossary");
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(" ", "\\s+");

// Return [from, to] of the first use of ``words`` in or after a line, outside links; undefined if the text has changed.
function findWords(doc, text, { line, words }) {
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}_-])${escaped(words)}(?![\\p{L}\\p{N}_-])`, "gu");
  const { pos, node, blockPos } = text.position(doc, offsetOfLine(text.toMarkdown(doc).text, line));
  let found;
  doc.nodesBetween(pos, blockPos + node.nodeSize, (child, at) => {
    if (found || child.type === nodes.heading || child.type === nodes.table_header) return false;
    if (!child.isTextblock) return true;
    const shown = child.textBetween(0, child.content.size, "", (leaf) => (leaf.type.name.endsWith("_break") ? " " : "\ufffc"));
    found = [...shown.matchAll(pattern)].map((match) => [at + 1 + match.index, at + 1 + match.index + match[0].length])
      .find(([from, to]) => !doc.rangeHasMark(from, to, marks.link));
    return false;
  });
  return found;
}

// ``text``: the document with its Markdown. Dispatch ``tr.setMeta("terms", terms)`` with those of each preview.
export function glossaryPlugin(text) {
  const mark = (doc, term) => {
    const [from, to] = findWords(doc, text, term) ?? [];
    return from === undefined ? [] : [Decoration.inline(from, to, { class: "term", title: term.definition })];
  };
  return new Plugin({
    key,
    state: {
      init: () => DecorationSet.empty,
      apply(tr, old) {
        const terms = tr.getMeta("terms");
        return terms ? DecorationSet.create(tr.doc, terms.flatMap((term) => mark(tr.doc, term))) : old.map(tr.mapping, tr.doc);
      },
    },
    props: { decorations: (state) => key.getState(state) },
  });
}
