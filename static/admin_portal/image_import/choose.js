// Choose or drop a file, with a progress bar. Without this script, the form is a plain upload.

import { format, gettext } from "../i18n.js";

const form = document.querySelector("[data-drop]");
const field = form.querySelector("[type=file]");
const refusal = document.querySelector("[data-refusal]");
const progress = form.querySelector("[data-progress]");
const bar = progress.querySelector("progress");
const said = progress.querySelector("[data-said]");
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

function refuse(sentence) {
  refusal.textContent = sentence;
  refusal.hidden = false;
  progress.hidden = true;
  button.disabled = false;
  refusal.scrollIntoView({ block: "nearest" });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const request = new XMLHttpRequest();
  let told = -1;
  request.open("POST", window.location.href);
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    const part = Math.floor((100 * loaded) / total);
    bar.value = part;
    // Announce progress to screen readers in quarters, not at each percent.
    if (Math.floor(part / 25) > told && part < 100) said.textContent = format(gettext("%(percent)s % sent"), { percent: part });
    told = Math.max(told, Math.floor(part / 25));
  });
  request.upload.addEventListener("load", () => {
    bar.removeAttribute("value");
    said.textContent = gettext("Reading the picture …");
  });
  request.addEventListener("load", () => {
    if (request.status === 201) window.location.assign(request.response.next);
    else refuse(request.response?.error ?? (request.status === 200 ? SIGNED_OUT : UNREADABLE));
  });
  request.addEventListener("error", () => refuse(gettext("The picture could not be sent. Check your connection, then try again.")));
  refusal.hidden = true;
  button.disabled = true;
  bar.value = 0;
  said.textContent = gettext("Sending …");
  progress.hidden = false;
  request.send(new FormData(form));
});
