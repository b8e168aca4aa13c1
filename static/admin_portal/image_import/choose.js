// Choose or drop a file, with a progress bar. Without this script, the form is a plain upload.

import { format, gettext } from "../i18n.js";

const form = document.querySelector("[data-drop]");
const field = form.querySelector("[type=file]");
const errorBox = document.querySelector("[data-error]");
const progress = form.querySelector("[data-progress]");
const progressBar = progress.querySelector("progress");
const status = progress.querySelector("[data-message]");
const button = form.querySelector("[type=submit]");
const UNREADABLE = gettext("The picture could not be read. Please try again.");
const SIGNED_OUT = gettext("You are signed out. Sign in again in another window, then choose the file again.");

form.querySelector("[data-hint]").hidden = false;
form.addEventListener("dragover", (event) => {
  event.preventDefault();
  form.dataset.over = "";
});
form.addEventListener("dragleave", () => delete form.dataset.over);
form.addEventListener("drop", (event) => {
  event.preventDefault();
  delete form.dataset.over;
  if (!event.dataTransfer.files.length || button.disabled) return;
  field.files = event.dataTransfer.files;
  form.requestSubmit();
});

function showError(sentence) {
  errorBox.textContent = sentence;
  errorBox.hidden = false;
  progress.hidden = true;
  button.disabled = false;
  errorBox.scrollIntoView({ block: "nearest" });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const request = new XMLHttpRequest();
  let announcedQuarter = -1;
  request.open("POST", window.location.href);
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    const percent = Math.floor((100 * loaded) / total);
    progressBar.value = percent;
    // Announce progress to screen readers in quarters, not at each percent.
    if (Math.floor(percent / 25) > announcedQuarter && percent < 100) status.textContent = format(gettext("%(percent)s% sent"), { percent });
    announcedQuarter = Math.max(announcedQuarter, Math.floor(percent / 25));
  });
  request.upload.addEventListener("load", () => {
    progressBar.removeAttribute("value");
    status.textContent = gettext("Reading the picture…");
  });
  request.addEventListener("load", () => {
    if (request.status === 201) window.location.assign(request.response.next);
    else showError(request.response?.error ?? (request.status === 200 ? SIGNED_OUT : UNREADABLE));
  });
  request.addEventListener("error", () => showError(gettext("The picture could not be sent. Check your connection, then try again.")));
  errorBox.hidden = true;
  button.disabled = true;
  progressBar.value = 0;
  status.textContent = gettext("Sending…");
  progress.hidden = false;
  request.send(new FormData(form));
});
