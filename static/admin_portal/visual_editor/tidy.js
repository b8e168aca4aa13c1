// Invariants restored after every edit: anchors are unique, the first row of a table is its header, and the last block
// is followed by a paragraph.

import { Plugin } from "./libraries.js";
import { schema } from "./schema.js";

const { nodes } = schema;

function addresses(doc) {
  const found = new Map();
  doc.descendants((node, pos) => {
    if (node.type === nodes.heading && node.attrs.anchor) found.set(node.attrs.anchor, [...found.get(node.attrs.anchor) ?? [], pos]);
    return node.type !== nodes.paragraph;
  });
  return found;
}

function ensureUniqueAnchors(tr, before) {
  const old = addresses(before);
  addresses(tr.doc).forEach((places, anchor) => {
    if (places.length < 2 || places.length <= (old.get(anchor)?.length ?? 0)) return;
    places.slice(1).forEach((pos) => tr.setNodeMarkup(pos, null, { ...tr.doc.nodeAt(pos).attrs, anchor: "", folded: false }));
  });
}

const checkedTables = new WeakSet();

function ensureTableHeaders(tr) {
  tr.doc.forEach((table, pos) => {
    if (table.type !== nodes.table || checkedTables.has(table)) return;
    let isRight = true;
    table.forEach((row, rowPos, index) => row.forEach((cell, cellPos) => {
      const type = index ? nodes.table_cell : nodes.table_header;
      if (cell.type === type) return;
      isRight = false;
      tr.setNodeMarkup(pos + 1 + rowPos + 1 + cellPos, type, cell.attrs);
    }));
    if (isRight) checkedTables.add(table);
  });
}

export function withTrailingParagraph(doc) {
  return doc.lastChild.type === nodes.paragraph ? doc : doc.copy(doc.content.addToEnd(nodes.paragraph.create()));
}

function ensureTrailingParagraph(tr) {
  if (tr.doc.lastChild.type !== nodes.paragraph) tr.insert(tr.doc.content.size, nodes.paragraph.create());
}

export const tidyPlugin = () => new Plugin({
  appendTransaction(transactions, before, { doc, tr }) {
    if (!transactions.some((transaction) => transaction.docChanged)) return null;
    if (!transactions.some((transaction) => transaction.getMeta("readField"))) {
      ensureUniqueAnchors(tr, before.doc);
      ensureTableHeaders(tr);
    }
    ensureTrailingParagraph(tr);
    return tr.docChanged && !tr.doc.eq(doc) ? tr : null;
  },
});
