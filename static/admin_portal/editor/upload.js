// A new picture, from the button, from the clipboard, or dropped on the text. Staff check and save it in another tab;
// then it is inserted into the text, which stays open here.

import { gettext } from "../i18n.js";
import { all, getJson, postForm } from "./api.js";
import { insertBlock } from "./insert_text.js";

const PICTURE = /^image\//;
const POLL_INTERVAL_MS = 4000;

const pictures = (transfer) => [...transfer?.files ?? []].filter((file) => PICTURE.test(file.type));

export function startUpload(editor, field, dialog, forget) {
  const form = dialog.querySelector("[data-upload-form]");
  const errorBox = form.querySelector("[data-error]");
  const status = form.querySelector("[data-message]");
  const link = form.querySelector("[data-check-link]");
  let statusUrl = ""; // address that reports on the picture that is being checked
  let timer = 0;

  const showStep = (name) => all("[data-step]", form).forEach((part) => { part.hidden = part.dataset.step !== name; });
  const showError = (sentence) => {
    errorBox.textContent = sentence;
    errorBox.hidden = !sentence;
  };
  const closeDialog = () => {
    statusUrl = "";
    clearTimeout(timer);
    form.reset();
    showStep("choose");
    showError("");
    status.textContent = "";
    if (dialog.open) dialog.close();
  };

  const open = (file) => {
    if (!statusUrl && file) {
      const transfer = new DataTransfer();
      transfer.items.add(file);
      form.elements.picture.files = transfer.files;
    }
    if (!statusUrl) showError("");
    if (!dialog.open) dialog.showModal();
    if (file && !statusUrl) form.querySelector("[type=submit]").focus();
  };

  // Polls every few seconds, and whenever this tab gets the focus.
  async function checkStatus() {
    clearTimeout(timer);
    if (!statusUrl) return;
    const requestedUrl = statusUrl;
    const result = await getJson(requestedUrl, { headers: { Accept: "application/json", "X-Background": "1" } });
    if (requestedUrl !== statusUrl) return;
    if (result.data.snippet) {
      const { snippet } = result.data;
      closeDialog();
      forget();
      insertBlock(field, snippet);
      return;
    }
    if (result.data.expired) {
      statusUrl = "";
      showStep("choose");
      form.reset();
      showError(result.data.expired);
      return;
    }
    status.textContent = result.status === 200 ? "" : result.data.error ?? gettext("The site isn’t responding. Trying again.");
    timer = setTimeout(checkStatus, POLL_INTERVAL_MS);
  }

  all("[data-close]", dialog).forEach((button) => button.addEventListener("click", closeDialog));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) checkStatus(); });
  window.addEventListener("focus", checkStatus);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    // Opened during the click: browsers block windows that are opened later.
    const tab = window.open("", "_blank");
    button.disabled = true;
    showError("");
    const result = await postForm(editor, editor.dataset.upload, new FormData(form));
    button.disabled = false;
    if (result.status !== 201) {
      tab?.close();
      showError(result.data.error ?? gettext("The picture could not be sent. Please try again."));
      return;
    }
    statusUrl = result.data.saved;
    link.href = result.data.next;
    if (tab) tab.location.replace(result.data.next);
    showStep("check");
    link.focus();
    timer = setTimeout(checkStatus, POLL_INTERVAL_MS);
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
