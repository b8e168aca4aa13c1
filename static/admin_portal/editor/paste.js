// Pasting: text from Word or a web page becomes Markdown, and a picture opens its dialog. "Paste as plain text" has no
// HTML and is left to the browser.

import { gettext } from "../i18n.js";
import { toMarkdown } from "./html_to_markdown.js";
import { plainNotes } from "./paste_notice.js";
import { insertText, insertParagraphs } from "./insert_text.js";

const plainTextOf = (markdown) => markdown.replace(/\\\n/g, "\n").replace(/\\([^\w\s])/g, "$1").replace(/\s+/g, "");

// Return the spaces before and after a text from the middle of a sentence: each " " or "".
export const spaceAround = (text) => [0, -1].map((at) => (/[ \u00a0]/.test(text.at(at) ?? "") ? " " : ""));

// Return the clipboard's contents: a picture, and its HTML as Markdown.
export function readClipboard(data, upload) {
  const html = data?.getData("text/html");
  const [picture] = upload.pictures(data);
  return { picture, made: html?.trim() ? toMarkdown(html) : { markdown: "", notes: [], isStructured: false } };
}

export function startPaste(field, upload, list, say) {
  field.addEventListener("paste", (event) => {
    const html = event.clipboardData?.getData("text/html");
    const plain = event.clipboardData?.getData("text/plain") ?? "";
    const { picture, made } = readClipboard(event.clipboardData, upload);
    // With text, Word also copies a picture of it; with a picture, a browser also copies its HTML.
    if (picture && !made.markdown) {
      event.preventDefault();
      upload.open(picture);
      return;
    }
    const isRicher = made.isStructured || plainTextOf(made.markdown) !== plainTextOf(plain);
    if (!html?.trim() || !isRicher || made.markdown === plain.trim()) {
      list([...made.notes, ...plainNotes(plain)]);
      return;
    }
    event.preventDefault();
    if (made.isInline) insertText(field, spaceAround(plain).join(made.markdown));
    else if (made.markdown) insertParagraphs(field, made.markdown);
    list(made.notes);
    say(gettext("The pasted text was converted to Markdown. Press Ctrl+Z to undo."));
  });
}
