// Sliders for the window of a DICOM frame; the server draws each picture.

import { format, gettext } from "../i18n.js";

const PAUSE = 150;
const STEPS = 400;
const form = document.querySelector("[data-window]");
const take = document.querySelector("[data-take]");
const button = document.querySelector("[data-take-button]");
const shown = document.querySelector("[data-shown]");
const refusal = document.querySelector("[data-refusal]");
const said = form.querySelector("[data-said]");
const center = form.elements.center;
const width = form.elements.width;
const slides = [...form.querySelectorAll("[data-slide]")];
let timer = 0;

const tidy = (value) => String(Number(Number(value).toPrecision(6)));

/** Return the filled-in fields. */
function fields() {
  return new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
}

function later() {
  clearTimeout(timer);
  // Staff can only take the picture that is shown, so disable the button while one is loading.
  button.disabled = true;
  timer = setTimeout(show, PAUSE);
}

function show() {
  const wanted = fields();
  shown.src = `${shown.dataset.address}?${wanted}`;
  shown.dataset.wanted = wanted.toString();
}

shown.addEventListener("load", () => {
  if (shown.dataset.wanted === undefined) return;
  take.querySelectorAll("[data-taken]").forEach((field) => field.remove());
  for (const [name, value] of new URLSearchParams(shown.dataset.wanted)) {
    const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
    field.dataset.taken = "";
    take.append(field);
  }
  button.disabled = false;
  refusal.hidden = true;
  document.querySelectorAll("[data-frame]").forEach((link) => {
    const address = fields();
    address.set("frame", link.dataset.frame);
    link.href = `?${address}`;
  });
});

shown.addEventListener("error", async () => {
  const answer = await fetch(shown.src, { headers: { Accept: "application/json" } }).catch(() => null);
  const told = answer ? await answer.json().catch(() => null) : null;
  refusal.textContent = told?.error ?? gettext("The picture cannot be shown. Check that you are connected and signed in.");
  refusal.hidden = false;
});

/** Move the sliders to the typed numbers, or to the frame's own window without numbers. */
function follow() {
  for (const slide of slides) {
    const span = Number(slide.dataset.span);
    const own = slide.dataset.slide === "center" ? Number(slide.dataset.middle) : span;
    const typed = form.elements[slide.dataset.slide].value;
    slide.value = typed === "" ? own : Number(typed);
    slide.setAttribute("aria-valuetext", tidy(slide.value));
  }
}

for (const slide of slides) {
  const span = Number(slide.dataset.span) || 1;
  const middle = Number(slide.dataset.middle ?? 0);
  slide.min = slide.dataset.slide === "center" ? middle - span / 2 : span / STEPS;
  slide.max = slide.dataset.slide === "center" ? middle + span / 2 : span;
  slide.step = span / STEPS;
  slide.hidden = false;
  slide.addEventListener("input", () => {
    for (const other of slides) form.elements[other.dataset.slide].value = tidy(other.value);
    slide.setAttribute("aria-valuetext", tidy(slide.value));
    later();
  });
}
follow();
if (slides.length) {
  for (const field of [center, width]) field.addEventListener("input", () => { follow(); later(); });
  form.elements.invert.addEventListener("change", later);
}
form.querySelectorAll("[data-preset]").forEach((link) =>
  link.addEventListener("click", (event) => {
    event.preventDefault();
    center.value = link.dataset.center ?? "";
    width.value = link.dataset.width ?? "";
    follow();
    later();
    said.textContent = link.textContent;
  }),
);
take.querySelectorAll("[type=hidden]:not([name=csrfmiddlewaretoken])").forEach((field) => { field.dataset.taken = ""; });
const plain = form.querySelector("[data-show]");
// Another frame has other presets, so it needs a page load.
plain.querySelector("button").textContent = form.elements.frame?.type === "number" ? gettext("Show this frame") : gettext("Show");
plain.hidden = form.elements.frame?.type !== "number";

/** Load the thumbnails one after the other: the server unpacks a compressed frame on its first request. */
async function small() {
  const places = [...document.querySelectorAll("[data-small]")];
  const bar = document.querySelector("[data-progress]");
  places.forEach((place) => { place.hidden = false; });
  if (bar) bar.hidden = false;
  for (const [ready, place] of places.entries()) {
    bar.querySelector("progress").value = ready;
    bar.querySelector("[data-progress-text]").textContent = format(
      gettext("%(count)s of %(total)s thumbnails are ready"), { count: ready, total: places.length },
    );
    const image = Object.assign(new Image(160, 160), { alt: "", src: place.dataset.small });
    await image.decode().catch(() => { image.alt = gettext("This frame is damaged."); });
    place.replaceWith(image);
  }
  if (bar) bar.hidden = true;
}

small();
