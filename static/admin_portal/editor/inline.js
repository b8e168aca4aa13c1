// Converts text of a cleaned document to Markdown: bold, italics, links, and line breaks; everything else is escaped.

import { encodeAddress, hasSpace, isAllowed, isInsecure } from "./addresses.js";
import { css } from "./clean_paste.js";

const BREAK = "\n";
const PUNCTUATION = /[\p{P}\p{S}]/u;
const WORD = /[\p{L}\p{N}]/u;
const PLAIN = { bold: false, italic: false, href: "" };

// Characters without a width, except joiners within emoji: the server refuses them (procedures/markup.py).
const INVISIBLE = /[\u00ad\u180e\u200b\u200c\u2060\ufeff]|(?<![\u2190-\u2bff\u{1f000}-\u{1faff}]\ufe0f?)\u200d/gu;
const tidy = (text) => text.replace(INVISIBLE, "").replace(/\u2011/g, "-").replace(/[ \t\n\r\f\v\u00a0\u2000-\u200a\u2028\u2029\u202f\u3000]+/g, " ");
export const escaped = (text) => text
  .replace(/[\\`*[\]]/g, "\\$&")
  .replace(/_/g, (sign, at, whole) => (WORD.test(whole[at - 1] ?? " ") && WORD.test(whole[at + 1] ?? " ") ? sign : "\\_"))
  .replace(/&(?=#?\w+;)/g, "\\&");

// Escapes characters that would make the line a heading, list, rule, block, or table.
function atLineStart(line) {
  if (/^(#{1,6}(\s|$)|[-+>](\s|$)|>|:::|~~~)/.test(line) || /^(=+|-+|[-|: ]*-[-|: ]*)$/.test(line)) return `\\${line}`;
  return line.replace(/^(\d{1,9})([.)](\s|$))/, "$1\\$2");
}

export function address(link, note) {
  const href = (link.getAttribute("href") ?? "").trim();
  if (!href) return "";
  // Google Docs and Outlook route links through their own servers.
  const through = /^https?:\/\/(?:www\.google\.[a-z.]+\/url|[\w.-]+\.safelinks\.protection\.outlook\.com\/)\?(.*)$/i.exec(href);
  const asked = through && new URLSearchParams(through[1]);
  const target = asked ? asked.get("q") ?? asked.get("url") ?? "" : href;
  const words = tidy(link.textContent).trim();
  if (isInsecure(target) && words) note("insecure", `${words} (${target})`);
  if (hasSpace(target) && words) note("space", `${words} (${target})`);
  if (isAllowed(target) || isInsecure(target)) return encodeAddress(target);
  if (words) note("link", /^(javascript|data|vbscript):/i.test(target) ? words : `${words} (${target.slice(0, 60)})`);
  return "";
}

export function fontStyleOf(node, outer) {
  const { "font-weight": said = "", "font-style": slant = "" } = css(node);
  const isBold = /^(bold|bolder|[6-9]\d\d)$/.test(said) || /^(B|STRONG|TH|DT)$/.test(node.nodeName);
  const isItalic = /^(italic|oblique)/.test(slant) || /^(I|EM|CITE|DFN|VAR)$/.test(node.nodeName);
  // "normal" also ends bold from outside.
  return {
    ...outer,
    bold: !/^(normal|lighter|[1-5]\d\d)$/.test(said) && (outer.bold || isBold),
    italic: slant !== "normal" && (outer.italic || isItalic),
  };
}

// Runs of text with one style: [{text, bold, italic, href}].
function runs(node, outer, note) {
  if (node.nodeType === Node.TEXT_NODE) {
    const lines = outer.isPre ? node.data.split(/\r?\n/) : [node.data];
    return lines.flatMap((line, at) => [...(at ? [{ ...outer, text: BREAK }] : []), { ...outer, text: tidy(line) }]);
  }
  if (node.nodeType !== Node.ELEMENT_NODE) return [];
  // A PDF viewer ends every printed line this way.
  if (node.nodeName === "BR") return [{ ...outer, text: node.getAttribute("role") === "presentation" ? " " : BREAK }];
  const here = fontStyleOf(node, outer);
  if (node.nodeName === "A" && !outer.href) here.href = address(node, note);
  if (node.nodeName === "PRE") here.isPre = true;
  const inside = [...node.childNodes].flatMap((child) => runs(child, here, note));
  return node.nodeName === "Q" ? [{ ...outer, text: "“" }, ...inside, { ...outer, text: "”" }] : inside;
}

const hasSameStyle = (run, other) => run.bold === other.bold && run.italic === other.italic && run.href === other.href;

function join(found) {
  const joined = [];
  found.forEach((run) => {
    if (!run.text) return;
    const last = joined.at(-1);
    // The style of white space does not matter: "**a** **b**" is "**a b**".
    if (last && (hasSameStyle(last, run) || (!run.text.trim() && last.href === run.href))) last.text += run.text;
    else joined.push({ ...run });
  });
  return joined;
}

// Where two styles meet within a word, their markup would touch and be misread, so italics are dropped.
function separateTouchingStyles(joined) {
  joined.forEach((run, at) => {
    const last = joined[at - 1];
    if (!last || /\s$/.test(last.text) || /^\s/.test(run.text) || last.href !== run.href) return;
    if ((last.bold || last.italic) && (run.bold || run.italic)) last.italic = run.italic = false;
  });
  return join(joined);
}

// Asterisks between a letter and punctuation are not markup, so the punctuation stays outside of them.
function movePunctuationOutside(run, before, after) {
  const sign = `${run.bold ? "**" : ""}${run.italic ? "*" : ""}`;
  let [, left, words, right] = /^(\s*)(.*?)(\s*)$/s.exec(run.text);
  if (!sign || !words) return escaped(run.text);
  if (!left && WORD.test(before) && PUNCTUATION.test(words[0])) [left, words] = [words[0], words.slice(1)];
  if (!right && WORD.test(after) && PUNCTUATION.test(words.at(-1) ?? "")) [right, words] = [words.at(-1), words.slice(0, -1)];
  if (!WORD.test(words)) return escaped(left + words + right);
  return `${escaped(left)}${sign}${escaped(words)}${[...sign].reverse().join("")}${escaped(right)}`;
}

function marked(joined) {
  let text = "";
  for (let at = 0; at < joined.length; at += 1) {
    const { href } = joined[at];
    const part = [];
    while (at < joined.length && joined[at].href === href) part.push(joined[at++]);
    at -= 1;
    const inside = part.map((run, index) => movePunctuationOutside(run, part[index - 1]?.text.at(-1) ?? (href ? "" : text.at(-1) ?? ""), part[index + 1]?.text[0] ?? "")).join("");
    const [, left, words, right] = /^(\s*)(.*?)(\s*)$/s.exec(inside);
    text += href && words ? `${left}[${words.replaceAll(BREAK, " ")}](${href})${right}` : inside;
  }
  return text;
}

const allRuns = (nodes, note, outer, { isPlain = false }) => nodes.flatMap((node) => runs(node, { ...PLAIN, ...outer }, note))
  .map((run) => ({ ...run, bold: run.bold && !isPlain }));

// Returns the paragraphs of these nodes, each as a list of lines.
export function paragraphs(nodes, note, outer = PLAIN, options = {}) {
  const text = marked(separateTouchingStyles(join(allRuns(nodes, note, outer, options)))).replace(/ *\n */g, "\n").replace(/ {2,}/g, " ").trim();
  return text.split(/\n{2,}/).filter(Boolean).map((part) => part.split("\n"));
}

export const withBreaks = (lines) => lines.map(atLineStart).join("\\\n");

export function oneLine(nodes, note, options = {}, outer = PLAIN) {
  const found = allRuns(nodes, note, outer, options).map((run) => ({ ...run, text: run.text.replaceAll(BREAK, " ") }));
  return marked(separateTouchingStyles(join(found))).replace(/ {2,}/g, " ").trim();
}
