// Copies text in one click and announces it. Without this script, staff can select and copy the text by hand.

import { gettext } from "../i18n.js";

const status = document.createElement("p");
status.setAttribute("role", "status");
status.className = "copy-status";
document.querySelector("#content")?.append(status);

// The value of the field that the button names, or the button's own text.
const textOf = (button) => document.getElementById(button.dataset.copy)?.value ?? button.dataset.copyText;

// execCommand also works over plain HTTP, and keeps the styles in HTML that navigator.clipboard strips.
function copyByEvent(parts) {
  let isCopied = false;
  const setData = (event) => {
    for (const [type, text] of Object.entries(parts)) event.clipboardData.setData(type, text);
    event.preventDefault();
    isCopied = true;
  };
  document.addEventListener("copy", setData);
  document.execCommand("copy");
  document.removeEventListener("copy", setData);
  return isCopied;
}

async function copy(button) {
  const parts = { "text/plain": textOf(button) };
  const html = document.getElementById(button.dataset.copyHtml)?.value;
  if (html) parts["text/html"] = html;
  if (!copyByEvent(parts)) await navigator.clipboard.writeText(parts["text/plain"]);
}

// If the browser does not let a page write to the clipboard, select the text for Ctrl+C.
function selectText(button) {
  const field = document.getElementById(button.dataset.copyHtml ?? button.dataset.copy);
  field?.closest("details")?.setAttribute("open", "");
  field?.focus();
  field?.select();
}

function showMessage(button, sentence) {
  const label = button.querySelector("[data-label]");
  label.dataset.before ??= label.textContent;
  label.textContent = sentence;
  setTimeout(() => { label.textContent = label.dataset.before; }, 4000);
  // Clear it first, so that screen readers announce the same sentence again.
  status.textContent = "";
  setTimeout(() => { status.textContent = `${sentence} ${button.dataset.what}`; }, 50);
}

for (const button of document.querySelectorAll("[data-copy], [data-copy-text]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await copy(button);
      showMessage(button, gettext("Copied."));
    } catch {
      selectText(button);
      showMessage(button, gettext("Selected: press Ctrl+C."));
    }
  });
}
