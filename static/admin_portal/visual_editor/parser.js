// Reads the portal's Markdown as procedures/rendering/parser.py does, into nodes of schema.js.

import { ATTRIBUTES, BLOCK_END, BLOCK_START } from "../editor/markup.js";
import { Fragment, MarkdownIt } from "./libraries.js";
import { CONTAINERS, schema } from "./schema.js";

const CITATION = /\[@([a-z0-9-]+(?:\s*;\s*@[a-z0-9-]+)*)\]/y;
const VALUE = /\{([a-z]+\.[a-z_]+)\}/y;
const trimEnd = (text) => text.replace(/[ \t]+$/, "");

// ``contents``: what each block with an end may contain, by its name.
function directives(contents) {
  const lineText = (state, line) => state.src.slice(state.bMarks[line] + state.tShift[line], state.eMarks[line]);
  const closingLine = (state, start, end) => {
    let depth = 1;
    for (let line = start + 1; line < end; line += 1) {
      const text = lineText(state, line);
      if (BLOCK_END.test(text)) {
        depth -= 1;
        if (!depth) return line;
      } else if (contents[BLOCK_START.exec(text)?.[1]]) depth += 1;
    }
    return end;
  };
  return (state, start, end, silent) => {
    const first = lineText(state, start);
    if (!first.startsWith(":::")) return false;
    if (silent) return true;
    const match = BLOCK_START.exec(first);
    const meta = { name: match?.[1] ?? "", options: (match?.[2] ?? "").replace(/^[ \t]+|[ \t]+$/g, ""), raw: first };
    if (!contents[meta.name]) {
      const token = state.push("directive", "", 0);
      Object.assign(token, { map: [start, start + 1], meta });
      state.line = start + 1;
      return true;
    }
    const stop = closingLine(state, start, end);
    const isClosed = stop < end;
    const opening = state.push("directive_open", "", 1);
    Object.assign(opening, { map: [start, Math.min(stop + 1, end)], meta: { ...meta, isClosed } });
    const [before, limit] = [state.parentType, state.lineMax];
    state.parentType = `directive ${meta.name}`;
    state.lineMax = stop;
    state.md.block.tokenize(state, start + 1, stop);
    state.parentType = before;
    state.lineMax = limit;
    state.push("directive_close", "", -1);
    state.line = Math.min(stop + 1, end);
    return true;
  };
}

const inlineRule = (type, first, pattern) => (state, silent) => {
  if (state.src[state.pos] !== first) return false;
  pattern.lastIndex = state.pos;
  const match = pattern.exec(state.src);
  if (!match || pattern.lastIndex > state.posMax) return false;
  if (!silent) state.push(type, "", 0).content = match[1];
  state.pos += match[0].length;
  return true;
};

class Unsupported extends Error {}

const MARKS = { strong_open: "strong", em_open: "em" };

// Return the inline nodes of a token. They are the content of a heading if ``mark`` is given, which receives its attributes.
function inlineNodes(token, mark) {
  const nodes = [];
  const children = token?.children ?? [];
  let marks = [];
  if (mark) {
    const last = children.at(-1);
    const match = last?.type === "text" ? ATTRIBUTES.exec(last.content) : null;
    if (match) {
      Object.assign(mark, { anchor: match[1], folded: Boolean(match[2]) });
      last.content = trimEnd(last.content.slice(0, match.index));
    }
  }
  const add = (node) => nodes.push(node.mark(marks));
  children.forEach((child) => {
    if (child.nesting < 0) marks = marks.slice(0, -1);
    else if (MARKS[child.type]) marks = [...marks, schema.mark(MARKS[child.type])];
    else if (child.type === "link_open") {
      marks = [...marks, schema.mark("link", { href: child.attrGet("href"), title: child.attrGet("title") ?? "" })];
    } else if (child.type === "text") {
      if (child.content) add(schema.text(child.content));
    } else if (child.type === "code_inline") nodes.push(schema.text(child.content, [...marks, schema.mark("code")]));
    else if (child.type === "softbreak") add(schema.node("soft_break"));
    else if (child.type === "hardbreak") add(schema.node("hard_break"));
    else if (child.type === "citation") add(schema.node("citation", { keys: child.content }));
    else if (child.type === "value") add(schema.node("value", { name: child.content }));
    else throw new Unsupported(child.type);
  });
  // Marks have an order of their own in ProseMirror, and equal neighbors are one text.
  return Fragment.fromArray(nodes.map((node) => node.mark(node.marks.reduce((set, other) => other.addToSet(set), []))));
}

function closing(tokens, start) {
  let depth = 0;
  for (let at = start; at < tokens.length; at += 1) {
    depth += tokens[at].nesting;
    if (depth <= 0) return at;
  }
  return tokens.length - 1;
}

function* groups(tokens) {
  for (let at = 0; at < tokens.length;) {
    const end = closing(tokens, at);
    yield tokens.slice(at, end + 1);
    at = end + 1;
  }
}

function listNode(type, attrs, inner) {
  const tight = !inner.some((token) => token.type === "paragraph_open" && !token.hidden && token.level === inner[0].level + 1);
  const items = [...groups(inner)].map((item) => {
    const blocks = [...groups(item.slice(1, -1))].map((group) => blockNode(group));
    if (blocks[0]?.type.name !== "paragraph") blocks.unshift(schema.node("paragraph"));
    return schema.node("list_item", null, blocks);
  });
  return schema.node(type, { ...attrs, tight }, items);
}

