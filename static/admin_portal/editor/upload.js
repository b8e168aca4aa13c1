// A new picture, from the button, the clipboard or dropped on the text. Staff check and save it in another tab; then it is
// inserted into the text, which stays open here.

import { gettext } from "../i18n.js";
import { all, getJson, postForm } from "./api.js";
import { insertBlock } from "./insert_text.js";

const PICTURE = /^image\//;
const ASK_EVERY = 4000; // milliseconds

const pictures = (transfer) => [...transfer?.files ?? []].filter((file) => PICTURE.test(file.type));

export function startUpload(editor, field, dialog, forget) {
  const form = dialog.querySelector("[data-upload-form]");
  const refusal = form.querySelector("[data-refusal]");
  const said = form.querySelector("[data-said]");
  const link = form.querySelector("[data-check-link]");
  let saved = ""; // address that reports on the picture that is being checked
  let timer = 0;

  const step = (name) => all("[data-step]", form).forEach((part) => { part.hidden = part.dataset.step !== name; });
  const refuse = (sentence) => {
    refusal.textContent = sentence;
    refusal.hidden = !sentence;
  };
  const end = () => {
    saved = "";
    clearTimeout(timer);
    form.reset();
    step("choose");
    refuse("");
    said.textContent = "";
    if (dialog.open) dialog.close();
  };

  const open = (file) => {
    if (!saved && file) {
      const transfer = new DataTransfer();
      transfer.items.add(file);
      form.elements.picture.files = transfer.files;
    }
    if (!saved) refuse("");
    if (!dialog.open) dialog.showModal();
    if (file && !saved) form.querySelector("[type=submit]").focus();
  };

  // Polls every few seconds, and whenever this tab gets the focus.
  async function look() {
    clearTimeout(timer);
    if (!saved) return;
    const asked = saved;
    const answer = await getJson(asked, { headers: { Accept: "application/json", "X-Background": "1" } });
    if (asked !== saved) return;
    if (answer.data.snippet) {
      const { snippet } = answer.data;
      end();
      forget();
      insertBlock(field, snippet);
      return;
    }
    if (answer.data.expired) {
      saved = "";
      step("choose");
      form.reset();
      refuse(answer.data.expired);
      return;
    }
    said.textContent = answer.status === 200 ? "" : answer.data.error ?? gettext("The site did not answer. Trying again.");
    timer = setTimeout(look, ASK_EVERY);
  }

  all("[data-close]", dialog).forEach((button) => button.addEventListener("click", end));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  window.addEventListener("focus", look);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    // Opened during the click: browsers block windows that are opened later.
    const tab = window.open("", "_blank");
    button.disabled = true;
    refuse("");
    const answer = await postForm(editor, editor.dataset.upload, new FormData(form));
    button.disabled = false;
    if (answer.status !== 201) {
      tab?.close();
      refuse(answer.data.error ?? gettext("The picture could not be sent. Please try again."));
      return;
    }
    saved = answer.data.saved;
    link.href = answer.data.next;
    if (tab) tab.location.replace(answer.data.next);
    step("check");
    link.focus();
    timer = setTimeout(look, ASK_EVERY);
  });
  // The browser handles anything but a picture.
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
