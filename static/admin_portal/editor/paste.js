// Pasting: text from Word or a web page becomes Markdown, a picture opens its dialog. "Paste as plain text" brings no
// HTML and is left to the browser.

import { toMarkdown } from "./convert.js";
import { plainNotes, startPasteNotice } from "./paste_notice.js";
import { type, typeBlocks } from "./write.js";

const spoken = (markdown) => markdown.replace(/\\\n/g, "\n").replace(/\\([^\w\s])/g, "$1").replace(/\s+/g, "");

export function startPaste(editor, field, upload, say) {
  const list = startPasteNotice(editor, field);
  field.addEventListener("paste", (event) => {
    const html = event.clipboardData?.getData("text/html");
    const plain = event.clipboardData?.getData("text/plain") ?? "";
    const [picture] = upload.pictures(event.clipboardData);
    const made = html?.trim() ? toMarkdown(html) : { markdown: "", notes: [], isStructured: false };
    // Word puts a picture of the text beside the text; a browser puts the HTML of a picture beside the picture.
    if (picture && !made.markdown) {
      event.preventDefault();
      upload.open(picture);
      return;
    }
    const says = made.isStructured || spoken(made.markdown) !== spoken(plain);
    if (!html?.trim() || !says || made.markdown === plain.trim()) {
      list([...made.notes, ...plainNotes(plain)]);
      return;
    }
    event.preventDefault();
    // Words from the middle of a sentence bring the space around them.
    const space = (at) => (/[ \u00a0]/.test(plain.at(at) ?? "") ? " " : "");
    if (made.isInline) type(field, space(0) + made.markdown + space(-1));
    else if (made.markdown) typeBlocks(field, made.markdown);
    list(made.notes);
    say("The pasted text was turned into Markdown. Control Z takes it back.");
  });
}
