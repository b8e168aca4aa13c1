// Zoom and pan: the picture grows inside a scrolling frame, so that markers and handles keep their size.

import { format, gettext } from "../i18n.js";
import { clamp } from "./geometry.js";

const LEVELS = [1, 1.5, 2, 3, 4, 6, 8];
const MARGIN = 24; // pixels around a position that is brought into view

export function startZoom(root, say) {
  const frame = root.querySelector("[data-frame]");
  const stage = root.querySelector("[data-stage]");
  const tools = root.querySelector("[data-zoom]");
  const level = root.querySelector("[data-zoom-level]");
  const buttons = Object.fromEntries(["out", "fit", "in"].map((name) => [name, root.querySelector(`[data-do=zoom-${name}]`)]));
  let zoom = 1;

  function show() {
    level.textContent = format(gettext("%(percent)s%"), { percent: Math.round(zoom * 100) });
    // Disabling the focused button would lose the focus.
    buttons.out.disabled = zoom === LEVELS[0] && document.activeElement !== buttons.out;
    buttons.in.disabled = zoom === LEVELS.at(-1) && document.activeElement !== buttons.in;
    frame.classList.toggle("is-zoomed", zoom > 1);
  }

  // Keep the position under ``at`` (pixels in the frame, by default its middle) where it is.
  function set(next, at = { x: frame.clientWidth / 2, y: frame.clientHeight / 2 }) {
    const factor = next / zoom;
    const [left, top] = [(frame.scrollLeft + at.x) * factor - at.x, (frame.scrollTop + at.y) * factor - at.y];
    zoom = next;
    stage.style.setProperty("--zoom", `${zoom}`);
    frame.scrollTo({ left, top, behavior: "instant" });
    show();
  }

  function step(by, at) {
    const index = clamp(LEVELS.indexOf(zoom) + by, 0, LEVELS.length - 1);
    if (LEVELS[index] !== zoom) set(LEVELS[index], at);
    say(level.textContent);
  }

  // Scroll the frame so that a position, in percent of the picture, is in view.
  function reveal({ x, y }) {
    const [left, top] = [(stage.clientWidth * x) / 100, (stage.clientHeight * y) / 100];
    frame.scrollTo({
      left: clamp(frame.scrollLeft, left + MARGIN - frame.clientWidth, Math.max(0, left - MARGIN)),
      top: clamp(frame.scrollTop, top + MARGIN - frame.clientHeight, Math.max(0, top - MARGIN)),
      behavior: "instant",
    });
  }

  function onWheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const area = frame.getBoundingClientRect();
    step(event.deltaY < 0 ? 1 : -1, { x: event.clientX - area.left, y: event.clientY - area.top });
  }

  function onKeyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") step(1);
    else if (event.key === "-") step(-1);
    else if (event.key === "0") step(-LEVELS.length);
    else return;
    event.preventDefault();
  }

  buttons.in.addEventListener("click", () => step(1));
  buttons.out.addEventListener("click", () => step(-1));
  buttons.fit.addEventListener("click", () => step(-LEVELS.length));
  Object.values(buttons).forEach((button) => button.addEventListener("blur", show));
  frame.addEventListener("wheel", onWheel, { passive: false });
  frame.addEventListener("keydown", onKeyDown);
  tools.hidden = false;
  show();
  return { reveal, pan: (x, y) => frame.scrollBy({ left: -x, top: -y, behavior: "instant" }), isZoomed: () => zoom > 1 };
}
