// The dialog for choosing a picture, opened by the visual editor's Picture button and by the picture fields of forms.

import { gettext } from "../i18n.js";
import { checkChoice, createPictureList } from "./choice_lists.js";
import { onDialogResult } from "./dialog_result.js";

// Return a function that opens the dialog and resolves to the key of a picture, or to undefined if none was chosen.
// ``upload``: opens the dialog for a new picture.
export function createPictureChooser(dialog, { upload }) {
  const form = dialog.querySelector("form");
  const title = dialog.querySelector(".dialog__title");
  const put = form.querySelector("[value=put]");
  const uploadButton = form.querySelector("[value=upload]");
  const pictures = createPictureList(dialog);
  let finish = () => {};
  onDialogResult(dialog, (value) => {
    finish(value === "put" ? new FormData(form).get("choice") ?? undefined : undefined);
    if (value === "upload") upload();
  }, (value) => value !== "put" || checkChoice(form.querySelector("[data-list]"), form.querySelector("[data-count]")));
  // ``load``: returns the rows of the picture list, or undefined if they cannot be had. ``canUpload``: a new picture
  // would go into the text. The dialog opens at once; search words typed while the list is loading are applied.
  return async ({ load, chosen = "", name, action, canUpload = false }) => {
    title.textContent = name;
    put.textContent = action;
    uploadButton.hidden = !canUpload;
    pictures.clear();
    const choice = new Promise((resolve) => { finish = resolve; });
    dialog.showModal();
    const rows = await load();
    pictures.fill({ rows: rows ?? [], chosen, error: rows ? "" : gettext("The list could not be loaded. Please try again.") });
    pictures.showChosen();
    return choice;
  };
}
