// The divider between text and preview: moved by mouse or arrow keys; its position is stored in this browser.

import { remember, remembered } from "../user_storage.js";

const NAME = "split";
const STEP = 2; // percent
const [LEAST, MOST] = [30, 70];
const USUAL = 60; // room for the text next to a phone

export function startDivider(editor, area) {
  const line = editor.querySelector("[data-divider]");
  const put = (percent) => {
    const share = Math.round(Math.min(MOST, Math.max(LEAST, percent)));
    line.setAttribute("aria-valuenow", String(share));
    area.style.setProperty("--split", `${share}fr`);
    area.style.setProperty("--rest", `${100 - share}fr`);
    remember(NAME, String(share));
  };
  const now = () => Number(line.getAttribute("aria-valuenow"));
  line.addEventListener("keydown", (event) => {
    const percent = { ArrowLeft: now() - STEP, ArrowRight: now() + STEP, Home: LEAST, End: MOST }[event.key];
    if (percent === undefined) return;
    event.preventDefault();
    put(percent);
  });
  line.addEventListener("pointerdown", (event) => {
    line.setPointerCapture(event.pointerId);
    event.preventDefault();
    line.focus();
  });
  line.addEventListener("pointermove", (event) => {
    if (!line.hasPointerCapture(event.pointerId)) return;
    const { left, width } = line.parentElement.getBoundingClientRect();
    put((100 * (event.clientX - left)) / width);
  });
  line.addEventListener("dblclick", () => put(USUAL));
  put(Number(remembered(NAME)) || USUAL);
  line.hidden = false;
}
