// What a text can hold, as ProseMirror nodes and marks. Everything else is a "source" node with its Markdown.
//
// Each block has an ``id``: the key of its Markdown as it was read (document.js), or null for a new one.

import { Schema } from "./libraries.js";

const ID = { id: { default: null } };
const shown = (name, attrs = {}) => () => [name, attrs, 0];

// The node of a ":::" block with an end, by what the registry says it may contain.
export const CONTAINERS = {
  text: "text_block", bullets: "bullets_block", numbers: "numbers_block", sentence: "sentence_block", options: "options_block",
};

// Lets blocks survive copy and paste within the editor.
const fromDOM = (tag, ...names) => [{
  tag,
  getAttrs: (dom) => Object.fromEntries(names.map((name) => [name, dom.dataset[name] ?? ""])),
}];

const container = (type, content) => ({
  content,
  group: "block container",
  defining: true,
  isolating: true,
  attrs: { ...ID, name: {}, options: { default: "" } },
  toDOM: ({ attrs: { name, options } }) => ["div", { "data-type": type, "data-name": name, "data-options": options }, 0],
  parseDOM: fromDOM(`div[data-type=${type}]`, "name", "options"),
});

const cell = (name) => ({
  content: "inline*",
  isolating: true,
  tableRole: name === "th" ? "header_cell" : "cell",
  attrs: { align: { default: "" }, colspan: { default: 1 }, rowspan: { default: 1 }, colwidth: { default: null } },
  parseDOM: [{ tag: name, getAttrs: (dom) => ({ align: dom.dataset.align ?? "" }) }],
  toDOM: (node) => [name, node.attrs.align ? { "data-align": node.attrs.align } : {}, 0],
});

export const schema = new Schema({
  nodes: {
    doc: { content: "block+" },
    paragraph: { content: "inline*", group: "block prose", attrs: ID, parseDOM: [{ tag: "p" }], toDOM: shown("p") },
    heading: {
      content: "inline*",
      group: "block",
      defining: true,
      attrs: { ...ID, level: { default: 2 }, anchor: { default: "" }, folded: { default: false } },
      parseDOM: [1, 2, 3, 4, 5, 6].map((level) => ({
        tag: `h${level}`,
        getAttrs: ({ dataset, className }) => ({ level, anchor: dataset.anchor ?? "", folded: className === "is-folded" }),
      })),
      toDOM: ({ attrs: { level, anchor, folded } }) => [`h${level}`, { ...(anchor && { "data-anchor": anchor }), ...(folded && { class: "is-folded" }) }, 0],
    },
    bullet_list: {
      content: "list_item+", group: "block prose", attrs: { ...ID, mark: { default: "-" }, tight: { default: true } },
      parseDOM: [{ tag: "ul" }], toDOM: shown("ul"),
    },
    ordered_list: {
      content: "list_item+",
      group: "block prose",
      attrs: { ...ID, mark: { default: "." }, start: { default: 1 }, tight: { default: true } },
      parseDOM: [{ tag: "ol", getAttrs: (dom) => ({ start: Number(dom.getAttribute("start") ?? 1) }) }],
      toDOM: ({ attrs: { start } }) => ["ol", start === 1 ? {} : { start }, 0],
    },
    list_item: { content: "paragraph prose*", defining: true, parseDOM: [{ tag: "li" }], toDOM: shown("li") },
    quote: { content: "prose+", group: "block", defining: true, attrs: ID, parseDOM: [{ tag: "blockquote" }], toDOM: shown("blockquote") },
    rule: { group: "block", attrs: ID, parseDOM: [{ tag: "hr" }], toDOM: () => ["hr"] },
    table: {
      // Typing at a gap cursor between two rows or cells would add one.
      content: "table_row+", group: "block", isolating: true, allowGapCursor: false, tableRole: "table", attrs: ID,
      parseDOM: [{ tag: "table" }], toDOM: () => ["div", { class: "table" }, ["table", ["tbody", 0]]],
    },
    table_row: { content: "(table_header | table_cell)+", allowGapCursor: false, tableRole: "row", parseDOM: [{ tag: "tr" }], toDOM: shown("tr") },
    table_header: cell("th"),
    table_cell: cell("td"),
    // A ":::" block of one line.
    card: {
      group: "block",
      atom: true,
      attrs: { ...ID, name: {}, options: { default: "" } },
      parseDOM: fromDOM("div[data-card]", "name", "options"),
      toDOM: ({ attrs: { name, options } }) => ["div", { "data-card": "", "data-name": name, "data-options": options }],
    },
    text_block: container("text_block", "prose+"),
    bullets_block: container("bullets_block", "bullet_list"),
    numbers_block: container("numbers_block", "ordered_list"),
    sentence_block: container("sentence_block", "paragraph"),
    options_block: container("options_block", "(prose | heading | quote | table | card | container)+"),
    // Markdown that no other node can hold.
    source: {
      group: "block",
      atom: true,
      attrs: { ...ID, text: {} },
      parseDOM: fromDOM("div[data-source]", "text"),
      toDOM: ({ attrs: { text } }) => ["div", { "data-source": "", "data-text": text }],
    },
    text: { group: "inline" },
    hard_break: { group: "inline", inline: true, selectable: false, leafText: () => "\n", parseDOM: [{ tag: "br" }], toDOM: () => ["br"] },
    // The end of a line within a paragraph, which readers see as a space.
    soft_break: {
      group: "inline", inline: true, selectable: false, leafText: () => " ",
      parseDOM: [{ tag: "span[data-soft]" }], toDOM: () => ["span", { "data-soft": "" }, " "],
    },
    citation: {
      group: "inline", inline: true, atom: true, attrs: { keys: {} },
      parseDOM: fromDOM("span[data-keys]", "keys"), toDOM: ({ attrs: { keys } }) => ["span", { "data-keys": keys }],
    },
    value: {
      group: "inline", inline: true, atom: true, attrs: { name: {} },
      parseDOM: fromDOM("span[data-name]", "name"), toDOM: ({ attrs: { name } }) => ["span", { "data-name": name }],
    },
  },
  marks: {
    link: {
      attrs: { href: {}, title: { default: "" } },
      inclusive: false,
      parseDOM: [{ tag: "a[href]", getAttrs: (dom) => ({ href: dom.getAttribute("href"), title: dom.getAttribute("title") ?? "" }) }],
      toDOM: ({ attrs: { href, title } }) => ["a", { href, ...(title && { title }) }, 0],
    },
    strong: { parseDOM: [{ tag: "strong" }, { tag: "b" }], toDOM: shown("strong") },
    em: { parseDOM: [{ tag: "em" }, { tag: "i" }], toDOM: shown("em") },
    code: { code: true, parseDOM: [{ tag: "code" }], toDOM: shown("code") },
  },
});

export const isList = (node) => node.type.name === "bullet_list" || node.type.name === "ordered_list";
