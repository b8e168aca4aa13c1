// Crop and cover: the rectangles on the picture, and the result rendered by the server.

import { getJson } from "../editor/api.js";
import { format, gettext } from "../i18n.js";
import { Rectangles } from "./rectangles.js";
import { RedactionCanvas } from "./redaction.js";
import { DetectedText } from "./detected_text.js";

const DEBOUNCE_MS = 350;
const form = document.querySelector("[data-check]");
const find = (name) => form.querySelector(`[data-${name}]`);
const status = find("message");
const undoButton = find("undo");
const resultImage = find("result-image");
const seenHash = find("seen-hash");
const confirmation = form.querySelector("[name=deidentified]");
const problems = document.querySelector("[data-problems]");
let timer = 0;
let latestRequest = 0;

const rectangles = new Rectangles(find("rectangles"), () => {
  stage.draw();
  undoButton.disabled = rectangles.before.length === 0;
  clearTimeout(timer);
  timer = setTimeout(loadResult, DEBOUNCE_MS);
});
const stage = new RedactionCanvas(find("marks"), rectangles, {
  help: "stage-help",
  picked: () => form.querySelector("[name=draw]:checked").value,
});

const text = new DetectedText(form, rectangles, { say: (sentence) => { status.textContent = sentence; }, looked: loadResult });

for (const name of ["tools", "stage-help"]) find(name).hidden = false;
find("marks").removeAttribute("hidden");
find("show").hidden = true;
stage.draw();

form.querySelectorAll("[data-add]").forEach((button) =>
  button.addEventListener("click", () => {
    const kind = button.dataset.add;
    const there = kind === "cut" && rectangles.now.cut;
    const index = there ? 0 : rectangles.add(kind, kind === "cut" ? [10, 10, 80, 80] : [40, 45, 20, 10]);
    if (index < 0) status.textContent = rectangles.limitMessage();
    else stage.focus(kind, index);
  }),
);
undoButton.addEventListener("click", () => {
  rectangles.undo();
  status.textContent = gettext("Undone.");
  if (undoButton.disabled) form.querySelector("[data-add]").focus();
});

/** Request the result from the server and show exactly that. */
async function loadResult() {
  const number = ++latestRequest;
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (/^(cut|box)-/.test(name)) fields.set(name, value);
  const { status: code, data: result } = await getJson(`${form.dataset.result}?${fields}`);
  if (number !== latestRequest) return;
  if (!result.seen_sha256) {
    showError((code && result.error) || gettext("The result could not be shown. Check that you are connected and signed in."));
    return;
  }
  problems.replaceChildren();
  text.showCovered(result.covered);
  if (seenHash.value === result.seen_sha256) return;
  seenHash.value = result.seen_sha256;
  resultImage.width = result.width;
  resultImage.height = result.height;
  resultImage.src = find("result-link").href = `${form.dataset.result}?${fields}`;
  find("size").textContent = format(gettext("%(width)s × %(height)s pixels"), result);
  showDuplicate(result.duplicate);
  status.textContent = confirmation.checked
    ? gettext("The result has changed. Look again, then check the box.") : gettext("The result has changed.");
  confirmation.checked = false;
}

function showError(sentence) {
  const box = document.createElement("div");
  box.className = "errornote";
  box.setAttribute("role", "alert");
  box.append(Object.assign(document.createElement("p"), { textContent: sentence }));
  problems.replaceChildren(box);
}

function showDuplicate(slug) {
  const link = find("same-link");
  find("same").hidden = !slug;
  link.textContent = slug;
  link.href = link.dataset.pattern + encodeURIComponent(slug);
}

form.addEventListener("submit", (event) => {
  if (event.submitter?.value === "show") {
    // Enter in a field submits with this button; the result is already shown here.
    event.preventDefault();
    loadResult();
    return;
  }
  if (!event.submitter?.hasAttribute("data-save")) return;
  find("saving").textContent = gettext("Creating picture sizes. This takes a few seconds…");
  // Wait until the browser has included the button's value in the form data.
  setTimeout(() => form.querySelectorAll("[type=submit]").forEach((button) => { button.disabled = true; }));
});
// When staff go back, the browser may restore this page from its cache with the buttons disabled.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  find("saving").textContent = "";
  form.querySelectorAll("[type=submit]").forEach((button) => { button.disabled = false; });
});
