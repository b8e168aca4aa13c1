// A new picture, from the button, the clipboard or dropped on the text. It always asks for the words first.

import { send } from "./ask.js";
import { languageOf } from "./form.js";
import { putBlock } from "./write.js";

const PICTURE = /^image\//;

const pictures = (transfer) => [...transfer?.files ?? []].filter((file) => PICTURE.test(file.type));

export function startUpload(editor, field, dialog, forget) {
  const form = dialog.querySelector("[data-upload-form]");
  const refusal = form.querySelector("[data-refusal]");
  const open = (file) => {
    if (file) {
      const transfer = new DataTransfer();
      transfer.items.add(file);
      form.elements.picture.files = transfer.files;
    }
    refusal.hidden = true;
    if (!dialog.open) dialog.showModal();
    if (file) form.elements.title.focus();
  };
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    const body = new FormData(form);
    body.set("language", languageOf(field));
    button.disabled = true;
    refusal.hidden = true;
    const answer = await send(editor, editor.dataset.upload, body);
    button.disabled = false;
    if (answer.status === 201) {
      form.reset();
      dialog.close();
      forget();
      putBlock(field, answer.data.snippet);
      return;
    }
    const sentences = Object.values(answer.data.errors ?? {}).flat().map((error) => error.message);
    refusal.textContent = [answer.data.error ?? "The picture could not be sent. Please try again.", ...sentences].join(" ");
    refusal.hidden = false;
  });
  // Anything but a picture is left to the browser.
  field.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  field.addEventListener("drop", (event) => {
    const [file] = pictures(event.dataTransfer);
    if (!file) return;
    event.preventDefault();
    open(file);
  });
  return { open, pictures };
}
