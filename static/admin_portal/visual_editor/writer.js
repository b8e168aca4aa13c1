// Writes nodes of schema.js as Markdown. Text is escaped only where it would be read as markup: each way of writing it is
// read again, and the first that gives the same text back is taken.

import { isList, schema } from "./schema.js";

const PUNCTUATION = /[!-/:-@[-`{-~]/g;
const CONTEXTUAL = /[\\`*_[\]{}]|&(?=#?\w+;)/g;
const LINE_START = [
  [/^([-+>])(?=\s|$)/, "\\$1"], [/^(#{1,6})(?=\s|$)/, "\\$1"], [/^>/, "\\>"], [/^:::/, "\\:::"], [/^(~~~|```)/, "\\$1"],
  [/^(=+|-+)(?=\s*$)/, "\\$1"], [/^\|/, "\\|"], [/^(\d{1,9})([.)])(?=\s|$)/, "$1\\$2"],
];
const MARKERS = { bullet_list: ["-", "*", "+"], ordered_list: [".", ")"] };
// Escaping strategies, from most readable to safest.
const ESCAPE_STRATEGIES = [
  { escape: 0, em: "*" }, { escape: 1, em: "*" }, { escape: 1, em: "_" }, { escape: 2, em: "*" }, { escape: 2, em: "_" },
];

const escaped = (text, level) => (level ? text.replace(level === 1 ? CONTEXTUAL : PUNCTUATION, "\\$&") : text);
const atLineStart = (line) => {
  const rule = LINE_START.find(([pattern]) => pattern.test(line));
  return rule ? line.replace(...rule) : line;
};

function destination({ href, title }) {
  const isPlain = /^[^\s<>()\\]*(?:\([^\s<>()\\]*\)[^\s<>()\\]*)*$/.test(href) && href;
  const address = isPlain ? href : `<${href.replace(/[<>\\]/g, "\\$&")}>`;
  return `(${address}${title && ` "${title.replace(/["\\]/g, "\\$&")}"`})`;
}

function wrapped(mark, text, way) {
  if (mark.type.name === "link") return text.trim() ? `[${text}]${destination(mark.attrs)}` : text;
  if (mark.type.name === "code") {
    const fence = "`".repeat(Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length)) + 1);
    const space = /^[`\s]|[`\s]$/.test(text) ? " " : "";
    return `${fence}${space}${text}${space}${fence}`;
  }
  const sign = mark.type.name === "strong" ? "**" : way.em;
  const [, left, words, right] = /^(\s*)(.*?)(\s*)$/s.exec(text);
  return words ? `${left}${sign}${words}${sign}${right}` : text;
}

function serializeInlineNode(node, way, oneLine) {
  switch (node.type.name) {
    case "soft_break": return oneLine ? " " : "\n";
    case "hard_break": return oneLine ? " " : "\\\n";
    case "citation": return `[@${node.attrs.keys}]`;
    case "value": return `{${node.attrs.name}}`;
    default: return node.marks.some((mark) => mark.type.name === "code") ? node.text : escaped(node.text, way.escape);
  }
}

// The mark that spans the most nodes is outermost.
function inline(pieces, way, oneLine) {
  let text = "";
  for (let at = 0; at < pieces.length;) {
    const { node, marks } = pieces[at];
    if (!marks.length) {
      text += serializeInlineNode(node, way, oneLine);
      at += 1;
      continue;
    }
    const ends = marks.map((mark) => {
      let end = at + 1;
      while (end < pieces.length && pieces[end].marks.some((other) => other.eq(mark))) end += 1;
      return end;
    });
    const end = Math.max(...ends);
    // Code is always the innermost.
    const mark = marks.filter((_, index) => ends[index] === end).find((candidate) => candidate.type.name !== "code") ?? marks[ends.indexOf(end)];
    const last = mark.type.name === "code" && marks.length > 1 ? at + 1 : end;
    const outer = mark.type.name === "code" && marks.length > 1 ? marks.find((candidate) => candidate.type.name !== "code") : mark;
    const inside = pieces.slice(at, last).map((piece) => ({ node: piece.node, marks: piece.marks.filter((other) => !other.eq(outer)) }));
    text += wrapped(outer, inline(inside, way, oneLine), way);
    at = last;
  }
  return text;
}

// The visible characters, each with its marks. White space at the ends of lines does not count, and neither does its
// style.
function visible(content, oneLine) {
  const signs = [];
  content.forEach((node) => {
    const marks = node.marks.map((mark) => mark.type.name + (mark.attrs.href ?? "") + (mark.attrs.title ?? "")).sort().join(" ");
    if (node.isText) [...node.text].forEach((sign) => signs.push([/\s/.test(sign) ? " " : sign, /\s/.test(sign) ? "" : marks]));
    else if (/_break$/.test(node.type.name)) signs.push([oneLine ? " " : `\n${node.type.name}`, ""]);
    else signs.push([JSON.stringify(node.attrs), marks]);
  });
  const isSpace = (at) => signs[at]?.[0] === " ";
  const isEdge = (at) => !signs[at] || signs[at][0].startsWith("\n");
  const isDropped = signs.map(() => false);
  signs.forEach((_, at) => {
    if (isEdge(at)) {
      for (let back = at - 1; isSpace(back); back -= 1) isDropped[back] = true;
      for (let on = at + 1; isSpace(on); on += 1) isDropped[on] = true;
    }
  });
  for (let at = 0; isSpace(at); at += 1) isDropped[at] = true;
  for (let at = signs.length - 1; isSpace(at); at -= 1) isDropped[at] = true;
  return signs.filter((_, at) => !isDropped[at]).join("\u0000");
}

