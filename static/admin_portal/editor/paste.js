// Pasting: text from Word or a web page becomes Markdown, a picture goes through its window. "Paste as plain text"
// brings no HTML with it and is left to the browser.

import { toMarkdown } from "./convert.js";
import { type } from "./write.js";

export function startPaste(field, upload, say) {
  field.addEventListener("paste", (event) => {
    const html = event.clipboardData?.getData("text/html");
    const [picture] = upload.pictures(event.clipboardData);
    // Word puts a picture of the text beside the text.
    if (picture && !html?.trim()) {
      event.preventDefault();
      upload.open(picture);
      return;
    }
    const markdown = html ? toMarkdown(html) : "";
    if (!markdown || markdown === event.clipboardData.getData("text/plain").trim()) return;
    event.preventDefault();
    type(field, markdown);
    say("The pasted text was turned into Markdown. Control Z takes it back.");
  });
}
