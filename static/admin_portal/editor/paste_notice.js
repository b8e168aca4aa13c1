// What a paste left out or changed, listed above the text until staff close the list.

import { format, gettext, ngettext } from "../i18n.js";
import { focusText } from "./insert_text.js";
import { FOREIGN_BULLET, isLone, listNumber } from "./lists.js";

const SENTENCES = {
  deleted: gettext("Deleted or crossed-out words were left out:"),
  inserted: gettext("Words added with Track Changes are in the text:"),
  comment: gettext("Comments were left out:"),
  hidden: gettext("Hidden text was left out:"),
  contents: gettext("A table of contents was left out:"),
  textbox: gettext("Text boxes were left out:"),
  picture: gettext("Pictures were left out. Upload each one, and then insert it:"),
  media: gettext("Videos, embedded pages, and other embedded files were left out:"),
  control: gettext("Buttons and form fields were left out:"),
  link: gettext("These words lost their link, because its address does not work on a public page:"),
  insecure: gettext("These links start with http://, so the page cannot be published. Change them to https://, or remove them:"),
  space: gettext("The addresses of these links contain a space, so they may lead nowhere. Correct or remove them:"),
  colored: gettext("Words lost their color or highlighting. If the color means something, say it in words:"),
  underlined: gettext("Underlined words are bold now:"),
  script: gettext("Raised or lowered characters are written with ^ or _. Check them:"),
  equation: gettext("Equations are written as text. Check them:"),
  symbol: gettext("Some symbols could not be read and are written as [symbol]. Replace them:"),
  footnote: gettext("Note numbers are plain text in brackets. For a source, insert a citation instead:"),
  mark: gettext("Raised note marks were left out. For a source, insert a citation instead:"),
  number: gettext("These list labels became plain numbers. Check text that refers to them:"),
  checkbox: gettext("Check boxes are written as ☐ and ☑:"),
  merged: gettext("Merged table cells were split. Their text is in each cell they covered:"),
  cell: gettext("Lines in a table cell were joined into one line:"),
  nested: gettext("A table inside a table cell was written as one line:"),
  head: gettext("The first row became the table’s header row. Check that it should be:"),
  tab: gettext("Tabs became spaces. If they made columns, insert a table instead:"),
  direction: gettext("Marks that reverse the reading direction were removed. Check the order:"),
  markup: gettext("Markdown reads these lines as a list, a heading, or code. To keep them as text, put \\ before the first character "
    + "(for a number, before its period):"),
  bullet: gettext("Typed bullets run together into one paragraph. Start each line with “- ” instead:"),
};
const MAX_SHOWN = 12; // pieces of text shown of each kind
const MAX_LENGTH = 160; // characters of each

const shorten = (words) => {
  const text = words.replace(/\s+/g, " ").trim();
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)} …` : text;
};

function buildItem(kind, texts) {
  const item = document.createElement("li");
  const words = texts.slice(0, MAX_SHOWN).map((text) => `“${shorten(text)}”`).join(", ");
  item.dataset.kind = kind;
  const count = texts.length - MAX_SHOWN;
  const list = count > 0 ? format(gettext("%(list)s, and %(count)s more"), { list: words, count }) : words;
  item.append(Object.assign(document.createElement("strong"), { textContent: SENTENCES[kind] }), ` ${list}`);
  return item;
}

// Reports plain text that Markdown would read as markup.
export function plainNotes(text) {
  const lines = text.split(/\r?\n/);
  const numbers = lines.map(listNumber);
  const notes = [];
  lines.forEach((line, at) => {
    const isLoneNumber = numbers[at] >= 0 && isLone(numbers, at);
    const isUnderline = /^ {0,3}(=+|-+)\s*$/.test(line) && lines[at - 1]?.trim() && !/^\s*\|/.test(lines[at - 1]);
    const isIndented = /^( {4,}|\t)\S/.test(line) && !lines[at - 1]?.trim();
    if (isLoneNumber || isUnderline || isIndented) notes.push(["markup", line]);
    else if (FOREIGN_BULLET.test(line)) notes.push(["bullet", line]);
    else if (/\S\t+\S/.test(line)) notes.push(["tab", line]);
  });
  return notes;
}

export function startPasteNotice(editor, field) {
  const box = editor.querySelector("[data-pasted]");
  function close() {
    box.replaceChildren();
    focusText(field);
  }
  // The list also shows what earlier pastes left out, until it is closed.
  const shown = new Map();
  return (notes) => {
    if (!notes.length) return;
    if (!box.firstChild) shown.clear();
    notes.forEach(([kind, words]) => {
      if (words) shown.set(kind, new Set([...shown.get(kind) ?? [], words]));
    });
    const list = document.createElement("ul");
    Object.keys(SENTENCES).filter((kind) => shown.has(kind)).forEach((kind) => list.append(buildItem(kind, [...shown.get(kind)])));
    const count = list.childElementCount;
    const heading = document.createElement("p");
    heading.textContent = format(ngettext("The pasted text differs from the original in %(count)s way.", "The pasted text differs from the original in %(count)s ways.", count), { count });
    const details = document.createElement("details");
    const summary = document.createElement("summary");
    summary.textContent = gettext("Show the list");
    details.append(summary, list);
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "line-button", textContent: gettext("Close this list") });
    button.addEventListener("click", close);
    box.replaceChildren(heading, details, button);
  };
}
