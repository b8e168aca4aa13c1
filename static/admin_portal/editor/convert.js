// What Word, Google Docs or a web page puts on the clipboard, as Markdown of our dialect: headings, bold, italics, lists,
// links and tables. Everything else is its text alone.

const SKIPPED = new Set(["STYLE", "SCRIPT", "META", "LINK", "TITLE", "XML", "NOSCRIPT", "TEMPLATE", "IMG", "SVG", "O:P", "BUTTON", "INPUT", "SELECT", "TEXTAREA"]);
const BLOCKS = new Set(["P", "DIV", "SECTION", "ARTICLE", "MAIN", "HEADER", "FOOTER", "ASIDE", "NAV", "FIGURE", "FIGCAPTION", "BODY", "BLOCKQUOTE", "PRE", "ADDRESS", "DL", "DT", "DD", "CENTER", "FORM", "DETAILS", "SUMMARY"]);
const STRUCTURE = "h1,h2,h3,h4,h5,h6,ul,ol,table,a[href],strong,em,i,b,[class^=MsoList],[class^=MsoHeading],[data-style*=mso-list],[data-style*='font-weight'],[data-style*='font-style']";
const DEEPEST = 4; // #### is the last heading of the dialect

const style = (node) => (node.getAttribute?.("data-style") ?? "").replace(/\s+/g, "").toLowerCase();
const tidy = (text) => text.replace(/[ \t\n\r\f\u00a0]+/g, " ");
const escaped = (text) => text.replace(/[\\`*[\]]/g, "\\$&");
const atStart = (text) => text.replace(/^(#{1,6}\s|[-+>]\s|:::)/, "\\$1").replace(/^(\d+)([.)]\s)/, "$1\\$2");

function isHidden(node) {
  return SKIPPED.has(node.nodeName.toUpperCase()) || /display:none|mso-list:ignore|mso-hide:all/.test(style(node));
}

function address(link) {
  const href = (link.getAttribute("href") ?? "").trim();
  // Google Docs sends links through itself.
  const through = /^https?:\/\/www\.google\.com\/url\?(.*)$/.exec(href);
  const target = through ? new URLSearchParams(through[1]).get("q") ?? "" : href;
  return /^(https?:\/\/|mailto:|tel:)/i.test(target) ? target.replace(/[()\s<>]/g, encodeURIComponent) : "";
}

function weight(node, outer) {
  const said = style(node);
  const bold = /(^|;)font-weight:(bold|[6-9]00)/.test(said) || (/^(B|STRONG)$/.test(node.nodeName) && !/(^|;)font-weight:(normal|[1-4]00)/.test(said));
  const italic = /(^|;)font-style:italic/.test(said) || (/^(I|EM)$/.test(node.nodeName) && !/(^|;)font-style:normal/.test(said));
  return { bold: outer.bold || bold, italic: outer.italic || italic };
}

// Words with their weight, in order: [{text, bold, italic, href}].
function runs(node, outer = { bold: false, italic: false, href: "" }) {
  if (node.nodeType === Node.TEXT_NODE) return [{ ...outer, text: tidy(node.data) }];
  if (node.nodeType !== Node.ELEMENT_NODE || isHidden(node)) return [];
  if (node.nodeName === "BR") return [{ ...outer, text: "\n" }];
  const here = { ...outer, ...weight(node, outer) };
  if (node.nodeName === "A") here.href = address(node) || outer.href;
  return [...node.childNodes].flatMap((child) => runs(child, here));
}

function marked(run) {
  const [, before, words, after] = /^(\s*)(.*?)(\s*)$/s.exec(run.text);
  if (!words) return run.text;
  const sign = `${run.bold ? "**" : ""}${run.italic ? "*" : ""}`;
  const inside = `${sign}${escaped(words)}${[...sign].reverse().join("")}`;
  return `${before}${run.href ? `[${inside}](${run.href})` : inside}${after}`;
}

const alike = (one, other) => one && one.bold === other.bold && one.italic === other.italic && one.href === other.href;

function words(nodes, { plain = false } = {}) {
  const joined = [];
  nodes.flatMap((node) => runs(node)).forEach((run) => {
    const weighed = plain ? { ...run, bold: false } : run;
    const last = joined.at(-1);
    // White space alone has no weight: "**a** **b**" is "**a b**".
    if (alike(last, weighed) || (last && !weighed.text.trim())) last.text += weighed.text;
    else joined.push(weighed);
  });
  return joined.map(marked).join("").replace(/ *\n */g, "\n").replace(/ {2,}/g, " ").trim();
}

function wordList(node) {
  // Word's lists are paragraphs; the level stands in the style, the sign in a part that is not to be shown.
  const level = /mso-list:[^;]*level(\d)/.exec(style(node));
  if (!level && !/^MsoListParagraph/.test(node.className ?? "")) return null;
  const sign = [...node.querySelectorAll("[data-style]")].find((part) => /mso-list:ignore/.test(style(part)))?.textContent.trim() ?? "";
  return { depth: Number(level?.[1] ?? 1) - 1, ordered: /^([0-9]+|[a-z]|[ivx]+)[.)]/i.test(sign) };
}

function entry(text, depth, mark) {
  const [first, ...rest] = text.split("\n");
  const indent = "   ".repeat(depth); // enough under "-" and under "1."
  return [`${indent}${mark} ${first}`, ...rest.map((line) => `${indent}  ${line}`)].join("\n");
}

function list(node, depth, out) {
  let number = 0;
  [...node.children].forEach((item) => {
    if (/^(UL|OL)$/.test(item.nodeName)) return list(item, depth + 1, out); // Google Docs nests lists beside entries
    const inner = [...item.childNodes].filter((child) => !/^(UL|OL)$/.test(child.nodeName));
    const text = words(inner);
    number += 1;
    if (text) out.push({ list: true, text: entry(text, depth, node.nodeName === "OL" ? `${number}.` : "-") });
    return [...item.children].filter((child) => /^(UL|OL)$/.test(child.nodeName)).forEach((child) => list(child, depth + 1, out));
  });
}

function table(node, out) {
  const rows = [...node.rows].map((row) => [...row.cells].map((cell) => words([cell], { plain: row.rowIndex === 0 }).replaceAll("\n", " ").replaceAll("|", "\\|")));
  const width = Math.max(0, ...rows.map((row) => row.length));
  if (width < 2) return rows.forEach(([cell]) => cell && out.push({ text: cell })); // a table for layout only
  const line = (cells) => `| ${Array.from({ length: width }, (_, at) => cells[at] ?? "").join(" | ")} |`;
  return out.push({ text: [line(rows[0]), `|${"---|".repeat(width)}`, ...rows.slice(1).map(line)].join("\n") });
}

function heading(node) {
  const level = /^H([1-6])$/.exec(node.nodeName)?.[1] ?? /^MsoHeading([1-6])/.exec(node.className ?? "")?.[1];
  return level ? Number(level) : /^MsoTitle/.test(node.className ?? "") ? 1 : 0;
}

function blocks(node, out, shift) {
  let loose = [];
  const flush = () => {
    const text = words(loose);
    loose = [];
    if (text) out.push({ text: atStart(text) });
  };
  [...node.childNodes].forEach((child) => {
    if (child.nodeType !== Node.ELEMENT_NODE) return child.nodeType === Node.TEXT_NODE ? loose.push(child) : undefined;
    if (isHidden(child)) return undefined;
    const level = heading(child);
    const item = wordList(child);
    const holds = child.querySelector("p,div,h1,h2,h3,h4,h5,h6,ul,ol,table");
    if (!level && !item && !holds && !BLOCKS.has(child.nodeName) && !/^(UL|OL|TABLE|HR)$/.test(child.nodeName)) return loose.push(child);
    flush();
    if (level) {
      const text = words([child], { plain: true }).replaceAll("\n", " ");
      return text && out.push({ text: `${"#".repeat(Math.min(level + shift, DEEPEST))} ${text}` });
    }
    if (item) {
      const number = item.ordered ? 1 + (out.numbers?.[item.depth] ?? 0) : 0;
      out.numbers = { ...Object.fromEntries(Object.entries(out.numbers ?? {}).filter(([depth]) => depth < item.depth)), [item.depth]: number };
      const text = words([child]);
      return text && out.push({ list: true, text: entry(text, item.depth, item.ordered ? `${number}.` : "-") });
    }
    out.numbers = undefined;
    if (/^(UL|OL)$/.test(child.nodeName)) return list(child, 0, out);
    if (child.nodeName === "TABLE") return table(child, out);
    if (child.nodeName === "HR") return undefined;
    return blocks(child, out, shift);
  });
  flush();
}

// Styles tell what Word means, but must not count as styles: the content policy would complain of each.
function inert(html) {
  const attributes = (tag) => tag.replace(/\s(style|on[a-z]+)(\s*=)/gi, (_, name, rest) => ` ${/^style$/i.test(name) ? "data-style" : "data-off"}${rest}`);
  return html.replace(/<style\b[\s\S]*?<\/style>/gi, "").replace(/<[a-z][^>]*>/gi, attributes);
}

// Markdown, or "" where the clipboard holds no structure and the plain text serves better.
export function toMarkdown(html) {
  const doc = new DOMParser().parseFromString(inert(html), "text/html");
  if (!doc.body.querySelector(STRUCTURE)) return "";
  const out = [];
  // The page's title is a field, so a text's own first level becomes our first: ##.
  blocks(doc.body, out, doc.body.querySelector("h1,.MsoTitle,.MsoHeading1") ? 1 : 0);
  return out.map(({ text, list: isList }, at) => `${at ? (isList && out[at - 1].list ? "\n" : "\n\n") : ""}${text}`).join("");
}
