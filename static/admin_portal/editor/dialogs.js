// Dialogs that insert a block or a few words of Markdown.

import { all } from "./api.js";
import { BLOCKS } from "./blocks.js";
import { startChoiceLists } from "./choice_lists.js";
import { startUpload } from "./upload.js";
import { insertBlock, removeSelection, insertText } from "./insert_text.js";

function answers(form) {
  const data = new FormData(form);
  return { ...Object.fromEntries(data), all: data.getAll("choice") };
}

function selected(field) {
  return field.value.slice(field.selectionStart, field.selectionEnd);
}

export function createDialogs(editor, field) {
  document.body.append(editor.querySelector("template[data-windows]").content.cloneNode(true));
  const windows = {};
  const lists = startChoiceLists(editor, field);
  all("dialog[data-window]:not([data-taken])").forEach((dialog) => {
    const name = dialog.dataset.window;
    dialog.dataset.taken = "";
    windows[name] = dialog;
    const form = dialog.querySelector("[data-put]");
    if (!form) return;
    lists.start(dialog, name);
    form.addEventListener("submit", (event) => {
      // At least one box must be checked; HTML cannot require one of several checkboxes.
      if (event.submitter?.value === "put" && name === "care" && !answers(form).all.length) event.preventDefault();
    });
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "put") {
        // Selected lines that were copied into the dialog return inside the block.
        if (dialog.dataset.took === selected(field)) removeSelection(field);
        const given = answers(form);
        const put = BLOCKS[name](given, lists.find(name, given.choice) ?? { name: "" });
        if (put.inline) insertText(field, put.text);
        else if (put) insertBlock(field, put);
      } else field.focus();
      dialog.returnValue = "";
      form.reset();
    });
  });
  const upload = startUpload(editor, field, windows.upload, lists.forget);
  return {
    upload,
    async open(name) {
      const dialog = windows[name];
      const words = dialog.querySelector("[name=words]");
      if (words) words.value = selected(field);
      const text = dialog.querySelector("textarea[name=lines]");
      delete dialog.dataset.took;
      if (text && selected(field).trim()) text.value = dialog.dataset.took = selected(field);
      await lists.fill(dialog, name);
      dialog.showModal();
    },
  };
}