const isSameInline = (node, other, oneLine = false) => visible(node, oneLine) === visible(other, oneLine);

// ``parser``: of createParser(). Returns write(node, mark), the Markdown of a block without a line break at its end.
// ``mark``: for a list, its bullet character. ``writeBlocks(parent)`` writes the blocks in a ":::" block (document.js).
export function createWriter(parser, writeBlocks) {
  // Return the text of a paragraph, heading, or cell. ``around`` makes a whole block of it; ``find`` returns its content in
  // the block that is read.
  function words(node, { oneLine = false, around = (text) => text, find }) {
    const pieces = [];
    node.content.forEach((child) => pieces.push({ node: child, marks: child.marks }));
    let text = "";
    for (const way of ESCAPE_STRATEGIES) {
      text = inline(pieces, way, oneLine).replace(/^[ \t]+|[ \t]+$/g, "").replace(/[ \t]*\n[ \t]*/g, "\n");
      if (!oneLine && way.escape) text = text.split("\n").map(atLineStart).join("\n");
      if (oneLine) text = text.replace(/\s*\n\s*/g, " ");
      const read = text && find(parser.readOne(around(text)));
      if (!text || (read && isSameInline(node.content, read, oneLine))) return text;
    }
    return text;
  }

  const paragraph = (node) => words(node, { find: (read) => read?.type.name === "paragraph" && read.content });

  function heading({ attrs, content }) {
    const signs = "#".repeat(attrs.level);
    const mark = attrs.anchor ? `{#${attrs.anchor}${attrs.folded ? " .folded" : ""}}` : "";
    const around = (text) => [signs, text, mark].filter(Boolean).join(" ");
    const find = (read) => read?.type.name === "heading" && read.attrs.anchor === attrs.anchor && read.content;
    return around(words({ content }, { oneLine: true, around, find }));
  }

  // Two consecutive lists merge unless their bullets differ.
  function inItem(item, isTight) {
    let text = "";
    let before = null;
    let sign = "";
    item.forEach((child, _, at) => {
      if (at && child.type.name === "paragraph" && !child.content.size) return;
      const mark = isList(child) ? listMark(child, before, sign) : "";
      const part = write(child, mark);
      const isNear = isTight && at && isList(child) && before.type.name === "paragraph" && child.firstChild.firstChild.content.size
        && (child.type.name === "bullet_list" || child.attrs.start === 1);
      text += at ? `${isNear ? "\n" : "\n\n"}${part}` : part;
      before = child;
      sign = mark;
    });
    return text;
  }

  function list(node, mark) {
    const hasParagraphs = (item) => item.childCount > 1 && [...item.content.content].slice(1).some((child) => child.type.name === "paragraph" && child.content.size);
    const isTight = node.attrs.tight && ![...node.content.content].some(hasParagraphs);
    const items = [...node.content.content].map((item, at) => {
      const sign = node.type.name === "ordered_list" ? `${node.attrs.start + at}${mark}` : mark;
      const text = inItem(item, isTight);
      if (text.startsWith("\n")) return `${sign}${text.replace(/^\n+/, "\n").replace(/\n(?=[^\n])/g, `\n${" ".repeat(sign.length + 1)}`)}`;
      return `${sign} ${text.replace(/\n(?=[^\n])/g, `\n${" ".repeat(sign.length + 1)}`)}`.trimEnd();
    });
    return items.join(isTight ? "\n" : "\n\n");
  }

  function table(node) {
    const around = (text) => `| ${text} |\n|---|`;
    const find = (read) => read?.type.name === "table" && read.firstChild.childCount === 1 && read.firstChild.firstChild.content;
    // In a table, a vertical line ends a cell wherever it is.
    const text = (cell) => words(cell, { oneLine: true, around: (body) => around(body.replace(/(?<!\\)\|/g, "\\|")), find }).replace(/(?<!\\)\|/g, "\\|");
    const rows = [...node.content.content].map((row) => [...row.content.content].map(text));
    const width = Math.max(...rows.map((row) => row.length));
    const line = (row) => `| ${Array.from({ length: width }, (_, at) => row[at] ?? "").join(" | ")} |`;
    const signs = { left: ":---", right: "---:", center: ":---:" };
    const rule = Array.from({ length: width }, (_, at) => signs[node.firstChild.maybeChild(at)?.attrs.align] ?? "---");
    return [line(rows[0]), `|${rule.join("|")}|`, ...rows.slice(1).map(line)].join("\n");
  }

  const quote = (node) => [...node.content.content].map((child) => write(child)).filter(Boolean).join("\n\n").split("\n")
    .map((line) => (line ? `> ${line}` : ">")).join("\n");

  const directive = ({ attrs: { name, options } }) => `::: ${name}${options && ` ${options}`}`;

  function write(node, mark = node.attrs.mark) {
    switch (node.type.name) {
      case "paragraph": return paragraph(node);
      case "heading": return heading(node);
      case "bullet_list": case "ordered_list": return list(node, mark);
      case "quote": return quote(node);
      case "rule": return "---";
      case "table": return table(node);
      case "card": return directive(node);
      case "source": return node.attrs.text;
      default: return `${directive(node)}\n${writeBlocks(node)}:::`;
    }
  }
  return write;
}

// Return the bullet character of a list: its own, unless the list before it has the same.
export function listMark(node, before, sign) {
  const { mark } = node.attrs;
  if (before?.type !== node.type || sign !== mark) return mark;
  return MARKERS[node.type.name].find((marker) => marker !== sign);
}

export const emptyParagraph = () => schema.node("paragraph");