function tableNode(inner) {
  const rows = [];
  inner.forEach((token, at) => {
    if (token.type === "tr_open") rows.push([]);
    if (token.type !== "th_open" && token.type !== "td_open") return;
    const align = /text-align:(\w+)/.exec(token.attrGet("style") ?? "")?.[1] ?? "";
    rows.at(-1).push(schema.node(token.type === "th_open" ? "table_header" : "table_cell", { align }, inlineNodes(inner[at + 1])));
  });
  return schema.node("table", null, rows.map((cells) => schema.node("table_row", null, cells)));
}

// Return the node of the tokens of one block. ``read`` reads the blocks within a ":::" block, which keep their Markdown.
function blockNode(tokens, contents = {}, read = undefined) {
  const [token] = tokens;
  const inner = tokens.slice(1, -1);
  switch (token.type) {
    case "paragraph_open": return schema.node("paragraph", null, inlineNodes(inner[0]));
    case "heading_open": {
      const mark = {};
      const nodes = inlineNodes(inner[0], mark);
      // A line of = or - below a paragraph makes an accidental heading, so show it as typed.
      if (token.markup.startsWith("=") || token.markup.startsWith("-")) throw new Unsupported("setext");
      return schema.node("heading", { level: Number(token.tag[1]), ...mark }, nodes);
    }
    case "bullet_list_open": return listNode("bullet_list", { mark: token.markup }, inner);
    case "ordered_list_open": return listNode("ordered_list", { mark: token.markup, start: Number(token.attrGet("start") ?? 1) }, inner);
    case "blockquote_open": return schema.node("quote", null, [...groups(inner)].map((group) => blockNode(group)));
    case "hr": return schema.node("rule");
    case "table_open": return tableNode(inner);
    case "directive":
      if (!read || !token.meta.name) throw new Unsupported("stray");
      return schema.node("card", { name: token.meta.name, options: token.meta.options });
    case "directive_open": {
      if (!read) throw new Unsupported("nested");
      const type = schema.nodes[CONTAINERS[contents[token.meta.name]]];
      const attrs = { name: token.meta.name, options: token.meta.options };
      const content = read(tokens);
      // A draft can be saved before anything is in the block.
      return content.length ? type.create(attrs, content) : type.createAndFill(attrs);
    }
    default: throw new Unsupported(token.type);
  }
}

// Return a reader of Markdown. ``contents``: what each block with an end may contain, by its name; ``cards``: the names of
// the blocks without an end.
export function createParser(contents, cards) {
  const markdown = new MarkdownIt("commonmark", { html: false }).enable("table");
  markdown.disable(["reference", "html_block", "html_inline", "autolink"]);
  markdown.block.ruler.before("fence", "directive", directives(contents), { alt: ["paragraph", "blockquote", "list", "table"] });
  markdown.inline.ruler.before("link", "citation", inlineRule("citation", "[", CITATION));
  markdown.inline.ruler.before("link", "value", inlineRule("value", "{", VALUE));

  // Return [{start, end, tokens}] of the blocks in ``tokens``: their first line, and the one after their last.
  const blockLines = (tokens, lines) => [...groups(tokens)].map((group) => {
    const [start, last] = group[0].map;
    let end = last;
    while (end > start + 1 && !lines[end - 1].trim()) end -= 1;
    return { start, end, tokens: group };
  });

  const toSource = (text) => schema.node("source", { text });

  // Return what can be edited of one block, or a source node.
  function toNode({ tokens, start, end }, lines, keep) {
    const source = lines.slice(start, end).join("\n");
    const [{ type, meta }] = tokens;
    if (type === "directive" && !cards.includes(meta.name)) return toSource(source);
    if (type === "directive_open" && !meta.isClosed) return toSource(source);
    // Most blocks may be indented by up to three spaces, which would be lost.
    if (type.startsWith("directive") && /^\s/.test(source)) return toSource(source);
    try {
      const node = blockNode(tokens, contents, (group) => readBlocks(group.slice(1, -1), lines, start + 1, end - 1, keep));
      node.check();
      return node;
    } catch (error) {
      // ProseMirror's own error: the schema has no place for it.
      if (error instanceof Unsupported || error instanceof RangeError) return toSource(source);
      throw error;
    }
  }

  // Return the nodes of the blocks between two lines, after ``keep`` has got them with their Markdown.
  function readBlocks(tokens, lines, from, to, keep) {
    const blocks = blockLines(tokens, lines);
    return keep(blocks.map((block, at) => ({
      node: toNode(block, lines, keep),
      source: lines.slice(block.start, block.end).join("\n"),
      before: at ? [] : lines.slice(from, block.start),
      after: lines.slice(block.end, blocks[at + 1]?.start ?? to),
      isOpen: block.tokens[0].meta?.isClosed === false || isOpenFence(block, lines),
    })));
  }

  // A fence without an end takes in all that follows.
  const isOpenFence = ({ tokens: [{ type, markup }], start, end }, lines) => type === "fence"
    && (end - start < 2 || !lines[end - 1].trim().startsWith(markup));

  return {
    // Return the nodes of the blocks of a text. ``keep`` gets the blocks of the text, and those of each ":::" block in it,
    // as [{node, source, before, after, isOpen}], and returns the nodes to use. ``before`` and ``after`` are the lines
    // around a block; isOpen: the block would take in whatever follows it.
    read(text, keep = (rows) => rows.map(({ node }) => node)) {
      const lines = text.split("\n");
      return readBlocks(markdown.parse(text, {}), lines, 0, lines.length, keep);
    },
    // Return the content of a text that is one paragraph, heading, or the like; undefined if it is not.
    readOne(text) {
      const nodes = this.read(text);
      return nodes.length === 1 ? nodes[0] : undefined;
    },
  };
}
