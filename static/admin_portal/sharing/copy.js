// Copies a finished text in one click and says so. Without it, the text can be selected and copied by hand.
const said = document.createElement("p");
said.setAttribute("role", "status");
said.className = "copy-status";
document.querySelector("#content")?.append(said);

// The field that a button names, or the words that it carries itself.
const words = (button) => document.getElementById(button.dataset.copy)?.value ?? button.dataset.copyText;

// The older way: it works over plain http too, and leaves HTML as it is, where navigator.clipboard strips its styles.
function copyByEvent(parts) {
  let done = false;
  const put = (event) => {
    for (const [type, text] of Object.entries(parts)) event.clipboardData.setData(type, text);
    event.preventDefault();
    done = true;
  };
  document.addEventListener("copy", put);
  document.execCommand("copy");
  document.removeEventListener("copy", put);
  return done;
}

async function copy(button) {
  const parts = { "text/plain": words(button) };
  const html = document.getElementById(button.dataset.copyHtml)?.value;
  if (html) parts["text/html"] = html;
  if (!copyByEvent(parts)) await navigator.clipboard.writeText(parts["text/plain"]);
}

// Where the browser does not let a page write to the clipboard, the text is marked for Ctrl+C.
function mark(button) {
  const field = document.getElementById(button.dataset.copyHtml ?? button.dataset.copy);
  field?.closest("details")?.setAttribute("open", "");
  field?.focus();
  field?.select();
}

function tell(button, sentence) {
  const label = button.querySelector("[data-label]");
  label.dataset.before ??= label.textContent;
  label.textContent = sentence;
  setTimeout(() => { label.textContent = label.dataset.before; }, 4000);
  // Emptied first, so that the same sentence is read out a second time, too.
  said.textContent = "";
  setTimeout(() => { said.textContent = `${sentence} ${button.dataset.what}`; }, 50);
}

for (const button of document.querySelectorAll("[data-copy], [data-copy-text]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await copy(button);
      tell(button, "Copied.");
    } catch {
      mark(button);
      tell(button, "Marked: press Ctrl+C.");
    }
  });
}
