// Dialogs that insert a block or a few words of Markdown.

import { all } from "./api.js";
import { BLOCKS } from "./blocks.js";
import { startChoiceLists } from "./choice_lists.js";
import { createPictureChooser } from "./picture_chooser.js";
import { startUpload } from "./upload.js";
import { focusText, insertBlock, insertText, removeSelection, selectedText } from "./insert_text.js";

function answers(form) {
  const data = new FormData(form);
  return { ...Object.fromEntries(data), all: data.getAll("choice") };
}

// Show where a link leads now.
function showLink(dialog, href) {
  const [, page, section = ""] = /^page:([^#]*)#?(.*)$/.exec(href) ?? [];
  const row = all("[name=choice]", dialog).find((input) => input.value === page);
  if (!row) {
    const url = dialog.querySelector("[name=url]");
    url.value = page ? "" : href;
    url.dispatchEvent(new Event("input", { bubbles: true }));
    return;
  }
  row.checked = true;
  row.dispatchEvent(new Event("change", { bubbles: true }));
  dialog.querySelector("[name=section]").value = section;
  row.scrollIntoView({ block: "nearest" });
}

export function createDialogs(editor, field) {
  document.body.append(editor.querySelector("template[data-dialogs]").content.cloneNode(true));
  const windows = {};
  const lists = startChoiceLists(editor, field);
  all("dialog[data-dialog]:not([data-taken])").forEach((dialog) => {
    const name = dialog.dataset.dialog;
    dialog.dataset.taken = "";
    windows[name] = dialog;
    const form = dialog.querySelector("[data-insert]");
    if (!form) return;
    lists.start(dialog, name);
    form.addEventListener("submit", (event) => {
      // At least one box must be checked; HTML cannot require one of several checkboxes.
      if (event.submitter?.value === "put" && name === "care" && !answers(form).all.length) event.preventDefault();
    });
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "put") {
        // Selected lines that were copied into the dialog return inside the block.
        if (dialog.dataset.took === selectedText(field)) removeSelection(field);
        const given = answers(form);
        const put = BLOCKS[name](given, lists.find(name, given.choice) ?? { name: "" });
        if (put.inline) insertText(field, put.text);
        else if (put) insertBlock(field, put);
      } else focusText(field);
      dialog.returnValue = "";
      form.reset();
    });
  });
  const upload = startUpload(editor, field, windows.upload, lists.forget);
  return {
    upload,
    choosePicture: createPictureChooser(windows["choose-picture"], { upload: () => upload.open() }),
    // ``chosen``: the key of the row that is there now; ``href``: the address of the link that is changed.
    async open(name, { chosen = "", href = "" } = {}) {
      const dialog = windows[name];
      const words = dialog.querySelector("[name=words]");
      if (words) words.value = selectedText(field);
      const text = dialog.querySelector("textarea[name=lines]");
      delete dialog.dataset.took;
      if (text && selectedText(field).trim()) text.value = dialog.dataset.took = selectedText(field);
      await lists.fill(dialog, name);
      const input = chosen && all("[name=choice], [name=value]", dialog).find((option) => option.value === chosen);
      if (input) input.checked = true;
      if (href) showLink(dialog, href);
      dialog.showModal();
    },
  };
}
