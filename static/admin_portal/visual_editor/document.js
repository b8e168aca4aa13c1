// A document whose blocks remember their Markdown; unchanged blocks are saved byte for byte.

import { createParser } from "./parser.js";
import { CONTAINERS, isList, schema } from "./schema.js";
import { createWriter, emptyParagraph, listMark } from "./writer.js";

const SELF_DELIMITING_TYPES = new Set(["heading", "card", ...Object.values(CONTAINERS)]);
const isSelfDelimiting = (node) => SELF_DELIMITING_TYPES.has(node.type.name);
const pair = (before, after) => `${before.attrs.id}:${after.attrs.id}`;
const linesOf = (gap) => gap.split("\n").slice(1, -1);
// Line markers, for finding lines in the parsed document. Private-use characters that no text has.
const FIRST_MARK = 0xf0000;
const MARK_WIDTH = 2;
const EMPTY_ITEM = /^\s*(?:[-*+]|\d+[.)])\s*$/;
const LINE_PREFIX = /^\s*(?:>\s*)*(?:(?:[-*+]|\d+[.)])\s+)*(?:#{1,6}\s+|\|\s*)?/;

export class SourcePreservingDocument {
  constructor(contents, cards) {
    this.parser = createParser(contents, cards);
    this.write = createWriter(this.parser, (parent) => this.#inside(parent));
    // By key: each block as it was read, the lines above the first and below the last block of a text, and the lines
    // between two blocks, by both keys.
    this.originals = new Map();
    this.heads = new Map();
    this.tails = new Map();
    this.gaps = new Map();
    this.written = new WeakMap();
    this.lineMaps = new WeakMap();
    this.nextId = 1;
  }

  // Return the nodes of a text, each with a key for its Markdown.
  nodes(text) {
    return this.parser.read(text, (rows) => {
      const ids = rows.map(() => this.nextId++);
      if (rows.length) {
        this.heads.set(ids[0], rows[0].before);
        this.tails.set(ids.at(-1), rows.at(-1).after);
      }
      return rows.map(({ node: { type, attrs, content }, source, after, isOpen }, at) => {
        const node = type.create({ ...attrs, id: ids[at] }, content);
        this.originals.set(ids[at], { node, source, isOpen });
        if (at + 1 < rows.length) this.gaps.set(`${ids[at]}:${ids[at + 1]}`, after);
        return node;
      });
    });
  }

  // Return the document of a text.
  read(text) {
    const nodes = this.nodes(text);
    return schema.node("doc", null, nodes.length ? nodes : [emptyParagraph()]);
  }

  // Forget the Markdown as it was read: everything is written from the document.
  forget() {
    [this.originals, this.heads, this.tails, this.gaps].forEach((map) => map.clear());
    this.written = new WeakMap();
    this.last = undefined;
  }

  // Return the original Markdown of an unchanged node.
  #untouched(node) {
    const original = this.originals.get(node.attrs.id);
    return original && (original.node === node || original.node.eq(node)) ? original : undefined;
  }

  // Return the Markdown of a block.
  #block(node, mark) {
    if (isList(node) && mark !== node.attrs.mark) return this.write(node, mark);
    const original = this.#untouched(node);
    if (original) return original.source;
    if (!this.written.has(node)) this.written.set(node, this.write(node));
    return this.written.get(node);
  }

  // Return the lines between two blocks: those that were there, or one empty line.
  #between(before, after) {
    const lines = this.gaps.get(pair(before, after));
    if (!lines) return [""];
    if (this.#untouched(before) && this.#untouched(after)) return lines;
    const isSame = [before, after].every((node) => this.originals.get(node.attrs.id)?.node.type === node.type);
    return isSame && (lines.some((line) => !line.trim()) || isSelfDelimiting(before) || isSelfDelimiting(after)) ? lines : [""];
  }

  // Return the Markdown of the blocks in ``parent``, the lines before and after them, and where each is.
  #blocks(parent, report) {
    const nodes = [];
    parent.forEach((node, pos) => {
      const isEmpty = node.type.name === "paragraph" && !node.content.size;
      if (!isEmpty || this.#untouched(node)) nodes.push([node, pos]);
    });
    let text = "";
    let sign = "";
    nodes.forEach(([node, pos], at) => {
      const before = at ? nodes[at - 1][0] : null;
      const original = this.originals.get(node.attrs.id);
      if (before) text += `${this.#between(before, node).map((line) => `\n${line}`).join("")}\n`;
      else text += (this.heads.get(node.attrs.id) ?? []).map((line) => `${line}\n`).join("");
      const mark = isList(node) ? listMark(node, before, sign) : "";
      const from = text.length;
      text += this.#block(node, mark);
      report?.({ node, pos, from, to: text.length });
      // A block without an end would take in the next block.
      if (original?.isOpen && at + 1 < nodes.length) text += node.attrs.text?.startsWith(":::") ? "\n:::" : `\n${/^\s*(`+|~+)/.exec(node.attrs.text)?.[1] ?? ""}`;
      sign = mark;
    });
    return { text, after: this.tails.get(nodes.at(-1)?.[0].attrs.id) };
  }

  // Return the lines inside a ":::" block.
  #inside(parent) {
    const { text, after } = this.#blocks(parent);
    return text || after ? `${text}\n${(after ?? []).map((line) => `${line}\n`).join("")}` : "";
  }

  // Return the Markdown of a document, and {node, pos, from, to} of each block: its place in the document and in the text.
  toMarkdown(doc) {
    if (this.last?.doc === doc) return this.last;
    const places = [];
    const { text, after } = this.#blocks(doc, (place) => places.push(place));
    this.last = { doc, places, text: places.length ? text + (after ?? [""]).map((line) => `\n${line}`).join("") : "" };
    return this.last;
  }

  // Return the position of the text of each line of a block, from its start; undefined for a line without text.
  #linePositions(node, source) {
    if (!this.lineMaps.has(node)) {
      const lines = source.split("\n");
      const marked = lines.map((line, at) => {
        if (EMPTY_ITEM.test(line)) return `${line.trimEnd()} ${String.fromCodePoint(FIRST_MARK + at)}`;
        if (/^\s*:::/.test(line) || /^[\s|:-]*$/.test(line)) return line;
        const { length } = LINE_PREFIX.exec(line)[0];
        return line.slice(0, length) + String.fromCodePoint(FIRST_MARK + at) + line.slice(length);
      });
      const positions = lines.map(() => undefined);
      const read = node.isAtom ? undefined : this.parser.readOne(marked.join("\n"));
      let seen = 0;
      read?.descendants((child, pos) => {
        if (!child.isText) return;
        for (let at = 0; at < child.text.length; at += 1) {
          const line = child.text.codePointAt(at) - FIRST_MARK;
          if (line < 0 || line >= lines.length) continue;
          positions[line] = pos + 1 + at - seen;
          seen += MARK_WIDTH;
          at += MARK_WIDTH - 1;
        }
      });
      this.lineMaps.set(node, positions);
    }
    return this.lineMaps.get(node);
  }

  // Return {pos, node}: the position in the document of an offset in its Markdown, and the block it is in.
  position(doc, offset) {
    const { text, places } = this.toMarkdown(doc);
    const place = places.findLast(({ from }) => from <= offset) ?? places[0];
    if (!place) return { pos: 0, node: doc.firstChild };
    const source = text.slice(place.from, place.to);
    const inside = Math.max(0, Math.min(offset - place.from, source.length));
    const line = source.slice(0, inside).split("\n").length - 1;
    const start = source.lastIndexOf("\n", inside - 1) + 1;
    const base = this.#linePositions(place.node, source)[line];
    let found = base;
    if (base !== undefined && inside > start) {
      const read = this.parser.readOne(source.slice(0, inside) + String.fromCodePoint(FIRST_MARK) + source.slice(inside));
      read?.descendants((child, pos) => {
        const at = child.isText ? child.text.indexOf(String.fromCodePoint(FIRST_MARK)) : -1;
        if (at >= 0) found = pos + 1 + at;
      });
    }
    return { pos: place.pos + Math.min(found ?? 1, place.node.nodeSize - 1), node: place.node, blockPos: place.pos };
  }

  // Return the line in the Markdown of a position in the document.
  line(doc, pos) {
    const { text, places } = this.toMarkdown(doc);
    const place = places.findLast((candidate) => candidate.pos <= pos) ?? places[0];
    if (!place) return 1;
    const first = text.slice(0, place.from).split("\n").length;
    const positions = this.#linePositions(place.node, text.slice(place.from, place.to));
    let found = 0;
    positions.forEach((position, at) => { if (position !== undefined && place.pos + position <= pos) found = at; });
    return first + found;
  }

  // Change the document of ``tr`` so that it becomes ``text``. The blocks that are the same at both ends stay, with the
  // selection in them. Returns whether anything changed.
  replaceText(tr, text) {
    this.last = undefined;
    const change = this.#difference(tr.doc, text);
    if (!change) return false;
    change.keys.forEach(({ pos, id }) => tr.setNodeAttribute(pos, "id", id));
    tr.replaceWith(change.from, change.to, change.nodes);
    this.last = undefined;
    if (this.toMarkdown(tr.doc).text !== text) tr.replaceWith(0, tr.doc.content.size, this.read(text).content);
    return true;
  }

  // Return {from, to, nodes} to replace in ``doc``, and the new ``keys`` of blocks that stay; undefined if it is that text.
  #difference(doc, text) {
    const old = this.toMarkdown(doc);
    if (old.text === text) return undefined;
    const next = this.toMarkdown(this.read(text));
    // With the gap before each block, or after it.
    const fromStart = ({ text: whole, places }, at) => whole.slice(places[at - 1]?.to ?? 0, places[at].to);
    const toEnd = ({ text: whole, places }, at) => whole.slice(places[at].from, places[at + 1]?.from ?? whole.length);
    const limit = Math.min(old.places.length, next.places.length);
    let start = 0;
    while (start < limit && fromStart(old, start) === fromStart(next, start)) start += 1;
    let end = 0;
    while (end < limit - start && toEnd(old, old.places.length - 1 - end) === toEnd(next, next.places.length - 1 - end)) end += 1;
    const lastFresh = next.places.length - end;
    const keys = [];
    const seen = new Set();
    // Lines around a block are remembered by its key. So a block that stays gets a new key and its present Markdown, unless
    // it is as it was read: a new block has no key, and a copied or split one has the key of another. If only lines between
    // blocks change, one of these blocks gets a new key, so that the change can be undone.
    const isRekeyed = (at) => start === lastFresh && at === Math.max(0, start - 1);
    const rows = next.places.map(({ node: fresh, from, to }, at) => {
      if (at >= start && at < lastFresh) return { id: fresh.attrs.id, isNew: true };
      const { node, pos } = old.places[at < start ? at : at + old.places.length - next.places.length];
      let { id } = node.attrs;
      const isNew = isRekeyed(at) || !this.#untouched(node) || seen.has(id);
      if (isNew) {
        id = fresh.attrs.id;
        keys.push({ pos, id });
        const { isOpen } = this.originals.get(id);
        this.originals.set(id, { node: node.type.create({ ...node.attrs, id }, node.content), source: next.text.slice(from, to), isOpen });
      }
      seen.add(id);
      return { id, isNew };
    });
    const gap = (at) => next.text.slice(next.places[at - 1]?.to ?? 0, next.places[at]?.from ?? next.text.length);
    rows.forEach(({ id, isNew }, at) => {
      const before = rows[at - 1];
      if (before && (isNew || before.isNew || at === start || at === lastFresh)) this.gaps.set(`${before.id}:${id}`, linesOf(gap(at)));
    });
    if (rows.length && (!start || rows[0].isNew)) this.heads.set(rows[0].id, gap(0).split("\n").slice(0, -1));
    if (rows.length && (!end || rows.at(-1).isNew)) this.tails.set(rows.at(-1).id, gap(rows.length).split("\n").slice(1));
    const from = start ? old.places[start - 1].pos + old.places[start - 1].node.nodeSize : 0;
    const to = end ? old.places[old.places.length - end].pos : doc.content.size;
    const fresh = next.places.slice(start, lastFresh).map(({ node }) => node);
    return { from, to, keys, nodes: rows.length ? fresh : [emptyParagraph()] };
  }
}
