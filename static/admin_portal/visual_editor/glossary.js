// Marks the first use of each glossary word, which the page links to its definition.

import { Decoration, DecorationSet, Plugin, PluginKey } from "./libraries.js";
import { schema } from "./schema.js";

const { nodes } = schema;
const key = new PluginKey("glossary");
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+").replace(/[-‐‑]/g, "[-‐‑]");
const plain = (text) => text.toLowerCase().replace(/\s+/g, " ").replace(/[‐‑]/g, "-");

function createFinder(rows) {
  const byName = new Map(rows.flatMap((row) => [row.name, ...row.aliases].map((name) => [plain(name), row])));
  const names = [...byName.keys()].sort((name, other) => other.length - name.length);
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}_-])(${names.map(escaped).join("|")})(?![\\p{L}\\p{N}_-])`, "giu");
  const known = new WeakMap();
  // Return [{row, from, to}] in a paragraph, from the start of its text.
  return (node) => {
    if (!known.has(node)) {
      const text = node.textBetween(0, node.content.size, "", "\ufffc");
      known.set(node, names.length ? [...text.matchAll(pattern)].map((match) => ({
        row: byName.get(plain(match[1])), from: match.index, to: match.index + match[1].length,
      })) : []);
    }
    return known.get(node);
  };
}

function mark(doc, find) {
  const used = new Set();
  const found = [];
  doc.descendants((node, pos) => {
    if (node.type !== nodes.paragraph && node.type !== nodes.table_cell) return !node.isTextblock;
    find(node).forEach(({ row, from, to }) => {
      if (!row || used.has(row.key)) return;
      used.add(row.key);
      found.push(Decoration.inline(pos + 1 + from, pos + 1 + to, { class: "term", title: row.more }));
    });
    return false;
  });
  return DecorationSet.create(doc, found);
}

// ``names``: of createNames(). Dispatch ``tr.setMeta("names", true)`` when they have been loaded.
export function glossaryPlugin(names) {
  let find = () => [];
  return new Plugin({
    key,
    state: {
      init: () => DecorationSet.empty,
      apply(tr, old) {
        if (tr.getMeta("names")) find = createFinder(names.all("terms"));
        return tr.docChanged || tr.getMeta("names") ? mark(tr.doc, find) : old;
      },
    },
    props: { decorations: (state) => key.getState(state) },
  });
}
