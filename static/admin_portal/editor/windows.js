// Small windows: what to put in, and a new picture.

import { all, send } from "./ask.js";
import { putBlock, putChoice } from "./write.js";

export function openWindows(editor, field) {
  document.body.append(editor.querySelector("template[data-windows]").content.cloneNode(true));
  const windows = {};
  all("dialog[data-window]:not([data-taken])").forEach((dialog) => {
    dialog.dataset.taken = "";
    windows[dialog.dataset.window] = dialog;
    const choice = dialog.querySelector("[data-choice]");
    if (choice) {
      dialog.addEventListener("close", () => {
        const option = choice.selectedOptions[0];
        if (dialog.returnValue === "put" && option) putChoice(field, option.value, option.textContent);
        dialog.returnValue = "";
      });
    }
  });
  const dialog = windows.upload;
  const form = dialog.querySelector("[data-upload-form]");
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    const refusal = form.querySelector("[data-refusal]");
    const body = new FormData(form);
    const language = field.form.querySelector("[name=language]")?.value || editor.dataset.language || "en";
    body.set("language", language);
    button.disabled = true;
    refusal.hidden = true;
    const answer = await send(editor, editor.dataset.upload, body);
    button.disabled = false;
    if (answer.status === 201) {
      form.reset();
      dialog.close();
      putBlock(field, answer.data.snippet);
      return;
    }
    const sentences = Object.values(answer.data.errors ?? {}).flat().map((error) => error.message);
    refusal.textContent = [answer.data.error ?? "The picture could not be sent. Please try again.", ...sentences].join(" ");
    refusal.hidden = false;
  });
  return windows;
}
