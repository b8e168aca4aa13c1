// Sliders for a DICOM frame's window; the server draws each picture.

import { getJson } from "../editor/api.js";
import { format, gettext } from "../i18n.js";

const DEBOUNCE_MS = 150;
const STEPS = 400;
const form = document.querySelector("[data-window]");
const takeForm = document.querySelector("[data-use-form]");
const button = document.querySelector("[data-take-button]");
const preview = document.querySelector("[data-shown]");
const errorBox = document.querySelector("[data-error]");
const status = form.querySelector("[data-message]");
const center = form.elements.center;
const width = form.elements.width;
const sliders = [...form.querySelectorAll("[data-slider]")];
let timer = 0;

const formatNumber = (value) => String(Number(Number(value).toPrecision(6)));

/** Return the filled-in fields. */
function fields() {
  return new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
}

function scheduleUpdate() {
  clearTimeout(timer);
  // Staff can only take the picture that is shown, so disable the button while one is loading.
  button.disabled = true;
  timer = setTimeout(show, DEBOUNCE_MS);
}

function show() {
  const wanted = fields();
  preview.src = `${preview.dataset.address}?${wanted}`;
  preview.dataset.wanted = wanted.toString();
}

preview.addEventListener("load", () => {
  if (preview.dataset.wanted === undefined) return;
  takeForm.querySelectorAll("[data-taken]").forEach((field) => field.remove());
  for (const [name, value] of new URLSearchParams(preview.dataset.wanted)) {
    const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
    field.dataset.taken = "";
    takeForm.append(field);
  }
  button.disabled = false;
  errorBox.hidden = true;
  document.querySelectorAll("[data-frame]").forEach((link) => {
    const address = fields();
    address.set("frame", link.dataset.frame);
    link.href = `?${address}`;
  });
});

preview.addEventListener("error", async () => {
  const { status: code, data } = await getJson(preview.src);
  errorBox.textContent = (code && data.error) || gettext("The picture cannot be shown. Check that you are connected and signed in.");
  errorBox.hidden = false;
});

/** Move the sliders to the typed numbers, or to the frame's own window without numbers. */
function updateSliders() {
  for (const slider of sliders) {
    const span = Number(slider.dataset.span);
    const defaultValue = slider.dataset.slider === "center" ? Number(slider.dataset.middle) : span;
    const typed = form.elements[slider.dataset.slider].value;
    slider.value = typed === "" ? defaultValue : Number(typed);
    slider.setAttribute("aria-valuetext", formatNumber(slider.value));
  }
}

for (const slider of sliders) {
  const span = Number(slider.dataset.span) || 1;
  const middle = Number(slider.dataset.middle ?? 0);
  slider.min = slider.dataset.slider === "center" ? middle - span / 2 : span / STEPS;
  slider.max = slider.dataset.slider === "center" ? middle + span / 2 : span;
  slider.step = span / STEPS;
  slider.hidden = false;
  slider.addEventListener("input", () => {
    for (const other of sliders) form.elements[other.dataset.slider].value = formatNumber(other.value);
    slider.setAttribute("aria-valuetext", formatNumber(slider.value));
    scheduleUpdate();
  });
}
updateSliders();
if (sliders.length) {
  for (const field of [center, width]) field.addEventListener("input", () => { updateSliders(); scheduleUpdate(); });
  form.elements.invert.addEventListener("change", scheduleUpdate);
}
form.querySelectorAll("[data-preset]").forEach((link) =>
  link.addEventListener("click", (event) => {
    event.preventDefault();
    center.value = link.dataset.center ?? "";
    width.value = link.dataset.width ?? "";
    updateSliders();
    scheduleUpdate();
    status.textContent = link.textContent;
  }),
);
takeForm.querySelectorAll("[type=hidden]:not([name=csrfmiddlewaretoken])").forEach((field) => { field.dataset.taken = ""; });
const showButton = form.querySelector("[data-show]");
// Another frame has other presets, so it needs a page load.
showButton.querySelector("button").textContent = form.elements.frame?.type === "number" ? gettext("Show this frame") : gettext("Show");
showButton.hidden = form.elements.frame?.type !== "number";

/** Load the thumbnails one after the other: the server unpacks a compressed frame on its first request. */
async function loadThumbnails() {
  const placeholders = [...document.querySelectorAll("[data-small]")];
  const progress = document.querySelector("[data-progress]");
  placeholders.forEach((placeholder) => { placeholder.hidden = false; });
  if (progress) progress.hidden = false;
  for (const [ready, placeholder] of placeholders.entries()) {
    progress.querySelector("progress").value = ready;
    progress.querySelector("[data-progress-text]").textContent = format(
      gettext("%(count)s of %(total)s thumbnails are ready"), { count: ready, total: placeholders.length },
    );
    const image = Object.assign(new Image(160, 160), { alt: "", src: placeholder.dataset.small });
    await image.decode().catch(() => { image.alt = gettext("This frame is damaged."); });
    placeholder.replaceWith(image);
  }
  if (progress) progress.hidden = true;
}

loadThumbnails();
