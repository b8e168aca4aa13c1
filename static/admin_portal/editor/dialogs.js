// Dialogs that insert a block or a few words of Markdown.

import { format, gettext } from "../i18n.js";
import { all } from "./api.js";
import { BLOCKS } from "./blocks.js";
import { isAddress } from "./addresses.js";
import { checkChoice, startChoiceLists } from "./choice_lists.js";
import { onDialogResult } from "./dialog_result.js";
import { createPictureChooser } from "./picture_chooser.js";
import { createPictureTexts } from "./picture_texts.js";
import { startUpload } from "./upload.js";
import { focusText, goToLine, insertBlock, insertText, linkText, removeSelection, selectedText } from "./insert_text.js";
import { blockName } from "./markup.js";

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
    // What was typed while the list was loading stays.
    if (page || url.value) return;
    url.value = href;
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
  const { blocks } = JSON.parse(editor.dataset.visual);
  const lineOf = (name) => field.value.split("\n").findIndex((line) => blockName(line) === name) + 1;
  // Go to the block that a page can have only once. Returns whether the page has it.
  function goToOnlyBlock(name) {
    const line = blocks[name]?.once ? lineOf(name) : 0;
    if (!line) return false;
    goToLine(field, line);
    editor.querySelector("[data-live]").textContent = format(gettext("This page already has “%(name)s”. We moved the cursor to it."), { name: blocks[name].label });
    return true;
  }
  // All chances on a page use the same total.
  function chooseTotal(select) {
    const total = /\sin\s+(\d+)/.exec(field.value.split("\n")[lineOf("chance") - 1] ?? "")?.[1];
    if ([...select.options].some(({ value }) => value === total)) select.value = total;
  }
  all("dialog[data-dialog]:not([data-taken])").forEach((dialog) => {
    const name = dialog.dataset.dialog;
    dialog.dataset.taken = "";
    windows[name] = dialog;
    const form = dialog.querySelector("[data-insert]");
    if (!form) return;
    lists.start(dialog, name);
    onDialogResult(dialog, (value) => {
      if (value === "put") {
        // Selected lines that were copied into the dialog return inside the block.
        if (dialog.dataset.took === selectedText(field)) removeSelection(field);
        const given = answers(form);
        const put = BLOCKS[name](given, lists.find(name, given.choice) ?? { name: "" });
        if (put.inline) insertText(field, put.text);
        else if (put && !goToOnlyBlock(blockName(put))) insertBlock(field, put);
      } else focusText(field);
      form.reset();
    }, (value) => {
      const list = form.querySelector("[data-list]");
      if (value !== "put" || !list || isAddress(answers(form).url ?? "")) return true;
      return checkChoice(list, form.querySelector("[data-count]"));
    });
  });
  const upload = startUpload(editor, field, windows.upload, lists.forget);
  return {
    upload,
    editPictureTexts: createPictureTexts(editor, field, windows["picture-texts"]),
    choosePicture: createPictureChooser(windows["choose-picture"], { upload: () => upload.open() }),
    // ``chosen``: the key of the row that is there now; ``href``: the address of the link that is changed.
    async open(name, { chosen = "", href = "" } = {}) {
      const dialog = windows[name];
      if (Object.entries(blocks).some(([block, { dialog: own, fields }]) => own === name && fields.length && goToOnlyBlock(block))) return;
      const words = dialog.querySelector("[name=words]");
      if (words) words.value = linkText(field);
      const text = dialog.querySelector("textarea[name=lines]");
      delete dialog.dataset.took;
      if (text && selectedText(field).trim()) text.value = dialog.dataset.took = selectedText(field);
      if (name === "chance") chooseTotal(dialog.querySelector("[name=out_of]"));
      await lists.fill(dialog, name, () => dialog.showModal());
      const input = chosen && all("[name=choice], [name=value]", dialog).find((option) => option.value === chosen);
      if (input) input.checked = true;
      if (href) showLink(dialog, href);
    },
  };
}
